package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Api;
import dev.herald.testing.Balancer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.lang.management.ManagementFactory;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The end of a node, and stopping and starting again and again under load. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ShutdownIT {
  private static final int NODES = 2;
  private static final int ROUTE_STOPS = 20;

  /** 200 requests per second together. */
  private static final int CLIENTS = 8;

  private static final int MILLISECONDS_BETWEEN_REQUESTS = 40;

  private final ExecutorService pool = Executors.newFixedThreadPool(NODES);
  private SampleWebhook webhook;
  private String database;
  private Sql sql;

  @BeforeEach
  void start() {
    webhook = new SampleWebhook();
    database = Local.servers().newDatabase();
    sql = new Sql(database);
  }

  @AfterEach
  void stop() {
    webhook.close();
    pool.shutdownNow();
  }

  private Node.Builder node() {
    return Node.on(database, webhook.url())
        .with("dispatch.concurrency", 4)
        .with("dispatch.batch-size", 20)
        .with("server.grace-period", "20s");
  }

  @Test
  void should_finish_the_posts_under_way_and_give_back_the_rest() {
    webhook.answer(post -> Answer.accepted().after(1_000));
    List<String> ids;
    try (Node node = node().with("dispatch.enabled", false).start()) {
      ids = node.api().createMany(40);
      CompletableFuture<?> byHand =
          CompletableFuture.runAsync(
              () -> node.api().post("/api/v1/messaging/process?batchSize=30", null));
      await().until(() -> webhook.posts().size() == 4);
      assertThat(sql.value("SELECT count(*) FROM message WHERE claim_id IS NOT NULL"))
          .isEqualTo("30");
      node.stop();
      assertThat(webhook.posts()).as("no POST was started after the stop").hasSize(4);
      byHand.orTimeout(30, TimeUnit.SECONDS).exceptionally(stopped -> null).join();
    }
    assertThat(sql.value("SELECT count(*) FROM message WHERE status = 'SENT'")).isEqualTo("4");
    assertGivenBack(36);

    webhook.answer(post -> Answer.accepted());
    try (Node next = node().start()) {
      next.api().post("/api/v1/scheduler/start", null).expect(200);
      awaitSentOnce(next.api(), ids);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void should_give_back_what_a_claim_brings_that_was_under_way_at_the_stop(boolean manual)
      throws Exception {
    try (Node node = node().with("dispatch.enabled", false).start();
        Connection lock = sql.connect();
        Statement statement = lock.createStatement()) {
      Api api = node.api();
      api.createMany(5);
      lock.setAutoCommit(false);
      statement.execute("LOCK TABLE message IN EXCLUSIVE MODE");
      // A tick's claim waits whether delivery is on or not.
      int waiting = manual ? 2 : 1;
      if (manual) {
        CompletableFuture.runAsync(() -> api.post("/api/v1/messaging/process?batchSize=5", null));
      } else {
        api.post("/api/v1/scheduler/start", null).expect(200);
      }
      await().until(() -> claimsThatWait() == waiting);

      CompletableFuture<Void> closing = CompletableFuture.runAsync(node::stop);
      await().during(Duration.ofMillis(500)).until(() -> claimsThatWait() == waiting);
      lock.commit();
      closing.get(60, TimeUnit.SECONDS);
    }
    assertGivenBack(5);
    assertThat(webhook.posts()).isEmpty();
  }

  @Test
  void should_lose_and_double_nothing_when_the_scheduler_is_stopped_and_started_100_times() {
    try (Node node = node().start()) {
      Api api = node.api();
      List<String> ids = api.createMany(2_000);
      for (int i = 0; i < 100; i++) {
        api.post("/api/v1/scheduler/stop", null).expect(200);
        api.post("/api/v1/scheduler/start", null).expect(200);
      }
      awaitSentOnce(api, ids);
    }
  }

  @Test
  void should_lose_and_double_nothing_when_a_route_is_stopped_and_started_again_and_again()
      throws Exception {
    webhook.answer(post -> Answer.accepted().after(10));
    List<Node> nodes = new ArrayList<>();
    try {
      for (int i = 0; i < NODES; i++) {
        nodes.add(node().start());
      }
      Api api = nodes.get(0).api();
      List<String> ids = api.createMany(2_000);
      // A stop takes a second, for so often Camel looks whether what is in flight has finished.
      List<CompletableFuture<Void>> switching =
          nodes.stream()
              .map(
                  node ->
                      CompletableFuture.runAsync(
                          () -> stopAndStart(node, ROUTE_STOPS / NODES), pool))
              .toList();
      for (CompletableFuture<Void> all : switching) {
        all.get(5, TimeUnit.MINUTES);
      }
      awaitSentOnce(api, ids);
      for (Node node : nodes) {
        assertThat(node.api().get("/health").expect(200).text("/status")).isEqualTo("UP");
      }
      String last = api.create("still at work");
      await().until(() -> api.status(last).equals("SENT"));
    } finally {
      nodes.forEach(Node::stop);
    }
  }

  /** The long form has {@code -Drestarts=20}. */
  @Test
  void should_refuse_and_double_nothing_when_nodes_behind_a_balancer_are_restarted_in_turn()
      throws Exception {
    List<Node.Builder> builders = new ArrayList<>();
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < NODES; i++) {
      builders.add(node().with("server.drain-delay", "2s"));
      nodes.add(builders.get(i).start());
    }
    List<String> urls = nodes.stream().map(node -> node.api().url()).toList();
    Queue<String> accepted = new ConcurrentLinkedQueue<>();
    Queue<String> failures = new ConcurrentLinkedQueue<>();
    try (Balancer balancer = new Balancer(urls)) {
      ScheduledExecutorService clients = Executors.newScheduledThreadPool(CLIENTS);
      for (int i = 0; i < CLIENTS; i++) {
        Api api = new Api(balancer.url(), Node.KEY);
        clients.scheduleAtFixedRate(
            () -> {
              try {
                accepted.add(api.create("through the balancer"));
              } catch (RuntimeException | AssertionError e) {
                failures.add(Instant.now() + " " + e);
              }
            },
            0,
            MILLISECONDS_BETWEEN_REQUESTS,
            TimeUnit.MILLISECONDS);
      }
      for (int i = 0; i < NODES * Integer.getInteger("restarts", 1); i++) {
        int one = i % NODES;
        awaitMore(accepted);
        nodes.get(one).stop();
        awaitMore(accepted);
        nodes.set(one, builders.get(one).start());
        await().atMost(Duration.ofSeconds(60)).until(() -> balancer.ready().containsAll(urls));
      }
      clients.shutdown();
      assertThat(clients.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
      assertThat(failures).isEmpty();
      awaitSentOnce(nodes.get(0).api(), List.copyOf(accepted));
      assertThat(sql.value("SELECT count(*) FROM message")).isEqualTo("" + accepted.size());
    } finally {
      nodes.forEach(Node::stop);
    }
  }

  private static void awaitMore(Collection<String> accepted) {
    int before = accepted.size();
    await().atMost(Duration.ofSeconds(60)).until(() -> accepted.size() > before + CLIENTS);
  }

  /** Over the API and over JMX in turn. */
  private static void stopAndStart(Node node, int times) {
    Api api = node.api();
    try {
      MBeanServer jmx = ManagementFactory.getPlatformMBeanServer();
      String context = api.url().replaceAll(".*:", "herald-");
      ObjectName route =
          new ObjectName(
              "org.apache.camel:context=" + context + ",type=routes,name=\"dispatch-tick\"");
      for (int i = 0; i < times; i++) {
        if (i % 2 == 0) {
          api.post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
          jmx.invoke(route, "start", new Object[0], new String[0]);
        } else {
          jmx.invoke(route, "stop", new Object[0], new String[0]);
          api.post("/api/v1/routes/dispatch-tick/start", null).expect(200);
        }
      }
    } catch (JMException e) {
      throw new IllegalStateException(e);
    }
  }

  private long claimsThatWait() {
    return (long)
        sql.number(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%turn AS%'");
  }

  private void assertGivenBack(int count) {
    assertThat(
            sql.value(
                "SELECT count(*) FROM message WHERE status = 'PENDING' AND attempts = 0 AND claim_id IS NULL AND lease_until IS NULL"))
        .isEqualTo("" + count);
    assertThat(sql.value("SELECT count(*) FROM attempt")).isEqualTo("0");
  }

  private void awaitSentOnce(Api api, List<String> ids) {
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(() -> assertThat(api.count("SENT")).isEqualTo(ids.size()));
    assertThat(webhook.posts().stream().map(Post::idempotencyKey))
        .containsExactlyInAnyOrderElementsOf(ids);
    assertThat(sql.value("SELECT count(*) FROM message WHERE claim_id IS NOT NULL")).isEqualTo("0");
  }
}
