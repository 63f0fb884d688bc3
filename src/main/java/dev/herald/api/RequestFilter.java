package dev.herald.api;

import dev.herald.api.Contract.Operation;
import dev.herald.config.Role;
import dev.herald.config.Settings;
import dev.herald.problem.FailStop;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.Type;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.TooLongFrameException;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.StreamResetException;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.impl.RoutingContextInternal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Meets every request before any route: sets its correlation id, checks its key and the key's rate,
 * and compares it with the contract ({@link RequestRules}). It does not read the body. What can be
 * answered from memory it answers itself, so health needs no worker. A HEAD is answered as the GET
 * of its path. Stateless; runs on the server's event loop.
 */
public final class RequestFilter {
  private static final Logger LOG = LoggerFactory.getLogger(RequestFilter.class);
  private static final Pattern CORRELATION_ID = Pattern.compile("[A-Za-z0-9._:/+=-]{1,128}");
  private static final String HEAD = "herald.head";
  private static final String CALLED = "herald.called";

  /** What a request asked for that is no operation: a page of {@code /swagger/}. */
  private static final String PAGE = "page";

  /** A route besides the contract's. */
  private static final String ROUTE = "route";

  /** Nothing that is there, or no request at all. */
  private static final String NOTHING = "none";

  private static final int UNAUTHORIZED = 401;

  /** Why a call fails whose route does not run. */
  static final String STOPPED = "the route of this call is stopped on this node; try again later";

  private final Contract contract;
  private final ApiKeys keys;
  private final ReceiptToken receiptToken;
  private final RateLimits limits;
  private final Json json;
  private final Pages pages;
  private final Map<String, Supplier<Reply>> fromMemory;
  private final Admission admission;
  private final Entrances entrances;
  private final RequestRules rules;
  private final Observer observer;

  /** Is told how requests end. */
  public interface Observer {
    /**
     * @param operation what was asked for, one of {@link RequestFilter#asked}
     * @param status of the answer; 0 if the client left before it
     * @param nanos from the head of the request to the end of the answer
     */
    void answered(String operation, int status, long nanos);
  }

  /** An answer that is JSON. */
  public record Reply(int status, Object body) {}

  /**
   * @param fromMemory the operations that this answers, by id; a supplier must not block
   * @param entrances of routes besides the contract's
   */
  public RequestFilter(
      Contract contract,
      ApiKeys keys,
      ReceiptToken receiptToken,
      RateLimits limits,
      Json json,
      Pages pages,
      Map<String, Supplier<Reply>> fromMemory,
      Admission admission,
      Entrances entrances,
      Settings.Server settings,
      Observer observer) {
    this.contract = contract;
    this.keys = keys;
    this.receiptToken = receiptToken;
    this.limits = limits;
    this.json = json;
    this.pages = pages;
    this.fromMemory = fromMemory;
    this.admission = admission;
    this.entrances = entrances;
    this.rules = new RequestRules(contract, fromMemory.keySet(), settings.maxBodyBytes());
    this.observer = observer;
  }

  /** The paths that no route besides the contract's can have. */
  public static Predicate<String> reserved(Contract contract) {
    return path ->
        !contract.at(path).isEmpty()
            || path.equals("/")
            || path.matches("/(api|dashboard|swagger)(/.*)?");
  }

  /**
   * All that a request can ask for: the ids of operations, {@code page} of {@code /swagger/},
   * {@code route} for routes besides the contract's, and {@code none}.
   */
  public static List<String> asked(Contract contract) {
    return Stream.concat(
            contract.operations().stream().map(Operation::id), Stream.of(PAGE, ROUTE, NOTHING))
        .toList();
  }

  /** Puts this in front of everything that a router serves. */
  public void guard(Router router) {
    router.route().order(-1000).handler(this::handle);
    router.route().order(Integer.MAX_VALUE).handler(this::stopped);
    router.route().order(-1000).failureHandler(this::failed);
  }

  /** Answers requests that the server itself refuses or fails on. */
  private void failed(RoutingContext context) {
    observe(context);
    if (brokenOff(context)) {
      refuse(context, Problem.of(Type.MALFORMED, "the body is cut off or is not valid HTTP"));
      return;
    }
    switch (context.statusCode()) {
      case 400 -> refuse(context, Problem.of(Type.MALFORMED, "the request cannot be read"));
      // What has no path: OPTIONS *, CONNECT.
      case 404 -> refuse(context, nothingAt(context.request().uri()));
      case 413 -> refuse(context, rules.tooLarge());
      case 417 -> refuse(context, Problem.of(Type.MALFORMED, "Expect may only be 100-continue"));
      default -> {
        MDC.put(Operations.ID_IN_LOG, context.request().getHeader(Operations.CORRELATION_ID));
        LOG.error("The server failed on {}", context.request().path(), context.failure());
        MDC.remove(Operations.ID_IN_LOG);
        refuse(
            context,
            Problem.of(Type.INTERNAL, "Herald failed; search its log for the correlationId"));
        FailStop.passOn(context.failure());
      }
    }
  }

  /** Whether the client is at fault: it left, or its body's chunks are wrong. */
  private static boolean brokenOff(RoutingContext context) {
    Throwable failure = context.failure();
    return failure instanceof HttpClosedException
        || failure instanceof StreamResetException
        || failure instanceof DecoderException
        || (failure instanceof NumberFormatException && !context.request().isEnded());
  }

  /** Answers bytes that are no request, or one whose first line or headers are too long. */
  void unreadable(HttpServerRequest request) {
    observer.answered(NOTHING, 400, 0);
    Throwable cause = request.decoderResult().cause();
    String detail =
        cause instanceof TooLongFrameException
            ? "its first line or its headers are too long"
            : "it is not HTTP";
    request
        .response()
        .setStatusCode(400)
        .putHeader("Content-Type", Problem.MEDIA_TYPE)
        .putHeader("Connection", "close")
        .end(
            json.write(
                Problem.of(Type.MALFORMED, detail).withCorrelationId(UUID.randomUUID().toString())))
        .onComplete(sent -> request.connection().close());
  }

  /** The contract has this operation, but no route took it. */
  private void stopped(RoutingContext context) {
    context.response().putHeader("Retry-After", ExceptionMapper.RETRY_AFTER);
    refuse(context, Problem.of(Type.UNAVAILABLE, STOPPED));
  }

  /** Measures a request, once: one that is sent on as GET, or fails, comes here twice. */
  private void observe(RoutingContext context) {
    if (context.get(CALLED) != null) {
      return;
    }
    context.put(CALLED, NOTHING);
    long begun = System.nanoTime();
    context.addEndHandler(
        ended ->
            observer.answered(
                context.get(CALLED),
                ended.succeeded() ? context.response().getStatusCode() : 0,
                System.nanoTime() - begun));
  }

  private void handle(RoutingContext context) {
    observe(context);
    HttpServerRequest request = context.request();
    MultiMap headers = request.headers();
    String correlationId = correlationId(headers.getAll(Operations.CORRELATION_ID));
    headers.set(Operations.CORRELATION_ID, correlationId);
    context.response().putHeader(Operations.CORRELATION_ID, correlationId);
    Caller.unmark(headers);
    admission.lastOfItsConnection(context);
    headers.remove(Operations.WITHOUT_BODY);

    String path;
    try {
      path = context.normalizedPath();
    } catch (IllegalArgumentException e) {
      refuse(context, Problem.of(Type.MALFORMED, "the path cannot be decoded"));
      return;
    }
    if (pages.has(path)) {
      context.put(CALLED, PAGE);
      page(context);
      return;
    }
    Optional<Problem> repeated = rules.repeated(headers);
    if (repeated.isPresent()) {
      refuse(context, repeated.get());
      return;
    }
    Map<String, Operation> operations = contract.at(path);
    Set<String> methods = operations.isEmpty() ? entrances.methods(path) : operations.keySet();
    if (request.method() == HttpMethod.HEAD
        && methods.contains("GET")
        && !methods.contains("HEAD")) {
      context.put(HEAD, true);
      context.reroute(HttpMethod.GET, target(request));
      return;
    }
    Operation operation = operations.get(request.method().name());
    if (operation != null) {
      context.put(CALLED, operation.id());
    } else if (operations.isEmpty() && !methods.isEmpty()) {
      context.put(CALLED, ROUTE);
    }
    if (ReceiptToken.guards(path)) {
      Optional<Problem> problem = receiptToken.problem(context.queryParams());
      if (problem.isPresent()) {
        if (problem.get().status() == UNAUTHORIZED) {
          context.response().putHeader("WWW-Authenticate", "Token");
        }
        refuse(context, problem.get());
        return;
      }
      if (limits.on() && tooMany(context, ReceiptToken.CALLER.name())) {
        return;
      }
      ReceiptToken.CALLER.mark(headers);
    } else if (operation == null || operation.secured()) {
      Optional<Caller> caller = keys.callerOf(headers.get("Authorization"));
      if (caller.isEmpty() && (path.startsWith("/api") || !methods.isEmpty())) {
        context.response().putHeader("WWW-Authenticate", "Bearer");
        refuse(
            context, Problem.of(Type.UNAUTHORIZED, "send the header Authorization: Bearer <key>"));
        return;
      }
      if (caller.isPresent() && limits.on() && tooMany(context, caller.get().name())) {
        return;
      }
      caller.ifPresent(one -> one.mark(headers));
      Optional<Problem> refusal =
          caller
              .filter(one -> methods.contains(request.method().name()))
              .flatMap(one -> one.refusal(rolesFor(operation, request.method())));
      if (refusal.isPresent()) {
        refuse(context, refusal.get());
        return;
      }
    }
    if (methods.isEmpty()) {
      refuse(context, ReceiptToken.guards(path) ? ReceiptToken.nothingAt(path) : nothingAt(path));
    } else if (!methods.contains(request.method().name())) {
      refuseMethod(context, allowed(methods));
    } else if (operation == null) {
      rules
          .problem(request)
          .ifPresentOrElse(
              problem -> refuse(context, problem),
              () -> {
                entrances.begin(context, path);
                admit(context);
              });
    } else {
      rules
          .problem(operation, path, request, context.queryParams())
          .ifPresentOrElse(problem -> refuse(context, problem), () -> passOn(context, operation));
    }
  }

  /**
   * The roles of which a caller needs one. What an entrance besides the contract's changes by
   * calling an operation, that operation guards ({@link Requests#enter}).
   */
  private static Set<Role> rolesFor(Operation operation, HttpMethod method) {
    if (operation != null) {
      return Set.of(operation.role().orElseThrow());
    }
    return method == HttpMethod.GET || method == HttpMethod.HEAD
        ? Set.of(Role.READ)
        : Set.of(Role.SEND, Role.OPERATE);
  }

  private void passOn(RoutingContext context, Operation operation) {
    if (operation.body().isEmpty()) {
      // As if it had been read: what comes of it is dropped.
      ((RoutingContextInternal) context).visitHandler(RoutingContextInternal.BODY_HANDLER);
    }
    Supplier<Reply> memory = fromMemory.get(operation.id());
    if (memory == null) {
      admit(context);
    } else {
      Reply reply = memory.get();
      context.response().setStatusCode(reply.status()).putHeader("Content-Type", RequestRules.JSON);
      end(context, Buffer.buffer(json.bytes(reply.body())));
    }
  }

  /** Lets a route answer, if there is room for the request. */
  private void admit(RoutingContext context) {
    if (admission.admit(context)) {
      if (head(context)) {
        context.request().headers().set(Operations.WITHOUT_BODY, "");
      }
      context.next();
    } else {
      context.response().putHeader("Retry-After", ExceptionMapper.RETRY_AFTER);
      refuse(
          context,
          Problem.of(
              Type.UNAVAILABLE,
              "the requests under way fill the memory for them (server.max-bodies); try again later"));
    }
  }

  /** Whether a request came as HEAD: it may be on its way as GET since. */
  private static boolean head(RoutingContext context) {
    return context.request().method() == HttpMethod.HEAD || context.get(HEAD) != null;
  }

  /** Sends the body, or to a HEAD its length; over HTTP/2 the server would send both. */
  static void end(RoutingContext context, Buffer body) {
    HttpServerResponse response = context.response();
    response.putHeader("Content-Length", Integer.toString(body.length()));
    if (head(context)) {
      response.end();
    } else {
      response.end(body);
    }
  }

  /** Path and query of a request, as they came. */
  private static String target(HttpServerRequest request) {
    return request.query() == null ? request.path() : request.path() + "?" + request.query();
  }

  private static String allowed(Set<String> methods) {
    Set<String> allowed = new TreeSet<>(methods);
    if (allowed.contains("GET")) {
      allowed.add("HEAD");
    }
    return String.join(", ", allowed);
  }

  /** Counts a request, and refuses it where it is one too many. */
  private boolean tooMany(RoutingContext context, String keyName) {
    RateLimits.Verdict verdict = limits.count(keyName);
    context
        .response()
        .putHeader("RateLimit", verdict.limit())
        .putHeader("RateLimit-Policy", verdict.policy());
    if (!verdict.allowed()) {
      context.response().putHeader("Retry-After", Long.toString(verdict.retryAfter()));
      refuse(context, Problem.of(Type.TOO_MANY_REQUESTS, limits.explain()));
    }
    return !verdict.allowed();
  }

  private void page(RoutingContext context) {
    HttpMethod method = context.request().method();
    if (method == HttpMethod.GET || method == HttpMethod.HEAD) {
      pages.answer(context);
    } else {
      refuseMethod(context, Pages.ALLOWED);
    }
  }

  private void refuseMethod(RoutingContext context, String allowed) {
    context.response().putHeader("Allow", allowed);
    refuse(
        context,
        Problem.of(
            Type.METHOD_NOT_ALLOWED,
            context.request().method() + " is not allowed; use " + allowed));
  }

  private static Problem nothingAt(String path) {
    return Problem.of(
        Type.NOT_FOUND, "there is nothing at " + path + "; /openapi.json lists all paths");
  }

  /** The client's, where it gives one that is plain. */
  private static String correlationId(List<String> given) {
    return given.size() == 1 && CORRELATION_ID.matcher(given.get(0)).matches()
        ? given.get(0)
        : UUID.randomUUID().toString();
  }

  private void refuse(RoutingContext context, Problem problem) {
    if (context.response().ended()) {
      return;
    }
    MultiMap headers = context.response().headers();
    if (!headers.contains(Operations.CORRELATION_ID)) {
      // The server refused it before it came to handle().
      headers.set(Operations.CORRELATION_ID, UUID.randomUUID().toString());
    }
    String body = json.write(problem.withCorrelationId(headers.get(Operations.CORRELATION_ID)));
    context
        .response()
        .setStatusCode(problem.status())
        .putHeader("Content-Type", Problem.MEDIA_TYPE);
    end(context, Buffer.buffer(body));
  }
}
