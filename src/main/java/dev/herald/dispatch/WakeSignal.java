package dev.herald.dispatch;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Lets one thread wait until there may be work: many wakes in a row are one. Thread-safe. */
final class WakeSignal {
  private final Semaphore wakes = new Semaphore(0);

  /** Ends the wait, or the next one when nobody waits. */
  void wake() {
    if (wakes.availablePermits() == 0) {
      wakes.release();
    }
  }

  /** Waits for a wake, or until the time is over. */
  void await(Duration atMost) throws InterruptedException {
    if (wakes.tryAcquire(atMost.toNanos(), TimeUnit.NANOSECONDS)) {
      wakes.drainPermits();
    }
  }
}
