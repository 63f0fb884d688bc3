package dev.herald.dispatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class WakeSignalTest {
  private static final Duration FOR_EVER = Duration.ofDays(1);
  private final WakeSignal signal = new WakeSignal();

  @Test
  void should_take_many_wakes_for_one() throws Exception {
    for (int i = 0; i < 100; i++) {
      signal.wake();
    }
    signal.await(FOR_EVER);
    CompletableFuture<Void> woken = new CompletableFuture<>();
    Thread waiting = waitingThread(woken);
    assertThat(woken).as("the wakes are used up").isNotDone();
    signal.wake();
    woken.get(30, TimeUnit.SECONDS);
    waiting.join();
  }

  @Test
  void should_wait_no_longer_than_it_is_told() throws InterruptedException {
    long before = System.nanoTime();
    signal.await(Duration.ofMillis(20));
    assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(Duration.ofMillis(20).toNanos());
  }

  private Thread waitingThread(CompletableFuture<Void> woken) {
    Thread thread =
        new Thread(
            () -> {
              try {
                signal.await(FOR_EVER);
                woken.complete(null);
              } catch (InterruptedException e) {
                woken.completeExceptionally(e);
              }
            });
    thread.start();
    await().until(() -> woken.isDone() || thread.getState() == Thread.State.TIMED_WAITING);
    return thread;
  }
}
