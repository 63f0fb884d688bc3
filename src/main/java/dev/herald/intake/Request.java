package dev.herald.intake;

import dev.herald.message.Metadata;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/**
 * A request whose messages are to be stored, all or none.
 *
 * @param keyName the name of the API key that it came with; idempotency keys of different clients
 *     are different
 * @param idempotencyKey may be null
 * @param stored when its messages were created, by the database's clock, after the commit; nothing
 *     when its idempotency key was known
 */
record Request(
    List<NewMessage> messages,
    String keyName,
    String idempotencyKey,
    String correlationId,
    CompletableFuture<Instant> stored) {

  boolean keyed() {
    return idempotencyKey != null;
  }

  /** The key with its owner, in one text. */
  String scopedKey() {
    return keyName + '\n' + idempotencyKey;
  }

  /**
   * A hash of what the request asks for, as hexadecimal text: the same for a body that is only
   * written differently.
   */
  String hash() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (NewMessage message : messages) {
        String text =
            String.join(
                "\n",
                message.phoneNumber(),
                String.valueOf(message.sendAt()),
                String.valueOf(message.expiresAt()),
                Integer.toString(message.content().length()),
                message.content());
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        // Only then, so that a key from before they existed still fits its body.
        if (message.reference() != null || message.metadata() != null) {
          digest.update(own(message).getBytes(StandardCharsets.UTF_8));
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The client's own words: a reference is one line and not blank, and JSON ends by itself. */
  private static String own(NewMessage message) {
    Map<String, String> metadata = message.metadata();
    return "\n%s\n%s"
        .formatted(
            message.reference() == null ? "" : message.reference(),
            Metadata.write(metadata == null ? null : new TreeMap<>(metadata)));
  }
}
