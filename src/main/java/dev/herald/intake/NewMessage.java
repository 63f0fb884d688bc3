package dev.herald.intake;

import dev.herald.message.Metadata;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;

/**
 * A message that was checked and is about to be stored.
 *
 * @param id time-ordered
 * @param phoneNumber E.164
 * @param sendAt not before; may be null
 * @param expiresAt never after; may be null
 * @param reference the client's own; may be null
 * @param metadata the client's own names and values; null without any
 */
public record NewMessage(
    UUID id,
    String phoneNumber,
    String content,
    Instant sendAt,
    Instant expiresAt,
    String reference,
    Map<String, String> metadata) {

  /** As a statement takes it: the driver does not know an Instant. */
  public String sendAtText() {
    return sendAt == null ? null : sendAt.toString();
  }

  /** The same. */
  public String expiresAtText() {
    return expiresAt == null ? null : expiresAt.toString();
  }

  /** The metadata as it is stored; null without any. */
  public String metadataJson() {
    return Metadata.write(metadata);
  }
}
