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
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.ServiceStatus;
import org.apache.camel.component.sql.SqlEndpoint;
import org.apache.camel.model.Model;
import org.apache.camel.model.ModelLifecycleStrategySupport;
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
  private static final Logger LOG = LoggerFactory.getLogger(Flow.class);

  /** Enough for a route in which nothing is in flight. */
  private static final long STOP_SECONDS = 5;

  private static final String DIRECT = "direct:";

  /** The groups of the routes that claim messages and that claimed messages pass. */
  private static final Set<String> CLAIMING = Set.of("claim", "delivery");

  private final CamelContext camel;
  private final Loader loader;
  private final Quiet quiet;

  /** Routes that were added and not started yet, with what their file says of autoStartup. */
  private final Map<RouteDefinition, String> added = new LinkedHashMap<>();

  private boolean adding;

  /** Work in flight did not end in time. Nothing has changed. */
  static final class Busy extends Exception {
    private static final long serialVersionUID = 1L;

    Busy(String message) {
      super(message, null, false, false);
    }
  }

  /** The old flow could not be put back. */
  static final class Broken extends Exception {
    private static final long serialVersionUID = 1L;

    Broken(Exception swap, Exception back) {
      super(back.getMessage(), back);
      addSuppressed(swap);
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
    model()
        .addModelLifecycleStrategy(
            new ModelLifecycleStrategySupport() {
              @Override
              public void onAddRouteDefinition(RouteDefinition route) {
                if (adding) {
                  added.put(route, Objects.requireNonNullElse(route.getAutoStartup(), "true"));
                  route.setAutoStartup("false");
                }
              }
            });
  }

  /**
   * Swaps what differs.
   *
   * @param now what runs
   * @param next what shall run; it has been checked
   * @param suspect files to swap although they are the same: an earlier swap left them broken
   * @throws Busy if work in flight did not end in time
   * @throws Broken if the new flow could not run, and the old one not be put back
   * @throws Exception if the new flow could not run; the old one does again
   */
  void run(FlowFiles now, FlowFiles next, Collection<String> suspect) throws Exception {
    if (!quiet.routes().tryLock(quiet.patience().toMillis(), TimeUnit.MILLISECONDS)) {
      throw new Busy("somebody is starting or stopping a route");
    }
    try {
      swap(now, next, suspect);
    } finally {
      quiet.routes().unlock();
    }
  }

  private void swap(FlowFiles now, FlowFiles next, Collection<String> suspect) throws Exception {
    Set<String> changed = new TreeSet<>(next.changes(now));
    changed.addAll(suspect);
    List<RoutePart> live = RoutePart.of(model().getRouteDefinitions());
    Set<String> files = changedFiles(live, changed);
    List<RoutePart> old = live.stream().filter(route -> files.contains(route.file())).toList();
    List<RoutePart> touched = new ArrayList<>(old);
    touched.addAll(callers(live, old));
    Map<String, Boolean> ran = new HashMap<>();
    live.forEach(route -> ran.put(route.id(), runs(route.id())));
    List<RoutePart> stopped = new ArrayList<>();
    boolean claims = touched.stream().anyMatch(route -> CLAIMING.contains(route.group()));
    long deadline = System.nanoTime() + quiet.patience().toNanos();
    boolean replaced = false;
    try {
      if (claims) {
        quiet.holdClaims().accept(true);
      }
      awaitQuiet(touched, stopped, deadline);
      replaced = true;
      replace(now, next, files, changed, old, ran);
    } finally {
      added.clear();
      if (replaced) {
        stopped.removeAll(old);
      }
      try {
        Failures failures = new Failures();
        start(stopped.stream().map(RoutePart::id).toList(), failures);
        failures.throwIfAny();
      } finally {
        quiet.turnstile().open();
        if (claims) {
          quiet.holdClaims().accept(false);
        }
      }
    }
  }

  /** The route files that changed or whose statements did, also when only one flow has them. */
  private static Set<String> changedFiles(List<RoutePart> live, Set<String> changed) {
    Set<String> files = new TreeSet<>(changed);
    for (RoutePart route : live) {
      if (route.file() != null
          && route.statements().anyMatch(target -> changed.contains(target.statement()))) {
        files.add(route.file());
      }
    }
    return files;
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
            && (route.callsAnything()
                || route.calls().stream()
                    .anyMatch(uri -> uri.startsWith(DIRECT) && called.contains(uri)))) {
          found.add(route);
          called.add(route.entrance());
          more = true;
        }
      }
    }
    return found;
  }

  /**
   * Waits until nothing is in flight in these routes and nothing can come in.
   *
   * @param stopped gets those that were stopped for that
   */
  private void awaitQuiet(List<RoutePart> routes, List<RoutePart> stopped, long deadline)
      throws Exception {
    Map<Boolean, List<RoutePart>> direct =
        routes.stream().collect(Collectors.partitioningBy(RoutePart::isDirect));
    for (RoutePart route : direct.get(false)) {
      if (CLAIMING.contains(route.group())) {
        awaitEmpty(route, deadline);
      }
    }
    for (RoutePart route : direct.get(false)) {
      if (runs(route.id())) {
        if (!stop(route.id(), Math.max(1, secondsUntil(deadline)))) {
          throw busy(route);
        }
        stopped.add(route);
      }
    }
    Map<Boolean, List<String>> entrances =
        direct.get(true).stream()
            .map(RoutePart::entrance)
            .collect(Collectors.partitioningBy(FlowCheck.CALLED::containsKey));
    for (boolean java : List.of(false, true)) {
      if (!quiet.turnstile().close(entrances.get(java), deadline)) {
        throw new Busy(
            "calls of %s did not end within %d seconds"
                .formatted(String.join(", ", entrances.get(java)), quiet.patience().toSeconds()));
      }
    }
    for (RoutePart route : direct.get(true)) {
      awaitEmpty(route, deadline);
    }
  }

  private void awaitEmpty(RoutePart route, long deadline) throws Exception {
    while (camel.getInflightRepository().size(route.id()) > 0) {
      if (System.nanoTime() - deadline > 0) {
        throw busy(route);
      }
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  private Busy busy(RoutePart route) {
    return new Busy(
        "what %s had in flight did not end within %d seconds"
            .formatted(route.name(), quiet.patience().toSeconds()));
  }

  private static long secondsUntil(long deadline) {
    return TimeUnit.NANOSECONDS.toSeconds(deadline - System.nanoTime());
  }

  private void replace(
      FlowFiles now,
      FlowFiles next,
      Set<String> files,
      Set<String> changed,
      List<RoutePart> old,
      Map<String, Boolean> ran)
      throws Exception {
    Exception failure;
    try {
      remove(old);
      forget(changed);
      add(next, files, ran);
      return;
    } catch (Exception e) {
      failure = e;
      LOG.warn(
          "The new flow could not be put in place, and the old one is put back: {}",
          e.getMessage());
      LOG.debug("The trace", e);
    }
    try {
      added.clear();
      remove(
          RoutePart.of(model().getRouteDefinitions()).stream()
              .filter(route -> files.contains(route.file()))
              .toList());
      forget(changed);
      add(now, files, ran);
    } catch (Exception back) {
      throw new Broken(failure, back);
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
  }

  /** Lets go of the endpoints that have read a statement which changed. */
  private void forget(Set<String> changed) throws Exception {
    for (Endpoint endpoint : List.copyOf(camel.getEndpoints())) {
      if (endpoint instanceof SqlEndpoint sql && changed.contains(FlowFiles.name(sql.getQuery()))) {
        camel.removeEndpoint(endpoint);
      }
    }
  }

  /** Adds the routes of these files, and starts those that ran, and the new ones. */
  private void add(FlowFiles flow, Set<String> files, Map<String, Boolean> ran) throws Exception {
    loader.use(flow);
    Failures failures = new Failures();
    adding = true;
    try {
      for (String file : files) {
        if (flow.isRoutes(file)) {
          failures.collect(file + " cannot be loaded", () -> load(flow, file));
        }
      }
    } finally {
      adding = false;
    }
    List<String> toStart =
        added.entrySet().stream()
            .filter(
                entry ->
                    ran.getOrDefault(
                        entry.getKey().getRouteId(),
                        Boolean.valueOf(camel.resolvePropertyPlaceholders(entry.getValue()))))
            .map(entry -> new RoutePart(entry.getKey()))
            .sorted(Comparator.comparing((RoutePart route) -> !route.isDirect()))
            .map(RoutePart::id)
            .toList();
    added.forEach(RouteDefinition::setAutoStartup);
    start(toStart, failures);
    failures.throwIfAny();
  }

  private void load(FlowFiles flow, String file) throws Exception {
    for (RoutesBuilder builder :
        PluginHelper.getRoutesLoader(camel)
            .findRoutesBuilders(List.of(flow.resource(file)), false)) {
      camel.addRoutes(builder);
    }
  }

  private void start(List<String> ids, Failures failures) {
    for (String id : ids) {
      failures.collect(
          "route " + id + " cannot start", () -> camel.getRouteController().startRoute(id));
    }
  }

  /** Does everything that can be done, and throws the first failure at the end. */
  private static final class Failures {
    private IllegalStateException first;

    private interface Step {
      void run() throws Exception;
    }

    void collect(String what, Step step) {
      try {
        step.run();
      } catch (Exception e) {
        Throwable root = e;
        while (root.getCause() != null) {
          root = root.getCause();
        }
        IllegalStateException failure =
            new IllegalStateException(what + ": " + root.getMessage(), e);
        if (first == null) {
          first = failure;
        } else {
          first.addSuppressed(failure);
        }
      }
    }

    void throwIfAny() {
      if (first != null) {
        throw first;
      }
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

  private Model model() {
    return camel.getCamelContextExtension().getContextPlugin(Model.class);
  }
}
