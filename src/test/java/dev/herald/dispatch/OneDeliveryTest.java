package dev.herald.dispatch;

import static dev.herald.dispatch.Samples.message;
import static dev.herald.dispatch.Samples.outcome;
import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.dispatch.Outcome.Kind;
import dev.herald.message.ClaimedMessage;
import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** What {@link Delivery} knows, and no route can change. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class OneDeliveryTest {
  private final ClaimedMessage message = message();
  private final Delivery delivery = new Delivery(message, Samples.probe());

  @Test
  void should_end_once() {
    assertThat(delivery.end(outcome(Kind.MAYBE_SENT), 1)).isPresent();
    assertThat(delivery.end(outcome(Kind.DELIVERED), 2)).isEmpty();
  }

  @Test
  void should_stand_for_its_own_message_whatever_the_route_answers_with() {
    delivery.start(1_000_000);
    Outcome ended = delivery.end(outcome(message(), Kind.NOT_SENT, false), 8_000_000).orElseThrow();
    assertThat(ended.message()).isSameAs(message);
    assertThat(ended.kind()).isEqualTo(Kind.NOT_SENT);
    assertThat(ended.took()).isEqualTo(Duration.ofMillis(7));
    assertThat(ended.probe()).isTrue();
  }

  @Test
  void should_take_no_time_where_nothing_was_posted() {
    delivery.start(1_000_000);
    assertThat(delivery.end(outcome(Kind.RETURNED), 8_000_000).orElseThrow().took()).isZero();
  }
}
