package dev.herald.message;

/**
 * What a message's row says of it. The API shows a leased {@link #PENDING} row as {@code SENDING}.
 */
public enum MessageStatus {
  PENDING,
  SENT,
  FAILED,
  UNKNOWN,
  CANCELLED,
  EXPIRED
}
