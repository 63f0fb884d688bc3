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

  /**
   * Part of the request may have left from now on.
   *
   * @param host where it goes
   */
  void leaves(String host);

  /**
   * The head of a response has arrived; its body may still break off.
   *
   * @param retryAfter the header of that name; null without one
   * @param date the header of that name; null without one
   */
  void answered(int status, String retryAfter, String date);
}
