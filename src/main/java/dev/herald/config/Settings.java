package dev.herald.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The configuration, as {@link SettingsReader} read and checked it before anything started. {@code
 * application.properties} documents each key. Immutable.
 *
 * @param nodeName how this node is named to people; the host's name unless it is set
 */
public record Settings(
    String nodeName,
    Server server,
    Management management,
    Api api,
    Database database,
    Redis redis,
    Webhook webhook,
    Dispatch dispatch,
    Retry retry,
    Circuit circuit,
    Messages messages,
    Routes routes,
    Health health,
    Receipts receipts,
    Events events) {

  /** What to do with a message that may have been sent. */
  public enum OnAmbiguous {
    /** It is due again, like one that was certainly not sent. */
    RETRY,
    /** It is UNKNOWN until someone decides. */
    HOLD
  }

  /**
   * @param maxBodiesBytes what requests under way may hold together
   * @param idleTimeout how long a connection may take to send the head of a request
   * @param bodyTimeout how long the rest of a request may take to arrive
   * @param gracePeriod how long a stop waits for what is under way
   * @param drainDelay how long of it a stop still takes requests, though the node is not ready
   */
  public record Server(
      String host,
      int port,
      Optional<Tls> tls,
      int maxBodyBytes,
      long maxBodiesBytes,
      int maxConnections,
      Duration idleTimeout,
      Duration bodyTimeout,
      int workers,
      Duration gracePeriod,
      Duration drainDelay) {}

  /** Two readable PEM files. */
  public record Tls(Path certificate, Path key) {}

  /**
   * @param jolokia whether Jolokia is served beside health and metrics
   */
  public record Management(String host, int port, boolean jolokia) {}

  /**
   * @param keys the accepted keys; there may be none when {@code api.auth=none}
   * @param keyFile where the keys come from, if not from the configuration itself
   * @param rateLimit requests of one key in a second; 0 for no limit
   */
  public record Api(
      List<ApiKey> keys,
      Optional<SecretFile> keyFile,
      boolean open,
      Duration idempotencyTtl,
      int rateLimit) {
    @Override
    public String toString() {
      return "Api[keys of " + keys + "]";
    }
  }

  /** Its user and password may come from the URL. */
  public record Database(
      DatabaseUrl url,
      String username,
      String password,
      int poolSize,
      Duration timeout,
      Duration startupTimeout) {
    @Override
    public String toString() {
      return "Database[" + url + "]";
    }
  }

  /**
   * @param trust PEM file with the certificates to trust instead of Java's
   */
  public record Redis(
      RedisUrl url, Duration ttl, Duration timeout, int streamLength, Optional<Path> trust) {}

  /**
   * @param trust PEM file with the certificates to trust instead of Java's
   */
  public record Webhook(
      WebhookUrl url,
      String authHeader,
      Optional<String> authValue,
      Optional<byte[]> signingSecret,
      Duration timeout,
      Duration connectTimeout,
      Duration keepAlive,
      int rateLimit,
      OnAmbiguous onAmbiguous,
      Optional<WebhookUrl> proxy,
      Optional<Path> trust,
      Optional<Tls> tls) {
    @Override
    public String toString() {
      return "Webhook[" + url + "]";
    }
  }

  /** {@code interval} zero means continuous. */
  public record Dispatch(
      boolean enabled,
      Duration interval,
      int batchSize,
      int concurrency,
      Duration lease,
      Duration idleWait) {

    public boolean continuous() {
      return interval.isZero();
    }
  }

  public record Retry(
      int maxAttempts,
      Duration backoff,
      Duration backoffMax,
      Duration retryAfterMax,
      Duration giveUpAfter) {}

  public record Circuit(Duration window, int minimumCalls, int failureRate, Duration openFor) {}

  /** {@code retention} zero keeps everything. */
  public record Messages(
      int minLength, int maxLength, Optional<String> defaultRegion, Duration retention) {}

  /** {@code lateAfter} zero means never. */
  public record Health(Duration lateAfter) {}

  /**
   * @param watch how long changed files must stay the same before they are reloaded; zero means
   *     never
   * @param include patterns of the route files besides those of the flow itself
   */
  public record Routes(Duration watch, List<String> include) {}

  /**
   * @param token lets providers call {@code /receipts/}
   * @param keepUnmatched how long a receipt waits for its message; zero means not at all
   */
  public record Receipts(Optional<String> token, Duration keepUnmatched) {
    @Override
    public String toString() {
      return "Receipts[" + keepUnmatched + "]";
    }
  }

  /**
   * @param database the one of {@code database.url}, or the same by another way
   * @param slot the name of the replication slot and of the publication
   */
  public record Events(boolean enabled, Database database, String slot) {}
}
