package dev.herald.outcome;

import static dev.herald.dispatch.Samples.outcome;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import dev.herald.outcome.BatchResults.BatchResult;
import dev.herald.outcome.BatchResults.Entry;
import dev.herald.outcome.Outcome.Kind;
import java.util.List;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class BatchResultsTest {
  private final BatchResults results = new BatchResults();

  @Test
  void should_sum_up_what_became_of_each_message() {
    Outcome sent = outcome(Kind.DELIVERED);
    Outcome refused = outcome(Kind.REFUSED);
    BatchResult result = results.of(List.of(sent, refused, outcome(Kind.REFUSED)));
    assertThat(result.claimed()).isEqualTo(3);
    assertThat(result.outcomes()).containsExactly(entry("DELIVERED", 1), entry("REFUSED", 2));
    assertThat(result.messages())
        .startsWith(
            new Entry(sent.message().id(), "DELIVERED", null, null),
            new Entry(refused.message().id(), "REFUSED", null, "why"));
  }

  @Test
  void should_not_end_a_batch_as_its_first_message_ended() {
    Exchange first = exchange(outcome(Kind.NOT_SENT));
    first.setException(new IllegalStateException("no connection"));
    first.setRouteStop(true);
    first.getMessage().setHeader("Authorization", "the provider's key");
    Exchange all = results.aggregate(null, first);
    all = results.aggregate(all, exchange(outcome(Kind.DELIVERED)));
    assertThat(all.getException()).isNull();
    assertThat(all.isRouteStop()).isFalse();
    assertThat(all.getMessage().getHeaders()).isEmpty();
    assertThat((List<?>) all.getMessage().getBody()).hasSize(2);
    assertThat(first.getException()).as("whose own end is not touched").isNotNull();
  }

  private static Exchange exchange(Object body) {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    exchange.getMessage().setBody(body);
    return exchange;
  }
}
