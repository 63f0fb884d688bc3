package dev.herald.wiring;

import dev.herald.config.ConfigurationException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.model.Model;
import org.apache.camel.model.ProcessorDefinitionHelper;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.SendDefinition;
import org.apache.camel.support.PatternHelper;

/**
 * What the flow must have, however it is edited: you may add routes and move them between files,
 * but a route that is called, by Java, by the contract or by another route, must be there, and so
 * must the statements that routes run. Checked before any route starts.
 */
final class FlowCheck {
  /** Routes without which nothing is delivered or tidied up, and the files that had them. */
  private static final Map<String, String> NEEDED =
      new TreeMap<>(
          Map.of(
              "dispatch-tick", "dispatch.camel.yaml",
              "housekeeping", "housekeeping.camel.yaml"));

  /** What Java calls, and the files that had the routes. */
  private static final Map<String, String> CALLED =
      new TreeMap<>(
          Map.of(
              "direct:store-messages", "intake.camel.yaml",
              "direct:find-request", "intake.camel.yaml",
              "direct:record-outcomes", "record.camel.yaml"));

  /** Where a claim and a message enter, whatever the routes are called. */
  private static final Map<String, String> ENTERED =
      new TreeMap<>(
          Map.of(
              "dispatch-batch", "dispatch.camel.yaml",
              "deliver-message", "deliver.camel.yaml"));

  private static final String STATEMENT = "sql:file:";

  private final List<RouteDefinition> routes;
  private final Set<String> entrances;
  private final Model flow;
  private final List<String> faults = new ArrayList<>();

  private FlowCheck(Model flow) {
    this.flow = flow;
    this.routes = flow.getRouteDefinitions();
    this.entrances =
        routes.stream()
            .map(route -> withoutOptions(route.getInput().getEndpointUri()))
            .collect(Collectors.toSet());
  }

  /**
   * @param flow with its routes, which have not started
   * @param operations the operations of the contract that routes answer, by id
   * @throws ConfigurationException naming everything that is missing
   */
  static void check(Model flow, Collection<String> operations) {
    if (flow.getRouteDefinitions().isEmpty()) {
      throw new ConfigurationException(
          "camel.main.routes-include-pattern finds no route; start Herald in the folder that has"
              + " routes/");
    }
    FlowCheck check = new FlowCheck(flow);
    check.needed();
    check.called(operations);
    check.targets();
    check.statements();
    check.configurations();
    ConfigurationException.throwIfAny(check.faults);
  }

  private void needed() {
    Set<String> ids = routes.stream().map(RouteDefinition::getRouteId).collect(Collectors.toSet());
    NEEDED.forEach(
        (id, file) -> {
          if (!ids.contains(id)) {
            faults.add(
                "there is no route %s, which Herald needs; put it back, it was in routes/%s. If this node should not run it, keep it with autoStartup: false"
                    .formatted(id, file));
          }
        });
  }

  private void called(Collection<String> operations) {
    CALLED.forEach(
        (uri, file) -> entered(uri, "which Herald calls; put it back, it was in routes/" + file));
    ENTERED.forEach(
        (name, file) ->
            entered(
                "direct:" + name,
                "which every message passes; put it back, it was in routes/" + file));
    operations.stream()
        .sorted()
        .forEach(
            id ->
                entered(
                    "direct:" + id,
                    "the operation of openapi.yaml; add it or remove the operation"));
    if (flow.getRestDefinitions().stream().allMatch(rest -> rest.getOpenApi() == null)) {
      faults.add(
          "nothing serves openapi.yaml; put the rest element back, it was in routes/api.camel.yaml");
    }
  }

  private void entered(String uri, String why) {
    if (!entrances.contains(uri)) {
      faults.add("no route starts with %s, %s".formatted(uri, why));
    }
  }

  private void targets() {
    if (entrances.stream().anyMatch(uri -> uri.contains("{{"))) {
      return; // Such as of a route template: it is Camel that knows where it starts.
    }
    Set<String> missing = new TreeSet<>();
    for (RouteDefinition route : routes) {
      uris(route)
          .filter(uri -> uri.startsWith("direct:") || uri.equals("seda:push-outcomes"))
          .filter(uri -> !uri.contains("{{") && !entrances.contains(uri))
          .forEach(
              uri ->
                  missing.add(
                      "%s calls %s, but no route starts with that; put that route back"
                          .formatted(name(route), uri)));
    }
    faults.addAll(missing);
  }

  private void statements() {
    Set<String> missing = new TreeSet<>();
    for (RouteDefinition route : routes) {
      uris(route)
          .filter(uri -> uri.startsWith(STATEMENT) && !uri.contains("{{"))
          .map(uri -> uri.substring(STATEMENT.length()))
          .filter(file -> !Files.isReadable(Path.of(file)))
          .forEach(
              file ->
                  missing.add(
                      "%s runs %s, which cannot be read; put the file back"
                          .formatted(name(route), file)));
    }
    faults.addAll(missing);
  }

  private void configurations() {
    for (RouteDefinition route : routes) {
      String names = route.getRouteConfigurationId() == null ? "" : route.getRouteConfigurationId();
      for (String name : names.split(",")) {
        if (!names.isEmpty()
            && !name.contains("{{")
            && flow.getRouteConfigurationDefinitions().stream()
                .noneMatch(one -> PatternHelper.matchPattern(one.getId(), name))) {
          faults.add(
              "%s names the route configuration %s, which is not there; put it back"
                  .formatted(name(route), name));
        }
      }
    }
  }

  /** Where a route sends to, without options. */
  private static Stream<String> uris(RouteDefinition route) {
    return ProcessorDefinitionHelper.filterTypeInOutputs(route.getOutputs(), SendDefinition.class)
        .stream()
        .map(step -> withoutOptions(step.getEndpointUri()));
  }

  private static String name(RouteDefinition route) {
    return route.getRouteId() == null
        ? "the route from " + withoutOptions(route.getInput().getEndpointUri())
        : "route " + route.getRouteId();
  }

  private static String withoutOptions(String uri) {
    int question = uri.indexOf('?');
    return (question < 0 ? uri : uri.substring(0, question)).replaceFirst("^(\\w+):/{1,2}", "$1:");
  }
}
