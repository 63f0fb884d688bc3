package dev.herald.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.Settings;
import dev.herald.api.Json;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.Dispatcher;
import dev.herald.dispatch.Gate;
import dev.herald.dispatch.Recorder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Body;

/** What the API says of the delivery as a whole. */
public final class Status {
  static final List<String> STATUSES =
      List.of("PENDING", "SENDING", "SENT", "FAILED", "UNKNOWN", "CANCELLED", "EXPIRED");

  private final Settings.Dispatch settings;
  private final Dispatcher dispatcher;
  private final Gate gate;
  private final Recorder recorder;
  private final Circuit circuit;

  /** Schema {@code MessagingStatus} of the contract. */
  public record MessagingStatus(SchedulerState scheduler, Node node) {}

  /** What this node has claimed and not recorded, by where it stands. */
  public record Node(int claimed, int delivering, int waiting, int recording, String circuit) {}

  /** Schema {@code Stats} of the contract. */
  public record Stats(
      Map<String, Long> byStatus, long dueNow, double oldestDueAgeSeconds, long sentPerMinute) {

    /** Of the one row of {@code sql/get-stats.sql}. */
    static Stats of(Map<String, Object> row) throws JsonProcessingException {
      JsonNode tally = Json.MAPPER.readTree((String) row.get("tally"));
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
          byStatus, Math.max(0, number(row.get("due"))), age, number(row.get("sent_per_minute")));
    }

    private static long number(Object value) {
      return ((Number) value).longValue();
    }
  }

  public Status(
      Settings.Dispatch settings,
      Dispatcher dispatcher,
      Gate gate,
      Recorder recorder,
      Circuit circuit) {
    this.settings = settings;
    this.dispatcher = dispatcher;
    this.gate = gate;
    this.recorder = recorder;
    this.circuit = circuit;
  }

  /** Why delivery is started or stopped: null when the request does not say. */
  public String reason(@Body JsonNode request) {
    return request == null ? null : request.path("reason").textValue();
  }

  public SchedulerState scheduler(@Body SchedulerState state) {
    return settings.continuous() || !state.running() ? state.unpaced() : state;
  }

  public MessagingStatus messaging(@Body SchedulerState state) {
    int claimed = dispatcher.inFlight();
    int delivering = gate.busy();
    int recording = recorder.backlog();
    return new MessagingStatus(
        scheduler(state),
        new Node(
            claimed,
            delivering,
            Math.max(0, claimed - delivering - recording),
            recording,
            circuit.state().name()));
  }

  public Stats stats(@Body Map<String, Object> row) throws JsonProcessingException {
    return Stats.of(row);
  }
}
