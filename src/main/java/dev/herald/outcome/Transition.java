package dev.herald.outcome;

import dev.herald.message.MessageStatus;
import java.time.Duration;

/**
 * What follows from an outcome.
 *
 * @param status what the row becomes
 * @param counted whether the attempt counts toward the message's maximum
 * @param dueIn how long until it is due again; null leaves its due time as it is
 * @param error what is kept of it; null for the outcome's own
 */
public record Transition(MessageStatus status, boolean counted, Duration dueIn, String error) {
  Transition(MessageStatus status, boolean counted, Duration dueIn) {
    this(status, counted, dueIn, null);
  }
}
