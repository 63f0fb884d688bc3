package dev.herald.event;

import dev.herald.config.Settings;
import dev.herald.store.DirectConnections;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Optional;
import org.postgresql.core.BaseConnection;
import org.postgresql.util.HostSpec;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The replication slot: where PostgreSQL keeps the position up to which events are out, and the log
 * after it. One node reads it at a time. Not thread-safe.
 */
final class Slot implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Slot.class);
  private static final String PLUGIN = "pgoutput";

  /** After this much log that has no message, the position is moved on. */
  private static final long FOREIGN_BYTES = 1024 * 1024;

  private static final String INSUFFICIENT_PRIVILEGE = "42501";
  private static final String NO_FREE_SLOT = "53400";
  private static final String DUPLICATE = "42710";

  private static final String LOOK =
      """
      SELECT plugin, database = current_database() AS ours, active_pid IS NOT NULL AS taken, wal_status,
          pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint AS lag,
          EXISTS (SELECT FROM pg_publication WHERE pubname = slot_name) AS published
      FROM pg_replication_slots
      WHERE slot_name = ?""";

  private static final String SCHEMA =
      "SELECT nspname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
          + " WHERE c.oid = 'message'::regclass";

  private final Settings.Events settings;
  private final DirectConnections direct;
  private Connection connection;

  /**
   * How the slot is.
   *
   * @param taken whether a node reads it
   * @param lagBytes of log that nobody has read
   */
  record Look(boolean taken, long lagBytes) {}

  Slot(Settings.Events settings) {
    this.settings = settings;
    this.direct = new DirectConnections(settings.database());
  }

  /**
   * Looks at the slot, and makes it and its publication if there are none.
   *
   * @throws Unusable saying what to do
   * @throws SQLException if PostgreSQL does not respond
   */
  Look look() throws SQLException, Unusable {
    try {
      if (connection == null) {
        connection = open();
      }
      Optional<Look> found = find();
      if (found.isEmpty()) {
        create();
        found = find();
      }
      return found.orElseThrow(() -> new SQLException("the slot was dropped at once"));
    } catch (SQLException | Unusable e) {
      close();
      throw e;
    }
  }

  /** The slot exists and nobody reads it; to be warned of where events are off. */
  boolean forgotten() throws SQLException {
    connection = open();
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT FROM pg_replication_slots WHERE slot_name = ? AND database = current_database() AND NOT active")) {
      query.setString(1, settings.slot());
      try (ResultSet row = query.executeQuery()) {
        return row.next();
      }
    } finally {
      close();
    }
  }

  private Optional<Look> find() throws SQLException, Unusable {
    try (PreparedStatement query = connection.prepareStatement(LOOK)) {
      query.setString(1, settings.slot());
      try (ResultSet row = query.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        if (!PLUGIN.equals(row.getString("plugin")) || !row.getBoolean("ours")) {
          throw new Unusable(
              "the replication slot %s is of another database or another use; set events.slot to another name",
              settings.slot());
        }
        if ("lost".equals(row.getString("wal_status"))) {
          throw new Unusable(
              "PostgreSQL has removed log that was not read (max_slot_wal_keep_size), so the events of that time are lost; to begin anew: "
                  + drop());
        }
        if (!row.getBoolean("published")) {
          throw new Unusable(
              "the publication %s is gone, so the log since then cannot be read and its events are lost; to begin anew: %s",
              settings.slot(), drop());
        }
        return Optional.of(new Look(row.getBoolean("taken"), row.getLong("lag")));
      }
    }
  }

  private String drop() {
    return "SELECT pg_drop_replication_slot('%s')".formatted(settings.slot());
  }

  /** The publication must be there before the position from which it is used. */
  private void create() throws SQLException, Unusable {
    try (Statement statement = connection.createStatement()) {
      try (ResultSet level = statement.executeQuery("SHOW wal_level")) {
        level.next();
        if (!level.getString(1).equals("logical")) {
          throw new Unusable(
              "wal_level is %s; set wal_level = logical in postgresql.conf and restart PostgreSQL",
              level.getString(1));
        }
      }
      boolean first =
          make(
              statement,
              "CREATE PUBLICATION %s FOR TABLE message WITH (publish = 'insert, update')"
                  .formatted(settings.slot()),
              "make the publication; let the owner of table message, who may create in the database, run");
      boolean begun =
          make(
              statement,
              "SELECT pg_create_logical_replication_slot('%s', '%s')"
                  .formatted(settings.slot(), PLUGIN),
              "replicate; run ALTER ROLE %s REPLICATION, or what your provider has for it. Then Herald runs"
                  .formatted(settings.database().username()));
      if (begun && first) {
        LOG.info("Events begin now, with the replication slot {}", settings.slot());
      } else if (begun) {
        LOG.warn(
            "The replication slot {} was gone, so the events since the last one are lost; they begin"
                + " anew now. To find out what was missed, read table message by updated_at",
            settings.slot());
      }
    }
  }

  /** Returns whether it was not there. */
  private boolean make(Statement statement, String sql, String forbidden)
      throws SQLException, Unusable {
    try {
      statement.execute(sql);
      return true;
    } catch (SQLException e) {
      switch (String.valueOf(e.getSQLState())) {
        case DUPLICATE -> {
          return false; // by another node, or before
        }
        case INSUFFICIENT_PRIVILEGE ->
            throw new Unusable(
                "the role %s may not %s: %s", settings.database().username(), forbidden, sql);
        case NO_FREE_SLOT ->
            throw new Unusable(
                "PostgreSQL has no free replication slot; raise max_replication_slots, or drop a slot that nobody reads");
        default -> throw e;
      }
    }
  }

  /** Writes something to the log, so that the reader gets past what is of no use to it. */
  void advance(Look look) throws SQLException {
    if (look.lagBytes() > FOREIGN_BYTES) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("SELECT pg_logical_emit_message(true, 'herald', '')");
      }
    }
  }

  /** The schema of table message. */
  String schema() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(SCHEMA)) {
      row.next();
      return row.getString(1);
    }
  }

  /** The server that the connection leads to, of several in the URL. */
  HostSpec server() throws SQLException {
    return connection.unwrap(BaseConnection.class).getQueryExecutor().getHostSpec();
  }

  /** A connection of its own; the caller closes it. */
  Connection open() throws SQLException {
    Connection opened = direct.open("herald-events");
    // To make a slot, PostgreSQL waits for transactions that are under way.
    opened.setNetworkTimeout(Runnable::run, 2_000 * direct.seconds());
    return opened;
  }

  @Override
  public void close() {
    if (connection != null) {
      try {
        connection.close();
      } catch (SQLException broken) {
        // it is gone either way
      }
      connection = null;
    }
  }

  /** What an operator must change. */
  static final class Unusable extends Exception {
    private static final long serialVersionUID = 1L;

    Unusable(String format, Object... values) {
      super(String.format(Locale.ROOT, format, values));
    }
  }
}
