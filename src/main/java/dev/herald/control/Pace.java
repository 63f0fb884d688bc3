package dev.herald.control;

import dev.herald.config.Durations;
import dev.herald.config.Settings;
import java.time.Duration;
import java.util.Locale;

/**
 * How fast all nodes together may claim, by {@code dispatch.interval} and {@code
 * webhook.rate-limit}, and so how long a backlog needs at least. Immutable.
 */
public final class Pace {
  private static final int FEW_BATCHES = 10;
  private static final Duration USUAL_PATIENCE = Duration.ofHours(1);

  private final Duration interval;
  private final int batch;
  private final Duration patience;

  /**
   * Schema {@code Backlog} of the contract.
   *
   * @param waiting messages that are due
   * @param drainSeconds how long they need at this pace, if no others come
   * @param detail the same in words
   */
  public record Backlog(long waiting, long drainSeconds, String detail) {}

  /**
   * @param rateLimit deliveries per second of all nodes; 0 for no limit
   * @param lateAfter how long a message may be due; zero for as long as it takes
   */
  public Pace(Settings.Dispatch dispatch, int rateLimit, Duration lateAfter) {
    interval = dispatch.continuous() ? Duration.ofSeconds(1) : dispatch.interval();
    batch =
        dispatch.continuous()
            ? rateLimit
            : rateLimit == 0 ? dispatch.batchSize() : Math.min(rateLimit, dispatch.batchSize());
    patience = lateAfter.isZero() ? USUAL_PATIENCE : lateAfter;
  }

  /** Whether there is one. */
  boolean limited() {
    return batch > 0;
  }

  /** What so many messages that are due need; there must be a limit. */
  Backlog backlog(long due) {
    double seconds = (double) due / batch * interval.toMillis() / 1_000;
    return new Backlog(
        due,
        Math.round(seconds),
        "at %d every %s the %s that wait need %s"
            .formatted(
                batch,
                Durations.show(interval),
                String.format(Locale.ROOT, "%,d", due),
                shown(seconds)));
  }

  /**
   * Whether that is too long: more than {@code health.late-after}, or an hour without it, and more
   * than a few batches.
   */
  boolean tooSlowFor(Backlog backlog) {
    return backlog.drainSeconds() > patience.toSeconds()
        && backlog.waiting() > (long) FEW_BATCHES * batch;
  }

  private static String shown(double seconds) {
    if (seconds >= 2 * 86_400) {
      return shown(seconds / 86_400, "days");
    }
    if (seconds >= 2 * 3_600) {
      return shown(seconds / 3_600, "hours");
    }
    return seconds >= 120 ? shown(seconds / 60, "minutes") : shown(seconds, "seconds");
  }

  private static String shown(double count, String unit) {
    return String.format(Locale.ROOT, "%.1f %s", count, unit).replace(".0 ", " ");
  }
}
