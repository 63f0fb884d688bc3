package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.KafkaBroker;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Kafka;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The routes of examples/kafka, with a real broker. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class KafkaIntakeIT {
  private static final String TOPIC = "herald.messages";
  private static final String DEAD = TOPIC + ".dead";
  private static final String EVENTS = "herald.events";
  private static final int PARTITIONS = 3;

  @TempDir private static Path folder;
  private static BreakablePostgres postgres;
  private static KafkaBroker broker;
  private static Kafka kafka;
  private static SampleWebhook webhook;
  private static Sql sql;
  private static Node node;

  @BeforeAll
  static void start() throws Exception {
    postgres = new BreakablePostgres(folder);
    broker = new KafkaBroker();
    broker.createTopic(TOPIC, PARTITIONS);
    broker.createTopic(DEAD, 1);
    broker.createTopic(EVENTS, 1);
    kafka = new Kafka(broker.brokers());
    webhook = new SampleWebhook();
    sql = new Sql(postgres.url());
    node =
        Node.on(postgres.url(), webhook.url())
            .with("routes.include", impatient() + ",examples/kafka/dispatch.camel.yaml")
            .with("intake.kafka.brokers", broker.brokers())
            .with("events.kafka.brokers", broker.brokers())
            .with("dispatch.idle-wait", "1m")
            .start();
  }

  /** The intake with one more try in place of half a minute of tries, then it joins anew. */
  private static Path impatient() throws IOException {
    String route = Files.readString(Path.of("examples/kafka/intake.camel.yaml"));
    String tries = "maximumRedeliveries: 7";
    assertThat(route).contains(tries);
    return Files.writeString(
        folder.resolve("intake.camel.yaml"), route.replace(tries, "maximumRedeliveries: 1"));
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
    kafka.close();
    webhook.close();
    broker.close();
    postgres.close();
  }

  @Test
  void should_store_what_it_can_once_and_write_the_rest_to_the_dead_letter_topic() {
    int before = stored();
    int letters = (int) kafka.written(DEAD, 1);
    kafka.send(TOPIC, "a", message("one").replace("}", ", \"reference\": \"order-1\"}"));
    kafka.send(TOPIC, "a", "no JSON", "trace", "t1");
    kafka.send(TOPIC, "a", "{\"phoneNumber\": \"12\", \"content\": \"two\"}");
    kafka.send(TOPIC, "a", "{\"content\": \"three\"}");
    kafka.send(TOPIC, "a", null);
    kafka.send(
        TOPIC, "a", message("late").replace("}", ", \"expiresAt\": \"2020-01-01T00:00:00Z\"}"));
    kafka.send(TOPIC, "a", message("four"));
    kafka.flush();
    awaitStored(before + 2);
    assertThat(sql.value("SELECT content FROM message WHERE reference = 'order-1'"))
        .isEqualTo("one");

    List<ConsumerRecord<byte[], byte[]>> dead =
        kafka.read(DEAD, letters + 5).subList(letters, letters + 5);
    assertThat(dead)
        .extracting(record -> Kafka.header(record, "herald-reason"))
        .satisfiesExactlyInAnyOrder(
            reason -> assertThat(reason).contains("not JSON"),
            reason -> assertThat(reason).contains("/phoneNumber is not a valid phone number"),
            reason -> assertThat(reason).contains("/phoneNumber"),
            reason -> assertThat(reason).contains("the body is empty"),
            reason -> assertThat(reason).contains("/expiresAt must be in the future"));
    ConsumerRecord<byte[], byte[]> first = dead.get(0);
    assertThat(new String(first.value(), StandardCharsets.UTF_8)).isEqualTo("no JSON");
    assertThat(new String(first.key(), StandardCharsets.UTF_8)).isEqualTo("a");
    assertThat(Kafka.header(first, "trace")).isEqualTo("t1");
    assertThat(Kafka.header(first, "herald-topic")).isEqualTo(TOPIC);
    assertThat(Kafka.header(first, "herald-partition")).matches("[0-2]");
    assertThat(Kafka.header(first, "herald-offset")).matches("\\d+");
    awaitCommitted();
  }

  @Test
  void should_store_nothing_twice_when_offsets_come_again() {
    int before = stored();
    send(100, "again");
    awaitStored(before + 100);
    awaitCommitted();
    node.api().post("/api/v1/routes/kafka-intake/stop", null).expect(200);
    await().ignoreExceptions().untilAsserted(() -> kafka.rewind("herald", TOPIC, PARTITIONS));
    node.api().post("/api/v1/routes/kafka-intake/start", null).expect(200);
    send(1, "after");
    awaitStored(before + 101);
    awaitCommitted();
    assertThat(stored()).isEqualTo(before + 101);
  }

  @Test
  void should_wait_for_postgresql_and_then_store_each_once() throws Exception {
    int before = stored();
    send(50, "before");
    awaitStored(before + 50);
    long committed;
    try (CapturedLog log = new CapturedLog()) {
      postgres.stopImmediately();
      send(600, "meanwhile");
      await().until(() -> log.lines().stream().anyMatch(line -> line.contains("Will break on")));
      committed = kafka.committed("herald");
      postgres.startAgain();
    }
    awaitStored(before + 650);
    assertThat(committed).isLessThan(records());
    awaitCommitted();
    assertThat(stored()).isEqualTo(before + 650);
  }

  @Test
  void should_skip_nothing_while_the_dead_letter_topic_refuses_it() {
    awaitCommitted();
    long letters = kafka.written(DEAD, 1);
    kafka.limit(DEAD, 200);
    try (CapturedLog log = new CapturedLog()) {
      kafka.send(TOPIC, "a", "no JSON " + "x".repeat(1_000));
      kafka.flush();
      await().until(() -> log.lines().stream().anyMatch(line -> line.contains("Will break on")));
    }
    assertThat(kafka.committed("herald")).isLessThan(records());
    kafka.limit(DEAD, 100_000);
    awaitCommitted();
    assertThat(kafka.written(DEAD, 1)).isEqualTo(letters + 1);
  }

  @Test
  void should_claim_when_an_event_says_that_a_message_was_accepted() {
    double claims = node.metric("herald_claims_total");
    sql.update(
        "INSERT INTO message (id, phone_number, content, max_attempts, next_attempt_at) VALUES (gen_random_uuid(), '+905551234567', 'by hand', 3, now())");
    kafka.send(EVENTS, "m", "{\"id\":\"sent-1\",\"type\":\"message.sent\"}");
    for (int i = 0; i < 200; i++) {
      kafka.send(EVENTS, "m", "{\"id\":\"accepted-1\",\"type\":\"message.accepted\"}");
    }
    kafka.flush();
    await()
        .until(() -> webhook.posts().stream().anyMatch(post -> post.content().equals("by hand")));
    assertThat(node.metric("herald_claims_total") - claims).isBetween(1.0, 20.0);
  }

  private static void send(int count, String content) {
    for (int i = 0; i < count; i++) {
      kafka.send(TOPIC, content + i, message(content + " " + i));
    }
    kafka.flush();
  }

  private static String message(String content) {
    return "{\"phoneNumber\": \"+905551234567\", \"content\": \"%s\"}".formatted(content);
  }

  private static int stored() {
    return (int) sql.number("SELECT count(*) FROM message");
  }

  private static void awaitStored(int count) {
    await().atMost(Duration.ofSeconds(30)).ignoreExceptions().until(() -> stored() >= count);
  }

  private static long records() {
    return kafka.written(TOPIC, PARTITIONS);
  }

  private static void awaitCommitted() {
    await().until(() -> kafka.committed("herald") == records());
  }
}
