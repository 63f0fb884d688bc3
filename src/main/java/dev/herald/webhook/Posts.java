package dev.herald.webhook;

/**
 * What became of a delivery's POSTs so far: one, as a rule.
 *
 * @param last how far the last one has come
 * @param status of its answer; null without one
 * @param maybeSent whether one before it may have been taken
 */
public record Posts(Course last, Integer status, boolean maybeSent) {
  /** None has begun. */
  public static final Posts NONE = new Posts(Course.BEFORE, null, false);

  /** How far a POST has come. */
  public enum Course {
    /** It has not begun. */
    BEFORE,
    /** It has, and no answer has come. */
    UNANSWERED,
    ANSWERED
  }
}
