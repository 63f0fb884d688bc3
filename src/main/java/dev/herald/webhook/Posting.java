package dev.herald.webhook;

/**
 * The delivery that a POST belongs to. It sets the deadline of the POST and is told about its
 * progress.
 */
public interface Posting {

  /**
   * The time by which the POST must end, as {@link System#nanoTime()}: its timeout or the end of
   * the lease, whichever comes first.
   *
   * @param timeoutNanos the timeout of the POST
   * @throws WebhookException if too little time is left to begin
   */
  long deadline(long now, long timeoutNanos) throws WebhookException;

  /** Part of the request may have left from now on. */
  void leaves();

  /** A response has arrived; it may still break off. */
  void answered(int status);
}
