package dev.herald.flow;

import dev.herald.problem.Fault;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.NoSuchEndpointException;
import org.apache.camel.model.BeanDefinition;
import org.apache.camel.model.ExpressionNode;
import org.apache.camel.model.ProcessDefinition;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.language.MethodCallExpression;
import org.apache.camel.util.StringHelper;

/**
 * Finds the endpoints, beans and methods of steps, each by itself: Camel stops at the first that is
 * not there, and names no line.
 */
final class StepCheck {
  private static final Pattern BEAN = Pattern.compile("^bean:/{0,2}(\\w+)\\?.*?method=(\\w+)");

  private final CamelContext camel;
  private final Function<String, Object> beans;
  private final Function<Throwable, String> reason;
  private final Set<String> used = new TreeSet<>();
  private final List<Fault> faults = new ArrayList<>();

  /**
   * @param beans returns the bean that a live route would get, or null
   * @param reason tells a failure in words that anybody may read
   */
  StepCheck(
      CamelContext camel, Function<String, Object> beans, Function<Throwable, String> reason) {
    this.camel = camel;
    this.beans = beans;
    this.reason = reason;
  }

  /** The beans that steps use: {@code name} or {@code name.method}. */
  Set<String> used() {
    return used;
  }

  /** What is wrong with a route. */
  List<Fault> check(RoutePart route) {
    faults.clear();
    checkEndpoint(route, route.uri(), route.line());
    checkAutoStartup(route);
    for (RoutePart.Target target : route.targets()) {
      checkEndpoint(route, target.uri(), target.line());
      Matcher bean = BEAN.matcher(target.uri());
      if (bean.find()) {
        used.add(bean.group(1));
        used.add(bean.group(1) + "." + bean.group(2));
      }
    }
    route.steps().forEach(step -> checkBeans(route, step));
    return List.copyOf(faults);
  }

  private void checkEndpoint(RoutePart route, String uri, int line) {
    if (uri == null || uri.isBlank()) {
      faults.add(
          route.fault(
              line, "%s has a step or a start without a uri; write one".formatted(route.name())));
      return;
    }
    try {
      camel.getEndpoint(uri);
    } catch (NoSuchEndpointException e) {
      faults.add(
          route.fault(
              line,
              "%s uses %s, but there is no component %s; correct the name, or add its jar to lib/"
                  .formatted(
                      route.name(),
                      RoutePart.withoutOptions(uri),
                      StringHelper.before(uri, ":", uri))));
    } catch (Exception | LinkageError e) {
      faults.add(
          route.fault(
              line,
              "%s cannot use the endpoint %s: %s"
                  .formatted(route.name(), RoutePart.withoutOptions(uri), reason.apply(e))));
    }
  }

  private void checkAutoStartup(RoutePart route) {
    String written = route.definition().getAutoStartup();
    if (written == null) {
      return;
    }
    String says;
    try {
      says = camel.resolvePropertyPlaceholders(written);
    } catch (Exception e) {
      says = written;
    }
    if (!says.equals("true") && !says.equals("false")) {
      faults.add(
          route.fault(
              route.line(),
              "%s has autoStartup: %s; write true or false".formatted(route.name(), says)));
    }
  }

  private void checkBeans(RoutePart route, ProcessorDefinition<?> step) {
    if (step instanceof BeanDefinition bean) {
      checkBean(route, step, bean.getRef(), bean.getBeanType(), bean.getMethod());
    } else if (step instanceof ProcessDefinition process) {
      checkBean(route, step, process.getRef(), null, null);
    } else if (step instanceof ExpressionNode node
        && node.getExpression() instanceof MethodCallExpression call) {
      checkBean(route, step, call.getRef(), call.getBeanTypeName(), call.getMethod());
    }
  }

  private void checkBean(
      RoutePart route, ProcessorDefinition<?> step, String ref, String type, String method) {
    if (ref == null || type != null || ref.contains("{{") || ref.contains(":")) {
      return;
    }
    String name = StringHelper.removeStartingCharacters(ref, '#');
    Object bean = beans.apply(name);
    if (bean == null) {
      faults.add(
          route.fault(
              step.getLineNumber(),
              "%s uses the bean %s, which is not there; write the name of one that is"
                  .formatted(route.name(), name)));
      return;
    }
    used.add(name);
    String called = method == null ? null : StringHelper.before(method, "(", method).strip();
    if (called == null || called.isEmpty() || called.contains("{{")) {
      return;
    }
    used.add(name + "." + called);
    if (Arrays.stream(bean.getClass().getMethods())
        .map(Method::getName)
        .noneMatch(called::equals)) {
      faults.add(
          route.fault(
              step.getLineNumber(),
              "%s calls the method %s of bean %s, which has none of that name"
                  .formatted(route.name(), called, name)));
    }
  }
}
