package dev.herald.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.herald.config.Settings;
import dev.herald.control.DeliveryStatus.Stats;
import dev.herald.control.Pace.Backlog;
import dev.herald.testing.CapturedLog;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What metrics and health say of the backlog, and when they do not know. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class StatsSnapshotTest {
  private final AtomicBoolean databaseUp = new AtomicBoolean(true);
  private final AtomicLong nanoTime = new AtomicLong();
  private final StatsSnapshot snapshot = snapshot(0, Duration.ZERO);

  private StatsSnapshot snapshot(int rateLimit, Duration interval) {
    Settings.Dispatch dispatch =
        new Settings.Dispatch(true, interval, 2, 1, Duration.ofSeconds(30), Duration.ofSeconds(1));
    return new StatsSnapshot(
        databaseUp::get, nanoTime::get, new Pace(dispatch, rateLimit, Duration.ZERO));
  }

  private Set<String> names = Set.of();

  private void read(boolean running) throws JsonProcessingException {
    read(snapshot, 5, running);
  }

  private static void read(StatsSnapshot snapshot, int due, boolean running)
      throws JsonProcessingException {
    snapshot.read(
        Map.of(
            "tally",
            "{\"PENDING\":7,\"SENT\":2}",
            "leased",
            3,
            "due",
            due,
            "oldest_due_age",
            90.4,
            "sent_per_minute",
            2,
            "running",
            running));
  }

  @Test
  void should_know_nothing_before_the_first_read() {
    assertThat(snapshot.value(Stats::dueNow)).isNaN();
    assertThat(snapshot.running()).isNaN();
    assertThat(snapshot.late(Duration.ofSeconds(1))).isEmpty();
  }

  @Test
  void should_know_what_was_read_last() throws JsonProcessingException {
    read(true);
    assertThat(snapshot.value(Stats::dueNow)).isEqualTo(5);
    assertThat(snapshot.value(stats -> stats.byStatus().get("PENDING"))).isEqualTo(4);
    assertThat(snapshot.running()).isEqualTo(1);
    assertThat(snapshot.late(Duration.ofSeconds(90)))
        .hasValue("the oldest due message has waited for 90 s");
    assertThat(snapshot.late(Duration.ofSeconds(91))).isEmpty();
    assertThat(snapshot.late(Duration.ZERO)).as("zero is for ever").isEmpty();
    read(false);
    assertThat(snapshot.running()).isZero();
    assertThat(snapshot.late(Duration.ofSeconds(90))).as("while delivery is off").isEmpty();
  }

  @Test
  void should_know_nothing_while_postgresql_is_away() throws JsonProcessingException {
    read(true);
    databaseUp.set(false);
    assertThat(snapshot.value(Stats::dueNow)).isNaN();
    assertThat(snapshot.running()).isNaN();
    databaseUp.set(true);
    assertThat(snapshot.value(Stats::dueNow)).isEqualTo(5);
  }

  @Test
  void should_know_what_slots_hold_until_that_is_old_or_they_are_gone() {
    snapshot.whenSlots(names -> this.names = names);
    snapshot.slots(List.of(Map.of("slot_name", "old_replica", "retained_bytes", 7L)));
    assertThat(names).containsExactly("old_replica");
    assertThat(snapshot.retained("old_replica")).isEqualTo(7);
    databaseUp.set(false);
    assertThat(snapshot.retained("old_replica")).isNaN();
    databaseUp.set(true);
    nanoTime.addAndGet(Duration.ofSeconds(16).toNanos());
    assertThat(snapshot.retained("old_replica")).isNaN();
    snapshot.slots(List.of());
    assertThat(names).isEmpty();
    assertThat(snapshot.retained("old_replica")).isNaN();
  }

  @Test
  void should_not_hold_on_to_what_was_read_long_ago() throws JsonProcessingException {
    read(true);
    nanoTime.addAndGet(Duration.ofSeconds(15).toNanos());
    assertThat(snapshot.running()).isEqualTo(1);
    nanoTime.addAndGet(Duration.ofSeconds(1).toNanos());
    assertThat(snapshot.running()).isNaN();
    assertThat(snapshot.late(Duration.ofSeconds(1))).isEmpty();
    read(true);
    assertThat(snapshot.running()).isEqualTo(1);
  }

  @Test
  void should_tell_how_long_a_backlog_needs_at_its_pace_and_rarely()
      throws JsonProcessingException {
    StatsSnapshot paced = snapshot(0, Duration.ofMinutes(2));
    try (CapturedLog log = new CapturedLog()) {
      read(paced, 30, true);
      assertThat(paced.backlog())
          .hasValue(new Backlog(30, 1_800, "at 2 every 2m the 30 that wait need 30 minutes"));
      assertThat(paced.slow()).isEmpty();
      for (int i = 0; i < 6 * 60 * 12 + 1; i++) {
        read(paced, 5_000, true);
        nanoTime.addAndGet(Duration.ofSeconds(5).toNanos());
      }
      assertThat(paced.slow()).hasValue("at 2 every 2m the 5,000 that wait need 3.5 days");
      assertThat(paced.late(Duration.ofSeconds(90)))
          .hasValue(
              "the oldest due message has waited for 90 s;"
                  + " at 2 every 2m the 5,000 that wait need 3.5 days");
      assertThat(log.lines())
          .hasSize(2)
          .allSatisfy(line -> assertThat(line).contains("the 5,000 that wait need 3.5 days"));
      read(paced, 5_000, false);
      assertThat(paced.backlog()).as("while delivery is off").isEmpty();
    }
  }

  @Test
  void should_know_the_pace_of_a_rate_limit_and_none_without_one() throws JsonProcessingException {
    StatsSnapshot limited = snapshot(10, Duration.ZERO);
    read(limited, 100_000, true);
    assertThat(limited.slow()).hasValue("at 10 every 1s the 100,000 that wait need 2.8 hours");
    read(snapshot, 100_000, true);
    assertThat(snapshot.backlog()).isEmpty();
  }
}
