package dev.herald.outcome;

import dev.herald.config.Durations;
import dev.herald.config.Settings;
import dev.herald.config.Settings.OnAmbiguous;
import dev.herald.message.ClaimedMessage;
import dev.herald.message.MessageStatus;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.DoubleSupplier;
import java.util.function.Predicate;

/**
 * Decides what follows from an outcome, by the table "Outcomes" in docs/architecture.md. A POST
 * that may have left counts, and each wait is twice the last one. A message that was certainly not
 * sent uses up no attempt: it waits as long as it has been failing, which doubles too, and is given
 * up after a time. Waits have jitter and a maximum; {@code Retry-After} lengthens them, up to a
 * limit. Immutable.
 */
public final class RetryPolicy {
  private final OnAmbiguous onAmbiguous;
  private final Settings.Retry settings;
  private final Predicate<Long> othersGetThrough;
  private final DoubleSupplier jitter;

  /**
   * @param othersGetThrough whether the provider accepted other messages in the milliseconds for
   *     which one has been failing; null for the first failure
   */
  public RetryPolicy(Settings settings, Predicate<Long> othersGetThrough) {
    this(
        settings.webhook().onAmbiguous(),
        settings.retry(),
        othersGetThrough,
        () -> ThreadLocalRandom.current().nextDouble(0.5, 1.5));
  }

  /**
   * @param jitter the factor for a wait
   */
  RetryPolicy(
      OnAmbiguous onAmbiguous,
      Settings.Retry settings,
      Predicate<Long> othersGetThrough,
      DoubleSupplier jitter) {
    this.onAmbiguous = onAmbiguous;
    this.settings = settings;
    this.othersGetThrough = othersGetThrough;
    this.jitter = jitter;
  }

  public Transition decide(Outcome outcome) {
    return switch (outcome.kind()) {
      case DELIVERED -> new Transition(MessageStatus.SENT, true, null);
      case REFUSED -> new Transition(MessageStatus.FAILED, true, null);
      case NOT_SENT -> notSent(outcome);
      case MAYBE_SENT ->
          onAmbiguous == OnAmbiguous.HOLD
              ? new Transition(MessageStatus.UNKNOWN, true, null)
              : counted(outcome);
      // A wrong URL or key is not the message's fault, unless others get through.
      case MISCONFIGURED -> misconfigured(outcome);
      case EXPIRED -> new Transition(MessageStatus.EXPIRED, false, null);
      case ORPHANED ->
          new Transition(
              onAmbiguous == OnAmbiguous.HOLD ? MessageStatus.UNKNOWN : MessageStatus.FAILED,
              false,
              null);
      case RETURNED -> new Transition(MessageStatus.PENDING, false, null);
    };
  }

  /** Whether an orphan may be posted again: the policy allows it, and an attempt is left. */
  public boolean allowsAgain(int attempt, int maxAttempts) {
    return onAmbiguous == OnAmbiguous.RETRY && attempt <= maxAttempts;
  }

  /** Time spent with a wrong URL or key does not count against the message. */
  private Transition notSent(Outcome outcome) {
    ClaimedMessage message = outcome.message();
    long failingForMs =
        message.failingForMs() == null || message.misconfigured() ? 0 : message.failingForMs();
    return failingForMs >= settings.giveUpAfter().toMillis()
        ? new Transition(
            MessageStatus.FAILED,
            false,
            null,
            "given up after %s of trying: %s"
                .formatted(Durations.show(settings.giveUpAfter()), outcome.error()))
        : uncounted(outcome, failingForMs);
  }

  private Transition misconfigured(Outcome outcome) {
    Long failingForMs = outcome.message().failingForMs();
    return othersGetThrough.test(failingForMs)
        ? counted(outcome)
        : uncounted(outcome, failingForMs == null ? 0 : failingForMs);
  }

  private Transition uncounted(Outcome outcome, long failingForMs) {
    return again(outcome, false, Math.max(settings.backoff().toMillis(), failingForMs));
  }

  private Transition counted(Outcome outcome) {
    int attempt = outcome.message().attempt();
    return attempt < outcome.message().maxAttempts()
        ? again(outcome, true, settings.backoff().toMillis() * Math.pow(2, attempt - 1))
        : new Transition(MessageStatus.FAILED, true, null);
  }

  private Transition again(Outcome outcome, boolean counted, double waitMs) {
    double longest = settings.backoffMax().toMillis();
    double jittered = Math.min(longest, Math.min(longest, waitMs) * jitter.getAsDouble());
    Duration wait = Duration.ofMillis((long) jittered);
    if (outcome.retryAfter() != null) {
      wait = longer(wait, shorter(outcome.retryAfter(), settings.retryAfterMax()));
    }
    return new Transition(MessageStatus.PENDING, counted, wait);
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) >= 0 ? one : other;
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }
}
