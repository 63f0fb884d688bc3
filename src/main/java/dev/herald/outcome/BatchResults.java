package dev.herald.outcome;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.camel.AggregationStrategy;
import org.apache.camel.Body;
import org.apache.camel.Exchange;

/** Collects the outcomes of a batch for its caller. Stateless. */
public final class BatchResults implements AggregationStrategy {

  /** The outcomes of a batch: schema {@code BatchResult} of the contract. */
  public record BatchResult(int claimed, Map<String, Integer> outcomes, List<Entry> messages) {}

  /** The outcome of one message. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Entry(UUID id, String outcome, String webhookMessageId, String error) {}

  @Override
  public Exchange aggregate(Exchange collected, Exchange ended) {
    Exchange all = collected;
    if (all == null) {
      all = ended.copy();
      all.setException(null);
      all.setRouteStop(false);
      all.getMessage().removeHeaders("*");
      all.getMessage().setBody(new ArrayList<Outcome>());
    }
    if (ended.getMessage().getBody() instanceof Outcome outcome) {
      outcomes(all).add(outcome);
    }
    return all;
  }

  @SuppressWarnings("unchecked")
  private static List<Outcome> outcomes(Exchange all) {
    return (List<Outcome>) all.getMessage().getBody();
  }

  /** Counts and lists the outcomes. */
  public BatchResult of(@Body List<Outcome> outcomes) {
    Map<String, Integer> counts = new TreeMap<>();
    List<Entry> entries = new ArrayList<>();
    for (Outcome outcome : outcomes) {
      counts.merge(outcome.kind().name(), 1, Integer::sum);
      entries.add(
          new Entry(
              outcome.message().id(),
              outcome.kind().name(),
              outcome.webhookMessageId(),
              outcome.error()));
    }
    return new BatchResult(entries.size(), counts, entries);
  }
}
