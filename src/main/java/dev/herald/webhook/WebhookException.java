package dev.herald.webhook;

import java.io.IOException;

/** A POST to the webhook ended without a response, or did not begin. */
public final class WebhookException extends IOException {
  private static final long serialVersionUID = 1L;
  private final boolean written;

  WebhookException(boolean written, String message) {
    super(message);
    this.written = written;
  }

  /**
   * For a POST of which nothing has left. A step of {@code routes/deliver.camel.yaml} may throw it
   * when the message certainly was not sent and is not at fault.
   */
  public WebhookException(String reason) {
    this(false, reason);
  }

  /**
   * Whether any part of the request may have left, so that the provider may have accepted the
   * message. If false, it certainly did not.
   */
  public boolean written() {
    return written;
  }

  /**
   * No stack trace: one is thrown for each POST while a provider is down, and the message suffices.
   */
  @Override
  public Throwable fillInStackTrace() {
    return this;
  }
}
