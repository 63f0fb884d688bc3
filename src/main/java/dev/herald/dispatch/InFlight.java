package dev.herald.dispatch;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** What this node has claimed and not recorded, and how fast it gets done. Thread-safe. */
final class InFlight {
  private static final long WINDOW_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private final LongSupplier nanoTime;
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicLong recorded = new AtomicLong();
  private long since;
  private long recordedThen;
  private long perSecond;

  /**
   * @param nanoTime a clock that is never set, like {@link System#nanoTime()}
   */
  InFlight(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.since = nanoTime.getAsLong();
  }

  void claimed(int messages) {
    count.addAndGet(messages);
  }

  /** So many are recorded, or given up. */
  void recorded(int messages) {
    recorded.addAndGet(messages);
    count.addAndGet(-messages);
  }

  int count() {
    return count.get();
  }

  /** How many were recorded a second, of late. */
  synchronized long perSecond() {
    long now = nanoTime.getAsLong();
    if (now - since >= WINDOW_NANOS) {
      long all = recorded.get();
      perSecond = (all - recordedThen) * TimeUnit.SECONDS.toNanos(1) / (now - since);
      since = now;
      recordedThen = all;
    }
    return perSecond;
  }

  /** As {@link #perSecond()} last worked it out. */
  synchronized long latestPerSecond() {
    return perSecond;
  }
}
