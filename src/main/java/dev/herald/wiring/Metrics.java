package dev.herald.wiring;

import dev.herald.control.DeliveryStatus;
import dev.herald.control.DeliveryStatus.Stats;
import dev.herald.control.StatsSnapshot;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.dispatch.Gate;
import dev.herald.intake.Intake;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeRecorder;
import dev.herald.outcome.RedisFeed;
import dev.herald.store.Database;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;

/**
 * The metrics of this node at {@code /observe/metrics}; docs/metrics.md is the reference. The parts
 * keep their own counters, which are read on each scrape, so a message costs only a few additions.
 * Thread-safe.
 */
public final class Metrics {
  private static final Duration[] LATENCIES =
      LongStream.of(5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000)
          .mapToObj(Duration::ofMillis)
          .toArray(Duration[]::new);

  private final MeterRegistry meters;
  private final Timer posts;

  /**
   * @param meters the registry that Camel serves
   */
  public Metrics(MeterRegistry meters) {
    this.meters = meters;
    posts =
        Timer.builder("herald.webhook")
            .description("From handing a POST over to its answer, or to knowing that none comes")
            .serviceLevelObjectives(LATENCIES)
            .register(meters);
  }

  /** Records the time of a POST that ended. */
  public void posted(long nanos) {
    posts.record(nanos, TimeUnit.NANOSECONDS);
  }

  public void bind(Intake intake) {
    count("messages.accepted", "Messages that were stored", intake, Intake::accepted);
  }

  public void bind(ClaimPlanner dispatcher) {
    count("claims", "Claims that PostgreSQL answered", dispatcher, ClaimPlanner::claims);
    count("messages.claimed", "Messages that they brought", dispatcher, ClaimPlanner::messages);
    count(
        "claims.orphaned",
        "Messages claimed again after their lease ran out",
        dispatcher,
        ClaimPlanner::orphans);
    gauge("in.flight", "Messages claimed and not yet recorded", dispatcher, ClaimPlanner::inFlight);
  }

  public void bind(Gate gate) {
    gauge("delivering", "Messages on one of the dispatch.concurrency threads", gate, Gate::busy);
  }

  public void bind(OutcomeRecorder recorder) {
    for (Kind kind : Kind.values()) {
      FunctionCounter.builder("herald.outcomes", recorder, from -> from.outcomes(kind))
          .description("What deliveries ended with")
          .tag("kind", kind.name())
          .register(meters);
    }
    count(
        "outcomes.late",
        "Outcomes that changed nothing, for their claims had ended",
        recorder,
        OutcomeRecorder::fencedOff);
    gauge(
        "recorder.backlog",
        "Outcomes that wait to be recorded",
        recorder,
        OutcomeRecorder::backlog);
  }

  public void bind(Circuit circuit) {
    flag(
        "circuit.open",
        "Whether no more than probes are claimed, for the provider is down",
        circuit::open);
    flag(
        "circuit.paused",
        "Whether nothing is claimed, for the provider asked for fewer messages",
        circuit::paused);
  }

  public void bind(RedisFeed feed) {
    count("redis.dropped", "Outcomes that Redis did not get", feed, RedisFeed::dropped);
    flag("redis.up", "Whether Redis took what it was last given", feed::up);
  }

  public void bind(Database database) {
    flag("postgresql.up", "Whether PostgreSQL answered of late", database::up);
  }

  /** The last counts from the database; NaN while there are none. */
  public void bind(StatsSnapshot backlog) {
    gauge(
        "messages.due",
        "Messages that are due and not claimed",
        backlog,
        from -> from.value(Stats::dueNow));
    Gauge.builder("herald.oldest.due.age", backlog, from -> from.value(Stats::oldestDueAgeSeconds))
        .description("How long the oldest of them has been due")
        .baseUnit("seconds")
        .register(meters);
    for (String status : DeliveryStatus.STATUSES) {
      Gauge.builder(
              "herald.messages", backlog, from -> from.value(stats -> stats.byStatus().get(status)))
          .description("Messages that have a status")
          .tag("status", status)
          .register(meters);
    }
    gauge("scheduler.running", "Whether delivery is on", backlog, StatsSnapshot::running);
  }

  private <T> void count(String name, String description, T of, ToDoubleFunction<T> value) {
    FunctionCounter.builder("herald." + name, of, value).description(description).register(meters);
  }

  private <T> void gauge(String name, String description, T of, ToDoubleFunction<T> value) {
    Gauge.builder("herald." + name, of, value).description(description).register(meters);
  }

  private void flag(String name, String description, BooleanSupplier value) {
    Gauge.builder("herald." + name, () -> value.getAsBoolean() ? 1 : 0)
        .description(description)
        .register(meters);
  }
}
