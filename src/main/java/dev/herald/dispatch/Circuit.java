package dev.herald.dispatch;

import dev.herald.config.Settings;
import dev.herald.dispatch.Calls.Call;
import dev.herald.outcome.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/**
 * Stops this node's claims while the provider is down, then lets a few messages test it. While it
 * is open nothing is claimed, so no attempt is used up and no row changes. A provider that fails
 * now and then does not open it, nor does a message that always fails. If the provider asks for
 * fewer messages, claims pause. It uses a monotonic clock; wall-clock times are only for display.
 * Thread-safe.
 */
public final class Circuit {
  /** Messages per test, so that a single message that always fails does not decide it. */
  static final int PROBES = 3;

  private static final long LONG_AGO = Long.MAX_VALUE / 2;
  private static final int UNLIMITED = Integer.MAX_VALUE;
  private static final Duration SHORTEST_WAIT = Duration.ofSeconds(1);
  private static final int SHARE_OF_THE_OUTAGE = 4;

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
   * @param fullReason the reason with the provider's words, which may quote a message: not public
   * @param until when claims continue or the next probes may go; null if that is now
   */
  public record Snapshot(
      State state, Instant since, String reason, String fullReason, Instant until) {}

  private final Settings.Circuit settings;
  private final int concurrency;
  private final Duration lease;
  private final LongSupplier nanoTime;
  private final IntSupplier underWay;
  private final FailureDetector detector;
  private final CircuitReport report;

  private volatile State state = State.CLOSED;
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
    this.detector = new FailureDetector(settings, now);
    this.report = new CircuitReport(now);
    this.freshSince = now - LONG_AGO;
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
    int limit = limit(wanted, inFlight);
    return limit <= 0 ? Permission.NOTHING : new Permission(limit, false);
  }

  private int limit(int wanted, int inFlight) {
    return allowance == UNLIMITED
        ? wanted
        : Math.min(wanted, allowance - Math.max(0, inFlight - old));
  }

  /**
   * How many messages {@link #tryAcquirePermission} would allow once claims continue; it changes
   * nothing.
   */
  synchronized int wouldAllow(int wanted, int inFlight) {
    boolean limited =
        state == State.CLOSED && nanoTime.getAsLong() - freshSince < settings.window().toNanos();
    return limited ? Math.max(0, limit(wanted, inFlight)) : wanted;
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

  /** Counts a POST while it is closed. */
  private Runnable count(Outcome outcome, Call call, long now, int busy) {
    detector.add(call, now);
    return switch (call) {
      case DELIVERED, REFUSED -> {
        if (allowance != UNLIMITED && ++allowance >= concurrency) {
          allowance = UNLIMITED;
        }
        yield null;
      }
      case THROTTLED -> detector.asksForFewer(now, busy) ? pause(outcome, now) : null;
      case FAILED, MISCONFIGURED -> {
        String outage = detector.outage(now, busy);
        yield outage == null ? null : open(outage, outcome, now);
      }
      case NONE -> throw new IllegalArgumentException("there was no POST");
    };
  }

  private Runnable open(String outage, Outcome outcome, long now) {
    openedAt = now;
    report.outage(outage, outcome, now);
    return openAgain(now);
  }

  private Runnable openAgain(long now) {
    Duration wait = nextWait(now);
    state = State.OPEN;
    until = now + wait.toNanos();
    return report.opened(wait, now);
  }

  /** A quarter of the outage so far: its end is noticed no later than that. */
  private Duration nextWait(long now) {
    Duration quarter = Duration.ofNanos(now - openedAt).dividedBy(SHARE_OF_THE_OUTAGE);
    return shorter(longer(quarter, SHORTEST_WAIT), settings.openFor());
  }

  private Runnable probeEnded(Outcome outcome, Call call, long now) {
    if (call != Call.NONE) {
      probeFailed = true;
      report.last(outcome);
    }
    probesOut--;
    if (probesOut > 0) {
      return null;
    }
    probing = false;
    return probeFailed && state == State.HALF_OPEN ? openAgain(now) : null;
  }

  private Runnable recover(long now, int busy) {
    startAfresh(now, busy - 1);
    return report.recovered(Duration.ofNanos(now - openedAt));
  }

  private Runnable pause(Outcome outcome, long now) {
    Duration asked = outcome.retryAfter() == null ? Duration.ZERO : outcome.retryAfter();
    Duration pause = shorter(longer(asked, SHORTEST_WAIT), settings.openFor());
    state = State.PAUSED;
    until = now + pause.toNanos();
    return report.paused(pause, outcome, now);
  }

  private void startAfresh(long now, int busy) {
    state = State.CLOSED;
    freshSince = now;
    old = Math.max(0, busy);
    allowance = 2 * PROBES >= concurrency ? UNLIMITED : 2 * PROBES;
    probing = false;
    probesOut = 0;
    detector.clear();
    report.clear();
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
    return report.snapshot(state, waits && left > 0 ? Instant.now().plusNanos(left) : null);
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) >= 0 ? one : other;
  }
}
