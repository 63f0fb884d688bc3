package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.EventTopic;
import dev.herald.dev.KafkaBroker;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.Events;
import dev.herald.testing.HeraldProcess;
import dev.herald.testing.Local;
import dev.herald.testing.Signals;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Events under load, while readers, Kafka and PostgreSQL are killed and stand still; and at the end
 * the books. Only {@code mvn verify -Pfaults} runs it; {@code -Dfaults.seed=} repeats the order of
 * the faults of an earlier run.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class EventStorm {
  private static final int BATCH = 20;

  private static final String ROUTES =
      "file:routes/*.camel.yaml,file:examples/events/kafka.camel.yaml";

  /** What each change in the database must have as an event. */
  private static final String EXPECTED =
      """
      SELECT 'accepted-' || id || '-' || (extract(epoch FROM created_at) * 1000000)::bigint FROM message
      UNION ALL
      SELECT lower(status) || '-' || id || '-' || (extract(epoch FROM status_at) * 1000000)::bigint
      FROM message WHERE status <> 'PENDING'""";

  private enum Fault {
    KILL_A_NODE,
    STALL_A_NODE,
    STOP_A_NODE,
    KILL_KAFKA,
    STALL_KAFKA,
    STOP_POSTGRESQL
  }

  private final long seed = Long.getLong("faults.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final List<HeraldProcess.Builder> builders = new ArrayList<>();
  private final List<HeraldProcess> nodes = new ArrayList<>();

  @Test
  void should_lose_no_event_and_keep_the_order(@TempDir Path folder) throws Exception {
    try (BreakablePostgres postgres = new BreakablePostgres(folder);
        KafkaBroker kafka = new KafkaBroker();
        SampleWebhook webhook = new SampleWebhook()) {
      kafka.createTopic(EventTopic.NAME, 6);
      for (int i = 0; i < 2; i++) {
        builders.add(
            HeraldProcess.in(Path.of(""))
                .fromClasses()
                .with("DATABASE_URL", postgres.url())
                .with("DATABASE_TIMEOUT", "2s")
                .with("REDIS_URL", Local.servers().redisUrl())
                .with("WEBHOOK_URL", webhook.url())
                .with("DISPATCH_LEASE", "12s")
                .with("EVENTS_ENABLED", true)
                .with("EVENTS_KAFKA_BROKERS", kafka.brokers())
                .with("CAMEL_MAIN_ROUTES_INCLUDE_PATTERN", ROUTES));
      }
      builders.forEach(builder -> nodes.add(builder.start()));
      try (Events events = new Events(kafka.brokers())) {
        nodes.forEach(HeraldProcess::awaitReady);
        storm(postgres, kafka);
        await()
            .atMost(Duration.ofMinutes(3))
            .until(
                () -> ids(postgres, "SELECT id FROM message WHERE status = 'PENDING'").isEmpty());
        Set<String> expected = ids(postgres, EXPECTED);
        await()
            .atMost(Duration.ofMinutes(3))
            .until(() -> events.ids().containsAll(expected) || allRead(postgres));
        balance(expected, events);
      } finally {
        nodes.forEach(HeraldProcess::close);
      }
    }
  }

  private void storm(BreakablePostgres postgres, KafkaBroker kafka) throws Exception {
    long end =
        System.nanoTime() + TimeUnit.SECONDS.toNanos(Long.getLong("faults.event-seconds", 300));
    say("-Dfaults.seed=%d repeats it", seed);
    while (System.nanoTime() < end) {
      load(2 + random.nextInt(4));
      Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
      int victim = random.nextInt(nodes.size());
      say("%s", fault);
      switch (fault) {
        case KILL_A_NODE -> {
          nodes.get(victim).kill();
          load(random.nextInt(4));
          restart(victim);
        }
        case STOP_A_NODE -> {
          nodes.get(victim).terminate();
          load(1);
          restart(victim);
        }
        case STALL_A_NODE -> {
          nodes.get(victim).freeze();
          load(3);
          nodes.get(victim).thaw();
        }
        case KILL_KAFKA -> {
          kafka.kill();
          load(random.nextInt(4));
          kafka.start();
        }
        case STALL_KAFKA -> {
          Signals.send("STOP", kafka.pid());
          load(3);
          Signals.send("CONT", kafka.pid());
        }
        case STOP_POSTGRESQL -> {
          postgres.stopImmediately();
          load(random.nextInt(3));
          postgres.startAgain();
        }
      }
    }
  }

  private void restart(int node) {
    nodes.get(node).close();
    nodes.set(node, builders.get(node).start());
  }

  /** Puts messages in for some seconds, through whichever node takes them. */
  private void load(int seconds) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (System.nanoTime() < end) {
      List<Object> batch = new ArrayList<>();
      for (int i = 0; i < BATCH; i++) {
        batch.add(Api.message("hello"));
      }
      Thread sender = new Thread(() -> send(batch), "load");
      sender.setDaemon(true); // a node that stands still answers late
      sender.start();
      TimeUnit.MILLISECONDS.sleep(100);
    }
  }

  private void send(List<Object> batch) {
    try {
      nodes
          .get(random.nextInt(nodes.size()))
          .api()
          .post("/api/v1/messages/batch", batch, "Idempotency-Key", UUID.randomUUID().toString());
    } catch (UncheckedIOException down) {
      // what it stored nevertheless must have its events, too
    }
  }

  /** Nothing more comes: the reader has confirmed all. */
  private static boolean allRead(BreakablePostgres postgres) throws SQLException {
    return ids(
            postgres,
            "SELECT 1 FROM pg_replication_slots WHERE confirmed_flush_lsn < pg_current_wal_lsn()")
        .isEmpty();
  }

  private static Set<String> ids(BreakablePostgres postgres, String query) throws SQLException {
    try (Connection database = postgres.connect();
        Statement statement = database.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      Set<String> ids = new HashSet<>();
      while (rows.next()) {
        ids.add(rows.getString(1));
      }
      return ids;
    }
  }

  private static void balance(Set<String> expected, Events events) {
    Set<String> lost = new HashSet<>(expected);
    lost.removeAll(events.ids());
    Set<String> invented = new HashSet<>(events.ids());
    invented.removeAll(expected);
    say(
        "changes in PostgreSQL %d, events in Kafka %d, of which again %d; lost %d, of no change %d, out of order %d",
        expected.size(),
        events.count(),
        events.count() - events.distinct(),
        lost.size(),
        invented.size(),
        events.outOfOrder());
    assertThat(lost).isEmpty();
    assertThat(invented).isEmpty();
    assertThat(events.outOfOrder()).isZero();
  }

  private static void say(String format, Object... arguments) {
    System.out.println("events: " + format.formatted(arguments));
  }
}
