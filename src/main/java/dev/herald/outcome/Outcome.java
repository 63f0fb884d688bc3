package dev.herald.outcome;

import dev.herald.message.ClaimedMessage;
import java.time.Duration;

/**
 * What became of one claimed message, before any decision about what follows from it.
 *
 * @param message the message
 * @param kind what happened
 * @param httpStatus the provider's status; null without an answer
 * @param webhookMessageId the provider's id for the message; null when it gave none
 * @param error why it was not delivered, cut to {@value #MAX_ERROR} characters; null when it was
 * @param retryAfter how long the provider asks to wait; null when it does not ask
 * @param took from the start of the POST to its end; zero when there was none
 * @param probe whether this was one of the few messages that test an open circuit
 */
public record Outcome(
    ClaimedMessage message,
    Kind kind,
    Integer httpStatus,
    String webhookMessageId,
    String error,
    Duration retryAfter,
    Duration took,
    boolean probe) {

  /** The longest error text that is kept, in characters. */
  public static final int MAX_ERROR = 500;

  /** What can happen to a claimed message. */
  public enum Kind {
    /** The provider took it: 2xx, whatever the body. */
    DELIVERED,
    /** The provider certainly did not take it, and may later. */
    NOT_SENT,
    /** The endpoint or its key is wrong; that says nothing about the message. */
    MISCONFIGURED,
    /** The provider will not take this message. */
    REFUSED,
    /** Nobody here can know. */
    MAYBE_SENT,
    /** Its time ran out before a POST was made. */
    EXPIRED,
    /** An earlier claim never ended, and the policy allows no further POST. */
    ORPHANED,
    /** Given back untouched, with no POST made. */
    RETURNED;

    /** Whether a POST was tried, so that a failure is kept as an attempt. */
    public boolean attempted() {
      return this != EXPIRED && this != ORPHANED && this != RETURNED;
    }
  }

  public Outcome {
    error = error == null ? null : cut(error);
  }

  /** An error of a length that is kept. */
  static String cut(String error) {
    return error.length() > MAX_ERROR ? error.substring(0, MAX_ERROR - 1) + "…" : error;
  }

  /** An outcome without a POST. */
  public static Outcome untried(ClaimedMessage message, Kind kind, String reason) {
    return new Outcome(message, kind, null, null, reason, null, Duration.ZERO, false);
  }
}
