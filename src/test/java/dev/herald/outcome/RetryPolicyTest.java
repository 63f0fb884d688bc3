package dev.herald.outcome;

import static dev.herald.outcome.Outcome.Kind.DELIVERED;
import static dev.herald.outcome.Outcome.Kind.EXPIRED;
import static dev.herald.outcome.Outcome.Kind.MAYBE_SENT;
import static dev.herald.outcome.Outcome.Kind.MISCONFIGURED;
import static dev.herald.outcome.Outcome.Kind.NOT_SENT;
import static dev.herald.outcome.Outcome.Kind.ORPHANED;
import static dev.herald.outcome.Outcome.Kind.REFUSED;
import static dev.herald.outcome.Outcome.Kind.RETURNED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.config.Settings;
import dev.herald.config.Settings.OnAmbiguous;
import dev.herald.dispatch.Samples;
import dev.herald.message.MessageStatus;
import dev.herald.outcome.Outcome.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What follows from an outcome: the table "Outcomes". A message has 3 attempts here. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RetryPolicyTest {
  private static final Settings.Retry SETTINGS =
      new Settings.Retry(
          3,
          Duration.ofSeconds(1),
          Duration.ofMinutes(5),
          Duration.ofHours(1),
          Duration.ofHours(24));

  private final List<Long> asked = new ArrayList<>();
  private boolean othersGetThrough;
  private double jitter = 1;

  private final RetryPolicy retry = policy(OnAmbiguous.RETRY);
  private final RetryPolicy hold = policy(OnAmbiguous.HOLD);

  private RetryPolicy policy(OnAmbiguous onAmbiguous) {
    return new RetryPolicy(
        onAmbiguous,
        SETTINGS,
        failingForMs -> {
          asked.add(failingForMs);
          return othersGetThrough;
        },
        () -> jitter);
  }

  @Test
  void should_be_done_with_what_was_delivered_or_refused() {
    assertThat(retry.decide(outcome(DELIVERED, 1)))
        .isEqualTo(new Transition(MessageStatus.SENT, true, null));
    assertThat(retry.decide(outcome(REFUSED, 1)))
        .isEqualTo(new Transition(MessageStatus.FAILED, true, null));
  }

  @Test
  void should_count_what_may_have_been_sent_and_wait_twice_as_long_each_time() {
    assertThat(retry.decide(outcome(MAYBE_SENT, 1))).isEqualTo(counted(Duration.ofSeconds(1)));
    assertThat(retry.decide(outcome(MAYBE_SENT, 2))).isEqualTo(counted(Duration.ofSeconds(2)));
    assertThat(retry.decide(outcome(MAYBE_SENT, 3)))
        .isEqualTo(new Transition(MessageStatus.FAILED, true, null));
    assertThat(hold.decide(outcome(MAYBE_SENT, 1)))
        .isEqualTo(new Transition(MessageStatus.UNKNOWN, true, null));
  }

  @Test
  void should_count_a_probe_that_may_have_been_sent() {
    assertThat(retry.decide(probe(MAYBE_SENT, 2))).isEqualTo(counted(Duration.ofSeconds(2)));
    assertThat(retry.decide(probe(MAYBE_SENT, 3)).status()).isEqualTo(MessageStatus.FAILED);
    assertThat(retry.decide(probe(NOT_SENT, 3))).isEqualTo(uncounted(Duration.ofSeconds(1)));
  }

  @ParameterizedTest
  @EnumSource(OnAmbiguous.class)
  void should_use_up_no_attempt_where_nothing_was_sent(OnAmbiguous onAmbiguous) {
    for (int attempt = 1; attempt < 10; attempt++) {
      assertThat(policy(onAmbiguous).decide(outcome(NOT_SENT, attempt)))
          .as("attempt %d of 3", attempt)
          .isEqualTo(uncounted(Duration.ofSeconds(1)));
    }
  }

  @Test
  void should_wait_as_long_as_it_has_failed_up_to_the_longest_wait() {
    for (Kind kind : List.of(NOT_SENT, MISCONFIGURED)) {
      assertThat(retry.decide(failing(kind, Duration.ofMillis(100))).dueIn())
          .isEqualTo(Duration.ofSeconds(1));
      assertThat(retry.decide(failing(kind, Duration.ofSeconds(40))).dueIn())
          .isEqualTo(Duration.ofSeconds(40));
      assertThat(retry.decide(failing(kind, Duration.ofHours(2))).dueIn())
          .isEqualTo(Duration.ofMinutes(5));
    }
  }

  @Test
  void should_give_up_by_time_what_was_never_sent_and_say_so() {
    assertThat(retry.decide(failing(NOT_SENT, Duration.ofHours(24).minusMillis(1))).status())
        .isEqualTo(MessageStatus.PENDING);
    assertThat(retry.decide(failing(NOT_SENT, Duration.ofHours(24))))
        .isEqualTo(
            new Transition(MessageStatus.FAILED, false, null, "given up after 1d of trying: why"));
  }

  @Test
  void should_not_hold_the_time_of_a_wrong_key_against_a_message() {
    Outcome after = outcome(NOT_SENT, 1, Duration.ofDays(3), true);
    assertThat(retry.decide(after)).isEqualTo(uncounted(Duration.ofSeconds(1)));
  }

  @Test
  void should_let_a_wrong_url_or_key_cost_nothing_for_ever() {
    assertThat(retry.decide(outcome(MISCONFIGURED, 3))).isEqualTo(uncounted(Duration.ofSeconds(1)));
    assertThat(retry.decide(failing(MISCONFIGURED, Duration.ofDays(365))))
        .isEqualTo(uncounted(Duration.ofMinutes(5)));
    assertThat(asked).containsExactly(null, Duration.ofDays(365).toMillis());
  }

  @Test
  void should_hold_it_against_a_message_while_others_get_through() {
    othersGetThrough = true;
    assertThat(retry.decide(failing(MISCONFIGURED, Duration.ofHours(1))))
        .isEqualTo(counted(Duration.ofSeconds(1)));
    assertThat(retry.decide(outcome(MISCONFIGURED, 2))).isEqualTo(counted(Duration.ofSeconds(2)));
    assertThat(retry.decide(outcome(MISCONFIGURED, 3)))
        .isEqualTo(new Transition(MessageStatus.FAILED, true, null));
  }

  @Test
  void should_spread_waits_and_never_exceed_the_longest() {
    jitter = 0.5;
    assertThat(retry.decide(outcome(MAYBE_SENT, 2)).dueIn()).isEqualTo(Duration.ofSeconds(1));
    assertThat(retry.decide(failing(NOT_SENT, Duration.ofDays(1).minusHours(1))).dueIn())
        .isEqualTo(Duration.ofSeconds(150));
    jitter = 1.5;
    assertThat(retry.decide(outcome(MAYBE_SENT, 2)).dueIn()).isEqualTo(Duration.ofSeconds(3));
    assertThat(retry.decide(failing(NOT_SENT, Duration.ofHours(1))).dueIn())
        .isEqualTo(Duration.ofMinutes(5));
  }

  @Test
  void should_wait_no_longer_than_the_longest_after_very_many_attempts() {
    Outcome late =
        new Outcome(
            Samples.message(900, 1_000), MAYBE_SENT, null, null, "e", null, Duration.ZERO, false);
    assertThat(retry.decide(late)).isEqualTo(counted(Duration.ofMinutes(5)));
  }

  @Test
  void should_respect_retry_after_within_bounds() {
    assertThat(retry.decide(asking(Duration.ofSeconds(20))).dueIn())
        .isEqualTo(Duration.ofSeconds(20));
    assertThat(retry.decide(asking(Duration.ZERO)).dueIn())
        .as("never sooner than the backoff")
        .isEqualTo(Duration.ofSeconds(1));
    assertThat(retry.decide(asking(Duration.ofDays(400))).dueIn()).isEqualTo(Duration.ofHours(1));
  }

  @Test
  void should_leave_no_trace_of_a_claim_that_posted_nothing() {
    assertThat(retry.decide(outcome(RETURNED, 1)))
        .isEqualTo(new Transition(MessageStatus.PENDING, false, null));
    assertThat(retry.decide(outcome(EXPIRED, 1)))
        .isEqualTo(new Transition(MessageStatus.EXPIRED, false, null));
  }

  @Test
  void should_post_an_orphan_again_only_where_that_is_allowed() {
    assertThat(retry.allowsAgain(2, 3)).isTrue();
    assertThat(retry.allowsAgain(4, 3)).as("its attempts are used up").isFalse();
    assertThat(hold.allowsAgain(2, 3)).isFalse();
    assertThat(retry.decide(outcome(ORPHANED, 4)))
        .isEqualTo(new Transition(MessageStatus.FAILED, false, null));
    assertThat(hold.decide(outcome(ORPHANED, 2)))
        .isEqualTo(new Transition(MessageStatus.UNKNOWN, false, null));
  }

  @Test
  void should_decide_on_every_kind() {
    for (Kind kind : Kind.values()) {
      assertThat(retry.decide(outcome(kind, 1))).isNotNull();
    }
  }

  private static Transition counted(Duration dueIn) {
    return new Transition(MessageStatus.PENDING, true, dueIn);
  }

  private static Transition uncounted(Duration dueIn) {
    return new Transition(MessageStatus.PENDING, false, dueIn);
  }

  private static Outcome asking(Duration retryAfter) {
    return new Outcome(
        Samples.message(), NOT_SENT, 429, null, "e", retryAfter, Duration.ZERO, false);
  }

  private static Outcome outcome(Kind kind, int attempt) {
    return outcome(kind, attempt, null, false);
  }

  private static Outcome failing(Kind kind, Duration failingFor) {
    return outcome(kind, 1, failingFor, kind == MISCONFIGURED);
  }

  private static Outcome outcome(
      Kind kind, int attempt, Duration failingFor, boolean misconfigured) {
    return new Outcome(
        Samples.failing(attempt, failingFor, misconfigured),
        kind,
        null,
        null,
        "why",
        null,
        Duration.ZERO,
        false);
  }

  private static Outcome probe(Kind kind, int attempt) {
    return new Outcome(
        Samples.message(attempt, false, null), kind, 503, null, "e", null, Duration.ZERO, true);
  }
}
