package dev.herald.dispatch;

import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.LongSupplier;

/**
 * Claims whose answer never came: PostgreSQL may have made them, or may still do so. This node has
 * posted none of their messages, so it can give them back as not sent. Thread-safe.
 */
final class LostClaims {
  /** More would mean that PostgreSQL takes claims for minutes and answers none. */
  static final int MAX = 100;

  /** A commit that waits for a standby can come this late. */
  static final Duration KEPT = Duration.ofMinutes(10);

  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final LongSupplier nanoTime;
  private final Map<UUID, Long> lostAt = new LinkedHashMap<>();
  private long askedAt;

  /**
   * @param nanoTime a monotonic clock, like {@link System#nanoTime()}
   */
  LostClaims(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    askedAt = nanoTime.getAsLong() - PAUSE_NANOS;
  }

  synchronized void add(UUID claim) {
    lostAt.put(claim, nanoTime.getAsLong());
    if (lostAt.size() > MAX) {
      lostAt.remove(lostAt.keySet().iterator().next());
    }
  }

  /** The claims to look for now, at most once a second; null if there are none. */
  synchronized String[] toGiveBack() {
    long now = nanoTime.getAsLong();
    lostAt.values().removeIf(at -> now - at > KEPT.toNanos());
    if (lostAt.isEmpty() || now - askedAt < PAUSE_NANOS) {
      return null;
    }
    askedAt = now;
    return lostAt.keySet().stream().map(UUID::toString).toArray(String[]::new);
  }

  /** These were found, and all their messages with them: a claim is one transaction. */
  synchronized void found(Collection<UUID> claims) {
    lostAt.keySet().removeAll(claims);
  }
}
