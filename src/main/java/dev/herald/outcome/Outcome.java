package dev.herald.outcome;

import dev.herald.message.ClaimedMessage;
import java.time.Duration;

/**
 * How the delivery of one claimed message ended, before any decision about what follows.
 *
 * @param message the message
 * @param kind what happened
 * @param httpStatus the provider's status; null without a response
 * @param webhookMessageId the provider's id for the message; null if it returned none
 * @param error why it was not delivered, cut to {@value #MAX_ERROR} characters; null if it was
 * @param retryAfter how long the provider asks to wait; null if it does not
 * @param took from the start of the POST to its end; zero without one
 * @param probe whether the message tested an open circuit
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
    /** The provider accepted it: 2xx, with any body. */
    DELIVERED,
    /** The provider certainly did not accept it, but may later. */
    NOT_SENT,
    /** The webhook's URL or key is wrong, unless other messages get through. */
    MISCONFIGURED,
    /** The provider will not accept this message. */
    REFUSED,
    /** The provider may have accepted it; Herald cannot know. */
    MAYBE_SENT,
    /** It expired before a POST was made. */
    EXPIRED,
    /** An earlier claim never ended, and the policy allows no further POST. */
    ORPHANED,
    /** Given back without a POST. */
    RETURNED;

    /** Whether a POST was tried, so that a failure is kept as an attempt. */
    public boolean attempted() {
      return this != EXPIRED && this != ORPHANED && this != RETURNED;
    }
  }

  public Outcome {
    error = error == null ? null : cut(error);
  }

  /** Cuts an error to the length that is kept. */
  static String cut(String error) {
    return error.length() > MAX_ERROR ? error.substring(0, MAX_ERROR - 1) + "…" : error;
  }

  /** An outcome without a POST. */
  public static Outcome untried(ClaimedMessage message, Kind kind, String reason) {
    return new Outcome(message, kind, null, null, reason, null, Duration.ZERO, false);
  }
}
