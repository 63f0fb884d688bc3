package dev.herald.wiring;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.api.Admission;
import dev.herald.api.ApiKeyFile;
import dev.herald.api.ApiKeys;
import dev.herald.api.ApiServer;
import dev.herald.api.Contract;
import dev.herald.api.Entrances;
import dev.herald.api.ExceptionMapper;
import dev.herald.api.Json;
import dev.herald.api.Operations;
import dev.herald.api.Pages;
import dev.herald.api.RateLimits;
import dev.herald.api.ReceiptToken;
import dev.herald.api.RequestFilter;
import dev.herald.api.RequestFilter.Reply;
import dev.herald.api.Requests;
import dev.herald.config.ClientTls;
import dev.herald.config.ConfigurationException;
import dev.herald.config.PortCheck;
import dev.herald.config.RouteFiles;
import dev.herald.config.Settings;
import dev.herald.config.SettingsReader;
import dev.herald.config.Version;
import dev.herald.control.AuditLog;
import dev.herald.control.Blockers;
import dev.herald.control.CamelHealthCheck;
import dev.herald.control.DeliveryStatus;
import dev.herald.control.GuardedJolokia;
import dev.herald.control.Health;
import dev.herald.control.NodeReports;
import dev.herald.control.Overview;
import dev.herald.control.Pace;
import dev.herald.control.RouteStops;
import dev.herald.control.Routes;
import dev.herald.control.SchedulerState;
import dev.herald.control.Standing;
import dev.herald.control.StatsSnapshot;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.Claim;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.dispatch.DeliveryThreads;
import dev.herald.dispatch.FailedStep;
import dev.herald.dispatch.Gate;
import dev.herald.dispatch.Shutdown;
import dev.herald.event.EventReader;
import dev.herald.flow.Flow;
import dev.herald.flow.FlowWatch;
import dev.herald.flow.RouteGroups;
import dev.herald.flow.Samples;
import dev.herald.flow.Surroundings;
import dev.herald.flow.Swap;
import dev.herald.flow.SwappableDirect;
import dev.herald.flow.Turnstile;
import dev.herald.intake.Intake;
import dev.herald.intake.MessageBatch;
import dev.herald.intake.NewMessage;
import dev.herald.intake.NewMessages;
import dev.herald.intake.Records;
import dev.herald.message.ClaimedMessage;
import dev.herald.message.MassActions;
import dev.herald.message.Message;
import dev.herald.message.MessageAnswers;
import dev.herald.message.MessageQueries;
import dev.herald.message.PhoneNumbers;
import dev.herald.outcome.BatchResults;
import dev.herald.outcome.FailureLog;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.OutcomeBatch;
import dev.herald.outcome.OutcomeClassifier;
import dev.herald.outcome.OutcomeRecorder;
import dev.herald.outcome.RedisFeed;
import dev.herald.outcome.RetryPolicy;
import dev.herald.receipt.Receipts;
import dev.herald.store.Database;
import dev.herald.store.DueListener;
import dev.herald.store.ParsedStatements;
import dev.herald.store.RowMappers;
import dev.herald.webhook.ExchangeOfRequest;
import dev.herald.webhook.HeaderRules;
import dev.herald.webhook.Payload;
import dev.herald.webhook.Signature;
import dev.herald.webhook.WebhookClient;
import dev.herald.webhook.WebhookHeaders;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.vertx.core.VertxOptions;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import org.apache.camel.CamelConfiguration;
import org.apache.camel.CamelContext;
import org.apache.camel.Route;
import org.apache.camel.component.platform.http.PlatformHttpConstants;
import org.apache.camel.component.platform.http.plugin.JolokiaPlatformHttpPlugin;
import org.apache.camel.spi.Registry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.RowMapper;

/**
 * Creates the beans, connects them and binds them to the names that routes use. No other class
 * knows how they fit together.
 */
public final class Wiring implements CamelConfiguration, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger("dev.herald.Herald");

  /** The patterns of the route files. */
  public static final String ROUTES = "camel.main.routes-include-pattern";

  private static final Map<Class<?>, RowMapper<?>> READERS =
      Map.of(
          ClaimedMessage.class, (RowMapper<ClaimedMessage>) ClaimedMessage::read,
          Message.class, (RowMapper<Message>) Message::read,
          MessageQueries.Row.class, (RowMapper<MessageQueries.Row>) MessageQueries.Row::read,
          Message.Attempt.class, (RowMapper<Message.Attempt>) Message.Attempt::read,
          Intake.EarlierMessage.class,
              (RowMapper<Intake.EarlierMessage>) Intake.EarlierMessage::read,
          OutcomeBatch.Recorded.class,
              (RowMapper<OutcomeBatch.Recorded>) OutcomeBatch.Recorded::read,
          SchedulerState.class, (RowMapper<SchedulerState>) SchedulerState::read,
          Standing.class, (RowMapper<Standing>) Standing::read);

  /** What Herald is wired for. */
  public enum Purpose {
    SERVICE,
    /** A service that accepts sample keys. */
    DEVELOPMENT,
    /** Only {@link #checkFlow}: nothing is connected to, and nothing starts. */
    CHECK
  }

  private final Function<String, Optional<String>> configuration;
  private final Supplier<Set<String>> keys;
  private final BooleanSupplier mayWait;
  private final boolean development;
  private final boolean checkOnly;
  private final Turnstile turnstile = new Turnstile();
  private final Set<String> reservedBeans = new TreeSet<>();
  private final Lock routeLock = new ReentrantLock();
  private CamelContext camel;
  private Registry registry;
  private Settings settings;
  private Contract contract;
  private Map<String, Supplier<Reply>> fromMemory;
  private SSLContext webhookTls;
  private SSLContext redisTls;
  private PhoneNumbers phoneNumbers;
  private NewMessages newMessages;
  private RouteCalls calls;
  private Json json;
  private ExceptionMapper exceptions;
  private Requests requests;
  private Metrics metrics;
  private Database database;
  private Circuit circuit;
  private ClaimPlanner planner;
  private StatsSnapshot snapshot;
  private RedisFeed feed;
  private OutcomeRecorder recorder;
  private Gate gate;
  private Intake intake;
  private Receipts receipts;
  private Records records;
  private DueListener listener;
  private Health health;
  private NodeReports reports;
  private RouteStops stops;
  private Flow flow;
  private FlowWatch watch;
  private Shutdown shutdown;
  private DeliveryThreads threads;
  private WebhookClient client;
  private EventReader events;
  private ApiServer server;

  /**
   * @param configuration returns a key's value as it was written, or nothing
   * @param keys all of the configuration
   * @param mayWait false once the process has been told to stop
   * @param purpose what it is wired for
   */
  public Wiring(
      Function<String, Optional<String>> configuration,
      Supplier<Set<String>> keys,
      BooleanSupplier mayWait,
      Purpose purpose) {
    this.configuration = configuration;
    this.keys = keys;
    this.mayWait = mayWait;
    this.development = purpose == Purpose.DEVELOPMENT;
    this.checkOnly = purpose == Purpose.CHECK;
  }

  /** Creates everything in order of dependency, then starts it. */
  @Override
  public void configure(CamelContext context) throws Exception {
    camel = context;
    registry = camel.getRegistry();
    camel.addComponent(
        "direct", new SwappableDirect((entrance, exchange) -> requests.enter(entrance, exchange)));
    settings = SettingsReader.read(configuration, development);
    ApiKeys.warnOfShort(settings.api().keys());
    phoneNumbers = new PhoneNumbers(settings.messages().defaultRegion());
    newMessages = new NewMessages(phoneNumbers, Clock.systemUTC());
    CompletableFuture<Contract> loading =
        CompletableFuture.supplyAsync(
            () ->
                Contract.load(
                    Path.of("openapi.yaml"),
                    settings.messages().minLength(),
                    settings.messages().maxLength(),
                    newMessages::faults));
    calls = new RouteCalls(camel.createProducerTemplate(), turnstile);
    json = new Json();
    metrics =
        new Metrics(
            Optional.ofNullable(registry.findSingleByType(MeterRegistry.class))
                .orElseGet(SimpleMeterRegistry::new));
    ConfigurationException.all(
        () -> {
          if (!checkOnly) {
            PortCheck.check(settings);
          }
        },
        () -> settings.server().tls().ifPresent(ApiServer::checkCertificate),
        () -> webhookTls = webhookTls(settings.webhook()),
        () ->
            redisTls =
                settings.redis().url().tls()
                    ? ClientTls.context("redis.tls.trust", settings.redis().trust())
                    : ClientTls.none(),
        () -> contract = joined(loading));
    bindDatabase();
    CompletableFuture<Void> preparing = prepareDatabase();
    try {
      bindDispatch();
      bindWebhook();
      bindIntake();
      bindMessages();
      bindEvents();
      bindControl();
      bindFlow();
      bindApi();
      if (!checkOnly) {
        bindServer();
      }
    } finally {
      joined(preparing);
    }
    reservedBeans.addAll(Surroundings.beansOf(camel));
    if (!checkOnly) {
      events.check();
      bindMetrics();
      recorder.start();
      intake.start();
      if (settings.dispatch().continuous() && !database.pooler()) {
        listener = new DueListener(database, planner::wake);
        listener.start();
      }
    }
  }

  /** A check connects to nobody, but says what is wrong with files that are named. */
  private SSLContext webhookTls(Settings.Webhook webhook) {
    return checkOnly && webhook.trust().isEmpty() && webhook.tls().isEmpty()
        ? ClientTls.none()
        : ClientTls.context(webhook.trust(), webhook.tls());
  }

  /** What a task returned or threw that ran beside the wiring. */
  private static <T> T joined(CompletableFuture<T> task) {
    try {
      return task.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    }
  }

  private void bindDatabase() {
    database = new Database(settings.database());
    registry.bind("apiDataSource", database.api());
    registry.bind("workDataSource", database.work());
    registry.bind("rowMappers", new RowMappers(READERS));
    registry.bind("parsedStatements", new ParsedStatements());
  }

  /**
   * Beside the rest of the wiring, because it takes as long. The thread is a new one, so that
   * Flyway finds the migrations by the same class loader.
   */
  private CompletableFuture<Void> prepareDatabase() {
    return checkOnly
        ? CompletableFuture.completedFuture(null)
        : CompletableFuture.runAsync(
            () -> database.prepare(mayWait, settings.dispatch().enabled()),
            task -> new Thread(task, "herald-database-start").start());
  }

  /** Claims, the gate before each delivery, and recording the outcomes. */
  private void bindDispatch() {
    stops = new RouteStops();
    camel.setShutdownStrategy(stops);
    camel.addRoutePolicyFactory(stops.starts());
    camel.getCamelContextExtension().addInterceptStrategy(new FailedStep(RouteGroups.DELIVERY));
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
            () -> !stops.anyOf(RouteGroups.CLAIM),
            database::failed);
    stops.whenAsked(planner::wake);
    feed = new RedisFeed(settings.redis(), redisTls.getSocketFactory());
    FailureLog failures = new FailureLog(System::nanoTime);
    registry.bind("failureLog", failures);
    recorder =
        new OutcomeRecorder(
            policy,
            batch -> calls.call("direct:record-outcomes", "batch", batch),
            planner,
            failures,
            database::failed);
    gate =
        new Gate(
            settings,
            policy,
            circuit,
            classifier,
            recorder,
            () -> planner.postingAllowed() && !stops.anyOf(RouteGroups.DELIVERY));
    threads = new DeliveryThreads(settings.dispatch().concurrency());
    shutdown = new Shutdown(planner, gate, threads, recorder, settings.server().gracePeriod());
    registry.bind("claimPlanner", planner);
    registry.bind("gate", gate);
    registry.bind("deliveryThreads", threads);
    registry.bind("batchResult", new BatchResults());
    registry.bind("outcomeClassifier", classifier);
    registry.bind("recorder", recorder);
    registry.bind("redisFeed", feed);
    registry.bind("outcomeQueue", feed.queue());
  }

  /** The steps of a delivery up to the POST. */
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
            webhookTls,
            key -> configuration.apply(key).orElse(null),
            "Herald/" + Version.TEXT,
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
            new IntakeRoutes(calls),
            continuous ? planner::arrived : () -> {},
            () -> planner.needsOtherNodes() || continuous && !claimRouteRuns());
    Contract.Body body = contract.operation("createMessage").body().orElseThrow();
    registry.bind("newMessages", newMessages);
    registry.bind("intake", intake);
    records = new Records(body::read, newMessages, intake);
    registry.bind("records", records);
  }

  private void bindMessages() {
    registry.bind("messageQueries", new MessageQueries(phoneNumbers));
    registry.bind("messageAnswers", new MessageAnswers());
    registry.bind("massActions", new MassActions(phoneNumbers));
    receipts = new Receipts(settings.receipts().keepUnmatched(), System::nanoTime);
    registry.bind("receipts", receipts);
  }

  private void bindEvents() {
    events =
        new EventReader(
            settings.events(),
            database::up,
            () -> settings.events().database() == settings.database() && database.pooler(),
            batch -> calls.call("direct:events", batch));
  }

  private void bindControl() {
    snapshot =
        new StatsSnapshot(
            database::up,
            System::nanoTime,
            new Pace(
                settings.dispatch(),
                settings.webhook().rateLimit(),
                settings.health().lateAfter()));
    health =
        new Health(
            "postgresql",
            HealthChecks.of(
                camel,
                database,
                feed,
                planner,
                circuit,
                snapshot,
                () -> flow.broken(),
                events,
                settings));
    CamelHealthCheck.register(camel, health);
    reports =
        new NodeReports(
            settings.nodeName(),
            Version.TEXT,
            () -> flow.view().digest(),
            () -> flow.refused(),
            health::health);
    registry.bind("nodeReports", reports);
    registry.bind("overview", new Overview(reports));
    registry.bind("statsSnapshot", snapshot);
    registry.bind("routes", new Routes(camel, stops, () -> flow.calls(), routeLock));
    registry.bind("auditLog", new AuditLog());
    if (!checkOnly && settings.management().jolokia()) {
      registry.bind(JolokiaPlatformHttpPlugin.NAME, new GuardedJolokia());
      GuardedJolokia.warning(settings.management().host()).ifPresent(LOG::warn);
    }
    registry.bind(
        "deliveryStatus",
        new DeliveryStatus(settings.dispatch(), planner, gate, recorder, circuit, snapshot));
    registry.bind(
        "blockers", new Blockers(settings.nodeName(), planner, circuit, this::stoppedRoutes));
  }

  /** The files of the flow, and their change while it runs. */
  private void bindFlow() {
    fromMemory =
        Map.of(
            "getHealth", () -> reply(health.health()),
            "getLiveness", () -> reply(health.live()),
            "getReadiness", () -> reply(health.ready()));
    flow =
        new Flow(
            new Surroundings(camel, configuration, keys.get(), client, reservedBeans),
            routePatterns(configuration),
            settings.routes().include(),
            new Flow.Api(
                contract.operations().stream()
                    .map(Contract.Operation::id)
                    .filter(id -> !fromMemory.containsKey(id))
                    .toList(),
                RequestFilter.reserved(contract),
                settings.events().enabled()),
            checkOnly ? Optional.empty() : Optional.of(samples()),
            List.of(Path.of("openapi.yaml"), Path.of("application.properties")),
            new Swap.Quiet(
                turnstile,
                held -> stops.hold(RouteGroups.CLAIM, held),
                routeLock,
                settings.webhook().timeout().multipliedBy(2).plusSeconds(5)));
    watch = new FlowWatch(flow, settings.routes().watch());
    registry.bind("flow", flow);
  }

  private Samples samples() {
    return new Samples() {
      @Override
      public MessageBatch stored(NewMessage message, String key) {
        return intake.sample(message, key);
      }

      @Override
      public Claim claim() {
        return planner.sample();
      }

      @Override
      public OutcomeBatch ended(Outcome outcome) {
        return recorder.sample(outcome);
      }
    };
  }

  private void bindApi() {
    registry.bind("contract", contract);
    exceptions = new ExceptionMapper(json, database::failed);
    registry.bind("exceptionMapper", exceptions);
    registry.bind(
        "operations", new Operations(contract, json, exceptions, fromMemory.keySet(), turnstile));
    registry.bind("objectMapper", Json.MAPPER);
    requests = new Requests(contract);
    registry.bind("requests", requests);
    camel.getTypeConverterRegistry().addTypeConverter(JsonNode.class, Record.class, Json.NODES);
  }

  private void bindServer() throws Exception {
    Admission admission = new Admission(settings.server());
    metrics.bind(admission);
    metrics.bind(RequestFilter.asked(contract));
    Entrances entrances = new Entrances(camel, turnstile, json, exceptions, admission);
    ApiKeys apiKeys = new ApiKeys(settings.api().keys(), settings.api().open());
    metrics.bind(apiKeys);
    RequestFilter filter =
        new RequestFilter(
            contract,
            apiKeys,
            new ReceiptToken(settings.receipts().token()),
            new RateLimits(settings.api().rateLimit()),
            json,
            new Pages(),
            fromMemory,
            admission,
            entrances,
            settings.server(),
            metrics);
    registry.bind("serverVertx", new VertxOptions().setWorkerPoolSize(settings.server().workers()));
    registry.bind("serverConfiguration", ApiServer.configuration(settings.server()));
    registry.bind(PlatformHttpConstants.PLATFORM_HTTP_ENGINE_NAME, entrances);
    Optional<ApiKeyFile> keyFile =
        settings
            .api()
            .keyFile()
            .map(file -> new ApiKeyFile(file, settings.api().keys(), apiKeys, development));
    server = new ApiServer(settings.server(), filter, admission, entrances, keyFile);
    camel.addService(server, true, true);
    camel.addStartupListener(new WhenStarted(server, client, flow, watch, events, settings));
  }

  private static Reply reply(Health.View view) {
    return new Reply(view.httpStatus(), view);
  }

  private void bindMetrics() {
    metrics.bind(settings);
    metrics.bind(intake);
    metrics.bind(records);
    metrics.bind(planner);
    metrics.bind(gate);
    metrics.bind(threads);
    metrics.bind(recorder);
    metrics.bind(circuit);
    metrics.bind(feed);
    metrics.bind(database);
    metrics.bind(snapshot);
    metrics.bind(flow);
    metrics.bind(receipts);
    metrics.bind(events);
  }

  /** The patterns of all route files. */
  public static List<String> routePatterns(Function<String, Optional<String>> configuration) {
    return Stream.concat(
            Stream.of(configuration.apply(ROUTES).orElse("").split(",")),
            RouteFiles.included(configuration.apply("routes.include").orElse("")).stream())
        .toList();
  }

  /**
   * Checks the files of the flow, before they are loaded.
   *
   * @throws ConfigurationException naming every fault
   */
  public void checkFlow() {
    flow.checkStart();
  }

  /** Why a start failed, if it was for a route that the check let through. */
  public Optional<String> startFault(Throwable failure) {
    return flow == null ? Optional.empty() : flow.startFault(failure);
  }

  /** What {@link #checkFlow} has checked, in words. */
  public String checkedFlow() {
    return flow.summary();
  }

  /** No longer ready: ends delivery, and then the API, within the grace period. */
  public void end() throws InterruptedException {
    long began = System.nanoTime();
    if (watch != null) {
      watch.close();
    }
    if (listener != null) {
      listener.close();
    }
    if (shutdown != null) {
      health.close();
      reports.close();
      if (server != null) {
        server.drain();
      }
      shutdown.run();
      feed.close();
      events.close();
    }
    if (server != null) {
      server.close(
          began + settings.server().drainDelay().toNanos(),
          began + settings.server().gracePeriod().toNanos());
    }
    if (shutdown != null) {
      removeNode();
    }
  }

  /** So that the others do not miss it. */
  private void removeNode() {
    if (!camel.isStarted() || !database.up()) {
      return;
    }
    try {
      calls.call("direct:remove-node", "id", reports.id());
    } catch (RuntimeException e) {
      LOG.debug("This node could not be forgotten; the others call it gone for an hour", e);
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
    if (events != null) {
      events.close();
    }
    if (database != null) {
      database.close();
    }
  }

  /** Whether a route that asks for claims runs; one that a reload leaves stopped does not. */
  private boolean claimRouteRuns() {
    return camel.getRoutes().stream()
        .anyMatch(
            route ->
                RouteGroups.CLAIM.equals(route.getGroup())
                    && HealthChecks.runs(camel, route.getRouteId()));
  }

  /** The routes that hold back claims; one without an id while a reload does. */
  private List<RouteStops.Stopped> stoppedRoutes() {
    List<RouteStops.Stopped> stopped =
        camel.getRoutes().stream()
            .filter(
                route ->
                    RouteGroups.CLAIM.equals(route.getGroup())
                        || RouteGroups.DELIVERY.equals(route.getGroup()))
            .map(Route::getRouteId)
            .filter(id -> stops.includes(id) || !HealthChecks.runs(camel, id))
            .sorted()
            .map(stops::stopped)
            .toList();
    return stopped.isEmpty() && stops.anyOf(RouteGroups.CLAIM)
        ? List.of(new RouteStops.Stopped(null, null, null))
        : stopped;
  }

  /** Whether a message claimed now would be delivered: every delivery route runs. */
  private boolean deliveryRuns(RouteStops stops) {
    return camel.isStarted()
        && camel.getRoutes().stream()
            .filter(route -> RouteGroups.DELIVERY.equals(route.getGroup()))
            .allMatch(route -> HealthChecks.runs(camel, route.getRouteId()))
        && !stops.anyOf(RouteGroups.DELIVERY);
  }
}
