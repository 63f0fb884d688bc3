package dev.herald.problem;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What ends the process. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class FailStopTest {
  private final List<Integer> ended = new CopyOnWriteArrayList<>();
  private final FailStop failStop = new FailStop(ended::add);

  @Test
  void should_end_the_process_on_an_error_in_any_thread() throws InterruptedException {
    run(
        "Timer-0",
        () -> {
          throw new NoClassDefFoundError("gone");
        });
    assertThat(ended).containsExactly(FailStop.EXIT_CODE);
  }

  @Test
  void should_end_the_process_when_a_thread_of_its_own_dies() throws InterruptedException {
    run(
        "herald-recorder",
        () -> {
          throw new IllegalStateException("a fault of Herald");
        });
    assertThat(ended).containsExactly(FailStop.EXIT_CODE);
  }

  @Test
  void should_outlive_an_exception_in_a_thread_of_somebody_else() throws InterruptedException {
    run(
        "Timer-0",
        () -> {
          throw new IllegalStateException("a fault of somebody else");
        });
    assertThat(ended).isEmpty();
  }

  @Test
  void should_end_the_process_on_an_error_that_was_caught_and_wrapped()
      throws InterruptedException {
    run("Timer-0", () -> FailStop.passOn(new RuntimeException(new OutOfMemoryError("heap"))));
    assertThat(ended).containsExactly(FailStop.EXIT_CODE);
  }

  @Test
  void should_outlive_an_exception_that_was_caught() throws InterruptedException {
    RuntimeException loop = new RuntimeException();
    loop.initCause(new RuntimeException(loop));
    run("herald-recorder", () -> FailStop.passOn(loop));
    run("herald-recorder", () -> FailStop.passOn(null));
    assertThat(ended).isEmpty();
  }

  @Test
  void should_outlive_what_a_single_message_can_cause() throws InterruptedException {
    run("Timer-0", () -> FailStop.passOn(new RuntimeException(new StackOverflowError())));
    run("Timer-0", () -> FailStop.passOn(new Error(new AssertionError("of an operator's bean"))));
    assertThat(ended).isEmpty();
  }

  @Test
  void should_end_the_process_though_nothing_can_be_logged() throws InterruptedException {
    run(
        "herald-recorder",
        () -> {
          throw new Error() {
            private static final long serialVersionUID = 1;

            @Override
            public String toString() {
              throw new OutOfMemoryError();
            }
          };
        });
    assertThat(ended).containsExactly(FailStop.EXIT_CODE);
  }

  private void run(String name, Runnable task) throws InterruptedException {
    Thread thread = new Thread(task, name);
    thread.setUncaughtExceptionHandler(failStop);
    thread.start();
    thread.join();
  }
}
