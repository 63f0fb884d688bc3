package dev.herald.flow;

import dev.herald.dispatch.Claim;
import dev.herald.intake.MessageBatch;
import dev.herald.intake.NewMessage;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.OutcomeBatch;

/** What Java hands to the statements that are run on a sample message. */
public interface Samples {
  /**
   * Variable {@code batch} of route store-messages.
   *
   * @param key its Idempotency-Key, and the name of the API key
   */
  MessageBatch stored(NewMessage message, String key);

  /** Variable {@code claim} of route dispatch-batch, for one message. */
  Claim claim();

  /** Variable {@code batch} of route record-outcomes. */
  OutcomeBatch ended(Outcome outcome);
}
