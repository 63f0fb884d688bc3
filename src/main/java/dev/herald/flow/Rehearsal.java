package dev.herald.flow;

import dev.herald.config.Durations;
import dev.herald.message.ClaimedMessage;
import dev.herald.problem.Fault;
import dev.herald.webhook.DryClient;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.apache.camel.Exchange;
import org.apache.camel.Route;
import org.apache.camel.RouteConfigurationsBuilder;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.model.Model;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.rest.RestDefinition;
import org.apache.camel.support.DefaultExchange;
import org.apache.camel.support.PluginHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;

/**
 * A flow in a context of its own, beside the one that runs: every route is created and started as a
 * start would do it, with the same beans and options, but nothing comes in and nothing reaches the
 * outside. Not thread-safe.
 */
final class Rehearsal implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Rehearsal.class);
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** Where Camel names the step that it could not create. */
  private static final Pattern AT = Pattern.compile(">>> (.*?) <<< in route", Pattern.DOTALL);

  private static final Pattern BEANS = Pattern.compile("(?m)^- beans:");

  /** A file for people is a few KB; YAML of megabytes takes minutes to read. */
  private static final int LARGEST = 512 * 1024;

  private static final String NO_ROUTE =
      "has no route; if it should have none, delete the file or rename it";

  /** The entrance of the route that carries out a reload, and so cannot be replaced by one. */
  private static final String RELOAD = RoutePart.DIRECT + "reloadFlow";

  private final FlowFiles files;
  private final Surroundings around;
  private final DryEndpoints outside;
  private final DefaultCamelContext camel;
  private final DrySteps dry = new DrySteps();
  private final DryPlanner planner = new DryPlanner();
  private final ExecutorService threads;
  private final StepCheck steps;
  private final Secrets secrets;
  private final List<Fault> faults = new ArrayList<>();
  private boolean allRead = true;
  private final List<RoutePart> routes = new ArrayList<>();
  private final List<RestDefinition> rests = new ArrayList<>();
  private final Map<String, String> fixed = new TreeMap<>();

  /**
   * What became of a claimed message.
   *
   * @param posts that would have left
   * @param skipped endpoints that were not called
   * @param ended once for each time that it passed the gate and ended
   * @param failure of the whole, or null
   */
  record Run(
      List<DryClient.Request> posts,
      List<String> skipped,
      List<DrySteps.Ended> ended,
      Exception failure) {}

  private Rehearsal(FlowFiles files, Surroundings around, boolean reads) {
    this.files = files;
    this.around = around;
    outside = new DryEndpoints(around.client(), reads);
    threads = Executors.newCachedThreadPool(new DefaultThreadFactory("herald-rehearsal", true));
    camel =
        around.context(
            Map.of(
                "webhookClient",
                outside.client(),
                "claimPlanner",
                planner,
                "deliveryThreads",
                threads,
                Loader.NAME,
                new Loader(files)));
    camel.getCamelContextExtension().addInterceptStrategy(dry);
    camel.getCamelContextExtension().registerEndpointCallback(outside);
    secrets = around.secrets(files);
    steps = new StepCheck(camel, name -> around.bean(camel, name), this::reason);
  }

  /**
   * Loads the files, and notes what is wrong with them.
   *
   * @param reads whether statements that only read are run, when a message is tried
   */
  static Rehearsal of(FlowFiles files, Surroundings around, boolean reads) throws Exception {
    Rehearsal rehearsal = new Rehearsal(files, around, reads);
    try {
      rehearsal.load();
      return rehearsal;
    } catch (Exception | Error e) {
      rehearsal.close();
      throw e;
    }
  }

  List<Fault> faults() {
    return faults;
  }

  /** The routes that files define, whether they could be created or not. */
  List<RoutePart> routes() {
    return routes;
  }

  Model model() {
    return camel.getCamelContextExtension().getContextPlugin(Model.class);
  }

  /** Whether every file could be read, so that what is not there is missing. */
  boolean allRead() {
    return allRead;
  }

  boolean servesContract() {
    return rests.stream().anyMatch(rest -> rest.getOpenApi() != null);
  }

  /** The files that only a start can take up, and what makes them so. */
  Map<String, String> fixed() {
    return fixed;
  }

  /** The database that a statement goes to. */
  Optional<DataSource> sourceOf(String statement) {
    return outside.sourceOf(statement);
  }

  /** Whether a database is the one that has the messages. */
  boolean isHeralds(DataSource source) {
    return source == heralds()
        || source == around.live().getRegistry().lookupByName("workDataSource");
  }

  /** The database that has the messages. */
  DataSource heralds() {
    return around.live().getRegistry().lookupByNameAndType("apiDataSource", DataSource.class);
  }

  /** The routes with these entrances, and those that they call. */
  Set<RoutePart> reached(Set<String> from) {
    Set<String> open = new HashSet<>(from);
    Set<RoutePart> reached = new LinkedHashSet<>();
    boolean more = true;
    while (more) {
      more = false;
      for (RoutePart route : routes) {
        if (open.contains(route.entrance()) && reached.add(route)) {
          open.addAll(route.directs());
          more = true;
        }
      }
    }
    return reached;
  }

  /** The beans that steps use: {@code name} or {@code name.method}. */
  Set<String> used() {
    return steps.used();
  }

  private void load() throws Exception {
    camel.start();
    Map<String, RouteBuilder> builders = parse();
    builders.forEach(this::addConfigurations);
    builders.forEach(this::read);
    beans();
    Set<RoutePart> duplicates = duplicates();
    for (RoutePart route : routes) {
      List<Fault> found = steps.check(route);
      faults.addAll(found);
      if (found.isEmpty() && !duplicates.contains(route)) {
        add(route);
      }
    }
  }

  private Map<String, RouteBuilder> parse() {
    Map<String, RouteBuilder> builders = new LinkedHashMap<>();
    for (String name : files.routeFiles()) {
      Optional<String> unfit = unfit(name);
      if (unfit.isPresent()) {
        faults.add(Fault.in(name, 0, unfit.get()));
        allRead = false;
        continue;
      }
      try {
        for (RoutesBuilder builder :
            PluginHelper.getRoutesLoader(camel)
                .findRoutesBuilders(List.of(files.resource(name)), false)) {
          builders.put(name, (RouteBuilder) builder);
        }
      } catch (Exception | LinkageError | StackOverflowError e) {
        faults.add(unreadable(name, e));
      }
    }
    return builders;
  }

  /** What is wrong with a file before it is read as YAML. */
  private Optional<String> unfit(String name) {
    if (files.size(name) > LARGEST) {
      return Optional.of("is larger than %d KB; part it".formatted(LARGEST / 1024));
    }
    if (!files.isUtf8(name)) {
      return Optional.of("is not encoded as UTF-8; save it as UTF-8");
    }
    return files.text(name).lines().allMatch(line -> line.isBlank() || line.strip().startsWith("#"))
        ? Optional.of(NO_ROUTE)
        : Optional.empty();
  }

  private void addConfigurations(String name, RouteBuilder builder) {
    try {
      int before = model().getRouteConfigurationDefinitions().size();
      if (builder instanceof RouteConfigurationsBuilder configurations) {
        camel.addRoutesConfigurations(configurations);
      }
      if (model().getRouteConfigurationDefinitions().size() > before) {
        fixed.put(name, "error handling");
      }
    } catch (Exception e) {
      faults.add(unreadable(name, e));
    }
  }

  private void read(String name, RouteBuilder builder) {
    if (faults.stream().anyMatch(fault -> name.equals(fault.file()))) {
      return;
    }
    try {
      List<RouteDefinition> found = builder.configureRoutes(camel).getRoutes();
      found.forEach(route -> route.setResource(files.resource(name)));
      found.forEach(StepLines::correct);
      routes.addAll(RoutePart.of(found));
      List<RestDefinition> served = builder.getRestCollection().getRests();
      rests.addAll(served);
      boolean templates =
          !builder.getRouteTemplateCollection().getRouteTemplates().isEmpty()
              || !builder.getTemplatedRouteCollection().getTemplatedRoutes().isEmpty();
      if (templates) {
        builder.prepareModel(camel);
        builder.addTemplatedRoutesToCamelContext(camel);
      }
      if (!served.isEmpty()) {
        fixed.put(name, "a rest element");
      } else if (templates) {
        fixed.put(name, "a route template");
      } else if (!builder.getRouteCollection().getInterceptSendTos().isEmpty()) {
        fixed.put(name, "an interceptSendToEndpoint");
      } else if (RoutePart.of(found).stream().anyMatch(one -> RELOAD.equals(one.entrance()))) {
        fixed.put(name, "the reload itself");
      }
      if (found.isEmpty() && !fixed.containsKey(name) && !BEANS.matcher(files.text(name)).find()) {
        faults.add(Fault.in(name, 0, NO_ROUTE));
      }
    } catch (Exception | LinkageError | StackOverflowError e) {
      faults.add(unreadable(name, e));
    }
  }

  private void beans() {
    for (String name : Surroundings.beansOf(camel)) {
      if (around.reserved().contains(name)) {
        faults.add(
            Fault.of(
                "a beans: element defines %s, which is the name of a bean of Herald's; give yours another name"
                    .formatted(name)));
      }
    }
  }

  /** Returns the routes whose id or entrance another one took before. */
  private Set<RoutePart> duplicates() {
    Map<String, RoutePart> ids = new HashMap<>();
    Map<String, RoutePart> entrances = new HashMap<>();
    Set<RoutePart> duplicates = new HashSet<>();
    for (RoutePart route : routes) {
      RoutePart same = route.id() == null ? null : ids.putIfAbsent(route.id(), route);
      RoutePart there = null;
      for (String taken : route.takes()) {
        RoutePart other = entrances.putIfAbsent(taken, route);
        there = other == null ? there : other;
      }
      if (same != null) {
        faults.add(
            route.fault(
                route.line(),
                "the id %s is taken by a route in %s; give one of them another id"
                    .formatted(route.id(), place(same))));
      } else if (there != null) {
        faults.add(
            route.fault(
                route.line(),
                "%s starts with %s, as %s in %s does; only one route can"
                    .formatted(route.name(), route.entrance(), there.name(), place(there))));
      }
      if (same != null || there != null) {
        duplicates.add(route);
      }
    }
    return duplicates;
  }

  private static String place(RoutePart route) {
    return route.file() + (route.line() > 0 ? ":" + route.line() : "");
  }

  private void add(RoutePart route) {
    try {
      route.definition().setAutoStartup("true");
      model().addRouteDefinition(route.definition());
    } catch (Exception | LinkageError | StackOverflowError e) {
      faults.add(uncreatable(route, e));
    }
  }

  /** Takes a message through the routes as if it had just been claimed. */
  Run run(ClaimedMessage message) throws InterruptedException {
    outside.begin(message);
    dry.begin(System.nanoTime() + PATIENCE.toNanos());
    Exception failure;
    try {
      failure = threads.submit(() -> tick()).get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return new Run(
          outside.posts(),
          outside.skipped(),
          List.of(
              new DrySteps.Ended(
                  null,
                  tooLong(),
                  dry.current() instanceof ProcessorDefinition<?> step ? step : null)),
          null);
    } catch (ExecutionException e) {
      failure = new IllegalStateException(e.getCause());
    }
    return new Run(outside.posts(), outside.skipped(), dry.ended(), failure);
  }

  /**
   * Enters a route and goes up to a statement, which is run on a database.
   *
   * @param body that it starts with
   * @param variables that it starts with; {@code lost} is what bean claimPlanner gives it
   * @return nothing if it did not come to the statement
   */
  Optional<DryEndpoints.Ran> run(
      RoutePart route,
      String statement,
      DataSource database,
      Object body,
      Map<String, Object> variables)
      throws InterruptedException {
    DryEndpoints.OneStatement one = new DryEndpoints.OneStatement(statement, database);
    Exchange exchange = new DefaultExchange(camel);
    exchange.getMessage().setBody(body);
    variables.forEach(exchange::setVariable);
    outside.let(one);
    planner.lose((String[]) variables.get("lost"));
    dry.begin(System.nanoTime() + PATIENCE.toNanos());
    try {
      Route entered = camel.getRoute(route.id());
      if (entered == null) {
        return Optional.empty(); // Its precondition is false.
      }
      threads
          .submit(
              () -> {
                entered.getConsumer().getProcessor().process(exchange);
                return null;
              })
          .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return Optional.of(new DryEndpoints.Ran(null, tooLong()));
    } catch (ExecutionException e) {
      LOG.debug("{} failed before {}", route.name(), statement, e);
    } finally {
      outside.let(null);
      planner.lose(null);
    }
    return one.ran();
  }

  private static TimeoutException tooLong() {
    return new TimeoutException("it did not end within " + Durations.show(PATIENCE));
  }

  /** What a tick of the claim's timer does. Returns what failed, also if it was handled. */
  private Exception tick() throws Exception {
    Route tick = camel.getRoute(FlowCheck.TICK);
    Exchange exchange = new DefaultExchange(camel);
    tick.getConsumer().getProcessor().process(exchange);
    return exchange.getException() != null
        ? exchange.getException()
        : exchange.getProperty(Exchange.EXCEPTION_CAUGHT, Exception.class);
  }

  /** The route that has a step. */
  Optional<RoutePart> routeOf(ProcessorDefinition<?> step) {
    return routes.stream().filter(route -> route.steps().contains(step)).findFirst();
  }

  private Fault unreadable(String name, Throwable failure) {
    allRead = false;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof MarkedYamlEngineException marked) {
        return Fault.in(
            name,
            marked.getProblemMark().map(mark -> mark.getLine() + 1).orElse(0),
            "cannot be read: " + marked.getProblem());
      }
    }
    return Fault.in(name, 0, "cannot be read: " + reason(failure));
  }

  private Fault uncreatable(RoutePart route, Throwable failure) {
    Matcher at = AT.matcher(String.valueOf(failure.getMessage()));
    Optional<ProcessorDefinition<?>> step =
        at.find()
            ? route.steps().stream().filter(one -> one.toString().equals(at.group(1))).findFirst()
            : Optional.empty();
    return route.fault(
        step.map(ProcessorDefinition::getLineNumber).orElse(route.line()),
        "%s cannot be created: %s%s"
            .formatted(
                route.name(),
                reason(failure),
                step.map(one -> " (step %s)".formatted(RoutePart.name(one))).orElse("")));
  }

  /** One sentence, without secrets. */
  String reason(Throwable failure) {
    return secrets.mask(CamelReason.of(failure));
  }

  @Override
  public void close() {
    threads.shutdownNow();
    Surroundings.end(camel);
  }
}
