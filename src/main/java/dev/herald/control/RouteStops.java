package dev.herald.control;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.impl.engine.DefaultShutdownStrategy;
import org.apache.camel.spi.RoutePolicyFactory;
import org.apache.camel.spi.RouteStartupOrder;
import org.apache.camel.support.RoutePolicySupport;

/**
 * Knows which routes are stopped or suspended, or about to be, whether through the API or JMX.
 * Camel waits for a route's exchanges and lets new ones in meanwhile, so a busy route would never
 * stop if nobody held new work back. Thread-safe.
 */
public final class RouteStops extends DefaultShutdownStrategy {
  /** Of the stopped and suspended routes by id; empty for a route without one. */
  private final Map<String, String> groups = new ConcurrentHashMap<>();

  /** When each of them was stopped, and by which key; without an entry nobody knows. */
  private final Map<String, Instant> times = new ConcurrentHashMap<>();

  private final Map<String, String> keys = new ConcurrentHashMap<>();

  /** Begins no route's id. */
  private static final String HELD = "held ";

  private volatile Runnable whenAsked = () -> {};

  /**
   * A route that does not run.
   *
   * @param since null if it has not run since the node started
   * @param by the name of the key that stopped it; null if it was not stopped through the API
   */
  public record Stopped(String route, Instant since, String by) {}

  /**
   * Calls this as soon as the stop or suspension of a route is asked for, before Camel waits for
   * anything.
   */
  public void whenAsked(Runnable asked) {
    this.whenAsked = asked;
  }

  /**
   * Whether a route of this group is: from the moment when someone asks for it until it has been
   * started or resumed. Cheap while none is, for it is asked for every message.
   */
  public boolean anyOf(String group) {
    return !groups.isEmpty() && groups.containsValue(group);
  }

  /** Treats the routes of this group as stopping, or no longer. */
  public void hold(String group, boolean held) {
    if (held) {
      groups.put(HELD + group, group);
      whenAsked.run();
    } else {
      groups.remove(HELD + group);
    }
  }

  /** Whether this route is stopped or suspended, or about to be. */
  public boolean includes(String routeId) {
    return groups.containsKey(routeId);
  }

  /** What is known of a route that does not run. */
  public Stopped stopped(String routeId) {
    return new Stopped(routeId, times.get(routeId), keys.get(routeId));
  }

  /** Notes which key is about to stop a route. */
  void askedBy(String routeId, String key) {
    keys.put(routeId, key);
  }

  private void forget(String routeId) {
    groups.remove(routeId);
    times.remove(routeId);
    keys.remove(routeId);
  }

  @Override
  protected boolean doShutdown(
      CamelContext context,
      List<RouteStartupOrder> routes,
      long timeout,
      TimeUnit unit,
      boolean suspendOnly,
      boolean abortAfterTimeout,
      boolean forceShutdown)
      throws Exception {
    List<Route> asked = routes.stream().map(RouteStartupOrder::getRoute).toList();
    asked.forEach(
        route -> {
          groups.put(route.getRouteId(), Objects.requireNonNullElse(route.getGroup(), ""));
          times.put(route.getRouteId(), Instant.now());
        });
    whenAsked.run();
    boolean done =
        super.doShutdown(
            context, routes, timeout, unit, suspendOnly, abortAfterTimeout, forceShutdown);
    if (!done) {
      asked.forEach(route -> forget(route.getRouteId()));
    }
    return done;
  }

  /**
   * Notices when a route starts again or resumes; to be added to the context before its routes.
   * Camel has no event for a resumed route.
   */
  public RoutePolicyFactory starts() {
    RoutePolicySupport noticing =
        new RoutePolicySupport() {
          @Override
          public void onStart(Route route) {
            forget(route.getRouteId());
          }

          @Override
          public void onResume(Route route) {
            forget(route.getRouteId());
          }

          @Override
          public void onRemove(Route route) {
            forget(route.getRouteId());
          }
        };
    return (context, routeId, route) -> noticing;
  }
}
