package dev.herald.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.time.Instant;
import java.util.Comparator;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.Variable;
import org.apache.camel.api.management.ManagedCamelContext;
import org.apache.camel.api.management.mbean.ManagedRouteMBean;
import org.apache.camel.util.URISupport;

/**
 * The Camel routes of this node: their state and counters, and starting and stopping one.
 * Thread-safe.
 */
public final class Routes {
  private static final long STOP_SECONDS = 60;
  private static final Pattern SCHEME = Pattern.compile("^(\\w+)://");

  /** The group of the API's routes, and the id of the one that Camel makes from the contract. */
  private static final String API = "api";

  private final CamelContext camel;
  private final RouteStops stops;
  private final Supplier<Map<String, List<String>>> calls;
  private final Lock one;

  /**
   * Schema {@code Route} of the contract.
   *
   * @param input the endpoint that it starts with, without options
   * @param calls the routes that it sends to
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record View(
      String id,
      String description,
      String state,
      long exchangesTotal,
      long exchangesFailed,
      long exchangesInflight,
      Long meanProcessingMs,
      Instant lastExchangeAt,
      String group,
      String input,
      List<String> calls) {}

  /** The answer to the list. */
  public record Views(List<View> items) {}

  /**
   * @param stops learns who stops a route
   * @param calls the routes that each route sends to, by their ids
   * @param one held while routes are started, stopped or swapped
   */
  public Routes(
      CamelContext camel, RouteStops stops, Supplier<Map<String, List<String>>> calls, Lock one) {
    this.camel = camel;
    this.stops = stops;
    this.calls = calls;
    this.one = one;
  }

  public Views list() {
    return new Views(
        camel.getRoutes().stream().map(this::view).sorted(Comparator.comparing(View::id)).toList());
  }

  /** Does nothing to a route that is started. */
  public View start(@Variable("routeId") String id) throws Exception {
    lock();
    try {
      Route route = find(id);
      camel.getRouteController().startRoute(id);
      return view(route);
    } finally {
      one.unlock();
    }
  }

  /**
   * Waits for what the route has in flight, up to a minute. Does nothing to a route that is
   * stopped.
   */
  public View stop(@Variable("routeId") String id, @Variable("key") String key) throws Exception {
    Route route = find(id);
    if (API.equals(route.getGroup()) || API.equals(id)) {
      throw new ProblemException(
          Type.CONFLICT,
          "route " + id + " serves this API, which could not start it again; JMX can stop it");
    }
    lock();
    try {
      if (!stops.includes(id)) {
        stops.askedBy(id, key);
      }
      camel.getRouteController().stopRoute(id, STOP_SECONDS, TimeUnit.SECONDS);
      return view(find(id));
    } finally {
      one.unlock();
    }
  }

  /** Does not wait: a reload waits for calls of the routes that it swaps, and this is one. */
  private void lock() {
    if (!one.tryLock()) {
      throw new ProblemException(
          Type.CONFLICT,
          "a reload, or another start or stop, is under way on this node; try again");
    }
  }

  private Route find(String id) {
    Route route = camel.getRoute(id);
    if (route == null) {
      throw new ProblemException(
          Type.NOT_FOUND, "there is no route " + id + "; GET /api/v1/routes lists them");
    }
    return route;
  }

  private View view(Route route) {
    ManagedRouteMBean bean =
        camel
            .getCamelContextExtension()
            .getContextPlugin(ManagedCamelContext.class)
            .getManagedRoute(route.getRouteId());
    String state = camel.getRouteController().getRouteStatus(route.getRouteId()).name();
    String input = URISupport.sanitizeUri(withoutOptions(route.getEndpoint().getEndpointUri()));
    List<String> sendsTo = calls.get().getOrDefault(route.getRouteId(), List.of());
    if (bean == null) {
      return new View(
          route.getRouteId(),
          route.getDescription(),
          state,
          0,
          0,
          0,
          null,
          null,
          route.getGroup(),
          input,
          sendsTo);
    }
    try {
      Date last = bean.getLastExchangeCompletedTimestamp();
      return new View(
          route.getRouteId(),
          route.getDescription(),
          state,
          bean.getExchangesTotal(),
          bean.getExchangesFailed(),
          bean.getExchangesInflight(),
          bean.getExchangesTotal() == 0 ? null : bean.getMeanProcessingTime(),
          last == null ? null : last.toInstant(),
          route.getGroup(),
          input,
          sendsTo);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** As routes name it: {@code direct:x}, and not {@code direct://x?block=false}. */
  private static String withoutOptions(String uri) {
    int question = uri.indexOf('?');
    return SCHEME.matcher(question < 0 ? uri : uri.substring(0, question)).replaceFirst("$1:");
  }
}
