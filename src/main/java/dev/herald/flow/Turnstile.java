package dev.herald.flow;

import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Where the API and Java enter routes: counts who is inside, and holds those back who would enter
 * one that is being swapped. Thread-safe; passing costs two additions.
 */
public final class Turnstile {
  /** Longer than a swap ever takes. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Map<String, AtomicInteger> inside = new ConcurrentHashMap<>();
  private volatile Set<String> closed = Set.of();

  /**
   * Enters a route; {@link #leave} must follow. Waits while it is being swapped.
   *
   * @param entrance such as {@code direct:createMessage}
   * @throws ProblemException if that takes too long
   * @throws InterruptedException if the thread is interrupted; then it is not inside
   */
  public void enter(String entrance) throws InterruptedException {
    AtomicInteger count = inside.get(entrance);
    if (count == null) {
      count = inside.computeIfAbsent(entrance, any -> new AtomicInteger());
    }
    count.incrementAndGet();
    while (closed.contains(entrance)) {
      count.decrementAndGet();
      awaitOpen(entrance);
      count.incrementAndGet();
    }
  }

  private synchronized void awaitOpen(String entrance) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (closed.contains(entrance)) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        throw new ProblemException(
            Type.UNAVAILABLE, "the flow is being reloaded on this node; try again later");
      }
      TimeUnit.NANOSECONDS.timedWait(this, Math.max(left, TimeUnit.MILLISECONDS.toNanos(1)));
    }
  }

  /** Leaves a route, once for each time that it was entered. */
  public void leave(String entrance) {
    inside.get(entrance).decrementAndGet();
  }

  /**
   * Closes entrances, besides those that are closed, and waits until nobody is inside.
   *
   * @param deadline as {@link System#nanoTime()}
   * @return false if somebody still was at the deadline; they stay closed
   */
  boolean close(Collection<String> entrances, long deadline) throws InterruptedException {
    Set<String> more = new HashSet<>(closed);
    more.addAll(entrances);
    closed = more;
    while (entrances.stream().anyMatch(this::isInside)) {
      if (System.nanoTime() - deadline > 0) {
        return false;
      }
      TimeUnit.MILLISECONDS.sleep(2);
    }
    return true;
  }

  /** Whether who would enter must wait now. */
  public boolean isClosed(String entrance) {
    return closed.contains(entrance);
  }

  private boolean isInside(String entrance) {
    AtomicInteger count = inside.get(entrance);
    return count != null && count.get() > 0;
  }

  /** Opens all. */
  synchronized void open() {
    closed = Set.of();
    notifyAll();
  }
}
