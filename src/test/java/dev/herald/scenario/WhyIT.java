package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/**
 * Why a message has not gone, on two nodes, and many retried or cancelled at once. When {@code why}
 * is empty is a matter of {@code ClaimPlanIT}.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class WhyIT {
  private static SampleWebhook webhook;
  private static Node node;
  private static Node paced;
  private static Api api;
  private static Sql sql;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    node =
        Node.on(database, webhook.url())
            .with("node.name", "one")
            .with("api.key", "ops:" + Node.KEY)
            .with("dispatch.batch-size", 2)
            .with("dispatch.concurrency", 2)
            .with("circuit.minimum-calls", 2)
            .with("circuit.open-for", "1s")
            .start();
    paced =
        Node.on(database, webhook.url())
            .with("node.name", "two")
            .with("dispatch.interval", "1h")
            .with("webhook.rate-limit", 1)
            .start();
    // It only answers.
    paced.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
    api = node.api();
  }

  @AfterAll
  static void stop() {
    paced.close();
    node.close();
    webhook.close();
  }

  @AfterEach
  void tidyUp() {
    webhook.answer(post -> Answer.accepted());
    await()
        .until(
            () -> {
              api.post("/api/v1/messaging/process", null);
              return api.get("/api/v1/messaging/status").text("/node/circuit").equals("CLOSED");
            });
    node.reset(sql);
    webhook.forget();
  }

  @Test
  void should_name_who_stopped_delivery_and_why() {
    off("provider maintenance");
    String id = api.create("a message");
    JsonNode blocker = only(why(id), "SCHEDULER_STOPPED");
    assertThat(blocker.path("detail").asText()).endsWith(": provider maintenance");
    assertThat(blocker.path("by").asText()).isEqualTo("ops");
    assertThat(Instant.parse(blocker.path("since").asText())).isBefore(Instant.now());
    assertThat(blocker.path("action").asText()).contains("/api/v1/scheduler/start");
  }

  @Test
  void should_say_until_when_a_message_waits_for_its_time() {
    off("a test");
    String later = api.post("/api/v1/messages", at("2130-01-01T09:00:00Z")).expect(201).id();
    JsonNode blockers = why(later);
    assertThat(codes(blockers)).containsExactly("NOT_DUE", "SCHEDULER_STOPPED");
    assertThat(blockers.at("/0/until").asText()).isEqualTo("2130-01-01T09:00:00Z");
    String failed = api.create("failed once");
    sql.update(
        "UPDATE message SET next_attempt_at = now() + interval '1 min', last_error = 'HTTP 503' WHERE id = ?::uuid",
        failed);
    assertThat(why(failed).at("/0/detail").asText())
        .startsWith("Its last attempt failed: HTTP 503. The next is at ");
  }

  @Test
  void should_count_those_ahead() {
    off("a test");
    List<String> ids = api.createMany(6);
    String first = sql.value("SELECT id FROM message ORDER BY next_attempt_at, id LIMIT 1");
    assertThat(codes(why(first))).containsExactly("SCHEDULER_STOPPED");
    String last =
        sql.value("SELECT id FROM message ORDER BY next_attempt_at DESC, id DESC LIMIT 1");
    JsonNode queued = why(last).path(1);
    assertThat(queued.path("code").asText()).isEqualTo("QUEUED");
    assertThat(queued.path("detail").asText())
        .isEqualTo("5 messages are due before it, and the next claim takes up to 2");
    assertThat(ids).hasSize(6);
  }

  @Test
  void should_show_the_first_code_in_lists_when_asked() {
    off("a test");
    api.createMany(3);
    String sent = api.create("sent");
    sql.update("UPDATE message SET status = 'SENT', sent_at = now() WHERE id = ?::uuid", sent);
    JsonNode items = api.get("/api/v1/messages?why=true&limit=3").expect(200).body().path("items");
    assertThat(items).hasSize(3);
    assertThat(items.path(0).path("why").asText()).isEqualTo("ENDED");
    assertThat(items.path(0).path("content").asText()).isEqualTo("sent");
    assertThat(items.path(1).path("why").asText()).isEqualTo("SCHEDULER_STOPPED");
    assertThat(api.get("/api/v1/messages").expect(200).body().at("/items/0").has("why")).isFalse();
    assertThat(api.get("/api/v1/messages?why=true&phoneNumber=%2B4930123456").expect(200).body())
        .hasToString("{\"items\":[]}");
    api.get("/api/v1/messages?why=perhaps").expect(400);
  }

  @Test
  void should_show_what_only_the_node_that_answers_knows() {
    api.post("/api/v1/routes/deliver-message/stop", null).expect(200);
    String id = api.create("a message");
    JsonNode blocker = only(why(id), "ROUTE_STOPPED");
    assertThat(blocker.path("detail").asText())
        .isEqualTo("Route deliver-message is stopped on node one, which claims nothing meanwhile");
    assertThat(blocker.path("by").asText()).isEqualTo("ops");
    assertThat(blocker.path("since").isMissingNode()).isFalse();
    assertThat(blocker.path("action").asText()).contains("/routes/deliver-message/start");
    JsonNode other = why(paced, id);
    assertThat(other.at("/0/detail").asText()).contains("dispatch-tick").contains("node two");
  }

  @Test
  void should_tell_turns_and_rates_of_a_paced_node() {
    api.post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
    String id = api.create("a message");
    sql.update("UPDATE scheduler SET next_batch_at = now() + interval '30 min'");
    sql.update("UPDATE delivery_rate SET tokens = 1, at = now()");
    JsonNode blockers = why(paced, id);
    assertThat(codes(blockers)).containsExactly("ROUTE_STOPPED", "WAITING_TURN");
    assertThat(Instant.parse(blockers.at("/1/until").asText()))
        .isAfter(Instant.now().plus(Duration.ofMinutes(29)));
    sql.update("UPDATE delivery_rate SET tokens = -99, at = now()");
    blockers = why(paced, id);
    assertThat(codes(blockers)).containsExactly("ROUTE_STOPPED", "RATE_LIMITED");
    assertThat(Instant.parse(blockers.at("/1/until").asText()))
        .isAfter(Instant.now().plusSeconds(60));
    assertThat(codes(why(id))).as("of the node without pace").containsExactly("ROUTE_STOPPED");
  }

  @Test
  void should_say_that_a_message_is_being_sent_and_that_a_node_is_full() {
    webhook.answer(post -> Answer.accepted().after(2_000));
    List<String> ids = api.createMany(6);
    await().until(() -> webhook.posts().size() == 2);
    String sending = webhook.posts().get(0).idempotencyKey();
    JsonNode blocker = only(why(sending), "SENDING");
    assertThat(blocker.path("until").isMissingNode()).isFalse();
    String waiting =
        sql.value("SELECT id FROM message WHERE claim_id IS NULL ORDER BY next_attempt_at DESC");
    assertThat(ids).contains(waiting);
    assertThat(codes(why(waiting))).contains("NO_ROOM");
    assertThat(why(waiting).at("/0/detail").asText()).startsWith("Node one is busy with ");
  }

  @Test
  void should_say_that_the_webhook_is_down() {
    webhook.answer(post -> Answer.status(503));
    api.createMany(4);
    await()
        .until(() -> !api.get("/api/v1/messaging/status").text("/node/circuit").equals("CLOSED"));
    off("so that it stays");
    String id = api.create("a message");
    JsonNode blockers = why(id);
    assertThat(codes(blockers)).contains("SCHEDULER_STOPPED", "CIRCUIT_OPEN");
    assertThat(blockers.at("/1/detail").asText()).startsWith("Node one ").contains("HTTP 503");
    assertThat(codes(why(paced, id))).doesNotContain("CIRCUIT_OPEN");
  }

  @Test
  void should_say_how_a_message_ended_and_what_to_do() {
    String sent = api.create("a message");
    await().until(() -> api.status(sent).equals("SENT"));
    assertThat(only(why(sent), "ENDED").path("detail").asText())
        .startsWith("The provider accepted it at ")
        .endsWith("; no receipt has come");
    api.post("/api/v1/receipts", Map.of("id", sent, "status", "UNDELIVERED", "code", "30003"))
        .expect(202);
    assertThat(why(sent).at("/0/detail").asText())
        .contains("says that it did not arrive with code 30003, at ");

    webhook.answer(post -> Answer.status(422));
    String failed = api.create("refused");
    await().until(() -> api.status(failed).equals("FAILED"));
    JsonNode blocker = only(why(failed), "ENDED");
    assertThat(blocker.path("detail").asText())
        .startsWith("It failed: ")
        .contains("422")
        .endsWith("(REFUSED: the provider will not accept this message)");
    assertThat(blocker.path("action").asText()).contains("/" + failed + "/retry");

    off("a test");
    String cancelled = api.create("cancelled");
    api.delete("/api/v1/messages/" + cancelled).expect(204);
    assertThat(only(why(cancelled), "ENDED").path("by").asText()).isEqualTo("ops");
    String over = api.create("over");
    sql.update("UPDATE message SET expires_at = now() - interval '1 s' WHERE id = ?::uuid", over);
    only(why(over), "ENDED");
    api.get("/api/v1/messages/01890a5d-ac96-774b-bcce-b302099a8057/why").expect(404);
    api.get("/api/v1/messages/x/why").expect(400);
  }

  @Test
  void should_retry_by_filter_the_oldest_first_and_never_the_same_ones_for_ever() {
    off("a test");
    failed(1_200);
    sql.update(
        "UPDATE message SET last_error = 'HTTP 422: no such number' WHERE id IN (SELECT id FROM message ORDER BY id LIMIT 100)");
    Map<String, Object> filter = Map.of("error", "http 503", "limit", 700, "reason", "it is back");
    assertThat(retry(with(filter, "dryRun", true)))
        .hasToString("{\"matched\":700,\"changed\":0,\"dryRun\":true}");
    assertThat(api.count("FAILED")).isEqualTo(1_200);
    try (CapturedLog log = new CapturedLog()) {
      assertThat(retry(filter)).hasToString("{\"matched\":700,\"changed\":700,\"dryRun\":false}");
      assertThat(log.lines())
          .anyMatch(
              line ->
                  line.contains(
                      ") sends 700 of 700 messages again that matched {status=FAILED, error=http 503... (8 characters), limit=700}: it is back"));
    }
    assertThat(api.count("PENDING")).as("the tally").isEqualTo(700);
    assertThat(
            sql.number(
                "SELECT count(*) FROM message WHERE status = 'PENDING' AND status_at = updated_at AND changed_by = 'ops' AND attempts = 0"))
        .isEqualTo(700);
    // They fail again: the others come first now.
    sql.update(
        "UPDATE message SET status = 'FAILED', status_at = now(), updated_at = now() WHERE status = 'PENDING'");
    assertThat(retry(with(filter, "limit", 400)).path("changed").asInt()).isEqualTo(400);
    assertThat(
            sql.number(
                "SELECT count(*) FROM message WHERE status = 'PENDING' AND id IN (SELECT id FROM message ORDER BY id LIMIT 800)"))
        .as("those of the first call")
        .isZero();
    assertThat(retry(Map.of("error", "nothing has this")).path("matched").asInt()).isZero();
  }

  @Test
  void should_retry_unknown_ones_only_when_they_are_named() {
    off("a test");
    failed(3);
    sql.update(
        "UPDATE message SET status = 'UNKNOWN' WHERE id = (SELECT min(id::text)::uuid FROM message)");
    sql.update(
        "UPDATE message SET expires_at = now() - interval '1 s' WHERE id = (SELECT max(id::text)::uuid FROM message)");
    assertThat(retry(Map.of())).hasToString("{\"matched\":1,\"changed\":1,\"dryRun\":false}");
    assertThat(retry(Map.of("status", "UNKNOWN")).path("changed").asInt()).isEqualTo(1);
    assertThat(sql.value("SELECT count(*) FROM message WHERE status = 'FAILED'"))
        .as("it expired")
        .isEqualTo("1");
  }

  @Test
  void should_cancel_by_filter_what_no_node_has_taken() {
    off("a test");
    List<String> ids = api.createMany(600);
    sql.update(
        "UPDATE message SET claim_id = gen_random_uuid(), lease_until = now() + interval '1 min' WHERE id = ?::uuid",
        ids.get(0));
    Api.Answer refused = api.post("/api/v1/messages/actions/cancel", Map.of()).expect(422);
    assertThat(refused.text("/detail")).contains("say PENDING");
    assertThat(cancel(Map.of("phoneNumber", "+905550000003")).path("changed").asInt()).isEqualTo(1);
    assertThat(cancel(Map.of("status", "PENDING", "dryRun", true)).path("matched").asInt())
        .isEqualTo(598);
    assertThat(cancel(Map.of("status", "PENDING")))
        .hasToString("{\"matched\":598,\"changed\":598,\"dryRun\":false}");
    assertThat(api.count("CANCELLED")).isEqualTo(599);
    assertThat(api.status(ids.get(0))).isEqualTo("SENDING");
    sql.update("UPDATE message SET claim_id = NULL, lease_until = NULL WHERE status = 'PENDING'");
  }

  @Test
  void should_wait_for_no_row_that_somebody_else_is_changing() throws Exception {
    off("a test");
    failed(3);
    try (var other = sql.connect();
        var lock = other.createStatement()) {
      other.setAutoCommit(false);
      lock.execute("SELECT FROM message ORDER BY id LIMIT 1 FOR UPDATE");
      assertThat(retry(Map.of())).hasToString("{\"matched\":3,\"changed\":2,\"dryRun\":false}");
    }
  }

  @Test
  void should_name_every_wrong_field_of_an_action() {
    Api.Answer answer =
        api.post(
                "/api/v1/messages/actions/retry",
                Map.of(
                    "phoneNumber", "12",
                    "reference", " ",
                    "error", " ",
                    "createdFrom", "2030-01-02T00:00:00Z",
                    "createdTo", "2030-01-01T00:00:00Z"))
            .expect(422);
    assertThat(answer.body().path("errors").findValuesAsText("pointer"))
        .containsExactlyInAnyOrder("/phoneNumber", "/reference", "/error", "/createdTo");
    for (Map<String, Object> wrong :
        List.<Map<String, Object>>of(
            Map.of("status", "SENT"),
            Map.of("limit", 10_001),
            Map.of("limit", 0),
            Map.of("eror", "x"),
            Map.of("dryRun", "yes"))) {
      api.post("/api/v1/messages/actions/retry", wrong).expect(422);
    }
    api.post("/api/v1/messages/actions/retry", null).expect(400);
  }

  private static void off(String reason) {
    api.post("/api/v1/scheduler/stop", Map.of("reason", reason)).expect(200);
  }

  private static void failed(int count) {
    api.createMany(count);
    sql.update(
        "UPDATE message SET status = 'FAILED', attempts = 3, last_error = 'HTTP 503', status_at = now() - interval '1 h', updated_at = now() - interval '1 h'");
    sql.update("UPDATE message_tally SET status = 'FAILED'");
  }

  private static JsonNode retry(Map<String, Object> filter) {
    return api.post("/api/v1/messages/actions/retry", filter).expect(200).body();
  }

  private static JsonNode cancel(Map<String, Object> filter) {
    return api.post("/api/v1/messages/actions/cancel", filter).expect(200).body();
  }

  private static Map<String, Object> with(Map<String, Object> filter, String name, Object value) {
    Map<String, Object> other = new HashMap<>(filter);
    other.put(name, value);
    return other;
  }

  private static Map<String, Object> at(String time) {
    return Map.of("phoneNumber", "+905551234567", "content", "later", "sendAt", time);
  }

  private static JsonNode why(String id) {
    return why(node, id);
  }

  private static JsonNode why(Node asked, String id) {
    JsonNode why = asked.api().get("/api/v1/messages/" + id + "/why").expect(200).body();
    assertThat(why.path("id").asText()).isEqualTo(id);
    return why.path("blockers");
  }

  private static JsonNode only(JsonNode blockers, String code) {
    assertThat(codes(blockers)).as(blockers.toString()).containsExactly(code);
    return blockers.path(0);
  }

  private static List<String> codes(JsonNode blockers) {
    return StreamSupport.stream(blockers.spliterator(), false)
        .map(blocker -> blocker.path("code").asText())
        .toList();
  }
}
