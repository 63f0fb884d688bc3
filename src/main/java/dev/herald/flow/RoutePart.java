package dev.herald.flow;

import dev.herald.problem.Fault;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.component.platform.http.spi.Method;
import org.apache.camel.model.EndpointRequiredDefinition;
import org.apache.camel.model.OptionalIdentifiedDefinition;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.ProcessorDefinitionHelper;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;
import org.apache.camel.model.ToDynamicDefinition;

/** A route of a flow: where it starts, what it calls and what it runs. */
record RoutePart(RouteDefinition definition) {
  /** How the entrance of a route begins that others call. */
  static final String DIRECT = "direct:";

  private static final String STATEMENT = "sql:file:";

  private static final Pattern PARAMETERS_COUNT = Pattern.compile("[?&]parametersCount=(\\d{1,6})");

  private static final Pattern METHODS = Pattern.compile("[?&]httpMethodRestrict=([^&]*)");

  /** Steps that find out at run time where they send to. */
  private static final Set<String> DYNAMIC =
      Set.of("recipientList", "routingSlip", "dynamicRouter", "enrich", "pollEnrich");

  static List<RoutePart> of(Collection<RouteDefinition> routes) {
    return routes.stream().map(RoutePart::new).toList();
  }

  /** Null before the route is created, unless the file gives one. */
  String id() {
    return definition.getRouteId();
  }

  /** The name of its file; null for a route that Camel made. */
  String file() {
    return definition.getResource() == null
        ? null
        : FlowFiles.name(definition.getResource().getLocation());
  }

  int line() {
    return definition.getLineNumber();
  }

  /** Its group; empty without one. */
  String group() {
    return Objects.requireNonNullElse(definition.getGroup(), "");
  }

  /** How a fault calls it. */
  String name() {
    return id() == null ? "the route from " + entrance() : "route " + id();
  }

  /** How a fault calls a step: by its id, or else by what it is. */
  static String name(ProcessorDefinition<?> step) {
    return step.hasCustomIdAssigned() ? step.getId() : step.getShortName();
  }

  /**
   * What is wrong with it.
   *
   * @param line of a step; the route's own stands for one that is not known
   */
  Fault fault(int line, String detail) {
    return Fault.in(file(), line > 0 ? line : line(), detail);
  }

  /** The endpoint that it starts with; empty without one. */
  String uri() {
    return definition.getInput() == null
        ? ""
        : Objects.requireNonNullElse(definition.getInput().getEndpointUri(), "");
  }

  /** The endpoint that it starts with, without options. */
  String entrance() {
    return HttpEntrance.name(withoutOptions(uri()));
  }

  boolean isDirect() {
    return entrance().startsWith(DIRECT);
  }

  boolean isHttp() {
    return entrance().startsWith(HttpEntrance.HTTP);
  }

  /** What only one route can take: its {@code direct:} entrance, or its HTTP path by method. */
  Set<String> takes() {
    if (isDirect()) {
      return Set.of(entrance());
    }
    if (!isHttp()) {
      return Set.of();
    }
    Matcher methods = METHODS.matcher(uri());
    String path = entrance().replaceAll("\\{[^/}]*}", "{}");
    return Method.parseList(methods.find() ? methods.group(1) : null).stream()
        .map(method -> method + " " + path)
        .collect(Collectors.toSet());
  }

  /** Whether who enters it passes the turnstile. */
  boolean isEntered() {
    return isDirect() || isHttp();
  }

  /** All its steps, in the order of the file. */
  List<ProcessorDefinition<?>> steps() {
    List<ProcessorDefinition<?>> steps = new ArrayList<>();
    for (Object step :
        ProcessorDefinitionHelper.filterTypeInOutputs(
            definition.getOutputs(), ProcessorDefinition.class)) {
      steps.add((ProcessorDefinition<?>) step);
    }
    return steps;
  }

  /** Where it sends to. */
  List<Target> targets() {
    return steps().stream()
        .filter(SendDefinition.class::isInstance)
        .map(step -> new Target(((SendDefinition<?>) step).getEndpointUri(), step))
        .toList();
  }

  /** The entrances of the routes that it calls. */
  Set<String> directs() {
    return targets().stream()
        .map(Target::entrance)
        .filter(uri -> uri.startsWith(DIRECT))
        .collect(Collectors.toSet());
  }

  /** The routes that each of these sends to, in the order of its steps, by their ids. */
  static Map<String, List<String>> calls(List<RoutePart> routes) {
    Map<String, String> entrances = new HashMap<>();
    routes.forEach(route -> entrances.put(route.entrance(), route.id()));
    Map<String, List<String>> calls = new HashMap<>();
    for (RoutePart route : routes) {
      calls.put(
          route.id(),
          route.targets().stream()
              .map(target -> entrances.get(target.entrance()))
              .filter(Objects::nonNull)
              .distinct()
              .toList());
    }
    return calls;
  }

  /** Whether it has a step that may send to any route. */
  boolean callsAnything() {
    return steps().stream()
        .anyMatch(
            step ->
                step instanceof ToDynamicDefinition
                    || DYNAMIC.contains(step.getShortName())
                    || (step instanceof EndpointRequiredDefinition send
                        && send.getEndpointUri().contains("{{")));
  }

  /** The files of the statements that it runs. */
  Stream<Target> statements() {
    return targets().stream().filter(target -> target.statement() != null);
  }

  static String withoutOptions(String uri) {
    int question = uri.indexOf('?');
    return (question < 0 ? uri : uri.substring(0, question)).replaceFirst("^(\\w+):/{1,2}", "$1:");
  }

  /**
   * A step that sends to an endpoint.
   *
   * @param uri with its options
   */
  record Target(String uri, OptionalIdentifiedDefinition<?> step) {
    String entrance() {
      return withoutOptions(uri);
    }

    /** The file of a statement; null for another endpoint, or if a placeholder names it. */
    String statement() {
      String entrance = entrance();
      return entrance.startsWith(STATEMENT) && !entrance.contains("{{")
          ? entrance.substring(STATEMENT.length())
          : null;
    }

    int line() {
      return step.getLineNumber();
    }

    /** The option of this name; -1 without one. */
    int parametersCount() {
      Matcher count = PARAMETERS_COUNT.matcher(uri);
      return count.find() ? Integer.parseInt(count.group(1)) : -1;
    }
  }
}
