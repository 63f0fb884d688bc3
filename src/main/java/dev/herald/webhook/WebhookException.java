package dev.herald.webhook;

import java.io.IOException;

/** A POST to the webhook that ended without an answer. */
public final class WebhookException extends IOException {
  private static final long serialVersionUID = 1L;
  private final boolean written;

  WebhookException(boolean written, String message) {
    super(message);
    this.written = written;
  }

  /** Nothing of it has left. */
  public static WebhookException notSent(String reason) {
    return new WebhookException(false, reason);
  }

  /**
   * Whether any of the request may have left: then nobody here can know whether the provider took
   * the message. When false it certainly did not.
   */
  public boolean written() {
    return written;
  }

  /** What happened is in the message, and one is thrown for each POST while a provider is down. */
  @Override
  public Throwable fillInStackTrace() {
    return this;
  }
}
