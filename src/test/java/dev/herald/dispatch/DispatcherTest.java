package dev.herald.dispatch;

import static dev.herald.dispatch.Samples.message;
import static dev.herald.dispatch.Samples.outcome;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.herald.Settings;
import dev.herald.api.ApiException;
import dev.herald.dispatch.Outcome.Kind;
import dev.herald.message.ClaimedMessage;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class DispatcherTest {
  private static final Duration NOW_AND_THEN = Duration.ofMillis(1);
  private static final Duration ONLY_WHEN_IT_RINGS = Duration.ofDays(1);

  /** Longer than an open circuit waits at first. */
  private static final long PATIENCE = Duration.ofSeconds(1).toNanos();

  private final AtomicLong clock = new AtomicLong();
  private final Circuit circuit =
      new Circuit(
          new Settings.Circuit(Duration.ofSeconds(10), 1, 50, Duration.ofMinutes(1)),
          new Settings.Dispatch(true, Duration.ZERO, 10, 4, Samples.LEASE, NOW_AND_THEN),
          clock::get,
          () -> 1);
  private final AtomicBoolean able = new AtomicBoolean(true);
  private final AtomicBoolean ticking = new AtomicBoolean(true);

  @Test
  void should_claim_a_batch_but_no_more_than_it_starts_soon() throws InterruptedException {
    assertThat(continuous(10, 64).next().limit()).isEqualTo(10);
    assertThat(continuous(500, 8).next().limit()).as("8 to start, 8 ahead").isEqualTo(16);
    assertThat(continuous(1, 1).next().limit()).isEqualTo(1);
  }

  @Test
  void should_claim_no_more_while_what_it_has_is_enough() throws InterruptedException {
    Dispatcher dispatcher = continuous(500, 8);
    claimed(dispatcher, dispatcher.next(), 16);
    assertThat(dispatcher.next()).isNull();
    dispatcher.recorded(3);
    assertThat(dispatcher.next()).as("not worth a claim yet").isNull();
    dispatcher.recorded(1);
    assertThat(dispatcher.next().limit()).isEqualTo(4);
    assertThat(dispatcher.inFlight()).isEqualTo(12);
  }

  @Test
  void should_bound_what_is_in_flight_with_paced_sending_too() throws InterruptedException {
    Dispatcher dispatcher = dispatcher(Duration.ofMinutes(2), 2, 3, NOW_AND_THEN);
    for (int inFlight = 0; inFlight < 6; inFlight += 2) {
      assertThat(dispatcher.inFlight()).isEqualTo(inFlight);
      Claim claim = dispatcher.next();
      assertThat(claim.limit()).isEqualTo(2);
      assertThat(claim.paced()).isTrue();
      claimed(dispatcher, claim, 2);
    }
    assertThat(dispatcher.next()).isNull();
  }

  @Test
  void should_go_on_where_the_last_claim_ended_but_not_with_a_rate_limit()
      throws InterruptedException {
    Settings.Dispatch settings =
        new Settings.Dispatch(true, Duration.ZERO, 2, 8, Samples.LEASE, NOW_AND_THEN);
    ClaimedMessage message = message();
    Frontier.Place end = new Frontier.Place(message.dueMicros(), message.id());
    for (int rateLimit : new int[] {0, 5}) {
      Dispatcher dispatcher = dispatcher(settings, rateLimit);
      Claim first = dispatcher.next();
      assertThat(first.from()).isEqualTo(Frontier.Place.BEGINNING);
      assertThat(first.rateLimit()).isEqualTo(rateLimit);
      dispatcher.claimed(first, List.of(message));
      assertThat(dispatcher.next().from())
          .isEqualTo(rateLimit == 0 ? end : Frontier.Place.BEGINNING);
    }
  }

  @Test
  void should_ask_for_more_at_once_after_a_full_batch() throws InterruptedException {
    Dispatcher dispatcher = dispatcher(Duration.ZERO, 2, 8, ONLY_WHEN_IT_RINGS);
    dispatcher.ring();
    claimed(dispatcher, dispatcher.next(), 2);
    assertThat(dispatcher.next()).as("without a day's wait").isNotNull();
  }

  @Test
  void should_claim_again_as_soon_as_there_is_room() throws InterruptedException {
    Dispatcher dispatcher = dispatcher(Duration.ZERO, 2, 1, ONLY_WHEN_IT_RINGS);
    dispatcher.ring();
    claimed(dispatcher, dispatcher.next(), 2);
    assertThat(dispatcher.next()).isNull();
    dispatcher.recorded(2);
    assertThat(dispatcher.next()).as("without a day's wait").isNotNull();
  }

  @Test
  void should_ring_once_for_many_arrivals() throws InterruptedException {
    Dispatcher dispatcher = dispatcher(Duration.ZERO, 2, 8, ONLY_WHEN_IT_RINGS);
    for (int i = 0; i < 100; i++) {
      dispatcher.ring();
    }
    assertThat(dispatcher.next()).isNotNull();
    Thread waiting = new Thread(() -> next(dispatcher));
    waiting.start();
    await().until(() -> waiting.getState() == Thread.State.TIMED_WAITING);
    dispatcher.ring();
    waiting.join();
  }

  @Test
  void should_claim_nothing_that_it_could_not_deliver() throws InterruptedException {
    Dispatcher dispatcher = continuous(2, 8);
    able.set(false);
    assertThat(dispatcher.next()).isNull();
    able.set(true);
    assertThat(dispatcher.next()).isNotNull();
    dispatcher.close();
    assertThat(dispatcher.next()).isNull();
    assertThatThrownBy(() -> dispatcher.byHand(5))
        .isInstanceOf(ApiException.class)
        .hasMessageContaining("shutting down");
  }

  @Test
  void should_end_a_round_that_waits_and_claim_nothing_when_the_rounds_are_to_end()
      throws Exception {
    Dispatcher dispatcher = dispatcher(Duration.ZERO, 2, 8, ONLY_WHEN_IT_RINGS);
    CompletableFuture<Claim> waiting = new CompletableFuture<>();
    Thread round = new Thread(() -> waiting.complete(next(dispatcher)));
    round.start();
    await().until(() -> round.getState() == Thread.State.TIMED_WAITING);
    ticking.set(false);
    dispatcher.ring();
    assertThat(waiting.get(30, TimeUnit.SECONDS)).isNull();
    assertThat(dispatcher.next()).as("without a day's wait").isNull();
    ticking.set(true);
    dispatcher.ring();
    assertThat(dispatcher.next()).isNotNull();
  }

  @Test
  void should_leave_to_others_what_it_would_not_take_at_once() throws InterruptedException {
    Dispatcher dispatcher = continuous(500, 8);
    assertThat(dispatcher.leavesToOthers()).isFalse();
    able.set(false);
    assertThat(dispatcher.leavesToOthers()).as("a route that delivers is stopped").isTrue();
    able.set(true);
    ticking.set(false);
    assertThat(dispatcher.leavesToOthers()).as("nothing is claimed").isTrue();
    ticking.set(true);
    dispatcher.recording(false);
    assertThat(dispatcher.leavesToOthers()).as("outcomes cannot be recorded").isTrue();
    dispatcher.recording(true);
    claimed(dispatcher, dispatcher.next(), 16);
    assertThat(dispatcher.leavesToOthers()).as("it has enough").isTrue();
    dispatcher.recorded(4);
    assertThat(dispatcher.leavesToOthers()).as("it has room again").isFalse();
    circuit.note(outcome(Kind.NOT_SENT));
    assertThat(dispatcher.leavesToOthers()).as("the circuit is open").isTrue();
    clock.addAndGet(PATIENCE);
    assertThat(next(dispatcher).probe()).isTrue();
    assertThat(dispatcher.leavesToOthers()).as("a few messages test the provider").isTrue();
    circuit.note(outcome(message(), Kind.DELIVERED, true));
    assertThat(dispatcher.leavesToOthers()).isFalse();
    dispatcher.close();
    assertThat(dispatcher.leavesToOthers()).as("it is shutting down").isTrue();
  }

  @Test
  void should_leave_nothing_to_others_with_paced_sending() {
    able.set(false);
    assertThat(dispatcher(Duration.ofMinutes(2), 2, 8, NOW_AND_THEN).leavesToOthers()).isFalse();
  }

  @Test
  void should_test_an_open_circuit_with_a_few_messages_at_a_time() {
    Dispatcher dispatcher = continuous(10, 64);
    circuit.note(outcome(Kind.NOT_SENT));
    assertThat(next(dispatcher)).isNull();
    clock.addAndGet(PATIENCE);
    Claim probe = next(dispatcher);
    assertThat(probe.probe()).isTrue();
    assertThat(probe.limit()).isEqualTo(Circuit.PROBES);
    claimed(dispatcher, probe, 2);
    assertThat(next(dispatcher)).isNull();
    circuit.note(outcome(message(), Kind.NOT_SENT, true));
    circuit.note(outcome(message(), Kind.NOT_SENT, true));
    clock.addAndGet(PATIENCE);
    assertThat(next(dispatcher).probe()).as("the two that were due have ended").isTrue();
  }

  @Test
  void should_hand_back_the_leave_for_a_probe_that_found_nothing_or_failed() {
    Dispatcher dispatcher = continuous(10, 64);
    circuit.note(outcome(Kind.NOT_SENT));
    clock.addAndGet(PATIENCE);
    claimed(dispatcher, next(dispatcher), 0);
    assertThat(next(dispatcher).probe()).isTrue();
    dispatcher.failed(new IllegalStateException("no connection"));
    assertThat(next(dispatcher).probe()).isTrue();
  }

  @Test
  void should_claim_a_little_after_an_outage_and_ask_for_more_when_it_may() throws Exception {
    Circuit strict =
        new Circuit(
            new Settings.Circuit(Duration.ofSeconds(10), 1, 50, Duration.ofMinutes(1)),
            new Settings.Dispatch(true, Duration.ZERO, 10, 64, Samples.LEASE, NOW_AND_THEN),
            clock::get,
            () -> 1);
    Dispatcher dispatcher =
        new Dispatcher(
            new Settings.Dispatch(true, Duration.ZERO, 100, 64, Samples.LEASE, ONLY_WHEN_IT_RINGS),
            0,
            strict,
            able::get,
            ticking::get);
    strict.note(outcome(Kind.NOT_SENT));
    clock.addAndGet(PATIENCE);
    strict.note(outcome(Kind.DELIVERED));
    dispatcher.ring();
    Claim first = dispatcher.next();
    assertThat(first.limit()).isEqualTo(6);
    claimed(dispatcher, first, 6);
    assertThat(dispatcher.next()).as("as much as it may").isNull();
    strict.note(outcome(Kind.DELIVERED));
    dispatcher.recorded(1);
    assertThat(dispatcher.next().limit()).as("without a day's wait").isEqualTo(2);
  }

  @Test
  void should_let_nothing_hold_back_a_claim_by_hand() throws InterruptedException {
    Dispatcher dispatcher = dispatcher(Duration.ofMinutes(2), 2, 1, NOW_AND_THEN);
    circuit.note(outcome(Kind.NOT_SENT));
    assertThat(circuit.open()).isTrue();
    claimed(dispatcher, dispatcher.byHand(100), 100);
    Claim claim = dispatcher.byHand(null);
    assertThat(claim.limit()).as("dispatch.batch-size").isEqualTo(2);
    assertThat(claim.paced() || claim.continuous() || claim.probe()).isFalse();
  }

  private Dispatcher continuous(int batchSize, int concurrency) {
    return dispatcher(Duration.ZERO, batchSize, concurrency, NOW_AND_THEN);
  }

  private Dispatcher dispatcher(
      Duration interval, int batchSize, int concurrency, Duration idleWait) {
    return dispatcher(
        new Settings.Dispatch(true, interval, batchSize, concurrency, Samples.LEASE, idleWait), 0);
  }

  private Dispatcher dispatcher(Settings.Dispatch settings, int rateLimit) {
    return new Dispatcher(settings, rateLimit, circuit, able::get, ticking::get);
  }

  private static Claim next(Dispatcher dispatcher) {
    try {
      return dispatcher.next();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void claimed(Dispatcher dispatcher, Claim claim, int count) {
    List<ClaimedMessage> messages = Collections.nCopies(count, message());
    assertThat(dispatcher.claimed(claim, messages)).isEqualTo(messages);
  }

  @Test
  void should_claim_nothing_while_outcomes_cannot_be_recorded() throws InterruptedException {
    Dispatcher dispatcher = continuous(10, 64);
    dispatcher.recording(false);
    assertThat(dispatcher.next()).isNull();
    assertThat(dispatcher.mayPost()).isFalse();
    assertThatThrownBy(() -> dispatcher.byHand(5)).hasMessageContaining("cannot be recorded");
    dispatcher.recording(true);
    assertThat(dispatcher.next()).isNotNull();
  }

  @Test
  void should_not_be_idle_while_a_claim_is_under_way() throws InterruptedException {
    Dispatcher dispatcher = continuous(10, 64);
    assertThat(dispatcher.idle()).isTrue();
    Claim claim = dispatcher.next();
    assertThat(dispatcher.idle()).isFalse();
    claimed(dispatcher, claim, 1);
    assertThat(dispatcher.idle()).isFalse();
    dispatcher.recorded(1);
    assertThat(dispatcher.idle()).isTrue();
  }
}
