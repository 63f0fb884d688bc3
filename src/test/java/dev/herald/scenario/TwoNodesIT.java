package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Pace;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** Several nodes on one database. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class TwoNodesIT {

  @Test
  void should_deliver_each_of_10_000_messages_once_though_two_nodes_claim_at_once() {
    try (SampleWebhook webhook = new SampleWebhook()) {
      String database = Local.servers().newDatabase();
      // Both start at the same moment, on a database without a schema.
      CompletableFuture<Node> starting =
          CompletableFuture.supplyAsync(
              () -> Node.on(database, webhook.url()).with("dispatch.enabled", false).start());
      try (Node one = Node.on(database, webhook.url()).with("dispatch.enabled", false).start();
          Node other = starting.join()) {
        List<String> ids = one.api().createMany(10_000);
        assertThat(ids).doesNotHaveDuplicates().isSorted();

        other.api().post("/api/v1/scheduler/start", null).expect(200);
        await()
            .atMost(Duration.ofMinutes(2))
            .pollInterval(Duration.ofMillis(200))
            .untilAsserted(() -> assertThat(one.api().count("SENT")).isEqualTo(10_000));

        List<String> posted = webhook.posts().stream().map(Post::idempotencyKey).toList();
        assertThat(posted).hasSize(10_000);
        assertThat(new HashSet<>(posted)).isEqualTo(new HashSet<>(ids));
        Map<Boolean, Long> done =
            List.of(one, other).stream()
                .collect(Collectors.toMap(node -> node == one, TwoNodesIT::delivered));
        assertThat(done.values()).as("both took part").allMatch(count -> count > 0);
        assertThat(done.get(true) + done.get(false)).isEqualTo(10_000);
        assertThat(one.api().count("PENDING")).isZero();
        assertThat(one.api().count("SENDING")).isZero();
      }
    }
  }

  @Test
  void should_keep_the_pace_of_the_cluster_however_many_nodes_there_are() {
    try (SampleWebhook webhook = new SampleWebhook()) {
      String database = Local.servers().newDatabase();
      try (Node one = paced(database, webhook);
          Node other = paced(database, webhook)) {
        one.api().createMany(100);
        Pace pace = new Pace(webhook);
        other.api().post("/api/v1/scheduler/start", null).expect(200);
        pace.awaitPosts(14);
        // A batch of 2 at once and then one each half second, and one for good measure, however
        // many
        // nodes. Two uncoordinated would make twice as many.
        pace.assertAtMost(4, 4);
      }
    }
  }

  private static Node paced(String database, SampleWebhook webhook) {
    return Node.on(database, webhook.url())
        .with("dispatch.enabled", false)
        .with("dispatch.interval", "500ms")
        .with("dispatch.batch-size", 2)
        .start();
  }

  private static long delivered(Node node) {
    for (var route : node.api().get("/api/v1/routes").expect(200).body().path("items")) {
      if (route.path("id").asText().equals("deliver-message")) {
        return route.path("exchangesTotal").asLong();
      }
    }
    throw new AssertionError("there is no route deliver-message");
  }
}
