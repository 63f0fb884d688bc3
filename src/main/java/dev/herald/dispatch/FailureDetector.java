package dev.herald.dispatch;

import dev.herald.config.Settings;
import dev.herald.dispatch.Calls.Call;
import java.time.Duration;

/**
 * Detects from the POSTs that ended whether the provider is down, or wants fewer messages. Failures
 * are often faster than successes and come first, so this needs at least as many calls as are under
 * way. Not thread-safe.
 */
final class FailureDetector {
  private static final int SLICES = 10;
  private static final Duration OF_LATE = Duration.ofSeconds(2);

  private final Settings.Circuit settings;
  private final Calls window;
  private final Calls ofLate;
  private int failuresInRow;
  private int misconfiguredInRow;

  /**
   * @param now as all later times, of a clock that never goes back
   */
  FailureDetector(Settings.Circuit settings, long now) {
    this.settings = settings;
    this.window = new Calls(settings.window(), SLICES, now);
    this.ofLate = new Calls(OF_LATE, 2, now);
  }

  void add(Call call, long now) {
    window.add(call, now);
    ofLate.add(call, now);
    if (call.success()) {
      failuresInRow = 0;
      misconfiguredInRow = 0;
    } else if (call == Call.FAILED) {
      failuresInRow++;
    } else if (call == Call.MISCONFIGURED) {
      misconfiguredInRow++;
    }
  }

  /**
   * Why the provider is down, or null if it is not. Calls under way count as successes. A
   * misconfigured call counts once it is a second old and nothing was delivered meanwhile; before
   * that the message itself may be at fault.
   *
   * @param underWay how many POSTs are under way, including the one just added
   */
  String outage(long now, int underWay) {
    int enough = Math.max(settings.minimumCalls(), underWay);
    boolean othersGetThrough = window.count(Call.DELIVERED, now) > 0;
    int young = ofLate.count(Call.MISCONFIGURED, now);
    int misconfigured =
        othersGetThrough ? 0 : Math.max(0, window.count(Call.MISCONFIGURED, now) - young);
    int inRow = failuresInRow + (othersGetThrough ? 0 : Math.max(0, misconfiguredInRow - young));
    if (inRow >= enough) {
      return inRow + " POSTs in a row failed";
    }
    int failures = window.count(Call.FAILED, now) + misconfigured;
    int calls =
        failures
            + window.count(Call.DELIVERED, now)
            + window.count(Call.REFUSED, now)
            + window.count(Call.THROTTLED, now);
    long withThoseUnderWay = calls + Math.max(0, underWay - 1L);
    return calls >= enough && 100L * failures >= settings.failureRate() * withThoseUnderWay
        ? "%d of %d POSTs in %s failed"
            .formatted(failures, calls, CircuitReport.shown(settings.window()))
        : null;
  }

  /**
   * Whether the provider asks for fewer messages. A single message that is always throttled does
   * not count.
   */
  boolean asksForFewer(long now, int underWay) {
    int throttled = ofLate.count(Call.THROTTLED, now);
    int calls = 0;
    for (Call call : Call.values()) {
      calls += ofLate.count(call, now);
    }
    return throttled >= Circuit.PROBES
        && calls >= underWay
        && 100L * throttled >= (long) settings.failureRate() * calls;
  }

  void clear() {
    window.clear();
    ofLate.clear();
    failuresInRow = 0;
    misconfiguredInRow = 0;
  }
}
