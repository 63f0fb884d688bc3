package dev.herald.flow;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.UUID;
import javax.sql.DataSource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * Empty temporary tables that are made like Herald's own and found in their place, as long as one
 * transaction: what runs there sees, locks and changes no row that anybody else uses.
 */
final class TrialTables {
  /** For each statement, and for a lock on a table that a migration holds. */
  private static final String SETTINGS =
      """
      SELECT set_config('search_path', concat_ws(', ', 'pg_temp', nullif(current_setting('search_path'), '')), true),
          set_config('statement_timeout', '5s', true)
      """;

  /** Tables that refer to a message cannot refer to the sample, so they are replaced, too. */
  private static final String TABLES =
      """
      DO $$
      DECLARE
          original regclass;
      BEGIN
          FOR original IN
              SELECT unnest('{message,message_tally,idempotency_key,scheduler,delivery_rate}'::regclass[])
              UNION
              SELECT conrelid FROM pg_constraint
              WHERE contype = 'f' AND confrelid = 'message'::regclass AND pg_table_is_visible(conrelid)
          LOOP
              EXECUTE format(
                  'CREATE TEMP TABLE %I (LIKE %s INCLUDING ALL EXCLUDING COMMENTS) ON COMMIT DROP',
                  (SELECT relname FROM pg_class WHERE oid = original), original);
          END LOOP;
          INSERT INTO scheduler (running) VALUES (true);
          INSERT INTO delivery_rate (tokens) VALUES (1000000);
      END $$
      """;

  private final Connection connection;
  private final DataSource database;
  private final JdbcTemplate sql;

  private TrialTables(Connection connection) {
    this.connection = connection;
    database = new SingleConnectionDataSource(connection, true);
    sql = new JdbcTemplate(database);
  }

  /**
   * Makes them.
   *
   * @param connection in a transaction, which the caller rolls back
   * @throws SQLException also if the role may not create temporary tables
   */
  static TrialTables in(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(SETTINGS);
      statement.execute(TABLES);
    }
    return new TrialTables(connection);
  }

  /** For statements that are run there. */
  DataSource database() {
    return database;
  }

  void update(String statement, Object... values) {
    sql.update(statement, values);
  }

  /** Whether a condition is true of a row of message, {@code m}, which may be missing. */
  boolean hold(String condition, UUID id) {
    return Boolean.TRUE.equals(
        sql.queryForObject(
            "SELECT %s FROM (VALUES (1)) AS one LEFT JOIN pg_temp.message m ON m.id = '%s'"
                .formatted(condition, id),
            Boolean.class));
  }

  /** A place to go back to. */
  Savepoint mark() throws SQLException {
    return connection.setSavepoint();
  }

  void goBack(Savepoint mark) throws SQLException {
    connection.rollback(mark);
  }

  /** Keeps what was done since; fails if a statement has ended the transaction. */
  void keep(Savepoint mark) throws SQLException {
    connection.releaseSavepoint(mark);
  }
}
