package dev.herald.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** When each POST came, counted from the start of the watch. */
public final class Pace {
  private final long start = System.nanoTime();
  private final List<Long> times = new CopyOnWriteArrayList<>();

  /** Watches from now on. */
  public Pace(SampleWebhook webhook) {
    webhook.onPost(post -> times.add(System.nanoTime() - start));
  }

  public void awaitPosts(int count) {
    await().atMost(Duration.ofMinutes(1)).until(() -> times.size() >= count);
  }

  /**
   * Asserts that at no time there were more POSTs than this. A slow machine makes them fewer.
   *
   * @param atOnce how many may come at the start
   * @param perSecond how many more with each second
   */
  public void assertAtMost(int atOnce, int perSecond) {
    for (int i = 0; i < times.size(); i++) {
      double seconds = times.get(i) / 1e9;
      assertThat(i + 1.0)
          .as("posts in the first %.2f s", seconds)
          .isLessThanOrEqualTo(atOnce + perSecond * seconds);
    }
  }
}
