package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Pace;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** {@code webhook.rate-limit}: what all nodes together send a second. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class WebhookRateLimitIT {
  private static final int RATE = 20;

  @Test
  void should_keep_the_limit_with_two_nodes() {
    try (SampleWebhook webhook = new SampleWebhook()) {
      String database = Local.servers().newDatabase();
      try (Node one = limited(database, webhook, "0").start();
          Node other = limited(database, webhook, "0").start()) {
        one.api().createMany(1_000);
        Pace pace = new Pace(webhook);
        other.api().post("/api/v1/scheduler/start", null).expect(200);
        pace.awaitPosts(5 * RATE);
        assertThat(List.of(one, other))
            .allSatisfy(
                node -> assertThat(node.metric("herald_messages_claimed_total")).isPositive());
        assertWithinTheLimit(pace);
        // A batch by hand obeys it too.
        assertThat(
                one.api()
                    .post("/api/v1/messaging/process?batchSize=500", null)
                    .expect(200)
                    .body()
                    .path("claimed")
                    .asInt())
            .isLessThanOrEqualTo(RATE);
        assertWithinTheLimit(pace);
      }
    }
  }

  @Test
  void should_keep_the_limit_with_paced_sending_and_waste_no_turn() {
    try (SampleWebhook webhook = new SampleWebhook()) {
      String database = Local.servers().newDatabase();
      try (Node node = limited(database, webhook, "10ms").start()) {
        node.api().createMany(200);
        Pace pace = new Pace(webhook);
        node.api().post("/api/v1/scheduler/start", null).expect(200);
        pace.awaitPosts(4 * RATE);
        assertWithinTheLimit(pace);
      }
    }
  }

  /** One second's worth at once and the rest with time, and another second's for good measure. */
  private static void assertWithinTheLimit(Pace pace) {
    pace.assertAtMost(2 * RATE, RATE);
  }

  private static Node.Builder limited(String database, SampleWebhook webhook, String interval) {
    return Node.on(database, webhook.url())
        .with("dispatch.enabled", false)
        .with("dispatch.interval", interval)
        .with("webhook.rate-limit", RATE);
  }
}
