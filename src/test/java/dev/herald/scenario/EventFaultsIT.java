package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Events by webhook, while PostgreSQL lacks something, stops, or drops what was not read. */
@DisplayNameGeneration(ReplaceUnderscores.class)
@TestMethodOrder(OrderAnnotation.class)
class EventFaultsIT {
  private static final String ROUTES =
      "file:routes/*.camel.yaml,file:examples/events/webhook.camel.yaml";

  @TempDir static Path folder;
  private static BreakablePostgres postgres;
  private static SampleWebhook webhook;
  private static SampleWebhook receiver;
  private static Sql sql;
  private static Node node;

  @BeforeAll
  static void start() throws IOException {
    postgres = new BreakablePostgres(folder);
    sql = new Sql(postgres.url());
    sql.update("CREATE ROLE herald LOGIN");
    sql.update("CREATE DATABASE events OWNER herald");
    sql = new Sql(database());
    webhook = new SampleWebhook();
    receiver = new SampleWebhook();
    node = builder().with("events.enabled", true).start();
  }

  @AfterAll
  static void stop() {
    node.close();
    receiver.close();
    webhook.close();
    postgres.close();
  }

  private static String database() {
    return postgres.url().replace("/postgres", "/events");
  }

  private static Node.Builder builder() {
    return Node.on(database(), webhook.url())
        .with("database.username", "herald")
        .with("database.timeout", "2s")
        .with("webhook.url.events", receiver.url())
        .with("webhook.signing-secret", "whsec_bXkgc2VjcmV0IG9mIGF0IGxlYXN0IDI0IGJ5dGVz")
        .with("camel.main.routes-include-pattern", ROUTES);
  }

  @Test
  @Order(1)
  void should_deliver_and_say_what_is_missing_until_the_role_may_replicate() {
    String id = node.api().create("hello");
    await().until(() -> node.api().status(id).equals("SENT"));
    awaitDetail("run ALTER ROLE herald REPLICATION");
    assertThat(node.metric("herald_events_failing")).isEqualTo(1);
    sql.update("ALTER ROLE herald REPLICATION");
    awaitUp();
    String next = node.api().create("hello");
    awaitTypes(next, "message.accepted", "message.sent");
    assertThat(types(id)).isEmpty();
    assertThat(node.metric("herald_events_reading")).isEqualTo(1);
    assertThat(node.metric("herald_events_total")).isEqualTo(2);
  }

  @Test
  @Order(2)
  void should_sign_an_event_and_repeat_only_the_one_that_is_not_taken() throws IOException {
    node.api().post("/api/v1/scheduler/stop", null).expect(200);
    List<String> ids = node.api().createMany(20);
    String poison = ids.get(11);
    receiver.answer(post -> post.body().contains(poison) ? Answer.status(410) : Answer.accepted());
    awaitDetail("the receiver of events answers 410 to accepted-" + poison);
    receiver.answer(post -> Answer.accepted());
    awaitUp();
    awaitTypes(ids.get(19), "message.accepted");
    assertThat(posts(ids.get(0))).hasSizeLessThanOrEqualTo(5);
    Post post = posts(ids.get(19)).get(0);
    JsonNode event = new ObjectMapper().readTree(post.body());
    assertThat(post.headers().get("webhook-id")).isEqualTo(event.path("id").asText());
    assertThat(post.headers().get("webhook-signature")).startsWith("v1,");
    assertThat(post.headers().get("Content-Type")).isEqualTo("application/json");
    node.api().post("/api/v1/scheduler/start", null).expect(200);
    ids.forEach(id -> awaitTypes(id, "message.accepted", "message.sent"));
  }

  @Test
  @Order(3)
  void should_lose_no_event_when_postgresql_stops_without_a_goodbye() throws IOException {
    node.api().post("/api/v1/routes/events-to-webhook/stop", null).expect(200);
    List<String> ids = node.api().createMany(100);
    await().until(() -> node.api().count("PENDING") == 0);
    try (CapturedLog log = new CapturedLog()) {
      postgres.stopImmediately();
      await().until(() -> node.api().get("/ready").status() == 503);
      postgres.startAgain();
      await().until(() -> node.api().get("/ready").status() == 200);
      node.api().post("/api/v1/routes/events-to-webhook/start", null).expect(200);
      ids.forEach(id -> awaitTypes(id, "message.accepted", "message.sent"));
      assertThat(log.lines())
          .as("the outage has lines of its own; the reader may notice it first")
          .filteredOn(line -> line.contains("Events are not read"))
          .hasSizeLessThanOrEqualTo(1);
    }
  }

  @Test
  @Order(4)
  void should_let_go_of_log_that_has_no_message() {
    sql.update("CREATE TABLE other AS SELECT repeat('x', 1000) FROM generate_series(1, 10000)");
    await()
        .until(
            () ->
                sql.number(
                        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) FROM pg_replication_slots")
                    < 1024 * 1024);
  }

  @Test
  @Order(5)
  void should_say_that_events_are_lost_with_the_log_and_begin_anew() {
    node.api().post("/api/v1/routes/events-to-webhook/stop", null).expect(200);
    node.api().create("hello");
    sql.update("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    sql.value("SELECT pg_reload_conf()");
    for (int i = 0; i < 3; i++) {
      sql.value("SELECT pg_switch_wal() FROM pg_logical_emit_message(true, 'x', 'x')");
      sql.update("INSERT INTO other SELECT repeat('x', 1000) FROM generate_series(1, 20000)");
    }
    sql.update("CHECKPOINT");
    awaitDetail("to begin anew: SELECT pg_drop_replication_slot('herald_events')");
    node.api().post("/api/v1/routes/events-to-webhook/start", null).expect(200);
    sql.value("SELECT pg_drop_replication_slot('herald_events')");
    awaitUp();
    awaitTypes(node.api().create("hello"), "message.accepted", "message.sent");
  }

  @Test
  @Order(6)
  void should_warn_of_a_slot_that_nobody_reads() {
    node.close();
    try (CapturedLog log = new CapturedLog()) {
      node = builder().start();
      await()
          .untilAsserted(
              () ->
                  assertThat(log.lines())
                      .anySatisfy(
                          line ->
                              assertThat(line)
                                  .contains("WARN")
                                  .contains("SELECT pg_drop_replication_slot('herald_events')")));
    }
  }

  private static void awaitDetail(String part) {
    await()
        .untilAsserted(
            () ->
                assertThat(node.api().get("/health").expect(200).text("/checks/events/detail"))
                    .contains(part));
  }

  private static void awaitUp() {
    await()
        .untilAsserted(
            () ->
                assertThat(node.api().get("/health").text("/checks/events/status"))
                    .isEqualTo("UP"));
  }

  private static void awaitTypes(String id, String... types) {
    await().untilAsserted(() -> assertThat(types(id)).containsExactly(types));
  }

  private static List<Post> posts(String id) {
    return receiver.posts().stream().filter(post -> post.body().contains(id)).toList();
  }

  private static List<String> types(String id) {
    return posts(id).stream()
        .map(post -> post.body().replaceFirst(".*\"type\":\"([a-z.]+)\".*", "$1"))
        .distinct()
        .toList();
  }
}
