package dev.herald.webhook;

/**
 * The delivery that a POST belongs to: it says how long the POST may last, and hears its course.
 */
public interface Posting {

  /**
   * When the POST must have ended, as {@link System#nanoTime()}: after its timeout, or when what
   * allows it ends, whichever comes first.
   *
   * @param timeoutNanos how long it may take by itself
   * @throws WebhookException when so little time is left that it must not begin
   */
  long deadline(long now, long timeoutNanos) throws WebhookException;

  /** From now on some of the request may have left. */
  void leaves();

  /** An answer has come; it may yet break off. */
  void answered(int status);
}
