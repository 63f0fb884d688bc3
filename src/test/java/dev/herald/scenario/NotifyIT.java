package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** What one node accepts and does not take, another hears of. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class NotifyIT {
  /** Longer than any wait of these tests, so that only what rings is delivered in time. */
  private static final String LONG = "1m";

  private static final String LISTENERS =
      "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'herald-listener'";

  private SampleWebhook webhook;
  private String database;
  private Sql sql;

  @BeforeEach
  void start() {
    webhook = new SampleWebhook();
    database = Local.servers().newDatabase();
    sql = new Sql(database);
  }

  @AfterEach
  void stop() {
    webhook.close();
  }

  private Node.Builder node() {
    return Node.on(database, webhook.url()).with("dispatch.idle-wait", LONG);
  }

  @Test
  void should_wake_another_node_for_what_this_one_does_not_take() {
    try (Node stopped = node().start();
        Node other = node().start()) {
      awaitListeners(2);
      stopped.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      assertDelivered(stopped.api(), "for the other");
      assertDelivered(stopped.api(), "for the other, too");

      other.api().post("/api/v1/routes/deliver-message/stop", null).expect(200);
      stopped.api().post("/api/v1/routes/dispatch-tick/start", null).expect(200);
      assertDelivered(other.api(), "for the first");
    }
  }

  @Test
  void should_hear_again_after_its_connection_was_ended() {
    try (CapturedLog log = new CapturedLog();
        Node stopped = node().start();
        Node other = node().start()) {
      awaitListeners(2);
      stopped.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      String ended = sql.value("SELECT array_agg(pid)::text " + LISTENERS);
      sql.value("SELECT count(pg_terminate_backend(pid)) FROM unnest(?::integer[]) pid", ended);
      await()
          .until(
              () ->
                  sql.number(
                          "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(?::integer[])",
                          ended)
                      == 0);
      awaitListeners(2);
      // The first may be found because a listener that is back has a look; the second is not.
      assertDelivered(stopped.api(), "afterwards");
      assertDelivered(stopped.api(), "afterwards, too");
      assertThat(other.metric("herald_messages_claimed_total")).isEqualTo(2);
      assertThat(log.lines())
          .anyMatch(line -> line.contains("are found within dispatch.idle-wait: FATAL"))
          .anyMatch(line -> line.contains("PostgreSQL notifies this node again"));
    }
  }

  @Test
  void should_wake_the_other_nodes_when_delivery_is_started() {
    try (Node stopped = node().with("dispatch.enabled", false).start();
        Node other = node().start()) {
      awaitListeners(2);
      stopped.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      double claims = other.metric("herald_claims_total");
      String id = stopped.api().create("waits");
      await().until(() -> other.metric("herald_claims_total") > claims);
      assertThat(stopped.api().status(id)).isEqualTo("PENDING");

      stopped.api().post("/api/v1/scheduler/start", null).expect(200);
      await().untilAsserted(() -> assertThat(stopped.api().status(id)).isEqualTo("SENT"));
    }
  }

  @Test
  void should_notify_once_a_group_and_only_of_what_is_due_and_not_taken() throws SQLException {
    try (Node node = node().start();
        Connection raw = sql.connect();
        Statement statement = raw.createStatement()) {
      Api api = node.api();
      assertDelivered(api, "warm up");
      statement.execute("LISTEN herald_due");
      assertDelivered(api, "this node's own");
      assertThat(heard(raw)).as("of what the node takes").isZero();

      api.post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      api.createMany(100);
      assertThat(heard(raw)).as("of 100 messages of a request").isEqualTo(1);
      Instant later = Instant.now().plus(1, ChronoUnit.HOURS);
      api.post(
              "/api/v1/messages",
              Map.of("phoneNumber", "+905551234567", "content", "hi", "sendAt", later.toString()))
          .expect(201);
      assertThat(heard(raw)).as("of what is not due").isZero();
      String key = "a-key-of-mine";
      api.post("/api/v1/messages", Api.message("once"), "Idempotency-Key", key).expect(201);
      api.post("/api/v1/messages", Api.message("once"), "Idempotency-Key", key).expect(201);
      assertThat(heard(raw)).as("of a request that came twice").isEqualTo(1);
    }
  }

  @Test
  void should_neither_notify_nor_listen_with_paced_sending() throws SQLException {
    try (Node node = node().with("dispatch.interval", "1h").start();
        Connection raw = sql.connect();
        Statement statement = raw.createStatement()) {
      statement.execute("LISTEN herald_due");
      node.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      node.api().create("for the next turn");
      assertThat(heard(raw)).isZero();
      assertThat(sql.number("SELECT count(*) " + LISTENERS)).isZero();
    }
  }

  private void assertDelivered(Api api, String content) {
    String id = api.create(content);
    await().untilAsserted(() -> assertThat(api.status(id)).isEqualTo("SENT"));
  }

  private void awaitListeners(int count) {
    await()
        .until(
            () ->
                sql.number(
                        "SELECT count(*) "
                            + LISTENERS
                            + " AND query LIKE 'LISTEN%' AND state = 'idle'")
                    == count);
  }

  /** How many notifications came since the last call: they come in the order of the commits. */
  private static int heard(Connection raw) throws SQLException {
    try (Statement statement = raw.createStatement()) {
      statement.execute("SELECT pg_notify('herald_due', 'the last')");
    }
    int heard = 0;
    while (true) {
      for (PGNotification notification : raw.unwrap(PGConnection.class).getNotifications(30_000)) {
        if (notification.getParameter().equals("the last")) {
          return heard;
        }
        heard++;
      }
    }
  }
}
