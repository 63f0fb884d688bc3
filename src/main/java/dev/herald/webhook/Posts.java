package dev.herald.webhook;

/**
 * The state of a delivery's POSTs so far, usually one.
 *
 * @param last the progress of the last one
 * @param status of its response; null without one
 * @param retryAfter the response's header of that name; null without one
 * @param date the response's header of that name; null without one
 * @param maybeSent whether an earlier one may have been accepted
 */
public record Posts(
    Course last, Integer status, String retryAfter, String date, boolean maybeSent) {
  /** None has begun. */
  public static final Posts NONE = new Posts(Course.BEFORE, null, null, null, false);

  /** The progress of a POST. */
  public enum Course {
    /** It has not begun. */
    BEFORE,
    /** It has begun, and there is no response yet. */
    UNANSWERED,
    ANSWERED
  }
}
