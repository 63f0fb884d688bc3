package dev.herald.api;

import com.networknt.schema.JsonSchema;
import dev.herald.api.Contract.Operation;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpServerRequest;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the head of a request must be like: its parameters and headers as the contract has them, an
 * answer that it accepts, and a body that the operation takes. Immutable.
 */
final class RequestRules {
  static final String JSON = "application/json";

  /** Two of these would say two things, and it is not defined which one counts. */
  private static final List<String> ONCE = List.of("Authorization", "Content-Type");

  private final Contract contract;
  private final Set<String> anyAccept;
  private final int maxBodyBytes;

  /**
   * @param anyAccept the operations that answer whatever a client accepts, by id
   */
  RequestRules(Contract contract, Set<String> anyAccept, int maxBodyBytes) {
    this.contract = contract;
    this.anyAccept = anyAccept;
    this.maxBodyBytes = maxBodyBytes;
  }

  /** The headers that must be given once and are not. */
  Optional<Problem> repeated(MultiMap headers) {
    List<FieldError> repeated = new ArrayList<>();
    ONCE.forEach(name -> repeated.addAll(once(name, headers.getAll(name))));
    return repeated.isEmpty()
        ? Optional.empty()
        : Optional.of(Problem.of(Type.BAD_PARAMETER, repeated));
  }

  /** The first kind of rule that a request breaks: its parameters, what it accepts, its body. */
  Optional<Problem> problem(
      Operation operation, String path, HttpServerRequest request, MultiMap query) {
    List<FieldError> errors = new ArrayList<>();
    Iterator<String> parts = contract.parts(path).iterator();
    operation
        .path()
        .forEach((name, schema) -> errors.addAll(Contract.check(name, schema, parts.next())));
    for (String name : query.names()) {
      if (!operation.query().containsKey(name)) {
        errors.add(new FieldError(name, "additionalProperties", unknown(operation)));
      } else {
        check(name, operation.query().get(name), query.getAll(name)).stream()
            .map(error -> query.get(name).contains(" ") ? withPlus(error) : error)
            .forEach(errors::add);
      }
    }
    operation
        .headers()
        .forEach(
            (name, schema) -> {
              if (request.headers().contains(name)) {
                errors.addAll(check(name, schema, request.headers().getAll(name)));
              }
            });
    if (!errors.isEmpty()) {
      return Optional.of(Problem.of(Type.BAD_PARAMETER, errors));
    }
    String accept = String.join(",", request.headers().getAll("Accept"));
    if (!accept.isEmpty() && !anyAccept.contains(operation.id()) && !accepts(accept)) {
      return Optional.of(
          Problem.of(
              Type.NOT_ACCEPTABLE, "Accept is " + accept + "; it must allow application/json"));
    }
    return bodyProblem(operation, request);
  }

  /** The same for an entrance that is not the contract's: its route reads parameters and body. */
  Optional<Problem> problem(HttpServerRequest request) {
    Operation create = contract.operation("createMessage");
    JsonSchema key = create == null ? null : create.headers().get(Entrances.IDEMPOTENCY_KEY);
    if (key != null && request.headers().contains(Entrances.IDEMPOTENCY_KEY)) {
      List<FieldError> errors =
          check(
              Entrances.IDEMPOTENCY_KEY, key, request.headers().getAll(Entrances.IDEMPOTENCY_KEY));
      if (!errors.isEmpty()) {
        return Optional.of(Problem.of(Type.BAD_PARAMETER, errors));
      }
    }
    if (tooLong(request)) {
      return Optional.of(tooLarge());
    }
    if (empty(request)) {
      request.headers().remove("Content-Type");
    }
    return Optional.empty();
  }

  private static boolean empty(HttpServerRequest request) {
    String length = request.getHeader("Content-Length");
    return length == null ? !Admission.unmeasured(request) : length.equals("0");
  }

  private boolean tooLong(HttpServerRequest request) {
    String length = request.getHeader("Content-Length");
    return length != null && (length.length() > 9 || Integer.parseInt(length) > maxBodyBytes);
  }

  private Optional<Problem> bodyProblem(Operation operation, HttpServerRequest request) {
    boolean empty = empty(request);
    boolean tooLong = tooLong(request);
    if (operation.body().isEmpty() && tooLong) {
      return Optional.of(Problem.of(Type.MALFORMED, "this call takes no body"));
    }
    if (operation.body().isEmpty() || empty) {
      // Or the server would decode a form that nobody asked for, and fail at a GET that has one.
      request.headers().remove("Content-Type");
      return operation.bodyRequired() && empty
          ? Optional.of(Problem.of(Type.MALFORMED, "the body is empty; it must be JSON"))
          : Optional.empty();
    }
    if (tooLong) {
      return Optional.of(tooLarge());
    }
    String type = request.getHeader("Content-Type");
    return type != null && type.split(";", 2)[0].strip().equalsIgnoreCase(JSON)
        ? Optional.empty()
        : Optional.of(
            Problem.of(
                Type.UNSUPPORTED_MEDIA_TYPE,
                "Content-Type is "
                    + (type == null ? "missing" : type)
                    + "; send application/json"));
  }

  Problem tooLarge() {
    return Problem.of(
        Type.TOO_LARGE, "the body may have at most " + maxBodyBytes + " bytes (server.max-body)");
  }

  /** What is wrong with a parameter, which may be given once. */
  private static List<FieldError> check(String name, JsonSchema schema, List<String> values) {
    List<FieldError> repeated = once(name, values);
    return repeated.isEmpty() ? Contract.check(name, schema, values.get(0)) : repeated;
  }

  private static List<FieldError> once(String name, List<String> values) {
    return values.size() > 1
        ? List.of(new FieldError(name, "maxItems", "must be given once"))
        : List.of();
  }

  /** A + that is not encoded arrives as a space. */
  private static FieldError withPlus(FieldError error) {
    return error.rule().equals("format")
        ? new FieldError(
            error.pointer(), error.rule(), error.detail() + "; in a URL, write + as %2B")
        : error;
  }

  private static String unknown(Operation operation) {
    return operation.query().isEmpty()
        ? "is unknown; this call has no query parameters"
        : "is unknown; allowed are " + String.join(", ", operation.query().keySet());
  }

  private static boolean accepts(String accept) {
    for (String range : accept.split(",")) {
      String type = range.split(";", 2)[0].strip().toLowerCase(java.util.Locale.ROOT);
      if (type.equals("*/*")
          || type.equals("application/*")
          || type.equals(JSON)
          || type.equals(Problem.MEDIA_TYPE)) {
        return true;
      }
    }
    return false;
  }
}
