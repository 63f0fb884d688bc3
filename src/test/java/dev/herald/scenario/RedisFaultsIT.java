package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.LocalServers;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.RawProvider;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.embedded.RedisServer;

/**
 * Redis in every bad state: deliveries go on, nothing waits, what Redis missed is counted, and it
 * is used again when it is back. Each test finds no Redis and leaves none.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RedisFaultsIT {
  private static final int PORT = LocalServers.freePort();
  private static final int MESSAGES = 50;

  private static SampleWebhook webhook;
  private static Node node;
  private static Api api;
  private RedisServer redis;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    node =
        Node.on(Local.servers().newDatabase(), webhook.url())
            .with("redis.url", url(PORT))
            .with("redis.timeout", "300ms")
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @AfterEach
  void stopRedis() throws IOException {
    if (redis != null) {
      redis.stop();
      awaitRedis("DEGRADED");
    }
  }

  @Test
  void should_deliver_without_redis_and_use_it_when_it_comes() throws IOException {
    awaitRedis("DEGRADED");
    deliverWhileAway();
    startRedis(PORT);
    awaitRedis("UP");
    assertUsed(PORT);
  }

  @Test
  void should_go_on_when_redis_stops_and_starts_again() throws IOException {
    startRedis(PORT);
    awaitRedis("UP");
    try (CapturedLog log = new CapturedLog()) {
      redis.stop();
      deliverWhileAway();
      redis.start();
      awaitRedis("UP");
      assertThat(log.lines())
          .satisfiesExactly(
              line -> assertThat(line).contains("WARN", "Redis is away, and delivery continues"),
              line ->
                  assertThat(line)
                      .containsPattern(
                          "INFO .*Redis is back after .*s; 50 outcomes were not pushed"));
    }
    assertUsed(PORT);
  }

  @Test
  void should_go_on_when_redis_is_frozen() throws Exception {
    startRedis(PORT);
    awaitRedis("UP");
    String pid = processId();
    signal("STOP", pid);
    try {
      deliverWhileAway();
    } finally {
      signal("CONT", pid);
    }
    awaitRedis("UP");
    assertUsed(PORT);
  }

  @Test
  void should_go_on_when_what_listens_never_answers() throws IOException {
    try (RawProvider silent = listening(RawProvider.Connection::hang)) {
      deliverWhileAway();
      await().until(() -> silent.connections() > 0);
      deliverWhileAway();
    }
    startRedis(PORT);
    awaitRedis("UP");
    assertUsed(PORT);
  }

  @Test
  void should_go_on_when_what_listens_is_not_redis() throws IOException {
    AtomicReference<String> answer = new AtomicReference<>();
    try (RawProvider other =
        listening(
            connection -> {
              connection.readOne();
              connection.write(answer.get()).hang();
            })) {
      for (String text : List.of(":1\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "$-1\r\n")) {
        answer.set(text);
        int before = other.connections();
        await().until(() -> other.connections() > before);
        deliverWhileAway();
      }
    }
    startRedis(PORT);
    awaitRedis("UP");
    assertUsed(PORT);
  }

  @Test
  void should_count_what_redis_refuses_to_take() throws IOException {
    startRedis(PORT);
    awaitRedis("UP");
    try (Jedis admin = new Jedis(url(PORT))) {
      admin.configSet("maxmemory", "1");
      deliverWhileAway();
      admin.configSet("maxmemory", "0");
    }
    assertUsed(PORT);
    awaitRedis("UP");
  }

  /** Its queue holds 32 batches; each message here is a batch of its own. */
  @Test
  void should_drop_and_count_what_does_not_fit_while_the_route_is_stopped() throws IOException {
    startRedis(PORT);
    awaitRedis("UP");
    double dropped = node.metric("herald_redis_dropped_total");
    api.post("/api/v1/routes/push-outcomes/stop", null).expect(200);
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      String id = api.create("queued " + i);
      await().until(() -> api.status(id).equals("SENT"));
      ids.add(id);
    }
    await()
        .untilAsserted(
            () -> assertThat(node.metric("herald_redis_dropped_total")).isEqualTo(dropped + 8));
    api.post("/api/v1/routes/push-outcomes/start", null).expect(200);
    try (Jedis direct = new Jedis(url(PORT))) {
      await()
          .untilAsserted(
              () ->
                  assertThat(ids.stream().filter(id -> direct.exists("message:" + id)))
                      .containsExactlyElementsOf(ids.subList(0, 32)));
    }
  }

  @Test
  void should_go_on_when_redis_is_slow() throws IOException {
    int behind = LocalServers.freePort();
    startRedis(behind);
    try (TcpProxy slow = new TcpProxy(behind);
        Node other =
            Node.on(Local.servers().newDatabase(), webhook.url())
                .with("redis.url", url(slow.port()))
                .with("redis.timeout", "5s")
                .start()) {
      slow.delay(1_000);
      // One push a second, while deliveries are recorded in many small batches.
      for (int i = 0; i < 60; i++) {
        other.api().create("slow " + i);
      }
      awaitSent(other, 60);
      other.api().get("/ready").expect(200);
      slow.restore();
      try (Jedis direct = new Jedis(url(behind))) {
        await()
            .atMost(Duration.ofSeconds(30))
            .untilAsserted(
                () ->
                    assertThat(direct.dbSize() - 1 + other.metric("herald_redis_dropped_total"))
                        .as("keys, the stream left out, and drops")
                        .isEqualTo(60));
      }
    }
    redis.stop();
    redis = null;
  }

  private void deliverWhileAway() {
    double dropped = node.metric("herald_redis_dropped_total");
    long sent = api.count("SENT");
    api.createMany(MESSAGES);
    awaitSent(node, sent + MESSAGES);
    api.get("/ready").expect(200);
    awaitRedis("DEGRADED");
    assertThat(api.get("/health").expect(200).text("/status")).isEqualTo("DEGRADED");
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(node.metric("herald_redis_dropped_total"))
                    .isEqualTo(dropped + MESSAGES));
  }

  private static void assertUsed(int port) {
    String id = api.create("with redis");
    try (Jedis direct = new Jedis(url(port))) {
      await().until(() -> direct.exists("message:" + id));
    }
  }

  private static void awaitSent(Node on, long count) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(on.api().count("SENT")).isEqualTo(count));
  }

  private static void awaitRedis(String state) {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(api.get("/health").expect(200).text("/checks/redis/status"))
                    .isEqualTo(state));
  }

  private void startRedis(int port) throws IOException {
    redis = RedisServer.newRedisServer().port(port).bind("127.0.0.1").setting("save \"\"").build();
    redis.start();
    await()
        .ignoreException(JedisConnectionException.class)
        .until(
            () -> {
              try (Jedis direct = new Jedis(url(port))) {
                return direct.ping().equals("PONG");
              }
            });
  }

  private static RawProvider listening(RawProvider.Behaviour behaviour) throws IOException {
    ServerSocket server = new ServerSocket();
    server.setReuseAddress(true);
    server.bind(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), PORT));
    return new RawProvider(server, behaviour);
  }

  /** Of the Redis that this test started, as Redis itself says. */
  private static String processId() {
    try (Jedis direct = new Jedis(url(PORT))) {
      return direct
          .info("server")
          .lines()
          .filter(line -> line.startsWith("process_id:"))
          .findFirst()
          .orElseThrow()
          .substring("process_id:".length());
    }
  }

  private static void signal(String name, String pid) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + name, pid).start();
    assertThat(kill.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(kill.exitValue()).isZero();
  }

  private static URI url(int port) {
    return URI.create("redis://127.0.0.1:" + port + "/0");
  }
}
