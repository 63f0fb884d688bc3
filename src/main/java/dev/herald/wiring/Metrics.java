package dev.herald.wiring;

import dev.herald.api.Admission;
import dev.herald.api.ApiKeys;
import dev.herald.control.DeliveryStatus;
import dev.herald.control.DeliveryStatus.Deliveries;
import dev.herald.control.DeliveryStatus.Stats;
import dev.herald.control.StatsSnapshot;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.dispatch.Gate;
import dev.herald.event.EventReader;
import dev.herald.flow.Flow;
import dev.herald.intake.Intake;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeRecorder;
import dev.herald.outcome.RedisFeed;
import dev.herald.receipt.Receipts;
import dev.herald.store.Database;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
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
            .description("Time from the start of a POST to its response or failure")
            .serviceLevelObjectives(LATENCIES)
            .register(meters);
  }

  /** Records the time of a POST that ended. */
  public void posted(long nanos) {
    posts.record(nanos, TimeUnit.NANOSECONDS);
  }

  public void bind(Admission admission) {
    gauge("api.connections", "Open connections of the API", admission, Admission::connections);
    Gauge.builder("herald.api.held", admission, Admission::held)
        .description("Memory that requests under way hold, about; server.max-bodies bounds it")
        .baseUnit("bytes")
        .register(meters);
    count(
        "api.refused",
        "Requests refused because others filled server.max-bodies",
        admission,
        Admission::refused);
  }

  public void bind(ApiKeys keys) {
    MultiGauge uses =
        MultiGauge.builder("herald.api.key.last.used.timestamp")
            .description("When each API key was used last, since 1970; 0 if not since the start")
            .baseUnit("seconds")
            .register(meters);
    keys.whenReplaced(
        () ->
            uses.register(
                keys.uses().stream()
                    .map(
                        use ->
                            MultiGauge.Row.of(Tags.of("key", use.name(), "id", use.id()), use.at()))
                    .toList(),
                true));
  }

  public void bind(Intake intake) {
    count("messages.accepted", "Messages stored", intake, Intake::accepted);
  }

  public void bind(ClaimPlanner dispatcher) {
    count("claims", "Successful claims, including empty ones", dispatcher, ClaimPlanner::claims);
    count(
        "messages.claimed",
        "Messages claimed, once per attempt",
        dispatcher,
        ClaimPlanner::messages);
    count(
        "claims.orphaned",
        "Messages claimed again after their lease ran out",
        dispatcher,
        ClaimPlanner::orphans);
    flag(
        "delivery.failing",
        "Whether claims fail or outcomes cannot be recorded, for more than a moment",
        () -> DeliveryStatus.failing(dispatcher).isPresent());
    gauge("in.flight", "Messages claimed and not yet recorded", dispatcher, ClaimPlanner::inFlight);
  }

  public void bind(Gate gate) {
    gauge("delivering", "Messages on one of the dispatch.concurrency threads", gate, Gate::busy);
  }

  public void bind(OutcomeRecorder recorder) {
    for (Kind kind : Kind.values()) {
      FunctionCounter.builder("herald.outcomes", recorder, from -> from.outcomes(kind))
          .description("Outcomes of deliveries")
          .tag("kind", kind.name())
          .register(meters);
    }
    count(
        "outcomes.late",
        "Outcomes that came too late and were fenced off",
        recorder,
        OutcomeRecorder::fencedOff);
    gauge(
        "recorder.backlog", "Outcomes waiting for PostgreSQL", recorder, OutcomeRecorder::backlog);
  }

  public void bind(Circuit circuit) {
    flag("circuit.open", "Whether the provider is down and only probes are claimed", circuit::open);
    flag(
        "circuit.paused",
        "Whether claims pause because the provider asked for fewer messages",
        circuit::paused);
  }

  public void bind(RedisFeed feed) {
    count("redis.dropped", "Outcomes that were not pushed to Redis", feed, RedisFeed::dropped);
    flag("redis.up", "Whether Redis accepts writes", feed::up);
  }

  public void bind(Database database) {
    flag("postgresql.up", "Whether PostgreSQL responds and accepts writes", database::up);
  }

  /** The last counts from the database; NaN while there are none. */
  public void bind(StatsSnapshot backlog) {
    gauge(
        "messages.due", "Messages due and not claimed", backlog, from -> from.value(Stats::dueNow));
    Gauge.builder("herald.oldest.due.age", backlog, from -> from.value(Stats::oldestDueAgeSeconds))
        .description("How long the oldest of them has been due")
        .baseUnit("seconds")
        .register(meters);
    for (String status : DeliveryStatus.STATUSES) {
      Gauge.builder(
              "herald.messages", backlog, from -> from.value(stats -> stats.byStatus().get(status)))
          .description("Messages by status")
          .tag("status", status)
          .register(meters);
    }
    delivery(backlog, "DELIVERED", Deliveries::delivered);
    delivery(backlog, "UNDELIVERED", Deliveries::undelivered);
    delivery(backlog, "MISSING", Deliveries::missing);
    gauge("scheduler.running", "Whether delivery is on", backlog, StatsSnapshot::running);
  }

  private void delivery(StatsSnapshot from, String status, ToDoubleFunction<Deliveries> of) {
    Gauge.builder(
            "herald.deliveries",
            from,
            read -> read.value(stats -> of.applyAsDouble(stats.delivery())))
        .description("Messages by what their receipts say")
        .tag("status", status)
        .register(meters);
  }

  public void bind(Receipts receipts) {
    for (Receipts.Result result : Receipts.Result.values()) {
      FunctionCounter.builder("herald.receipts", receipts, from -> from.count(result))
          .description("Receipts by what became of them")
          .tag("result", result.name().toLowerCase(Locale.ROOT))
          .register(meters);
    }
  }

  /** What runs, so that nodes that differ are seen. */
  public void bind(Flow flow) {
    flag(
        "flow.refused",
        "Whether the last reload was refused, so that the disk has another flow than the one that"
            + " runs",
        flow::refused);
    MultiGauge files =
        MultiGauge.builder("herald.flow.loaded")
            .description("When each file of the flow was loaded, and its digest")
            .baseUnit("seconds")
            .register(meters);
    flow.whenLoaded(
        () ->
            files.register(
                flow.files().stream()
                    .map(
                        file ->
                            MultiGauge.Row.of(
                                Tags.of(
                                    "file",
                                    file.file(),
                                    "digest",
                                    file.digest().substring(0, Flow.SHOWN)),
                                file.loadedAt().toEpochMilli() / 1_000.0))
                    .toList(),
                true));
  }

  public void bind(EventReader events) {
    count("events", "Events that the route direct:events has taken", events, EventReader::events);
    flag("events.reading", "Whether this node reads events", events::active);
    flag(
        "events.failing",
        "Whether events are on and cannot be read or handed on",
        () -> events.trouble().isPresent());
    Gauge.builder("herald.events.lag", events, EventReader::lagBytes)
        .description("PostgreSQL's log that is kept for events nobody has read")
        .baseUnit("bytes")
        .register(meters);
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
