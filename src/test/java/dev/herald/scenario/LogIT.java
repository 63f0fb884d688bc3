package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the log says, and what it must not. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class LogIT {
  private static final String OTHER_KEY = "another-key-for-tests-9876";
  private static final String SECRET = "meet me at the old mill";
  private static final String SUBSCRIBER = "5559876543";

  @Test
  void should_not_log_what_messages_say_or_to_whom() {
    String database = Local.servers().newDatabase();
    try (CapturedLog log = new CapturedLog();
        SampleWebhook webhook = new SampleWebhook();
        Node node =
            Node.on(database, webhook.url())
                .with("retry.max-attempts", 2)
                .with("circuit.minimum-calls", 1_000_000)
                .start()) {
      webhook.answer(
          post ->
              switch (post.content().substring(0, 4)) {
                case "deny" -> echo(400, post);
                case "fail" -> echo(500, post);
                case "lock" -> echo(403, post);
                case "lost" -> Answer.lost();
                default -> echo(202, post);
              });
      // PostgreSQL quotes the row that it refuses.
      Sql sql = new Sql(database);
      sql.update("ALTER TABLE message ADD CHECK (content NOT LIKE 'never %')");
      sql.update("ALTER TABLE message ADD CHECK (content NOT LIKE 'odd %' OR status <> 'SENT')");
      Api api = node.api();
      for (String kind : new String[] {"good", "deny", "fail", "lock", "lost", "odd"}) {
        api.post("/api/v1/messages", message(kind)).expect(201);
      }
      api.post("/api/v1/messages", message("never")).expect(500);
      api.post("/api/v1/messages", "{\"content\": \"" + SECRET).expect(400);
      api.post("/api/v1/messages", Map.of("phoneNumber", "+90" + SUBSCRIBER + "99", "content", " "))
          .expect(422);
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () -> {
                assertThat(api.count("SENT")).isEqualTo(1);
                assertThat(api.count("FAILED")).isEqualTo(4);
                assertThat(log.lines()).anyMatch(line -> line.contains("cannot be recorded"));
              });
      assertThat(log.lines()).anyMatch(line -> line.contains("Route createMessage failed"));
      assertThat(log.lines())
          .filteredOn(line -> line.startsWith("WARN FailureLog"))
          .anySatisfy(
              line ->
                  assertThat(line)
                      .contains("ended FAILED, refused: class REFUSED, HTTP 400, attempt 1 of 2: {")
                      .contains("\"to\":\"[...]\"", "[...]"))
          .anyMatch(line -> line.contains("MAYBE_SENT, HTTP 500, attempt 2 of 2"))
          .anyMatch(line -> line.contains("class MAYBE_SENT, no status, attempt 2 of 2: "));
      assertThat(log.lines()).noneMatch(line -> line.contains(SECRET) || line.contains(SUBSCRIBER));
      assertThat(log.lines()).noneMatch(line -> line.contains(Node.KEY));
    }
  }

  @Test
  void should_log_what_a_key_changed_with_its_name_and_the_request(@TempDir Path folder)
      throws IOException {
    Path keys = folder.resolve("keys");
    Files.writeString(keys, "ops:%s\nops:%s\n".formatted(Node.KEY, OTHER_KEY));
    try (CapturedLog log = new CapturedLog();
        SampleWebhook webhook = new SampleWebhook();
        Node node =
            Node.on(Local.servers().newDatabase(), webhook.url())
                .with("api.key", "")
                .with("api.key-file", keys)
                .start()) {
      Api api = node.api();
      webhook.answer(post -> Answer.status(400));
      String failed = api.create("refused");
      await().untilAsserted(() -> assertThat(api.status(failed)).isEqualTo("FAILED"));

      api.post("/api/v1/scheduler/stop", Map.of("reason", "window"), "X-Correlation-ID", "c-1")
          .expect(200);
      String id = api.create("waits");
      api.put("/api/v1/messages/" + id, Api.message("other words")).expect(200);
      api.delete("/api/v1/messages/" + id).expect(204);
      api.delete("/api/v1/messages/" + id).expect(409);
      api.post("/api/v1/messages/" + failed + "/retry", null, "X-Correlation-ID", "c-2")
          .expect(202);
      api.post("/api/v1/messaging/process", null).expect(200);
      api.post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      api.post("/api/v1/routes/dispatch-tick/start", null).expect(200);
      api.withKey(OTHER_KEY).post("/api/v1/scheduler/start", null).expect(200);
      api.withKey(OTHER_KEY).post("/api/v1/flow/reload", null).expect(200);

      assertThat(log.lines().stream().filter(line -> line.contains("Key ops (")))
          .satisfiesExactly(
              line -> assertThat(line).contains("turned delivery off", "ops: window", " c-1 "),
              line -> assertThat(line).contains("changed message " + id),
              line -> assertThat(line).contains("cancelled message " + id),
              line -> assertThat(line).contains("sends message " + failed + " again", " c-2 "),
              line -> assertThat(line).contains("delivers a batch of up to 100 by hand"),
              line -> assertThat(line).contains("stopped route dispatch-tick"),
              line -> assertThat(line).contains("Key ops (3019db0e) started route dispatch-tick"),
              line -> assertThat(line).contains("Key ops (0d93d151) turned delivery on"),
              line -> assertThat(line).contains("Key ops (0d93d151) asked for a reload"));

      Files.writeString(keys, "ops:" + Node.KEY);
      await().until(() -> api.withKey(OTHER_KEY).get("/api/v1/routes").status() == 401);
      api.get("/api/v1/routes").expect(200);
      assertThat(log.lines().stream().filter(line -> line.contains("API keys:")))
          .singleElement()
          .asString()
          .contains(
              keys + " was read again; API keys: removed ops (0d93d151) with read+send+operate");
      assertThat(node.scrape())
          .containsPattern(
              "herald_api_key_last_used_timestamp_seconds\\{.*id=\"3019db0e\",key=\"ops\".*\\} [1-9]")
          .doesNotContain("id=\"0d93d151\"");
    }
  }

  /** A provider that quotes what it was sent. */
  private static Answer echo(int status, SampleWebhook.Post post) {
    return new Answer(status, post.body(), null, 0);
  }

  private static Map<String, Object> message(String kind) {
    return Map.of("phoneNumber", "+90" + SUBSCRIBER, "content", kind + " " + SECRET);
  }
}
