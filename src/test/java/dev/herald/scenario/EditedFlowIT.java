package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.message.ClaimedMessage;
import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.apache.camel.Variable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Routes that an operator wrote are treated like Herald's own. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class EditedFlowIT {
  private static final String OWN =
      """
      - route:
          id: look-up-tariff
          group: delivery
          description: A route of the operator's own on the way to the provider
          routeConfigurationId: propagate-errors
          from:
            uri: direct:look-up-tariff
            steps:
              - setHeader: {name: X-Tariff, expression: {constant: {expression: "night"}}}
      - route:
          id: getContract
          group: api
          description: An answer in a form of its own
          from:
            uri: direct:getContract
            steps:
              - setBody: {expression: {constant: {expression: "openapi: see the docs"}}}
              - setHeader: {name: Content-Type, expression: {constant: {expression: text/plain}}}
              - setHeader: {name: CamelHttpResponseCode, expression: {constant: {expression: "203"}}}
      - route:
          id: listRoutes
          group: api
          description: An answer that cannot be written
          from:
            uri: direct:listRoutes
            steps:
              - setBody: {expression: {simple: {expression: "${ref:newMessages}"}}}
      """;

  private static final String FAILING_AFTER_THE_ANSWER =
      """
      - filter:
          simple: "${variable.message.content} == 'too many'"
          steps:
            - throwException: {exceptionType: java.lang.IllegalStateException, message: edited badly}
      """;

  /** Each fails, and libraries quote what they choke on. */
  private static final String FAILING_BEFORE_THE_POST =
      """
      - choice:
          when:
            - simple: "${variable.message.content} starts with 'simple '"
              steps:
                - setHeader: {name: X-Title, expression: {simple: {expression: "${variable.message.content.title}"}}}
            - simple: "${variable.message.content} starts with 'number '"
              steps:
                - setBody: {expression: {simple: {expression: "${variable.message.content}"}}}
                - convertBodyTo: {type: java.lang.Integer}
            - simple: "${variable.message.content} starts with 'json '"
              steps:
                - setBody: {expression: {simple: {expression: "${variable.message.content}"}}}
                - unmarshal: {json: {library: Jackson}}
            - simple: "${variable.message.content} starts with 'bean '"
              steps:
                - bean: {id: check-tariff, beanType: dev.herald.scenario.EditedFlowIT, method: quotes}
            - simple: "${variable.message.content} starts with 'throw '"
              steps:
                - throwException:
                    exceptionType: java.lang.IllegalStateException
                    message: "no tariff for ${variable.message.content} to ${variable.message.phoneNumber}"
            - simple: "${variable.message.content} starts with 'http '"
              steps:
                - toD: {uri: "http://127.0.0.1:9/?to=${variable.message.phoneNumber}&text=${variable.message.content}"}
            - simple: "${variable.message.content} starts with 'sql '"
              steps:
                - to: {uri: "sql:SELECT CAST(:#${variable.message.content} AS int)"}
      """;

  @TempDir static Path folder;
  private static SampleWebhook webhook;
  private static Node node;
  private static Api api;
  private static Sql sql;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    String routes =
        EditedRoutes.in(folder)
            .before(EditedRoutes.POST, FAILING_BEFORE_THE_POST.indent(8))
            .before(EditedRoutes.POST, "- to: {uri: direct:look-up-tariff}".indent(8))
            .before(EditedRoutes.LAST, FAILING_AFTER_THE_ANSWER.indent(8))
            .pattern();
    remove("getContract", folder.resolve("health.camel.yaml"));
    remove("listRoutes", folder.resolve("control.camel.yaml"));
    Files.writeString(folder.resolve("own.camel.yaml"), OWN);
    node =
        Node.on(database, webhook.url())
            .with("camel.main.routes-include-pattern", routes)
            .with("circuit.open-for", "10ms") // and so no pause for a 429
            .start();
    api = node.api();
  }

  private static void remove(String route, Path file) throws IOException {
    String text = Files.readString(file);
    int from = text.indexOf("- route:\n    id: " + route);
    int to = text.indexOf("- route:", from + 1);
    String left = text.substring(0, from) + (to < 0 ? "" : text.substring(to));
    if (left.contains("- route:")) {
      Files.writeString(file, left);
    } else {
      Files.delete(file);
    }
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @Test
  void should_claim_nothing_while_a_delivery_route_of_the_operators_own_is_stopped() {
    api.post("/api/v1/routes/look-up-tariff/stop", null).expect(200);
    List<String> ids = api.createMany(20);
    await().during(Duration.ofMillis(500)).until(() -> api.count("PENDING") == 20);
    assertThat(sql.number("SELECT count(*) FROM message WHERE claim_id IS NOT NULL")).isZero();
    assertThat(
            sql.number(
                "SELECT count(*) FROM attempt JOIN message ON message_id = id WHERE status = 'PENDING'"))
        .isZero();
    api.post("/api/v1/routes/look-up-tariff/start", null).expect(200);
    await().untilAsserted(() -> assertThat(ids).allMatch(id -> api.status(id).equals("SENT")));
    assertThat(webhook.posts()).allMatch(post -> "night".equals(post.headers().get("X-Tariff")));
  }

  @Test
  void should_wait_as_long_as_the_provider_asks_when_a_step_fails_after_its_answer() {
    webhook.answer(
        post ->
            post.content().equals("too many")
                ? SampleWebhook.Answer.status(429).withRetryAfter("1000")
                : SampleWebhook.Answer.accepted());
    String id = api.create("too many");
    JsonNode message =
        await()
            .until(
                () -> api.get("/api/v1/messages/" + id).expect(200).body(),
                shown -> shown.path("failedAttempts").size() == 1);
    assertThat(message.at("/failedAttempts/0/error").asText())
        .startsWith("the route failed after the answer")
        .contains("edited badly");
    assertThat(message.at("/failedAttempts/0/httpStatus").asInt()).isEqualTo(429);
    assertThat(
            sql.number(
                "SELECT extract(epoch FROM next_attempt_at - updated_at) FROM message WHERE id = ?::uuid",
                id))
        .isEqualTo(1000);
    api.delete("/api/v1/messages/" + id).expect(204);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          simple | setHeader | there is no method of that name
          number | convertBodyTo | a text is not a number
          json | unmarshal | a text is not JSON, at line 1, column
          bean | check-tariff | cannot send *** *** is *** to +***
          throw | throwException | no tariff for *** *** is *** to +***
          http | toD | no connection to the server that it calls
          sql | to | the database refused a statement with SQLSTATE 22P02
          """)
  void should_tell_which_step_failed_and_why_without_the_message(
      String kind, String step, String reason) {
    String id = api.create(kind + " Zanzibar is \u015fifre774411");
    JsonNode message =
        await()
            .until(
                () -> api.get("/api/v1/messages/" + id).expect(200).body(),
                shown -> shown.path("failedAttempts").size() > 0);
    await()
        .until(
            () ->
                api.delete("/api/v1/messages/" + id).status() == 204
                    || api.status(id).equals("FAILED"));
    assertThat(message.path("lastError").asText())
        .matches(
            "the route failed before the POST, at step %s of route deliver-message [(].*/deliver[.]camel[.]yaml:\\d+[)]: .*"
                .formatted(step))
        .contains("): " + reason)
        .doesNotContain("Zanzibar", "ifre", "774411", "55512345", "Exception:", "java.", "\n");
  }

  /** Of an operator: it says more than it should. */
  public static void quotes(@Variable("message") ClaimedMessage message) {
    throw new IllegalArgumentException(
        "java.lang.String: cannot send " + message.content() + " to " + message.phoneNumber());
  }

  @Test
  void should_have_no_error_of_a_message_that_was_sent_though_a_later_step_failed() {
    webhook.answer(post -> SampleWebhook.Answer.accepted());
    String id = api.create("too many");
    await().until(() -> api.status(id).equals("SENT"));
    JsonNode message = api.get("/api/v1/messages/" + id).expect(200).body();
    assertThat(message.has("lastError")).isFalse();
    assertThat(message.path("failedAttempts")).isEmpty();
    assertThat(sql.value("SELECT last_error FROM message WHERE id = ?::uuid", id)).isNull();
  }

  @Test
  void should_send_an_answer_as_the_route_wrote_it() {
    Answer answer = api.get("/openapi.json").expect(203);
    assertThat(answer.http().body()).isEqualTo("openapi: see the docs");
    assertThat(answer.http().headers().firstValue("Content-Type")).hasValue("text/plain");
  }

  @Test
  void should_answer_with_a_problem_when_an_answer_cannot_be_written() {
    Answer answer = api.get("/api/v1/routes").expect(500);
    assertThat(answer.text("/type")).endsWith(":internal");
    assertThat(answer.text("/correlationId")).isNotBlank();
  }
}
