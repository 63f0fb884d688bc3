package dev.herald.api;

import dev.herald.config.ApiKey;
import dev.herald.config.Role;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The accepted keys. A comparison takes the same time for every wrong key. Thread-safe: the keys
 * can be replaced while requests come.
 */
public final class ApiKeys {
  private static final Logger LOG = LoggerFactory.getLogger(ApiKeys.class);
  private static final String SCHEME = "bearer ";
  private static final int ID_BYTES = 4;
  private static final Optional<Caller> ANYONE = Optional.of(new Caller("anyone", "", Role.ALL));

  private final boolean open;
  private volatile List<Known> known = List.of();
  private Runnable whenReplaced = () -> {};

  private record Known(byte[] digest, Caller caller, AtomicLong usedAt) {}

  /**
   * The last use of a key on this node.
   *
   * @param id tells apart keys of one name; empty for a short key
   * @param at in seconds since 1970, and 0 before the first; changes with each use
   */
  public record Use(String name, String id, Number at) {}

  /**
   * @param open whether everyone is let in
   */
  public ApiKeys(List<ApiKey> keys, boolean open) {
    this.open = open;
    replace(keys);
  }

  /** Accepts these from now on, and no others. */
  void replace(List<ApiKey> keys) {
    known = keys.stream().map(this::known).toList();
    whenReplaced.run();
  }

  private Known known(ApiKey key) {
    byte[] digest = digest(key.secret());
    return new Known(
        digest,
        caller(key),
        known.stream()
            .filter(before -> MessageDigest.isEqual(before.digest(), digest))
            .map(Known::usedAt)
            .findAny()
            .orElseGet(AtomicLong::new));
  }

  /** Runs something now, and whenever the keys were replaced. */
  public void whenReplaced(Runnable then) {
    whenReplaced = then;
    then.run();
  }

  /** When each key was used last; keys of one name that are too short for an id are one. */
  public List<Use> uses() {
    Map<Caller, Use> uses = new LinkedHashMap<>();
    known.forEach(
        key ->
            uses.merge(
                new Caller(key.caller().name(), key.caller().id(), Set.of()),
                new Use(key.caller().name(), key.caller().id(), key.usedAt()),
                (one, other) -> one.at().longValue() >= other.at().longValue() ? one : other));
    return List.copyOf(uses.values());
  }

  /** Whose key is in an {@code Authorization} header; nothing when it is not one of ours. */
  Optional<Caller> callerOf(String authorization) {
    if (open) {
      return ANYONE;
    }
    if (authorization == null
        || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      return Optional.empty();
    }
    return owner(authorization.substring(SCHEME.length()).strip());
  }

  /** Whose key a text is; null is nobody's. */
  Optional<Caller> owner(String secret) {
    if (secret == null) {
      return Optional.empty();
    }
    byte[] given = digest(secret);
    Known found = null;
    for (Known key : known) {
      if (MessageDigest.isEqual(key.digest(), given)) {
        found = key;
      }
    }
    if (found == null) {
      return Optional.empty();
    }
    found.usedAt().lazySet(System.currentTimeMillis() / 1_000);
    return Optional.of(found.caller());
  }

  /** A key as logs show it. */
  static Caller caller(ApiKey key) {
    String id = key.isShort() ? "" : HexFormat.of().formatHex(digest(key.secret()), 0, ID_BYTES);
    return new Caller(key.name(), id, key.roles());
  }

  /** Warns of keys that may be guessed, by their names. */
  public static void warnOfShort(List<ApiKey> keys) {
    keys.stream()
        .filter(ApiKey::isShort)
        .forEach(
            key ->
                LOG.warn(
                    "The key of {} in api.key has fewer than {} characters and could be guessed; make"
                        + " one with: openssl rand -hex 24",
                    key.name(),
                    ApiKey.SHORT));
  }

  private static byte[] digest(String key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
