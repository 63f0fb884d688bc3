package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
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
        Watch watch = new Watch(webhook);
        other.api().post("/api/v1/scheduler/start", null).expect(200);
        watch.awaitPosts(8 * RATE);
        assertThat(List.of(one, other))
            .allSatisfy(
                node -> assertThat(node.metric("herald_messages_claimed_total")).isPositive());
        watch.assertWithinTheLimit();
        // A batch by hand obeys it too.
        assertThat(
                one.api()
                    .post("/api/v1/messaging/process?batchSize=500", null)
                    .expect(200)
                    .body()
                    .path("claimed")
                    .asInt())
            .isLessThanOrEqualTo(RATE);
        watch.assertWithinTheLimit();
      }
    }
  }

  @Test
  void should_keep_the_limit_with_paced_sending_and_waste_no_turn() {
    try (SampleWebhook webhook = new SampleWebhook()) {
      String database = Local.servers().newDatabase();
      try (Node node = limited(database, webhook, "10ms").start()) {
        node.api().createMany(200);
        Watch watch = new Watch(webhook);
        node.api().post("/api/v1/scheduler/start", null).expect(200);
        watch.awaitPosts(4 * RATE);
        watch.assertWithinTheLimit();
      }
    }
  }

  @Test
  void should_write_nothing_for_it_without_a_limit() {
    try (SampleWebhook webhook = new SampleWebhook()) {
      String database = Local.servers().newDatabase();
      try (Node node = Node.on(database, webhook.url()).start()) {
        node.api().createMany(100);
        await().untilAsserted(() -> assertThat(node.api().count("SENT")).isEqualTo(100));
        assertThat(new Sql(database).number("SELECT count(*) FROM delivery_rate WHERE tokens <> 0"))
            .isZero();
        assertThat(
                new Sql(database)
                    .number(
                        "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = ?",
                        "delivery_rate"))
            .isZero();
      }
    }
  }

  /** When each POST came. */
  private static final class Watch {
    private final long start = System.nanoTime();
    private final List<Long> times = new CopyOnWriteArrayList<>();

    Watch(SampleWebhook webhook) {
      webhook.onPost(post -> times.add(System.nanoTime() - start));
    }

    void awaitPosts(int count) {
      await().atMost(Duration.ofMinutes(1)).until(() -> times.size() >= count);
    }

    /** One second's worth at once and the rest with time, and another second's for good measure. */
    void assertWithinTheLimit() {
      for (int i = 0; i < times.size(); i++) {
        double seconds = times.get(i) / 1e9;
        assertThat(i + 1.0)
            .as("posts in the first %.2f s", seconds)
            .isLessThanOrEqualTo(RATE * (seconds + 2));
      }
    }
  }

  private static Node.Builder limited(String database, SampleWebhook webhook, String interval) {
    return Node.on(database, webhook.url())
        .with("dispatch.enabled", false)
        .with("dispatch.interval", interval)
        .with("webhook.rate-limit", RATE);
  }
}
