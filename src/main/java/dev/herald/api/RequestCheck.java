package dev.herald.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.spi.RestClientRequestValidator;

/**
 * Checks a request's body against the contract before its route begins: Camel calls it for each
 * operation. The route then starts with the body as a {@link JsonNode}, or none. Stateless.
 */
public final class RequestCheck implements RestClientRequestValidator {
  private final Contract contract;
  private final Json json;

  public RequestCheck(Contract contract, Json json) {
    this.contract = contract;
    this.json = json;
  }

  @Override
  public ValidationError validate(Exchange exchange, ValidationContext context) {
    Message message = exchange.getMessage();
    String path = message.getHeader(Exchange.HTTP_PATH, String.class);
    Optional<JsonSchema> schema =
        contract.at(path).get(message.getHeader(Exchange.HTTP_METHOD, String.class)).body();
    try {
      // The answer's, unless the route says otherwise; Camel would make it of all the contract's.
      message.setHeader(Exchange.CONTENT_TYPE, "application/json");
      message.setBody(
          schema.isEmpty()
              ? null
              : check(schema.get(), message.getBody(Buffer.class), context.requiredBody()));
      return null;
    } catch (ProblemException e) {
      message.setHeader(Exchange.CONTENT_TYPE, Problem.MEDIA_TYPE);
      String correlationId = message.getHeader(ApiHeaders.CORRELATION_ID, String.class);
      return new ValidationError(
          e.problem().status(), json.write(e.problem().withCorrelationId(correlationId)));
    }
  }

  private static JsonNode check(JsonSchema schema, Buffer body, boolean required) {
    if ((body == null || body.length() == 0) && !required) {
      return null;
    }
    JsonNode node = Json.read(body == null ? new byte[0] : body.getBytes());
    List<FieldError> errors = Contract.check(schema, node);
    if (!errors.isEmpty()) {
      throw new ProblemException(Problem.of(Type.INVALID, errors));
    }
    return node;
  }
}
