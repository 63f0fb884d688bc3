package dev.herald.dispatch;

import java.time.Duration;
import java.util.UUID;

/**
 * One claim: the parameters of {@code sql/claim-due.sql}.
 *
 * @param id fences every later write
 * @param limit the most messages to claim
 * @param lease how long it holds
 * @param interval the time between the cluster's batches; zero means continuous
 * @param rateLimit deliveries per second of the whole cluster; 0 for no limit
 * @param manual whether a person asked for it, so that the switch and the pace do not apply
 * @param probe whether its few messages test an open circuit; they come from a random place
 * @param from where the search begins; earlier messages are not claimed
 * @param askedAt {@link System#nanoTime()} before the statement was sent: the lease lasts at least
 *     from then
 * @param batch counts its messages
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
    long askedAt,
    InFlight.Batch batch) {

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

  /** How long the lease will certainly last, in nanoseconds; negative if it may be over. */
  long leaseLeft(long now) {
    return lease.toNanos() - (now - askedAt);
  }
}
