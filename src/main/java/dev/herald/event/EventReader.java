package dev.herald.event;

import dev.herald.config.ConfigurationException;
import dev.herald.config.Settings;
import dev.herald.problem.FailStop;
import dev.herald.problem.Outage;
import dev.herald.problem.Reason;
import dev.herald.store.SqlFailures;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands the changes of messages to the route {@code direct:events}, in order, from PostgreSQL's
 * log. One node of all reads; the others look every two seconds whether they must. A batch that the
 * route does not take is handed on again until it does, and no event is behind it. Thread-safe.
 */
public final class EventReader implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EventReader.class);
  private static final Duration LOOK = Duration.ofSeconds(2);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /** Debezium puts exceptions into words. */
  private static final Pattern CLASS_NAMES = Pattern.compile("^(?:[\\w.$]+(?:Exception|Error): )+");

  /** What a URL may have of secrets; /health needs no key. */
  private static final Pattern AFTER_HOST =
      Pattern.compile("(https?://)(?:[^/\\s@]*@)?([^/\\s?#]+)\\S*");

  /** So few that a route which does one POST for each is soon free for a reload. */
  private static final int MAX_TAKEN = 100;

  /** A node that reads is seen as such within this many looks. */
  private static final int UNSEEN = 5;

  private final Settings.Events settings;
  private final BooleanSupplier databaseUp;
  private final BooleanSupplier pooler;
  private final Consumer<List<Event>> route;
  private final Slot slot;
  private final Thread thread = new Thread(this::run, "herald-events");
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Semaphore ended = new Semaphore(0);
  private final AtomicReference<Throwable> endedBy = new AtomicReference<>();
  private final AtomicLong events = new AtomicLong();
  private final Outage reading = new Outage(LOG);
  private final Outage handing = new Outage(LOG);
  private volatile SlotReader reader;
  private volatile boolean active;
  private volatile long lagBytes;
  private volatile Duration pause = FIRST_PAUSE;
  private int unseen;

  /**
   * @param databaseUp whether PostgreSQL responds
   * @param pooler whether the database's URL leads to a pooler
   * @param route takes a batch; what it throws means that it did not
   */
  public EventReader(
      Settings.Events settings,
      BooleanSupplier databaseUp,
      BooleanSupplier pooler,
      Consumer<List<Event>> route) {
    this.settings = settings;
    this.databaseUp = databaseUp;
    this.pooler = pooler;
    this.route = route;
    this.slot = new Slot(settings);
    thread.setDaemon(true);
  }

  /**
   * Checks what can be known before the start.
   *
   * @throws ConfigurationException saying what to do
   */
  public void check() {
    if (!settings.enabled()) {
      return;
    }
    try {
      Class.forName("io.debezium.engine.DebeziumEngine");
    } catch (ClassNotFoundException e) {
      throw new ConfigurationException(
          "events.enabled is true, but this build cannot read events; build it with mvn -Pkafka"
              + " package, or set events.enabled=false");
    }
    if (pooler.getAsBoolean()) {
      throw new ConfigurationException(
          "events.enabled is true, but database.url leads to a connection pooler, through"
              + " which Herald reads no log; set events.database-url to the URL of PostgreSQL itself");
    }
  }

  /** Returns at once; the thread connects, and keeps trying. */
  public void start() {
    thread.start();
  }

  /** Events that the route has taken on this node. */
  public long events() {
    return events.get();
  }

  /** Whether this node reads. */
  public boolean active() {
    return active;
  }

  /** Log in bytes that no node has read; of the last look. */
  public long lagBytes() {
    return lagBytes;
  }

  /** Why no events come; nothing if they do, or if another node reads. */
  public Optional<String> trouble() {
    return Optional.ofNullable(reading.reason()).or(() -> Optional.ofNullable(handing.reason()));
  }

  private void run() {
    try {
      if (!settings.enabled()) {
        warnIfForgotten();
        return;
      }
      while (!closed()) {
        look();
        if (ended.tryAcquire((active ? LOOK : pause).toNanos(), TimeUnit.NANOSECONDS)) {
          ended();
        }
      }
    } catch (InterruptedException stopping) {
      LOG.debug("The reader of events was interrupted");
    } finally {
      slot.close();
    }
  }

  private void warnIfForgotten() {
    try {
      if (slot.forgotten()) {
        LOG.warn(
            "events.enabled is false, but the replication slot {} is there: PostgreSQL keeps its log for"
                + " it until the disk is full. If no other node reads it, run SELECT"
                + " pg_drop_replication_slot('{}') and DROP PUBLICATION {}",
            settings.slot(),
            settings.slot(),
            settings.slot());
      }
    } catch (SQLException e) {
      LOG.debug("Cannot look for a forgotten replication slot: {}", e.getMessage());
    }
  }

  private void look() throws InterruptedException {
    try {
      Slot.Look look = slot.look();
      lagBytes = look.lagBytes();
      if (reader == null && !look.taken()) {
        read();
      } else if (reader != null) {
        watch(look);
      } else {
        pause = LOOK;
      }
      reading.worked("Events are read again", active ? ", by this node" : ", by another node");
    } catch (Slot.Unusable | SQLException | RuntimeException e) {
      failed(e);
    }
  }

  private void read() throws SQLException {
    endedBy.set(null);
    unseen = 0;
    SlotReader started =
        new SlotReader(
            settings,
            slot,
            this::hand,
            error -> {
              endedBy.set(error);
              ended.release();
            });
    reader = started;
    active = true;
    started.start();
    LOG.info("This node reads events from the replication slot {}", settings.slot());
  }

  /** A connection can be lost without a word. */
  private void watch(Slot.Look look) throws SQLException, InterruptedException {
    unseen = look.taken() ? 0 : unseen + 1;
    if (unseen > UNSEEN) {
      LOG.warn("PostgreSQL has lost the reader of events; it begins again");
      end(reader);
    }
    slot.advance(look);
  }

  private void ended() {
    boolean was = active;
    reader = null;
    active = false;
    Throwable error = endedBy.getAndSet(null);
    if (was && !closed() && error != null) {
      failed(error);
    }
  }

  private void failed(Throwable failure) {
    String reason = Reason.of(failure);
    if (reason.contains("is active for PID")) {
      pause = LOOK; // another node was faster
      return;
    }
    LOG.debug("Events cannot be read", failure);
    // Of an outage of PostgreSQL there is a line already, as soon as it is known.
    reading.failed(
        "Events are not read; delivery goes on",
        CLASS_NAMES.matcher(reason).replaceFirst(""),
        !connectionLost(failure) || databaseUp.getAsBoolean() && reading.reason() != null);
    pause = longer(pause);
  }

  private static boolean connectionLost(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql && SqlFailures.connectionLost(sql)) {
        return true;
      }
    }
    return false;
  }

  private static Duration longer(Duration pause) {
    Duration twice = pause.multipliedBy(2);
    return twice.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : twice;
  }

  /**
   * Hands a batch on until the route has taken it all. After a failure it gets fewer at a time, so
   * that one that is never taken does not repeat many others.
   */
  private void hand(List<Event> batch) throws InterruptedException {
    pause = FIRST_PAUSE;
    Duration wait = FIRST_PAUSE;
    int done = 0;
    int size = MAX_TAKEN;
    while (!closed()) {
      List<Event> part = batch.subList(done, Math.min(done + size, batch.size()));
      try {
        route.accept(part);
        events.addAndGet(part.size());
        done += part.size();
        if (done == batch.size()) {
          handing.worked("The route direct:events takes events again", "");
          return;
        }
        size = Math.min(2 * size, MAX_TAKEN);
        wait = FIRST_PAUSE;
        continue;
      } catch (RuntimeException e) {
        LOG.debug("Events were not taken", e);
        handing.failed(
            "The route direct:events takes no event; delivery goes on",
            AFTER_HOST.matcher(Reason.of(e)).replaceAll("$1$2"));
      } catch (Error e) {
        FailStop.passOn(e);
        throw e;
      }
      if (closing.await(wait.toNanos(), TimeUnit.NANOSECONDS)) {
        break;
      }
      size = Math.max(1, part.size() / 2);
      wait = longer(wait);
    }
    throw new InterruptedException("this node is stopping");
  }

  private boolean closed() {
    return closing.getCount() == 0;
  }

  private static void end(SlotReader reader) throws InterruptedException {
    while (true) {
      try {
        reader.close();
        return;
      } catch (IllegalStateException e) {
        // It is starting, which cannot be interrupted, or has ended.
        if (!e.getMessage().contains("starting")) {
          return;
        }
        TimeUnit.MILLISECONDS.sleep(20);
      } catch (IOException e) {
        LOG.debug("The reader of events could not be closed", e);
        return;
      }
    }
  }

  /** Stops reading, after the batch under way if the route takes it soon. */
  @Override
  public void close() {
    closing.countDown();
    ended.release();
    SlotReader current = reader;
    try {
      if (current != null) {
        end(current);
      }
      thread.join(TimeUnit.SECONDS.toMillis(5));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
