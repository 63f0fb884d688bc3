package dev.herald.message;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * Turns query parameters, which the contract has checked one by one, into parameters of the list
 * statements.
 */
public final class MessageQueries {
  private static final int DEFAULT_LIMIT = 50;

  /** How far a node's clock may be from the database's for a bound on time to be a bound on ids. */
  private static final Duration CLOCK_ROOM = Duration.ofMinutes(5);

  private final PhoneNumbers phoneNumbers;

  public MessageQueries(PhoneNumbers phoneNumbers) {
    this.phoneNumbers = phoneNumbers;
  }

  /**
   * What a list statement takes. A null does not restrict.
   *
   * @param status as it is stored
   * @param leased whether a claim holds it: what tells SENDING from PENDING
   * @param from inclusive
   * @param to exclusive
   * @param afterTime of the last row of the page before, where the order is by time
   * @param afterId of the last row of the page before
   */
  public record Query(
      String status,
      Boolean leased,
      String phoneNumber,
      String reference,
      String from,
      String to,
      UUID fromId,
      UUID toId,
      String afterTime,
      UUID afterId,
      int limit,
      int offset,
      boolean byTimeSent) {

    private String cursor(Message last) {
      return byTimeSent ? last.sentAt() + "_" + last.id() : last.id().toString();
    }
  }

  /** Schema {@code MessagePage} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Page(List<Message> items, String nextCursor) {}

  /** For {@code sql/list-messages.sql}. */
  public Query messages(
      @Variable("status") String status,
      @Variable("phoneNumber") String phoneNumber,
      @Variable("reference") String reference,
      @Variable("createdFrom") String from,
      @Variable("createdTo") String to,
      @Variable("limit") Integer limit,
      @Variable("cursor") String cursor,
      @Variable("offset") Integer offset) {
    if (reference != null && reference.isBlank()) {
      throw refusal("reference", "text", "must not be blank");
    }
    boolean sending = "SENDING".equals(status);
    Instant fromTime = time("createdFrom", from);
    Instant toTime = time("createdTo", to);
    return new Query(
        sending ? "PENDING" : status,
        sending ? Boolean.TRUE : "PENDING".equals(status) ? Boolean.FALSE : null,
        phoneNumber == null ? null : stored(phoneNumber),
        reference,
        text(fromTime),
        text(toTime),
        fromTime == null ? null : firstIdSince(fromTime),
        toTime == null ? null : firstIdAfter(toTime),
        null,
        cursor == null ? null : id(cursor),
        limit == null ? DEFAULT_LIMIT : limit,
        offset(offset, cursor),
        false);
  }

  /** For {@code sql/list-sent-messages.sql}. */
  public Query sent(
      @Variable("sentFrom") String from,
      @Variable("sentTo") String to,
      @Variable("limit") Integer limit,
      @Variable("cursor") String cursor,
      @Variable("offset") Integer offset) {
    String[] after = cursor == null ? new String[] {null, null} : cursor.split("_", 2);
    if (after.length != 2) {
      throw badCursor();
    }
    return new Query(
        "SENT",
        null,
        null,
        null,
        text(time("sentFrom", from)),
        text(time("sentTo", to)),
        null,
        null,
        cursor == null ? null : text(cursorTime(after[0])),
        cursor == null ? null : id(after[1]),
        limit == null ? DEFAULT_LIMIT : limit,
        offset(offset, cursor),
        true);
  }

  /** The page of the rows that came: one more than its limit when another follows. */
  public Page page(@Body List<Message> rows, @Variable("query") Query query) {
    if (rows.size() <= query.limit()) {
      return new Page(rows, null);
    }
    List<Message> items = rows.subList(0, query.limit());
    return new Page(items, query.cursor(items.get(items.size() - 1)));
  }

  private String stored(String phoneNumber) {
    return phoneNumbers
        .stored(phoneNumber)
        .orElseThrow(
            () ->
                refusal(
                    "phoneNumber",
                    "phone-number",
                    "is not a valid phone number; "
                        + phoneNumbers.example()
                        + "; in a URL, write + as %2B"));
  }

  private static int offset(Integer offset, String cursor) {
    if (offset != null && offset > 0 && cursor != null) {
      throw refusal("offset", "exclusive", "must be left out when there is a cursor");
    }
    return offset == null ? 0 : offset;
  }

  private static Instant time(String name, String text) {
    try {
      return text == null ? null : Times.parse(text);
    } catch (java.time.DateTimeException e) {
      throw refusal(name, "format", "must be a time like 2030-01-31T09:30:00Z (RFC 3339)");
    }
  }

  private static String text(Instant time) {
    return time == null ? null : time.toString();
  }

  private static Instant cursorTime(String text) {
    try {
      return Times.parse(text);
    } catch (java.time.DateTimeException e) {
      throw badCursor();
    }
  }

  private static UUID id(String text) {
    try {
      UUID id = UUID.fromString(text);
      if (id.toString().equals(text)) {
        return id;
      }
    } catch (IllegalArgumentException e) {
      // named below
    }
    throw badCursor();
  }

  private static ProblemException badCursor() {
    return refusal("cursor", "cursor", "must be the nextCursor of the previous page");
  }

  private static ProblemException refusal(String parameter, String rule, String detail) {
    return new ProblemException(
        Problem.of(Type.BAD_PARAMETER, List.of(new FieldError(parameter, rule, detail))));
  }

  /** No message that was accepted at this time or later has an earlier id. */
  static UUID firstIdSince(Instant time) {
    return firstId(time.minus(CLOCK_ROOM));
  }

  /** Every message that was accepted before this time has an earlier id. */
  static UUID firstIdAfter(Instant time) {
    return firstId(time.plus(CLOCK_ROOM));
  }

  /** The first UUIDv7 of a millisecond, RFC 9562 section 5.7. */
  static UUID firstId(Instant time) {
    return new UUID(Math.max(0, time.toEpochMilli()) << 16 | 0x7000, 0x8000_0000_0000_0000L);
  }
}
