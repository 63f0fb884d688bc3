package dev.herald.dispatch;

import static dev.herald.dispatch.Samples.claim;
import static dev.herald.dispatch.Samples.manualClaim;
import static dev.herald.dispatch.Samples.message;
import static dev.herald.dispatch.Samples.probe;
import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.config.Settings;
import dev.herald.dispatch.Circuit.Permission;
import dev.herald.dispatch.Circuit.State;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.testing.CapturedLog;
import java.time.Duration;
import java.time.Instant;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When this node claims, and when it does not. Its clock is set by hand: nothing here waits. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class CircuitTest {
  private static final int CONCURRENCY = 64;
  private static final Duration LEASE = Duration.ofSeconds(30);

  private final AtomicLong clock = new AtomicLong(-5_000_000_000L);
  private int underWay = 1;
  private Circuit circuit = circuit(CONCURRENCY);

  private Circuit circuit(int concurrency) {
    return new Circuit(
        new Settings.Circuit(Duration.ofSeconds(10), 20, 50, Duration.ofSeconds(30)),
        new Settings.Dispatch(true, Duration.ZERO, 500, concurrency, LEASE, Duration.ofMillis(200)),
        clock::get,
        () -> underWay);
  }

  // --- Opening ---

  @ParameterizedTest
  @EnumSource(names = {"NOT_SENT", "MAYBE_SENT"})
  void should_open_after_twenty_failures_in_a_row_though_thousands_succeeded(Kind failure) {
    note(Kind.DELIVERED, 5_000);
    note(failure, 19);
    assertThat(circuit.closed()).isTrue();
    note(failure, 1);
    assertThat(circuit.open()).isTrue();
    assertThat(circuit.tryAcquirePermission(500, 0)).isEqualTo(Permission.NOTHING);
    assertThat(circuit.allows(claim())).isFalse();
    assertThat(circuit.allows(manualClaim())).isTrue();
  }

  @Test
  void should_open_when_half_of_the_window_failed() {
    for (int i = 0; i < 10; i++) {
      assertThat(circuit.closed()).isTrue();
      note(Kind.REFUSED, 1);
      note(Kind.MAYBE_SENT, 1);
    }
    assertThat(circuit.open()).isTrue();
    assertThat(circuit.snapshot().reason()).startsWith("10 of 20 POSTs in 10 s failed, the last:");
  }

  @Test
  void should_not_open_for_five_bad_ones_among_good_ones() {
    note(Kind.MAYBE_SENT, 5);
    note(Kind.DELIVERED, 30);
    note(Kind.MAYBE_SENT, 15);
    assertThat(circuit.closed()).isTrue();
  }

  @Test
  void should_look_at_no_fewer_calls_than_are_under_way() {
    underWay = 64;
    note(Kind.MAYBE_SENT, 63);
    assertThat(circuit.closed()).as("the good ones may take longer").isTrue();
    note(Kind.MAYBE_SENT, 1);
    assertThat(circuit.open()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 20, 1_000})
  void should_never_open_for_a_provider_that_fails_three_in_ten_at_random(long successTakesMs) {
    SplittableRandom random = new SplittableRandom(20261125);
    underWay = CONCURRENCY;
    record Post(long endsAt, boolean fails) {}
    PriorityQueue<Post> posts = new PriorityQueue<>((a, b) -> Long.compare(a.endsAt, b.endsAt));
    for (int i = 0; i < 100_000 + CONCURRENCY; i++) {
      if (posts.size() == CONCURRENCY) {
        Post ended = posts.remove();
        clock.set(ended.endsAt);
        note(ended.fails ? Kind.NOT_SENT : Kind.DELIVERED, 1);
        assertThat(circuit.closed()).as("after %s calls", i).isTrue();
      }
      boolean fails = random.nextInt(10) < 3;
      long takesMs = fails ? 1 : 1 + random.nextLong(2 * successTakesMs);
      posts.add(new Post(clock.get() + takesMs * 1_000_000, fails));
    }
  }

  @Test
  void should_forget_old_failures_and_never_open_on_a_success() {
    note(Kind.MAYBE_SENT, 19);
    pass(Duration.ofSeconds(12));
    note(Kind.DELIVERED, 1);
    assertThat(circuit.closed()).isTrue();
    note(Kind.MAYBE_SENT, 10);
    note(Kind.DELIVERED, 9);
    assertThat(circuit.closed()).as("half of them, and the old ones are forgotten").isTrue();
    note(Kind.DELIVERED, 1);
    assertThat(circuit.closed()).as("10 of 21").isTrue();
  }

  @Test
  void should_forget_slice_by_slice() {
    for (int second = 0; second < 60; second++) {
      note(Kind.DELIVERED, 1);
      note(Kind.MAYBE_SENT, second % 2);
      pass(Duration.ofSeconds(1));
    }
    assertThat(circuit.closed()).as("a third of 15").isTrue();
  }

  @Test
  void should_take_no_notice_of_what_was_not_posted() {
    for (Kind kind : new Kind[] {Kind.RETURNED, Kind.EXPIRED, Kind.ORPHANED}) {
      note(Kind.MAYBE_SENT, 6);
      note(kind, 100);
    }
    assertThat(circuit.closed()).isTrue();
    note(Kind.MAYBE_SENT, 2);
    assertThat(circuit.open()).as("they were in a row").isTrue();
  }

  @Test
  void should_say_why_without_what_the_provider_said_where_anyone_reads_it() {
    try (CapturedLog log = new CapturedLog()) {
      note(Kind.NOT_SENT, 19);
      circuit.note(ended(Kind.NOT_SENT, 503, "HTTP 503: +905551234567 is busy", null, 0, false));
      Circuit.Snapshot snapshot = circuit.snapshot();
      assertThat(snapshot.state()).isEqualTo(State.OPEN);
      assertThat(snapshot.reason()).isEqualTo("20 POSTs in a row failed, the last: HTTP 503");
      assertThat(snapshot.fullReason())
          .isEqualTo("20 POSTs in a row failed, the last: HTTP 503: +905551234567 is busy");
      assertThat(snapshot.since()).isBeforeOrEqualTo(Instant.now());
      assertThat(snapshot.until()).isAfter(snapshot.since());
      assertThat(log.lines())
          .singleElement()
          .asString()
          .contains("circuit is open: 20 POSTs in a row failed, the last: HTTP 503: [...] is busy;")
          .contains("3 messages will test the webhook in 1 s");
    }
    succeedByHand();
    assertThat(circuit.snapshot())
        .isEqualTo(new Circuit.Snapshot(State.CLOSED, null, null, null, null));
  }

  @Test
  void should_log_an_outage_once_a_minute_and_how_long_it_lasted() {
    try (CapturedLog log = new CapturedLog()) {
      open();
      for (int i = 0; i < 300; i++) {
        pass(Duration.ofSeconds(1));
        failProbes();
      }
      assertThat(log.lines())
          .filteredOn(line -> line.contains("circuit is open"))
          .hasSizeBetween(4, 6)
          .last()
          .asString()
          .containsPattern("open for \\d+ s now, and \\d\\d tests failed: ");
      succeedByHand();
      assertThat(log.lines())
          .last()
          .asString()
          .containsPattern("responds again after 300 s, .* closed; \\d\\d tests failed");
    }
  }

  // --- Misconfigured ---

  @Test
  void should_not_open_for_a_hundred_of_their_own_fault_before_good_ones() {
    note(Kind.MISCONFIGURED, 100);
    assertThat(circuit.closed()).isTrue();
    note(Kind.DELIVERED, 30);
    for (int i = 0; i < 5; i++) {
      pass(Duration.ofSeconds(1));
      note(Kind.MISCONFIGURED, 100);
    }
    assertThat(circuit.closed()).as("others get through").isTrue();
  }

  @Test
  void should_open_for_a_wrong_key_when_it_has_lasted_a_second_or_two() {
    note(Kind.DELIVERED, 5);
    pass(Duration.ofSeconds(11));
    int posts = 0;
    for (; circuit.closed() && posts < 1_000; posts++) {
      note(Kind.MISCONFIGURED, 1);
      pass(Duration.ofMillis(10));
    }
    assertThat(posts).isBetween(100, 221);
  }

  @Test
  void should_open_for_a_wrong_key_at_a_slow_pace_too() {
    int posts = 0;
    for (; circuit.closed() && posts < 1_000; posts++) {
      note(Kind.MISCONFIGURED, 1);
      pass(Duration.ofMinutes(1));
    }
    assertThat(posts).isEqualTo(21);
  }

  @Test
  void should_not_count_the_misconfigured_for_or_against_others() {
    note(Kind.MISCONFIGURED, 1_000);
    note(Kind.MAYBE_SENT, 10);
    note(Kind.REFUSED, 10);
    note(Kind.MAYBE_SENT, 1);
    assertThat(circuit.open()).as("11 of 21").isTrue();
  }

  @Test
  void should_know_whether_others_get_through() {
    assertThat(circuit.othersGetThrough(null)).isFalse();
    note(Kind.DELIVERED, 1);
    assertThat(circuit.othersGetThrough(null)).isTrue();
    pass(Duration.ofSeconds(11));
    assertThat(circuit.othersGetThrough(null)).as("not of late").isFalse();
    assertThat(circuit.othersGetThrough(5_000L)).isFalse();
    assertThat(circuit.othersGetThrough(12_000L)).as("since it began to fail").isTrue();
  }

  // --- Waiting and probing ---

  @Test
  void should_wait_a_quarter_of_the_outage_within_bounds() {
    open();
    long begin = clock.get();
    for (int i = 0; i < 40; i++) {
      long asked = clock.get();
      long outage = asked - begin;
      long wait = Math.max(1_000_000_000L, Math.min(30_000_000_000L, outage / 4));
      clock.set(asked + wait - 1);
      assertThat(circuit.tryAcquirePermission(500, 0)).isEqualTo(Permission.NOTHING);
      clock.set(asked + wait);
      failProbes();
    }
    assertThat(circuit.open()).isTrue();
  }

  @Test
  void should_let_three_messages_test_the_provider_and_no_others() {
    halfOpen();
    assertThat(circuit.tryAcquirePermission(500, 0)).isEqualTo(new Permission(3, true));
    circuit.probing(3);
    assertThat(circuit.tryAcquirePermission(500, 3)).isEqualTo(Permission.NOTHING);
    assertThat(circuit.allows(probe())).isTrue();
    assertThat(circuit.allows(claim())).isFalse();
    assertThat(circuit.allows(manualClaim())).isTrue();
  }

  @Test
  void should_take_no_more_than_a_batch_for_a_probe() {
    halfOpen();
    assertThat(circuit.tryAcquirePermission(2, 0)).isEqualTo(new Permission(2, true));
  }

  @ParameterizedTest
  @EnumSource(names = {"DELIVERED", "REFUSED"})
  void should_recover_with_the_first_probe_that_is_dealt_with(Kind kind) {
    probeIsOut(3);
    endProbe(Kind.NOT_SENT);
    assertThat(circuit.snapshot().state()).isEqualTo(State.HALF_OPEN);
    endProbe(kind);
    assertThat(circuit.closed()).isTrue();
    endProbe(Kind.NOT_SENT);
    assertThat(circuit.closed()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"NOT_SENT", "MAYBE_SENT", "MISCONFIGURED"})
  void should_open_again_when_all_probes_failed(Kind kind) {
    probeIsOut(3);
    Instant since = circuit.snapshot().since();
    endProbe(kind);
    endProbe(kind);
    assertThat(circuit.snapshot().state()).isEqualTo(State.HALF_OPEN);
    endProbe(Kind.RETURNED);
    assertThat(circuit.snapshot().state()).isEqualTo(State.OPEN);
    assertThat(circuit.snapshot().since()).as("of the outage").isEqualTo(since);
    assertThat(circuit.snapshot().reason()).startsWith("20 POSTs in a row failed");
  }

  @Test
  void should_let_others_go_when_probes_came_to_nothing() {
    probeIsOut(3);
    circuit.probing(0);
    assertThat(circuit.tryAcquirePermission(500, 0).probe()).as("nothing was due").isTrue();
    circuit.releasePermission();
    assertThat(circuit.tryAcquirePermission(500, 0).probe()).as("the claim failed").isTrue();
    circuit.probing(2);
    endProbe(Kind.EXPIRED);
    endProbe(Kind.RETURNED);
    assertThat(circuit.tryAcquirePermission(500, 0).probe()).as("none was posted").isTrue();
  }

  @Test
  void should_let_others_go_when_probes_never_come_back() {
    probeIsOut(3);
    pass(LEASE.minusMillis(1));
    assertThat(circuit.tryAcquirePermission(500, 0)).isEqualTo(Permission.NOTHING);
    pass(Duration.ofMillis(1));
    assertThat(circuit.tryAcquirePermission(500, 0).probe()).isTrue();
  }

  @Test
  void should_listen_only_to_posts_that_began_after_it_opened() {
    open();
    pass(Duration.ofSeconds(1));
    circuit.note(ended(Kind.DELIVERED, 202, null, null, 1_001, false));
    assertThat(circuit.open()).as("it began before").isTrue();
    circuit.note(ended(Kind.MAYBE_SENT, null, "no answer in time", null, 5_000, false));
    assertThat(circuit.open()).isTrue();
    circuit.note(ended(Kind.DELIVERED, 202, null, null, 999, false));
    assertThat(circuit.closed()).as("a batch by hand").isTrue();
  }

  // --- After an outage ---

  @Test
  void should_double_what_may_be_in_flight_with_each_round() {
    open();
    pass(Duration.ofSeconds(1));
    succeedByHand();
    int allowed = 6;
    for (int rounds = 0; allowed < CONCURRENCY; rounds++) {
      assertThat(rounds).isLessThan(5);
      assertThat(circuit.tryAcquirePermission(500, 0)).isEqualTo(new Permission(allowed, false));
      assertThat(circuit.tryAcquirePermission(500, allowed)).isEqualTo(Permission.NOTHING);
      assertThat(circuit.tryAcquirePermission(500, allowed - 1).limit()).isEqualTo(1);
      note(Kind.DELIVERED, allowed);
      allowed *= 2;
    }
    assertThat(circuit.tryAcquirePermission(500, 300)).isEqualTo(new Permission(500, false));
  }

  @Test
  void should_limit_nothing_when_the_window_is_over() {
    open();
    pass(Duration.ofSeconds(1));
    succeedByHand();
    pass(Duration.ofSeconds(10));
    assertThat(circuit.tryAcquirePermission(500, 300).limit()).isEqualTo(500);
  }

  @Test
  void should_not_wait_for_posts_from_before_nor_listen_to_their_end() {
    underWay = 64;
    note(Kind.MAYBE_SENT, 64);
    assertThat(circuit.open()).isTrue();
    pass(Duration.ofSeconds(2));
    succeedByHand(); // one of the 64, so 63 hang
    assertThat(circuit.tryAcquirePermission(500, 63)).isEqualTo(new Permission(6, false));
    pass(Duration.ofSeconds(3));
    for (int i = 0; i < 63; i++) {
      circuit.note(ended(Kind.MAYBE_SENT, null, "no answer in time", null, 5_000, false));
    }
    assertThat(circuit.closed()).isTrue();
    assertThat(circuit.tryAcquirePermission(500, 6)).isEqualTo(Permission.NOTHING);
  }

  @Test
  void should_start_its_window_afresh() {
    open();
    pass(Duration.ofSeconds(1));
    succeedByHand();
    note(Kind.MAYBE_SENT, 19);
    assertThat(circuit.closed()).isTrue();
    note(Kind.MAYBE_SENT, 1);
    assertThat(circuit.open()).isTrue();
  }

  // --- Throttling ---

  @Test
  void should_not_pause_for_one_429_in_ten() {
    for (int i = 0; i < 2_000; i++) {
      if (i % 10 == 0) {
        throttle(429, Duration.ofSeconds(30));
      } else {
        note(Kind.DELIVERED, 1);
      }
      pass(Duration.ofMillis(3));
    }
    assertThat(circuit.closed()).isTrue();
  }

  @Test
  void should_pause_for_as_long_as_the_provider_asks_within_a_bound() {
    for (int[] asked : new int[][] {{0, 1}, {7, 7}, {3_600, 30}}) {
      circuit = circuit(CONCURRENCY);
      underWay = 10;
      for (int i = 0; i < 10; i++) {
        assertThat(circuit.closed()).isTrue();
        throttle(i % 2 == 0 ? 429 : 503, Duration.ofSeconds(asked[0]));
      }
      assertThat(circuit.paused()).isTrue();
      assertThat(circuit.open()).isFalse();
      assertThat(circuit.snapshot().reason()).contains("asks for fewer messages", "HTTP 503");
      assertThat(circuit.allows(claim())).isFalse();
      assertThat(circuit.allows(manualClaim())).isTrue();
      pass(Duration.ofSeconds(asked[1]).minusNanos(1));
      assertThat(circuit.tryAcquirePermission(500, 0)).isEqualTo(Permission.NOTHING);
      pass(Duration.ofNanos(1));
      assertThat(circuit.tryAcquirePermission(500, 0)).isEqualTo(new Permission(6, false));
      assertThat(circuit.closed()).isTrue();
    }
  }

  @Test
  void should_never_take_throttling_for_an_outage_but_a_bare_503() {
    underWay = 1_000;
    for (int i = 0; i < 999; i++) {
      throttle(429, null);
    }
    assertThat(circuit.closed()).isTrue();
    circuit = circuit(CONCURRENCY);
    underWay = 1;
    note(Kind.NOT_SENT, 20);
    assertThat(circuit.open()).as("503 without Retry-After").isTrue();
  }

  @Test
  void should_pause_nothing_for_one_message_that_is_throttled_for_itself() {
    for (int i = 0; i < 10; i++) {
      throttle(429, Duration.ofSeconds(30));
      pass(Duration.ofSeconds(5));
    }
    assertThat(circuit.closed()).isTrue();
  }

  @Test
  void should_say_once_a_minute_that_it_pauses() {
    try (CapturedLog log = new CapturedLog()) {
      for (int i = 0; i < 120; i++) {
        circuit.tryAcquirePermission(500, 0);
        for (int k = 0; k < 3; k++) {
          throttle(429, null);
        }
        assertThat(circuit.paused()).isTrue();
        pass(Duration.ofSeconds(1));
      }
      assertThat(log.lines()).hasSize(2).allMatch(line -> line.contains("asks for fewer messages"));
    }
  }

  private void pass(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  private void note(Kind kind, int times) {
    for (int i = 0; i < times; i++) {
      circuit.note(
          switch (kind) {
            case NOT_SENT -> ended(kind, 503, "HTTP 503: as told", null, 0, false);
            case MISCONFIGURED -> ended(kind, 404, "HTTP 404", null, 0, false);
            case MAYBE_SENT -> ended(kind, 500, "HTTP 500", null, 0, false);
            default -> ended(kind, null, null, null, 0, false);
          });
    }
  }

  private void throttle(int status, Duration retryAfter) {
    circuit.note(ended(Kind.NOT_SENT, status, "HTTP " + status, retryAfter, 0, false));
  }

  private void succeedByHand() {
    circuit.note(ended(Kind.DELIVERED, 202, null, null, 0, false));
  }

  private void open() {
    note(Kind.MAYBE_SENT, 20);
    assertThat(circuit.open()).isTrue();
  }

  private void halfOpen() {
    open();
    pass(Duration.ofSeconds(1));
  }

  private void probeIsOut(int messages) {
    halfOpen();
    assertThat(circuit.tryAcquirePermission(messages, 0)).isEqualTo(new Permission(messages, true));
    circuit.probing(messages);
  }

  private void endProbe(Kind kind) {
    circuit.note(ended(kind, null, "why", null, 0, true));
  }

  /** Probes whenever they may, and none is answered. */
  private void failProbes() {
    if (circuit.tryAcquirePermission(500, 0).probe()) {
      circuit.probing(3);
      for (int i = 0; i < 3; i++) {
        endProbe(Kind.MAYBE_SENT);
      }
    }
  }

  private static Outcome ended(
      Kind kind, Integer status, String error, Duration retryAfter, long tookMs, boolean probe) {
    return new Outcome(
        message(), kind, status, null, error, retryAfter, Duration.ofMillis(tookMs), probe);
  }
}
