package dev.herald.dispatch;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.LongSupplier;

/** Whether something that is tried again and again works, or since when it fails. Thread-safe. */
final class Trouble {
  /** A lost connection is over sooner. */
  private static final Duration A_MOMENT = Duration.ofSeconds(2);

  private final LongSupplier nanoTime;
  private volatile Failures failures;

  private record Failures(Instant since, long began, boolean repeated) {}

  /**
   * @param nanoTime a monotonic clock, like {@link System#nanoTime()}
   */
  Trouble(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** It failed; returns whether it worked before. */
  synchronized boolean failed() {
    boolean worked = failures == null;
    failures =
        worked
            ? new Failures(Instant.now(), nanoTime.getAsLong(), false)
            : new Failures(failures.since(), failures.began(), true);
    return worked;
  }

  /** It worked; returns whether it failed before. */
  synchronized boolean worked() {
    boolean failed = failures != null;
    failures = null;
    return failed;
  }

  /** Whether the last try failed. */
  boolean now() {
    return failures != null;
  }

  /** Since when every try has failed, if there were several and that is more than a moment ago. */
  Optional<Instant> since() {
    return Optional.ofNullable(failures)
        .filter(Failures::repeated)
        .filter(failed -> nanoTime.getAsLong() - failed.began() >= A_MOMENT.toNanos())
        .map(Failures::since);
  }
}
