package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.KafkaBroker;
import dev.herald.testing.HeraldProcess;
import dev.herald.testing.Kafka;
import dev.herald.testing.Local;
import dev.herald.testing.Sql;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two processes of the packaged jar read a topic with examples/kafka/intake.camel.yaml, while they
 * are killed and stopped, and the broker and PostgreSQL are killed; and at the end the books. Only
 * {@code mvn verify -Pfaults} runs it; {@code -Dfaults.seed=} repeats the order of faults of an
 * earlier run.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class KafkaStorm {
  private static final String TOPIC = "herald.messages";
  private static final int PARTITIONS = 6;

  /** One record in so many is none that Herald takes. */
  private static final int BAD = 100;

  private enum Fault {
    KILL_A_NODE,
    STOP_A_NODE,
    KILL_KAFKA,
    STOP_POSTGRESQL
  }

  private final long seed = Long.getLong("faults.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final int records = Integer.getInteger("faults.records", 100_000);
  private final List<HeraldProcess.Builder> builders = new ArrayList<>();
  private final List<HeraldProcess> nodes = new ArrayList<>();
  @TempDir private Path folder;

  @Test
  void should_store_each_record_once_or_write_it_to_the_dead_letter_topic() throws Exception {
    List<Fault> faults =
        new ArrayList<>(
            Collections.nCopies(Integer.getInteger("faults.kafka-kills", 12), Fault.KILL_A_NODE));
    for (int i = 0; i < 3; i++) {
      faults.addAll(List.of(Fault.STOP_A_NODE, Fault.KILL_KAFKA, Fault.STOP_POSTGRESQL));
    }
    Collections.shuffle(faults, random);
    say("%d records, %d faults; -Dfaults.seed=%d repeats it", records, faults.size(), seed);
    try (BreakablePostgres postgres = new BreakablePostgres(folder);
        KafkaBroker broker = new KafkaBroker()) {
      broker.createTopic(TOPIC, PARTITIONS);
      broker.createTopic(TOPIC + ".dead", 1);
      try (Kafka kafka = new Kafka(broker.brokers())) {
        start(postgres, broker);
        Sql sql = new Sql(postgres.url());
        for (int i = 0; i < faults.size(); i++) {
          write(kafka, i * records / faults.size(), (i + 1) * records / faults.size());
          awaitSomeOfIt(sql);
          make(faults.get(i), postgres, broker);
          say("%d/%d %s", i + 1, faults.size(), faults.get(i).name().toLowerCase(Locale.ROOT));
        }
        kafka.flush();
        await()
            .atMost(Duration.ofMinutes(5))
            .pollInterval(Duration.ofSeconds(1))
            .ignoreExceptions()
            .until(() -> kafka.committed("herald") == kafka.written(TOPIC, PARTITIONS));
        check(kafka, sql);
      } finally {
        nodes.forEach(HeraldProcess::close);
      }
    }
  }

  private void check(Kafka kafka, Sql sql) {
    int letters = (int) kafka.written(TOPIC + ".dead", 1);
    long dead =
        kafka.read(TOPIC + ".dead", letters).stream()
            .map(
                letter ->
                    Kafka.header(letter, "herald-partition")
                        + "-"
                        + Kafka.header(letter, "herald-offset"))
            .distinct()
            .count();
    int rows = (int) sql.number("SELECT count(*) FROM message");
    int distinct = (int) sql.number("SELECT count(DISTINCT reference) FROM message");
    int tally = (int) sql.number("SELECT sum(n) FROM message_tally WHERE status = 'PENDING'");
    say(
        """
        the books
        records in the topic                       %d
        rows in PostgreSQL                         %d
        ... of different records                   %d
        dead letters                               %d
        ... of different records                   %d
        in the tally                               %d
        """,
        kafka.written(TOPIC, PARTITIONS), rows, distinct, letters, dead, tally);
    int bad = (records + BAD - 1) / BAD;
    assertThat(kafka.written(TOPIC, PARTITIONS)).isEqualTo(records);
    assertThat(distinct).as("none is lost").isEqualTo(records - bad);
    assertThat(rows).as("none is stored twice").isEqualTo(distinct);
    assertThat(dead).isEqualTo(bad);
    assertThat(tally).isEqualTo(rows);
  }

  private void start(BreakablePostgres postgres, KafkaBroker broker) {
    for (int i = 0; i < 2; i++) {
      builders.add(
          HeraldProcess.in(Path.of(""))
              .with("DATABASE_URL", postgres.url())
              .with("REDIS_URL", Local.servers().redisUrl())
              .with("WEBHOOK_URL", "http://127.0.0.1:9/")
              .with("DISPATCH_ENABLED", "false")
              .with("ROUTES_INCLUDE", "examples/kafka/intake.camel.yaml")
              .with("INTAKE_KAFKA_BROKERS", broker.brokers()));
    }
    builders.forEach(builder -> nodes.add(builder.start()));
    nodes.forEach(HeraldProcess::awaitReady);
  }

  private static void write(Kafka kafka, int from, int to) {
    for (int i = from; i < to; i++) {
      kafka.send(
          TOPIC,
          String.valueOf(i),
          i % BAD == 0
              ? "none"
              : "{\"phoneNumber\": \"+90555%07d\", \"content\": \"message\", \"reference\": \"%d\"}"
                  .formatted(i, i));
    }
  }

  /** Until some more rows are there, or all that can be. */
  private void awaitSomeOfIt(Sql sql) {
    int before = stored(sql);
    int more = 1 + random.nextInt(records / 100);
    AtomicInteger unchanged = new AtomicInteger();
    await()
        .atMost(Duration.ofMinutes(2))
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(50))
        .ignoreExceptions()
        .until(() -> stored(sql) >= before + more || unchanged.incrementAndGet() > 400);
  }

  private static int stored(Sql sql) {
    return (int) sql.number("SELECT count(*) FROM message");
  }

  private void make(Fault fault, BreakablePostgres postgres, KafkaBroker broker) throws Exception {
    int victim = random.nextInt(nodes.size());
    switch (fault) {
      case KILL_A_NODE -> {
        nodes.get(victim).kill();
        restart(victim);
      }
      case STOP_A_NODE -> {
        nodes.get(victim).terminate();
        nodes.get(victim).awaitExit();
        restart(victim);
      }
      case KILL_KAFKA -> {
        broker.kill();
        broker.start();
      }
      case STOP_POSTGRESQL -> {
        postgres.stopImmediately();
        postgres.startAgain();
      }
    }
  }

  private void restart(int node) {
    nodes.get(node).close();
    nodes.set(node, builders.get(node).start());
  }

  private static void say(String format, Object... arguments) {
    System.out.println("faults: " + format.formatted(arguments));
  }
}
