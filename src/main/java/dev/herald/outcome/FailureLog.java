package dev.herald.outcome;

import dev.herald.message.ClaimedMessage;
import dev.herald.message.MessageStatus;
import dev.herald.message.Trail;
import dev.herald.outcome.Outcome.Kind;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.apache.camel.Body;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Warns of each message that ended without being sent, of each kind of {@code MISCONFIGURED}, and
 * of steps that fail when the webhook has accepted the message. Of many it tells the first of a
 * minute, then their number by reason, so a million cost a map of a few entries. Thread-safe.
 */
public final class FailureLog {
  private static final Logger LOG = LoggerFactory.getLogger(FailureLog.class);
  private static final long MINUTE_NANOS = TimeUnit.MINUTES.toNanos(1);
  private static final int SINGLY = 5;
  private static final int MOST_REASONS = 20;
  private static final String OTHERS = "for other reasons";

  private final LongSupplier nanoTime;
  private final Map<String, Integer> untold = new HashMap<>();
  private final Map<String, Integer> untoldMisconfigured = new HashMap<>();
  private final Map<String, Integer> untoldSent = new HashMap<>();
  private boolean begun;
  private long begunAt;
  private int told;

  /**
   * @param nanoTime a monotonic clock, like {@link System#nanoTime()}
   */
  public FailureLog(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Takes note of what was recorded. */
  void add(Outcome outcome, Transition verdict) {
    ClaimedMessage message = outcome.message();
    if (verdict.status() == MessageStatus.PENDING) {
      if (outcome.kind() == Kind.MISCONFIGURED) {
        misconfigured(outcome);
      }
      return;
    }
    if (verdict.status() == MessageStatus.SENT) {
      if (outcome.error() != null) {
        failedAfterwards(outcome);
      }
      return;
    }
    String status = status(outcome);
    String reason = reason(outcome.kind(), verdict.status());
    if (count(untold, reason + " (" + outcome.kind() + ", " + status + ")")) {
      String words = LogWords.of(message, words(outcome));
      Trail.about(LOG, Level.WARN, message.id(), message.correlationId())
          .log(
              "Message {} ended {}, {}: class {}, {}, attempt {} of {}{}",
              message.id(),
              verdict.status(),
              reason,
              outcome.kind(),
              status,
              message.attempt(),
              message.maxAttempts(),
              words.isEmpty() ? "" : ": " + words);
    }
  }

  /** Takes note of the rows of {@code sql/expire-messages.sql}. */
  public void expired(@Body List<Map<String, Object>> rows) {
    for (Map<String, Object> row : rows) {
      UUID id = (UUID) row.get("id");
      Object status = row.get("status");
      String reason = (String) row.get("last_error");
      if (count(untold, reason)) {
        Trail.about(LOG, Level.WARN, id, (String) row.get("correlation_id"))
            .log("Message {} ended {}: {}", id, status, reason);
      }
    }
  }

  private void misconfigured(Outcome outcome) {
    String kind = status(outcome);
    if (firstOf(kind, untoldMisconfigured)) {
      ClaimedMessage message = outcome.message();
      Trail.about(LOG, Level.WARN, message.id(), message.correlationId())
          .log(
              "{}, and messages wait until that is corrected. Message {}: class MISCONFIGURED, {},"
                  + " attempt {} of {}: {}",
              outcome.httpStatus() == null
                  ? "A step of the route fails before the POST"
                  : "The webhook's URL or key seems wrong",
              message.id(),
              kind,
              message.attempt(),
              message.maxAttempts(),
              LogWords.of(message, words(outcome)));
    }
  }

  private void failedAfterwards(Outcome outcome) {
    if (firstOf(status(outcome), untoldSent)) {
      ClaimedMessage message = outcome.message();
      Trail.about(LOG, Level.WARN, message.id(), message.correlationId())
          .log(
              "The webhook accepted message {}, which is SENT, but {}",
              message.id(),
              LogWords.of(message, outcome.error()));
    }
  }

  /** Returns whether it is the first of its kind, which is told; otherwise it is counted. */
  private synchronized boolean firstOf(String kind, Map<String, Integer> counts) {
    begin();
    boolean first = !counts.containsKey(kind) && counts.size() < MOST_REASONS;
    add(counts, kind, first ? 0 : 1);
    return first;
  }

  /** Returns whether it is one of the first, which are told; otherwise it is counted. */
  private synchronized boolean count(Map<String, Integer> counts, String reason) {
    begin();
    if (told < SINGLY) {
      told++;
      return true;
    }
    add(counts, reason, 1);
    return false;
  }

  private static void add(Map<String, Integer> counts, String reason, int count) {
    counts.merge(
        counts.size() < MOST_REASONS || counts.containsKey(reason) ? reason : OTHERS,
        count,
        Integer::sum);
  }

  private void begin() {
    if (!begun) {
      begun = true;
      begunAt = nanoTime.getAsLong();
    }
  }

  /** Sums up a minute that is over; call it often. */
  void tick() {
    if (begun && nanoTime.getAsLong() - begunAt >= MINUTE_NANOS) {
      sumUp();
    }
  }

  /** Sums up what is not told yet. */
  synchronized void sumUp() {
    String span = TimeUnit.NANOSECONDS.toSeconds(nanoTime.getAsLong() - begunAt) + " s";
    sumUp(untold, "... and {} more messages ended unsent within {}: {}", span);
    sumUp(untoldMisconfigured, "... and {} more were MISCONFIGURED within {}, and wait: {}", span);
    sumUp(untoldSent, "... and {} more are SENT, but a later step failed, within {}: {}", span);
    begun = false;
    told = 0;
  }

  private static void sumUp(Map<String, Integer> counts, String line, String span) {
    int sum = counts.values().stream().mapToInt(Integer::intValue).sum();
    if (sum > 0) {
      LOG.warn(
          line,
          shown(sum),
          span,
          counts.entrySet().stream()
              .filter(entry -> entry.getValue() > 0)
              .sorted(Map.Entry.<String, Integer>comparingByValue(Comparator.reverseOrder()))
              .map(entry -> shown(entry.getValue()) + " × " + entry.getKey())
              .collect(Collectors.joining(", ")));
    }
    counts.clear();
  }

  private static String shown(int number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private static String status(Outcome outcome) {
    return outcome.httpStatus() == null ? "no status" : "HTTP " + outcome.httpStatus();
  }

  /** The error without the status, which has a place of its own. */
  private static String words(Outcome outcome) {
    String error = outcome.error();
    String status = status(outcome);
    return error == null || !error.startsWith(status)
        ? error
        : error.substring(status.length()).replaceFirst("^: ", "");
  }

  private static String reason(Kind kind, MessageStatus status) {
    return switch (kind) {
      case REFUSED -> "refused";
      case NOT_SENT -> "given up";
      case EXPIRED -> "too late";
      case ORPHANED -> "its lease ran out";
      case MISCONFIGURED -> "attempts used up while others get through";
      default ->
          status == MessageStatus.UNKNOWN ? "held, as it may have been sent" : "attempts used up";
    };
  }
}
