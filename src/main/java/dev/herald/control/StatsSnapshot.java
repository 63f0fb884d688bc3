package dev.herald.control;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.herald.control.DeliveryStatus.Stats;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;
import org.apache.camel.Body;

/**
 * The last counts read by route {@code count-messages}, for metrics and health, which must not wait
 * for the database. Thread-safe.
 */
public final class StatsSnapshot {
  /** Three reads that failed, or a route that was stopped. */
  private static final Duration STALE = Duration.ofSeconds(16);

  private final BooleanSupplier databaseUp;
  private final LongSupplier nanoTime;
  private volatile Read last;

  private record Read(Stats stats, boolean running, long at) {}

  /**
   * @param nanoTime a clock that is never set, like {@link System#nanoTime()}
   */
  public StatsSnapshot(BooleanSupplier databaseUp, LongSupplier nanoTime) {
    this.databaseUp = databaseUp;
    this.nanoTime = nanoTime;
  }

  /** Takes the one row of {@code sql/get-stats.sql}. */
  public void read(@Body Map<String, Object> row) throws JsonProcessingException {
    last = new Read(Stats.of(row), (Boolean) row.get("running"), nanoTime.getAsLong());
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
        .map(age -> "the oldest due message has waited for %.0f s".formatted(age));
  }

  private Optional<Read> known() {
    return Optional.ofNullable(last)
        .filter(
            read ->
                databaseUp.getAsBoolean() && nanoTime.getAsLong() - read.at() < STALE.toNanos());
  }
}
