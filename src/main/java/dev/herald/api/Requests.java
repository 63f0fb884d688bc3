package dev.herald.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchema;
import dev.herald.config.Role;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
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
   * Ends the request if its key lacks a role; work that no request began has every role.
   *
   * @param role {@code read}, {@code send} or {@code operate}
   * @throws ProblemException if it lacks it
   */
  public void require(String role, Exchange exchange) {
    Role needed =
        Role.named(role)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "'%s' is no role; write read, send or operate".formatted(role)));
    if (!Caller.rolesOf(exchange).contains(needed)) {
      Caller.refusal(
              exchange.getVariable("key", String.class), Caller.rolesOf(exchange), Set.of(needed))
          .ifPresent(
              problem -> {
                throw new ProblemException(problem);
              });
    }
  }

  /**
   * Guards every {@code direct:} route that is an operation which changes something, so that no
   * facade can do with a key what the API refuses. What is read, an entrance has guarded.
   *
   * @param entrance such as {@code direct://stopScheduler}
   * @throws ProblemException if the exchange's caller lacks the operation's role
   */
  public void enter(String entrance, Exchange exchange) {
    Contract.Operation operation =
        contract.operation(entrance.substring(entrance.lastIndexOf('/') + 1));
    if (operation != null) {
      operation
          .role()
          .filter(role -> role != Role.READ)
          .ifPresent(role -> require(role.toString(), exchange));
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
