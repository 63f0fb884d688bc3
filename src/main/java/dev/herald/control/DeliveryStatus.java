package dev.herald.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.config.Settings;
import dev.herald.control.Pace.Backlog;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.dispatch.Gate;
import dev.herald.outcome.OutcomeRecorder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.Body;

/** What the API says of the delivery as a whole. */
public final class DeliveryStatus {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Of messages, as the API shows them. */
  public static final List<String> STATUSES =
      List.of("PENDING", "SENDING", "SENT", "FAILED", "UNKNOWN", "CANCELLED", "EXPIRED");

  private final Settings.Dispatch settings;
  private final ClaimPlanner planner;
  private final Gate gate;
  private final OutcomeRecorder recorder;
  private final Circuit circuit;
  private final StatsSnapshot snapshot;

  /**
   * Schema {@code MessagingStatus} of the contract.
   *
   * @param backlog null without a pace, or while nothing waits
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record MessagingStatus(SchedulerState scheduler, Node node, Backlog backlog) {}

  /** What this node has claimed and not recorded, by where it stands; and its circuit. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Node(
      int claimed,
      int delivering,
      int waiting,
      int recording,
      String circuit,
      String circuitReason,
      Instant circuitSince,
      Instant circuitUntil) {}

  /** Messages by what their receipts say. */
  public record Deliveries(long delivered, long undelivered, long missing) {}

  /** Schema {@code Stats} of the contract. */
  public record Stats(
      Map<String, Long> byStatus,
      long dueNow,
      double oldestDueAgeSeconds,
      long sentPerMinute,
      Deliveries delivery) {

    /** Of the one row of {@code sql/get-stats.sql}. */
    static Stats of(Map<String, Object> row) throws JsonProcessingException {
      JsonNode tally = JSON.readTree((String) row.get("tally"));
      long leased = number(row.get("leased"));
      Map<String, Long> byStatus = new LinkedHashMap<>();
      STATUSES.forEach(status -> byStatus.put(status, tally.path(status).asLong()));
      byStatus.put("SENDING", leased);
      byStatus.merge("PENDING", -leased, Long::sum);
      double age =
          row.get("oldest_due_age") == null
              ? 0
              : ((Number) row.get("oldest_due_age")).doubleValue();
      return new Stats(
          byStatus,
          Math.max(0, number(row.get("due"))),
          age,
          number(row.get("sent_per_minute")),
          new Deliveries(
              tally.path("DELIVERED").asLong(),
              tally.path("UNDELIVERED").asLong(),
              tally.path("MISSING").asLong()));
    }

    private static long number(Object value) {
      return ((Number) value).longValue();
    }
  }

  public DeliveryStatus(
      Settings.Dispatch settings,
      ClaimPlanner planner,
      Gate gate,
      OutcomeRecorder recorder,
      Circuit circuit,
      StatsSnapshot snapshot) {
    this.settings = settings;
    this.planner = planner;
    this.gate = gate;
    this.recorder = recorder;
    this.circuit = circuit;
    this.snapshot = snapshot;
  }

  /** Why delivery is started or stopped: null when the request does not say. */
  public String reason(@Body JsonNode request) {
    return request == null ? null : request.path("reason").textValue();
  }

  public SchedulerState scheduler(@Body SchedulerState state) {
    return settings.continuous() || !state.running() ? state.unpaced() : state;
  }

  public MessagingStatus messaging(@Body SchedulerState state) {
    int claimed = planner.inFlight();
    int delivering = gate.busy();
    int recording = recorder.backlog();
    Circuit.Snapshot seen = circuit.snapshot();
    return new MessagingStatus(
        scheduler(state),
        new Node(
            claimed,
            delivering,
            Math.max(0, claimed - delivering - recording),
            recording,
            seen.state().name(),
            seen.fullReason(),
            seen.since(),
            seen.until()),
        snapshot.backlog().orElse(null));
  }

  /** What keeps this node from claiming, as far as anyone may read it; empty while nothing does. */
  public static Optional<String> trouble(Circuit circuit) {
    Circuit.Snapshot seen = circuit.snapshot();
    return switch (seen.state()) {
      case CLOSED -> Optional.empty();
      case OPEN, HALF_OPEN ->
          Optional.of(
              "the circuit is open since %s, and only a few messages test the webhook: %s"
                  .formatted(seen.since().truncatedTo(ChronoUnit.SECONDS), seen.reason()));
      case PAUSED -> Optional.of("claims pause: " + seen.reason());
    };
  }

  /** What this node tries again and again in vain; the reasons, in the log only, are not public. */
  public static Optional<String> failing(ClaimPlanner planner) {
    Optional<String> claims = planner.claimsFailSince().map(since -> failing("claims fail", since));
    return planner
        .recordingFailsSince()
        .map(since -> failing("outcomes cannot be recorded, and nothing is claimed,", since))
        .or(() -> claims);
  }

  private static String failing(String what, Instant since) {
    return "%s since %s; the log of this node says why"
        .formatted(what, since.truncatedTo(ChronoUnit.SECONDS));
  }

  public Stats stats(@Body Map<String, Object> row) throws JsonProcessingException {
    return Stats.of(row);
  }
}
