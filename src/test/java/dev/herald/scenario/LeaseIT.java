package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Api;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes with a step that takes its time between the claim and the POST. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class LeaseIT {
  /** How long the step takes, by the message's text; the lease is 2.8 s. */
  private static final String SLOW_STEP =
      """
      - choice:
          when:
            - simple: "${variable.message.content} startsWith 'short'"
              steps:
                - delay:
                    constant: 300
                    asyncDelayed: false
            - simple: "${variable.message.content} startsWith 'long'"
              steps:
                - delay:
                    constant: 2000
                    asyncDelayed: false
            - simple: "${variable.message.content} startsWith 'endless'"
              steps:
                - delay:
                    constant: 4000
                    asyncDelayed: false
      """;

  @TempDir static Path routes;

  private static SampleWebhook webhook;
  private static Node one;
  private static Node other;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    String edited = EditedRoutes.beforeThePost(routes, SLOW_STEP);
    one = node(database, edited);
    other = node(database, edited);
  }

  private static Node node(String database, String routes) {
    return Node.on(database, webhook.url())
        .with("camel.main.routes-include-pattern", routes)
        .with("webhook.timeout", "700ms")
        .with("webhook.connect-timeout", "500ms")
        .with("dispatch.lease", "2800ms")
        .with("dispatch.batch-size", 5)
        .with("circuit.minimum-calls", 1_000_000)
        .start();
  }

  @AfterAll
  static void stop() {
    one.close();
    other.close();
    webhook.close();
  }

  private static List<String> create(String text, int count) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ids.add(one.api().create(text + " " + i));
    }
    return ids;
  }

  private static List<String> posted(List<String> ids) {
    return webhook.posts().stream().map(Post::idempotencyKey).filter(ids::contains).toList();
  }

  private static JsonNode message(String id) {
    return one.api().get("/api/v1/messages/" + id).expect(200).body();
  }

  @Test
  void should_send_each_message_once_when_the_step_leaves_time_for_the_post() {
    List<String> ids = create("short", 20);
    await().until(() -> ids.stream().allMatch(id -> one.api().status(id).equals("SENT")));
    assertThat(posted(ids)).containsExactlyInAnyOrderElementsOf(ids);
  }

  @Test
  void should_begin_no_post_that_the_lease_would_not_outlive() {
    List<String> ids = create("long", 6);
    for (String id : ids) {
      JsonNode attempt =
          await().until(() -> message(id).at("/failedAttempts/0"), node -> !node.isMissingNode());
      assertThat(attempt.path("class").asText()).isEqualTo("NOT_SENT");
      assertThat(attempt.path("error").asText())
          .isEqualTo("the steps before the POST took too long: the lease is nearly over");
    }
    assertThat(posted(ids)).isEmpty();
    end(ids);
  }

  /** The other node has claimed it again by then, and may be on its way to the same POST. */
  @Test
  void should_begin_no_post_after_the_lease() {
    List<String> ids = create("endless", 2);
    await().until(() -> ids.stream().allMatch(id -> message(id).path("attempts").asInt() > 1));
    await()
        .until(
            () ->
                one.metric("herald_outcomes_late_total")
                    + other.metric("herald_outcomes_late_total"),
            late -> late > 0);
    assertThat(posted(ids)).isEmpty();
    end(ids);
  }

  private static void end(List<String> ids) {
    Api api = one.api();
    ids.forEach(id -> api.delete("/api/v1/messages/" + id));
  }
}
