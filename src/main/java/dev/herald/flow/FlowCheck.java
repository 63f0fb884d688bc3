package dev.herald.flow;

import dev.herald.problem.Fault;
import dev.herald.store.Statements;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.sql.DataSource;
import org.apache.camel.model.RouteConfigurationDefinition;
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

  /** The route that asks for claims. */
  static final String TICK = "dispatch-tick";

  private static final Pattern TIMER =
      Pattern.compile("^timer:[^?]*\\?(?=.*\\bperiod=[1-9][0-9]{0,4}(&|$))(?!.*repeatCount).*");

  /** Routes without which nothing is delivered or tidied up, and the files that had them. */
  private static final Map<String, String> NEEDED =
      new TreeMap<>(
          Map.of(
              TICK,
              "dispatch.camel.yaml",
              "housekeeping",
              "housekeeping.camel.yaml",
              "expire-messages",
              "housekeeping.camel.yaml"));

  /** What Java calls, and the files that had the routes. */
  static final Map<String, String> CALLED =
      new TreeMap<>(
          Map.of(
              "direct:store-messages", "intake.camel.yaml",
              "direct:find-request", "intake.camel.yaml",
              "direct:record-outcomes", "record.camel.yaml",
              "direct:remove-node", "overview.camel.yaml"));

  /** What Java calls if there is such a route: it gets the events. */
  static final String EVENTS = "direct:events";

  /** The entrance of the route that claims a batch. */
  static final String CLAIM = RoutePart.DIRECT + "dispatch-batch";

  /** The entrance of the route that delivers a message. */
  static final String DELIVER = RoutePart.DIRECT + "deliver-message";

  /** Where a claim and a message enter, whatever the routes are called. */
  private static final Map<String, String> ENTERED =
      new TreeMap<>(Map.of(CLAIM, "dispatch.camel.yaml", DELIVER, "deliver.camel.yaml"));

  /** Beans and methods without which messages are claimed and not delivered, or not recorded. */
  private static final Map<String, String> USED =
      new TreeMap<>(
          Map.of(
              "claimPlanner.next", "dispatch.camel.yaml",
              "claimPlanner.claimed", "dispatch.camel.yaml",
              "gate", "dispatch.camel.yaml",
              "recorder.recorded", "record.camel.yaml"));

  private static final Fault AWAY =
      Fault.of(
          "PostgreSQL does not respond, so the statements cannot be checked; try again when it does");

  private final Rehearsal flow;
  private final FlowFiles files;
  private final List<RoutePart> routes;
  private final Set<String> entrances;
  private final List<Fault> faults = new ArrayList<>();
  private final Set<String> seen = new HashSet<>();
  private final Set<DataSource> away = new HashSet<>();

  private FlowCheck(Rehearsal flow, FlowFiles files) {
    this.flow = flow;
    this.files = files;
    this.routes = flow.routes();
    this.entrances = routes.stream().map(RoutePart::entrance).collect(Collectors.toSet());
  }

  /**
   * Returns what is wrong, all of it at once; nothing if the flow can run.
   *
   * @param api the contract
   * @param samples for the statements; nothing without a database to ask
   */
  static List<Fault> check(Rehearsal flow, FlowFiles files, Flow.Api api, Optional<Samples> samples)
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
      check.ticks();
      check.called(api);
      check.outsideContract(api);
      check.passedOn();
      check.targets();
    }
    check.statements(samples.isPresent());
    check.configurations();
    if (readable) {
      check.used();
    }
    if (check.faults.isEmpty()) {
      if (samples.isPresent()) {
        check.works(samples.get());
      }
      check.delivers();
    }
    return check.faults;
  }

  /** Whether Java enters a route here. */
  static boolean calledByJava(String entrance) {
    return CALLED.containsKey(entrance) || EVENTS.equals(entrance);
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

  private void ticks() {
    routes.stream()
        .filter(route -> TICK.equals(route.id()) && !TIMER.matcher(route.uri()).matches())
        .forEach(
            route ->
                faults.add(
                    route.fault(
                        route.line(),
                        "%s must start with a timer that goes on, with a period in milliseconds below 100000, as it came: period: 1"
                            .formatted(route.name()))));
  }

  private void called(Flow.Api api) {
    CALLED.forEach(
        (uri, file) -> entered(uri, "which Herald calls; put it back, it was in routes/" + file));
    ENTERED.forEach(
        (uri, file) ->
            entered(uri, "which every message passes; put it back, it was in routes/" + file));
    if (api.events()) {
      entered(
          EVENTS,
          "which events.enabled needs; name a file with one in routes.include, like examples/events/kafka.camel.yaml, or set events.enabled=false");
    }
    api.operations().stream()
        .sorted()
        .forEach(
            id ->
                entered(
                    RoutePart.DIRECT + id,
                    "the operation of openapi.yaml; add it or remove the operation"));
    if (!flow.servesContract()) {
      faults.add(
          Fault.of(
              "nothing serves openapi.yaml; put the rest element back, it was in routes/api.camel.yaml"));
    }
  }

  /** What the contract has is answered by its operations only. */
  private void outsideContract(Flow.Api api) {
    for (RoutePart route : routes) {
      String path = route.isHttp() ? route.entrance().substring(HttpEntrance.HTTP.length()) : null;
      if (path != null && api.has().test(path)) {
        faults.add(
            route.fault(
                route.line(),
                "%s starts at %s, which belongs to the API of openapi.yaml; choose a path outside of it"
                    .formatted(route.name(), path)));
      }
    }
  }

  /** A failure and a stop must reach who calls: Java, or the route of a claimed message. */
  private void passedOn() {
    Set<RoutePart> claimed = flow.reached(ENTERED.keySet());
    Set<RoutePart> all = flow.reached(CALLED.keySet());
    all.addAll(flow.reached(Set.of(EVENTS)));
    all.addAll(claimed);
    for (RoutePart route : all) {
      if (!passesErrors(route)) {
        faults.add(
            route.fault(
                route.line(),
                "%s must tell its caller when a step fails, or a failure looks like success; write routeConfigurationId: propagate-errors"
                    .formatted(route.name())));
      }
    }
    for (RoutePart route : routes) {
      String group =
          claimed.contains(route) ? "delivery" : TICK.equals(route.id()) ? "claim" : null;
      if (group != null && !route.group().equals(group)) {
        faults.add(
            route.fault(
                route.line(),
                "%s is on the way of every message, so claims must pause while it is stopped; write group: %s"
                    .formatted(route.name(), group)));
      }
    }
  }

  private void entered(String uri, String why) {
    if (!entrances.contains(uri)) {
      faults.add(Fault.of("no route starts with %s, %s".formatted(uri, why)));
    }
  }

  private boolean passesErrors(RoutePart route) {
    if (route.definition().getErrorHandlerFactory() instanceof NoErrorHandlerDefinition) {
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

  private void targets() {
    if (entrances.stream().anyMatch(uri -> uri.contains("{{"))) {
      return; // Such as of a route template: it is Camel that knows where it starts.
    }
    for (RoutePart route : routes) {
      for (RoutePart.Target target : route.targets()) {
        String uri = target.entrance();
        if ((uri.startsWith(RoutePart.DIRECT) || uri.equals("seda:push-outcomes"))
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

  /**
   * @param ask whether to ask the database about them
   */
  private void statements(boolean ask) {
    for (RoutePart route : routes) {
      route.statements().forEach(target -> statement(route, target, ask));
    }
  }

  private void statement(RoutePart route, RoutePart.Target target, boolean ask) {
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
    for (String part : files.partsOf(file)) {
      if (files.statement(part).isEmpty()) {
        faults.add(
            Fault.in(
                file, 0, "has \\i %s, which cannot be read; put the file back".formatted(part)));
      } else if (!files.partsOf(part).isEmpty()) {
        faults.add(Fault.in(part, 0, "is a part of %s, so it can have no \\i".formatted(file)));
      }
    }
    Statements.Parsed parsed = Statements.parse(text.get());
    if (text.get().startsWith("\uFEFF")) {
      faults.add(Fault.in(file, 1, "begins with a byte order mark; save it as UTF-8 without one"));
    } else if (parsed.sql().isBlank()) {
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
    } else if (ask) {
      flow.sourceOf(file).ifPresent(source -> ask(file, source, parsed.sql()));
    }
  }

  private void ask(String file, DataSource source, String sql) {
    if (away.contains(source)) {
      return;
    }
    try {
      Statements.refusal(source, sql)
          .ifPresent(wrong -> faults.add(Fault.in(file, 0, "PostgreSQL refuses it: " + wrong)));
    } catch (SQLException e) {
      away.add(source);
      if (flow.isHeralds(source) && !faults.contains(AWAY)) {
        faults.add(AWAY);
      }
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

  private void works(Samples samples) throws InterruptedException {
    try {
      faults.addAll(StatementTrial.faults(flow, samples));
    } catch (SQLException e) {
      faults.add(AWAY);
    }
  }

  private void delivers() throws InterruptedException {
    Rehearsal.Run run = flow.run(Verdict.sample(SAMPLE_NUMBER, "A sample message", null, Map.of()));
    new Verdict(flow, run, "a sample message").fault(true).ifPresent(faults::add);
  }
}
