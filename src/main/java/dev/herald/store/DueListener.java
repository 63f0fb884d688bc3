package dev.herald.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears from PostgreSQL that messages are due which the node that took them leaves to others. It
 * saves a wait and no more: what it does not hear of, the next claim finds. Thread-safe.
 */
public final class DueListener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DueListener.class);
  private static final String LISTEN = "LISTEN herald_due";

  /** After so long without a word the server is asked, so that a dead connection is noticed. */
  private static final Duration SILENCE = Duration.ofSeconds(10);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  private final Database database;
  private final Runnable due;
  private final Thread thread = new Thread(this::run, "herald-listener");
  private volatile Connection connection;
  private volatile boolean closed;
  private boolean works = true;
  private Duration pause = FIRST_PAUSE;

  /**
   * @param due called when messages may be due, by this class's thread
   */
  public DueListener(Database database, Runnable due) {
    this.database = database;
    this.due = due;
    thread.setDaemon(true);
  }

  /** Waits for nothing: the thread connects, and goes on trying. */
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
      works();
      // Nobody heard what came while there was no connection.
      due.run();
      while (!closed) {
        if (server.getNotifications((int) SILENCE.toMillis()).length > 0) {
          due.run();
        } else {
          // Once more does nothing but show that the server is there.
          statement.execute(LISTEN);
        }
        pause = FIRST_PAUSE;
      }
    }
  }

  private void works() {
    if (!works) {
      LOG.info("PostgreSQL notifies this node again");
    }
    works = true;
  }

  private void failed(Exception reason) {
    if (works && !closed) {
      LOG.warn(
          "PostgreSQL cannot notify this node, and messages that other nodes accept are found"
              + " within dispatch.idle-wait: {}",
          reason.getMessage());
      works = false;
    }
  }

  /** Waits for nothing. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    Connection current = connection;
    if (current != null) {
      try {
        current.abort(Runnable::run);
      } catch (SQLException e) {
        LOG.debug("The listener's connection did not close: {}", e.getMessage());
      }
    }
  }
}
