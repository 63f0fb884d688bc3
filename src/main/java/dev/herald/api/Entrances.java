package dev.herald.api;

import dev.herald.flow.HttpEntrance;
import dev.herald.flow.Turnstile;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.vertx.core.Handler;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePattern;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.PlatformHttpEndpoint;
import org.apache.camel.component.platform.http.spi.Method;
import org.apache.camel.component.platform.http.spi.PlatformHttpConsumer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpEngine;
import org.apache.camel.http.base.HttpHeaderFilterStrategy;
import org.apache.camel.spi.HeaderFilterStrategy;
import org.apache.camel.support.DefaultConsumer;
import org.slf4j.MDC;

/**
 * The HTTP entrances of routes, {@code platform-http:} and {@code rest:}, besides those of the
 * contract. The request filter has let in what comes here. In: the body as bytes, or as a map if it
 * is a form; the parts of the path that vary are variables, and so are {@code request} ({@link
 * ClientRequest}), {@code key}, {@code correlationId} and {@code Idempotency-Key}. No header of the
 * client reaches a route. Out: text and bytes as they are, anything else as JSON; what a route
 * throws is a problem. While a route is swapped, its requests wait. Thread-safe.
 */
public final class Entrances extends VertxPlatformHttpEngine {
  /** A header that the contract has, and that every entrance takes. */
  static final String IDEMPOTENCY_KEY = "Idempotency-Key";

  private static final int NO_CONTENT = 204;
  private static final String ENTRANCE = "herald.entrance";

  /** Bodies that are sent as they are. */
  private static final List<Class<?>> WRITTEN =
      List.of(String.class, byte[].class, InputStream.class, ByteBuffer.class);

  private static final Pattern PART = Pattern.compile("\\{([^/}]+)}");

  private final Turnstile turnstile;
  private final Json json;
  private final ExceptionMapper exceptions;
  private final Admission admission;
  private final HeaderFilterStrategy outward = new HttpHeaderFilterStrategy();

  /** Such that a path without varying parts comes before one with them. */
  private final ConcurrentNavigableMap<String, Entrance> all = new ConcurrentSkipListMap<>();

  /** An answer, ready to be sent. */
  private record Answer(int status, Map<String, List<String>> headers, Buffer body) {}

  /**
   * @param camel has the routes
   * @param turnstile holds requests back while their route is swapped
   */
  public Entrances(
      CamelContext camel,
      Turnstile turnstile,
      Json json,
      ExceptionMapper exceptions,
      Admission admission) {
    super.setCamelContext(camel);
    this.turnstile = turnstile;
    this.json = json;
    this.exceptions = exceptions;
    this.admission = admission;
    setHandlers(List.of(admission::arrived));
  }

  /** Not that of a rehearsal, which creates endpoints too. */
  @Override
  public void setCamelContext(CamelContext other) {}

  @Override
  public PlatformHttpConsumer createConsumer(PlatformHttpEndpoint endpoint, Processor processor) {
    boolean contract =
        endpoint.isMatchOnUriPrefix() && HttpEntrance.path(endpoint.getPath()).equals("/");
    return contract ? super.createConsumer(endpoint, processor) : new Entrance(endpoint, processor);
  }

  /** Serves before the contract what {@link #begin} has marked. */
  void serve(Router router, Handler<RoutingContext> bodyHandler) {
    router
        .route()
        .order(-900)
        .handler(only(bodyHandler))
        .handler(only(admission::arrived))
        .handler(only(this::serve));
  }

  private static Handler<RoutingContext> only(Handler<RoutingContext> handler) {
    return context -> {
      if (context.get(ENTRANCE) == null) {
        context.next();
      } else {
        handler.handle(context);
      }
    };
  }

  /** The methods that a path takes; none if no route has such a path. */
  Set<String> methods(String path) {
    return matching(path)
        .flatMap(entrance -> entrance.methods.stream())
        .collect(Collectors.toSet());
  }

  /** Marks a request for the route with this path and method, which must be there. */
  void begin(RoutingContext context, String path) {
    at(path, context.request().method().name())
        .ifPresent(entrance -> context.put(ENTRANCE, entrance));
  }

  private Optional<Entrance> at(String path, String method) {
    return matching(path).filter(entrance -> entrance.methods.contains(method)).findFirst();
  }

  private Stream<Entrance> matching(String path) {
    return all.isEmpty()
        ? Stream.empty()
        : all.values().stream()
            .filter(entrance -> entrance.path.matcher(path).matches())
            // The token of receipts opens nothing that only happens to match.
            .filter(entrance -> ReceiptToken.guards(path) == ReceiptToken.guards(entrance.written))
            .filter(Entrance::isThere);
  }

  /** Not on the event loop: a route may block. */
  private void serve(RoutingContext context) {
    context
        .vertx()
        .executeBlocking(() -> answer(context), false)
        .map(answer -> send(context, answer))
        .onFailure(context::fail);
  }

  private static Answer send(RoutingContext context, Answer answer) {
    HttpServerResponse response = context.response();
    if (!response.ended()) {
      response.setStatusCode(answer.status());
      answer.headers().forEach(response::putHeader);
      if (answer.status() == NO_CONTENT) {
        response.end();
      } else {
        RequestFilter.end(context, answer.body());
      }
    }
    return answer;
  }

  private Answer answer(RoutingContext context) throws Exception {
    Entrance first = context.get(ENTRANCE);
    MDC.put(Operations.ID_IN_LOG, context.request().getHeader(Operations.CORRELATION_ID));
    try {
      turnstile.enter(first.turn);
      try {
        return now(context).answer(context);
      } finally {
        turnstile.leave(first.turn);
      }
    } catch (ProblemException e) {
      return answer(e.problem(), context.request());
    } finally {
      MDC.remove(Operations.ID_IN_LOG);
    }
  }

  /** The entrance that is there now: another one than when the request came, after a swap. */
  private Entrance now(RoutingContext context) {
    Entrance entrance =
        at(context.normalizedPath(), context.request().method().name())
            .orElseThrow(
                () ->
                    new ProblemException(
                        Type.NOT_FOUND, "the route of this call is no longer there"));
    if (!entrance.isStarted()) {
      throw new ProblemException(Type.UNAVAILABLE, RequestFilter.STOPPED);
    }
    return entrance;
  }

  private Answer answer(Problem problem, HttpServerRequest request) {
    Map<String, List<String>> headers = new TreeMap<>();
    headers.put("Content-Type", List.of(Problem.MEDIA_TYPE));
    if (problem.status() == 503) {
      headers.put("Retry-After", List.of(ExceptionMapper.RETRY_AFTER));
    }
    return new Answer(
        problem.status(),
        headers,
        Buffer.buffer(
            json.bytes(problem.withCorrelationId(request.getHeader(Operations.CORRELATION_ID)))));
  }

  /** Where requests for one path enter a route. */
  private final class Entrance extends DefaultConsumer implements PlatformHttpConsumer {
    private final String written;
    private final String key;
    private final String turn;
    private final Pattern path;
    private final List<String> names = new ArrayList<>();
    private final Set<String> methods = new TreeSet<>();

    Entrance(PlatformHttpEndpoint endpoint, Processor processor) {
      super(endpoint, processor);
      written = HttpEntrance.path(endpoint.getPath());
      turn = HttpEntrance.of(written);
      Method.parseList(endpoint.getHttpMethodRestrict())
          .forEach(method -> methods.add(method.name()));
      StringBuilder regex = new StringBuilder();
      Matcher part = PART.matcher(written);
      int from = 0;
      while (part.find()) {
        names.add(part.group(1));
        regex.append(Pattern.quote(written.substring(from, part.start()))).append("([^/]+)");
        from = part.end();
      }
      regex.append(Pattern.quote(written.substring(from)));
      boolean prefix = endpoint.isMatchOnUriPrefix();
      path = Pattern.compile(prefix ? regex + ".*" : regex.toString());
      key = written.replace('{', '\uffff') + (prefix ? "\uffff" : "") + " " + methods;
    }

    @Override
    public PlatformHttpEndpoint getEndpoint() {
      return (PlatformHttpEndpoint) super.getEndpoint();
    }

    @Override
    protected void doStart() throws Exception {
      super.doStart();
      all.put(key, this);
    }

    /** Whether its route is, started or not, or is just being swapped. */
    boolean isThere() {
      boolean there =
          isStarted()
              || turnstile.isClosed(turn)
              || getCamelContext().getRoutes().stream()
                  .anyMatch(route -> route.getEndpoint() == getEndpoint());
      if (!there) {
        all.remove(key, this);
      }
      return there;
    }

    Answer answer(RoutingContext context) throws Exception {
      Exchange exchange = createExchange(false);
      exchange.setPattern(ExchangePattern.InOut);
      createUoW(exchange);
      try {
        enter(exchange, context);
        getProcessor().process(exchange);
        return leave(exchange);
      } finally {
        doneUoW(exchange);
        releaseExchange(exchange, false);
      }
    }

    private void enter(Exchange exchange, RoutingContext context) {
      HttpServerRequest request = context.request();
      Matcher parts = path.matcher(context.normalizedPath());
      if (parts.matches()) {
        for (int i = 0; i < names.size(); i++) {
          exchange.setVariable(names.get(i), decoded(parts.group(i + 1)));
        }
      }
      if (request.headers().contains(IDEMPOTENCY_KEY)) {
        exchange.setVariable(IDEMPOTENCY_KEY, request.getHeader(IDEMPOTENCY_KEY));
      }
      // Last, for they are the caller's identity, whatever a part of the path is called.
      exchange.setVariable(
          "request",
          ClientRequest.of(
              request.method().name(), request.path(), context.queryParams(), request.headers()));
      exchange.setVariable(Operations.ID_IN_LOG, request.getHeader(Operations.CORRELATION_ID));
      Caller.enter(exchange, request.headers());
      Buffer body = context.body().buffer();
      if (!request.formAttributes().isEmpty()) {
        Map<String, String> form = new HashMap<>();
        request
            .formAttributes()
            .names()
            .forEach(name -> form.put(name, request.getFormAttribute(name)));
        exchange.getMessage().setBody(form);
      } else if (body != null && body.length() > 0) {
        exchange.getMessage().setBody(body.getBytes());
      }
    }

    private static String decoded(String part) {
      try {
        return QueryStringDecoder.decodeComponent(part.replace("+", "%2B"));
      } catch (IllegalArgumentException e) {
        throw new ProblemException(Type.MALFORMED, "the path cannot be decoded");
      }
    }

    private Answer leave(Exchange exchange) {
      try {
        if (exchange.getException() == null) {
          return read(exchange);
        }
      } catch (Exception unwritable) {
        exchange.setException(unwritable);
      }
      if (exchange.getProperty(Exchange.FAILURE_ROUTE_ID) == null) {
        exchange.setProperty(Exchange.FAILURE_ROUTE_ID, getEndpoint().getPath());
      }
      exceptions.answer(exchange, exchange.getException());
      exchange.setException(null);
      return read(exchange);
    }

    private Answer read(Exchange exchange) {
      Message message = exchange.getMessage();
      Object body = message.getBody();
      Integer status = message.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
      Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      message
          .getHeaders()
          .forEach(
              (name, value) -> {
                if (value != null && !outward.applyFilterToCamelHeaders(name, value, exchange)) {
                  headers.put(
                      name,
                      value instanceof Collection<?> several
                          ? several.stream().map(String::valueOf).toList()
                          : List.of(value.toString()));
                }
              });
      if (body == null) {
        return new Answer(status == null ? NO_CONTENT : status, headers, Buffer.buffer());
      }
      boolean written = WRITTEN.stream().anyMatch(type -> type.isInstance(body));
      String type = message.getHeader(Exchange.CONTENT_TYPE, String.class);
      headers.put(
          "Content-Type",
          List.of(type != null ? type : written ? "text/plain; charset=utf-8" : RequestRules.JSON));
      return new Answer(
          status == null ? 200 : status,
          headers,
          Buffer.buffer(written ? message.getBody(byte[].class) : json.bytes(body)));
    }
  }
}
