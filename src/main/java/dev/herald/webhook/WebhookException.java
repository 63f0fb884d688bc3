package dev.herald.webhook;

/** A POST to the webhook that ended without an answer. */
public final class WebhookException extends Exception {
  private static final long serialVersionUID = 1L;
  private final boolean written;

  WebhookException(boolean written, String message) {
    super(message, null, false, false);
    this.written = written;
  }

  /**
   * Whether any of the request may have left: then nobody here can know whether the provider took
   * the message. When false it certainly did not.
   */
  public boolean written() {
    return written;
  }
}
