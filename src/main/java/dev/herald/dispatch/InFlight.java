package dev.herald.dispatch;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Messages that this node has claimed and not recorded, and their recent rate. Thread-safe. */
final class InFlight {
  private static final long WINDOW_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  private final LongSupplier nanoTime;
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicLong recorded = new AtomicLong();
  private long since;
  private long recordedThen;
  private long perSecond;

  /**
   * @param nanoTime a monotonic clock, like {@link System#nanoTime()}
   */
  InFlight(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.since = nanoTime.getAsLong();
  }

  /**
   * The messages of one claim that are on their way to the gate. However a route is edited, each
   * counts as in flight once, and until it is recorded or cannot come any more. Thread-safe.
   */
  final class Batch {
    private final AtomicInteger expected = new AtomicInteger();

    void claimed(int messages) {
      count.addAndGet(messages);
      expected.addAndGet(messages);
    }

    /** A message has come to the gate; one that is not expected counts as claimed now. */
    void arrived() {
      if (expected.decrementAndGet() < 0) {
        count.incrementAndGet();
      }
    }

    /** The claim's exchange has ended; returns how many messages have not come. */
    int ended() {
      return Math.max(0, expected.getAndSet(0));
    }
  }

  /** Of a claim that is to be made. */
  Batch batch() {
    return new Batch();
  }

  /** This many are recorded, or given up. */
  void recorded(int messages) {
    recorded.addAndGet(messages);
    count.addAndGet(-messages);
  }

  int count() {
    return count.get();
  }

  /** The recent rate: messages recorded per second. */
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

  /** The last computed rate. */
  synchronized long latestPerSecond() {
    return perSecond;
  }
}
