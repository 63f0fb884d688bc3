package dev.herald.store;

import dev.herald.problem.Outage;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens to PostgreSQL for due messages that the node which accepted them leaves to others. This
 * only saves a wait: the next claim finds what it misses. Thread-safe.
 */
public final class DueListener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DueListener.class);
  private static final String LISTEN = "LISTEN herald_due";

  /** After this long without a notification the connection is tested. */
  private static final Duration SILENCE = Duration.ofSeconds(10);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  private final Database database;
  private final Runnable due;
  private final Thread thread = new Thread(this::run, "herald-listener");
  private volatile Connection connection;
  private volatile boolean closed;
  private final Outage outage = new Outage(LOG);
  private boolean broken;
  private Duration pause = FIRST_PAUSE;

  /**
   * @param due called on this class's thread when messages may be due
   */
  public DueListener(Database database, Runnable due) {
    this.database = database;
    this.due = due;
    thread.setDaemon(true);
  }

  /** Returns at once; the thread connects, and keeps trying. */
  public void start() {
    thread.start();
  }

  private void run() {
    while (!closed) {
      try {
        listen();
      } catch (SQLException | RuntimeException e) {
        failed(e);
      }
      try {
        TimeUnit.NANOSECONDS.sleep(pause.toNanos());
      } catch (InterruptedException stopping) {
        return;
      }
      pause = pause.multipliedBy(2);
      if (pause.compareTo(LONGEST_PAUSE) > 0) {
        pause = LONGEST_PAUSE;
      }
    }
  }

  private void listen() throws SQLException {
    try (Connection opened = database.connectToListen();
        Statement statement = opened.createStatement()) {
      connection = opened;
      PGConnection server = opened.unwrap(PGConnection.class);
      statement.execute(LISTEN);
      broken = false;
      outage.worked("PostgreSQL notifies this node again", "");
      // Notifications were lost while there was no connection.
      due.run();
      while (!closed) {
        if (server.getNotifications((int) SILENCE.toMillis()).length > 0) {
          due.run();
        } else {
          // Repeating it only tests the connection.
          statement.execute(LISTEN);
        }
        pause = FIRST_PAUSE;
      }
    }
  }

  /** A connection that breaks is replaced at once; if that fails too, it is told. */
  private void failed(Exception reason) {
    if (closed) {
      return;
    }
    if (!broken) {
      LOG.debug("The listener's connection broke: {}", reason.getMessage());
    } else if (reason instanceof SQLException sql && SqlFailures.connectionLost(sql)) {
      database.failed(sql);
    } else {
      outage.failed(
          "PostgreSQL cannot notify this node, so messages of other nodes are found within"
              + " dispatch.idle-wait",
          SqlFailures.reason(reason));
    }
    broken = true;
  }

  /** Returns at once. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    Connection current = connection;
    if (current != null) {
      try {
        current.abort(Runnable::run);
      } catch (SQLException e) {
        LOG.debug("The listener's connection could not be closed: {}", e.getMessage());
      }
    }
  }
}
