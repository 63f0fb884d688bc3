package dev.herald.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
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

  /** All three exist and wait, the last named one for the shortest time. */
  private List<Thread> wait_in_turn() throws Exception {
    List<CountDownLatch> ends = new ArrayList<>();
    List<Future<Thread>> running = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      CountDownLatch end = new CountDownLatch(1);
      ends.add(end);
      running.add(
          threads.submit(
              () -> {
                end.await();
                return Thread.currentThread();
              }));
    }
    List<Thread> order = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ends.get(i).countDown();
      Thread thread = get(running.get(i));
      order.add(thread);
      while (thread.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }
    }
    return order;
  }

  @Test
  void should_give_a_task_to_the_thread_that_waited_last() throws Exception {
    List<Thread> order = wait_in_turn();

    for (int i = 0; i < 5; i++) {
      Thread ran = get(threads.submit(Thread::currentThread));
      assertThat(ran).isSameAs(order.get(2));
      while (ran.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }
    }
  }

  @Test
  void should_run_the_first_task_that_a_task_submits_on_its_own_thread_and_the_second_elsewhere()
      throws Exception {
    wait_in_turn();
    BlockingQueue<Thread> first = new LinkedBlockingQueue<>();
    BlockingQueue<Thread> second = new LinkedBlockingQueue<>();

    Thread own =
        get(
            threads.submit(
                () -> {
                  threads.submit(() -> first.add(Thread.currentThread()));
                  threads.submit(() -> second.add(Thread.currentThread()));
                  // The second does not wait for this one to end.
                  Thread other = second.take();
                  assertThat(other).isNotSameAs(Thread.currentThread());
                  return Thread.currentThread();
                }));

    assertThat(first.poll(10, TimeUnit.SECONDS)).isSameAs(own);
  }

  @Test
  void should_let_others_run_what_a_message_submits_while_it_blocks() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    BlockingQueue<String> done = new LinkedBlockingQueue<>();

    threads.submit(
        () ->
            threads.submit(
                () -> {
                  threads.submit(
                      () -> {
                        done.add("what the message submitted");
                        end.countDown();
                      });
                  end.await();
                  return done.add("the message");
                }));

    assertThat(done.poll(10, TimeUnit.SECONDS)).isEqualTo("what the message submitted");
    assertThat(done.poll(10, TimeUnit.SECONDS)).isEqualTo("the message");
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
    wait_in_turn();

    threads.shutdown();

    assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
  }
}
