package dev.herald.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.herald.config.ConfigurationException;
import dev.herald.config.Settings;
import dev.herald.problem.FailStop;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.CoreErrorCode;
import org.flywaydb.core.api.FlywayException;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * PostgreSQL: its schema, its connections, and whether it responds. While it is known to be away,
 * requests for a connection fail at once, so that nothing queues up; a probe notices when it is
 * back. Thread-safe.
 */
public final class Database implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Database.class);
  private static final Duration RETRY = Duration.ofSeconds(1);
  private static final String TOO_MANY = "53300";
  private static final String READ_ONLY = "25006";
  private static final String FORBIDDEN = "42501";
  private static final Duration PROBE = Duration.ofMillis(500);

  /** Reads a table too: a server without Herald's tables, or without its rights, is of no use. */
  private static final String PROBE_QUERY =
      "SELECT current_setting('transaction_read_only') FROM scheduler";

  /** Connections reserved for claims, records, intake and housekeeping. */
  private static final int WORKERS = 6;

  private final Settings.Database settings;
  private HikariDataSource workPool;
  private HikariDataSource apiPool;
  private boolean pooler;
  private boolean timeLimited;
  private final ScheduledExecutorService probe =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "herald-database-probe");
            thread.setDaemon(true);
            return thread;
          });
  private volatile boolean up = true;

  /** Does not connect; {@link #prepare} does. */
  public Database(Settings.Database settings) {
    this.settings = settings;
  }

  /**
   * Waits for the server, at most {@code database.startup-timeout}, and migrates the schema. Safe
   * with several nodes at once. The connections can be used afterwards.
   *
   * @param mayWait whether to keep waiting
   * @param running the switch's position in a new database
   * @throws ConfigurationException if the server does not respond in time, refuses the login, or is
   *     nothing that Herald can work with
   */
  public void prepare(BooleanSupplier mayWait, boolean running) {
    long end = System.nanoTime() + settings.startupTimeout().toNanos();
    while (true) {
      try {
        inspect();
        migrate(running);
        break;
      } catch (SQLException e) {
        retryOrGiveUp(e, end, mayWait);
      } catch (FlywayException e) {
        // The connection can be lost at any moment of a start.
        retryOrGiveUp(lost(e).orElseThrow(() -> unsuitable(e)), end, mayWait);
      }
    }
    if (pooler) {
      describePooler();
    }
    workPool = pool("work", WORKERS, !pooler);
    // The list statements have optional conditions, which only a custom plan can skip.
    apiPool = pool("api", settings.poolSize(), false);
    probe.scheduleWithFixedDelay(
        this::probe, PROBE.toMillis(), PROBE.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void describePooler() {
    LOG.info(
        "database.url leads to a connection pooler: Herald prepares no statements, and finds messages"
            + " of other nodes within dispatch.idle-wait");
    if (!timeLimited) {
      LOG.warn(
          "PostgreSQL may go on with statements that Herald has given up, because no"
              + " statement_timeout is set; set one: ALTER ROLE {} SET statement_timeout = '{}ms'",
          settings.username(),
          patienceMs());
    }
  }

  /** How long to wait for the result of a statement. */
  private long patienceMs() {
    return 2 * settings.timeout().toMillis();
  }

  /** Learns what responds there, and refuses what would fail later. */
  private void inspect() throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT pg_backend_pid(), current_setting('server_encoding'),"
                    + " current_setting('transaction_read_only'),"
                    + " current_setting('statement_timeout')")) {
      row.next();
      // A pooler makes up the process id that it announces.
      pooler = row.getInt(1) != connection.unwrap(PGConnection.class).getBackendPID();
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
      timeLimited = !row.getString(4).equals("0");
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
    try (Connection connection = connect();
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
    if (failure.getErrorCode() == CoreErrorCode.NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE) {
      reason =
          "it is not empty, and its tables are not Herald's; give Herald a database of its own";
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql) {
        reason = sql.getMessage().strip().lines().findFirst().orElse("");
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

  /** Whether a pooler like PgBouncer stands between, so that a session means nothing. */
  public boolean pooler() {
    return pooler;
  }

  /** For claims, records and intake. */
  public DataSource work() {
    return new FailFast(workPool);
  }

  /** For the API. */
  public DataSource api() {
    return new FailFast(apiPool);
  }

  /** Whether the last probe succeeded. */
  public boolean up() {
    return up;
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
    LOG.warn(
        "{}; retrying for {} s", reason, TimeUnit.NANOSECONDS.toSeconds(end - System.nanoTime()));
    try {
      Thread.sleep(RETRY.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ConfigurationException("interrupted while waiting for PostgreSQL");
    }
  }

  /** A connection outside the pools, because LISTEN ends with its session. */
  Connection connectToListen() throws SQLException {
    Properties properties = properties();
    properties.setProperty("ApplicationName", "herald-listener");
    properties.setProperty("tcpKeepAlive", "true");
    return DriverManager.getConnection(settings.url().address(), properties);
  }

  private Connection connect() throws SQLException {
    return DriverManager.getConnection(settings.url().address(), properties());
  }

  private Properties properties() {
    Properties properties = new Properties();
    properties.putAll(settings.url().login());
    properties.setProperty("user", settings.username());
    properties.setProperty("password", settings.password());
    properties.setProperty("connectTimeout", Integer.toString(seconds()));
    properties.setProperty("socketTimeout", Integer.toString(seconds() + 1));
    return properties;
  }

  /** Canceled at the server before the socket times out, or each probe might leave one waiting. */
  private Statement limited(Statement statement) throws SQLException {
    statement.setQueryTimeout(seconds());
    return statement;
  }

  private int seconds() {
    return (int) Math.max(1, settings.timeout().toSeconds());
  }

  private void probe() {
    boolean answers;
    try (Connection connection = connect();
        Statement statement = limited(connection.createStatement());
        ResultSet row = statement.executeQuery(PROBE_QUERY)) {
      row.next();
      answers = row.getString(1).equals("off");
      if (up && !answers) {
        LOG.warn("PostgreSQL refuses writes: it is read-only or a standby");
      }
    } catch (SQLException | RuntimeException e) {
      // "Too many connections" means that it is alive, and the pools have theirs.
      answers = e instanceof SQLException refusal && TOO_MANY.equals(refusal.getSQLState());
      if (up && !answers) {
        LOG.warn("PostgreSQL is away: {}", e.getMessage());
      }
    } catch (Error e) {
      // The executor would only stop to probe.
      FailStop.passOn(e);
      throw e;
    }
    if (answers && !up) {
      LOG.info("PostgreSQL is back");
    }
    up = answers;
  }

  /**
   * The server ends a statement itself before the socket times out, so that it does not go on when
   * nobody waits for it. Behind a pooler the setting would stay with a connection that others use,
   * so there the role must have it.
   *
   * @param prepares whether the server keeps the statements that are used often
   */
  private HikariDataSource pool(String name, int size, boolean prepares) {
    HikariConfig config = new HikariConfig();
    config.setPoolName("herald-" + name);
    config.setJdbcUrl(settings.url().address());
    settings.url().login().forEach(config::addDataSourceProperty);
    config.setUsername(settings.username());
    config.setPassword(settings.password());
    config.setMaximumPoolSize(size);
    config.setConnectionTimeout(settings.timeout().toMillis());
    config.setInitializationFailTimeout(-1);
    config.addDataSourceProperty("ApplicationName", "herald-" + name);
    config.addDataSourceProperty("reWriteBatchedInserts", "true");
    config.addDataSourceProperty("tcpKeepAlive", "true");
    // An error's detail quotes the row, with the message's content and number.
    config.addDataSourceProperty("logServerErrorDetail", "false");
    config.addDataSourceProperty("connectTimeout", seconds());
    config.addDataSourceProperty("socketTimeout", patienceMs() / 1_000 + 2);
    if (!prepares) {
      config.addDataSourceProperty("prepareThreshold", "0");
    }
    if (!pooler) {
      config.setConnectionInitSql("SET statement_timeout = " + patienceMs());
    }
    return new HikariDataSource(config);
  }

  @Override
  public void close() {
    probe.shutdownNow();
    if (apiPool != null) {
      apiPool.close();
      workPool.close();
    }
  }

  /** Fails at once while the server is known to be away. */
  private final class FailFast extends DelegatingDataSource {
    FailFast(DataSource pool) {
      super(pool);
    }

    @Override
    public Connection getConnection() throws SQLException {
      if (!up) {
        throw new SQLTransientConnectionException("PostgreSQL is away", "08001");
      }
      return super.getConnection();
    }
  }
}
