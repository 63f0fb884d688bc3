package dev.herald.store;

import dev.herald.config.ConfigurationException;
import dev.herald.config.Settings;
import dev.herald.problem.Outage;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.CoreErrorCode;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.exception.FlywayValidateException;
import org.flywaydb.core.internal.exception.FlywayMigrateException;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The start with a database: waits for the server, refuses what cannot work, and migrates. */
record DatabaseStart(Settings.Database settings, DirectConnections direct, Outage outage) {
  private static final Logger LOG = LoggerFactory.getLogger(Database.class);
  private static final Duration RETRY = Duration.ofSeconds(1);
  private static final String READ_ONLY = "25006";
  private static final String FORBIDDEN = "42501";

  /**
   * What responds there.
   *
   * @param pooler whether a pooler like PgBouncer stands between
   * @param timeLimited whether the server has a {@code statement_timeout} of its own
   */
  record Found(boolean pooler, boolean timeLimited) {}

  /** As {@link Database#prepare} says. */
  Found prepare(BooleanSupplier mayWait, boolean running) {
    long end = System.nanoTime() + settings.startupTimeout().toNanos();
    while (true) {
      try {
        Found found = inspect();
        migrate(running);
        return found;
      } catch (SQLException e) {
        retryOrGiveUp(e, end, mayWait);
      } catch (FlywayException e) {
        // The connection can be lost at any moment of a start.
        retryOrGiveUp(lost(e).orElseThrow(() -> unsuitable(e)), end, mayWait);
      }
    }
  }

  /** Learns what responds there, and refuses what would fail later. */
  private Found inspect() throws SQLException {
    try (Connection connection = direct.open();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT pg_backend_pid(), current_setting('server_encoding'),"
                    + " current_setting('transaction_read_only'),"
                    + " current_setting('statement_timeout')")) {
      row.next();
      // A pooler makes up the process id that it announces.
      boolean pooler = row.getInt(1) != connection.unwrap(PGConnection.class).getBackendPID();
      if (!row.getString(2).equals("UTF8")) {
        throw new ConfigurationException(
            ("the database at %s (database.url) has the encoding %s, which cannot store every"
                    + " message; create it again: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE"
                    + " template0")
                .formatted(settings.url(), row.getString(2)));
      }
      if (row.getString(3).equals("on")) {
        throw new SQLException(
            "it is read-only, perhaps a standby; list all servers in the URL and add"
                + " targetServerType=primary",
            READ_ONLY);
      }
      return new Found(pooler, !row.getString(4).equals("0"));
    }
  }

  private void migrate(boolean running) throws SQLException {
    Map<String, String> migration = new HashMap<>(settings.url().login());
    migration.put("prepareThreshold", "0");
    Flyway.configure()
        .dataSource(settings.url().address(), settings.username(), settings.password())
        .jdbcProperties(migration)
        .locations("classpath:db/migration")
        .load()
        .migrate();
    try (Connection connection = direct.open();
        PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO scheduler (running) VALUES (?) ON CONFLICT DO NOTHING")) {
      insert.setBoolean(1, running);
      insert.executeUpdate();
    }
  }

  /** What to do about a migration that no waiting helps. */
  private ConfigurationException unsuitable(FlywayException failure) {
    LOG.debug("The migration failed", failure);
    String reason = failure.getMessage().strip().lines().findFirst().orElse("");
    String where = "";
    if (failure instanceof FlywayValidateException) {
      reason =
          "another release made its tables; start that one, or one after it: "
              + failure.getMessage().strip().lines().skip(1).findFirst().orElse("");
    }
    if (failure instanceof FlywayMigrateException script) {
      where = "%s, line %d: ".formatted(script.getMigration().getScript(), script.getLineNumber());
    }
    if (failure.getErrorCode() == CoreErrorCode.NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE) {
      reason =
          "it is not empty, and its tables are not Herald's; give Herald a database of its own";
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql) {
        reason = where + sql.getMessage().strip().lines().findFirst().orElse("");
        if (FORBIDDEN.equals(sql.getSQLState())) {
          reason +=
              "; let the role %s own the database, or GRANT CREATE on the schema to it"
                  .formatted(settings.username());
        }
      }
    }
    return new ConfigurationException(
        "cannot create Herald's tables in the database at %s (database.url): %s"
            .formatted(settings.url(), reason));
  }

  /** The lost connection that caused a failure, by its SQLSTATE; nothing for other causes. */
  private static Optional<SQLException> lost(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql && SqlFailures.connectionLost(sql)) {
        return Optional.of(sql);
      }
    }
    return Optional.empty();
  }

  private void retryOrGiveUp(SQLException failure, long end, BooleanSupplier mayWait) {
    String state = failure.getSQLState() == null ? "" : failure.getSQLState();
    String reason =
        "cannot %s PostgreSQL at %s (database.url): %s"
            .formatted(
                state.equals(READ_ONLY) || state.equals(FORBIDDEN) ? "use" : "connect to",
                settings.url(),
                failure.getMessage());
    if (state.startsWith("28") || state.equals("3D000") || state.equals(FORBIDDEN)) {
      throw new ConfigurationException(reason);
    }
    if (System.nanoTime() >= end || !mayWait.getAsBoolean()) {
      throw new ConfigurationException(
          "%s; gave up after %d s (database.startup-timeout)"
              .formatted(reason, settings.startupTimeout().toSeconds()));
    }
    outage.failed(
        "PostgreSQL is away; trying for %d s".formatted(settings.startupTimeout().toSeconds()),
        reason);
    try {
      Thread.sleep(RETRY.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ConfigurationException("interrupted while waiting for PostgreSQL");
    }
  }
}
