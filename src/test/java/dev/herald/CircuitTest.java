package dev.herald;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.LocalServers;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Api;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** A provider that is down, and comes back. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class CircuitTest {
  private static final int MESSAGES = 200;
  private static final int PORT = LocalServers.freePort();

  private Node.Builder builder;
  private Node node;
  private Api api;
  private Sql sql;

  @BeforeEach
  void start() {
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    builder =
        Node.on(database, "http://127.0.0.1:" + PORT + "/webhook")
            .with("webhook.timeout", "700ms")
            .with("webhook.connect-timeout", "500ms")
            .with("dispatch.lease", "10s")
            .with("dispatch.batch-size", 20)
            .with("dispatch.concurrency", 5)
            .with("circuit.window", 10)
            .with("circuit.open-for", "600ms");
    node = builder.start();
    api = node.api();
  }

  @AfterEach
  void stop() {
    node.close();
  }

  @Test
  void should_stop_claiming_while_nothing_listens_and_go_on_by_itself() {
    api.createMany(MESSAGES);
    awaitOpen();
    assertThat(api.get("/health").expect(200).text("/status")).isEqualTo("DEGRADED");
    assertThat(api.get("/health").text("/checks/webhook/detail")).contains("circuit is open");
    api.get("/ready").expect(200);
    await()
        .untilAsserted(
            () ->
                assertThat(sql.value("SELECT count(*) FROM message WHERE claim_id IS NOT NULL"))
                    .as("what was claimed ahead is given back")
                    .isEqualTo("0"));

    // Some probes long.
    double tried = sql.number("SELECT count(*) FROM attempt");
    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> sql.number("SELECT count(*) FROM attempt") >= tried + 2);
    assertThat(sql.value("SELECT count(*) FROM message WHERE status <> 'PENDING'"))
        .as("an outage fails no message")
        .isEqualTo("0");
    assertThat(sql.number("SELECT sum(attempts) FROM message"))
        .as("attempts that count: only those before the circuit opened")
        .isLessThanOrEqualTo(30);

    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      awaitSent();
      assertThat(circuit()).isEqualTo("CLOSED");
      assertThat(api.get("/health").expect(200).text("/status")).isEqualTo("UP");
      List<String> posted = webhook.posts().stream().map(Post::idempotencyKey).toList();
      assertThat(posted).hasSize(MESSAGES);
      assertThat(new HashSet<>(posted)).hasSize(MESSAGES);
    }
  }

  @Test
  void should_give_back_what_was_claimed_ahead_when_it_opens() {
    node.close();
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.status(503));
      node =
          builder
              .with("dispatch.enabled", false)
              .with("dispatch.interval", "1h")
              .with("dispatch.batch-size", 50)
              .with("dispatch.concurrency", 1)
              .start();
      api = node.api();
      api.post("/api/v1/scheduler/stop", null).expect(200);
      api.createMany(50);
      api.post("/api/v1/scheduler/start", null).expect(200);
      await().until(() -> !webhook.posts().isEmpty() && nothingInFlight());
      // Half of the window is enough to open it, and only one POST is under way at a time.
      assertThat(webhook.posts()).hasSize(5);
      assertThat(sql.value("SELECT sum(attempts) FROM message")).isEqualTo("5");
      assertThat(
              sql.value(
                  "SELECT count(*) FROM message WHERE status = 'PENDING' AND attempts = 0 AND claim_id IS NULL"))
          .isEqualTo("45");
    }
  }

  @Test
  void should_test_a_provider_that_fails_with_one_message_at_a_time() {
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.status(503));
      api.createMany(MESSAGES);
      awaitOpen();
      await().until(this::nothingInFlight);
      String counted = sql.value("SELECT sum(attempts) FROM message");
      webhook.forget();
      await().atMost(Duration.ofSeconds(20)).until(() -> webhook.posts().size() >= 3);
      assertThat(webhook.posts())
          .as("single messages while the circuit is not closed")
          .hasSizeBetween(3, 4);
      await()
          .untilAsserted(
              () ->
                  assertThat(sql.value("SELECT sum(attempts) FROM message"))
                      .as("a probe costs no attempt")
                      .isEqualTo(counted));

      webhook.answer(post -> Answer.accepted());
      awaitSent();
    }
  }

  @Test
  void should_not_burn_the_backlog_on_a_wrong_key() {
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.status(401));
      api.createMany(MESSAGES);
      awaitOpen();
      await().until(this::nothingInFlight);
      assertThat(sql.value("SELECT sum(attempts) FROM message")).isEqualTo("0");
      assertThat(webhook.posts()).hasSizeLessThan(MESSAGES / 2);
      webhook.answer(post -> Answer.accepted());
      awaitSent();
    }
  }

  @Test
  void should_not_open_for_what_says_nothing_about_the_provider() {
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.status(400));
      api.createMany(MESSAGES);
      await().untilAsserted(() -> assertThat(api.count("FAILED")).isEqualTo(MESSAGES));
      assertThat(circuit()).isEqualTo("CLOSED");
    }
  }

  private boolean nothingInFlight() {
    return api.get("/api/v1/messaging/status").expect(200).body().at("/node/claimed").asInt() == 0;
  }

  private void awaitOpen() {
    await()
        .pollInterval(Duration.ofMillis(20))
        .untilAsserted(() -> assertThat(circuit()).isEqualTo("OPEN"));
  }

  private void awaitSent() {
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(() -> assertThat(api.count("SENT")).isEqualTo(MESSAGES));
  }

  private String circuit() {
    return api.get("/api/v1/messaging/status").expect(200).text("/node/circuit");
  }
}
