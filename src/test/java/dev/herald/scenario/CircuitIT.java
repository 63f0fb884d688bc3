package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.LocalServers;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** A provider that is down, and comes back. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class CircuitIT {
  private static final int MESSAGES = 200;
  private static final int PORT = LocalServers.freePort();

  private Node.Builder builder;
  private Node node;
  private Api api;
  private Sql sql;

  @BeforeEach
  void describe() {
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    builder =
        Node.on(database, "http://127.0.0.1:" + PORT + "/webhook")
            .with("webhook.timeout", "700ms")
            .with("webhook.connect-timeout", "500ms")
            .with("dispatch.lease", "10s")
            .with("dispatch.batch-size", 20)
            .with("dispatch.concurrency", 5)
            .with("circuit.minimum-calls", 5)
            .with("circuit.open-for", "600ms");
  }

  private void start(Node.Builder described) {
    node = described.start();
    api = node.api();
  }

  @AfterEach
  void stop() {
    node.close();
  }

  @Test
  void should_stop_claiming_while_nothing_listens_and_lose_nothing() {
    start(builder);
    api.createMany(MESSAGES);
    awaitOpen();
    assertThat(api.get("/health").expect(200).text("/status")).isEqualTo("DEGRADED");
    assertThat(api.get("/health").text("/checks/webhook/detail"))
        .contains("circuit is open since", "POSTs", "failed, the last:");
    JsonNode status = api.get("/api/v1/messaging/status").expect(200).body().path("node");
    assertThat(status.path("circuitReason").asText()).contains("failed, the last:");
    assertThat(Instant.parse(status.path("circuitSince").asText())).isBefore(Instant.now());
    api.get("/ready").expect(200);
    await()
        .untilAsserted(
            () ->
                assertThat(sql.value("SELECT count(*) FROM message WHERE claim_id IS NOT NULL"))
                    .as("what was claimed ahead is given back")
                    .isEqualTo("0"));

    // Some rounds of probes long.
    double tried = sql.number("SELECT count(*) FROM attempt");
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> sql.number("SELECT count(*) FROM attempt") >= tried + 9);
    assertThat(sql.value("SELECT count(*) FROM message WHERE status <> 'PENDING'"))
        .as("an outage fails no message")
        .isEqualTo("0");
    assertThat(
            sql.number(
                "SELECT sum(attempts) - count(*) FILTER (WHERE claim_id IS NOT NULL) FROM message"))
        .as("what was not sent costs no attempt")
        .isZero();
    assertThat(sql.number("SELECT count(DISTINCT message_id) FROM attempt"))
        .as("different messages test the provider")
        .isGreaterThan(10);

    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      awaitSent(MESSAGES);
      assertThat(circuit()).isEqualTo("CLOSED");
      assertThat(api.get("/health").expect(200).text("/status")).isEqualTo("UP");
      assertThat(api.get("/api/v1/messaging/status").body().path("node").has("circuitReason"))
          .isFalse();
      List<String> posted = webhook.posts().stream().map(Post::idempotencyKey).toList();
      assertThat(posted).hasSize(MESSAGES);
      assertThat(new HashSet<>(posted)).hasSize(MESSAGES);
      assertThat(sql.value("SELECT count(*) FROM message WHERE failing_since IS NOT NULL"))
          .isEqualTo("0");
    }
  }

  @Test
  void should_give_back_what_was_claimed_ahead_when_it_opens() {
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.status(503));
      start(
          builder
              .with("dispatch.enabled", false)
              .with("dispatch.interval", "1h")
              .with("dispatch.batch-size", 50)
              .with("dispatch.concurrency", 1));
      api.createMany(50);
      api.post("/api/v1/scheduler/start", null).expect(200);
      await().until(() -> !webhook.posts().isEmpty() && nothingInFlight());
      // circuit.minimum-calls failures in a row open it, and only one POST is under way at a time.
      assertThat(webhook.posts()).hasSize(5);
      assertThat(sql.value("SELECT sum(attempts) FROM message")).isEqualTo("0");
      assertThat(sql.value("SELECT count(*) FROM attempt")).isEqualTo("5");
      assertThat(sql.value("SELECT count(*) FROM message WHERE claim_id IS NULL")).isEqualTo("50");
    }
  }

  @Test
  void should_test_a_provider_that_fails_with_a_few_messages_at_a_time() {
    start(builder);
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.status(503));
      api.createMany(MESSAGES);
      awaitOpen();
      await().until(this::nothingInFlight);
      webhook.forget();
      await().atMost(Duration.ofSeconds(20)).until(() -> webhook.posts().size() >= 9);
      assertThat(webhook.posts()).as("three at a time").hasSizeLessThanOrEqualTo(15);
      webhook.answer(post -> Answer.accepted());
      awaitSent(MESSAGES);
    }
  }

  @Test
  void should_not_burn_the_backlog_on_a_wrong_key() {
    start(builder);
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.status(401));
      api.createMany(MESSAGES);
      awaitOpen();
      await().until(this::nothingInFlight);
      assertThat(sql.value("SELECT sum(attempts) FROM message")).isEqualTo("0");
      assertThat(api.get("/health").text("/checks/webhook/detail")).contains("the last: HTTP 401");
      webhook.answer(post -> Answer.accepted());
      awaitSent(MESSAGES);
    }
  }

  @Test
  void should_not_open_for_what_says_nothing_about_the_provider() {
    start(builder);
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.status(400));
      api.createMany(MESSAGES);
      await().untilAsserted(() -> assertThat(api.count("FAILED")).isEqualTo(MESSAGES));
      assertThat(circuit()).isEqualTo("CLOSED");
    }
  }

  @Test
  void should_fail_messages_that_only_get_404_and_deliver_the_others() {
    start(builder);
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(
          post -> post.content().startsWith("nobody") ? Answer.status(404) : Answer.accepted());
      createMany("nobody", 100);
      createMany("good", 30);
      awaitSent(30);
      await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(() -> assertThat(api.count("FAILED")).isEqualTo(100));
      assertThat(sql.value("SELECT min(attempts) FROM message WHERE status = 'FAILED'"))
          .isEqualTo("3");
      assertThat(circuit()).isEqualTo("CLOSED");
    }
  }

  @Test
  void should_not_open_for_five_bad_messages_among_good_ones() {
    try (CapturedLog log = new CapturedLog();
        SampleWebhook webhook = new SampleWebhook(PORT)) {
      start(builder.with("circuit.minimum-calls", 20));
      webhook.answer(
          post -> post.content().startsWith("bad") ? Answer.status(500) : Answer.accepted());
      createMany("bad", 5);
      createMany("good", 30);
      awaitSent(30);
      await().untilAsserted(() -> assertThat(api.count("FAILED")).isEqualTo(5));
      assertThat(log.lines()).noneMatch(line -> line.contains("circuit is open"));
    }
  }

  @Test
  void should_post_nothing_more_often_than_its_attempts_however_the_provider_misbehaves() {
    start(builder);
    try (SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.accepted().after(1_000));
      List<String> ids = api.createMany(8);
      await()
          .atMost(Duration.ofSeconds(90))
          .untilAsserted(() -> assertThat(api.count("FAILED")).isEqualTo(8));
      for (String id : ids) {
        assertThat(webhook.posts().stream().map(Post::idempotencyKey).filter(id::equals))
            .as("probes count")
            .hasSize(3);
      }
    }
  }

  @Test
  void should_pause_for_a_provider_that_says_slower_and_go_on_by_itself() {
    start(builder);
    try (CapturedLog log = new CapturedLog();
        SampleWebhook webhook = new SampleWebhook(PORT)) {
      webhook.answer(post -> Answer.status(429).withRetryAfter("1"));
      api.createMany(50);
      await()
          .untilAsserted(
              () ->
                  assertThat(log.lines())
                      .anyMatch(
                          line ->
                              line.contains(
                                  "the webhook asks for fewer messages, the last: HTTP 429")));
      assertThat(log.lines()).noneMatch(line -> line.contains("circuit is open"));
      webhook.answer(post -> Answer.accepted());
      awaitSent(50);
      assertThat(
              sql.number(
                  """
                  SELECT count(*) FROM message m
                  WHERE attempts > 1 + (
                      SELECT count(*) FROM attempt a WHERE a.message_id = m.id AND a.class = 'MAYBE_SENT')
                  """))
          .as("messages whose attempts a 429 used up")
          .isZero();
    }
  }

  private void createMany(String content, int count) {
    List<Map<String, Object>> messages =
        IntStream.range(0, count).mapToObj(i -> Api.message(content + " " + i)).toList();
    api.post("/api/v1/messages/batch", messages).expect(201);
  }

  private boolean nothingInFlight() {
    return api.get("/api/v1/messaging/status").expect(200).body().at("/node/claimed").asInt() == 0;
  }

  private void awaitOpen() {
    await()
        .pollInterval(Duration.ofMillis(20))
        .untilAsserted(() -> assertThat(circuit()).isIn("OPEN", "HALF_OPEN"));
  }

  private void awaitSent(int count) {
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(() -> assertThat(api.count("SENT")).isEqualTo(count));
  }

  private String circuit() {
    return api.get("/api/v1/messaging/status").expect(200).text("/node/circuit");
  }
}
