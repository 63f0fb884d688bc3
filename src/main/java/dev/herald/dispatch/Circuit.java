package dev.herald.dispatch;

import dev.herald.config.Settings;
import dev.herald.dispatch.Calls.Call;
import dev.herald.outcome.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stops this node's claims while the provider is down, then lets a few messages test it. While it
 * is open nothing is claimed, so no attempt is used up and no row changes. A provider that fails
 * now and then does not open it, nor does a message that always fails. If the provider asks for
 * fewer messages, claims pause. It uses a monotonic clock; wall-clock times are only for display.
 * Thread-safe.
 */
public final class Circuit {
  private static final Logger LOG = LoggerFactory.getLogger(Circuit.class);

  /** Messages per test, so that a single message that always fails does not decide it. */
  static final int PROBES = 3;

  private static final int SLICES = 10;
  private static final Duration OF_LATE = Duration.ofSeconds(2);
  private static final long LONG_AGO = Long.MAX_VALUE / 2;
  private static final int UNLIMITED = Integer.MAX_VALUE;
  private static final Duration SHORTEST_WAIT = Duration.ofSeconds(1);
  private static final int SHARE_OF_THE_OUTAGE = 4;
  private static final long A_LINE_EVERY_NANOS = TimeUnit.MINUTES.toNanos(1);

  /** The state, which decides what may be claimed. */
  public enum State {
    CLOSED,
    /** Nothing is claimed: the provider is down. */
    OPEN,
    /** A few messages test the provider. */
    HALF_OPEN,
    /** Nothing is claimed for a moment: the provider asked for fewer messages. */
    PAUSED
  }

  /**
   * What a claim may take.
   *
   * @param limit how many messages; 0 for no claim at all
   * @param probe whether they test the provider
   */
  public record Permission(int limit, boolean probe) {
    static final Permission NOTHING = new Permission(0, false);
  }

  /**
   * The state, for display.
   *
   * @param since when the outage or the pause began; null while it is closed
   * @param reason why; null while it is closed
   * @param lastError the provider's words, which may quote a message; null while it is closed
   * @param until when claims continue or the next probes may go; null if that is now
   */
  public record Snapshot(
      State state, Instant since, String reason, String lastError, Instant until) {

    /** The reason with the provider's words: not public. */
    public String fullReason() {
      return lastError == null || reason.endsWith(lastError)
          ? reason
          : reason + " (" + lastError + ")";
    }
  }

  private final Settings.Circuit settings;
  private final int concurrency;
  private final Duration lease;
  private final LongSupplier nanoTime;
  private final IntSupplier underWay;
  private final Calls window;
  private final Calls ofLate;

  private volatile State state = State.CLOSED;
  private int failuresInRow;
  private int misconfiguredInRow;
  private boolean delivered;
  private long deliveredAt;
  private long openedAt;
  private long until;
  private boolean probing;
  private long probedAt;
  private int probesOut;
  private boolean probeFailed;

  /** POSTs that began before this do not count: the start, the last recovery or the last pause. */
  private long freshSince;

  /** Messages that may be in flight; it grows after an outage. */
  private int allowance = UNLIMITED;

  /** POSTs that were under way when it recovered; the allowance does not include them. */
  private int old;

  private Instant since;
  private String why;
  private String reason;
  private String lastError;
  private long outageLoggedAt;
  private long pauseLoggedAt;

  /**
   * @param nanoTime a monotonic clock, like {@link System#nanoTime()}
   * @param underWay how many POSTs of this node are under way, including the one being noted
   */
  public Circuit(
      Settings.Circuit settings,
      Settings.Dispatch dispatch,
      LongSupplier nanoTime,
      IntSupplier underWay) {
    this.settings = settings;
    this.concurrency = dispatch.concurrency();
    this.lease = dispatch.lease();
    this.nanoTime = nanoTime;
    this.underWay = underWay;
    long now = nanoTime.getAsLong();
    this.window = new Calls(settings.window(), SLICES, now);
    this.ofLate = new Calls(OF_LATE, 2, now);
    this.freshSince = now - LONG_AGO;
    this.pauseLoggedAt = now - LONG_AGO;
  }

  /**
   * Asks for permission to claim. For a probe, call {@link #probing} or {@link #releasePermission}
   * afterwards.
   *
   * @param wanted the most messages to claim
   * @param inFlight how many messages this node has claimed and not recorded
   */
  public Permission tryAcquirePermission(int wanted, int inFlight) {
    int busy = underWay.getAsInt();
    synchronized (this) {
      long now = nanoTime.getAsLong();
      if (state == State.PAUSED && now - until >= 0) {
        startAfresh(now, busy);
      }
      if (state == State.OPEN && now - until >= 0) {
        state = State.HALF_OPEN;
        probing = false;
      }
      return switch (state) {
        case CLOSED -> within(wanted, inFlight, now);
        case HALF_OPEN -> probe(wanted, now);
        case OPEN, PAUSED -> Permission.NOTHING;
      };
    }
  }

  private Permission within(int wanted, int inFlight, long now) {
    if (now - freshSince >= settings.window().toNanos()) {
      allowance = UNLIMITED; // with paced claims it would grow too slowly
    }
    int limit =
        allowance == UNLIMITED ? wanted : Math.min(wanted, allowance - Math.max(0, inFlight - old));
    return limit <= 0 ? Permission.NOTHING : new Permission(limit, false);
  }

  private Permission probe(int wanted, long now) {
    if (probing && now - probedAt < lease.toNanos()) {
      return Permission.NOTHING;
    }
    probing = true;
    probedAt = now;
    probeFailed = false;
    probesOut = Math.min(wanted, PROBES);
    return new Permission(probesOut, true);
  }

  /** A probe claimed this many messages; their outcomes decide. */
  synchronized void probing(int messages) {
    probesOut = messages;
    probing = messages > 0;
  }

  /** A probe's claim failed or brought nothing: the next probe may go. */
  synchronized void releasePermission() {
    probing = false;
  }

  /** Whether a claim's messages may be posted now. */
  boolean allows(Claim claim) {
    return claim.manual()
        || switch (state) {
          case CLOSED -> true;
          case HALF_OPEN -> claim.probe();
          case OPEN, PAUSED -> false;
        };
  }

  /** Takes note of how a delivery ended. */
  public void note(Outcome outcome) {
    Call call = Call.of(outcome);
    boolean usual = call == Call.DELIVERED && state == State.CLOSED;
    int busy = usual ? 0 : underWay.getAsInt();
    Runnable news;
    synchronized (this) {
      news = note(outcome, call, nanoTime.getAsLong(), busy);
    }
    if (news != null) {
      news.run(); // outside the lock, so that a slow console delays only this outcome
    }
  }

  private Runnable note(Outcome outcome, Call call, long now, int busy) {
    long began = now - outcome.took().toNanos();
    boolean fresh = began - freshSince >= 0;
    if (call == Call.DELIVERED) {
      delivered = true;
      deliveredAt = now;
    }
    if (call != Call.NONE && !fresh && old > 0) {
      old--;
    }
    if (state == State.CLOSED) {
      return call == Call.NONE || !fresh ? null : count(outcome, call, now, busy);
    }
    if (state == State.PAUSED) {
      return null;
    }
    if (call.success() && began - openedAt >= 0) {
      return recover(now, busy);
    }
    return outcome.probe() && probesOut > 0 ? probeEnded(outcome, call, now) : null;
  }

  private Runnable count(Outcome outcome, Call call, long now, int busy) {
    window.add(call, now);
    ofLate.add(call, now);
    switch (call) {
      case DELIVERED, REFUSED -> {
        failuresInRow = 0;
        misconfiguredInRow = 0;
        if (allowance != UNLIMITED && ++allowance >= concurrency) {
          allowance = UNLIMITED;
        }
        return null;
      }
      case THROTTLED -> {
        return tooFast(now, busy) ? pause(outcome, now) : null;
      }
      case FAILED -> failuresInRow++;
      case MISCONFIGURED -> misconfiguredInRow++;
      case NONE -> throw new IllegalArgumentException("there was no POST");
    }
    String outage = outage(now, busy);
    return outage == null ? null : open(outage, outcome, now);
  }

  /**
   * Why the provider is down, or null if it is not. Failures are often faster than successes and
   * come first, so this needs at least as many calls as are under way, and counts those as
   * successes. A misconfigured call counts once it is a second old and nothing was delivered
   * meanwhile; before that the message itself may be at fault.
   */
  private String outage(long now, int busy) {
    int enough = Math.max(settings.minimumCalls(), busy);
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
    long withThoseUnderWay = calls + Math.max(0, busy - 1L);
    return calls >= enough && 100L * failures >= settings.failureRate() * withThoseUnderWay
        ? "%d of %d POSTs in %s failed".formatted(failures, calls, shown(settings.window()))
        : null;
  }

  /** A single message that is always throttled does not cause a pause. */
  private boolean tooFast(long now, int busy) {
    int throttled = ofLate.count(Call.THROTTLED, now);
    int calls = 0;
    for (Call call : Call.values()) {
      calls += ofLate.count(call, now);
    }
    return throttled >= PROBES
        && calls >= busy
        && 100L * throttled >= (long) settings.failureRate() * calls;
  }

  private Runnable open(String outage, Outcome outcome, long now) {
    openedAt = now;
    since = Instant.now();
    why = outage;
    explain(outcome);
    outageLoggedAt = now - A_LINE_EVERY_NANOS;
    return openAgain(now);
  }

  private Runnable openAgain(long now) {
    Duration wait = nextWait(now);
    state = State.OPEN;
    until = now + wait.toNanos();
    if (now - outageLoggedAt < A_LINE_EVERY_NANOS) {
      return null;
    }
    outageLoggedAt = now;
    String text = reason;
    return () ->
        LOG.warn(
            "The webhook's circuit is open: {}; nothing is claimed, and {} messages will test the webhook in {}",
            text,
            PROBES,
            shown(wait));
  }

  /** A quarter of the outage so far: its end is noticed no later than that. */
  private Duration nextWait(long now) {
    Duration quarter = Duration.ofNanos(now - openedAt).dividedBy(SHARE_OF_THE_OUTAGE);
    return shorter(longer(quarter, SHORTEST_WAIT), settings.openFor());
  }

  private Runnable probeEnded(Outcome outcome, Call call, long now) {
    if (call != Call.NONE) {
      probeFailed = true;
      explain(outcome);
    }
    probesOut--;
    if (probesOut > 0) {
      return null;
    }
    probing = false;
    return probeFailed && state == State.HALF_OPEN ? openAgain(now) : null;
  }

  private Runnable recover(long now, int busy) {
    String lasted = shown(Duration.ofNanos(now - openedAt));
    startAfresh(now, busy - 1);
    return () -> LOG.info("The webhook responds again after {}; delivery continues", lasted);
  }

  private Runnable pause(Outcome outcome, long now) {
    Duration asked = outcome.retryAfter() == null ? Duration.ZERO : outcome.retryAfter();
    Duration pause = shorter(longer(asked, SHORTEST_WAIT), settings.openFor());
    state = State.PAUSED;
    since = Instant.now();
    until = now + pause.toNanos();
    why = "the webhook asks for fewer messages";
    explain(outcome);
    if (now - pauseLoggedAt < A_LINE_EVERY_NANOS) {
      return null;
    }
    pauseLoggedAt = now;
    String text = reason;
    return () -> LOG.warn("Claims pause for {}: {}", shown(pause), text);
  }

  private void startAfresh(long now, int busy) {
    state = State.CLOSED;
    freshSince = now;
    old = Math.max(0, busy);
    allowance = 2 * PROBES >= concurrency ? UNLIMITED : 2 * PROBES;
    window.clear();
    ofLate.clear();
    failuresInRow = 0;
    misconfiguredInRow = 0;
    probing = false;
    probesOut = 0;
    since = null;
    reason = null;
    lastError = null;
  }

  /** The provider's words may quote a message, so the reason leaves them out. */
  private void explain(Outcome outcome) {
    lastError = outcome.error();
    reason =
        why
            + ", the last: "
            + (outcome.httpStatus() != null
                ? "HTTP " + outcome.httpStatus()
                : lastError == null || lastError.startsWith("the route failed")
                    ? "a step of the route failed"
                    : lastError);
  }

  /**
   * Whether the provider accepted other messages while one failed: then that message itself is at
   * fault.
   *
   * @param failingForMs how long it has been failing; null for the first failure
   */
  public synchronized boolean othersGetThrough(Long failingForMs) {
    Duration span = settings.window();
    if (failingForMs != null && failingForMs > span.toMillis()) {
      span = Duration.ofMillis(failingForMs);
    }
    return delivered && nanoTime.getAsLong() - deliveredAt <= span.toNanos();
  }

  /** Whether whole batches may be claimed. */
  boolean closed() {
    return state == State.CLOSED;
  }

  /** Whether the provider is down, as far as this node knows. */
  public boolean open() {
    return state == State.OPEN || state == State.HALF_OPEN;
  }

  /** Whether the provider asked for fewer messages, and claims pause. */
  public boolean paused() {
    return state == State.PAUSED;
  }

  public synchronized Snapshot snapshot() {
    boolean waits = state == State.OPEN || state == State.PAUSED;
    long left = until - nanoTime.getAsLong();
    return new Snapshot(
        state, since, reason, lastError, waits && left > 0 ? Instant.now().plusNanos(left) : null);
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) >= 0 ? one : other;
  }

  private static String shown(Duration time) {
    return time.toSeconds() == 0 ? time.toMillis() + " ms" : time.toSeconds() + " s";
  }
}
