package dev.herald.receipt;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.config.Durations;
import dev.herald.message.Times;
import dev.herald.outcome.ProviderText;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import dev.herald.receipt.Receipt.Status;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.apache.camel.Body;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Receipts on their way in, and what became of them. Thread-safe. */
public final class Receipts {
  private static final Logger LOG = LoggerFactory.getLogger(Receipts.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MAX_CODE = 64;
  private static final int MAX_DETAIL = 500;

  private final Duration keepUnmatched;
  private final Map<Result, LongAdder> results = new EnumMap<>(Result.class);
  private final LongAdder missed = new LongAdder();
  private final Warning ambiguous;
  private final Warning unknown;
  private final Warning missing;
  private volatile boolean off;
  private volatile boolean forgotten;

  /** What can become of a receipt. */
  public enum Result {
    /** It set the delivery of its message. */
    MATCHED,
    /** No message has the provider's id yet. */
    KEPT,
    /** There is no such message, or none came while the receipt was kept. */
    UNKNOWN,
    /** Several messages have the provider's id. */
    AMBIGUOUS,
    /** Its message had this receipt, or one that counts more. */
    REPEATED
  }

  /** Schema {@code Matched} of the contract. */
  public record Matched(boolean matched) {}

  /** Says how often something happened, at most once a minute. */
  private static final class Warning {
    private static final long PAUSE = Duration.ofMinutes(1).toNanos();

    private final String text;
    private final LongSupplier nanoTime;
    private long last;
    private long count;

    /**
     * @param text with the count as {}
     */
    Warning(String text, LongSupplier nanoTime) {
      this.text = text;
      this.nanoTime = nanoTime;
      this.last = nanoTime.getAsLong() - PAUSE;
    }

    synchronized void add(long more) {
      count += more;
      long now = nanoTime.getAsLong();
      if (count > 0 && now - last >= PAUSE) {
        LOG.warn(text, count);
        count = 0;
        last = now;
      }
    }
  }

  /**
   * @param keepUnmatched how long a receipt waits for its message; zero means not at all
   * @param nanoTime a monotonic clock, like {@link System#nanoTime()}
   */
  public Receipts(Duration keepUnmatched, LongSupplier nanoTime) {
    this.keepUnmatched = keepUnmatched;
    for (Result result : Result.values()) {
      results.put(result, new LongAdder());
    }
    ambiguous =
        new Warning(
            "Receipts changed nothing, because several messages have the provider's id: {}. It must be"
                + " unique",
            nanoTime);
    unknown =
        new Warning(
            "Receipts were dropped, because no message has their id: {}. The provider may send those of"
                + " other systems too",
            nanoTime);
    missing =
        new Warning(
            "Messages got no receipt within receipts.expected-within: {}. Ask the provider",
            nanoTime);
  }

  /** How many receipts ended so on this node. */
  public long count(Result result) {
    return results.get(result).sum();
  }

  /** Messages that this node has marked MISSING. */
  public long missed() {
    return missed.sum();
  }

  /**
   * Reads a receipt, or a list of them.
   *
   * @param body JSON, maps, or lists of these
   * @throws ProblemException naming each bad field, with its index where the body is a list
   */
  public ReceiptBatch read(@Body Object body) {
    JsonNode given = JSON.valueToTree(body);
    List<FieldError> errors = new ArrayList<>();
    List<Receipt> receipts = new ArrayList<>();
    if (given.isArray()) {
      for (int i = 0; i < given.size(); i++) {
        receipts.add(read(given.get(i), "/" + i, errors));
      }
    } else {
      receipts.add(read(given, "", errors));
    }
    if (!errors.isEmpty()) {
      throw new ProblemException(Problem.of(Type.INVALID, errors));
    }
    return new ReceiptBatch(receipts, keepUnmatched, false);
  }

  /** Asks for receipts that were kept. */
  public ReceiptBatch kept() {
    return new ReceiptBatch(List.of(), keepUnmatched, true);
  }

  private static Receipt read(JsonNode given, String pointer, List<FieldError> errors) {
    String id = text(given, "id", MAX_CODE);
    String messageId = text(given, "messageId", ProviderText.MAX_ID);
    if (id == null && messageId == null) {
      errors.add(
          new FieldError(pointer + "/messageId", "required", "is missing; give it, or give id"));
    } else if (id != null && messageId != null) {
      errors.add(
          new FieldError(
              pointer + "/id", "exclusive", "must be left out when there is a messageId"));
    }
    return new Receipt(
        id(id, pointer, errors),
        messageId,
        status(text(given, "status", MAX_CODE), pointer, errors),
        at(text(given, "at", MAX_CODE), pointer, errors),
        text(given, "code", MAX_CODE),
        text(given, "detail", MAX_DETAIL));
  }

  /** A text or number as text that can be stored; null if there is none. */
  private static String text(JsonNode given, String name, int length) {
    JsonNode value = given.path(name);
    String text = value.isValueNode() && !value.isNull() ? value.asText() : "";
    String storable = ProviderText.storable(text);
    return storable.isEmpty() ? null : storable.substring(0, Math.min(storable.length(), length));
  }

  private static UUID id(String id, String pointer, List<FieldError> errors) {
    try {
      return id == null ? null : UUID.fromString(id);
    } catch (IllegalArgumentException e) {
      errors.add(
          new FieldError(
              pointer + "/id",
              "format",
              "must be a UUID like 01890a5d-ac96-774b-bcce-b302099a8057"));
      return null;
    }
  }

  private static Status status(String status, String pointer, List<FieldError> errors) {
    for (Status one : Status.values()) {
      if (one.name().equals(status)) {
        return one;
      }
    }
    errors.add(
        new FieldError(pointer + "/status", "enum", "must be one of DELIVERED, UNDELIVERED"));
    return null;
  }

  /** Some providers write the offset without its colon. */
  private static Instant at(String at, String pointer, List<FieldError> errors) {
    try {
      return at == null ? null : Times.parse(at.replaceFirst("([+-]\\d\\d)(\\d\\d)$", "$1:$2"));
    } catch (DateTimeException e) {
      errors.add(
          new FieldError(
              pointer + "/at", "format", "must be a time like 2030-01-31T09:30:00Z (RFC 3339)"));
      return null;
    }
  }

  /**
   * Counts what became of receipts.
   *
   * @param rows of {@code sql/record-receipts.sql}
   * @return whether all of them have a message
   */
  public Matched recorded(@Body List<Map<String, Object>> rows) {
    boolean matched = !rows.isEmpty();
    for (Map<String, Object> row : rows) {
      Result result = Result.valueOf(row.get("result").toString().toUpperCase(Locale.ROOT));
      long n = ((Number) row.get("n")).longValue();
      results.get(result).add(n);
      matched &= result == Result.MATCHED || result == Result.REPEATED;
      ambiguous.add(result == Result.AMBIGUOUS ? n : 0);
      unknown.add(result == Result.UNKNOWN ? n : 0);
    }
    // Route match-receipts comes here every second, so nothing is left unsaid.
    ambiguous.add(0);
    unknown.add(0);
    return new Matched(matched);
  }

  /**
   * Whether there may be receipts to miss; also once after that was turned off, so that the
   * statement forgets how far it was.
   *
   * @param term {@code receipts.expected-within}
   */
  public boolean watches(@Variable("expectedWithin") String term) {
    off = Durations.parse(term).filter(Duration::isZero).isPresent();
    return !off || !forgotten;
  }

  /**
   * Counts receipts that did not come, and warns of them.
   *
   * @param marked how many messages were just marked
   */
  public void missing(@Body Number marked) {
    forgotten = off;
    missed.add(marked.longValue());
    missing.add(marked.longValue());
  }
}
