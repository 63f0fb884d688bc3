package dev.herald.dispatch;

import dev.herald.config.Settings;
import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeBatch;
import dev.herald.outcome.OutcomeBatch.Recorded;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;

/** Claims, messages and outcomes of the usual kind. */
public final class Samples {
  public static final Duration LEASE = Duration.ofSeconds(30);

  private static final CamelContext CAMEL = new DefaultCamelContext();

  private Samples() {}

  public static Claim claim() {
    return claimOf(1, Duration.ZERO, false, false);
  }

  public static Claim manualClaim() {
    return claimOf(1, Duration.ZERO, true, false);
  }

  public static Claim probe() {
    return claimOf(1, Duration.ZERO, false, true);
  }

  public static Claim claimOf(int limit, Duration interval, boolean manual, boolean probe) {
    return new Claim(
        UUID.randomUUID(),
        limit,
        LEASE,
        interval,
        0,
        manual,
        probe,
        ClaimCursor.Position.BEGINNING,
        System.nanoTime(),
        new InFlight(System::nanoTime).batch());
  }

  /** A claim that was made some time ago. */
  public static Claim claimedAgo(Duration age) {
    return new Claim(
        UUID.randomUUID(),
        1,
        LEASE,
        Duration.ZERO,
        0,
        false,
        false,
        ClaimCursor.Position.BEGINNING,
        System.nanoTime() - age.toNanos(),
        new InFlight(System::nanoTime).batch());
  }

  /** That of a claim, before it comes to an end. */
  public static Exchange exchange() {
    return new DefaultExchange(CAMEL);
  }

  public static ClaimedMessage message() {
    return message(1, false, null);
  }

  public static ClaimedMessage message(int attempt, boolean orphan, Long expiresInMs) {
    return message(attempt, 3, orphan, expiresInMs, null, false);
  }

  public static ClaimedMessage message(int attempt, int maxAttempts) {
    return message(attempt, maxAttempts, false, null, null, false);
  }

  /** One that was due again after failures; null for the first time. */
  public static ClaimedMessage failing(int attempt, Duration failingFor, boolean misconfigured) {
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
        misconfigured,
        null,
        Map.of());
  }

  /** One that asks the machine's clock, on a node with one POST under way. */
  public static Circuit circuit(Settings settings) {
    return new Circuit(settings.circuit(), settings.dispatch(), System::nanoTime, () -> 1);
  }

  /** The result of a statement that recorded a whole batch. */
  public static Recorded everything(OutcomeBatch batch) {
    return new Recorded(
        Instant.now(), LongStream.rangeClosed(1, batch.size()).boxed().collect(Collectors.toSet()));
  }

  public static Outcome outcome(Kind kind) {
    return outcome(message(), kind, false);
  }

  public static Outcome outcome(ClaimedMessage message, Kind kind, boolean probe) {
    String error = kind == Kind.DELIVERED || kind == Kind.RETURNED ? null : "why";
    return new Outcome(message, kind, null, null, error, null, Duration.ZERO, probe);
  }
}
