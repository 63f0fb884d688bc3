package dev.herald.message;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * Many messages retried or cancelled by one call, a slice in each transaction, so that nothing
 * waits long for it. Stateless.
 */
public final class MassActions {
  private static final Pattern HTTP_STATUS =
      Pattern.compile("HTTP \\d{3}", Pattern.CASE_INSENSITIVE);
  private static final int DEFAULT_LIMIT = 1_000;
  private static final int SLICE = 500;

  private final PhoneNumbers phoneNumbers;

  public MassActions(PhoneNumbers phoneNumbers) {
    this.phoneNumbers = phoneNumbers;
  }

  /**
   * Which messages, and whether they are only counted. A null does not restrict.
   *
   * @param error text that is part of the last error, in any case of its letters
   * @param from inclusive; with the first id that a message of that time can have
   * @param to exclusive; with such an id
   * @param reason of the caller, for the log
   */
  public record Filter(
      String status,
      String phoneNumber,
      String reference,
      String error,
      String from,
      String to,
      UUID fromId,
      UUID toId,
      int limit,
      boolean dryRun,
      String reason) {

    /** What it asks for, with no more of a phone number than its end. */
    public String shown() {
      Map<String, Object> shown = new LinkedHashMap<>();
      shown.put("status", status);
      shown.put(
          "phoneNumber",
          phoneNumber == null ? null : "..." + phoneNumber.substring(phoneNumber.length() - 2));
      shown.put("reference", reference);
      shown.put("error", error == null ? null : shown(error));
      shown.put("createdFrom", from);
      shown.put("createdTo", to);
      shown.put("limit", limit);
      shown.values().removeIf(Objects::isNull);
      return shown.toString();
    }

    /** A provider may quote the message in its words. */
    private static String shown(String error) {
      Matcher status = HTTP_STATUS.matcher(error);
      return (status.lookingAt() ? status.group() : "")
          + "... (%d characters)".formatted(error.length());
    }
  }

  /**
   * The next slice, and what those before it did.
   *
   * @param size the most messages in it; 0 when all is done
   * @param began the database's time of the first; null before it
   * @param after where the one before ended; null for the first
   */
  public record Slice(
      int size, String began, String after, UUID afterId, int matched, int changed) {
    public boolean open() {
      return size > 0;
    }
  }

  /** Schema {@code ActionResult} of the contract. */
  public record Result(int matched, int changed, boolean dryRun) {}

  /**
   * @throws ProblemException INVALID, with every wrong field
   */
  public Filter retry(@Body JsonNode body) {
    return filter(body, "FAILED", new ArrayList<>());
  }

  /**
   * A filter that leaves nothing out must say so, for it stops everything that waits.
   *
   * @throws ProblemException INVALID, with every wrong field
   */
  public Filter cancel(@Body JsonNode body) {
    List<FieldError> errors = new ArrayList<>();
    if (List.of("status", "phoneNumber", "reference", "error", "createdFrom", "createdTo").stream()
        .noneMatch(body::has)) {
      errors.add(
          new FieldError(
              "/status",
              "required",
              "is missing, and so is every other filter; to cancel whatever is pending, say PENDING"));
    }
    return filter(body, "PENDING", errors);
  }

  private Filter filter(JsonNode body, String status, List<FieldError> errors) {
    String phoneNumber = body.path("phoneNumber").textValue();
    if (phoneNumber != null) {
      phoneNumber = phoneNumbers.stored(phoneNumber).orElse(null);
      if (phoneNumber == null) {
        errors.add(
            new FieldError(
                "/phoneNumber",
                "phone-number",
                "is not a valid phone number; " + phoneNumbers.example()));
      }
    }
    Instant from = time(body, "createdFrom", errors);
    Instant to = time(body, "createdTo", errors);
    if (from != null && to != null && !to.isAfter(from)) {
      errors.add(new FieldError("/createdTo", "order", "must be after createdFrom"));
    }
    Filter filter =
        new Filter(
            body.path("status").asText(status),
            phoneNumber,
            text(body, "reference", errors),
            text(body, "error", errors),
            from == null ? null : from.toString(),
            to == null ? null : to.toString(),
            from == null ? null : MessageQueries.firstIdSince(from),
            to == null ? null : MessageQueries.firstIdAfter(to),
            body.path("limit").asInt(DEFAULT_LIMIT),
            body.path("dryRun").asBoolean(),
            body.path("reason").textValue());
    if (!errors.isEmpty()) {
      throw new ProblemException(Problem.of(Type.INVALID, errors));
    }
    return filter;
  }

  private static String text(JsonNode body, String name, List<FieldError> errors) {
    String text = body.path(name).textValue();
    if (text != null && text.isBlank()) {
      errors.add(new FieldError("/" + name, "text", "must not be blank"));
    }
    return text;
  }

  private static Instant time(JsonNode body, String name, List<FieldError> errors) {
    String text = body.path(name).textValue();
    try {
      return text == null ? null : Times.parse(text);
    } catch (DateTimeException e) {
      errors.add(
          new FieldError(
              "/" + name, "format", "must be a time like 2030-01-31T09:30:00Z (RFC 3339)"));
      return null;
    }
  }

  public Slice first(@Variable("filter") Filter filter) {
    return new Slice(Math.min(SLICE, filter.limit()), null, null, null, 0, 0);
  }

  /** The slice after this one, which is the row of its statement. */
  public Slice next(
      @Body Map<String, Object> row,
      @Variable("slice") Slice slice,
      @Variable("filter") Filter filter) {
    int matched = slice.matched() + ((Number) row.get("matched")).intValue();
    return new Slice(
        (boolean) row.get("more") ? Math.min(SLICE, filter.limit() - matched) : 0,
        slice.began() == null ? (String) row.get("began") : slice.began(),
        (String) row.get("after"),
        (UUID) row.get("after_id"),
        matched,
        slice.changed() + ((Number) row.get("changed")).intValue());
  }

  public Result result(@Variable("slice") Slice slice, @Variable("filter") Filter filter) {
    return new Result(slice.matched(), slice.changed(), filter.dryRun());
  }
}
