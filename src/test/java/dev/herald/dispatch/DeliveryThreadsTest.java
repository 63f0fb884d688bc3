package dev.herald.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@DisplayNameGeneration(ReplaceUnderscores.class)
@Timeout(20)
class DeliveryThreadsTest {
  private final DeliveryThreads threads = new DeliveryThreads(3);

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  private static Thread get(Future<Thread> thread)
      throws InterruptedException, ExecutionException, TimeoutException {
    return thread.get(10, TimeUnit.SECONDS);
  }

  @Test
  void should_add_a_thread_when_all_are_busy() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    for (int i = 0; i < 3; i++) {
      threads.submit(
          () -> {
            end.await();
            return null;
          });
    }
    Future<Thread> waiting = threads.submit(Thread::currentThread);

    threads.hurry();

    assertThat(get(waiting)).isNotNull();
    end.countDown();
  }

  @Test
  void should_end_its_threads_when_it_is_shut_down() throws Exception {
    get(threads.submit(Thread::currentThread));

    threads.shutdown();

    assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
  }
}
