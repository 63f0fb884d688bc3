package dev.herald.flow;

import dev.herald.problem.FailStop;
import dev.herald.problem.ProblemException;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reloads the flow when its files have changed and then stayed the same for a while: a save in
 * progress is not taken for an edit. It looks at what the files hold, not at events, so that it
 * sees links that point elsewhere, as a ConfigMap's do.
 */
public final class FlowWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FlowWatch.class);
  private static final String WHO = "routes.watch";
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Flow flow;
  private final Duration settled;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          new DefaultThreadFactory("herald-flow-watch", true));
  private String seen;
  private String done;
  private long since;

  /** How long to wait after a reload for which the flow was too busy: each pauses claims. */
  private long pauseNanos;

  private long notBefore;

  /**
   * @param settled how long files must stay the same
   */
  public FlowWatch(Flow flow, Duration settled) {
    this.flow = flow;
    this.settled = settled;
  }

  /** Begins; once the files have settled, they are compared with what runs. */
  public void start() {
    long period = Math.max(10, settled.toMillis() / 2);
    thread.scheduleWithFixedDelay(this::look, period, period, TimeUnit.MILLISECONDS);
  }

  private void look() {
    try {
      String now = flow.onDisk();
      if (!now.equals(seen)) {
        seen = now;
        since = System.nanoTime();
      } else if (!now.equals(done)
          && System.nanoTime() - since >= settled.toNanos()
          && (pauseNanos == 0 || System.nanoTime() - notBefore >= 0)) {
        done = now;
        if (flow.differs()) {
          reload();
        }
      }
    } catch (RuntimeException | Error e) {
      FailStop.passOn(e);
      LOG.warn("The flow's files could not be read, and are looked at again: {}", e.getMessage());
    }
  }

  /** A refusal is logged there, once for each state of the disk; a busy flow is tried again. */
  private void reload() {
    try {
      flow.reloadBy(WHO);
      pauseNanos = 0;
    } catch (ProblemException e) {
      if (e.problem().status() == 409) {
        done = null;
        pauseNanos = Math.min(LONGEST_PAUSE_NANOS, Math.max(settled.toNanos(), 2 * pauseNanos));
        notBefore = System.nanoTime() + pauseNanos;
      }
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
