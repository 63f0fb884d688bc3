package dev.herald.control;

import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.impl.engine.DefaultShutdownStrategy;
import org.apache.camel.spi.CamelEvent;
import org.apache.camel.spi.EventNotifier;
import org.apache.camel.spi.RouteStartupOrder;
import org.apache.camel.support.EventNotifierSupport;

/**
 * Knows which routes are stopped or being stopped, whoever asked for it, the API or JMX. Camel
 * waits for what a route has in flight and lets new work in meanwhile, so that a busy route would
 * never stop if nobody held the work back. Thread-safe.
 */
public final class RouteStops extends DefaultShutdownStrategy {
  private final Set<String> stopped = ConcurrentHashMap.newKeySet();
  private volatile Runnable asked = () -> {};

  /** Calls this as soon as the stop of a route is asked for, before Camel waits for anything. */
  public void whenAsked(Runnable asked) {
    this.asked = asked;
  }

  /**
   * Whether one of these routes is: from the moment when someone asks for it until it has been
   * started again. Cheap while none is, for it is asked for every message.
   */
  public boolean anyOf(Set<String> routeIds) {
    return !Collections.disjoint(stopped, routeIds);
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
    List<String> ids = routes.stream().map(order -> order.getRoute().getRouteId()).toList();
    stopped.addAll(ids);
    asked.run();
    boolean done =
        super.doShutdown(
            context, routes, timeout, unit, suspendOnly, abortAfterTimeout, forceShutdown);
    if (!done) {
      ids.forEach(stopped::remove);
    }
    return done;
  }

  /** Notices when a route starts again; to be added to the context. */
  public EventNotifier starts() {
    EventNotifierSupport notifier =
        new EventNotifierSupport() {
          @Override
          public void notify(CamelEvent event) {
            if (event instanceof CamelEvent.RouteStartedEvent started) {
              stopped.remove(started.getRoute().getRouteId());
            }
          }
        };
    notifier.setIgnoreExchangeEvents(true);
    return notifier;
  }
}
