package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What a page shows first: the cluster at a glance, and what each minute brought. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class OverviewIT {
  private static SampleWebhook webhook;
  private static String database;
  private static Sql sql;
  private static Node node;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    database = Local.servers().newDatabase();
    sql = new Sql(database);
    node = node("herald-1").start();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @BeforeEach
  void reset() {
    node.reset(sql);
    webhook.answer(post -> SampleWebhook.Answer.accepted());
  }

  private static Node.Builder node(String name) {
    return Node.on(database, webhook.url())
        .with("node.name", name)
        .with("webhook.on-ambiguous", "hold");
  }

  @Test
  void should_need_nobody_while_all_is_well() {
    node.api().create("hello");
    await().until(() -> node.api().count("SENT") == 1);
    JsonNode overview = overview();
    assertThat(overview.path("needs")).as("%s", overview).isEmpty();
    assertThat(overview.at("/node/name").asText()).isEqualTo("herald-1");
    assertThat(overview.at("/scheduler/running").asBoolean()).isTrue();
    assertThat(overview.at("/stats/byStatus/SENT").asInt()).isEqualTo(1);
    assertThat(overview.path("nodes")).hasSize(1);
    assertThat(overview.at("/nodes/0/status").asText()).isEqualTo("UP");
    assertThat(overview.at("/nodes/0/flow").asText())
        .isEqualTo(node.api().get("/api/v1/flow").expect(200).text("/digest"));
  }

  @Test
  void should_say_what_needs_a_person_the_worst_first() {
    webhook.answer(
        post -> SampleWebhook.Answer.status(post.content().startsWith("no") ? 400 : 502));
    node.api().create("no 1");
    node.api().create("no 2");
    node.api().create("who knows");
    await().until(() -> node.api().count("FAILED") == 2 && node.api().count("UNKNOWN") == 1);
    node.api().post("/api/v1/scheduler/stop", Map.of("reason", "provider maintenance")).expect(200);
    node.api().create("waits");
    node.api().post("/api/v1/routes/ping-redis/stop", null).expect(200);

    JsonNode overview = overview();
    assertThat(codes(overview))
        .containsExactly("DELIVERY_OFF", "ROUTE_STOPPED", "UNKNOWN_MESSAGES", "FAILED_RECENTLY");
    JsonNode off = overview.at("/needs/0");
    assertThat(off.path("detail").asText()).isEqualTo("delivery is off while messages are due");
    assertThat(off.path("count").asInt()).isEqualTo(1);
    JsonNode stopped = overview.at("/needs/1");
    assertThat(stopped.path("detail").asText()).isEqualTo("not running on this node: ping-redis");
    assertThat(stopped.path("node").asText()).isEqualTo("herald-1");
    assertThat(overview.at("/needs/2/count").asInt()).isEqualTo(1);
    JsonNode failed = overview.at("/needs/3");
    assertThat(failed.path("count").asInt()).isEqualTo(2);
    assertThat(failed.at("/reasons/0/messages").asInt()).isEqualTo(2);
    assertThat(failed.at("/reasons/0/error").asText()).contains("400");
  }

  @Test
  void should_know_the_other_nodes_and_miss_one_that_died() {
    try (Node other = node("herald-2").start()) {
      await().until(() -> overview().path("nodes").size() == 2);
      other.api().post("/api/v1/routes/ping-redis/stop", null).expect(200);
      await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> codes(overview()).equals(List.of("ROUTE_STOPPED")));
      assertThat(overview().at("/needs/0/node").asText()).isEqualTo("herald-2");
      assertThat(overview().at("/nodes/1/status").asText()).isEqualTo("DEGRADED");
    }
    assertThat(overview().path("nodes")).as("one that stopped as it should").hasSize(1);

    sql.update(
        """
        INSERT INTO node (id, name, version, seen_at, flow, status, problems)
        VALUES (gen_random_uuid(), 'herald-3', '1', now() - interval '1 min', 'x', 'UP', '[]'),
            (gen_random_uuid(), 'herald-4', '1', now() + interval '1 min', 'x', 'UP', '[]'),
            (gen_random_uuid(), 'herald-5', '1', now() - interval '2 h', 'x', 'UP', '[]')
        """);
    await().until(() -> codes(overview()).equals(List.of("NODE_GONE", "FLOWS_DIFFER")));
    assertThat(overview().at("/needs/0/node").asText()).isEqualTo("herald-3");
    await().untilAsserted(() -> assertThat(overview().path("nodes")).hasSize(3));
    sql.update("DELETE FROM node WHERE name <> 'herald-1'");
  }

  @Test
  void should_add_up_each_minute_before_and_after_the_tally_is_summed_up() {
    webhook.answer(
        post ->
            post.content().startsWith("no")
                ? SampleWebhook.Answer.status(400)
                : SampleWebhook.Answer.accepted());
    node.api().create("yes 1");
    node.api().create("yes 2");
    String failing = node.api().create("no 1");
    await().until(() -> node.api().count("SENT") == 2 && node.api().count("FAILED") == 1);
    webhook.answer(post -> SampleWebhook.Answer.accepted());
    node.api().post("/api/v1/messages/" + failing + "/retry", null).expect(202);
    await().until(() -> node.api().count("SENT") == 3);
    sql.update("TRUNCATE activity");
    Instant began = Instant.now().truncatedTo(ChronoUnit.MINUTES).minus(Duration.ofMinutes(10));
    sql.update("UPDATE message_tally SET at = '%s'".formatted(began.plusSeconds(10)));
    String expected = "accepted 3, sent 3, failed 1, unknown 0 ten minutes ago";
    assertThat(tenMinutesAgo(began)).isEqualTo(expected);

    sql.update(
        """
        INSERT INTO message_tally (status, n, at)
        SELECT status, n, now() - interval '8 min 50 s'
        FROM generate_series(1, 300), (VALUES ('PENDING', -1), ('SENT', 1)) AS sent (status, n)
        """);
    await().until(() -> sql.number("SELECT count(*) FROM message_tally") < 100);
    assertThat(tenMinutesAgo(began)).isEqualTo(expected);
    assertThat(sql.number("SELECT sum(n) FROM activity WHERE what = 'SENT'")).isEqualTo(303);
    assertThat(sql.number("SELECT sum(n) FROM activity WHERE what = 'ACCEPTED'")).isEqualTo(3);
    node.api().get("/api/v1/messages/activity?minutes=0").expect(400);
  }

  private static String tenMinutesAgo(Instant began) {
    JsonNode activity = node.api().get("/api/v1/messages/activity?minutes=15").expect(200).body();
    assertThat(activity.path("sent")).hasSize(15);
    int minute =
        (int) Duration.between(Instant.parse(activity.path("from").asText()), began).toMinutes();
    return "accepted %d, sent %d, failed %d, unknown %d ten minutes ago"
        .formatted(
            activity.path("accepted").path(minute).asInt(),
            activity.path("sent").path(minute).asInt(),
            activity.path("failed").path(minute).asInt(),
            activity.path("unknown").path(minute).asInt());
  }

  private static JsonNode overview() {
    return node.api().get("/api/v1/overview").expect(200).body();
  }

  private static List<String> codes(JsonNode overview) {
    List<String> codes = new ArrayList<>();
    overview.path("needs").forEach(need -> codes.add(need.path("code").asText()));
    return codes;
  }
}
