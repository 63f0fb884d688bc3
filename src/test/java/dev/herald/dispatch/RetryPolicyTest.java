package dev.herald.dispatch;

import static dev.herald.dispatch.Outcome.Kind.DELIVERED;
import static dev.herald.dispatch.Outcome.Kind.EXPIRED;
import static dev.herald.dispatch.Outcome.Kind.MAYBE_SENT;
import static dev.herald.dispatch.Outcome.Kind.MISCONFIGURED;
import static dev.herald.dispatch.Outcome.Kind.NOT_SENT;
import static dev.herald.dispatch.Outcome.Kind.ORPHANED;
import static dev.herald.dispatch.Outcome.Kind.REFUSED;
import static dev.herald.dispatch.Outcome.Kind.RETURNED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.Settings.OnAmbiguous;
import dev.herald.dispatch.Outcome.Kind;
import dev.herald.message.Status;
import io.github.resilience4j.core.IntervalFunction;
import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What follows from an outcome: the table "Outcomes". */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RetryPolicyTest {
  private static final Duration OUTAGE = Duration.ofSeconds(30);
  private static final Duration LONGEST = Duration.ofHours(1);

  private final RetryPolicy retry = policy(OnAmbiguous.RETRY);
  private final RetryPolicy hold = policy(OnAmbiguous.HOLD);

  @Test
  void should_be_done_with_what_was_delivered_or_refused() {
    assertThat(retry.decide(outcome(DELIVERED, 1))).isEqualTo(new Verdict(Status.SENT, true, null));
    assertThat(retry.decide(outcome(REFUSED, 1))).isEqualTo(new Verdict(Status.FAILED, true, null));
  }

  @Test
  void should_wait_twice_as_long_after_each_attempt_and_fail_after_the_last() {
    assertThat(retry.decide(outcome(NOT_SENT, 1)))
        .isEqualTo(new Verdict(Status.PENDING, true, Duration.ofSeconds(1)));
    assertThat(retry.decide(outcome(NOT_SENT, 2)))
        .isEqualTo(new Verdict(Status.PENDING, true, Duration.ofSeconds(2)));
    assertThat(retry.decide(outcome(NOT_SENT, 3)))
        .isEqualTo(new Verdict(Status.FAILED, true, null));
  }

  @Test
  void should_retry_or_hold_what_may_have_been_sent() {
    assertThat(retry.decide(outcome(MAYBE_SENT, 1)))
        .isEqualTo(new Verdict(Status.PENDING, true, Duration.ofSeconds(1)));
    assertThat(retry.decide(outcome(MAYBE_SENT, 3)))
        .isEqualTo(new Verdict(Status.FAILED, true, null));
    assertThat(hold.decide(outcome(MAYBE_SENT, 1)))
        .isEqualTo(new Verdict(Status.UNKNOWN, true, null));
    assertThat(hold.decide(outcome(NOT_SENT, 1)).status()).isEqualTo(Status.PENDING);
  }

  @Test
  void should_not_let_a_wrong_url_or_key_cost_an_attempt() {
    assertThat(retry.decide(outcome(MISCONFIGURED, 3)))
        .isEqualTo(new Verdict(Status.PENDING, false, OUTAGE));
  }

  @Test
  void should_not_let_a_test_of_the_provider_cost_an_attempt() {
    Outcome probe =
        new Outcome(
            Samples.message(3, false, null), NOT_SENT, 503, null, "e", null, Duration.ZERO, true);
    assertThat(retry.decide(probe).status()).isEqualTo(Status.PENDING);
    assertThat(retry.decide(probe).counted()).isFalse();
  }

  @Test
  void should_respect_retry_after_within_bounds() {
    assertThat(retry.decide(asking(Duration.ofSeconds(20))).dueIn())
        .isEqualTo(Duration.ofSeconds(20));
    assertThat(retry.decide(asking(Duration.ZERO)).dueIn())
        .as("never sooner than the backoff")
        .isEqualTo(Duration.ofSeconds(1));
    assertThat(retry.decide(asking(Duration.ofDays(400))).dueIn()).isEqualTo(LONGEST);
  }

  @Test
  void should_leave_no_trace_of_a_claim_that_posted_nothing() {
    assertThat(retry.decide(outcome(RETURNED, 1)))
        .isEqualTo(new Verdict(Status.PENDING, false, null));
    assertThat(retry.decide(outcome(EXPIRED, 1)))
        .isEqualTo(new Verdict(Status.EXPIRED, false, null));
  }

  @Test
  void should_post_an_orphan_again_only_where_that_is_allowed() {
    assertThat(retry.allowsAgain(2, 3)).isTrue();
    assertThat(retry.allowsAgain(4, 3)).as("its attempts are used up").isFalse();
    assertThat(hold.allowsAgain(2, 3)).isFalse();
    assertThat(retry.decide(outcome(ORPHANED, 4)))
        .isEqualTo(new Verdict(Status.FAILED, false, null));
    assertThat(hold.decide(outcome(ORPHANED, 2)))
        .isEqualTo(new Verdict(Status.UNKNOWN, false, null));
  }

  @Test
  void should_decide_on_every_kind() {
    for (Kind kind : Kind.values()) {
      assertThat(retry.decide(outcome(kind, 1))).isNotNull();
    }
  }

  private static RetryPolicy policy(OnAmbiguous onAmbiguous) {
    IntervalFunction doubling = IntervalFunction.ofExponentialBackoff(Duration.ofSeconds(1), 2);
    return new RetryPolicy(onAmbiguous, doubling, LONGEST, OUTAGE);
  }

  private static Outcome asking(Duration retryAfter) {
    return new Outcome(
        Samples.message(), NOT_SENT, 429, null, "e", retryAfter, Duration.ZERO, false);
  }

  private static Outcome outcome(Kind kind, int attempt) {
    return new Outcome(
        Samples.message(attempt, false, null), kind, null, null, null, null, Duration.ZERO, false);
  }
}
