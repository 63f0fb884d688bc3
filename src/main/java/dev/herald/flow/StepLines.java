package dev.herald.flow;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.camel.model.ModelLifecycleStrategySupport;
import org.apache.camel.model.OptionalIdentifiedDefinition;
import org.apache.camel.model.RouteDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts right where a step is that stands on one line, {@code - to: {uri: x}}: Camel gives it the
 * line before. Stateless.
 */
final class StepLines extends ModelLifecycleStrategySupport {
  private static final Logger LOG = LoggerFactory.getLogger(StepLines.class);

  @Override
  public void onAddRouteDefinition(RouteDefinition route) {
    correct(route);
  }

  /** To be called once, before the route is created. */
  static void correct(RouteDefinition route) {
    if (route.getResource() == null) {
      return;
    }
    try (InputStream in = route.getResource().getInputStream()) {
      List<String> lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
      correct(route, lines);
      new RoutePart(route).steps().forEach(step -> correct(step, lines));
    } catch (IOException e) {
      LOG.debug("The lines of {} stay as they are", route.getResource().getLocation(), e);
    }
  }

  private static void correct(OptionalIdentifiedDefinition<?> step, List<String> lines) {
    int line = step.getLineNumber();
    if (line > 0 && line < lines.size()) {
      Pattern begins = Pattern.compile("\\b" + step.getShortName() + ":\\s*(#.*)?$");
      Pattern stands = Pattern.compile("\\b" + step.getShortName() + ":\\s+[^\\s#]");
      if (!begins.matcher(lines.get(line - 1)).find() && stands.matcher(lines.get(line)).find()) {
        step.setLineNumber(line + 1);
      }
    }
  }
}
