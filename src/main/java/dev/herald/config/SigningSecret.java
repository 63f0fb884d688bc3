package dev.herald.config;

import java.util.Base64;
import java.util.Optional;

/** A Standard Webhooks secret: {@code whsec_} and base64. */
public final class SigningSecret {
  private static final String PREFIX = "whsec_";

  /** The specification asks for 24 to 64 bytes. */
  private static final int MIN_BYTES = 24;

  private static final int MAX_BYTES = 64;

  private SigningSecret() {}

  /** Returns its bytes, or nothing if its form or length is wrong. */
  public static Optional<byte[]> parse(String secret) {
    if (!secret.startsWith(PREFIX)) {
      return Optional.empty();
    }
    try {
      byte[] bytes = Base64.getDecoder().decode(secret.substring(PREFIX.length()));
      return Optional.of(bytes).filter(b -> b.length >= MIN_BYTES && b.length <= MAX_BYTES);
    } catch (IllegalArgumentException notBase64) {
      return Optional.empty();
    }
  }
}
