package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.store.Statements;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An edit of the flow goes live without a restart, or is refused and changes nothing. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class FlowReloadIT {
  private static final String SECRET = "a-provider-key-that-nobody-may-see";
  private static final String SEND = "        - to:\n            id: http-send-message\n";

  private record WrongStatement(String route, String file, String from, String to, String fault) {}

  private static final List<WrongStatement> WRONG_STATEMENTS =
      List.of(
          wrong(
              "intake insert-messages.sql",
              "WHERE first_id IS NULL OR",
              "WHERE false AND",
              "does not store a message; it must"),
          wrong(
              "intake insert-messages.sql",
              "greatest(send_at, now())",
              "now() + interval '1 h'",
              "stores a message that nobody claims"),
          wrong(
              "intake insert-messages.sql",
              "        send_at, expires_at, reference,",
              "        send_at, CASE WHEN expires_at IS NULL THEN expires_at END, reference,",
              "does not keep when a message expires"),
          wrong(
              "intake insert-messages.sql",
              "reference, metadata::json\n",
              "reference, NULL::json\n",
              "does not keep the client's own words"),
          wrong(
              "intake insert-messages.sql",
              "SELECT id, created_at FROM stored",
              "SELECT created_at FROM stored",
              "does not return what it stored"),
          wrong(
              "intake insert-messages.sql",
              "'PENDING', count(*)",
              "'SENT', count(*)",
              "does not count the change"),
          wrong(
              "intake insert-messages.sql",
              "first_id IN (SELECT id FROM fresh)",
              "true",
              "stores a message again whose Idempotency-Key is known"),
          wrong(
              "dispatch claim-due.sql",
              "AND EXISTS (SELECT FROM allowed)",
              "AND EXISTS (SELECT FROM allowed) AND false",
              "does not claim a message that is due"),
          wrong(
              "dispatch claim-due.sql",
              "AND EXISTS (SELECT FROM allowed)",
              "",
              "claims while delivery is stopped"),
          wrong(
              "dispatch claim-due.sql",
              "AND (lease_until IS NULL OR lease_until <= now())",
              "",
              "takes a message that another claim holds"),
          wrong(
              "dispatch claim-due.sql",
              "AND (lease_until IS NULL OR lease_until <= now())",
              "AND lease_until IS NULL",
              "does not claim a message whose lease ran out"),
          wrong(
              "dispatch claim-due.sql",
              "UPDATE message m\nSET claim_id = :#${variable.claim.id}, lease_until = now() + :#${variable.claim.leaseMs} * interval '1 ms', attempts",
              "UPDATE message m\nSET changed_by = left(:#${variable.claim.id}::text || :#${variable.claim.leaseMs}, 0), attempts",
              "does not lease the message that it claims"),
          wrong(
              "dispatch claim-due.sql",
              "now() + :#${variable.claim.leaseMs} *",
              "now() + 0 * :#${variable.claim.leaseMs} *",
              "does not lease the message that it claims"),
          wrong(
              "dispatch claim-due.sql",
              "due.claim_id IS NOT NULL AS orphan",
              "false AS orphan",
              "does not return the message that it claims as it is now"),
          wrong(
              "dispatch claim-due.sql",
              "m.max_attempts, m.correlation_id",
              "m.correlation_id",
              "fails when it is run"),
          wrong(
              "dispatch claim-due.sql",
              "WHERE claim_id IS NOT NULL\n    ON",
              "WHERE false\n    ON",
              "forgets that a message whose lease ran out may have been sent"),
          wrong(
              "record record-outcomes.sql",
              "WHERE m.id = o.id AND",
              "WHERE false AND m.id = o.id AND",
              "does not record that a message was sent"),
          wrong(
              "record record-outcomes.sql",
              "AND m.claim_id = o.claim_id",
              "",
              "records the outcome of a message that another claim holds"),
          wrong(
              "record record-outcomes.sql",
              "coalesce(now() + o.wait_ms * interval '1 ms', m.next_attempt_at)",
              "m.next_attempt_at",
              "does not record that a message was not sent"),
          wrong(
              "record record-outcomes.sql",
              "array_agg(position) AS positions",
              "NULL::bigint[] AS positions",
              "does not return what it recorded"),
          wrong(
              "dispatch give-back-claims.sql",
              "WHERE m.id = lost.id",
              "WHERE false",
              "does not give back a message of a lost claim"),
          wrong(
              "dispatch give-back-claims.sql",
              "WHERE claim_id = ANY (:#${variable.lost}::uuid[])",
              "WHERE (true OR claim_id = ANY (:#${variable.lost}::uuid[]))",
              "gives back a message that another claim holds"),
          wrong(
              "messages retry-message.sql",
              "attempts = 0, ",
              "",
              "does not make a FAILED message due"),
          wrong(
              "messages cancel-message.sql",
              "SET status = 'CANCELLED'",
              "SET status = 'PENDING'",
              "does not cancel a pending message"),
          wrong(
              "mass-actions retry-messages.sql",
              "FROM due HAVING count(*) > 0",
              "FROM due HAVING count(*) > 9",
              "does not count the change"),
          wrong(
              "mass-actions retry-messages.sql",
              "attempts = 0, ",
              "",
              "does not make FAILED messages due"),
          wrong(
              "mass-actions cancel-messages.sql",
              "m.claim_id IS NULL",
              "true",
              "violates check constraint"),
          wrong(
              "mass-actions cancel-messages.sql",
              "SET status = 'CANCELLED'",
              "SET status = 'PENDING'",
              "does not cancel pending messages"),
          wrong(
              "messages update-message.sql",
              "AND m.claim_id IS NULL",
              "",
              "changes a message that a claim holds"),
          wrong(
              "messages update-message.sql",
              "m.status = 'PENDING' AND",
              "m.status = 'SENT' AND",
              "does not change a pending message"),
          wrong(
              "housekeeping expire-messages.sql",
              "AND expires_at <= now()",
              "AND expires_at > now()",
              "does not expire a message"),
          wrong(
              "housekeeping remove-finished.sql",
              "status IN ('FAILED', 'CANCELLED', 'EXPIRED')",
              "status <> 'UNKNOWN'",
              "removes a message that is PENDING"),
          wrong(
              "control switch-scheduler.sql",
              "WHERE current.running <>",
              "WHERE current.running =",
              "does not switch delivery"));

  private static WrongStatement wrong(String where, String from, String to, String fault) {
    String[] parts = where.split(" ");
    return new WrongStatement(parts[0], parts[1], from, to, fault);
  }

  @TempDir static Path folder;
  private static SampleWebhook webhook;
  private static EditedRoutes routes;
  private static Node node;
  private static Api api;
  private static Sql sql;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    routes = EditedRoutes.in(folder);
    node =
        Node.on(database, webhook.url())
            .with("camel.main.routes-include-pattern", routes.pattern())
            .with("webhook.auth-value", SECRET)
            .with("webhook.timeout", "500ms")
            .with("webhook.connect-timeout", "500ms")
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @AfterEach
  void putBack() throws IOException {
    routes.restore();
    webhook.answer(post -> Answer.accepted());
    api.post("/api/v1/flow/reload", null).expect(200);
    node.reset(sql);
    webhook.forget();
  }

  @Test
  void should_show_the_files_that_run() {
    JsonNode flow = api.get("/api/v1/flow").expect(200).body();
    assertThat(flow.path("digest").asText()).matches("[0-9a-f]{64}");
    JsonNode deliver = file(flow, "deliver.camel.yaml");
    assertThat(deliver.path("digest").asText()).matches("[0-9a-f]{64}");
    assertThat(Instant.parse(deliver.path("loadedAt").asText())).isBefore(Instant.now());
    assertThat(deliver.path("routes")).hasSize(1);
    assertThat(deliver.at("/routes/0").asText()).isEqualTo("deliver-message");
    JsonNode statement = file(flow, "sql/claim-due.sql");
    assertThat(statement.at("/routes/0").asText()).isEqualTo("dispatch-batch");
  }

  @Test
  void should_check_the_files_on_disk_and_change_nothing() throws IOException {
    assertThat(api.post("/api/v1/flow/check", null).expect(200).body().path("changed")).isEmpty();
    edit("deliver", SEND, header("X-New", "1") + SEND);
    Files.writeString(folder.resolve("own.camel.yaml"), own("own", "hello"));
    JsonNode changed = api.post("/api/v1/flow/check", null).expect(200).body().path("changed");
    assertThat(changed).hasSize(2);
    assertThat(changed.path(0).asText()).endsWith("/deliver.camel.yaml");
    assertThat(changed.path(1).asText()).endsWith("/own.camel.yaml");
    assertThat(states()).doesNotContainKey("own");
    send("after the check");
    assertThat(webhook.posts().get(0).headers().contains("X-New")).isFalse();
  }

  @Test
  void should_answer_a_check_with_every_fault() throws IOException {
    edit("deliver", "ref: payload", "ref: payloda");
    edit("messages", "sql/get-message.sql", "sql/get-mesage.sql");
    Api.Answer refused = api.post("/api/v1/flow/check", null).expect(422);
    assertThat(refused.text("/type")).endsWith(":flow-refused");
    JsonNode faults = refused.body().path("faults");
    assertThat(faults).hasSize(2);
    assertThat(faults.at("/0/file").asText()).endsWith("/deliver.camel.yaml");
    assertThat(faults.at("/0/line").asInt()).isEqualTo(17);
    assertThat(faults.at("/0/detail").asText()).contains("payloda");
    assertThat(faults.at("/1/detail").asText()).contains("sql/get-mesage.sql");
  }

  @Test
  void should_ask_postgresql_about_a_statement() throws IOException {
    Path statement = folder.resolve("get-message.sql");
    Files.writeString(statement, "SELECT nothing FROM message WHERE id = :#${variable.id}::uuid");
    edit("messages", "sql/get-message.sql", statement.toString());
    JsonNode fault = api.post("/api/v1/flow/check", null).expect(422).body().at("/faults/0");
    assertThat(fault.path("file").asText()).endsWith("get-message.sql");
    assertThat(fault.path("detail").asText())
        .contains("PostgreSQL refuses it: ERROR: column \"nothing\" does not exist");
  }

  /**
   * Each is an edit that PostgreSQL accepts, and after which nothing, or the wrong thing, happens.
   */
  @Test
  void should_refuse_a_statement_that_does_the_wrong_thing() throws IOException {
    List<WrongStatement> left = new ArrayList<>(WRONG_STATEMENTS);
    while (!left.isEmpty()) {
      Map<String, WrongStatement> now = new TreeMap<>();
      for (WrongStatement wrong : left) {
        // What is not stored cannot be claimed: the others are not tried with it.
        if (now.isEmpty() || !left.get(0).route().equals("intake")) {
          now.putIfAbsent(wrong.file(), wrong);
        }
      }
      left.removeAll(now.values());
      routes.restore();
      for (WrongStatement wrong : now.values()) {
        Files.deleteIfExists(folder.resolve(wrong.file()));
        edited(wrong.route(), wrong.file(), wrong.from(), wrong.to());
      }
      JsonNode faults = api.post("/api/v1/flow/check", null).body().path("faults");
      assertThat(faults)
          .as(now.toString())
          .hasSize(now.size())
          .allSatisfy(
              fault -> {
                Path file = Path.of(fault.path("file").asText()).getFileName();
                assertThat(fault.path("detail").asText())
                    .contains(now.get(file.toString()).fault());
              });
    }
    assertThat(sql.number("SELECT count(*) FROM message")).isZero();
    assertThat(sql.number("SELECT count(*) FROM message_tally")).isZero();
    assertThat(sql.value("SELECT running FROM scheduler")).isEqualTo("t");
  }

  @Test
  void should_run_statements_on_a_sample_while_every_row_of_the_tables_is_locked()
      throws SQLException {
    sql.update("UPDATE scheduler SET running = false");
    sql.update(
        "INSERT INTO message (phone_number, content, max_attempts, id) SELECT '+1', '', 3, gen_random_uuid()");
    try (Connection other = sql.connect();
        Statement locks = other.createStatement()) {
      other.setAutoCommit(false);
      locks.execute("SELECT 1 FROM scheduler, delivery_rate, message FOR UPDATE");
      api.post("/api/v1/flow/check", null).expect(200);
    }
    assertThat(sql.number("SELECT count(*) FROM message WHERE claim_id IS NULL")).isEqualTo(1);
  }

  /** Then the rest would run on the real tables. */
  @Test
  void should_try_no_more_when_a_statement_ends_the_transaction() throws IOException {
    edited(
        "intake",
        "insert-messages.sql",
        "LEFT JOIN notified ON true",
        "LEFT JOIN notified ON true; COMMIT");
    try (CapturedLog log = new CapturedLog()) {
      api.post("/api/v1/flow/check", null);
      assertThat(log.lines()).anyMatch(line -> line.contains("not tried on a sample message"));
    }
    assertThat(sql.number("SELECT count(*) FROM message")).isZero();
  }

  @Test
  void should_accept_a_statement_that_does_the_same_and_more() throws IOException {
    edited(
        "intake",
        "insert-messages.sql",
        "SELECT id, created_at",
        "SELECT 1 AS more, id, created_at");
    edited("dispatch", "claim-due.sql", "RETURNING m.id", "-- mine\nRETURNING 1 AS more, m.id");
    edited(
        "dispatch",
        "claim-due.sql",
        "ORDER BY next_attempt_at, id\n        LIMIT",
        "ORDER BY length(content), id\n        LIMIT");
    edited("record", "record-outcomes.sql", "SELECT now() AS at", "SELECT 1 AS more, now() AS at");
    edited("messages", "retry-message.sql", "SELECT *,", "SELECT 1 AS more, *,");
    sql.update("ALTER TABLE message ADD COLUMN IF NOT EXISTS mine text DEFAULT 'x'");
    api.post("/api/v1/flow/check", null).expect(200);
    api.post("/api/v1/flow/reload", null).expect(200);
    send("by edited statements");
    sql.update("ALTER TABLE message DROP COLUMN mine");
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void edited(String route, String file, String from, String to) throws IOException {
    Path statement = folder.resolve(file);
    if (Files.notExists(statement)) {
      Files.writeString(
          statement, Statements.compose(read(Path.of("sql", file)), part -> read(Path.of(part))));
      edit(route, "sql/" + file, statement.toString());
    }
    String text = Files.readString(statement);
    assertThat(text).contains(from);
    Files.writeString(statement, text.replace(from, to));
  }

  @Test
  void should_show_the_post_that_an_edit_would_make_and_send_nothing() throws IOException {
    edit("deliver", SEND, header("X-New", "1") + SEND);
    JsonNode post =
        api.post(
                "/api/v1/flow/try",
                Map.of("phoneNumber", "+90 555 123 45 67", "content", "Merhaba \u20ac"))
            .expect(200)
            .body();
    assertThat(post.path("method").asText()).isEqualTo("POST");
    assertThat(post.path("url").asText()).isEqualTo(webhook.url());
    assertThat(post.at("/headers/X-New").asText()).isEqualTo("1");
    assertThat(post.at("/headers/Authorization").asText()).isEqualTo("***");
    assertThat(post.at("/headers/Idempotency-Key").asText())
        .isEqualTo("00000000-0000-0000-0000-000000000001");
    assertThat(post.at("/headers/Content-Type").asText()).startsWith("application/json");
    assertThat(post.path("body").asText())
        .isEqualTo("{\"to\":\"+905551234567\",\"content\":\"Merhaba \u20ac\"}");
    assertThat(post.toString()).doesNotContain(SECRET);
    assertThat(webhook.posts()).isEmpty();
    assertThat(sql.number("SELECT count(*) FROM message")).isZero();
  }

  @Test
  void should_try_with_statements_that_read_and_without_those_that_write() throws IOException {
    sql.update("CREATE TABLE IF NOT EXISTS customer (phone_number text, name text)");
    sql.update("TRUNCATE customer");
    sql.update("INSERT INTO customer VALUES ('+905551234567', 'Ada')");
    Path reads = folder.resolve("customer.sql");
    Path writes = folder.resolve("note.sql");
    Files.writeString(
        reads, "SELECT name FROM customer WHERE phone_number = :#${variable.message.phoneNumber}");
    Files.writeString(writes, "INSERT INTO customer VALUES ('+1', 'noted')");
    edit(
        "deliver",
        "      steps:\n",
        """
              steps:
                - to: {id: note, uri: "sql:file:%s", variableReceive: noted}
                - to: {id: look-up, uri: "sql:file:%s", parameters: {outputType: SelectOne}, variableReceive: customer}
                - setHeader: {name: X-Customer, expression: {simple: {expression: "${variable.customer}"}}}
        """
            .formatted(writes, reads));
    JsonNode post = api.post("/api/v1/flow/try", Api.message("hello")).expect(200).body();
    assertThat(post.at("/headers/X-Customer").asText()).isEqualTo("Ada");
    assertThat(post.path("notCalled")).hasSize(1);
    assertThat(post.at("/notCalled/0").asText()).isEqualTo("sql:file:" + writes);
    assertThat(sql.number("SELECT count(*) FROM customer")).isEqualTo(1);
  }

  @Test
  void should_refuse_a_message_to_try_as_it_refuses_one_to_send() {
    api.post("/api/v1/flow/try", Map.of("phoneNumber", "12", "content", "x")).expect(422);
    api.post("/api/v1/flow/try", Map.of("phoneNumber", "+905551234567")).expect(422);
  }

  @Test
  void should_swap_an_edit_and_say_who_did_it() throws IOException {
    send("before");
    String before = api.get("/api/v1/flow").expect(200).text("/digest");
    edit("deliver", SEND, header("X-New", "1") + SEND);
    try (CapturedLog log = new CapturedLog()) {
      JsonNode changed = api.post("/api/v1/flow/reload", null).expect(200).body().path("changed");
      assertThat(changed).hasSize(1);
      assertThat(log.lines())
          .anyMatch(
              line ->
                  line.matches(
                      "(?s).*Key default \\([0-9a-f]{8}\\) reloaded .*deliver.camel.yaml in \\d+ ms.*"));
    }
    send("after");
    assertThat(webhook.posts().get(0).headers().contains("X-New")).isFalse();
    assertThat(webhook.posts().get(1).headers().get("X-New")).isEqualTo("1");
    JsonNode flow = api.get("/api/v1/flow").expect(200).body();
    assertThat(flow.path("digest").asText()).isNotEqualTo(before);
    JsonNode deliver = file(flow, "deliver.camel.yaml");
    assertThat(node.scrape())
        .contains(
            "herald_flow_loaded_timestamp_seconds{digest=\""
                + deliver.path("digest").asText().substring(0, 12)
                + "\",file=\""
                + deliver.path("file").asText());
  }

  @Test
  void should_refuse_a_bad_edit_say_why_and_go_on() throws IOException {
    String before = api.get("/api/v1/flow").expect(200).text("/digest");
    edit("deliver", "ref: payload", "ref: payloda");
    try (CapturedLog log = new CapturedLog()) {
      api.post("/api/v1/flow/reload", null).expect(422);
      assertThat(log.lines())
          .anyMatch(
              line ->
                  line.contains("Key default (")
                      && line.contains(") asked for a reload of")
                      && line.contains("which was refused; the flow goes on as it was:")
                      && line.contains("payloda"));
    }
    assertThat(api.get("/api/v1/flow").expect(200).text("/digest")).isEqualTo(before);
    assertThat(node.metric("herald_flow_refused")).isEqualTo(1);
    send("still the old flow");
    routes.restore();
    api.post("/api/v1/flow/reload", null).expect(200);
    assertThat(node.metric("herald_flow_refused")).isZero();
  }

  @Test
  void should_add_routes_and_remove_those_that_left_their_file() throws IOException {
    Path file = folder.resolve("own.camel.yaml");
    Files.writeString(file, own("own-a", "a") + own("own-b", "b"));
    api.post("/api/v1/flow/reload", null).expect(200);
    assertThat(states()).containsEntry("own-a", "Started").containsEntry("own-b", "Started");
    Files.writeString(file, own("own-b", "b"));
    api.post("/api/v1/flow/reload", null).expect(200);
    assertThat(states()).doesNotContainKey("own-a").containsKey("own-b");
    Files.delete(file);
    api.post("/api/v1/flow/reload", null).expect(200);
    assertThat(states()).doesNotContainKeys("own-a", "own-b");
  }

  @Test
  void should_leave_stopped_what_an_operator_had_stopped() throws IOException {
    Files.writeString(folder.resolve("own.camel.yaml"), own("own", "a"));
    api.post("/api/v1/flow/reload", null).expect(200);
    api.post("/api/v1/routes/own/stop", null).expect(200);
    api.post("/api/v1/routes/deliver-message/stop", null).expect(200);
    api.post("/api/v1/routes/ping-redis/stop", null).expect(200);
    Files.writeString(folder.resolve("own.camel.yaml"), own("own", "b"));
    edit("deliver", SEND, header("X-New", "1") + SEND);
    api.post("/api/v1/flow/reload", null).expect(200);
    assertThat(states())
        .containsEntry("own", "Stopped")
        .containsEntry("deliver-message", "Stopped")
        .containsEntry("ping-redis", "Stopped")
        .containsEntry("dispatch-tick", "Started");
    String id = api.create("held back");
    await().during(java.time.Duration.ofMillis(300)).until(() -> api.status(id).equals("PENDING"));
    assertThat(webhook.posts()).isEmpty();
    api.post("/api/v1/routes/deliver-message/start", null).expect(200);
    await().until(() -> api.status(id).equals("SENT"));
    assertThat(webhook.posts().get(0).headers().get("X-New")).isEqualTo("1");
  }

  @Test
  void should_do_what_an_edit_of_auto_startup_says() throws IOException {
    edit("record", "    id: ping-redis\n", "    id: ping-redis\n    autoStartup: false\n");
    api.post("/api/v1/flow/reload", null).expect(200);
    assertThat(states()).containsEntry("ping-redis", "Stopped");
    routes.restore();
    api.post("/api/v1/flow/reload", null).expect(200);
    assertThat(states()).containsEntry("ping-redis", "Started");
  }

  @Test
  void should_swap_a_statement() throws IOException {
    Path statement = folder.resolve("get-message.sql");
    String text = Files.readString(Path.of("sql/get-message.sql"));
    Files.writeString(statement, text);
    edit("messages", "sql/get-message.sql", statement.toString());
    api.post("/api/v1/flow/reload", null).expect(200);
    String id = api.create("hello");
    await().until(() -> api.status(id).equals("SENT"));
    Files.writeString(statement, text.stripTrailing() + " AND status = 'CANCELLED'\n");
    JsonNode changed = api.post("/api/v1/flow/reload", null).expect(200).body().path("changed");
    assertThat(changed.path(0).asText()).endsWith("get-message.sql");
    api.get("/api/v1/messages/" + id).expect(404);
    Files.writeString(statement, text);
    api.post("/api/v1/flow/reload", null).expect(200);
    api.get("/api/v1/messages/" + id).expect(200);
  }

  @Test
  void should_refuse_what_only_a_restart_can_change() throws IOException {
    edit("errors", "Log a failed claim", "Log each failed claim");
    edit("flow", "Swap what changed", "Swap all that changed");
    edit("api", "- rest:", "# a comment\n- rest:");
    JsonNode faults = api.post("/api/v1/flow/reload", null).expect(422).body().path("faults");
    assertThat(faults).hasSize(3);
    assertThat(faults)
        .allSatisfy(fault -> assertThat(fault.path("detail").asText()).contains("restart"));
  }

  @Test
  void should_give_up_when_work_in_flight_does_not_end() throws IOException {
    Path file = folder.resolve("own.camel.yaml");
    String slow =
        own("own", "a")
            .replace("- log:", "- delay: {constant: {expression: \"8000\"}}\n        - log:");
    Files.writeString(file, slow);
    api.post("/api/v1/flow/reload", null).expect(200);
    await().until(() -> inFlight("own") == 1);
    Files.writeString(file, own("own", "b"));
    Api.Answer busy = api.post("/api/v1/flow/reload", null).expect(409);
    assertThat(busy.text("/detail"))
        .contains("what route own had in flight did not end in time; try again later");
    assertThat(states()).containsEntry("own", "Started").containsEntry("dispatch-tick", "Started");
    send("delivery goes on");
    api.post("/api/v1/routes/own/stop", null); // waits; the delay ends with the route's stop
  }

  /**
   * The old flow is back although the new one passed the check: its file consumer finds no folder.
   */
  @Test
  void should_put_back_the_old_flow_when_the_new_one_cannot_run() throws IOException {
    String before = api.get("/api/v1/flow").expect(200).text("/digest");
    edit("deliver", SEND, header("X-New", "1") + SEND);
    Files.writeString(
        folder.resolve("own.camel.yaml"),
        own("own", "a")
            .replace(
                "uri: timer:own",
                "uri: file:"
                    + folder
                    + "/missing\n      parameters: {autoCreate: false, startingDirectoryMustExist: true}")
            .replaceFirst("\n      parameters: \\{period: 1000}", ""));
    Api.Answer refused = api.post("/api/v1/flow/reload", null).expect(422);
    assertThat(refused.text("/faults/0/detail"))
        .contains("passed the check, but the routes could not be put in place");
    assertThat(api.get("/api/v1/flow").expect(200).text("/digest")).isEqualTo(before);
    assertThat(states()).doesNotContainKey("own").containsEntry("deliver-message", "Started");
    send("the old flow");
    assertThat(webhook.posts().get(0).headers().contains("X-New")).isFalse();
    assertThat(api.get("/health").expect(200).text("/checks/flow/status")).isEqualTo("UP");
  }

  private void send(String content) {
    String id = api.create(content);
    await().until(() -> api.status(id).equals("SENT"));
  }

  private static int inFlight(String route) {
    return StreamSupport.stream(
            api.get("/api/v1/routes").expect(200).body().path("items").spliterator(), false)
        .filter(one -> one.path("id").asText().equals(route))
        .mapToInt(one -> one.path("exchangesInflight").asInt())
        .sum();
  }

  private static Map<String, String> states() {
    Map<String, String> states = new TreeMap<>();
    api.get("/api/v1/routes")
        .expect(200)
        .body()
        .path("items")
        .forEach(route -> states.put(route.path("id").asText(), route.path("state").asText()));
    return states;
  }

  private static JsonNode file(JsonNode flow, String name) {
    return StreamSupport.stream(flow.path("files").spliterator(), false)
        .filter(file -> file.path("file").asText().endsWith(name))
        .findFirst()
        .orElseThrow();
  }

  private static String own(String id, String text) {
    return """
        - route:
            id: %s
            description: A route of the operator's own
            from:
              uri: timer:%s
              parameters: {period: 1000}
              steps:
                - log: {message: "%s"}
        """
        .formatted(id, id, text);
  }

  private static String header(String name, String value) {
    return """
            - setHeader:
                name: %s
                expression: {constant: {expression: "%s"}}
    """
        .formatted(name, value);
  }

  private static void edit(String name, String from, String to) {
    routes.replace(name + ".camel.yaml", from, to);
  }
}
