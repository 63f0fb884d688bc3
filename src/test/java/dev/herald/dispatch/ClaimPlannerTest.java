package dev.herald.dispatch;

import static dev.herald.dispatch.Samples.message;
import static dev.herald.dispatch.Samples.outcome;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.herald.config.Settings;
import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.problem.ProblemException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.jdbc.CannotGetJdbcConnectionException;

@DisplayNameGeneration(ReplaceUnderscores.class)
class ClaimPlannerTest {
  private static final Duration NOW_AND_THEN = Duration.ofMillis(1);
  private static final Duration ONLY_WHEN_WOKEN = Duration.ofDays(1);

  /** Longer than an open circuit waits at first. */
  private static final long PATIENCE = Duration.ofSeconds(1).toNanos();

  private final AtomicLong clock = new AtomicLong();
  private final Circuit circuit =
      new Circuit(
          new Settings.Circuit(Duration.ofSeconds(10), 1, 50, Duration.ofMinutes(1)),
          new Settings.Dispatch(true, Duration.ZERO, 10, 4, Samples.LEASE, NOW_AND_THEN),
          clock::get,
          () -> 1);
  private final AtomicBoolean canDeliver = new AtomicBoolean(true);
  private final AtomicBoolean claimRouteRuns = new AtomicBoolean(true);

  @Test
  void should_claim_a_batch_but_no_more_than_it_starts_soon() throws InterruptedException {
    assertThat(continuous(10, 64).next().limit()).isEqualTo(10);
    assertThat(continuous(500, 8).next().limit()).as("8 to start, 8 ahead").isEqualTo(16);
    assertThat(continuous(1, 1).next().limit()).isEqualTo(1);
  }

  @Test
  void should_claim_no_more_while_what_it_has_is_enough() throws InterruptedException {
    ClaimPlanner planner = continuous(500, 8);
    claimed(planner, planner.next(), 16);
    assertThat(planner.next()).isNull();
    planner.recorded(3);
    assertThat(planner.next()).as("not worth a claim yet").isNull();
    planner.recorded(1);
    assertThat(planner.next().limit()).isEqualTo(4);
    assertThat(planner.inFlight()).isEqualTo(12);
  }

  @Test
  void should_bound_what_is_in_flight_with_paced_sending_too() throws InterruptedException {
    ClaimPlanner planner = planner(Duration.ofMinutes(2), 2, 3, NOW_AND_THEN);
    for (int inFlight = 0; inFlight < 6; inFlight += 2) {
      assertThat(planner.inFlight()).isEqualTo(inFlight);
      Claim claim = planner.next();
      assertThat(claim.limit()).isEqualTo(2);
      assertThat(claim.paced()).isTrue();
      claimed(planner, claim, 2);
    }
    assertThat(planner.next()).isNull();
  }

  @Test
  void should_go_on_where_the_last_claim_ended_but_not_with_a_rate_limit()
      throws InterruptedException {
    Settings.Dispatch settings =
        new Settings.Dispatch(true, Duration.ZERO, 2, 8, Samples.LEASE, NOW_AND_THEN);
    ClaimedMessage message = message();
    ClaimCursor.Position end = new ClaimCursor.Position(message.dueMicros(), message.id());
    for (int rateLimit : new int[] {0, 5}) {
      ClaimPlanner planner = planner(settings, rateLimit);
      Claim first = planner.next();
      assertThat(first.from()).isEqualTo(ClaimCursor.Position.BEGINNING);
      assertThat(first.rateLimit()).isEqualTo(rateLimit);
      planner.claimed(first, List.of(message), Samples.exchange());
      assertThat(planner.next().from())
          .isEqualTo(rateLimit == 0 ? end : ClaimCursor.Position.BEGINNING);
    }
  }

  @Test
  void should_ask_for_more_at_once_after_a_full_batch() throws InterruptedException {
    ClaimPlanner planner = planner(Duration.ZERO, 2, 8, ONLY_WHEN_WOKEN);
    planner.wake();
    claimed(planner, planner.next(), 2);
    assertThat(planner.next()).as("without a day's wait").isNotNull();
  }

  @Test
  void should_claim_now_and_then_once_claims_for_what_arrived_took_none_many_times()
      throws InterruptedException {
    ClaimPlanner planner = planner(Duration.ZERO, 2, 8, NOW_AND_THEN);
    for (int i = 0; i < 30; i++) {
      claimed(planner, planner.next(), 0);
    }
    assertThat(planner.woken()).as("nothing arrived").isFalse();
    for (int i = 0; i < 20; i++) {
      planner.arrived();
      assertThat(planner.woken()).isTrue();
      claimed(planner, planner.next(), 0);
    }
    planner.arrived();
    assertThat(planner.woken()).isFalse();
    claimed(planner, planner.next(), 1);
    planner.arrived();
    assertThat(planner.woken()).isTrue();
  }

  @Test
  void should_claim_again_as_soon_as_there_is_room() throws InterruptedException {
    ClaimPlanner planner = planner(Duration.ZERO, 2, 1, ONLY_WHEN_WOKEN);
    planner.wake();
    claimed(planner, planner.next(), 2);
    assertThat(planner.next()).isNull();
    planner.recorded(2);
    assertThat(planner.next()).as("without a day's wait").isNotNull();
  }

  @Test
  void should_claim_nothing_that_it_could_not_deliver() throws InterruptedException {
    ClaimPlanner planner = continuous(2, 8);
    canDeliver.set(false);
    assertThat(planner.next()).isNull();
    canDeliver.set(true);
    assertThat(planner.next()).isNotNull();
    planner.close();
    assertThat(planner.next()).isNull();
    assertThatThrownBy(() -> planner.manual(5))
        .isInstanceOf(ProblemException.class)
        .hasMessageContaining("shutting down");
  }

  @Test
  void should_end_a_round_that_waits_and_claim_nothing_when_the_rounds_are_to_end()
      throws Exception {
    ClaimPlanner planner = planner(Duration.ZERO, 2, 8, ONLY_WHEN_WOKEN);
    CompletableFuture<Claim> waiting = new CompletableFuture<>();
    Thread round = new Thread(() -> waiting.complete(next(planner)));
    round.start();
    await().until(() -> round.getState() == Thread.State.TIMED_WAITING);
    claimRouteRuns.set(false);
    planner.wake();
    assertThat(waiting.get(30, TimeUnit.SECONDS)).isNull();
    assertThat(planner.next()).as("without a day's wait").isNull();
    claimRouteRuns.set(true);
    planner.wake();
    assertThat(planner.next()).isNotNull();
  }

  @Test
  void should_leave_to_others_what_it_would_not_take_at_once() throws InterruptedException {
    ClaimPlanner planner = continuous(500, 8);
    assertThat(planner.needsOtherNodes()).isFalse();
    canDeliver.set(false);
    assertThat(planner.needsOtherNodes()).as("a route that delivers is stopped").isTrue();
    canDeliver.set(true);
    claimRouteRuns.set(false);
    assertThat(planner.needsOtherNodes()).as("nothing is claimed").isTrue();
    claimRouteRuns.set(true);
    planner.recording(false);
    assertThat(planner.needsOtherNodes()).as("outcomes cannot be recorded").isTrue();
    planner.recording(true);
    claimed(planner, planner.next(), 16);
    assertThat(planner.needsOtherNodes()).as("it has enough").isTrue();
    planner.recorded(4);
    assertThat(planner.needsOtherNodes()).as("it has room again").isFalse();
    circuit.note(outcome(Kind.NOT_SENT));
    assertThat(planner.needsOtherNodes()).as("the circuit is open").isTrue();
    clock.addAndGet(PATIENCE);
    assertThat(next(planner).probe()).isTrue();
    assertThat(planner.needsOtherNodes()).as("a few messages test the provider").isTrue();
    circuit.note(outcome(message(), Kind.DELIVERED, true));
    assertThat(planner.needsOtherNodes()).isFalse();
    planner.close();
    assertThat(planner.needsOtherNodes()).as("it is shutting down").isTrue();
  }

  @Test
  void should_leave_nothing_to_others_with_paced_sending() {
    canDeliver.set(false);
    assertThat(planner(Duration.ofMinutes(2), 2, 8, NOW_AND_THEN).needsOtherNodes()).isFalse();
  }

  @Test
  void should_test_an_open_circuit_with_a_few_messages_at_a_time() {
    ClaimPlanner planner = continuous(10, 64);
    circuit.note(outcome(Kind.NOT_SENT));
    assertThat(next(planner)).isNull();
    clock.addAndGet(PATIENCE);
    Claim probe = next(planner);
    assertThat(probe.probe()).isTrue();
    assertThat(probe.limit()).isEqualTo(Circuit.PROBES);
    claimed(planner, probe, 2);
    assertThat(next(planner)).isNull();
    circuit.note(outcome(message(), Kind.NOT_SENT, true));
    circuit.note(outcome(message(), Kind.NOT_SENT, true));
    clock.addAndGet(PATIENCE);
    assertThat(next(planner).probe()).as("the two that were due have ended").isTrue();
  }

  @Test
  void should_hand_back_the_leave_for_a_probe_that_found_nothing_or_failed() {
    ClaimPlanner planner = continuous(10, 64);
    circuit.note(outcome(Kind.NOT_SENT));
    clock.addAndGet(PATIENCE);
    claimed(planner, next(planner), 0);
    Claim probe = next(planner);
    assertThat(probe.probe()).isTrue();
    planner.failed(probe, new IllegalStateException("no connection"));
    assertThat(next(planner).probe()).isTrue();
  }

  @Test
  void should_claim_a_little_after_an_outage_and_ask_for_more_when_it_may() throws Exception {
    Circuit strict =
        new Circuit(
            new Settings.Circuit(Duration.ofSeconds(10), 1, 50, Duration.ofMinutes(1)),
            new Settings.Dispatch(true, Duration.ZERO, 10, 64, Samples.LEASE, NOW_AND_THEN),
            clock::get,
            () -> 1);
    ClaimPlanner planner =
        new ClaimPlanner(
            new Settings.Dispatch(true, Duration.ZERO, 100, 64, Samples.LEASE, ONLY_WHEN_WOKEN),
            0,
            strict,
            canDeliver::get,
            claimRouteRuns::get,
            any -> {});
    strict.note(outcome(Kind.NOT_SENT));
    clock.addAndGet(PATIENCE);
    strict.note(outcome(Kind.DELIVERED));
    planner.wake();
    Claim first = planner.next();
    assertThat(first.limit()).isEqualTo(6);
    claimed(planner, first, 6);
    assertThat(planner.next()).as("as much as it may").isNull();
    strict.note(outcome(Kind.DELIVERED));
    planner.recorded(1);
    assertThat(planner.next().limit()).as("without a day's wait").isEqualTo(2);
  }

  @Test
  void should_let_nothing_hold_back_a_claim_by_hand() throws InterruptedException {
    ClaimPlanner planner = planner(Duration.ofMinutes(2), 2, 1, NOW_AND_THEN);
    circuit.note(outcome(Kind.NOT_SENT));
    assertThat(circuit.open()).isTrue();
    claimed(planner, planner.manual(100), 100);
    Claim claim = planner.manual(null);
    assertThat(claim.limit()).as("dispatch.batch-size").isEqualTo(2);
    assertThat(claim.paced() || claim.continuous() || claim.probe()).isFalse();
  }

  private ClaimPlanner continuous(int batchSize, int concurrency) {
    return planner(Duration.ZERO, batchSize, concurrency, NOW_AND_THEN);
  }

  private ClaimPlanner planner(
      Duration interval, int batchSize, int concurrency, Duration idleWait) {
    return planner(
        new Settings.Dispatch(true, interval, batchSize, concurrency, Samples.LEASE, idleWait), 0);
  }

  private ClaimPlanner planner(Settings.Dispatch settings, int rateLimit) {
    return new ClaimPlanner(
        settings, rateLimit, circuit, canDeliver::get, claimRouteRuns::get, any -> {});
  }

  private static Claim next(ClaimPlanner planner) {
    try {
      return planner.next();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void claimed(ClaimPlanner planner, Claim claim, int count) {
    List<ClaimedMessage> messages = Collections.nCopies(count, message());
    assertThat(planner.claimed(claim, messages, Samples.exchange())).isEqualTo(messages);
  }

  @Test
  void should_claim_nothing_while_outcomes_cannot_be_recorded() throws InterruptedException {
    ClaimPlanner planner = continuous(10, 64);
    planner.recording(false);
    assertThat(planner.next()).isNull();
    assertThat(planner.postingAllowed()).isFalse();
    assertThatThrownBy(() -> planner.manual(5)).hasMessageContaining("cannot be recorded");
    planner.recording(true);
    assertThat(planner.next()).isNotNull();
  }

  @Test
  void should_not_be_idle_while_a_claim_is_under_way() throws InterruptedException {
    ClaimPlanner planner = continuous(10, 64);
    assertThat(planner.idle()).isTrue();
    Claim claim = planner.next();
    assertThat(planner.idle()).isFalse();
    claimed(planner, claim, 1);
    assertThat(planner.idle()).isFalse();
    planner.recorded(1);
    assertThat(planner.idle()).isTrue();
  }

  @Test
  void should_wait_for_a_claim_by_hand_at_the_stop() {
    ClaimPlanner planner = continuous(10, 64);
    Claim claim = planner.manual(1);
    planner.close();
    assertThat(planner.idle()).isFalse();
    planner.failed(claim, new IllegalStateException("the connection broke"));
    assertThat(planner.idle()).isTrue();
    assertThatThrownBy(() -> planner.manual(1)).isInstanceOf(ProblemException.class);
    assertThat(planner.idle()).as("a refused one is not under way").isTrue();
  }

  @Test
  void should_give_back_a_claim_whose_answer_was_lost() throws InterruptedException {
    ClaimPlanner planner = continuous(10, 64);
    claimed(planner, planner.next(), 1);
    planner.failed(planner.next(), new CannotGetJdbcConnectionException("never sent"));
    planner.failed(null, new IllegalStateException("not a claim"));
    planner.failed(planner.next(), failure("57014")); // canceled, and so rolled back
    planner.failed(planner.next(), new IllegalStateException("the route is stopped"));
    assertThat(planner.lost()).isNull();

    Claim claim = planner.next();
    planner.failed(claim, failure("08006"));
    assertThat(planner.lost()).containsExactly(claim.id().toString());
    planner.givenBack(List.of(Map.of("claim_id", claim.id(), "messages", 3L)));
    assertThat(planner.lost()).as("the next look is later").isNull();
  }

  private static Exception failure(String sqlState) {
    return new DataAccessResourceFailureException("claim", new SQLException("broke", sqlState));
  }

  @Test
  void should_lose_nothing_when_a_round_fails_after_its_claim() throws InterruptedException {
    ClaimPlanner planner = continuous(10, 64);
    Claim claim = planner.next();
    claimed(planner, claim, 1);
    planner.failed(claim, new IllegalStateException("a step after the claim"));
    assertThat(planner.lost()).isNull();

    circuit.note(outcome(Kind.NOT_SENT));
    clock.addAndGet(PATIENCE);
    Claim probe = planner.next();
    claimed(planner, probe, 2);
    planner.failed(probe, new IllegalStateException("a step after the claim"));
    assertThat(planner.next()).as("its messages still test the provider").isNull();
  }

  @Test
  void should_count_and_keep_nothing_of_a_claim_that_it_cannot_read() throws InterruptedException {
    ClaimPlanner planner = continuous(10, 64);
    Claim claim = planner.next();
    List<Object> rows = List.of(message(), Map.of("id", 1));
    assertThatThrownBy(() -> planner.claimed(claim, rows, Samples.exchange()))
        .hasMessageContaining("sql-claim-due needs outputClass: dev.herald.message.ClaimedMessage");
    assertThat(planner.inFlight()).isZero();
    planner.failed(claim, new IllegalStateException("as thrown"));
    assertThat(planner.idle()).isTrue();
    assertThat(planner.lost()).as("to give back").containsExactly(claim.id().toString());
    assertThatThrownBy(() -> planner.claimed(claim, null, Samples.exchange()))
        .hasMessageContaining("got nothing");
  }

  @Test
  void should_count_messages_until_they_cannot_come_to_the_gate_any_more()
      throws InterruptedException {
    ClaimPlanner planner = planner(Duration.ZERO, 2, 1, ONLY_WHEN_WOKEN);
    planner.wake();
    Claim claim = planner.next();
    Exchange exchange = Samples.exchange();
    planner.claimed(claim, List.of(message(), message()), exchange);
    claim.batch().arrived();
    assertThat(planner.inFlight()).isEqualTo(2);
    assertThat(planner.next()).isNull();
    exchange.getExchangeExtension().handoverCompletions().forEach(end -> end.onComplete(exchange));
    assertThat(planner.inFlight()).as("the one at the gate").isEqualTo(1);
    assertThat(planner.next()).as("without a day's wait").isNotNull();
    claim.batch().arrived();
    assertThat(planner.inFlight()).as("with one that came late").isEqualTo(2);
    planner.recorded(2);
    assertThat(planner.inFlight()).isZero();
  }
}
