package dev.herald.dispatch;

import dev.herald.outcome.OutcomeRecorder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends delivery on this node: claims stop, POSTs under way finish, and the rest is given back at
 * once.
 */
public final class Shutdown {
  private static final Logger LOG = LoggerFactory.getLogger(Shutdown.class);
  private static final Duration STEP = Duration.ofMillis(20);

  private final ClaimPlanner planner;
  private final Gate gate;
  private final DeliveryThreads threads;
  private final OutcomeRecorder recorder;
  private final Duration gracePeriod;

  public Shutdown(
      ClaimPlanner planner,
      Gate gate,
      DeliveryThreads threads,
      OutcomeRecorder recorder,
      Duration gracePeriod) {
    this.planner = planner;
    this.gate = gate;
    this.threads = threads;
    this.recorder = recorder;
    this.gracePeriod = gracePeriod;
  }

  /** Waits for the POSTs under way, at most for the grace period. */
  public void run() throws InterruptedException {
    long end = System.nanoTime() + gracePeriod.toNanos();
    planner.close();
    gate.close();
    threads.hurry();
    if (!planner.idle()) {
      LOG.info("Stopping: {} messages are in flight", planner.inFlight());
    }
    while (!planner.idle() && System.nanoTime() < end) {
      TimeUnit.NANOSECONDS.sleep(STEP.toNanos());
    }
    recorder.close(Duration.ofNanos(Math.max(STEP.toNanos(), end - System.nanoTime())));
    int left = planner.inFlight();
    if (left == 0) {
      LOG.info("Stopping: nothing is in flight");
    } else {
      LOG.warn(
          "{} messages were still in flight; they are due again when their leases run out", left);
    }
  }
}
