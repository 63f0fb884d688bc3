package dev.herald.dispatch;

import java.time.Duration;
import java.util.UUID;

/**
 * One claim: what {@code sql/claim-due.sql} asks the database for.
 *
 * @param id what fences every later write
 * @param limit how many messages at the most
 * @param lease how long it holds
 * @param interval between the whole cluster's batches; zero means continuous
 * @param rateLimit deliveries a second of the whole cluster; 0 for no limit
 * @param manual asked for by a person, so that neither the switch nor the pace counts
 * @param probe whether its few messages test an open circuit, and begin at a random place
 * @param from where it begins to look; what lies before is not claimed
 * @param askedAt {@link System#nanoTime()} before the statement was sent: the lease lasts at least
 *     from then
 */
public record Claim(
    UUID id,
    int limit,
    Duration lease,
    Duration interval,
    int rateLimit,
    boolean manual,
    boolean probe,
    ClaimCursor.Position from,
    long askedAt) {

  public long leaseMs() {
    return lease.toMillis();
  }

  public long intervalMs() {
    return interval.toMillis();
  }

  public boolean paced() {
    return !manual && !interval.isZero();
  }

  public boolean continuous() {
    return !manual && interval.isZero();
  }

  /** How long the lease will surely hold, in nanoseconds; negative when it may be over. */
  long leaseLeft(long now) {
    return lease.toNanos() - (now - askedAt);
  }
}
