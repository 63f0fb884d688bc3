package dev.herald.flow;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.ServiceStatus;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.sql.SqlEndpoint;
import org.apache.camel.model.Model;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.support.PluginHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replaces routes while others run. First it makes the routes quiet that change and those that call
 * them: claims pause, calls wait at the {@link Turnstile}, what is in flight ends on the old flow.
 * Only then are they removed and the new ones added; a route that was stopped stays stopped. If
 * that fails, the old ones are put back. One at a time.
 */
public final class Swap {
  private static final Logger LOG = LoggerFactory.getLogger(Swap.class);

  /** Enough for a route in which nothing is in flight. */
  private static final long STOP_SECONDS = 5;

  /** How long calls may wait at the turnstile: each holds one of server.workers. */
  private static final Duration CALLS = Duration.ofSeconds(3);

  private static final String SEDA = "seda:";

  /** The groups of the routes that claim messages and that claimed messages pass. */
  private static final Set<String> CLAIMING = Set.of(RouteGroups.CLAIM, RouteGroups.DELIVERY);

  private final CamelContext camel;
  private final Loader loader;
  private final Quiet quiet;

  /** Whether each route ran before the first of the swaps that left the flow broken. */
  private final Map<String, Boolean> ranBefore = new HashMap<>();

  /** Route files that such a swap left broken. */
  private final Set<String> brokenFiles = new TreeSet<>();

  /** Work in flight did not end in time. Nothing has changed. */
  static final class Busy extends Exception {
    private static final long serialVersionUID = 1L;

    Busy(String message) {
      super(message, null, false, false);
    }
  }

  /** Neither the new flow runs whole nor the old one. */
  static final class Broken extends Exception {
    private static final long serialVersionUID = 1L;

    Broken(Exception cause) {
      super(cause.getMessage(), cause);
    }
  }

  /**
   * How routes are made quiet.
   *
   * @param turnstile where the API and Java enter routes
   * @param holdClaims true: no more claims from now on; false: claims go on
   * @param routes held by who starts, stops or swaps routes
   * @param patience how long work in flight may take to end
   */
  public record Quiet(
      Turnstile turnstile, Consumer<Boolean> holdClaims, Lock routes, Duration patience) {}

  Swap(CamelContext camel, Loader loader, Quiet quiet) {
    this.camel = camel;
    this.loader = loader;
    this.quiet = quiet;
  }

  /** Whether a swap has left routes broken, so that the next one must mend them. */
  boolean hasBroken() {
    return !brokenFiles.isEmpty();
  }

  /**
   * Swaps what differs, and what is broken.
   *
   * @param now what runs
   * @param next what shall run; it has been checked
   * @throws Busy if work in flight did not end in time
   * @throws Broken if neither flow could run whole
   * @throws Exception if the new flow could not run; the old one does again
   */
  void run(FlowFiles now, FlowFiles next) throws Exception {
    if (!quiet.routes().tryLock(quiet.patience().toMillis(), TimeUnit.MILLISECONDS)) {
      throw new Busy("somebody is starting or stopping a route");
    }
    try {
      new Change(now, next).make();
      brokenFiles.clear();
      ranBefore.clear();
    } finally {
      quiet.routes().unlock();
    }
  }

  /** One change, from what runs to what shall run. */
  private final class Change {
    private final FlowFiles now;
    private final FlowFiles next;
    private final Set<String> changed;

    /** The route files whose routes are replaced. */
    private final Set<String> files;

    private final List<RoutePart> old;
    private final List<RoutePart> touched;
    private final Map<String, Boolean> ran = new HashMap<>();
    private final Map<String, String> oldAutoStartup = new HashMap<>();

    /** Routes that were stopped so that they are quiet. */
    private final List<String> stopped = new ArrayList<>();

    private final long deadline = System.nanoTime() + quiet.patience().toNanos();

    Change(FlowFiles now, FlowFiles next) {
      this.now = now;
      this.next = next;
      changed = new TreeSet<>(next.changes(now));
      files = new TreeSet<>(brokenFiles);
      files.addAll(changed);
      for (FlowFiles flow : List.of(now, next)) {
        flow.routeFiles().stream()
            .filter(file -> flow.statementsIn(file).stream().anyMatch(changed::contains))
            .forEach(files::add);
      }
      List<RoutePart> live = live();
      old = live.stream().filter(route -> files.contains(route.file())).toList();
      touched = new ArrayList<>(old);
      touched.addAll(callers(live, old));
      live.forEach(route -> ran.put(route.id(), runs(route.id())));
      ran.putAll(ranBefore);
      old.forEach(route -> oldAutoStartup.put(route.id(), autoStartup(route.definition())));
    }

    void make() throws Exception {
      boolean replaced = false;
      try {
        awaitQuiet();
        replaced = true;
        replace();
      } finally {
        if (replaced) {
          old.forEach(route -> stopped.remove(route.id()));
        }
        goOn();
      }
    }

    /** What was only made quiet runs again. Throws nothing: another failure may be under way. */
    private void goOn() {
      try {
        Failures failures = new Failures();
        start(stopped, failures);
        failures
            .first()
            .ifPresent(
                failure -> {
                  LOG.error(
                      "{}; start it by POST /api/v1/routes/ID/start, or restart this node",
                      failure.getMessage());
                  LOG.debug("The trace", failure);
                });
      } finally {
        quiet.turnstile().open();
        quiet.holdClaims().accept(false);
      }
    }

    /** Waits until nothing is in flight in what is touched, and nothing can come in. */
    private void awaitQuiet() throws Exception {
      stopConsumers(route -> !isClaiming(route) && !isSeda(route));
      if (touched.stream().anyMatch(Swap::isClaiming)) {
        quiet.holdClaims().accept(true);
        for (RoutePart route : touched) {
          if (isClaiming(route) && !route.isEntered()) {
            awaitEmpty(route, deadline);
          }
        }
        stopConsumers(Swap::isClaiming);
      }
      Map<Boolean, List<String>> entrances =
          touched.stream()
              .filter(RoutePart::isEntered)
              .map(RoutePart::entrance)
              .collect(Collectors.partitioningBy(FlowCheck::calledByJava));
      long callsEnd = System.nanoTime() + CALLS.toNanos();
      for (boolean byJava : List.of(false, true)) {
        if (!quiet.turnstile().close(entrances.get(byJava), callsEnd)) {
          throw new Busy(
              "calls of %s did not end within %d seconds"
                  .formatted(String.join(", ", entrances.get(byJava)), CALLS.toSeconds()));
        }
      }
      for (RoutePart route : touched) {
        if (route.isEntered()) {
          awaitEmpty(route, callsEnd);
        }
      }
      stopConsumers(Swap::isSeda); // last: their queues get no more
    }

    private void stopConsumers(Predicate<RoutePart> which) throws Exception {
      for (RoutePart route : touched) {
        if (!route.isEntered() && which.test(route) && runs(route.id())) {
          long left = TimeUnit.NANOSECONDS.toSeconds(deadline - System.nanoTime());
          if (!stop(route.id(), Math.max(1, left))) {
            throw busy(route);
          }
          stopped.add(route.id());
        }
      }
    }

    private void awaitEmpty(RoutePart route, long end) throws Exception {
      while (camel.getInflightRepository().size(route.id()) > 0) {
        if (System.nanoTime() - end > 0) {
          throw busy(route);
        }
        TimeUnit.MILLISECONDS.sleep(5);
      }
    }

    private Busy busy(RoutePart route) {
      return new Busy("what %s had in flight did not end in time".formatted(route.name()));
    }

    private void replace() throws Exception {
      Exception failure;
      try {
        remove(old);
        add(next);
        return;
      } catch (Exception e) {
        failure = e;
        LOG.warn(
            "The new flow could not be put in place, and the old one is put back: {}",
            e.getMessage());
        LOG.debug("The trace", e);
      }
      try {
        remove(live().stream().filter(route -> files.contains(route.file())).toList());
        add(now);
      } catch (Exception back) {
        back.addSuppressed(failure);
        brokenFiles.addAll(files);
        ran.forEach(ranBefore::putIfAbsent);
        throw new Broken(back);
      }
      throw failure;
    }

    private void remove(List<RoutePart> routes) throws Exception {
      for (RoutePart route : routes) {
        if (!stop(route.id(), STOP_SECONDS)) {
          throw new IllegalStateException(route.name() + " did not stop");
        }
      }
      for (RoutePart route : routes) {
        model().removeRouteDefinition(route.definition());
      }
      // Let go of the endpoints that have read a statement which changed.
      for (Endpoint endpoint : List.copyOf(camel.getEndpoints())) {
        if (endpoint instanceof SqlEndpoint sql
            && changed.contains(FlowFiles.name(sql.getQuery()))) {
          camel.removeEndpoint(endpoint);
        }
      }
    }

    /** Adds the routes of a flow, and starts those that ran, and the new ones. */
    private void add(FlowFiles flow) {
      loader.use(flow);
      Failures failures = new Failures();
      Map<RouteDefinition, String> added = new LinkedHashMap<>();
      for (String file : files) {
        if (flow.isRoutes(file)) {
          failures.collect(file + " cannot be loaded", () -> load(flow, file, added));
        }
      }
      List<String> toStart =
          added.entrySet().stream()
              .filter(entry -> shallRun(entry.getKey().getRouteId(), entry.getValue()))
              .map(entry -> new RoutePart(entry.getKey()))
              .sorted(Comparator.comparing((RoutePart route) -> !route.isDirect()))
              .map(RoutePart::id)
              .toList();
      added.forEach(RouteDefinition::setAutoStartup);
      start(toStart, failures);
      failures.throwIfAny();
    }

    /** Adds the routes of a file without a start. */
    private void load(FlowFiles flow, String file, Map<RouteDefinition, String> added)
        throws Exception {
      for (RoutesBuilder builder :
          PluginHelper.getRoutesLoader(camel)
              .findRoutesBuilders(List.of(flow.resource(file)), false)) {
        for (RouteDefinition route : ((RouteBuilder) builder).configureRoutes(camel).getRoutes()) {
          added.put(route, route.getAutoStartup());
          route.setAutoStartup("false");
        }
        camel.addRoutes(builder);
      }
    }

    /** A route stays as an operator left it, unless the edit says otherwise. */
    private boolean shallRun(String id, String autoStartup) {
      String says = autoStartup == null ? "true" : camel.resolvePropertyPlaceholders(autoStartup);
      return ran.containsKey(id) && says.equals(oldAutoStartup.getOrDefault(id, says))
          ? ran.get(id)
          : Boolean.parseBoolean(says);
    }
  }

  private String autoStartup(RouteDefinition route) {
    return camel.resolvePropertyPlaceholders(
        Objects.requireNonNullElse(route.getAutoStartup(), "true"));
  }

  /** The routes that call any of these, straight or through others. */
  private static Collection<RoutePart> callers(List<RoutePart> live, List<RoutePart> of) {
    Set<RoutePart> found = new LinkedHashSet<>();
    Set<String> called =
        of.stream().map(RoutePart::entrance).collect(Collectors.toCollection(HashSet::new));
    boolean more = !of.isEmpty();
    while (more) {
      more = false;
      for (RoutePart route : live) {
        if (!of.contains(route)
            && !found.contains(route)
            && (route.callsAnything() || route.directs().stream().anyMatch(called::contains))) {
          found.add(route);
          called.add(route.entrance());
          more = true;
        }
      }
    }
    return found;
  }

  private static boolean isClaiming(RoutePart route) {
    return CLAIMING.contains(route.group());
  }

  private static boolean isSeda(RoutePart route) {
    return route.entrance().startsWith(SEDA);
  }

  private void start(List<String> ids, Failures failures) {
    for (String id : ids) {
      failures.collect(
          "route " + id + " cannot start", () -> camel.getRouteController().startRoute(id));
    }
  }

  private boolean stop(String id, long seconds) throws Exception {
    ServiceStatus status = camel.getRouteController().getRouteStatus(id);
    return status == null
        || status.isStopped()
        || camel.getRouteController().stopRoute(id, seconds, TimeUnit.SECONDS, true);
  }

  private boolean runs(String id) {
    ServiceStatus status = camel.getRouteController().getRouteStatus(id);
    return status != null && status.isStarted();
  }

  private List<RoutePart> live() {
    return RoutePart.of(model().getRouteDefinitions());
  }

  private Model model() {
    return camel.getCamelContextExtension().getContextPlugin(Model.class);
  }
}
