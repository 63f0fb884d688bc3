package dev.herald.outcome;

import static dev.herald.dispatch.Samples.message;
import static dev.herald.dispatch.Samples.outcome;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.config.Settings;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.dispatch.Samples;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.testing.Configured;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.DataIntegrityViolationException;

@DisplayNameGeneration(ReplaceUnderscores.class)
class OutcomeRecorderTest {
  private static final Duration LONG_ENOUGH = Duration.ofSeconds(20);

  private final Settings settings = Configured.with();
  private final ClaimPlanner dispatcher =
      new ClaimPlanner(
          settings.dispatch(), 0, Samples.circuit(settings), () -> true, () -> true, any -> {});
  private final List<String> recorded = new CopyOnWriteArrayList<>();
  private final List<Integer> sizes = new CopyOnWriteArrayList<>();
  private OutcomeRecorder recorder;

  @Test
  void should_record_what_waits_in_batches_of_a_bounded_size() throws InterruptedException {
    recorder = recorder(this::write);
    List<String> ids = add(2_500);
    assertThat(recorder.backlog()).isEqualTo(2_500);
    recorder.start();
    recorder.close(LONG_ENOUGH);
    assertThat(recorded).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(sizes).containsExactly(1_000, 1_000, 500);
    assertThat(dispatcher.inFlight()).isZero();
  }

  @Test
  void should_keep_what_cannot_be_written_until_it_can() throws InterruptedException {
    List<Integer> inFlight = new CopyOnWriteArrayList<>();
    recorder =
        recorder(
            batch -> {
              inFlight.add(dispatcher.inFlight());
              if (inFlight.size() < 4) {
                throw new DataAccessResourceFailureException("away");
              }
              write(batch);
            });
    List<String> ids = add(5);
    recorder.start();
    recorder.close(LONG_ENOUGH);
    assertThat(inFlight).as("what is not recorded is in flight").containsExactly(5, 5, 5, 5);
    assertThat(recorded).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(dispatcher.inFlight()).isZero();
  }

  @Test
  void should_write_one_by_one_what_the_database_does_not_take_together()
      throws InterruptedException {
    recorder =
        recorder(
            batch -> {
              if (List.of(batch.getErrors()).contains("poison")) {
                throw new DataIntegrityViolationException("never");
              }
              write(batch);
            });
    List<String> before = add(3);
    dispatcher.claimed(dispatcher.manual(1), List.of(message()), Samples.exchange());
    recorder.add(
        new Outcome(message(), Kind.REFUSED, 400, null, "poison", null, Duration.ZERO, false));
    List<String> after = add(3);
    recorder.start();
    recorder.close(LONG_ENOUGH);
    List<String> expected = new ArrayList<>(before);
    expected.addAll(after);
    assertThat(recorded).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(dispatcher.inFlight()).as("the one given up is not in flight").isZero();
  }

  @Test
  void should_deliver_again_when_the_last_that_waited_is_never_taken() throws InterruptedException {
    List<Boolean> mayPost = new CopyOnWriteArrayList<>();
    recorder =
        recorder(
            batch -> {
              mayPost.add(dispatcher.postingAllowed());
              throw mayPost.size() == 1
                  ? new DataAccessResourceFailureException("away")
                  : new DataIntegrityViolationException("never");
            });
    add(1);
    recorder.start();
    recorder.close(LONG_ENOUGH);
    assertThat(mayPost).containsExactly(true, false);
    assertThat(dispatcher.postingAllowed()).isTrue();
  }

  @Test
  void should_keep_what_a_route_did_not_record_though_it_returned() throws InterruptedException {
    List<Integer> inFlight = new CopyOnWriteArrayList<>();
    recorder =
        recorder(
            batch -> {
              inFlight.add(dispatcher.inFlight());
              if (inFlight.size() == 3) {
                write(batch);
              } // otherwise a step handled the failure
            });
    List<String> ids = add(5);
    recorder.start();
    recorder.close(LONG_ENOUGH);
    assertThat(inFlight).containsExactly(5, 5, 5);
    assertThat(recorded).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(dispatcher.inFlight()).isZero();
    assertThat(dispatcher.postingAllowed()).isTrue();
  }

  @Test
  void should_refuse_a_record_without_a_result() {
    recorder = recorder(this::write);
    assertThatThrownBy(() -> recorder.recorded(null, null))
        .hasMessageContaining("sql-record-outcomes returned no row");
  }

  @Test
  void should_not_wait_for_ever_for_a_database_that_is_away() throws InterruptedException {
    AtomicBoolean away = new AtomicBoolean(true);
    recorder =
        recorder(
            batch -> {
              if (away.get()) {
                throw new DataAccessResourceFailureException("away");
              }
              write(batch);
            });
    add(1);
    recorder.start();
    recorder.close(Duration.ofMillis(1));
    assertThat(dispatcher.inFlight()).isEqualTo(1);
    away.set(false); // its thread ends with this test
    recorder.close(LONG_ENOUGH);
    assertThat(dispatcher.inFlight()).isZero();
  }

  private OutcomeRecorder recorder(Consumer<OutcomeBatch> route) {
    return new OutcomeRecorder(
        new RetryPolicy(settings, failing -> false),
        route,
        dispatcher,
        new FailureLog(System::nanoTime),
        any -> {});
  }

  private void write(OutcomeBatch batch) {
    sizes.add(batch.size());
    Collections.addAll(recorded, batch.getIds());
    recorder.recorded(batch, Samples.everything(batch));
  }

  /** The ids of messages that were claimed and then refused. */
  private List<String> add(int count) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Outcome outcome = outcome(Kind.REFUSED);
      dispatcher.claimed(dispatcher.manual(1), List.of(outcome.message()), Samples.exchange());
      ids.add(outcome.message().id().toString());
      recorder.add(outcome);
    }
    return ids;
  }
}
