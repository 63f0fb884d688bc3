package dev.herald.scenario;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.KafkaBroker;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.testing.Events;
import dev.herald.testing.HeraldProcess;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** Events out of PostgreSQL's log, to a real Kafka. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class EventsIT {
  private static final String ROUTES =
      "file:routes/*.camel.yaml,file:examples/events/kafka.camel.yaml";

  private static KafkaBroker kafka;
  private static SampleWebhook webhook;
  private static String database;
  private static Sql sql;
  private static TcpProxy cable;
  private static Node node;
  private static Events events;

  @BeforeAll
  static void start() throws IOException {
    kafka = new KafkaBroker();
    kafka.createTopic("herald.events", 3);
    webhook = new SampleWebhook();
    database = Local.servers().newDatabase();
    sql = new Sql(database);
    cable = TcpProxy.of(database);
    node = builder().start();
    events = new Events(kafka.brokers());
  }

  @AfterAll
  static void stop() throws IOException {
    node.close();
    events.close();
    cable.close();
    webhook.close();
    kafka.close();
  }

  private static Node.Builder builder() {
    return Node.on(database, webhook.url())
        .with("events.enabled", true)
        .with("events.database-url", cable.by(database))
        .with("database.timeout", "1s")
        .with("events.kafka.brokers", kafka.brokers())
        .with("camel.main.routes-include-pattern", ROUTES);
  }

  @Test
  void should_tell_each_change_of_a_message_in_order() {
    webhook.answer(post -> post.content().equals("no") ? Answer.status(400) : Answer.accepted());
    String sent = node.api().create("hello");
    String failed = node.api().create("no");
    await().until(() -> node.api().status(failed).equals("FAILED"));
    node.api().post("/api/v1/scheduler/stop", null).expect(200);
    node.api().post("/api/v1/messages/" + failed + "/retry", null).expect(202);
    node.api().delete("/api/v1/messages/" + failed).expect(204);
    node.api().post("/api/v1/scheduler/start", null).expect(200);

    await().untilAsserted(() -> assertThat(events.types(sent)).containsExactly("accepted", "sent"));
    await()
        .untilAsserted(
            () ->
                assertThat(events.types(failed))
                    .containsExactly("accepted", "failed", "retried", "cancelled"));
    JsonNode event = events.of(sent).get(1);
    assertThat(event.at("/message/status").asText()).isEqualTo("SENT");
    assertThat(event.path("message").has("content")).isFalse();
  }

  /** PostgreSQL moves a large value out of the row, and its log leaves it out of an update. */
  @Test
  void should_have_the_clients_own_words_however_long_and_tell_of_receipts() {
    Map<String, String> metadata = new TreeMap<>();
    Random random = new Random(1);
    for (int i = 0; i < 10; i++) {
      metadata.put(
          "n" + i,
          random.ints(256, 0x4e00, 0x9fff).mapToObj(Character::toString).collect(joining()));
    }
    String id =
        node.api()
            .post(
                "/api/v1/messages",
                Map.of(
                    "phoneNumber", "+905551234567",
                    "content", "hello",
                    "reference", "order-1",
                    "metadata", metadata))
            .expect(201)
            .text("/id");
    await().until(() -> node.api().status(id).equals("SENT"));
    node.api().post("/api/v1/receipts", Map.of("id", id, "status", "DELIVERED")).expect(202);
    await()
        .untilAsserted(
            () -> assertThat(events.types(id)).containsExactly("accepted", "sent", "delivered"));
    for (JsonNode event : events.of(id)) {
      assertThat(event.at("/message/reference").asText()).isEqualTo("order-1");
      metadata.forEach(
          (name, value) ->
              assertThat(event.at("/message/metadata/" + name).asText()).isEqualTo(value));
    }
    assertThat(events.of(id).get(2).at("/message/delivery/status").asText()).isEqualTo("DELIVERED");
  }

  @Test
  void should_lose_no_event_while_kafka_is_killed() throws IOException {
    List<String> ids = new ArrayList<>(node.api().createMany(100));
    kafka.kill();
    ids.addAll(node.api().createMany(100));
    await().until(() -> node.api().count("PENDING") == 0);
    kafka.start();
    awaitSent(ids);
  }

  @Test
  void should_go_on_after_the_connection_was_cut_or_hung() {
    List<String> ids = new ArrayList<>(node.api().createMany(100));
    cable.cut();
    ids.addAll(node.api().createMany(100));
    awaitSent(ids);
    cable.freeze();
    List<String> others = node.api().createMany(100);
    await().until(() -> node.api().count("PENDING") == 0);
    await()
        .untilAsserted(
            () ->
                assertThat(node.api().get("/health").text("/checks/events/status"))
                    .isEqualTo("DEGRADED"));
    cable.cut();
    cable.restore();
    awaitSent(others);
  }

  @Test
  void should_lose_no_event_when_another_node_takes_over_and_is_killed() {
    List<String> ids = new ArrayList<>();
    try (HeraldProcess other =
        HeraldProcess.in(Path.of(""))
            .fromClasses()
            .with("DATABASE_URL", database)
            .with("REDIS_URL", Local.servers().redisUrl())
            .with("WEBHOOK_URL", webhook.url())
            .with("EVENTS_ENABLED", true)
            .with("EVENTS_KAFKA_BROKERS", kafka.brokers())
            .with("CAMEL_MAIN_ROUTES_INCLUDE_PATTERN", ROUTES)
            .startAndAwait()) {
      assertThat(node.metric("herald_events_reading")).isEqualTo(1);
      cable.refuse();
      await().until(() -> other.output().contains("This node reads events"));
      ids.addAll(node.api().createMany(50));
      awaitSent(ids);
      ids.addAll(node.api().createMany(200));
      other.kill();
    }
    cable.restore();
    ids.addAll(node.api().createMany(50));
    awaitSent(ids);
    assertThat(node.metric("herald_events_reading")).isEqualTo(1);
  }

  private static void awaitSent(List<String> ids) {
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(
            () ->
                assertThat(ids)
                    .allSatisfy(
                        id -> assertThat(events.types(id)).containsExactly("accepted", "sent")));
  }
}
