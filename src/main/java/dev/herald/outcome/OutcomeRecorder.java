package dev.herald.outcome;

import dev.herald.message.MessageStatus;
import dev.herald.message.Trail;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeBatch.FinishedOutcome;
import dev.herald.outcome.OutcomeBatch.Recorded;
import dev.herald.problem.Outage;
import dev.herald.problem.Reason;
import dev.herald.store.SqlFailures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.apache.camel.Body;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataIntegrityViolationException;

/**
 * Writes outcomes to the database in batches: those that arrive during one write form the next
 * batch. While PostgreSQL is away it keeps a batch and retries; the fence then decides whether each
 * outcome still counts. A batch is recorded when the route's step {@link #recorded} has seen it;
 * that the route returns is not enough, because a step may have handled the failure. Thread-safe.
 */
public final class OutcomeRecorder {
  private static final Logger LOG = LoggerFactory.getLogger(OutcomeRecorder.class);
  private static final int MAX_BATCH = 1_000;
  private static final int WORTH_A_STATEMENT = 500;
  private static final long LINGER_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
  private static final long MAX_PAUSE_MS = 1_000;
  private static final long POLL_MS = 100;

  /** With which status a delivery can end; otherwise its message is due again. */
  public static final Set<MessageStatus> ENDS =
      EnumSet.of(
          MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.UNKNOWN, MessageStatus.EXPIRED);

  /** Is told how the recording goes. */
  public interface Listener {
    /** Messages that are claimed and not yet recorded. */
    int inFlight();

    /** Called when this many outcomes are recorded or given up. */
    void recorded(int count);

    /** Called with false when a write fails, and with true when the queue is empty again. */
    void recording(boolean works);
  }

  private final RetryPolicy policy;
  private final Consumer<OutcomeBatch> route;
  private final Listener listener;
  private final FailureLog failures;
  private final Consumer<Throwable> away;
  private final Outage outage = new Outage(LOG);
  private final BlockingQueue<FinishedOutcome> queue = new LinkedBlockingQueue<>();
  private final AtomicLong fencedOff = new AtomicLong();
  private final Map<Kind, LongAdder> outcomes = new EnumMap<>(Kind.class);
  private final Map<MessageStatus, LongAdder> ended = new EnumMap<>(MessageStatus.class);
  private final Thread thread = new Thread(this::run, "herald-recorder");
  private volatile OutcomeBatch lastRecorded;
  private volatile boolean closing;
  private boolean explained;

  /**
   * @param route writes one batch and calls {@link #recorded}, or throws; called from one thread
   *     only
   * @param failures is told what was recorded
   * @param away is told of a write that failed because PostgreSQL is away, too slow or refuses work
   */
  public OutcomeRecorder(
      RetryPolicy policy,
      Consumer<OutcomeBatch> route,
      Listener listener,
      FailureLog failures,
      Consumer<Throwable> away) {
    this.policy = policy;
    this.failures = failures;
    this.away = away;
    this.route = route;
    this.listener = listener;
    for (Kind kind : Kind.values()) {
      outcomes.put(kind, new LongAdder());
    }
    for (MessageStatus status : MessageStatus.values()) {
      ended.put(status, new LongAdder());
    }
    thread.setDaemon(true);
  }

  public void start() {
    thread.start();
  }

  /** Adds an outcome to the queue. */
  public void add(Outcome outcome) {
    outcomes.get(outcome.kind()).increment();
    queue.add(new FinishedOutcome(outcome, System.nanoTime()));
  }

  /** Notes that a batch is recorded, and counts the outcomes that the fence ignored. */
  public void recorded(@Variable("batch") OutcomeBatch batch, @Body Recorded written) {
    if (written == null) {
      throw new IllegalStateException("the statement of sql-record-outcomes returned no row");
    }
    List<Outcome> fenced = batch.fencedOff(written);
    if (!fenced.isEmpty()) {
      fencedOff.addAndGet(fenced.size());
      LOG.warn(
          "{} outcomes came after their claims had ended and were ignored; the first is {} of message {}",
          fenced.size(),
          fenced.get(0).kind(),
          fenced.get(0).message().id());
    }
    batch.forEachRecorded(written, this::tell);
    lastRecorded = batch;
  }

  private void tell(Outcome outcome, Transition verdict) {
    ended.get(verdict.status()).increment();
    try {
      failures.add(outcome, verdict);
    } catch (RuntimeException e) {
      // It is recorded: a fault of the log must not make anybody think otherwise.
      LOG.warn("Message {} could not be logged", outcome.message().id(), e);
    }
    if (Trail.on()) {
      Trail.step(
          outcome.message(),
          verdict.dueIn() == null ? "is recorded as {}" : "is recorded as {}, due again in {} ms",
          verdict.status(),
          verdict.dueIn() == null ? null : verdict.dueIn().toMillis());
    }
  }

  /** What the statement would get that records one outcome; nothing counts it. For a check. */
  public OutcomeBatch sample(Outcome outcome) {
    return new OutcomeBatch(List.of(new FinishedOutcome(outcome, System.nanoTime())), policy);
  }

  /** Deliveries of this node that ended with this kind. */
  public long outcomes(Kind kind) {
    return outcomes.get(kind).sum();
  }

  /** Messages that this node recorded with this status, one of {@link #ENDS}. */
  public long ended(MessageStatus status) {
    return ended.get(status).sum();
  }

  /** Outcomes that came too late and were fenced off. */
  public long fencedOff() {
    return fencedOff.get();
  }

  /** Outcomes waiting to be recorded. */
  public int backlog() {
    return queue.size();
  }

  /** Records the remaining outcomes, for at most this time. */
  public void close(Duration patience) throws InterruptedException {
    closing = true;
    thread.join(Math.max(1, patience.toMillis()));
    if (thread.isAlive()) {
      LOG.warn(
          "Stopped before PostgreSQL took all outcomes; their messages are due again when their leases run out");
    }
    failures.sumUp();
  }

  private void run() {
    while (!closing || !queue.isEmpty()) {
      failures.tick();
      List<FinishedOutcome> batch = new ArrayList<>();
      try {
        FinishedOutcome first = queue.poll(POLL_MS, TimeUnit.MILLISECONDS);
        if (first != null) {
          batch.add(first);
          gather(batch);
          write(batch);
        }
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /**
   * Takes what is queued, and under load waits a moment for more, because a statement costs as much
   * as many rows. It never waits for more than half of the messages in flight, or nothing would be
   * claimed meanwhile.
   */
  private void gather(List<FinishedOutcome> batch) {
    queue.drainTo(batch, MAX_BATCH - 1);
    long end = System.nanoTime() + LINGER_NANOS;
    while (batch.size() > 1
        && batch.size() < Math.min(WORTH_A_STATEMENT, listener.inFlight() / 2)
        && System.nanoTime() < end) {
      LockSupport.parkNanos(LOOK_NANOS);
      queue.drainTo(batch, MAX_BATCH - batch.size());
    }
  }

  private void write(List<FinishedOutcome> batch) {
    for (long pause = 50; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
      try {
        OutcomeBatch outcomes = new OutcomeBatch(batch, policy);
        route.accept(outcomes);
        checkRecorded(outcomes);
        listener.recorded(batch.size());
        recorded();
        return;
      } catch (DataIntegrityViolationException unstorable) {
        oneByOne(batch, unstorable);
        return;
      } catch (RuntimeException failure) {
        listener.recording(false);
        tell(failure, batch.size() + queue.size());
        failures.tick();
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(pause));
      }
    }
  }

  private void recorded() {
    outage.worked("Outcomes are recorded again", "");
    if (queue.isEmpty()) {
      listener.recording(true);
    }
  }

  private void tell(RuntimeException failure, int waiting) {
    if (SqlFailures.away(failure)) {
      away.accept(failure);
    } else {
      outage.failed(waiting + " outcomes wait to be recorded", Reason.of(failure));
    }
  }

  private void checkRecorded(OutcomeBatch batch) {
    if (lastRecorded == batch) {
      explained = false;
      return;
    }
    if (!explained) {
      LOG.error(
          "Route record-outcomes ended without calling bean recorder, method recorded, so nothing is"
              + " recorded. A step handles the statement's failure, or skips that bean. Remove such"
              + " a doTry or onException, and give each route on the way routeConfigurationId:"
              + " propagate-errors");
      explained = true;
    }
    throw new IllegalStateException("the route ended without recording them");
  }

  /** A row that the database always rejects must not block the others. */
  private void oneByOne(List<FinishedOutcome> batch, DataIntegrityViolationException reason) {
    if (batch.size() > 1) {
      batch.forEach(one -> write(List.of(one)));
      return;
    }
    LOG.error(
        "The outcome of message {} cannot be recorded; the message is due again when its lease runs out: {}",
        batch.get(0).outcome().message().id(),
        reason.getMessage());
    listener.recorded(1);
    recorded();
  }
}
