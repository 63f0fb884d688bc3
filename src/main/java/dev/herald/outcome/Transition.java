package dev.herald.outcome;

import dev.herald.message.MessageStatus;
import java.time.Duration;

/**
 * What follows from an outcome.
 *
 * @param status the new status of the row
 * @param counted whether the attempt counts towards the message's maximum
 * @param dueIn how long until it is due again; null leaves its due time as it is
 * @param error the error to keep; null for the outcome's own
 */
public record Transition(MessageStatus status, boolean counted, Duration dueIn, String error) {
  Transition(MessageStatus status, boolean counted, Duration dueIn) {
    this(status, counted, dueIn, null);
  }
}
