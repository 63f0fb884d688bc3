package dev.herald.dispatch;

import dev.herald.dispatch.Outcome.Kind;
import dev.herald.message.ClaimedMessage;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One claimed message on its way through this node; it ends exactly once, with an outcome.
 * Thread-safe.
 */
final class Delivery {
  private final ClaimedMessage message;
  private final Claim claim;
  private final AtomicBoolean ended = new AtomicBoolean();
  private volatile long started;

  Delivery(ClaimedMessage message, Claim claim) {
    this.message = message;
    this.claim = claim;
  }

  ClaimedMessage message() {
    return message;
  }

  Claim claim() {
    return claim;
  }

  void start(long now) {
    started = now;
  }

  /** The outcome with what only the delivery knows, or nothing when it has ended before. */
  Optional<Outcome> end(Outcome outcome, long now) {
    if (!ended.compareAndSet(false, true)) {
      return Optional.empty();
    }
    Kind kind = outcome.kind();
    return Optional.of(
        new Outcome(
            message,
            kind,
            outcome.httpStatus(),
            outcome.webhookMessageId(),
            outcome.error(),
            outcome.retryAfter(),
            kind.attempted() ? Duration.ofNanos(now - started) : Duration.ZERO,
            claim.probe()));
  }
}
