package dev.herald.flow;

import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome;
import dev.herald.problem.Fault;
import dev.herald.store.Statements;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.apache.camel.ErrorHandlerFactory;
import org.apache.camel.model.RouteConfigurationDefinition;
import org.apache.camel.model.ThrowExceptionDefinition;
import org.apache.camel.model.errorhandler.NoErrorHandlerDefinition;
import org.apache.camel.support.PatternHelper;

/**
 * What a flow must have, however it is edited: you may add routes and move them between files, but
 * a route that is called, by Java, by the contract or by another route, must be there, and so must
 * the statements that routes run; and a message must get through.
 */
final class FlowCheck {
  /** The number that the sample message goes to. */
  static final String SAMPLE_NUMBER = "+905551234567";

  /** Routes without which nothing is delivered or tidied up, and the files that had them. */
  private static final Map<String, String> NEEDED =
      new TreeMap<>(
          Map.of(
              "dispatch-tick", "dispatch.camel.yaml",
              "housekeeping", "housekeeping.camel.yaml"));

  /** What Java calls, and the files that had the routes. */
  static final Map<String, String> CALLED =
      new TreeMap<>(
          Map.of(
              "direct:store-messages", "intake.camel.yaml",
              "direct:find-request", "intake.camel.yaml",
              "direct:record-outcomes", "record.camel.yaml"));

  private static final String DIRECT = "direct:";

  /** The entrance of the route that delivers a message. */
  static final String DELIVER = DIRECT + "deliver-message";

  /** Where a claim and a message enter, whatever the routes are called. */
  private static final Map<String, String> ENTERED =
      new TreeMap<>(
          Map.of(DIRECT + "dispatch-batch", "dispatch.camel.yaml", DELIVER, "deliver.camel.yaml"));

  /** Beans and methods without which messages are claimed and not delivered, or not recorded. */
  private static final Map<String, String> USED =
      new TreeMap<>(
          Map.of(
              "claimPlanner.next", "dispatch.camel.yaml",
              "claimPlanner.claimed", "dispatch.camel.yaml",
              "gate", "dispatch.camel.yaml",
              "recorder.recorded", "record.camel.yaml"));

  private final Rehearsal flow;
  private final FlowFiles files;
  private final List<RoutePart> routes;
  private final Set<String> entrances;
  private final List<Fault> faults = new ArrayList<>();
  private final Set<String> seen = new HashSet<>();

  private FlowCheck(Rehearsal flow, FlowFiles files) {
    this.flow = flow;
    this.files = files;
    this.routes = flow.routes();
    this.entrances = routes.stream().map(RoutePart::entrance).collect(Collectors.toSet());
  }

  /**
   * Returns what is wrong, all of it at once; nothing if the flow can run.
   *
   * @param operations the operations of the contract that routes answer, by id
   * @param database prepares a statement, and returns what PostgreSQL says against it
   */
  static List<Fault> check(
      Rehearsal flow,
      FlowFiles files,
      Collection<String> operations,
      BiFunction<DataSource, String, Optional<String>> database)
      throws InterruptedException {
    FlowCheck check = new FlowCheck(flow, files);
    check.faults.addAll(flow.faults());
    if (flow.routes().isEmpty() && check.faults.isEmpty()) {
      check.faults.add(
          Fault.of(
              "camel.main.routes-include-pattern finds no route; start Herald in the folder that"
                  + " has routes/"));
      return check.faults;
    }
    boolean readable = check.faults.isEmpty();
    if (flow.allRead()) {
      check.needed();
      check.called(operations);
      check.targets();
    }
    check.statements(database);
    check.configurations();
    if (readable) {
      check.used();
    }
    if (check.faults.isEmpty()) {
      check.delivers();
    }
    return check.faults;
  }

  private void needed() {
    Set<String> ids = routes.stream().map(RoutePart::id).collect(Collectors.toSet());
    NEEDED.forEach(
        (id, file) -> {
          if (!ids.contains(id)) {
            faults.add(
                Fault.of(
                    "there is no route %s, which Herald needs; put it back, it was in routes/%s. If this node should not run it, keep it with autoStartup: false"
                        .formatted(id, file)));
          }
        });
  }

  private void called(Collection<String> operations) {
    CALLED.forEach(
        (uri, file) -> entered(uri, "which Herald calls; put it back, it was in routes/" + file));
    ENTERED.forEach(
        (uri, file) ->
            entered(uri, "which every message passes; put it back, it was in routes/" + file));
    operations.stream()
        .sorted()
        .forEach(
            id ->
                entered(
                    "direct:" + id,
                    "the operation of openapi.yaml; add it or remove the operation"));
    if (!flow.servesContract()) {
      faults.add(
          Fault.of(
              "nothing serves openapi.yaml; put the rest element back, it was in routes/api.camel.yaml"));
    }
    routes.stream()
        .filter(
            route -> CALLED.containsKey(route.entrance()) || ENTERED.containsKey(route.entrance()))
        .filter(route -> !passesErrors(route))
        .forEach(
            route ->
                faults.add(
                    route.fault(
                        route.line(),
                        "%s must tell its caller when a step fails, or a failure looks like success; write routeConfigurationId: propagate-errors"
                            .formatted(route.name()))));
  }

  private void entered(String uri, String why) {
    if (!entrances.contains(uri)) {
      faults.add(Fault.of("no route starts with %s, %s".formatted(uri, why)));
    }
  }

  private boolean passesErrors(RoutePart route) {
    if (hasNoErrorHandler(route.definition().getErrorHandlerFactory())) {
      return true;
    }
    return configurations(route).stream()
        .flatMap(name -> matching(name).stream())
        .anyMatch(
            one ->
                one.getOnExceptions().isEmpty()
                    && one.getErrorHandler() != null
                    && one.getErrorHandler().getErrorHandlerType()
                        instanceof NoErrorHandlerDefinition);
  }

  private static boolean hasNoErrorHandler(ErrorHandlerFactory factory) {
    return factory instanceof NoErrorHandlerDefinition;
  }

  private void targets() {
    if (entrances.stream().anyMatch(uri -> uri.contains("{{"))) {
      return; // Such as of a route template: it is Camel that knows where it starts.
    }
    for (RoutePart route : routes) {
      for (RoutePart.Target target : route.targets()) {
        String uri = target.entrance();
        if ((uri.startsWith("direct:") || uri.equals("seda:push-outcomes"))
            && !uri.contains("{{")
            && !entrances.contains(uri)) {
          faults.add(
              route.fault(
                  target.line(),
                  "%s calls %s, but no route starts with that; put that route back"
                      .formatted(route.name(), uri)));
        }
      }
    }
  }

  private void statements(BiFunction<DataSource, String, Optional<String>> database) {
    for (RoutePart route : routes) {
      route.statements().forEach(target -> statement(route, target, database));
    }
  }

  private void statement(
      RoutePart route,
      RoutePart.Target target,
      BiFunction<DataSource, String, Optional<String>> database) {
    String file = target.statement();
    Optional<String> text = files.statement(file);
    if (text.isEmpty()) {
      faults.add(
          route.fault(
              target.line(),
              "%s runs %s, which cannot be read; put the file back".formatted(route.name(), file)));
      return;
    }
    if (!seen.add(file)) {
      return;
    }
    Statements.Parsed parsed = Statements.parse(text.get());
    if (parsed.sql().isBlank()) {
      faults.add(Fault.in(file, 0, "has no statement, and %s runs it".formatted(route.name())));
    } else if (parsed.stray() > 0) {
      faults.add(
          Fault.in(
              file,
              parsed.stray(),
              "has a # that is not part of a parameter like :#${variable.name}; camel-sql would take it for one"));
    } else if (target.parametersCount() >= 0 && target.parametersCount() != parsed.parameters()) {
      faults.add(
          route.fault(
              target.line(),
              "%s says parametersCount: %d, but %s has %d; correct it"
                  .formatted(route.name(), target.parametersCount(), file, parsed.parameters())));
    } else {
      flow.sourceOf(file)
          .flatMap(source -> database.apply(source, parsed.sql()))
          .ifPresent(wrong -> faults.add(Fault.in(file, 0, "PostgreSQL refuses it: " + wrong)));
    }
  }

  private void configurations() {
    for (RoutePart route : routes) {
      for (String name : configurations(route)) {
        if (!name.contains("{{") && matching(name).isEmpty()) {
          faults.add(
              route.fault(
                  route.line(),
                  "%s names the route configuration %s, which is not there; put it back"
                      .formatted(route.name(), name)));
        }
      }
    }
  }

  private static List<String> configurations(RoutePart route) {
    String names = route.definition().getRouteConfigurationId();
    return names == null || names.isBlank() ? List.of() : List.of(names.split(","));
  }

  private List<RouteConfigurationDefinition> matching(String name) {
    return flow.model().getRouteConfigurationDefinitions().stream()
        .filter(one -> one.getId() != null && PatternHelper.matchPattern(one.getId(), name))
        .toList();
  }

  private void used() {
    USED.forEach(
        (bean, file) -> {
          if (!flow.used().contains(bean)) {
            faults.add(
                Fault.of(
                    "no step uses %s, and without it messages are claimed and not delivered or recorded; put the step back, it was in routes/%s"
                        .formatted(bean.replace(".", ", method "), file)));
          }
        });
  }

  private void delivers() throws InterruptedException {
    Rehearsal.Run run = flow.run(sample(SAMPLE_NUMBER, "A sample message"));
    boolean decided = run.failure() != null && run.last() instanceof ThrowExceptionDefinition;
    if (!decided && (run.failure() != null || !(run.body() instanceof Outcome))) {
      faults.add(failed(flow, run));
    }
  }

  /** Why a message that was tried has no outcome. */
  static Fault failed(Rehearsal flow, Rehearsal.Run run) {
    RoutePart route =
        flow.routes().stream()
            .filter(one -> one.entrance().equals(DELIVER))
            .findFirst()
            .orElseThrow();
    String file = route.file();
    int line = route.line();
    if (run.last() != null && run.last().getLineNumber() > 0) {
      line = run.last().getLineNumber();
      file = flow.fileOf(run.last()).orElse(file);
    }
    String what =
        run.failure() == null
            ? "a sample message went through %s and ended without an outcome; its last step must be outcomeClassifier"
            : "a sample message failed in %s: " + flow.reason(run.failure());
    if (run.posts().isEmpty()) {
      what +=
          run.skipped().stream()
              .filter(uri -> uri.startsWith("http"))
              .findFirst()
              .map(
                  uri ->
                      "; if the POST is the step that calls %s, give it httpClient: \"#webhookClient\""
                          .formatted(uri))
              .orElse("");
    }
    return Fault.in(file, line, what.replace("%s", route.name()));
  }

  static ClaimedMessage sample(String phoneNumber, String content) {
    return new ClaimedMessage(
        new UUID(0, 1),
        new UUID(0, 2),
        phoneNumber,
        content,
        1,
        3,
        "sample",
        false,
        null,
        System.currentTimeMillis() * 1_000,
        null,
        false);
  }
}
