package dev.herald.testing;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.Herald;
import dev.herald.dev.LocalServers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Properties;

/**
 * A whole Herald in this process, on free ports, in continuous mode at a lively pace unless a test
 * says otherwise.
 */
public final class Node implements AutoCloseable {
  public static final String KEY = "a-key-for-tests-0123456789";

  private final Herald herald;
  private final Thread running;
  private final Api api;
  private final String managementUrl;
  private final boolean tls;

  private Node(Properties properties) {
    herald = new Herald(properties);
    running = new Thread(herald::run, "herald-node");
    running.start();
    api = new Api("http://127.0.0.1:" + properties.getProperty("server.port"), KEY);
    tls = properties.containsKey("server.tls.certificate");
    managementUrl = "http://127.0.0.1:" + properties.getProperty("management.port");
    await()
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(50))
        .until(() -> !running.isAlive() || ready());
    if (!running.isAlive()) {
      throw new IllegalStateException("the node did not start; see the log");
    }
  }

  /** Starts to describe a node. */
  public static Builder on(String databaseUrl, String webhookUrl) {
    return new Builder(databaseUrl, webhookUrl);
  }

  /** What a node is configured with. */
  public static final class Builder {
    private final Properties properties = new Properties();

    private Builder(String databaseUrl, String webhookUrl) {
      int port = LocalServers.freePort();
      with("server.host", "127.0.0.1")
          .with("server.port", port)
          .with("management.port", LocalServers.freePort())
          .with("camel.main.name", "herald-" + port)
          .with("api.key", KEY)
          .with("database.url", databaseUrl)
          .with("database.username", "postgres")
          .with("redis.url", Local.servers().redisUrl())
          .with("webhook.url", webhookUrl)
          .with("dispatch.interval", "0")
          .with("dispatch.batch-size", 100)
          .with("dispatch.idle-wait", "50ms")
          .with("retry.backoff", "50ms");
    }

    public Builder with(String key, Object value) {
      properties.setProperty(key, value.toString());
      return this;
    }

    public Node start() {
      return new Node(properties);
    }
  }

  public Api api() {
    return api;
  }

  public String managementUrl() {
    return managementUrl;
  }

  /** All metrics as they are now. */
  public String scrape() {
    return new Api(managementUrl, null).get("/observe/metrics").expect(200).http().body();
  }

  /** A metric's value now: the sum of all whose name begins so. */
  public double metric(String name) {
    return metric(scrape(), name);
  }

  /** A metric's value in a scrape. */
  public static double metric(String scrape, String name) {
    return scrape
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }

  /**
   * Takes back what a test did, for the next one: nothing is in flight, the database is empty,
   * every route runs, and delivery is on.
   *
   * @param sql of this node's database
   */
  public void reset(Sql sql) {
    api.post("/api/v1/scheduler/stop", null).expect(200);
    for (JsonNode route : api.get("/api/v1/routes").expect(200).body().path("items")) {
      if (!route.path("state").asText().equals("Started")) {
        api.post("/api/v1/routes/" + route.path("id").asText() + "/start", null).expect(200);
      }
    }
    await()
        .pollInterval(Duration.ofMillis(20))
        .until(
            () ->
                api.get("/api/v1/messaging/status").expect(200).body().at("/node/claimed").asInt()
                    == 0);
    sql.update("TRUNCATE receipt, message, attempt, message_tally, idempotency_key");
    api.post("/api/v1/scheduler/start", null).expect(200);
  }

  private boolean ready() throws InterruptedException {
    try {
      if (tls) {
        // Whom to trust is the test's to know; the port opens when every route is there.
        URI url = URI.create(api.url());
        new Socket(url.getHost(), url.getPort()).close();
        return true;
      }
      return HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(URI.create(api.url() + "/ready")).build(),
                  BodyHandlers.discarding())
              .statusCode()
          == 200;
    } catch (IOException notYet) {
      return false;
    }
  }

  @Override
  public void close() {
    stop();
  }

  /** Stops it as a signal does, and waits for the end. */
  public void stop() {
    herald.stop();
    try {
      running.join(Duration.ofSeconds(60).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (running.isAlive()) {
      throw new UncheckedIOException(new IOException("the node did not stop"));
    }
  }
}
