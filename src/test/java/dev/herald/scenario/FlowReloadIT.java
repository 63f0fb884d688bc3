package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
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
              line -> line.matches("(?s).*Key default reloaded .*deliver.camel.yaml in \\d+ ms.*"));
    }
    send("after");
    assertThat(webhook.posts().get(0).headers().contains("X-New")).isFalse();
    assertThat(webhook.posts().get(1).headers().get("X-New")).isEqualTo("1");
    JsonNode flow = api.get("/api/v1/flow").expect(200).body();
    assertThat(flow.path("digest").asText()).isNotEqualTo(before);
    JsonNode deliver = file(flow, "deliver.camel.yaml");
    assertThat(node.scrape())
        .contains(
            "herald_flow_loaded_seconds{digest=\""
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
                  line.contains("Key default asked for a reload of")
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
    Map<String, String> states = new java.util.TreeMap<>();
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
