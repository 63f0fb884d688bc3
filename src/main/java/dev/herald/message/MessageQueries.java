package dev.herald.message;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.camel.Body;
import org.apache.camel.Variable;

/**
 * Turns query parameters, which the contract has checked one by one, into parameters of the list
 * statements.
 */
public final class MessageQueries {
  private static final int DEFAULT_LIMIT = 50;

  /** What a page by the time of change reads at most: there is no index for that. */
  private static final int MOST_READ = 5_000;

  /** The statuses with an index in the order of ids. */
  private static final Set<String> FEW = Set.of("FAILED", "UNKNOWN", "CANCELLED", "EXPIRED");

  private static final UUID FIRST_ID = new UUID(0, 0);
  private static final UUID LAST_ID = new UUID(-1, -1);

  /** How far a node's clock may be from the database's for a bound on time to be a bound on ids. */
  private static final Duration CLOCK_ROOM = Duration.ofMinutes(5);

  private final PhoneNumbers phoneNumbers;

  public MessageQueries(PhoneNumbers phoneNumbers) {
    this.phoneNumbers = phoneNumbers;
  }

  /** What a page is made of. */
  public interface Query {
    int limit();

    /** The cursor of the page that follows a message. */
    String cursor(Message last);
  }

  /**
   * What {@code sql/list-messages.sql} takes.
   *
   * @param lists the statuses, as they are stored, whose messages are read in their order and
   *     merged; null if all messages are read, or those with another filter
   * @param status one of these, where {@code lists} is null; null for any
   * @param leased of the PENDING ones whether a claim holds them: what tells SENDING from PENDING;
   *     null for either
   * @param from inclusive, as are the others
   * @param to exclusive, as are the others
   * @param byUpdate whether the time of change restricts: then each message that is read counts
   * @param reads how many messages are read at most
   */
  public record Messages(
      String[] lists,
      String[] status,
      Boolean leased,
      String phoneNumber,
      String reference,
      String failureClass,
      OffsetDateTime from,
      OffsetDateTime to,
      OffsetDateTime updatedFrom,
      OffsetDateTime updatedTo,
      UUID fromId,
      UUID toId,
      boolean byUpdate,
      int reads,
      int limit,
      int offset)
      implements Query {

    @Override
    public String cursor(Message last) {
      return last.id().toString();
    }
  }

  /**
   * What {@code sql/list-sent-messages.sql} takes. A null does not restrict.
   *
   * @param from inclusive
   * @param to exclusive
   * @param afterTime of the last message of the page before
   * @param afterId the same
   */
  public record SentMessages(
      String from, String to, String afterTime, UUID afterId, int limit, int offset)
      implements Query {

    @Override
    public String cursor(Message last) {
      return last.sentAt() + "_" + last.id();
    }
  }

  /**
   * A row of a list.
   *
   * @param fits whether it belongs to the page
   * @param end whether no more were read, so that others may follow
   */
  public record Row(Message message, boolean fits, boolean end) {
    public static Row read(ResultSet row, int rowNumber) throws SQLException {
      return new Row(
          Message.read(row, rowNumber), row.getBoolean("fits"), row.getBoolean("is_end"));
    }
  }

  /** Schema {@code MessagePage} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Page(List<Message> items, String nextCursor) {}

  /** For {@code sql/list-messages.sql}. */
  public Messages messages(
      @Variable("status") String status,
      @Variable("phoneNumber") String phoneNumber,
      @Variable("reference") String reference,
      @Variable("class") String failureClass,
      @Variable("createdFrom") String from,
      @Variable("createdTo") String to,
      @Variable("updatedFrom") String updatedFrom,
      @Variable("updatedTo") String updatedTo,
      @Variable("limit") Integer limit,
      @Variable("cursor") String cursor,
      @Variable("offset") Integer offset) {
    if (reference != null && reference.isBlank()) {
      throw refusal("reference", "text", "must not be blank");
    }
    Instant fromTime = time("createdFrom", from);
    Instant toTime = time("createdTo", to);
    Instant updatedFromTime = time("updatedFrom", updatedFrom);
    Instant updatedToTime = time("updatedTo", updatedTo);
    boolean updated = updatedFrom != null || updatedTo != null;
    int size = limit == null ? DEFAULT_LIMIT : limit;
    int skipped = offset(offset, cursor);
    if (updated && skipped > 0) {
      throw refusal(
          "offset", "exclusive", "must be left out with updatedFrom or updatedTo; use cursor");
    }
    Set<String> asked = status == null ? Set.of() : Set.copyOf(List.of(status.split(",")));
    String[] stored =
        status == null
            ? null
            : asked.stream().map(MessageQueries::storedStatus).distinct().toArray(String[]::new);
    boolean another =
        phoneNumber != null
            || reference != null
            || failureClass != null
            || updated && !FEW.containsAll(asked);
    return new Messages(
        another ? null : stored,
        another ? stored : null,
        asked.contains("SENDING") == asked.contains("PENDING") ? null : asked.contains("SENDING"),
        phoneNumber == null ? null : stored(phoneNumber),
        reference,
        failureClass,
        bound(fromTime, OffsetDateTime.MIN),
        bound(toTime, OffsetDateTime.MAX),
        bound(updatedFromTime, OffsetDateTime.MIN),
        bound(updatedToTime, OffsetDateTime.MAX),
        fromTime == null ? FIRST_ID : firstIdSince(fromTime),
        earliest(
            cursor == null ? LAST_ID : id(cursor),
            toTime == null ? LAST_ID : firstIdAfter(toTime),
            // A message is not updated before it is accepted.
            updatedToTime == null ? LAST_ID : firstIdAfter(updatedToTime)),
        updated,
        updated ? MOST_READ : size + 1 + skipped,
        size,
        skipped);
  }

  /** For {@code sql/list-sent-messages.sql}. */
  public SentMessages sent(
      @Variable("sentFrom") String from,
      @Variable("sentTo") String to,
      @Variable("limit") Integer limit,
      @Variable("cursor") String cursor,
      @Variable("offset") Integer offset) {
    String[] after = cursor == null ? new String[] {null, null} : cursor.split("_", 2);
    if (after.length != 2) {
      throw badCursor();
    }
    return new SentMessages(
        text(time("sentFrom", from)),
        text(time("sentTo", to)),
        cursor == null ? null : text(cursorTime(after[0])),
        cursor == null ? null : id(after[1]),
        limit == null ? DEFAULT_LIMIT : limit,
        offset(offset, cursor));
  }

  /**
   * The page of the rows that came. Another follows if there is one row more than its limit, or if
   * no more were read.
   */
  public Page page(@Body List<Row> rows, @Variable("query") Query query) {
    List<Message> fit = rows.stream().filter(Row::fits).map(Row::message).toList();
    if (fit.size() > query.limit()) {
      List<Message> items = fit.subList(0, query.limit());
      return new Page(items, query.cursor(items.get(items.size() - 1)));
    }
    Row last = rows.isEmpty() ? null : rows.get(rows.size() - 1);
    return new Page(fit, last != null && last.end() ? query.cursor(last.message()) : null);
  }

  private static String storedStatus(String status) {
    return "SENDING".equals(status) ? "PENDING" : status;
  }

  private static OffsetDateTime bound(Instant time, OffsetDateTime without) {
    return time == null ? without : time.atOffset(ZoneOffset.UTC);
  }

  private static UUID earliest(UUID... ids) {
    return Stream.of(ids).min(IdOrder::compare).orElseThrow();
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
