package dev.herald.dispatch;

import dev.herald.outcome.Outcome;
import java.time.Duration;

/**
 * How the POSTs of a span of time ended, counted in slices of it: what is older is forgotten, a
 * slice at a time. It makes nothing new for a call. Not thread-safe.
 */
final class Calls {
  private static final int TOO_MANY_REQUESTS = 429;
  private static final int UNAVAILABLE = 503;

  /** What the end of a POST says of the provider. */
  enum Call {
    DELIVERED,
    REFUSED,
    /** It answers, and wants fewer. */
    THROTTLED,
    /** The URL or the key is wrong, or this message is. */
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

    /** Whether the provider dealt with the message: it works. */
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
   * @param now as all later times, of a clock that never goes back
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

  /** Forgets all of them. */
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
