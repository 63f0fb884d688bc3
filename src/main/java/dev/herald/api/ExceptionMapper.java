package dev.herald.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.herald.problem.FailStop;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import dev.herald.store.SqlFailures;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.camel.component.direct.DirectConsumerNotAvailableException;
import org.apache.camel.util.ObjectHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns what a route threw into a problem. The client learns what it can do about it; the log, with
 * the correlation id, gets the rest. Stateless.
 */
public final class ExceptionMapper implements Processor {
  private static final Logger LOG = LoggerFactory.getLogger(ExceptionMapper.class);

  /** Seconds after which a client may try again what was not available. */
  static final String RETRY_AFTER = "2";

  private static final int BAD_REQUEST = 400;
  private static final int UNPROCESSABLE = 422;

  private final Json json;
  private final Consumer<Throwable> away;

  /**
   * @param away is told of a use of PostgreSQL that failed because it is away, too slow or refuses
   *     work
   */
  public ExceptionMapper(Json json, Consumer<Throwable> away) {
    this.json = json;
    this.away = away;
  }

  @Override
  public void process(Exchange exchange) {
    answer(exchange, caught(exchange));
  }

  /**
   * What failed, for a route that answers in a way of its own: a problem whose detail names every
   * invalid field. It is plain JSON, and an invalid body is a bad request.
   */
  public JsonNode explain(Exchange exchange) {
    Problem problem = problem(exchange, caught(exchange));
    answer(exchange, problem);
    Message message = exchange.getMessage();
    message.removeHeader(Exchange.CONTENT_TYPE);
    if (problem.status() == UNPROCESSABLE) {
      message.setHeader(Exchange.HTTP_RESPONSE_CODE, BAD_REQUEST);
    }
    ObjectNode plain = Json.MAPPER.valueToTree(problem);
    if (problem.errors() != null) {
      plain.put(
          "detail",
          problem.errors().stream()
              .map(error -> error.pointer().replaceFirst("^/", "") + " " + error.detail())
              .collect(Collectors.joining("; ")));
    }
    return plain;
  }

  /** Makes a failure the answer of the exchange. */
  void answer(Exchange exchange, Exception failure) {
    answer(exchange, problem(exchange, failure));
  }

  private void answer(Exchange exchange, Problem problem) {
    Message message = exchange.getMessage();
    message.removeHeaders("*");
    if (problem.status() == 503) {
      message.setHeader("Retry-After", RETRY_AFTER);
    }
    message.setHeader(Exchange.HTTP_RESPONSE_CODE, problem.status());
    message.setHeader(Exchange.CONTENT_TYPE, Problem.MEDIA_TYPE);
    message.setBody(
        json.write(problem.withCorrelationId(exchange.getVariable("correlationId", String.class))));
  }

  private static Exception caught(Exchange exchange) {
    return exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
  }

  private Problem problem(Exchange exchange, Exception failure) {
    String route = exchange.getProperty(Exchange.FAILURE_ROUTE_ID, String.class);
    ProblemException refusal = ObjectHelper.getException(ProblemException.class, failure);
    if (refusal != null) {
      return refusal.problem();
    }
    if (SqlFailures.away(failure)) {
      LOG.debug("Route {} could not use PostgreSQL: {}", route, failure.getMessage());
      away.accept(failure);
      return Problem.of(Type.UNAVAILABLE, "PostgreSQL does not respond; try again later");
    }
    if (failure instanceof DirectConsumerNotAvailableException) {
      return Problem.of(
          Type.UNAVAILABLE,
          "a route that this call needs is stopped on this node; try again later");
    }
    LOG.error("Route {} failed", route, failure);
    FailStop.passOn(failure);
    return Problem.of(Type.INTERNAL, "Herald failed; search its log for the correlationId");
  }
}
