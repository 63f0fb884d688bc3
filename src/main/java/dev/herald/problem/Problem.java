package dev.herald.problem;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;

/**
 * An error as clients see it: RFC 9457. Its {@code type} is stable.
 *
 * @param correlationId identifies the request in the log
 * @param errors one for each invalid field or parameter; null for other problems
 * @param faults one for each reason why files of the flow cannot run; null for other problems
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Problem(
    String type,
    String title,
    int status,
    String detail,
    String correlationId,
    List<FieldError> errors,
    List<Fault> faults) {

  /** The media type of a problem. */
  public static final String MEDIA_TYPE = "application/problem+json";

  /**
   * @param pointer a JSON pointer into the body, or a parameter's name
   * @param rule the violated rule
   * @param detail how to fix it
   */
  public record FieldError(String pointer, String rule, String detail) {}

  /** The kinds of problem, each a stable {@code type}. */
  public enum Type {
    MALFORMED(400, "The request is malformed"),
    BAD_PARAMETER(400, "A parameter is invalid"),
    UNAUTHORIZED(401, "A valid key is required"),
    FORBIDDEN(403, "The key may not do this"),
    NOT_FOUND(404, "Not found"),
    METHOD_NOT_ALLOWED(405, "The method is not allowed"),
    NOT_ACCEPTABLE(406, "Only application/json is available"),
    CONFLICT(409, "The current state does not allow this"),
    TOO_LARGE(413, "The body is too large"),
    UNSUPPORTED_MEDIA_TYPE(415, "The body must be application/json"),
    FLOW_REFUSED(422, "The files of the flow cannot run"),
    INVALID(422, "The request is invalid"),
    KEY_REUSED(422, "The Idempotency-Key was used for another request"),
    TOO_MANY_REQUESTS(429, "Too many requests"),
    INTERNAL(500, "Internal error"),
    UNAVAILABLE(503, "Currently unavailable");

    private final int status;
    private final String title;

    Type(int status, String title) {
      this.status = status;
      this.title = title;
    }
  }

  public static Problem of(Type type, String detail) {
    return of(type, detail, null);
  }

  public static Problem of(Type type, String detail, List<FieldError> errors) {
    String name = type.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
    return new Problem(
        "urn:problem-type:herald:" + name, type.title, type.status, detail, null, errors, null);
  }

  /** Invalid fields of one body or query. */
  public static Problem of(Type type, List<FieldError> errors) {
    String detail =
        errors.size() == 1
            ? errors.get(0).pointer() + " " + errors.get(0).detail()
            : errors.size() + " fields are invalid";
    return of(type, detail, errors);
  }

  /** Files of the flow that cannot run. */
  public static Problem ofFlow(List<Fault> faults) {
    Problem problem =
        of(
            Type.FLOW_REFUSED,
            faults.size() == 1
                ? faults.get(0).toString()
                : faults.size() + " faults; the flow that runs goes on");
    return new Problem(
        problem.type, problem.title, problem.status, problem.detail, null, null, faults);
  }

  public Problem withCorrelationId(String id) {
    return new Problem(type, title, status, detail, id, errors, faults);
  }
}
