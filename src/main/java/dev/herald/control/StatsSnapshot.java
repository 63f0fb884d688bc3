package dev.herald.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.herald.control.DeliveryStatus.Stats;
import dev.herald.control.Pace.Backlog;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.apache.camel.Body;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What routes {@code count-messages} and {@code housekeeping} last saw of the database, for metrics
 * and health, which must not wait for it. Thread-safe.
 */
public final class StatsSnapshot {
  /** Three reads that failed, or a route that was stopped. */
  private static final Duration STALE = Duration.ofSeconds(16);

  /** How often the log tells of a backlog that drains slowly, and how soon of another one. */
  private static final Duration REMIND = Duration.ofHours(6);

  private static final Duration AGAIN = Duration.ofHours(1);

  private static final Logger LOG = LoggerFactory.getLogger(StatsSnapshot.class);

  private final BooleanSupplier databaseUp;
  private final LongSupplier nanoTime;
  private final Pace pace;
  private volatile Read last;
  private volatile Slots slots = new Slots(Map.of(), 0);
  private volatile Instant lastHousekeeping = Instant.now();
  private volatile Consumer<Set<String>> whenSlots = names -> {};
  private boolean slow;
  private boolean told;
  private long toldAt;

  private record Read(Stats stats, boolean running, long at) {}

  /** Bytes of log that are kept for each replication slot. */
  private record Slots(Map<String, Long> bytes, long at) {}

  /**
   * @param nanoTime a clock that is never set, like {@link System#nanoTime()}
   * @param pace how fast a backlog can drain
   */
  public StatsSnapshot(BooleanSupplier databaseUp, LongSupplier nanoTime, Pace pace) {
    this.databaseUp = databaseUp;
    this.nanoTime = nanoTime;
    this.pace = pace;
  }

  /** Takes the one row of {@code sql/get-stats.sql}. */
  public void read(@Body Map<String, Object> row) throws JsonProcessingException {
    last = new Read(Stats.of(row), (Boolean) row.get("running"), nanoTime.getAsLong());
    tellOfSlowness();
  }

  /** What waits, and how long it needs; nothing without a limit, or while delivery is off. */
  public Optional<Backlog> backlog() {
    return known()
        .filter(read -> pace.limited() && read.running() && read.stats().dueNow() > 0)
        .map(read -> pace.backlog(read.stats().dueNow()));
  }

  /** Why the backlog takes long; nothing if it does not. */
  public Optional<String> slow() {
    return backlog().filter(pace::tooSlowFor).map(Backlog::detail);
  }

  private synchronized void tellOfSlowness() {
    Optional<String> why = slow();
    long pause = nanoTime.getAsLong() - toldAt;
    if (why.isPresent() && (!told || pause >= (slow ? REMIND : AGAIN).toNanos())) {
      LOG.warn(
          "The backlog drains slowly: {}. If that is too long, change dispatch.interval,"
              + " dispatch.batch-size or webhook.rate-limit",
          why.get());
      told = true;
      toldAt = nanoTime.getAsLong();
    }
    slow = why.isPresent();
  }

  /** Takes the rows of {@code sql/list-slots.sql}. */
  public void slots(@Body List<Map<String, Object>> rows) {
    Map<String, Long> bytes =
        rows.stream()
            .collect(
                Collectors.toMap(
                    row -> (String) row.get("slot_name"),
                    row -> ((Number) row.get("retained_bytes")).longValue()));
    slots = new Slots(bytes, nanoTime.getAsLong());
    whenSlots.accept(bytes.keySet());
  }

  /** Notes that a round of housekeeping has succeeded. */
  public void housekept() {
    lastHousekeeping = Instant.now();
  }

  /** When the last round of housekeeping succeeded; before the first, when this was made. */
  public Instant lastHousekeeping() {
    return lastHousekeeping;
  }

  /**
   * @param names is told the names of all replication slots whenever they were read
   */
  public void whenSlots(Consumer<Set<String>> names) {
    whenSlots = names;
  }

  /** Bytes of log that PostgreSQL keeps for a replication slot; NaN while that is not known. */
  public double retained(String slot) {
    Slots read = slots;
    Long bytes = read.bytes().get(slot);
    return bytes != null && isCurrent(read.at()) ? bytes : Double.NaN;
  }

  /** A value; NaN while it is not known. */
  public double value(ToDoubleFunction<Stats> of) {
    return known().map(read -> of.applyAsDouble(read.stats())).orElse(Double.NaN);
  }

  /** 1 or 0; NaN while it is not known. */
  public double running() {
    return known().map(read -> read.running() ? 1.0 : 0.0).orElse(Double.NaN);
  }

  /**
   * Why delivery counts as late; nothing when it does not, or is off, or nobody knows.
   *
   * @param after how long a message may be due; zero is for ever
   */
  public Optional<String> late(Duration after) {
    return known()
        .filter(read -> read.running() && !after.isZero())
        .map(read -> read.stats().oldestDueAgeSeconds())
        .filter(age -> age >= after.toMillis() / 1000.0)
        .map(age -> "the oldest due message has waited for %.0f s".formatted(age))
        .map(detail -> backlog().map(b -> detail + "; " + b.detail()).orElse(detail));
  }

  private Optional<Read> known() {
    return Optional.ofNullable(last).filter(read -> isCurrent(read.at()));
  }

  private boolean isCurrent(long at) {
    return databaseUp.getAsBoolean() && nanoTime.getAsLong() - at < STALE.toNanos();
  }
}
