package dev.herald.dispatch;

import dev.herald.outcome.Outcome;
import java.time.Duration;

/**
 * Counts how the POSTs of a time window ended, in slices. Older counts are dropped one slice at a
 * time. Allocates nothing per call. Not thread-safe.
 */
final class Calls {
  private static final int TOO_MANY_REQUESTS = 429;
  private static final int UNAVAILABLE = 503;

  /** What the end of a POST tells about the provider. */
  enum Call {
    DELIVERED,
    REFUSED,
    /** It responds, but wants fewer messages. */
    THROTTLED,
    /** The URL, the key or this message is wrong. */
    MISCONFIGURED,
    FAILED,
    /** There was no POST. */
    NONE;

    static Call of(Outcome outcome) {
      return switch (outcome.kind()) {
        case DELIVERED -> DELIVERED;
        case REFUSED -> REFUSED;
        case NOT_SENT -> throttled(outcome) ? THROTTLED : FAILED;
        case MISCONFIGURED -> MISCONFIGURED;
        case MAYBE_SENT -> FAILED;
        case EXPIRED, ORPHANED, RETURNED -> NONE;
      };
    }

    private static boolean throttled(Outcome outcome) {
      return outcome.httpStatus() != null
          && (outcome.httpStatus() == TOO_MANY_REQUESTS
              || outcome.httpStatus() == UNAVAILABLE && outcome.retryAfter() != null);
    }

    /** Whether the provider processed the message, so it works. */
    boolean success() {
      return this == DELIVERED || this == REFUSED;
    }
  }

  private static final int KINDS = Call.values().length;

  private final long sliceNanos;
  private final int[][] slices;
  private final int[] sums = new int[KINDS];
  private long latest;

  /**
   * @param now like all later times, from a clock that never goes back
   */
  Calls(Duration span, int slices, long now) {
    this.sliceNanos = Math.max(1, span.toNanos() / slices);
    this.slices = new int[slices][KINDS];
    this.latest = Math.floorDiv(now, sliceNanos);
  }

  void add(Call call, long now) {
    forgetBefore(now);
    slices[(int) Math.floorMod(latest, (long) slices.length)][call.ordinal()]++;
    sums[call.ordinal()]++;
  }

  int count(Call call, long now) {
    forgetBefore(now);
    return sums[call.ordinal()];
  }

  /** Drops all counts. */
  void clear() {
    for (int[] slice : slices) {
      forget(slice);
    }
  }

  private void forgetBefore(long now) {
    long slice = Math.floorDiv(now, sliceNanos);
    long passed = Math.min(slice - latest, slices.length);
    for (long next = slice - passed + 1; next <= slice; next++) {
      forget(slices[(int) Math.floorMod(next, (long) slices.length)]);
    }
    latest = Math.max(latest, slice);
  }

  private void forget(int[] slice) {
    for (int i = 0; i < KINDS; i++) {
      sums[i] -= slice[i];
      slice[i] = 0;
    }
  }
}
