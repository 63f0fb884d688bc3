package dev.herald.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.Variable;

/**
 * What a route with an HTTP entrance of its own needs to read a request: docs/facades.md lists the
 * methods for those who write routes. Thread-safe.
 */
public final class Requests {
  private final Contract contract;

  public Requests(Contract contract) {
    this.contract = contract;
  }

  /**
   * The body as JSON.
   *
   * @throws ProblemException if it is not a JSON object
   */
  public JsonNode object(@Body byte[] body) {
    JsonNode object = Json.read(body == null ? new byte[0] : body);
    if (!object.isObject()) {
      throw new ProblemException(Type.MALFORMED, "the body must be a JSON object");
    }
    return object;
  }

  /**
   * A query parameter that is a whole number.
   *
   * @param otherwise the value without one
   * @throws ProblemException if it is no number from min to max
   */
  public int integer(
      String name, int otherwise, int min, int max, @Variable("request") ClientRequest request) {
    String written = request.query().get(name);
    if (written == null) {
      return otherwise;
    }
    int number = written.matches("-?\\d{1,9}") ? Integer.parseInt(written) : min - 1;
    if (number < min || number > max) {
      throw new ProblemException(
          Problem.of(
              Type.BAD_PARAMETER,
              List.of(
                  new FieldError(
                      name,
                      "integer",
                      "must be a whole number from %d to %d".formatted(min, max)))));
    }
    return number;
  }

  /**
   * Checks what a route is about to hand to an operation of the contract: its parameters, which are
   * variables, and the body, which is JSON.
   *
   * @throws ProblemException naming each that is wrong
   */
  public void check(String id, Exchange exchange) {
    Contract.Operation operation = contract.operation(id);
    if (operation == null) {
      throw new IllegalArgumentException("openapi.yaml has no operation " + id);
    }
    Map<String, JsonSchema> parameters = new LinkedHashMap<>(operation.path());
    parameters.putAll(operation.query());
    List<FieldError> errors = new ArrayList<>();
    parameters.forEach(
        (name, schema) -> {
          String value = exchange.getVariable(name, String.class);
          if (value != null) {
            errors.addAll(Contract.check(name, schema, value));
          }
        });
    if (!errors.isEmpty()) {
      throw new ProblemException(Problem.of(Type.BAD_PARAMETER, errors));
    }
    JsonNode body = exchange.getMessage().getBody(JsonNode.class);
    if (operation.bodyRequired() || body != null && operation.body().isPresent()) {
      operation.body().get().require(body);
    }
  }

  /**
   * Ends the request.
   *
   * @param type of the problem, such as {@code conflict} or {@code not-found}
   * @param detail for the client
   * @throws ProblemException always
   */
  public void refuse(String type, String detail) {
    throw new ProblemException(
        Type.valueOf(type.toUpperCase(Locale.ROOT).replace('-', '_')), detail);
  }
}
