package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

/** What one node accepts and does not take, another hears of. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class NotifyIT {
  /** Longer than any wait of these tests, so that only what rings is delivered in time. */
  private static final String LONG = "1m";

  private static final String LISTENERS =
      "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'herald-listener'";

  private static SampleWebhook webhook;
  private static String database;
  private static Sql sql;
  private static Node one;
  private static Node other;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    database = Local.servers().newDatabase();
    sql = new Sql(database);
    one = node(database).start();
    other = node(database).start();
  }

  @AfterAll
  static void stop() {
    other.close();
    one.close();
    webhook.close();
  }

  @BeforeEach
  void reset() {
    one.reset(sql);
    other.reset(sql);
    awaitListeners(2);
  }

  private static Node.Builder node(String on) {
    return Node.on(on, webhook.url()).with("dispatch.idle-wait", LONG);
  }

  @Test
  void should_wake_another_node_for_what_this_one_does_not_take() {
    one.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
    assertDelivered(one.api(), "for the other");
    assertDelivered(one.api(), "for the other, too");

    other.api().post("/api/v1/routes/deliver-message/stop", null).expect(200);
    one.api().post("/api/v1/routes/dispatch-tick/start", null).expect(200);
    assertDelivered(other.api(), "for the first");
  }

  @Test
  void should_hear_again_after_its_connection_was_ended() {
    try (CapturedLog log = new CapturedLog()) {
      one.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      double claimed = other.metric("herald_messages_claimed_total");
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
      assertDelivered(one.api(), "afterwards");
      assertDelivered(one.api(), "afterwards, too");
      assertThat(other.metric("herald_messages_claimed_total")).isEqualTo(claimed + 2);
      assertThat(log.lines())
          .as("it is replaced at once, and nobody misses it")
          .noneMatch(line -> line.startsWith("WARN"));
    }
  }

  @Test
  void should_wake_the_other_nodes_when_delivery_is_started() {
    one.api().post("/api/v1/scheduler/stop", null).expect(200);
    one.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
    double claims = other.metric("herald_claims_total");
    String id = one.api().create("waits");
    await().until(() -> other.metric("herald_claims_total") > claims);
    assertThat(one.api().status(id)).isEqualTo("PENDING");

    one.api().post("/api/v1/scheduler/start", null).expect(200);
    await().untilAsserted(() -> assertThat(one.api().status(id)).isEqualTo("SENT"));
  }

  @Test
  void should_notify_once_a_group_and_only_of_what_is_due_and_not_taken() throws SQLException {
    other.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
    try (Connection raw = sql.connect();
        Statement statement = raw.createStatement()) {
      Api api = one.api();
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
  void should_notify_of_what_waits_for_a_claim_route_that_a_reload_left_stopped(
      @TempDir Path folder) throws IOException, SQLException {
    String own = Local.servers().newDatabase();
    EditedRoutes routes = EditedRoutes.in(folder);
    try (Node edited =
            node(own).with("camel.main.routes-include-pattern", routes.pattern()).start();
        Connection raw = new Sql(own).connect();
        Statement statement = raw.createStatement()) {
      statement.execute("LISTEN herald_due");
      edited.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      routes.before("dispatch.camel.yaml", "- route:", "# edited\n");
      edited.api().post("/api/v1/flow/reload", null).expect(200);
      edited.api().create("for another");
      assertThat(heard(raw)).isEqualTo(1);
    }
  }

  @Test
  void should_neither_notify_nor_listen_with_paced_sending() throws SQLException {
    String own = Local.servers().newDatabase();
    Sql there = new Sql(own);
    try (Node paced = node(own).with("dispatch.interval", "1h").start();
        Connection raw = there.connect();
        Statement statement = raw.createStatement()) {
      statement.execute("LISTEN herald_due");
      paced.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      paced.api().create("for the next turn");
      assertThat(heard(raw)).isZero();
      assertThat(there.number("SELECT count(*) " + LISTENERS)).isZero();
    }
  }

  private static void assertDelivered(Api api, String content) {
    String id = api.create(content);
    await().untilAsserted(() -> assertThat(api.status(id)).isEqualTo("SENT"));
  }

  private static void awaitListeners(int count) {
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
