package dev.herald.dispatch;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Lets one thread wait until there may be work. Many wakes in a row count as one. Thread-safe. */
final class WakeSignal {
  private final Semaphore wakes = new Semaphore(0);

  /** Ends the wait, or the next one if nobody waits. */
  void wake() {
    if (wakes.availablePermits() == 0) {
      wakes.release();
    }
  }

  /** Whether the next wait ends at once. */
  boolean woken() {
    return wakes.availablePermits() > 0;
  }

  /** Waits for a wake, or until the time is over. */
  void await(Duration atMost) throws InterruptedException {
    if (wakes.tryAcquire(atMost.toNanos(), TimeUnit.NANOSECONDS)) {
      wakes.drainPermits();
    }
  }
}
