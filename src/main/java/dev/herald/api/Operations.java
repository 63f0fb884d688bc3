package dev.herald.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.flow.Turnstile;
import io.swagger.v3.oas.models.OpenAPI;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Semaphore;
import org.apache.camel.AsyncCallback;
import org.apache.camel.AsyncProducer;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.component.platform.http.spi.PlatformHttpConsumerAware;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.apache.camel.component.rest.openapi.DefaultRestOpenapiProcessorStrategy;
import org.apache.camel.spi.HeaderFilterStrategy;
import org.apache.camel.spi.ProducerCache;
import org.apache.camel.support.cache.DefaultProducerCache;
import org.apache.camel.support.processor.RestBindingAdvice;
import org.apache.camel.support.service.ServiceHelper;
import org.slf4j.MDC;

/**
 * The door between HTTP and the API's routes. In: the body is checked against the contract and
 * parsed; the parameters are variables, called as the contract calls them; variable {@code key} is
 * the name of the caller's API key, {@code keyId} tells which of several with this name, and {@code
 * correlationId} is the id of the request. No header of the client reaches a route. Out: the body
 * is written as JSON, with the status that the contract gives the operation. A route that sets
 * {@code Content-Type} writes its answer itself; one that sets {@code CamelHttpResponseCode}
 * chooses the status. Thread-safe.
 */
public final class Operations extends DefaultRestOpenapiProcessorStrategy
    implements HeaderFilterStrategy {
  /** Marks a request that came as HEAD: a header that the request filter alone can set. */
  static final String WITHOUT_BODY = "Herald-Without-Body";

  static final String CORRELATION_ID = "X-Correlation-ID";

  private static final Set<String> ANSWERED = Set.of("location", "retry-after");

  /** The request's id, as the log and the variable call it. */
  static final String ID_IN_LOG = "correlationId";

  private final Contract contract;
  private final Json json;
  private final ExceptionMapper exceptions;
  private final Set<String> withoutRoute;
  private final Turnstile turnstile;
  private final Semaphore checking = new Semaphore(Runtime.getRuntime().availableProcessors());
  private ProducerCache routes;

  /**
   * @param withoutRoute ids of operations that the request filter answers
   * @param turnstile holds requests back while their route is swapped
   */
  public Operations(
      Contract contract,
      Json json,
      ExceptionMapper exceptions,
      Set<String> withoutRoute,
      Turnstile turnstile) {
    this.contract = contract;
    this.json = json;
    this.exceptions = exceptions;
    this.withoutRoute = withoutRoute;
    this.turnstile = turnstile;
  }

  /** Ends the start if an operation has no route. */
  @Override
  public void validateOpenApi(OpenAPI document, String basePath, PlatformHttpConsumerAware consumer)
      throws Exception {
    document
        .getPaths()
        .values()
        .removeIf(
            path ->
                path.readOperations().stream()
                    .allMatch(operation -> withoutRoute.contains(operation.getOperationId())));
    super.validateOpenApi(document, basePath, consumer);
  }

  @Override
  public boolean process(
      OpenAPI document,
      io.swagger.v3.oas.models.Operation operation,
      String method,
      String path,
      RestBindingAdvice binding,
      Exchange exchange,
      AsyncCallback callback) {
    Contract.Operation called = contract.operation(operation.getOperationId());
    HttpMessage http = exchange.getMessage(HttpMessage.class);
    HttpServerRequest request = http.getRequest();
    MDC.put(ID_IN_LOG, request.getHeader(CORRELATION_ID));
    try {
      enter(called, exchange, request);
      return call(
          "direct:" + called.id(),
          exchange,
          sync -> {
            leave(called, exchange, http);
            callback.done(sync);
          });
    } catch (Throwable e) {
      exchange.setException(e);
      leave(called, exchange, http);
      callback.done(true);
      return true;
    } finally {
      MDC.remove(ID_IN_LOG);
    }
  }

  private boolean call(String uri, Exchange exchange, AsyncCallback done)
      throws InterruptedException {
    turnstile.enter(uri);
    try {
      Endpoint route = getCamelContext().getEndpoint(uri);
      AsyncProducer producer = routes.acquireProducer(route);
      return producer.process(
          exchange,
          sync -> {
            routes.releaseProducer(route, producer);
            turnstile.leave(uri);
            done.done(sync);
          });
    } catch (RuntimeException | Error e) {
      turnstile.leave(uri);
      throw e;
    }
  }

  private void enter(Contract.Operation operation, Exchange exchange, HttpServerRequest request) {
    Message message = exchange.getMessage();
    if (!operation.path().isEmpty()) {
      Iterator<String> parts =
          contract.parts(message.getHeader(Exchange.HTTP_PATH, String.class)).iterator();
      operation.path().keySet().forEach(name -> exchange.setVariable(name, parts.next()));
    }
    for (String name : operation.query().keySet()) {
      set(exchange, name, request.getParam(name));
    }
    for (String name : operation.headers().keySet()) {
      set(exchange, name, request.getHeader(name));
    }
    // Last, for they are the caller's identity, whatever a parameter is called.
    exchange.setVariable(ID_IN_LOG, request.getHeader(CORRELATION_ID));
    Caller.enter(exchange, request.headers());
    Buffer body = message.getBody() instanceof Buffer bytes ? bytes : Buffer.buffer();
    // Those of the request: they would steer an HTTP endpoint of the route.
    message.removeHeaders("*");
    message.setBody(
        operation.body().isEmpty() || (body.length() == 0 && !operation.bodyRequired())
            ? null
            : read(operation.body().get(), body));
  }

  private static void set(Exchange exchange, String name, String value) {
    if (value != null) {
      exchange.setVariable(name, value);
    }
  }

  /** Takes turns: this is pure computing, and more threads would only starve the server's own. */
  private JsonNode read(Contract.Body rules, Buffer body) {
    checking.acquireUninterruptibly();
    try {
      return rules.read(body.getBytes());
    } finally {
      checking.release();
    }
  }

  /** Never throws, or the client would wait for ever. */
  private void leave(Contract.Operation operation, Exchange exchange, HttpMessage http) {
    try {
      if (exchange.getException() == null) {
        write(operation, exchange.getMessage());
        leaveOutBody(exchange.getMessage(), http);
        return;
      }
    } catch (Throwable unwritable) {
      exchange.setException(unwritable);
    }
    // The request is wrong, or its route has no error handler or is stopped.
    if (exchange.getProperty(Exchange.FAILURE_ROUTE_ID) == null) {
      exchange.setProperty(Exchange.FAILURE_ROUTE_ID, operation.id());
    }
    exceptions.answer(exchange, exchange.getException());
    leaveOutBody(exchange.getMessage(), http);
    exchange.setException(null);
  }

  /** Leaves only the length of the body for a HEAD. */
  private static void leaveOutBody(Message answer, HttpMessage http) {
    if (http.getRequest().headers().contains(WITHOUT_BODY)) {
      byte[] body = answer.getBody(byte[].class);
      if (body != null) {
        http.getResponse().putHeader("Content-Length", Integer.toString(body.length));
      }
      answer.setBody(null);
    }
  }

  private void write(Contract.Operation operation, Message answer) {
    if (answer.getHeader(Exchange.HTTP_RESPONSE_CODE) == null) {
      answer.setHeader(Exchange.HTTP_RESPONSE_CODE, operation.status());
    }
    if (answer.getHeader(Exchange.CONTENT_TYPE) != null) {
      return;
    }
    if (operation.status() == 204) {
      answer.setBody(null);
    } else {
      answer.setBody(ByteBuffer.wrap(json.bytes(answer.getBody())));
      answer.setHeader(Exchange.CONTENT_TYPE, "application/json");
    }
  }

  /** None of the request's headers becomes a header of the exchange. */
  @Override
  public boolean applyFilterToExternalHeaders(String name, Object value, Exchange exchange) {
    return true;
  }

  /** Only these headers are sent, besides the status and the type of the body. */
  @Override
  public boolean applyFilterToCamelHeaders(String name, Object value, Exchange exchange) {
    return !ANSWERED.contains(name.toLowerCase(Locale.ROOT));
  }

  @Override
  protected void doInit() throws Exception {
    super.doInit();
    routes = new DefaultProducerCache(this, getCamelContext(), 0);
    ServiceHelper.initService(routes);
  }

  @Override
  protected void doStart() throws Exception {
    super.doStart();
    ServiceHelper.startService(routes);
  }

  @Override
  protected void doStop() throws Exception {
    super.doStop();
    ServiceHelper.stopService(routes);
  }
}
