package dev.herald.dispatch;

import dev.herald.Settings;
import dev.herald.Settings.OnAmbiguous;
import dev.herald.message.Status;
import io.github.resilience4j.core.IntervalFunction;
import java.time.Duration;

/**
 * Decides what follows from an outcome: the table "Outcomes" of docs/architecture.md. Waiting grows
 * exponentially with jitter, capped; a provider's {@code Retry-After} lengthens it, within a bound.
 * Immutable.
 */
public final class RetryPolicy {
  private static final double MULTIPLIER = 2;
  private static final double JITTER = 0.5;

  private final OnAmbiguous onAmbiguous;
  private final IntervalFunction backoff;
  private final Duration retryAfterMax;
  private final Duration outageWait;

  public RetryPolicy(Settings settings) {
    this(
        settings.webhook().onAmbiguous(),
        IntervalFunction.ofExponentialRandomBackoff(
            settings.retry().backoff(), MULTIPLIER, JITTER, settings.retry().backoffMax()),
        settings.retry().retryAfterMax(),
        settings.circuit().openFor());
  }

  RetryPolicy(
      OnAmbiguous onAmbiguous,
      IntervalFunction backoff,
      Duration retryAfterMax,
      Duration outageWait) {
    this.onAmbiguous = onAmbiguous;
    this.backoff = backoff;
    this.retryAfterMax = retryAfterMax;
    this.outageWait = outageWait;
  }

  public Verdict decide(Outcome outcome) {
    return switch (outcome.kind()) {
      case DELIVERED -> new Verdict(Status.SENT, true, null);
      case REFUSED -> new Verdict(Status.FAILED, true, null);
      case NOT_SENT -> again(outcome);
      case MAYBE_SENT ->
          onAmbiguous == OnAmbiguous.HOLD
              ? new Verdict(Status.UNKNOWN, true, null)
              : again(outcome);
      // It says nothing about the message, so it costs the message nothing but time.
      case MISCONFIGURED ->
          new Verdict(Status.PENDING, false, longer(outageWait, waiting(outcome)));
      case EXPIRED -> new Verdict(Status.EXPIRED, false, null);
      case ORPHANED ->
          new Verdict(
              onAmbiguous == OnAmbiguous.HOLD ? Status.UNKNOWN : Status.FAILED, false, null);
      case RETURNED -> new Verdict(Status.PENDING, false, null);
    };
  }

  /**
   * Whether an orphan may be posted again: the policy must allow it, and an attempt must be left.
   */
  public boolean allowsAgain(int attempt, int maxAttempts) {
    return onAmbiguous == OnAmbiguous.RETRY && attempt <= maxAttempts;
  }

  private Verdict again(Outcome outcome) {
    if (outcome.probe()) {
      // It was sent to test the provider: an outage must not use up its attempts.
      return new Verdict(Status.PENDING, false, waiting(outcome));
    }
    boolean left = outcome.message().attempt() < outcome.message().maxAttempts();
    return left
        ? new Verdict(Status.PENDING, true, waiting(outcome))
        : new Verdict(Status.FAILED, true, null);
  }

  private Duration waiting(Outcome outcome) {
    Duration wait = Duration.ofMillis(backoff.apply(outcome.message().attempt()));
    return outcome.retryAfter() == null
        ? wait
        : longer(wait, shorter(outcome.retryAfter(), retryAfterMax));
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) >= 0 ? one : other;
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }
}
