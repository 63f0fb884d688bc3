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
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
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
  private static final Duration PROBE = Duration.ofMillis(500);

  /** Connections reserved for claims, records, intake and housekeeping. */
  private static final int WORKERS = 6;

  private final Settings.Database settings;
  private final HikariDataSource workPool;
  private final HikariDataSource apiPool;
  private final ScheduledExecutorService probe =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "herald-database-probe");
            thread.setDaemon(true);
            return thread;
          });
  private volatile boolean up = true;

  /** Connects lazily; {@link #prepare} waits for the server. */
  public Database(Settings.Database settings) {
    this.settings = settings;
    workPool = pool("work", WORKERS, "");
    // The list statements have optional conditions, which only a custom plan can skip.
    apiPool = pool("api", settings.poolSize(), "-c plan_cache_mode=force_custom_plan");
  }

  /**
   * Waits for the server, at most {@code database.startup-timeout}, and migrates the schema. Safe
   * with several nodes at once.
   *
   * @param mayWait whether to keep waiting
   * @param running the switch's position in a new database
   * @throws ConfigurationException if the server does not respond in time, or refuses the login
   */
  public void prepare(BooleanSupplier mayWait, boolean running) {
    long end = System.nanoTime() + settings.startupTimeout().toNanos();
    while (true) {
      try {
        connect().close();
        migrate(running);
        break;
      } catch (SQLException e) {
        retryOrGiveUp(e, end, mayWait);
      } catch (FlywayException e) {
        // The connection can be lost at any moment of a start.
        retryOrGiveUp(lost(e).orElseThrow(() -> e), end, mayWait);
      }
    }
    probe.scheduleWithFixedDelay(
        this::probe, PROBE.toMillis(), PROBE.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void migrate(boolean running) throws SQLException {
    Flyway.configure()
        .dataSource(settings.url().address(), settings.username(), settings.password())
        .jdbcProperties(settings.url().login())
        .locations("classpath:db/migration")
        .load()
        .migrate();
    try (Connection connection = workPool.getConnection();
        PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO scheduler (running) VALUES (?) ON CONFLICT DO NOTHING")) {
      insert.setBoolean(1, running);
      insert.executeUpdate();
    }
  }

  /** The lost connection that caused a failure, by its SQLSTATE; nothing for other causes. */
  private static Optional<SQLException> lost(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException sql
          && sql.getSQLState() != null
          && (sql.getSQLState().startsWith("08") || sql.getSQLState().startsWith("57P0"))) {
        return Optional.of(sql);
      }
    }
    return Optional.empty();
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
        "cannot connect to PostgreSQL at %s (database.url): %s"
            .formatted(settings.url(), failure.getMessage());
    if (state.startsWith("28") || state.equals("3D000")) {
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
    String seconds = Long.toString(Math.max(1, settings.timeout().toSeconds()));
    properties.setProperty("connectTimeout", seconds);
    properties.setProperty("socketTimeout", seconds);
    return properties;
  }

  private void probe() {
    boolean answers;
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SHOW transaction_read_only")) {
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

  private HikariDataSource pool(String name, int size, String options) {
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
    config.addDataSourceProperty("connectTimeout", Math.max(1, settings.timeout().toSeconds()));
    config.addDataSourceProperty("socketTimeout", Math.max(1, 2 * settings.timeout().toSeconds()));
    if (!options.isEmpty()) {
      config.addDataSourceProperty("options", options);
    }
    return new HikariDataSource(config);
  }

  @Override
  public void close() {
    probe.shutdownNow();
    apiPool.close();
    workPool.close();
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
