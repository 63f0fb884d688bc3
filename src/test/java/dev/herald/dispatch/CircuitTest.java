package dev.herald.dispatch;

import static dev.herald.dispatch.Samples.message;
import static dev.herald.dispatch.Samples.outcome;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.Settings;
import dev.herald.dispatch.Circuit.Leave;
import dev.herald.dispatch.Outcome.Kind;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

@DisplayNameGeneration(ReplaceUnderscores.class)
class CircuitTest {
  private final Circuit circuit = new Circuit(new Settings.Circuit(4, 50, Duration.ofHours(1)));

  @ParameterizedTest
  @EnumSource(names = {"NOT_SENT", "MISCONFIGURED", "MAYBE_SENT"})
  void should_open_when_half_of_the_window_speaks_against_the_provider(Kind outage) {
    circuit.note(outcome(outage));
    assertThat(circuit.leave()).as("one says little").isEqualTo(Leave.BATCH);
    circuit.note(outcome(outage));
    assertThat(circuit.open()).isTrue();
    assertThat(circuit.leave()).isEqualTo(Leave.NOTHING);
  }

  @ParameterizedTest
  @EnumSource(
      mode = Mode.EXCLUDE,
      names = {"NOT_SENT", "MISCONFIGURED", "MAYBE_SENT"})
  void should_stay_closed_for_what_says_nothing_against_the_provider(Kind kind) {
    for (int i = 0; i < 10; i++) {
      circuit.note(outcome(kind));
    }
    assertThat(circuit.leave()).isEqualTo(Leave.BATCH);
  }

  @Test
  void should_not_count_what_was_never_posted_as_a_success() {
    circuit.note(outcome(Kind.NOT_SENT));
    for (int i = 0; i < 10; i++) {
      circuit.note(outcome(Kind.RETURNED));
    }
    circuit.note(outcome(Kind.NOT_SENT));
    assertThat(circuit.open()).isTrue();
  }

  @Test
  void should_let_one_message_at_a_time_test_the_provider() {
    Circuit halfOpen = halfOpen();
    assertThat(halfOpen.leave()).as("while the probe is under way").isEqualTo(Leave.NOTHING);
    halfOpen.note(outcome(message(), Kind.DELIVERED, true));
    assertThat(halfOpen.leave()).isEqualTo(Leave.BATCH);
  }

  @Test
  void should_open_again_when_the_probe_fails() {
    Circuit halfOpen = halfOpen();
    halfOpen.note(outcome(message(), Kind.MAYBE_SENT, true));
    assertThat(halfOpen.state()).isNotEqualTo(State.CLOSED);
  }

  @Test
  void should_take_a_refusal_of_the_probe_for_an_answer() {
    Circuit halfOpen = halfOpen();
    halfOpen.note(outcome(message(), Kind.REFUSED, true));
    assertThat(halfOpen.state()).isEqualTo(State.CLOSED);
  }

  @Test
  void should_not_listen_to_messages_from_before_it_opened() {
    Circuit halfOpen = halfOpen();
    halfOpen.note(outcome(Kind.DELIVERED));
    halfOpen.note(outcome(Kind.NOT_SENT));
    assertThat(halfOpen.state()).isEqualTo(State.HALF_OPEN);
  }

  @Test
  void should_let_another_probe_go_when_one_came_to_nothing() {
    Circuit halfOpen = halfOpen();
    halfOpen.noProbe();
    assertThat(halfOpen.leave()).as("nothing was due").isEqualTo(Leave.ONE_PROBE);
    halfOpen.note(outcome(message(), Kind.EXPIRED, true));
    assertThat(halfOpen.leave()).as("it was not posted").isEqualTo(Leave.ONE_PROBE);
    assertThat(halfOpen.leave()).isEqualTo(Leave.NOTHING);
  }

  /** One that just gave leave for a probe. */
  private static Circuit halfOpen() {
    Circuit circuit = new Circuit(new Settings.Circuit(2, 50, Duration.ofMillis(10)));
    circuit.note(outcome(Kind.NOT_SENT));
    await().until(() -> circuit.leave() == Leave.ONE_PROBE);
    return circuit;
  }
}
