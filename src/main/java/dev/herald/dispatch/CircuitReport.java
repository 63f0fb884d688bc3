package dev.herald.dispatch;

import dev.herald.dispatch.Circuit.Snapshot;
import dev.herald.dispatch.Circuit.State;
import dev.herald.outcome.LogWords;
import dev.herald.outcome.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a circuit shows and logs: since when and why claims stop, and at most one line a minute
 * during an outage or pauses. A method returns its line, null for none, to be written outside the
 * circuit's lock. Not thread-safe.
 */
final class CircuitReport {
  private static final Logger LOG = LoggerFactory.getLogger(Circuit.class);
  private static final long A_LINE_EVERY_NANOS = TimeUnit.MINUTES.toNanos(1);

  private Instant since;
  private String why;
  private String reason;
  private String fullReason;
  private String loggedReason;
  private long openedAt;
  private int failedTests;
  private long outageLoggedAt;
  private long pauseLoggedAt;

  /**
   * @param now as all later times, of a monotonic clock
   */
  CircuitReport(long now) {
    pauseLoggedAt = now - A_LINE_EVERY_NANOS;
  }

  /** An outage begins; its first line is due at once. */
  void outage(String why, Outcome outcome, long now) {
    begin(why, outcome);
    openedAt = now;
    failedTests = -1;
    outageLoggedAt = now - A_LINE_EVERY_NANOS;
  }

  /** It is open, at first or again. */
  Runnable opened(Duration wait, long now) {
    failedTests++;
    if (now - outageLoggedAt < A_LINE_EVERY_NANOS) {
      return null;
    }
    outageLoggedAt = now;
    String begins =
        failedTests == 0
            ? ""
            : " for %s now, and %d tests failed"
                .formatted(shown(Duration.ofNanos(now - openedAt)), failedTests);
    String text = loggedReason;
    return () ->
        LOG.warn(
            "The webhook's circuit is open{}: {}; nothing is claimed, and {} messages will test the webhook in {}",
            begins,
            text,
            Circuit.PROBES,
            shown(wait));
  }

  Runnable paused(Duration pause, Outcome outcome, long now) {
    begin("the webhook asks for fewer messages", outcome);
    if (now - pauseLoggedAt < A_LINE_EVERY_NANOS) {
      return null;
    }
    pauseLoggedAt = now;
    String text = loggedReason;
    return () -> LOG.warn("Claims pause for {}: {}", shown(pause), text);
  }

  Runnable recovered(Duration after) {
    int failed = Math.max(0, failedTests);
    return () ->
        LOG.info(
            "The webhook responds again after {}, and the circuit is closed; {} tests failed, delivery continues",
            shown(after),
            failed);
  }

  private void begin(String why, Outcome outcome) {
    since = Instant.now();
    this.why = why;
    last(outcome);
  }

  /**
   * The latest failure. The provider's words may quote a message, so the reason leaves them out,
   * and the log what they quote.
   */
  void last(Outcome outcome) {
    String error = outcome.error();
    String kind =
        outcome.httpStatus() != null
            ? "HTTP " + outcome.httpStatus()
            : error == null || error.startsWith("the route failed")
                ? "a step of the route failed"
                : error;
    reason = withLast(kind);
    if (error == null) {
      fullReason = reason;
      loggedReason = reason;
      return;
    }
    fullReason = withLast(error.startsWith(kind) ? error : kind + " (" + error + ")");
    String logged = LogWords.of(outcome.message(), error);
    loggedReason = logged.isEmpty() ? reason : withLast(logged);
  }

  private String withLast(String failure) {
    return why + ", the last: " + failure;
  }

  /** It is closed again. */
  void clear() {
    since = null;
    reason = null;
    fullReason = null;
  }

  Snapshot snapshot(State state, Instant until) {
    return new Snapshot(state, since, reason, fullReason, until);
  }

  static String shown(Duration time) {
    return time.toSeconds() == 0 ? time.toMillis() + " ms" : time.toSeconds() + " s";
  }
}
