package dev.herald.control;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;

/** The switch that every node obeys: schema {@code Scheduler} of the contract. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record SchedulerState(
    boolean running, Instant changedAt, String changedBy, String reason, Instant nextBatchAt) {

  public static SchedulerState read(ResultSet row, int rowNumber) throws SQLException {
    return new SchedulerState(
        row.getBoolean("running"),
        row.getObject("changed_at", OffsetDateTime.class).toInstant(),
        row.getString("changed_by"),
        row.getString("reason"),
        row.getObject("next_batch_at", OffsetDateTime.class).toInstant());
  }

  /**
   * Without the time of the next batch, which means nothing in continuous mode or while stopped.
   */
  @JsonIgnore
  SchedulerState unpaced() {
    return new SchedulerState(running, changedAt, changedBy, reason, null);
  }
}
