package dev.herald.dispatch;

import dev.herald.Settings;
import dev.herald.dispatch.Outcome.Kind;
import dev.herald.message.ClaimedMessage;
import java.time.Duration;
import java.util.UUID;

/** Claims, messages and outcomes of the usual kind. */
final class Samples {
  static final Duration LEASE = Duration.ofSeconds(30);

  private Samples() {}

  static Claim claim() {
    return claimOf(1, Duration.ZERO, false, false);
  }

  static Claim claimByHand() {
    return claimOf(1, Duration.ZERO, true, false);
  }

  static Claim probe() {
    return claimOf(1, Duration.ZERO, false, true);
  }

  static Claim claimOf(int limit, Duration interval, boolean byHand, boolean probe) {
    return new Claim(
        UUID.randomUUID(),
        limit,
        LEASE,
        interval,
        0,
        byHand,
        probe,
        Frontier.Place.BEGINNING,
        System.nanoTime());
  }

  /** A claim that was made some time ago. */
  static Claim claimedAgo(Duration age) {
    return new Claim(
        UUID.randomUUID(),
        1,
        LEASE,
        Duration.ZERO,
        0,
        false,
        false,
        Frontier.Place.BEGINNING,
        System.nanoTime() - age.toNanos());
  }

  static ClaimedMessage message() {
    return message(1, false, null);
  }

  static ClaimedMessage message(int attempt, boolean orphan, Long expiresInMs) {
    return message(attempt, 3, orphan, expiresInMs, null, false);
  }

  static ClaimedMessage message(int attempt, int maxAttempts) {
    return message(attempt, maxAttempts, false, null, null, false);
  }

  /** One that was due again after failures; null for the first time. */
  static ClaimedMessage failing(int attempt, Duration failingFor, boolean misconfigured) {
    return message(
        attempt, 3, false, null, failingFor == null ? null : failingFor.toMillis(), misconfigured);
  }

  private static ClaimedMessage message(
      int attempt,
      int maxAttempts,
      boolean orphan,
      Long expiresInMs,
      Long failingForMs,
      boolean misconfigured) {
    return new ClaimedMessage(
        UUID.randomUUID(),
        UUID.randomUUID(),
        "+905551234567",
        "hi",
        attempt,
        maxAttempts,
        "c",
        orphan,
        expiresInMs,
        0,
        failingForMs,
        misconfigured);
  }

  /** One that asks the machine's clock, on a node with one POST under way. */
  static Circuit circuit(Settings settings) {
    return new Circuit(settings.circuit(), settings.dispatch(), System::nanoTime, () -> 1);
  }

  static Outcome outcome(Kind kind) {
    return outcome(message(), kind, false);
  }

  static Outcome outcome(ClaimedMessage message, Kind kind, boolean probe) {
    String error = kind == Kind.DELIVERED || kind == Kind.RETURNED ? null : "why";
    return new Outcome(message, kind, null, null, error, null, Duration.ZERO, probe);
  }
}
