package dev.herald.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.metrics.MetricsTrackerFactory;
import dev.herald.config.ConfigurationException;
import dev.herald.config.Settings;
import dev.herald.problem.FailStop;
import dev.herald.problem.Outage;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import javax.sql.DataSource;
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
  private static final String TOO_MANY = "53300";
  private static final Duration PROBE = Duration.ofMillis(500);

  /** A new connection costs PostgreSQL a process, but only a new one shows that it still can. */
  private static final Duration PROBE_CONNECTION = Duration.ofSeconds(10);

  /** After an outage the pools' old connections fail, one after the other. */
  private static final Duration CALM = Duration.ofSeconds(2);

  /** One statement in many may be slow, now and then; that is one trouble and not many. */
  private static final Duration CALM_OF_A_USE = Duration.ofMinutes(1);

  /** Reads a table too: a server without Herald's tables, or without its rights, is of no use. */
  private static final String PROBE_QUERY =
      "SELECT current_setting('transaction_read_only') FROM scheduler";

  /** Connections reserved for claims, records, intake and housekeeping. */
  private static final int WORKERS = 6;

  private final Settings.Database settings;
  private final DirectConnections direct;
  private HikariDataSource workPool;
  private HikariDataSource apiPool;
  private DatabaseStart.Found found;
  private final ScheduledExecutorService probe =
      Executors.newSingleThreadScheduledExecutor(
          new DefaultThreadFactory("herald-database-probe", true));
  private final Outage outage = new Outage(LOG, CALM, System::nanoTime);
  private final Outage trouble = new Outage(LOG, CALM_OF_A_USE, System::nanoTime);
  private volatile boolean up = true;
  private volatile Connection probed;
  private long probedSince;

  /** Does not connect; {@link #prepare} does. */
  public Database(Settings.Database settings) {
    this.settings = settings;
    this.direct = new DirectConnections(settings);
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
    found = new DatabaseStart(settings, direct, outage).prepare(mayWait, running);
    if (found.pooler()) {
      describePooler();
    }
    workPool = pool("work", WORKERS, !found.pooler());
    // The list statements have optional conditions, which only a custom plan can skip.
    apiPool = pool("api", settings.poolSize(), false);
    probe.scheduleWithFixedDelay(
        this::probe, PROBE.toMillis(), PROBE.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** How long to wait for the result of a statement. */
  private long patienceMs() {
    return 2 * settings.timeout().toMillis();
  }

  private void describePooler() {
    LOG.info(
        "database.url leads to a connection pooler: Herald prepares no statements, and finds messages"
            + " of other nodes within dispatch.idle-wait");
    if (!found.timeLimited()) {
      LOG.warn(
          "PostgreSQL may go on with statements that Herald has given up, because no"
              + " statement_timeout is set; set one: ALTER ROLE {} SET statement_timeout = '{}ms'",
          settings.username(),
          patienceMs());
    }
  }

  /** Whether a pooler like PgBouncer stands between, so that a session means nothing. */
  public boolean pooler() {
    return found.pooler();
  }

  /** For claims, records and intake; once {@link #prepare} has returned. */
  public DataSource work() {
    return new FailFast(() -> workPool);
  }

  /** For the API; once {@link #prepare} has returned. */
  public DataSource api() {
    return new FailFast(() -> apiPool);
  }

  /** Lets both pools report how they are used; once, after {@link #prepare}. */
  public void measure(MetricsTrackerFactory meters) {
    workPool.setMetricsTrackerFactory(meters);
    apiPool.setMetricsTrackerFactory(meters);
  }

  /** Whether the last probe succeeded. */
  public boolean up() {
    return up;
  }

  /** Canceled at the server before the socket times out, or each probe might leave one waiting. */
  private Statement limited(Statement statement) throws SQLException {
    statement.setQueryTimeout(direct.seconds());
    return statement;
  }

  /** A connection outside the pools, because LISTEN ends with its session. */
  Connection connectToListen() throws SQLException {
    return direct.open("herald-listener");
  }

  private void probe() {
    boolean answers;
    try {
      answers = takesWrites();
      if (!answers) {
        outage.failed("PostgreSQL refuses writes", "it is read-only or a standby");
      }
    } catch (SQLException | RuntimeException e) {
      // "Too many connections" means that it is alive, and the pools have theirs.
      answers = e instanceof SQLException refusal && TOO_MANY.equals(refusal.getSQLState());
      if (!answers) {
        outage.failed(SqlFailures.meaning(e), SqlFailures.reason(e));
      }
    } catch (Error e) {
      // The executor would only stop to probe.
      FailStop.passOn(e);
      throw e;
    }
    if (answers) {
      outage.worked("PostgreSQL is back", "");
      trouble.worked("PostgreSQL keeps up again", "");
    }
    up = answers;
  }

  /**
   * Asks on the connection that is kept for a while. If that one fails at once, a new one decides:
   * the server may have restarted, or another one may have its name now.
   */
  private boolean takesWrites() throws SQLException {
    long now = System.nanoTime();
    if (probed != null && now - probedSince < PROBE_CONNECTION.toNanos()) {
      try {
        if (takesWrites(probed)) {
          return true;
        }
      } catch (SQLException lost) {
        if (System.nanoTime() - now > PROBE.toNanos()) {
          closeProbed();
          throw lost;
        }
      }
    }
    closeProbed();
    Connection fresh = direct.open("herald-probe");
    try {
      boolean writes = takesWrites(fresh);
      if (writes && !probe.isShutdown()) {
        probed = fresh;
        probedSince = now;
      }
      return writes;
    } finally {
      if (probed != fresh) {
        fresh.close();
      }
    }
  }

  private boolean takesWrites(Connection connection) throws SQLException {
    try (Statement statement = limited(connection.createStatement());
        ResultSet row = statement.executeQuery(PROBE_QUERY)) {
      row.next();
      return row.getString(1).equals("off");
    }
  }

  private void closeProbed() throws SQLException {
    Connection old = probed;
    probed = null;
    if (old != null) {
      old.close();
    }
  }

  /**
   * Notes that a use failed because PostgreSQL is away, too slow or refuses work. The log has one
   * line a minute, however many there are.
   */
  public void failed(Throwable failure) {
    if (up) {
      (SqlFailures.ofThisUse(failure) ? trouble : outage)
          .failed(SqlFailures.meaning(failure), SqlFailures.reason(failure));
    } else {
      outage.failedAgain();
    }
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
    config.addDataSourceProperty("connectTimeout", direct.seconds());
    config.addDataSourceProperty("socketTimeout", patienceMs() / 1_000 + 2);
    if (!prepares) {
      config.addDataSourceProperty("prepareThreshold", "0");
    }
    if (!found.pooler()) {
      config.setConnectionInitSql("SET statement_timeout = " + patienceMs());
    }
    return new HikariDataSource(config);
  }

  @Override
  public void close() {
    probe.shutdownNow();
    try {
      closeProbed();
    } catch (SQLException ignored) {
      // it is gone already
    }
    if (apiPool != null) {
      apiPool.close();
      workPool.close();
    }
  }

  /** Fails at once while the server is known to be away. */
  private final class FailFast extends DelegatingDataSource {
    private final Supplier<DataSource> pool;

    FailFast(Supplier<DataSource> pool) {
      this.pool = pool;
    }

    @Override
    public DataSource getTargetDataSource() {
      return pool.get();
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
