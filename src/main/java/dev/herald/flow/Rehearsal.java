package dev.herald.flow;

import dev.herald.config.Durations;
import dev.herald.config.Placeholders;
import dev.herald.message.ClaimedMessage;
import dev.herald.problem.Fault;
import dev.herald.webhook.DryClient;
import dev.herald.webhook.WebhookClient;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.Component;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.MessageHistory;
import org.apache.camel.NoSuchEndpointException;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.RouteConfigurationsBuilder;
import org.apache.camel.RoutesBuilder;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.http.HttpEndpoint;
import org.apache.camel.component.sql.SqlEndpoint;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.model.BeanDefinition;
import org.apache.camel.model.ExpressionNode;
import org.apache.camel.model.Model;
import org.apache.camel.model.ProcessDefinition;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.language.MethodCallExpression;
import org.apache.camel.model.rest.RestDefinition;
import org.apache.camel.spi.BeanRepository;
import org.apache.camel.spi.DataFormat;
import org.apache.camel.support.DefaultConsumer;
import org.apache.camel.support.DefaultEndpoint;
import org.apache.camel.support.DefaultProducer;
import org.apache.camel.support.DefaultRegistry;
import org.apache.camel.support.LifecycleStrategySupport;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.PropertyBindingSupport;
import org.apache.camel.support.service.ServiceHelper;
import org.apache.camel.util.StringHelper;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * A flow in a context of its own, beside the one that runs: every route is created and started as a
 * start would do it, with the same beans and options, but nothing comes in and nothing reaches the
 * outside. Not thread-safe.
 */
public final class Rehearsal implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final String NO_ROUTE =
      "has no route; if it should have none, delete the file or rename it";

  /** Components that only work on the exchange. All others do nothing here. */
  private static final Set<String> PURE =
      Set.of(
          "direct",
          "bean",
          "class",
          "language",
          "dataformat",
          "ref",
          "validator",
          "json-validator",
          "xslt",
          "xslt-saxon",
          "xj",
          "jslt",
          "jsonata",
          "jolt",
          "jte",
          "freemarker",
          "velocity",
          "mustache",
          "string-template");

  /** The entrance of the route that carries out a reload, and so cannot be replaced by one. */
  private static final String RELOAD = "direct:reloadFlow";

  /** What PostgreSQL says to a statement that would write: read_only_sql_transaction. */
  private static final String READ_ONLY = "25006";

  private final FlowFiles files;
  private final Surroundings around;
  private final boolean reads;
  private final DefaultCamelContext camel;
  private final DryClient dry;
  private final List<Fault> faults = new ArrayList<>();
  private boolean allRead = true;
  private final List<RoutePart> routes = new ArrayList<>();
  private final List<RestDefinition> rests = new ArrayList<>();
  private final Map<String, String> fixed = new TreeMap<>();
  private final Set<String> used = new TreeSet<>();
  private final Map<String, DataSource> sources = new HashMap<>();
  private final List<DryClient.Request> posts = new CopyOnWriteArrayList<>();
  private final ConcurrentLinkedQueue<String> skipped = new ConcurrentLinkedQueue<>();

  /**
   * What a flow finds around it.
   *
   * @param live the context that has the beans
   * @param configuration returns a key's value, or nothing
   * @param keys of the configuration
   * @param client of the real POSTs
   */
  public record Surroundings(
      CamelContext live,
      Function<String, Optional<String>> configuration,
      Set<String> keys,
      WebhookClient client,
      Secrets secrets) {}

  /**
   * How a message went through.
   *
   * @param posts that would have left
   * @param skipped endpoints that were not called
   * @param body at the end
   * @param failure that ended it, or null
   * @param last the step that began last, or null
   */
  record Run(
      List<DryClient.Request> posts,
      List<String> skipped,
      Object body,
      Exception failure,
      ProcessorDefinition<?> last) {}

  private Rehearsal(FlowFiles files, Surroundings around, boolean reads) {
    this.files = files;
    this.around = around;
    this.reads = reads;
    dry = around.client().dry(posts::add);
    Map<String, Object> ours = new LinkedHashMap<>();
    ours.put("webhookClient", dry);
    ours.put(Loader.NAME, new Loader(files));
    camel = new DefaultCamelContext(new DefaultRegistry(new Overlay(ours, around.live())));
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
    return Optional.ofNullable(sources.get(statement));
  }

  /** The beans that steps use: {@code name} or {@code name.method}. */
  Set<String> used() {
    return used;
  }

  private void load() throws Exception {
    camel.getCamelContextExtension().setName("rehearsal");
    camel.disableJMX();
    camel.setMessageHistory(true);
    camel.setAllowUseOriginalMessage(false);
    camel.setAutowiredEnabled(false);
    camel.getPropertiesComponent().addPropertiesSource(new Placeholders(around.configuration()));
    camel.getCamelContextExtension().registerEndpointCallback(this::instead);
    camel.addLifecycleStrategy(new Options());
    camel.start();
    Map<String, RouteBuilder> builders = parse();
    builders.forEach(this::addConfigurations);
    builders.forEach(this::read);
    duplicates();
    for (RoutePart route : routes) {
      add(route);
    }
  }

  private Map<String, RouteBuilder> parse() {
    Map<String, RouteBuilder> builders = new LinkedHashMap<>();
    for (String name : files.routeFiles()) {
      if (files.text(name).lines().allMatch(line -> line.isBlank() || line.startsWith("#"))) {
        faults.add(Fault.in(name, 0, NO_ROUTE));
        allRead = false;
        continue;
      }
      try {
        for (RoutesBuilder builder :
            PluginHelper.getRoutesLoader(camel)
                .findRoutesBuilders(List.of(files.resource(name)), false)) {
          builders.put(name, (RouteBuilder) builder);
        }
      } catch (Exception e) {
        faults.add(unreadable(name, e));
      }
    }
    return builders;
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
        fixed.put(name, "the API's entrance");
      } else if (templates) {
        fixed.put(name, "a route template");
      } else if (found.stream().anyMatch(one -> RELOAD.equals(one.getInput().getEndpointUri()))) {
        fixed.put(name, "the reload itself");
      }
      if (found.isEmpty() && !fixed.containsKey(name)) {
        faults.add(Fault.in(name, 0, NO_ROUTE));
      }
    } catch (Exception e) {
      faults.add(unreadable(name, e));
    }
  }

  private void duplicates() {
    Map<String, RoutePart> ids = new LinkedHashMap<>();
    Map<String, RoutePart> entrances = new LinkedHashMap<>();
    for (RoutePart route : routes) {
      RoutePart same = route.id() == null ? null : ids.putIfAbsent(route.id(), route);
      if (same != null) {
        faults.add(
            at(
                route,
                route.line(),
                "the id %s is taken by a route in %s; give one of them another id"
                    .formatted(route.id(), place(same))));
        continue;
      }
      RoutePart there = route.isDirect() ? entrances.putIfAbsent(route.entrance(), route) : null;
      if (there != null) {
        faults.add(
            at(
                route,
                route.line(),
                "%s starts with %s, as %s in %s does; only one route can"
                    .formatted(route.name(), route.entrance(), there.name(), place(there))));
      }
    }
  }

  private static String place(RoutePart route) {
    return route.file() + (route.line() > 0 ? ":" + route.line() : "");
  }

  private void add(RoutePart route) {
    int before = faults.size();
    checkEndpoint(route, route.definition().getInput().getEndpointUri(), route.line());
    route.targets().forEach(target -> checkEndpoint(route, target.uri(), target.line()));
    route.steps().forEach(step -> checkBeans(route, step));
    boolean taken =
        routes.stream()
            .filter(other -> other != route)
            .limit(routes.indexOf(route))
            .anyMatch(other -> isSame(other, route));
    if (faults.size() > before || taken) {
      return;
    }
    try {
      route.definition().setAutoStartup("true");
      model().addRouteDefinition(route.definition());
    } catch (Exception e) {
      faults.add(uncreatable(route, e));
    }
  }

  private static boolean isSame(RoutePart one, RoutePart other) {
    return (one.id() != null && one.id().equals(other.id()))
        || (one.isDirect() && one.entrance().equals(other.entrance()));
  }

  private void checkEndpoint(RoutePart route, String uri, int line) {
    if (uri == null || uri.isBlank()) {
      faults.add(
          at(
              route,
              line,
              "%s has a step or a start without a uri; write one".formatted(route.name())));
      return;
    }
    try {
      camel.getEndpoint(uri);
    } catch (NoSuchEndpointException e) {
      faults.add(
          at(
              route,
              line,
              "%s uses %s, but there is no component %s; correct the name, or add its jar to lib/"
                  .formatted(
                      route.name(),
                      RoutePart.withoutOptions(uri),
                      StringHelper.before(uri, ":", uri))));
    } catch (Exception e) {
      faults.add(
          at(
              route,
              line,
              "%s cannot use the endpoint %s: %s"
                  .formatted(route.name(), RoutePart.withoutOptions(uri), reason(e))));
    }
  }

  private void checkBeans(RoutePart route, ProcessorDefinition<?> step) {
    if (step instanceof BeanDefinition bean) {
      checkBean(route, step, bean.getRef(), bean.getBeanType(), bean.getMethod());
    } else if (step instanceof ProcessDefinition process) {
      checkBean(route, step, process.getRef(), null, null);
    } else if (step instanceof ExpressionNode node
        && node.getExpression() instanceof MethodCallExpression call) {
      checkBean(route, step, call.getRef(), call.getBeanTypeName(), call.getMethod());
    }
  }

  private void checkBean(
      RoutePart route, ProcessorDefinition<?> step, String ref, String type, String method) {
    if (ref == null || type != null || ref.contains("{{") || ref.contains(":")) {
      return;
    }
    String name = StringHelper.removeStartingCharacters(ref, '#');
    Object bean = camel.getRegistry().lookupByName(name);
    if (bean == null) {
      faults.add(
          at(
              route,
              step.getLineNumber(),
              "%s uses the bean %s, which is not there; write the name of one that is"
                  .formatted(route.name(), name)));
      return;
    }
    used.add(name);
    String called = method == null ? null : StringHelper.before(method, "(", method).strip();
    if (called == null || called.isEmpty() || called.contains("{{")) {
      return;
    }
    used.add(name + "." + called);
    if (Arrays.stream(bean.getClass().getMethods())
        .map(Method::getName)
        .noneMatch(called::equals)) {
      faults.add(
          at(
              route,
              step.getLineNumber(),
              "%s calls the method %s of bean %s, which has none of that name"
                  .formatted(route.name(), called, name)));
    }
  }

  /** Runs a message through the delivery route, as the gate would hand it over. */
  Run run(ClaimedMessage message) throws InterruptedException {
    posts.clear();
    skipped.clear();
    ExecutorService thread =
        Executors.newSingleThreadExecutor(task -> new Thread(task, "herald-rehearsal"));
    try {
      Exchange exchange =
          thread
              .submit(
                  () ->
                      camel
                          .createProducerTemplate()
                          .send(
                              FlowCheck.DELIVER,
                              in -> {
                                in.setVariable("message", message);
                                in.getMessage().setBody(message);
                              }))
              .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      return run(exchange, exchange.getException());
    } catch (TimeoutException e) {
      return run(null, new TimeoutException("it did not end within " + Durations.show(PATIENCE)));
    } catch (ExecutionException e) {
      return run(
          null, e.getCause() instanceof Exception failure ? failure : new IllegalStateException(e));
    } finally {
      thread.shutdownNow();
    }
  }

  private Run run(Exchange exchange, Exception failure) {
    ProcessorDefinition<?> last = null;
    if (exchange != null) {
      List<?> history = exchange.getProperty(Exchange.MESSAGE_HISTORY, List.class);
      if (history != null
          && !history.isEmpty()
          && history.get(history.size() - 1) instanceof MessageHistory step
          && step.getNode() instanceof ProcessorDefinition<?> node) {
        last = node;
      }
    }
    return new Run(
        List.copyOf(posts),
        skipped.stream().distinct().toList(),
        exchange == null ? null : exchange.getMessage().getBody(),
        failure,
        last);
  }

  /** The file that has a step. */
  Optional<String> fileOf(ProcessorDefinition<?> step) {
    return routes.stream()
        .filter(route -> route.steps().contains(step))
        .map(RoutePart::file)
        .findFirst();
  }

  /** The endpoint to use instead of one that reaches the outside. */
  private Endpoint instead(String uri, Endpoint endpoint) {
    String scheme = StringHelper.before(uri, ":", uri);
    if (PURE.contains(scheme)) {
      return endpoint;
    }
    if (endpoint instanceof HttpEndpoint http && http.getHttpClient() == dry) {
      around.client().checkUrl(http);
      return endpoint;
    }
    try {
      camel.removeService(endpoint); // or its stop could close a bean that it shares
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    String name = RoutePart.withoutOptions(uri);
    if (endpoint instanceof SqlEndpoint sql) {
      sources.put(FlowFiles.name(sql.getQuery()), sql.getDataSource());
    }
    if (reads && endpoint instanceof SqlEndpoint sql) {
      return new Silent(uri, camel, exchange -> read(sql, name, exchange));
    }
    return new Silent(uri, camel, exchange -> skipped.add(name));
  }

  /** Runs a statement that only reads. */
  private void read(SqlEndpoint sql, String name, Exchange exchange) throws Exception {
    sql.setJdbcTemplate(
        new JdbcTemplate(new ReadOnly(sources.get(FlowFiles.name(sql.getQuery())))));
    Producer producer = sql.createProducer();
    producer.start();
    try {
      producer.process(exchange);
    } catch (Exception e) {
      if (!ReadOnly.refused(e, READ_ONLY)) {
        throw e;
      }
      skipped.add(name);
    } finally {
      producer.stop();
    }
  }

  private static Fault at(RoutePart route, int line, String detail) {
    return Fault.in(route.file(), line > 0 ? line : route.line(), detail);
  }

  private Fault unreadable(String name, Exception failure) {
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

  private static final Pattern AT = Pattern.compile(">>> (.*?) <<< in route", Pattern.DOTALL);

  private Fault uncreatable(RoutePart route, Exception failure) {
    int line = route.line();
    Matcher at = AT.matcher(String.valueOf(failure.getMessage()));
    if (at.find()) {
      line =
          route.steps().stream()
              .filter(step -> step.toString().equals(at.group(1)))
              .mapToInt(ProcessorDefinition::getLineNumber)
              .findFirst()
              .orElse(line);
    }
    return at(route, line, "%s cannot be created: %s".formatted(route.name(), reason(failure)));
  }

  /** The deepest message, without what an exception around it repeats. */
  String reason(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    String text = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    text = StringHelper.after(text, " due to: ", text).strip();
    return around.secrets().mask(text);
  }

  /** Ends its threads. The context is not stopped: that would stop beans that the live one uses. */
  @Override
  public void close() {
    ServiceHelper.stopAndShutdownService(camel.getExecutorServiceManager());
  }

  /** The same options as the live components and data formats have. */
  private final class Options extends LifecycleStrategySupport {
    @Override
    public void onComponentAdd(String name, Component component) {
      set("camel.component." + name + ".", component);
    }

    @Override
    public void onDataFormatCreated(String name, DataFormat dataFormat) {
      set("camel.dataformat." + name + ".", dataFormat);
    }

    private void set(String prefix, Object target) {
      Map<String, Object> options = new LinkedHashMap<>();
      for (String key : around.keys()) {
        if (key.startsWith(prefix)) {
          around
              .configuration()
              .apply(key)
              .ifPresent(
                  value ->
                      options.put(
                          StringHelper.dashToCamelCase(key.substring(prefix.length())), value));
        }
      }
      PropertyBindingSupport.build()
          .withCamelContext(camel)
          .withTarget(target)
          .withProperties(options)
          .withIgnoreCase(true)
          .withConfigurer(
              target instanceof Component component
                  ? component.getComponentPropertyConfigurer()
                  : null)
          .bind();
    }
  }

  /** Gives nothing to a route, and takes an exchange without a call. */
  private static final class Silent extends DefaultEndpoint {
    private final String uri;
    private final Processor instead;

    Silent(String uri, CamelContext camel, Processor instead) {
      this.uri = uri;
      this.instead = instead;
      setCamelContext(camel);
      setEndpointUri(uri);
    }

    @Override
    protected String createEndpointUri() {
      return uri;
    }

    @Override
    public Producer createProducer() {
      return new DefaultProducer(this) {
        @Override
        public void process(Exchange exchange) throws Exception {
          instead.process(exchange);
        }
      };
    }

    @Override
    public Consumer createConsumer(Processor processor) {
      return new DefaultConsumer(this, processor);
    }
  }

  /** The live beans, and ours before them. */
  private record Overlay(Map<String, Object> ours, CamelContext live) implements BeanRepository {
    @Override
    public Object lookupByName(String name) {
      return ours.containsKey(name) ? ours.get(name) : live.getRegistry().lookupByName(name);
    }

    @Override
    public <T> T lookupByNameAndType(String name, Class<T> type) {
      Object found = ours.get(name);
      return found == null
          ? live.getRegistry().lookupByNameAndType(name, type)
          : type.isInstance(found) ? type.cast(found) : null;
    }

    @Override
    public <T> Map<String, T> findByTypeWithName(Class<T> type) {
      return live.getRegistry().findByTypeWithName(type);
    }

    @Override
    public <T> Set<T> findByType(Class<T> type) {
      return live.getRegistry().findByType(type);
    }
  }
}
