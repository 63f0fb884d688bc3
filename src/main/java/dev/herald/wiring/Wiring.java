package dev.herald.wiring;

import dev.herald.api.ApiHeaders;
import dev.herald.api.ApiKeys;
import dev.herald.api.ApiServer;
import dev.herald.api.Contract;
import dev.herald.api.ExceptionMapper;
import dev.herald.api.Json;
import dev.herald.api.RateLimits;
import dev.herald.api.RequestCheck;
import dev.herald.api.RequestFilter;
import dev.herald.api.SwaggerUi;
import dev.herald.config.Durations;
import dev.herald.config.PortCheck;
import dev.herald.config.RouteFiles;
import dev.herald.config.Settings;
import dev.herald.control.AuditLog;
import dev.herald.control.CamelHealthCheck;
import dev.herald.control.DeliveryStatus;
import dev.herald.control.Health;
import dev.herald.control.Health.Check;
import dev.herald.control.Health.State;
import dev.herald.control.RouteStops;
import dev.herald.control.Routes;
import dev.herald.control.SchedulerState;
import dev.herald.control.StatsSnapshot;
import dev.herald.control.Terms;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.dispatch.DeliveryThreads;
import dev.herald.dispatch.Gate;
import dev.herald.dispatch.Shutdown;
import dev.herald.intake.Intake;
import dev.herald.intake.MessageBatch;
import dev.herald.intake.NewMessages;
import dev.herald.message.ClaimedMessage;
import dev.herald.message.Message;
import dev.herald.message.MessageAnswers;
import dev.herald.message.MessageQueries;
import dev.herald.message.PhoneNumbers;
import dev.herald.outcome.BatchResults;
import dev.herald.outcome.OutcomeBatch;
import dev.herald.outcome.OutcomeClassifier;
import dev.herald.outcome.OutcomeRecorder;
import dev.herald.outcome.RedisFeed;
import dev.herald.outcome.RetryPolicy;
import dev.herald.store.Database;
import dev.herald.store.DueListener;
import dev.herald.store.RowMappers;
import dev.herald.webhook.ExchangeOfRequest;
import dev.herald.webhook.HeaderRules;
import dev.herald.webhook.Payload;
import dev.herald.webhook.Signature;
import dev.herald.webhook.WebhookClient;
import dev.herald.webhook.WebhookHeaders;
import dev.herald.webhook.WebhookTls;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.VertxOptions;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.camel.CamelConfiguration;
import org.apache.camel.CamelContext;
import org.apache.camel.StartupListener;
import org.apache.camel.component.micrometer.eventnotifier.MicrometerRouteEventNotifier;
import org.apache.camel.spi.EventNotifier;
import org.apache.camel.spi.Registry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.RowMapper;

/**
 * Makes the parts and gives them the names by which routes call them. Nothing but this knows how
 * they fit together.
 */
public final class Wiring implements CamelConfiguration, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("dev.herald.Herald");

  /** Of the jar; a development run has none. */
  private static final String VERSION =
      Optional.ofNullable(Wiring.class.getPackage().getImplementationVersion()).orElse("dev");

  /**
   * The pool that the server's requests are processed on must not be the one that health checks
   * wait for.
   */
  private static final int WORKERS_TO_SPARE = 4;

  /** The group of the routes that ask for claims, again and again. */
  private static final String CLAIM = "claim";

  /** The group of the routes that a claimed message passes. */
  private static final String DELIVERY = "delivery";

  private static final Map<Class<?>, RowMapper<?>> READERS =
      Map.of(
          ClaimedMessage.class, (RowMapper<ClaimedMessage>) ClaimedMessage::read,
          Message.class, (RowMapper<Message>) Message::read,
          Message.Attempt.class, (RowMapper<Message.Attempt>) Message.Attempt::read,
          Intake.EarlierMessage.class,
              (RowMapper<Intake.EarlierMessage>) Intake.EarlierMessage::read,
          OutcomeBatch.Recorded.class,
              (RowMapper<OutcomeBatch.Recorded>) OutcomeBatch.Recorded::read,
          SchedulerState.class, (RowMapper<SchedulerState>) SchedulerState::read);

  private final BooleanSupplier mayWait;
  private final boolean development;
  private CamelContext camel;
  private Registry registry;
  private Settings settings;
  private Contract contract;
  private PhoneNumbers phoneNumbers;
  private RouteCalls calls;
  private Json json;
  private Metrics metrics;
  private Database database;
  private Circuit circuit;
  private ClaimPlanner planner;
  private StatsSnapshot snapshot;
  private RedisFeed feed;
  private OutcomeRecorder recorder;
  private Gate gate;
  private Intake intake;
  private DueListener listener;
  private Health health;
  private Shutdown shutdown;
  private DeliveryThreads threads;
  private WebhookClient client;

  /**
   * @param mayWait false once the process is told to stop
   * @param development whether this is the development run
   */
  public Wiring(BooleanSupplier mayWait, boolean development) {
    this.mayWait = mayWait;
    this.development = development;
  }

  /** Everything is made here, in the order in which one part needs another, and then started. */
  @Override
  public void configure(CamelContext context) throws Exception {
    camel = context;
    registry = camel.getRegistry();
    settings = Settings.read(this::property, development);
    warnOfShortKeys();
    PortCheck.check(settings);
    RouteFiles.check(Path.of("routes"));
    contract = Contract.load(Path.of("openapi.yaml"), settings.messages().maxLength());
    phoneNumbers = new PhoneNumbers(settings.messages().defaultRegion());
    calls = new RouteCalls(camel.createProducerTemplate());
    json = new Json();
    metrics =
        new Metrics(
            Optional.ofNullable(registry.findSingleByType(MeterRegistry.class))
                .orElseGet(SimpleMeterRegistry::new));
    bindDatabase();
    bindDispatch();
    bindWebhook();
    bindIntake();
    bindMessages();
    bindControl();
    bindApi();
    bindMetrics();
    feed.start();
    recorder.start();
    intake.start();
    if (listener != null) {
      listener.start();
    }
  }

  private Optional<String> property(String key) {
    return camel.getPropertiesComponent().resolveProperty(key);
  }

  private void warnOfShortKeys() {
    ApiKeys.shortOnes(settings.api().keys())
        .forEach(
            name ->
                LOG.warn(
                    "The key of {} in api.key is shorter than {} characters and may be guessed; make"
                        + " one with: openssl rand -hex 24",
                    name,
                    ApiKeys.SHORT));
  }

  private void bindDatabase() throws Exception {
    database = new Database(settings.database());
    database.prepare(mayWait, settings.dispatch().enabled());
    registry.bind("apiDataSource", database.api());
    registry.bind("workDataSource", database.work());
    registry.bind("rowMappers", new RowMappers(READERS));
    registry.bind("terms", Terms.of(settings));
  }

  /** Claims, the gate before each delivery, and the record of what became of it. */
  private void bindDispatch() {
    RouteStops stops = new RouteStops();
    camel.setShutdownStrategy(stops);
    camel.getManagementStrategy().addEventNotifier(stops.starts());
    circuit =
        new Circuit(settings.circuit(), settings.dispatch(), System::nanoTime, () -> gate.busy());
    RetryPolicy policy = new RetryPolicy(settings, circuit::othersGetThrough);
    OutcomeClassifier classifier = new OutcomeClassifier(Clock.systemUTC());
    planner =
        new ClaimPlanner(
            settings.dispatch(),
            settings.webhook().rateLimit(),
            circuit,
            () -> deliveryRuns(stops),
            () -> !stops.anyOf(CLAIM));
    stops.whenAsked(planner::wake);
    feed = new RedisFeed(settings.redis());
    recorder =
        new OutcomeRecorder(
            policy, batch -> calls.call("direct:record-outcomes", "batch", batch), planner);
    gate =
        new Gate(
            settings,
            policy,
            circuit,
            classifier,
            recorder,
            () -> planner.postingAllowed() && !stops.anyOf(DELIVERY));
    threads = new DeliveryThreads(settings.dispatch().concurrency());
    shutdown = new Shutdown(planner, gate, threads, recorder, settings.server().gracePeriod());
    registry.bind("claimPlanner", planner);
    registry.bind("gate", gate);
    registry.bind("deliveryThreads", threads);
    registry.bind("batchResult", new BatchResults());
    registry.bind("outcomeClassifier", classifier);
    registry.bind("recorder", recorder);
    registry.bind("redisFeed", feed);
  }

  /** What a delivery's steps need, up to the POST. */
  private void bindWebhook() {
    Settings.Webhook webhook = settings.webhook();
    client =
        new WebhookClient(
            new WebhookClient.Limits(
                webhook.timeout(),
                webhook.connectTimeout(),
                webhook.keepAlive(),
                settings.dispatch().concurrency(),
                webhook.proxy()),
            WebhookTls.context(webhook.trust(), webhook.tls()),
            key -> property(key).orElse(null),
            "Herald/" + VERSION,
            metrics::posted);
    registry.bind("webhookClient", client);
    registry.bind("headerRules", new HeaderRules());
    registry.bind("exchangeOfRequest", new ExchangeOfRequest());
    registry.bind("payload", new Payload());
    registry.bind("webhookHeaders", new WebhookHeaders(webhook));
    registry.bind("signature", new Signature(webhook.signingSecret(), Clock.systemUTC()));
  }

  private void bindIntake() {
    boolean continuous = settings.dispatch().continuous();
    intake =
        new Intake(
            settings.retry(),
            settings.api().idempotencyTtl(),
            store(),
            continuous ? planner::wake : () -> {},
            planner::needsOtherNodes);
    if (continuous) {
      listener = new DueListener(database, planner::wake);
    }
    registry.bind("newMessages", new NewMessages(phoneNumbers, Clock.systemUTC()));
    registry.bind("intake", intake);
  }

  private void bindMessages() {
    registry.bind("messageQueries", new MessageQueries(phoneNumbers));
    registry.bind("messageAnswers", new MessageAnswers());
  }

  private void bindControl() {
    snapshot = new StatsSnapshot(database::up, System::nanoTime);
    health = new Health("postgresql", checks());
    CamelHealthCheck.register(camel, health);
    registry.bind("statsSnapshot", snapshot);
    registry.bind("health", health);
    registry.bind("routes", new Routes(camel));
    registry.bind("auditLog", new AuditLog());
    registry.bind(
        "deliveryStatus",
        new DeliveryStatus(settings.dispatch(), planner, gate, recorder, circuit));
  }

  private void bindApi() throws Exception {
    RequestFilter filter =
        new RequestFilter(
            contract,
            new ApiKeys(settings.api().keys(), settings.api().open()),
            new RateLimits(settings.api().rateLimit()),
            json,
            new SwaggerUi(),
            settings.server());
    registry.bind(
        "serverVertx",
        new VertxOptions().setWorkerPoolSize(settings.server().workers() + WORKERS_TO_SPARE));
    registry.bind("serverConfiguration", ApiServer.configuration(settings.server()));
    registry.bind("contract", contract);
    registry.bind("apiHeaders", new ApiHeaders(contract.queryNames()));
    registry.bind("requestCheck", new RequestCheck(contract, json));
    registry.bind("exceptionMapper", new ExceptionMapper(json));
    registry.bind("json", json);
    registry.bind("objectMapper", Json.MAPPER);
    ApiServer server = new ApiServer(settings.server(), filter);
    camel.addService(server, true, true);
    camel.addStartupListener(new WhenStarted(server, client, settings));
  }

  private void bindMetrics() {
    metrics.bind(intake);
    metrics.bind(planner);
    metrics.bind(gate);
    metrics.bind(recorder);
    metrics.bind(circuit);
    metrics.bind(feed);
    metrics.bind(database);
    metrics.bind(snapshot);
  }

  /** Ends the delivery; the API still answers, though no longer as ready. */
  public void endDelivery() throws InterruptedException {
    if (listener != null) {
      listener.close();
    }
    if (shutdown != null) {
      health.close();
      shutdown.run();
      feed.close();
    }
  }

  @Override
  public void close() {
    if (intake != null) {
      intake.close();
    }
    if (client != null) {
      client.shutdown();
      threads.shutdown();
    }
    if (feed != null) {
      feed.close();
    }
    if (listener != null) {
      listener.close();
    }
    if (database != null) {
      database.close();
    }
  }

  private Map<String, Supplier<Check>> checks() {
    Map<String, Supplier<Check>> checks = new LinkedHashMap<>();
    checks.put(
        "postgresql",
        () ->
            Check.of(
                database.up(), State.DOWN, "it does not answer; nothing is taken or delivered"));
    checks.put(
        "redis",
        () ->
            Check.of(feed.up(), State.DEGRADED, "it does not answer; delivery goes on without it"));
    checks.put(
        "webhook",
        () ->
            DeliveryStatus.trouble(circuit)
                .map(trouble -> Check.of(false, State.DEGRADED, trouble))
                .orElseGet(() -> Check.of(true, State.DEGRADED, null)));
    checks.put(
        "backlog",
        () ->
            snapshot
                .late(settings.health().lateAfter())
                .map(reason -> Check.of(false, State.DEGRADED, reason))
                .orElseGet(() -> Check.of(true, State.DEGRADED, null)));
    checks.put(
        "routes",
        () -> {
          String stopped =
              camel.getRoutes().stream()
                  .map(route -> route.getRouteId())
                  .filter(id -> !camel.getRouteController().getRouteStatus(id).isStarted())
                  .collect(Collectors.joining(", "));
          return Check.of(stopped.isEmpty(), State.DEGRADED, "stopped: " + stopped);
        });
    return checks;
  }

  /** Clients come in when every route is there to answer them. */
  private record WhenStarted(ApiServer server, WebhookClient client, Settings settings)
      implements StartupListener {
    /** The metrics of routes need no event for each exchange, and Camel would make four. */
    @Override
    public void onCamelContextStarted(CamelContext camel, boolean alreadyStarted) {
      client.checkUrls(camel.getEndpoints());
      for (EventNotifier notifier : camel.getManagementStrategy().getEventNotifiers()) {
        if (notifier instanceof MicrometerRouteEventNotifier) {
          notifier.setIgnoreExchangeEvents(true);
        }
      }
    }

    @Override
    public void onCamelContextFullyStarted(CamelContext camel, boolean alreadyStarted) {
      if (server.listen()) {
        Settings.Dispatch dispatch = settings.dispatch();
        LOG.info(
            "Herald listens on {}:{}, and delivers to {}, {}",
            settings.server().host(),
            settings.server().port(),
            settings.webhook().url().host().getHostName(),
            dispatch.continuous()
                ? "continuously"
                : "%d messages every %s"
                    .formatted(dispatch.batchSize(), Durations.show(dispatch.interval())));
      }
    }
  }

  /** Whether what is claimed now would be delivered: every route on the way runs. */
  private boolean deliveryRuns(RouteStops stops) {
    return camel.isStarted()
        && camel.getRoutes().stream()
            .filter(route -> DELIVERY.equals(route.getGroup()))
            .allMatch(
                route -> camel.getRouteController().getRouteStatus(route.getRouteId()).isStarted())
        && !stops.anyOf(DELIVERY);
  }

  private Intake.Store store() {
    return new Intake.Store() {
      @Override
      public Map<UUID, Instant> store(MessageBatch batch) {
        Map<UUID, Instant> stored = new HashMap<>();
        for (Object row : (List<?>) calls.call("direct:store-messages", "batch", batch)) {
          Map<?, ?> columns = (Map<?, ?>) row;
          stored.put((UUID) columns.get("id"), ((Timestamp) columns.get("created_at")).toInstant());
        }
        return stored;
      }

      @Override
      public List<Intake.EarlierMessage> find(Intake.Key key) {
        return ((List<?>) calls.call("direct:find-request", "request", key))
            .stream().map(Intake.EarlierMessage.class::cast).toList();
      }
    };
  }
}
