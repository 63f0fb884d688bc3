package dev.herald.dispatch;

import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.LongSupplier;

/**
 * Claims whose answer never came, or could not be read: PostgreSQL may have made them, or may still
 * do so. This node has posted none of their messages, so it can give them back as not sent.
 * Thread-safe.
 */
final class LostClaims {
  /** More would mean that PostgreSQL takes claims for minutes and answers none. */
  static final int MAX = 100;

  /** A commit that waits for a standby can come this late. */
  static final Duration KEPT = Duration.ofMinutes(10);

  private static final long PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final LongSupplier nanoTime;
  private final Map<UUID, Long> lostAt = new LinkedHashMap<>();

  private long lookedAt;
  private long nextLookAt;

  /** Those of which messages were given back; there may be more of them. */
  private final Set<UUID> found = new HashSet<>();

  /**
   * @param nanoTime a monotonic clock, like {@link System#nanoTime()}
   */
  LostClaims(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    nextLookAt = nanoTime.getAsLong();
  }

  synchronized void add(UUID claim) {
    lostAt.put(claim, nanoTime.getAsLong());
    if (lostAt.size() > MAX) {
      lostAt.remove(lostAt.keySet().iterator().next());
    }
  }

  /** The claims to look for now; null if there are none, or the last look was just now. */
  synchronized String[] toGiveBack() {
    long now = nanoTime.getAsLong();
    lostAt.values().removeIf(at -> now - at > KEPT.toNanos());
    found.retainAll(lostAt.keySet());
    if (lostAt.isEmpty() || now - nextLookAt < 0) {
      return null;
    }
    lookedAt = now;
    return lostAt.keySet().stream().map(UUID::toString).toArray(String[]::new);
  }

  /** A look has ended, perhaps without an answer. Looks take half of the time at most. */
  synchronized void looked() {
    long now = nanoTime.getAsLong();
    nextLookAt = now + Math.max(PAUSE_NANOS, now - lookedAt);
  }

  /**
   * Messages of these claims were given back now. A claim is done with when a later look finds no
   * more of them, because a look has a limit.
   */
  synchronized void found(Collection<UUID> claims) {
    looked();
    lostAt.keySet().removeIf(claim -> found.contains(claim) && !claims.contains(claim));
    found.addAll(claims);
  }
}
