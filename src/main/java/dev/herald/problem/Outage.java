package dev.herald.problem;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;

/**
 * Something that Herald needs and tries again and again. Whoever finds that it fails, and however
 * often, the log has one line when that begins, one a minute while it lasts, and one when it is
 * over. Thread-safe.
 */
public final class Outage {
  private static final long A_LINE_EVERY_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Logger log;
  private final long calmNanos;
  private final LongSupplier nanoTime;
  private String what;
  private String why;
  private long since;
  private long loggedAt;
  private long failures;
  private long workedSince;
  private boolean works;
  private boolean told;

  /**
   * @param calm how long it must have worked without a failure to be over
   * @param nanoTime a monotonic clock, like {@link System#nanoTime()}
   */
  public Outage(Logger log, Duration calm, LongSupplier nanoTime) {
    this.log = log;
    this.calmNanos = calm.toNanos();
    this.nanoTime = nanoTime;
  }

  /** One that is over as soon as it works. */
  public Outage(Logger log) {
    this(log, Duration.ZERO, System::nanoTime);
  }

  /** It failed for a reason that is known: it keeps the words of the last one. */
  public synchronized void failedAgain() {
    if (what != null) {
      failed(what, why);
    }
  }

  /**
   * It failed.
   *
   * @param what that it fails, and what follows, such as {@code Redis is away}
   * @param why the reason
   */
  public void failed(String what, String why) {
    failed(what, why, true);
  }

  /**
   * @param tell false while the log has another line that says why
   */
  public synchronized void failed(String what, String why, boolean tell) {
    long now = nanoTime.getAsLong();
    if (this.what == null) {
      since = now;
      failures = 0;
      told = false;
    }
    this.what = what;
    this.why = why;
    failures++;
    works = false;
    if (!tell || told && now - loggedAt < A_LINE_EVERY_NANOS) {
      return;
    }
    if (told) {
      log.warn("{} for {} now, and failed {} times: {}", what, shown(now - since), failures, why);
    } else {
      log.warn("{}: {}", what, why);
    }
    told = true;
    loggedAt = now;
  }

  /**
   * It worked.
   *
   * @param again that it works, such as {@code Redis is back}
   * @param details what else to know, as the end of the sentence; may be empty
   */
  public synchronized void worked(String again, String details) {
    if (what == null) {
      return;
    }
    long now = nanoTime.getAsLong();
    if (!works) {
      works = true;
      workedSince = now;
    }
    if (now - workedSince >= calmNanos) {
      if (told) {
        log.info("{} after {}{}", again, shown(workedSince - since), details);
      }
      what = null;
      why = null;
    }
  }

  /** What fails and why; null while nothing does. */
  public synchronized String reason() {
    return what == null ? null : what + ": " + why;
  }

  private static String shown(long nanos) {
    Duration time = Duration.ofNanos(nanos);
    if (time.toMinutes() >= 1) {
      return time.toMinutes() + " m " + time.toSecondsPart() + " s";
    }
    return time.toSeconds() > 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
  }
}
