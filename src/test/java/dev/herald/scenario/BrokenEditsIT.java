package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.message.ClaimedMessage;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.camel.Body;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An edit breaks the claim or the record: it shows, and no message is lost or sent twice. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class BrokenEditsIT {
  private static final String RECORD = "record.camel.yaml";

  private static final String SWALLOWS =
      """
              - doTry:
                  steps:
                    - to:
                        id: sql-record-outcomes
                        uri: sql:file:sql/record-outcomes.sql
                        parameters:
                          dataSource: "#workDataSource"
                          parametersCount: 12
                          outputType: SelectOne
                          outputClass: dev.herald.outcome.OutcomeBatch$Recorded
                    - bean: {ref: recorder, method: recorded}
                    - bean: {ref: redisFeed, method: ended}
                  doCatch:
                    - exception: [java.lang.Exception]
                      steps:
                        - log: {message: "${exception.message}"}
              - stop: {}
      """;

  private final SampleWebhook webhook = new SampleWebhook();
  private final String database = Local.servers().newDatabase();
  private final Sql sql = new Sql(database);
  private final CapturedLog log = new CapturedLog();
  private @TempDir Path folder;

  @AfterEach
  void stop() {
    log.close();
    webhook.close();
  }

  @Test
  void should_keep_outcomes_though_the_route_handles_the_failure_of_their_record()
      throws IOException {
    EditedRoutes routes = EditedRoutes.in(folder);
    String text = Files.readString(folder.resolve(RECORD));
    int from = text.indexOf("        - to:\n            id: sql-record-outcomes");
    int to = text.indexOf("        - filter:\n            description: Redis gets no message");
    routes.add(RECORD, text.substring(0, from) + SWALLOWS + text.substring(to));
    webhook.answer(post -> Answer.accepted().after(600));
    try (TcpProxy cable = TcpProxy.of(database);
        Node node =
            Node.on(cable.by(database), webhook.url())
                .with("camel.main.routes-include-pattern", routes.pattern())
                .with("webhook.timeout", "900ms")
                .with("webhook.connect-timeout", "500ms")
                .with("dispatch.lease", "3s")
                .with("database.timeout", "1s")
                .start()) {
      List<String> ids = node.api().createMany(10);
      await().until(() -> webhook.posts().size() == 10);
      cable.refuse();
      await()
          .until(() -> sql.number("SELECT count(*) FROM message WHERE lease_until <= now()") == 10);
      cable.restore();
      await().until(() -> sql.number("SELECT count(*) FROM message WHERE status = 'SENT'") == 10);
      assertThat(webhook.posts().stream().map(Post::idempotencyKey))
          .containsExactlyInAnyOrderElementsOf(ids);
      assertThat(log.lines())
          .filteredOn(line -> line.contains("Route record-outcomes ended without calling bean"))
          .hasSize(1);
    }
  }

  @Test
  void should_give_back_what_an_edited_claim_cannot_read_and_go_on_when_it_is_mended()
      throws IOException {
    EditedRoutes routes = EditedRoutes.in(folder);
    Path dispatch = folder.resolve("dispatch.camel.yaml");
    String right = Files.readString(dispatch);
    Files.writeString(
        dispatch,
        right.replace(
            "        - bean:\n            description: Count the claimed",
            "        - bean: {beanType: %s, method: asMaps}\n        - bean:\n            description: Count the claimed"
                .formatted(BrokenEditsIT.class.getName())));
    try (Node node = node(routes)) {
      List<String> ids = node.api().createMany(10);
      await()
          .untilAsserted(
              () ->
                  assertThat(log.lines())
                      .anyMatch(line -> line.contains("sql-claim-due needs outputClass"))
                      .anyMatch(line -> line.contains("10 messages of claims whose answers")));
      assertThat(node.api().get("/api/v1/messaging/status").text("/node/claimed")).isEqualTo("0");
      Files.writeString(dispatch, right);
      node.api().post("/api/v1/flow/reload", null).expect(200);
      await().until(() -> sql.number("SELECT count(*) FROM message WHERE status = 'SENT'") == 10);
      assertThat(webhook.posts().stream().map(Post::idempotencyKey))
          .containsExactlyInAnyOrderElementsOf(ids);
      assertThat(sql.number("SELECT sum(attempts) FROM message")).isEqualTo(10);
    }
  }

  @Test
  void should_claim_on_though_an_edit_keeps_messages_from_the_gate() throws IOException {
    EditedRoutes routes = EditedRoutes.in(folder);
    Path dispatch = folder.resolve("dispatch.camel.yaml");
    Files.writeString(
        dispatch,
        Files.readString(dispatch)
            .replace(
                "simple: {expression: \"${body}\"}}\n            parallel",
                "method: {beanType: %s, method: kept}}\n            parallel"
                    .formatted(BrokenEditsIT.class.getName())));
    try (Node node = node(routes)) {
      node.api().createMany(1_000);
      String id = node.api().create("keep me");
      await().untilAsserted(() -> assertThat(node.api().status(id)).isEqualTo("SENT"));
      assertThat(webhook.posts()).hasSize(1);
      assertThat(node.api().get("/api/v1/messaging/status").text("/node/claimed")).isEqualTo("0");
      assertThat(log.lines())
          .anyMatch(line -> line.contains("messages were claimed and did not pass bean gate"));
    }
  }

  /** A check lets nothing in, and so starts no consumer. */
  @Test
  void should_say_in_one_sentence_which_route_cannot_start() {
    EditedRoutes routes =
        EditedRoutes.in(folder)
            .add(
                "mine.camel.yaml",
                """
                # Nothing comes in from there.
                - route:
                    id: mine
                    from: {uri: "http:localhost:9/mine", steps: [{log: {message: never}}]}
                """);
    assertThatThrownBy(() -> node(routes)).hasMessageContaining("the node did not start");
    assertThat(log.lines())
        .anyMatch(
            line ->
                line.contains("/mine.camel.yaml:2: route mine cannot start: ")
                    && !line.contains("\tat "));
  }

  /** Of an operator: only some messages are to be delivered. */
  public static List<ClaimedMessage> kept(@Body List<ClaimedMessage> messages) {
    return messages.stream()
        .filter(message -> isSample(message) || message.content().equals("keep me"))
        .toList();
  }

  /** Of an operator: the messages in another form, which the sample of a check does not show. */
  public static List<?> asMaps(@Body List<ClaimedMessage> messages) {
    return messages.stream()
        .map(message -> isSample(message) ? message : Map.of("id", message.id()))
        .toList();
  }

  private static boolean isSample(ClaimedMessage message) {
    return message.content().equals("A sample message");
  }

  private Node node(EditedRoutes routes) {
    return Node.on(database, webhook.url())
        .with("camel.main.routes-include-pattern", routes.pattern())
        .start();
  }
}
