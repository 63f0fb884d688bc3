package dev.herald.dispatch;

import static dev.herald.dispatch.Samples.message;
import static dev.herald.dispatch.Samples.outcome;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.webhook.WebhookException;
import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What {@link Delivery} knows, and no route can change. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class OneDeliveryTest {
  private final ClaimedMessage message = message();
  private final Delivery delivery = new Delivery(message, Samples.probe(), 1_000_000);

  @Test
  void should_end_once() {
    assertThat(delivery.end(outcome(Kind.MAYBE_SENT), 1)).isPresent();
    assertThat(delivery.end(outcome(Kind.DELIVERED), 2)).isEmpty();
  }

  @Test
  void should_stand_for_its_own_message_whatever_the_route_answers_with() {
    Outcome ended = delivery.end(outcome(message(), Kind.NOT_SENT, false), 8_000_000).orElseThrow();
    assertThat(ended.message()).isSameAs(message);
    assertThat(ended.kind()).isEqualTo(Kind.NOT_SENT);
    assertThat(ended.took()).isEqualTo(Duration.ofMillis(7));
    assertThat(ended.probe()).isTrue();
  }

  @Test
  void should_take_no_time_where_nothing_was_posted() {
    assertThat(delivery.end(outcome(Kind.RETURNED), 8_000_000).orElseThrow().took()).isZero();
  }

  @Test
  void should_hold_a_post_to_the_lease() throws Exception {
    long timeout = Duration.ofSeconds(5).toNanos();
    Delivery cutShort = delivery(Samples.LEASE.minusSeconds(5));
    long now = System.nanoTime();
    assertThat(delivery(Duration.ZERO).deadline(now, timeout)).isEqualTo(now + timeout);
    assertThat(cutShort.deadline(now, timeout))
        .isBetween(now + timeout / 2, now + Duration.ofSeconds(4).toNanos());
    assertThatThrownBy(() -> delivery(Samples.LEASE.minusSeconds(3)).deadline(now, timeout))
        .isInstanceOf(WebhookException.class)
        .hasMessageContaining("lease")
        .matches(failure -> !((WebhookException) failure).written());
  }

  @Test
  void should_not_call_a_message_unsent_that_an_earlier_post_may_have_sent() {
    delivery.leaves("provider");
    delivery.leaves("provider");
    delivery.answered(503, null, null);
    assertThat(delivery.end(outcome(Kind.NOT_SENT), 2).orElseThrow().kind())
        .isEqualTo(Kind.MAYBE_SENT);
  }

  @Test
  void should_let_a_later_answer_stand_where_the_earlier_post_certainly_sent_nothing() {
    delivery.leaves("provider");
    delivery.answered(503, null, null);
    delivery.leaves("provider");
    delivery.answered(429, null, null);
    assertThat(delivery.end(outcome(Kind.NOT_SENT), 2).orElseThrow().kind())
        .isEqualTo(Kind.NOT_SENT);
  }

  private Delivery delivery(Duration claimedAgo) {
    return new Delivery(message, Samples.claimedAgo(claimedAgo), System.nanoTime());
  }
}
