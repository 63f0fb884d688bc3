package dev.herald.api;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The accepted keys. A comparison takes the same time for every wrong key. Immutable. */
public final class ApiKeys {
  /** Characters below which a key may be guessed. */
  public static final int SHORT = 16;

  private static final String SCHEME = "bearer ";

  private final Map<byte[], String> names = new LinkedHashMap<>();
  private final boolean open;

  /**
   * @param keys each key with its name
   * @param open whether everyone is let in
   */
  public ApiKeys(Map<String, String> keys, boolean open) {
    keys.forEach((key, name) -> names.put(digest(key), name));
    this.open = open;
  }

  /**
   * The name of the key in an {@code Authorization} header, or nothing when it is not one of ours.
   */
  public Optional<String> nameOf(String authorization) {
    if (open) {
      return Optional.of("anyone");
    }
    if (authorization == null
        || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      return Optional.empty();
    }
    return named(authorization.substring(SCHEME.length()).strip());
  }

  /** Whether a text is one of the keys; null is none. */
  boolean has(String key) {
    return key != null && named(key).isPresent();
  }

  private Optional<String> named(String key) {
    byte[] given = digest(key);
    String found = null;
    for (Map.Entry<byte[], String> known : names.entrySet()) {
      if (MessageDigest.isEqual(known.getKey(), given)) {
        found = known.getValue();
      }
    }
    return Optional.ofNullable(found);
  }

  /** The names of the keys that may be guessed, never the keys themselves. */
  public static List<String> shortOnes(Map<String, String> keys) {
    return keys.entrySet().stream()
        .filter(key -> key.getKey().length() < SHORT)
        .map(Map.Entry::getValue)
        .toList();
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
