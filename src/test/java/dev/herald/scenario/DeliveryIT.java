package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Api;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;

/** From a POST to the webhook, PostgreSQL and Redis, on one node. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class DeliveryIT {
  private static SampleWebhook webhook;
  private static Node node;
  private static Api api;
  private static Sql sql;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    node =
        Node.on(database, webhook.url())
            .with("webhook.auth-header", "X-Provider-Key")
            .with("webhook.auth-value", "a secret of the provider")
            .with("circuit.minimum-calls", 1_000_000)
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @BeforeEach
  void behave() {
    webhook.forget();
    webhook.answer(post -> Answer.accepted());
  }

  @Test
  void should_deliver_a_message_and_say_what_became_of_it() {
    String id =
        api.post(
                "/api/v1/messages",
                Api.message("Hello, \"world\" \n ünïcödé 😀"),
                "X-Correlation-ID",
                "order-1001")
            .expect(201)
            .id();

    JsonNode message = awaitStatus(id, "SENT");

    assertThat(webhook.posts()).hasSize(1);
    Post post = webhook.posts().get(0);
    assertThat(post.to()).isEqualTo("+905551234567");
    assertThat(post.content()).isEqualTo("Hello, \"world\" \n ünïcödé 😀");
    assertThat(post.idempotencyKey()).isEqualTo(id);
    assertThat(post.headers().get("X-Correlation-ID")).isEqualTo("order-1001");
    assertThat(post.headers().get("X-Provider-Key")).isEqualTo("a secret of the provider");
    assertThat(post.headers().get("Content-Type")).isEqualTo("application/json");
    assertThat(post.headers().names()).noneMatch(name -> name.startsWith("Camel"));

    assertThat(message.path("webhookMessageId").asText()).hasSize(36);
    assertThat(message.path("attempts").asInt()).isEqualTo(1);
    assertThat(message.path("failedAttempts")).isEmpty();
    assertThat(Instant.parse(message.path("sentAt").asText()))
        .isBetween(Instant.now().minusSeconds(30), Instant.now());
  }

  @Test
  void should_push_the_result_to_redis() throws Exception {
    String id =
        api.post(
                "/api/v1/messages",
                Map.of(
                    "phoneNumber",
                    "+905551234567",
                    "content",
                    "for redis",
                    "reference",
                    "order-1",
                    "metadata",
                    Map.of("campaign", "spring")))
            .expect(201)
            .id();
    JsonNode message = awaitStatus(id, "SENT");

    try (Jedis redis = new Jedis(Local.servers().redisUrl())) {
      await().until(() -> redis.exists("message:" + id));
      JsonNode value = new ObjectMapper().readTree(redis.get("message:" + id));
      assertThat(value.path("messageId")).isEqualTo(message.path("webhookMessageId"));
      assertThat(value.path("sentAt")).isEqualTo(message.path("sentAt"));
      assertThat(redis.ttl("message:" + id)).isBetween(86_000L, 86_400L);
      assertThat(redis.xrevrange("herald:outcomes", "+", "-", 100))
          .anySatisfy(
              entry ->
                  assertThat(entry.getFields())
                      .containsEntry("id", id)
                      .containsEntry("status", "SENT")
                      .containsEntry("reference", "order-1")
                      .containsEntry("metadata", "{\"campaign\":\"spring\"}")
                      .containsEntry("messageId", message.path("webhookMessageId").asText()));
    }
  }

  @Test
  void should_try_again_what_was_not_sent_at_no_cost_and_keep_the_failed_attempts() {
    AtomicInteger posts = new AtomicInteger();
    webhook.answer(post -> posts.incrementAndGet() < 6 ? Answer.status(503) : Answer.accepted());

    String id = api.create("sixth time lucky, of three");
    JsonNode message = awaitStatus(id, "SENT");

    assertThat(message.path("attempts").asInt()).isEqualTo(1);
    assertThat(message.path("failedAttempts").findValuesAsText("number"))
        .containsExactly("1", "2", "3", "4", "5");
    JsonNode first = message.at("/failedAttempts/0");
    assertThat(first.path("number").asInt()).isEqualTo(1);
    assertThat(first.path("class").asText()).isEqualTo("NOT_SENT");
    assertThat(first.path("httpStatus").asInt()).isEqualTo(503);
    assertThat(first.path("error").asText()).contains("HTTP 503").contains("as told");
    assertThat(message.has("lastError")).isFalse();
    assertThat(webhook.posts()).extracting(Post::idempotencyKey).containsOnly(id).hasSize(6);
    assertThat(failing(id)).as("no longer").isEmpty();
  }

  @Test
  void should_wait_longer_after_each_attempt() {
    webhook.answer(post -> Answer.status(500));
    String id = api.create("slower and slower");
    JsonNode message = awaitStatus(id, "FAILED");
    Instant first = Instant.parse(message.at("/failedAttempts/0/at").asText());
    Instant second = Instant.parse(message.at("/failedAttempts/1/at").asText());
    Instant third = Instant.parse(message.at("/failedAttempts/2/at").asText());
    // 50 ms and 100 ms, give or take half
    assertThat(Duration.between(first, second)).isGreaterThanOrEqualTo(Duration.ofMillis(25));
    assertThat(Duration.between(second, third)).isGreaterThanOrEqualTo(Duration.ofMillis(50));
  }

  @Test
  void should_fail_when_the_attempts_are_used_up_and_send_again_by_hand() {
    webhook.answer(post -> Answer.status(500));
    String id = api.create("never");
    JsonNode failed = awaitStatus(id, "FAILED");
    assertThat(failed.path("attempts").asInt()).isEqualTo(3);
    assertThat(failed.path("lastError").asText()).contains("500");
    String maybeSent = "/api/v1/messages?class=MAYBE_SENT&limit=500";
    assertThat(api.get(maybeSent).expect(200).body().path("items").findValuesAsText("id"))
        .contains(id);
    assertThat(webhook.posts()).hasSize(3);

    AtomicInteger again = new AtomicInteger();
    webhook.answer(post -> again.incrementAndGet() == 1 ? Answer.status(500) : Answer.accepted());
    JsonNode retried = api.post("/api/v1/messages/" + id + "/retry", null).expect(202).body();
    assertThat(retried.path("status").asText()).isEqualTo("PENDING");
    assertThat(retried.path("attempts").asInt()).isZero();
    JsonNode sent = awaitStatus(id, "SENT");
    assertThat(api.get(maybeSent).expect(200).body().path("items").findValuesAsText("id"))
        .doesNotContain(id);
    assertThat(sent.path("attempts").asInt()).as("since the retry").isEqualTo(2);
    assertThat(sent.path("failedAttempts").findValuesAsText("number"))
        .as("in its life")
        .containsExactly("1", "2", "3", "4");
    assertThat(api.post("/api/v1/messages/" + id + "/retry", null).expect(409).text("/detail"))
        .contains("SENT")
        .contains("FAILED or UNKNOWN");
  }

  @Test
  void should_give_up_by_time_what_was_never_sent_and_begin_anew_by_hand() {
    webhook.answer(post -> Answer.status(503));
    String id = api.create("never sent");
    await().until(() -> !failing(id).isEmpty());
    assertThat(
            sql.update(
                "UPDATE message SET failing_since = now() - interval '1 day' WHERE id = ?::uuid",
                id))
        .isEqualTo(1);
    JsonNode failed = awaitStatus(id, "FAILED");
    assertThat(failed.path("attempts").asInt()).isZero();
    assertThat(failed.path("lastError").asText())
        .startsWith("given up after 1d of trying: HTTP 503");

    api.post("/api/v1/messages/" + id + "/retry", null).expect(202);
    await()
        .until(
            () ->
                api.get("/api/v1/messages/" + id).body().path("failedAttempts").size()
                    > failed.path("failedAttempts").size() + 1);
    assertThat(api.status(id)).as("a day of trying is before it").isIn("PENDING", "SENDING");
    webhook.answer(post -> Answer.accepted());
    awaitStatus(id, "SENT");
  }

  @Test
  void should_not_hold_the_time_of_a_wrong_key_against_a_message() {
    String id = api.create("a key of last week");
    awaitStatus(id, "SENT");
    assertThat(
            sql.update(
                "UPDATE message SET status = 'PENDING', attempts = 0, sent_at = NULL, misconfigured = true,"
                    + " failing_since = now() - interval '7 days' WHERE id = ?::uuid",
                id))
        .isEqualTo(1);
    webhook.answer(post -> webhook.posts().size() < 4 ? Answer.status(503) : Answer.accepted());
    JsonNode sent = awaitStatus(id, "SENT");
    assertThat(sent.path("failedAttempts")).isNotEmpty();
  }

  @Test
  void should_show_the_newest_attempts_of_very_many() {
    String id = api.create("tried and tried");
    awaitStatus(id, "SENT");
    sql.update(
        "INSERT INTO attempt (message_id, claim_id, number, at, class, error)"
            + " SELECT ?::uuid, gen_random_uuid(), 1, now() - i * interval '1 min', 'NOT_SENT', 'try ' || i"
            + " FROM generate_series(1, 700) i",
        id);
    JsonNode attempts = api.get("/api/v1/messages/" + id).expect(200).body().path("failedAttempts");
    assertThat(attempts).hasSize(500);
    assertThat(attempts.path(0).path("error").asText()).isEqualTo("try 500");
    assertThat(attempts.path(499).path("error").asText()).isEqualTo("try 1");
  }

  @Test
  void should_not_let_a_failing_message_hold_up_the_others() {
    webhook.answer(
        post -> post.content().startsWith("bad") ? Answer.status(500) : Answer.accepted());
    List<String> bad = List.of(api.create("bad 1"), api.create("bad 2"));
    String good = api.create("good");
    awaitStatus(good, "SENT");
    bad.forEach(id -> awaitStatus(id, "FAILED"));
  }

  @Test
  void should_deliver_at_the_time_asked_for_and_not_before() {
    Instant sendAt = Instant.now().plusMillis(1_500);
    String id =
        api.post(
                "/api/v1/messages",
                Map.of(
                    "phoneNumber",
                    "+905551234567",
                    "content",
                    "later",
                    "sendAt",
                    sendAt.toString()))
            .expect(201)
            .id();
    assertThat(api.status(id)).isEqualTo("PENDING");
    JsonNode sent = awaitStatus(id, "SENT");
    assertThat(Instant.parse(sent.path("sentAt").asText())).isAfter(sendAt);
  }

  /** A lease that runs out, a long transaction: claims begin where the last one ended. */
  @Test
  void should_find_what_comes_to_be_due_before_what_was_claimed_already() {
    awaitStatus(api.create("due now"), "SENT");
    String id =
        sql.value(
            "INSERT INTO message (id, phone_number, content, max_attempts, next_attempt_at)"
                + " VALUES (gen_random_uuid(), '+905551234567', 'due an hour ago', 3, now() - interval '1 hour')"
                + " RETURNING id");
    awaitStatus(id, "SENT");
  }

  @Test
  void should_not_sign_without_a_secret() {
    awaitStatus(api.create("plain"), "SENT");
    assertThat(webhook.posts().get(0).headers().names())
        .noneMatch(name -> name.startsWith("webhook-"));
  }

  @Test
  void should_write_nothing_for_a_rate_without_a_limit() {
    List<String> ids = api.createMany(100);
    ids.forEach(id -> awaitStatus(id, "SENT"));
    assertThat(sql.number("SELECT count(*) FROM delivery_rate WHERE tokens <> 0")).isZero();
    assertThat(
            sql.number(
                "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = ?", "delivery_rate"))
        .isZero();
  }

  private static String failing(String id) {
    return sql.value(
        "SELECT concat_ws(' ', failing_since, misconfigured) FROM message WHERE id = ?::uuid", id);
  }

  static JsonNode awaitStatus(String id, String status) {
    await()
        .atMost(Duration.ofSeconds(30))
        .pollInterval(Duration.ofMillis(20))
        .untilAsserted(() -> assertThat(api.status(id)).isEqualTo(status));
    return api.get("/api/v1/messages/" + id).expect(200).body();
  }
}
