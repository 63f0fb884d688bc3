package dev.herald.wiring;

import com.zaxxer.hikari.metrics.micrometer.MicrometerMetricsTrackerFactory;
import dev.herald.api.Admission;
import dev.herald.api.ApiKeys;
import dev.herald.api.RequestFilter;
import dev.herald.config.Settings;
import dev.herald.config.Version;
import dev.herald.control.DeliveryStatus;
import dev.herald.control.DeliveryStatus.Deliveries;
import dev.herald.control.DeliveryStatus.Stats;
import dev.herald.control.StatsSnapshot;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.dispatch.DeliveryThreads;
import dev.herald.dispatch.Gate;
import dev.herald.event.EventReader;
import dev.herald.flow.Flow;
import dev.herald.intake.Intake;
import dev.herald.intake.Records;
import dev.herald.message.MessageStatus;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeRecorder;
import dev.herald.outcome.RedisFeed;
import dev.herald.receipt.Receipts;
import dev.herald.store.Database;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.MultiGauge.Row;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;

/**
 * The metrics of this node at {@code /observe/metrics}; docs/metrics.md is the reference. The parts
 * keep their own counters, which are read on each scrape, so a message costs only a few additions.
 * Those of the JVM and the process are Camel's: {@code camel.metrics.binders}. Thread-safe.
 */
public final class Metrics implements RequestFilter.Observer {
  private static final Duration[] POST_TIMES =
      millis(5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000);

  /** Few, because every operation has them. */
  private static final Duration[] REQUEST_TIMES = millis(5, 25, 100, 500, 2_500, 10_000);

  private static final List<String> ANSWERS = List.of("closed", "2xx", "3xx", "4xx", "5xx");

  private final MeterRegistry meters;
  private final Timer posts;
  private final Map<String, Requests> requests = new HashMap<>();

  /** Of one operation; the counters are in the order of {@link #ANSWERS}. */
  private record Requests(Timer times, Counter[] answers) {}

  /**
   * @param meters the registry that Camel serves
   */
  public Metrics(MeterRegistry meters) {
    this.meters = meters;
    posts =
        Timer.builder("herald.webhook")
            .description("Time from the start of a POST to the webhook to its response or failure")
            .serviceLevelObjectives(POST_TIMES)
            .register(meters);
  }

  private static Duration[] millis(long... times) {
    return LongStream.of(times).mapToObj(Duration::ofMillis).toArray(Duration[]::new);
  }

  /** Records the time of a POST that ended. */
  public void posted(long nanos) {
    posts.record(nanos, TimeUnit.NANOSECONDS);
  }

  /** Which Herald this is. */
  public void bind(Settings settings) {
    Gauge.builder("herald.build.info", () -> 1)
        .description("1, with the version of Herald, the name of this node and its version of Java")
        .tags("version", Version.TEXT, "node", settings.nodeName())
        .tag("java", Runtime.version().toString())
        .register(meters);
  }

  /**
   * @param operations what a request can ask for; to be called before the first request
   */
  public void bind(Collection<String> operations) {
    for (String operation : operations) {
      requests.put(
          operation,
          new Requests(
              Timer.builder("herald.api.request")
                  .description(
                      "Time from the head of a request of the API to the end of its answer, by"
                          + " operation")
                  .tag("operation", operation)
                  .serviceLevelObjectives(REQUEST_TIMES)
                  .register(meters),
              ANSWERS.stream()
                  .map(
                      answer ->
                          Counter.builder("herald.api.requests")
                              .description(
                                  "Requests of the API by operation and class of the answer's"
                                      + " status; closed if the client left before its answer")
                              .tags("operation", operation, "status", answer)
                              .register(meters))
                  .toArray(Counter[]::new)));
    }
  }

  @Override
  public void answered(String operation, int status, long nanos) {
    Requests of = requests.get(operation);
    // A route may set any number.
    int answer = status < 200 ? 0 : Math.min(status / 100 - 1, ANSWERS.size() - 1);
    of.answers[answer].increment();
    of.times.record(nanos, TimeUnit.NANOSECONDS);
  }

  public void bind(Admission admission) {
    gauge("api.connections", "Open connections of the API", admission, Admission::connections);
    gauge(
        "api.held",
        "bytes",
        "Memory that requests of the API under way hold, about; server.max-bodies bounds it",
        admission,
        Admission::held);
    count(
        "api.refused",
        "Requests of the API refused because others filled server.max-bodies",
        admission,
        Admission::refused);
  }

  public void bind(ApiKeys keys) {
    MultiGauge uses =
        MultiGauge.builder("herald.api.key.last.used.timestamp")
            .description(
                "Unix time when the API key was last used on this node; 0 if not since its start")
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
    count(
        "messages.accepted",
        "Messages accepted and stored; a repeated Idempotency-Key counts once",
        intake,
        Intake::accepted);
  }

  public void bind(Records records) {
    count(
        "records.taken",
        "Records from elsewhere than the API, such as a topic, whose message is stored",
        records,
        Records::taken);
    count(
        "records.refused",
        "Records from elsewhere than the API, such as a topic, that can never be stored",
        records,
        Records::refused);
  }

  public void bind(ClaimPlanner planner) {
    count(
        "claims",
        "Claims of due messages that PostgreSQL answered, including empty ones",
        planner,
        ClaimPlanner::claims);
    timestamp(
        "last.claim",
        "Unix time of this node's last claim that PostgreSQL answered, or of its start before the"
            + " first",
        planner,
        ClaimPlanner::lastClaim);
    count(
        "messages.claimed",
        "Messages claimed for delivery; a message counts once for each attempt",
        planner,
        ClaimPlanner::messages);
    count(
        "messages.orphaned",
        "Messages claimed again because their lease had run out; they may have been sent",
        planner,
        ClaimPlanner::orphans);
    flag(
        "delivery.failing",
        "1 while claims fail or outcomes cannot be recorded, for more than a moment",
        () -> DeliveryStatus.failing(planner).isPresent());
    gauge(
        "in.flight",
        "Messages that this node has claimed and not yet recorded",
        planner,
        ClaimPlanner::inFlight);
  }

  public void bind(Gate gate) {
    gauge("delivering", "Delivery threads that are delivering a message", gate, Gate::busy);
  }

  public void bind(DeliveryThreads threads) {
    gauge(
        "delivery.threads",
        "Delivery threads that this node may have: dispatch.concurrency",
        threads,
        DeliveryThreads::getMaximumPoolSize);
  }

  public void bind(OutcomeRecorder recorder) {
    for (Kind kind : Kind.values()) {
      FunctionCounter.builder("herald.outcomes", recorder, from -> from.outcomes(kind))
          .description("Outcomes of deliveries by kind, before they are recorded")
          .tag("kind", kind.name())
          .register(meters);
    }
    for (MessageStatus status : OutcomeRecorder.ENDS) {
      FunctionCounter.builder("herald.messages.ended", recorder, from -> from.ended(status))
          .description("Messages whose delivery ended with this status, as recorded")
          .tag("status", status.name())
          .register(meters);
    }
    count(
        "outcomes.late",
        "Outcomes of deliveries that came after their claim had ended and were fenced off",
        recorder,
        OutcomeRecorder::fencedOff);
    gauge(
        "recorder.backlog",
        "Outcomes of deliveries that wait for PostgreSQL",
        recorder,
        OutcomeRecorder::backlog);
  }

  public void bind(Circuit circuit) {
    flag("circuit.open", "1 while the provider is down and only probes are claimed", circuit::open);
    flag(
        "circuit.paused",
        "1 while claims pause because the provider asked for fewer messages",
        circuit::paused);
  }

  public void bind(RedisFeed feed) {
    count(
        "redis.dropped",
        "Outcomes of deliveries that were not pushed to Redis",
        feed,
        RedisFeed::dropped);
    flag("redis.up", "1 while Redis accepts writes", feed::up);
  }

  public void bind(Database database) {
    flag("postgresql.up", "1 while PostgreSQL responds and accepts writes", database::up);
    database.measure(new MicrometerMetricsTrackerFactory(meters));
  }

  /** What was last read from the database; NaN while that is not known. */
  public void bind(StatsSnapshot snapshot) {
    gauge(
        "messages.due",
        "Messages in the database that are due and not claimed",
        snapshot,
        from -> from.value(Stats::dueNow));
    gauge(
        "oldest.due.age",
        "seconds",
        "How long the oldest message that is due and not claimed has been due; 0 if there is none",
        snapshot,
        from -> from.value(Stats::oldestDueAgeSeconds));
    for (String status : DeliveryStatus.STATUSES) {
      Gauge.builder(
              "herald.messages",
              snapshot,
              from -> from.value(stats -> stats.byStatus().get(status)))
          .description("Messages in the database by status")
          .tag("status", status)
          .register(meters);
    }
    delivery(snapshot, "DELIVERED", Deliveries::delivered);
    delivery(snapshot, "UNDELIVERED", Deliveries::undelivered);
    delivery(snapshot, "MISSING", Deliveries::missing);
    gauge(
        "scheduler.running",
        "1 while delivery is on, 0 while someone has stopped it, on all nodes",
        snapshot,
        StatsSnapshot::running);
    timestamp(
        "last.housekeeping",
        "Unix time at which this node's housekeeping last succeeded, or of the node's start before"
            + " the first",
        snapshot,
        StatsSnapshot::lastHousekeeping);
    MultiGauge slots =
        MultiGauge.builder("herald.replication.slot.retained")
            .description(
                "How much of its log PostgreSQL keeps on its disk for a replication slot, of"
                    + " whatever database")
            .baseUnit("bytes")
            .register(meters);
    snapshot.whenSlots(
        names ->
            slots.register(
                names.stream()
                    .<Row<?>>map(
                        name ->
                            Row.of(Tags.of("slot", name), snapshot, from -> from.retained(name)))
                    .toList()));
  }

  private void delivery(StatsSnapshot from, String status, ToDoubleFunction<Deliveries> of) {
    Gauge.builder(
            "herald.deliveries",
            from,
            read -> read.value(stats -> of.applyAsDouble(stats.delivery())))
        .description("Messages in the database by what their receipts say")
        .tag("status", status)
        .register(meters);
  }

  public void bind(Receipts receipts) {
    for (Receipts.Result result : Receipts.Result.values()) {
      FunctionCounter.builder("herald.receipts", receipts, from -> from.count(result))
          .description("Receipts from the provider by what became of them")
          .tag("result", result.name().toLowerCase(Locale.ROOT))
          .register(meters);
    }
    count(
        "receipts.missing",
        "Messages that this node marked MISSING, because no receipt came within"
            + " receipts.expected-within",
        receipts,
        Receipts::missed);
  }

  /** What runs, so that nodes that differ are seen. */
  public void bind(Flow flow) {
    flag(
        "flow.refused",
        "1 if the last reload was refused, so that the disk has another flow than the one that"
            + " runs",
        flow::refused);
    MultiGauge files =
        MultiGauge.builder("herald.flow.loaded.timestamp")
            .description("Unix time at which this node loaded a file of the flow, by its digest")
            .baseUnit("seconds")
            .register(meters);
    flow.whenLoaded(
        () ->
            files.register(
                flow.files().stream()
                    .map(
                        file ->
                            Row.of(
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
    count(
        "events",
        "Events, changes of messages, that the route direct:events has taken",
        events,
        EventReader::events);
    flag("events.reading", "1 on the node that reads events", events::active);
    flag(
        "events.failing",
        "1 while events are on and cannot be read or handed on",
        () -> events.trouble().isPresent());
    gauge(
        "events.lag",
        "bytes",
        "How much of its log PostgreSQL keeps for events that nobody has read; 0 while events are"
            + " off",
        events,
        EventReader::lagBytes);
  }

  private <T> void count(String name, String description, T of, ToDoubleFunction<T> value) {
    FunctionCounter.builder("herald." + name, of, value).description(description).register(meters);
  }

  private <T> void gauge(String name, String description, T of, ToDoubleFunction<T> value) {
    gauge(name, null, description, of, value);
  }

  private <T> void gauge(
      String name, String unit, String description, T of, ToDoubleFunction<T> value) {
    Gauge.builder("herald." + name, of, value)
        .description(description)
        .baseUnit(unit)
        .register(meters);
  }

  private <T> void timestamp(String name, String description, T of, Function<T, Instant> at) {
    gauge(
        name + ".timestamp",
        "seconds",
        description,
        of,
        from -> at.apply(from).toEpochMilli() / 1_000.0);
  }

  private void flag(String name, String description, BooleanSupplier value) {
    Gauge.builder("herald." + name, () -> value.getAsBoolean() ? 1 : 0)
        .description(description)
        .register(meters);
  }
}
