package dev.herald.control;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;
import org.apache.camel.impl.engine.DefaultShutdownStrategy;
import org.apache.camel.spi.RouteStartupOrder;

/**
 * Knows which routes are being stopped, whoever asked for it, the API or JMX. Camel waits for what
 * a route has in flight and lets new work in meanwhile, so that a busy route would never stop if
 * nobody held the work back. Thread-safe.
 */
public final class RouteStops extends DefaultShutdownStrategy {
  private final Set<String> stopping = ConcurrentHashMap.newKeySet();

  public boolean stopping(String routeId) {
    return stopping.contains(routeId);
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
    stopping.addAll(ids);
    try {
      return super.doShutdown(
          context, routes, timeout, unit, suspendOnly, abortAfterTimeout, forceShutdown);
    } finally {
      ids.forEach(stopping::remove);
    }
  }
}
