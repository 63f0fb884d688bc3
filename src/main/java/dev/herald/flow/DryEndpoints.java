package dev.herald.flow;

import dev.herald.message.ClaimedMessage;
import dev.herald.store.SqlFailures;
import dev.herald.webhook.DryClient;
import dev.herald.webhook.WebhookClient;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.Consumer;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.PollingConsumer;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.component.http.HttpEndpoint;
import org.apache.camel.component.sql.SqlEndpoint;
import org.apache.camel.spi.EndpointStrategy;
import org.apache.camel.support.DefaultConsumer;
import org.apache.camel.support.DefaultEndpoint;
import org.apache.camel.support.DefaultProducer;
import org.apache.camel.support.PollingConsumerSupport;
import org.apache.camel.support.service.ServiceHelper;
import org.apache.camel.util.StringHelper;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * Lets nothing of a rehearsed flow reach the outside, and nothing come in: endpoints that would are
 * created, so that their options are checked, and then replaced. Notes what the flow would have
 * sent and called.
 */
final class DryEndpoints implements EndpointStrategy {
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

  private static final String CLAIMED = ClaimedMessage.class.getName();

  private final WebhookClient real;
  private final DryClient client;
  private final boolean reads;
  private final Map<String, DataSource> sources = new HashMap<>();
  private final List<DryClient.Request> posts = new CopyOnWriteArrayList<>();
  private final Queue<String> skipped = new ConcurrentLinkedQueue<>();
  private volatile ClaimedMessage claimed;
  private volatile OneStatement one;

  /** A statement that is run, and what became of it. */
  static final class OneStatement {
    private final String file;
    private final JdbcTemplate template;
    private volatile Ran ran;

    /**
     * @param source where it is run, whatever its endpoint says
     */
    OneStatement(String file, DataSource source) {
      this.file = file;
      template = new JdbcTemplate(source);
    }

    /** What it returned; nothing if no exchange has come to it. */
    Optional<Ran> ran() {
      return Optional.ofNullable(ran);
    }
  }

  /**
   * What a statement returned.
   *
   * @param failure why it did not, or null
   */
  record Ran(Object body, Exception failure) {}

  /**
   * @param reads whether statements that only read are run
   */
  DryEndpoints(WebhookClient real, boolean reads) {
    this.real = real;
    this.reads = reads;
    client = real.dry(posts::add);
  }

  /** The client in the place of the real one. */
  DryClient client() {
    return client;
  }

  /** The database that a statement goes to. */
  Optional<DataSource> sourceOf(String statement) {
    return Optional.ofNullable(sources.get(statement));
  }

  /**
   * Begins anew.
   *
   * @param message what a claim returns
   */
  void begin(ClaimedMessage message) {
    posts.clear();
    skipped.clear();
    claimed = message;
  }

  /**
   * Lets a statement run. The exchange that has run it ends there.
   *
   * @param statement null to let none run
   */
  void let(OneStatement statement) {
    one = statement;
  }

  /** The POSTs that would have left. */
  List<DryClient.Request> posts() {
    return List.copyOf(posts);
  }

  /** The endpoints that were not called. */
  List<String> skipped() {
    return skipped.stream().distinct().toList();
  }

  @Override
  public Endpoint registerEndpoint(String uri, Endpoint endpoint) {
    String scheme = StringHelper.before(uri, ":", uri);
    if (PURE.contains(scheme)) {
      return endpoint;
    }
    if (endpoint instanceof HttpEndpoint http && http.getHttpClient() == client) {
      real.checkUrl(http);
      return endpoint;
    }
    try {
      endpoint.getCamelContext().removeService(endpoint);
      if (!(endpoint instanceof HttpEndpoint)) { // that would close a client that it shares
        ServiceHelper.stopService(endpoint);
      }
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    String name = RoutePart.withoutOptions(uri);
    Processor instead =
        endpoint instanceof SqlEndpoint sql ? statement(sql, name) : exchange -> skipped.add(name);
    return new Silent(uri, endpoint.getCamelContext(), instead);
  }

  private Processor statement(SqlEndpoint sql, String name) {
    String file = FlowFiles.name(sql.getQuery());
    sources.put(file, sql.getDataSource());
    Processor dry = dry(sql, name);
    return exchange -> {
      OneStatement runs = one;
      if (runs != null && runs.file.equals(file)) {
        run(sql, runs, exchange);
      } else {
        dry.process(exchange);
      }
    };
  }

  private Processor dry(SqlEndpoint sql, String name) {
    if (CLAIMED.equals(sql.getOutputClass())) {
      return exchange -> exchange.getMessage().setBody(List.of(claimed));
    }
    return reads ? exchange -> read(sql, name, exchange) : exchange -> skipped.add(name);
  }

  private static void run(SqlEndpoint sql, OneStatement statement, Exchange exchange) {
    Exception failure = null;
    try {
      process(sql, statement.template, exchange);
    } catch (Exception e) {
      failure = e;
    }
    statement.ran = new Ran(exchange.getMessage().getBody(), failure);
    exchange.setRouteStop(true);
  }

  /** Runs a statement that only reads. */
  private void read(SqlEndpoint sql, String name, Exchange exchange) throws Exception {
    try {
      process(sql, new JdbcTemplate(new ReadOnly(sql.getDataSource())), exchange);
    } catch (Exception e) {
      if (!SqlFailures.readOnly(e)) {
        throw e;
      }
      skipped.add(name);
    }
  }

  private static void process(SqlEndpoint sql, JdbcTemplate template, Exchange exchange)
      throws Exception {
    sql.setJdbcTemplate(template);
    Producer producer = sql.createProducer();
    producer.start();
    try {
      producer.process(exchange);
    } finally {
      producer.stop();
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
    public PollingConsumer createPollingConsumer() {
      return new PollingConsumerSupport(this) {
        @Override
        public Exchange receive() {
          return null;
        }

        @Override
        public Exchange receive(long timeout) {
          return null;
        }

        @Override
        public Exchange receiveNoWait() {
          return null;
        }
      };
    }

    @Override
    public Consumer createConsumer(Processor processor) {
      return new DefaultConsumer(this, processor);
    }
  }
}
