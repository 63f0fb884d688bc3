package dev.herald.webhook;

import dev.herald.config.ConfigurationException;
import dev.herald.config.WebhookUrl;
import io.netty.util.HashedWheelTimer;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;
import org.apache.camel.Endpoint;
import org.apache.camel.Exchange;
import org.apache.camel.component.http.HttpEndpoint;
import org.apache.hc.client5.http.config.ConnectionConfig;
import org.apache.hc.client5.http.impl.IdleConnectionEvictor;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.CloseableHttpResponse;
import org.apache.hc.client5.http.impl.io.ManagedHttpClientConnectionFactory;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.apache.hc.core5.pool.PoolReusePolicy;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;

/**
 * The HttpClient of the endpoint {@code http-send-message}. Connections, TLS and HTTP come from
 * Apache HttpClient; this class adds what a dispatcher needs. It knows whether any part of a
 * request may have left. It keeps one deadline for the whole call, from the wait for a connection
 * to the last byte of the response. It returns the status of a response, whatever else is wrong
 * with it. It never retries, follows a redirect or keeps a cookie. A host name that is a
 * configuration key, like {@code webhook.url}, stands for the URL in that key, byte for byte.
 *
 * <p>Thread-safe. A call holds its thread until it ends.
 */
public final class WebhookClient extends CloseableHttpClient {
  /** How much of a body is kept, in bytes, both as received and decompressed. */
  static final int MAX_ANSWER = 64 * 1024;

  private static final String KEY_PREFIX = "webhook.url";
  private static final int MAX_LINE = 64 * 1024;
  private static final long TICK_MS = 10;
  private static final TimeValue SWEEP = TimeValue.ofSeconds(1);

  private final Limits limits;
  private final UnaryOperator<String> urlOfKey;
  private final String agent;
  private final LongConsumer posted;
  private final Map<String, WebhookUrl> urls = new ConcurrentHashMap<>();
  private final ExecutorService lookUps =
      Executors.newCachedThreadPool(new DefaultThreadFactory("herald-webhook-dns", true));
  private final HashedWheelTimer timer =
      new HashedWheelTimer(
          new DefaultThreadFactory("herald-webhook-deadline", true),
          TICK_MS,
          TimeUnit.MILLISECONDS);
  private final PoolingHttpClientConnectionManager connections;
  private final IdleConnectionEvictor evictor;

  /**
   * @param timeout for a whole call
   * @param connectTimeout for a look-up, and for a connection to one address, including TLS
   * @param keepAlive how long an idle connection is kept, unless the server's {@code Keep-Alive}
   *     header is shorter
   * @param calls the most calls at the same time
   * @param proxy the proxy for all calls
   */
  public record Limits(
      Duration timeout,
      Duration connectTimeout,
      Duration keepAlive,
      int calls,
      Optional<WebhookUrl> proxy) {}

  /**
   * @param urlOfKey returns the URL in a configuration key, or null
   * @param agent the default {@code User-Agent}
   * @param posted is told how long each call took, in nanoseconds, successful or not
   */
  public WebhookClient(
      Limits limits,
      SSLContext tls,
      UnaryOperator<String> urlOfKey,
      String agent,
      LongConsumer posted) {
    this(limits, tls, Connector::ofJava, System::nanoTime, urlOfKey, agent, posted);
  }

  WebhookClient(
      Limits limits,
      SSLContext tls,
      Connector.Names names,
      LongSupplier nanoTime,
      UnaryOperator<String> urlOfKey,
      String agent,
      LongConsumer posted) {
    this.limits = limits;
    this.urlOfKey = urlOfKey;
    this.agent = agent;
    this.posted = posted;
    connections =
        new PoolingHttpClientConnectionManager(
            new Connector(tls, names, lookUps, limits.connectTimeout(), nanoTime),
            PoolConcurrencyPolicy.LAX,
            PoolReusePolicy.LIFO,
            TimeValue.NEG_ONE_MILLISECOND,
            ManagedHttpClientConnectionFactory.builder()
                .http1Config(Http1Config.custom().setMaxLineLength(MAX_LINE).build())
                .requestWriterFactory(Post.writers())
                .outgoingContentLengthStrategy(Post::length)
                .responseParserFactory(Answer.parsers())
                .incomingContentLengthStrategy(Answer::length)
                .build());
    connections.setDefaultMaxPerRoute(limits.calls());
    // Reads have no timeout: the deadline closes the connection.
    connections.setDefaultSocketConfig(
        SocketConfig.custom().setSoTimeout(Timeout.ZERO_MILLISECONDS).build());
    connections.setDefaultConnectionConfig(
        ConnectionConfig.custom()
            .setValidateAfterInactivity(TimeValue.NEG_ONE_MILLISECOND)
            .build());
    evictor =
        new IdleConnectionEvictor(
            connections, new DefaultThreadFactory("herald-webhook-idle", true), SWEEP, null);
    evictor.start();
  }

  /**
   * Checks the URL of every endpoint that uses this client with a configuration key.
   *
   * @throws ConfigurationException naming the keys without a valid URL
   */
  public void checkUrls(Collection<Endpoint> endpoints) {
    List<String> problems = new ArrayList<>();
    for (Endpoint endpoint : endpoints) {
      if (endpoint instanceof HttpEndpoint http && http.getHttpClient() == this) {
        try {
          checkUrl(http);
        } catch (IllegalArgumentException e) {
          problems.add(e.getMessage());
        }
      }
    }
    ConfigurationException.throwIfAny(problems);
  }

  /** The URL in a configuration key. */
  private WebhookUrl urlOf(String key) {
    return urls.computeIfAbsent(
        key,
        any -> {
          String value = urlOfKey.apply(key);
          if (value == null || value.isBlank()) {
            throw new IllegalArgumentException(
                "a route posts to http://%s, but the key %s is not set; set it to a URL"
                    .formatted(key, key));
          }
          try {
            return WebhookUrl.parse(value.strip());
          } catch (IllegalArgumentException wrong) {
            throw new IllegalArgumentException(key + " " + wrong.getMessage(), wrong);
          }
        });
  }

  /**
   * Checks an endpoint that uses this client, or the one for tries.
   *
   * @throws IllegalArgumentException if the key that it names has no valid URL, or if it has an
   *     option that there is not, which Camel takes for a part of the URL
   */
  public void checkUrl(HttpEndpoint endpoint) {
    String host = endpoint.getHttpUri().getHost();
    if (isKey(host)) {
      urlOf(host);
      if (endpoint.getHttpUri().getQuery() != null) {
        throw new IllegalArgumentException(
            "an http endpoint has no option "
                + endpoint.getHttpUri().getQuery().replaceAll("=[^&]*", "").replace("&", ", ")
                + "; correct its name, or write a query into the key "
                + host);
      }
    }
  }

  /**
   * A client that makes no call.
   *
   * @param instead gets each request that this client would send
   */
  public DryClient dry(Consumer<DryClient.Request> instead) {
    return new DryClient(this::urlOf, agent, instead);
  }

  /** The URL of a request: in the key that stands for its host, or its own. */
  private WebhookUrl urlOf(HttpHost host, ClassicHttpRequest request) {
    return isKey(host.getHostName())
        ? urlOf(host.getHostName())
        : WebhookUrl.parse(host.toURI() + request.getPath());
  }

  /** Whether a host name is a configuration key, like {@code webhook.url}. */
  private static boolean isKey(String host) {
    return host != null && host.startsWith(KEY_PREFIX);
  }

  /**
   * Makes one call. Any status is a response; its body is decompressed and at most {@value
   * #MAX_ANSWER} bytes.
   *
   * @throws WebhookException if there was no response
   */
  @Override
  public ClassicHttpResponse executeOpen(
      HttpHost host, ClassicHttpRequest request, HttpContext context) throws IOException {
    long started = System.nanoTime();
    Exchange exchange = (Exchange) context.getAttribute("org.apache.camel.Exchange");
    Posting posting = exchange == null ? null : exchange.getVariable("delivery", Posting.class);
    WebhookUrl url = urlOf(host, request);
    Post post = Post.of(request, url, agent, limits.proxy());
    long timeout = limits.timeout().toNanos();
    long deadline = posting == null ? started + timeout : posting.deadline(started, timeout);
    try {
      return new Call(connections, limits, url, post, posting, deadline).run(timer, context);
    } finally {
      posted.accept(System.nanoTime() - started);
    }
  }

  @Override
  protected CloseableHttpResponse doExecute(
      HttpHost host, ClassicHttpRequest request, HttpContext context) {
    throw new UnsupportedOperationException("camel-http calls executeOpen");
  }

  /** Does nothing: Camel closes the client with each endpoint, but they share it. */
  @Override
  public void close() {}

  /** Does nothing, like {@link #close()}. */
  @Override
  public void close(CloseMode mode) {}

  /** Closes the client and its connections. */
  public void shutdown() {
    evictor.shutdown();
    timer.stop();
    lookUps.shutdownNow();
    connections.close(CloseMode.IMMEDIATE);
  }
}
