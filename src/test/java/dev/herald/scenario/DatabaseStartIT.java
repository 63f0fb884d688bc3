package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import dev.herald.config.ConfigurationException;
import dev.herald.config.Settings;
import dev.herald.dev.LocalServers;
import dev.herald.dev.SampleWebhook;
import dev.herald.store.Database;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Configured;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.List;
import java.util.TimeZone;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A start with a PostgreSQL that is not as it should be, or not directly there. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class DatabaseStartIT {
  private static final Path PGBOUNCER = Path.of("/usr/sbin/pgbouncer");

  @Test
  void should_begin_again_when_the_connection_ends_during_the_migration() throws Exception {
    String url = migrated();
    try (TcpProxy cable = TcpProxy.of(url);
        Database database = database(cable.by(url));
        Connection other = DriverManager.getConnection(url, "postgres", "")) {
      other.setAutoCommit(false);
      try (Statement lock = other.createStatement()) {
        lock.execute("LOCK TABLE flyway_schema_history IN ACCESS EXCLUSIVE MODE");
      }
      CompletableFuture<Void> start =
          CompletableFuture.runAsync(() -> database.prepare(() -> true, true));
      Sql sql = new Sql(url);
      await()
          .until(
              () ->
                  !sql.value(
                          "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                              + " AND datname = current_database()")
                      .equals("0"));
      cable.cut();
      other.rollback();
      start.get(60, TimeUnit.SECONDS);
      assertThat(sql.value("SELECT count(*) FROM scheduler")).isEqualTo("1");
    }
  }

  @Test
  void should_refuse_a_database_that_cannot_store_every_text() {
    String url = Local.servers().newDatabase();
    new Sql(url)
        .update(
            "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
    assertRefused(url.replaceAll("/[^/]*$", "/latin"), "postgres")
        .contains("LATIN1", "ENCODING 'UTF8'");
  }

  @Test
  void should_refuse_a_role_that_may_not_create_tables() {
    String url = Local.servers().newDatabase();
    new Sql(url).update("CREATE ROLE reader LOGIN");
    assertRefused(url, "reader")
        .contains("permission denied for schema public", "GRANT CREATE on the schema");
  }

  @Test
  void should_refuse_a_database_with_the_tables_of_something_else() {
    String url = Local.servers().newDatabase();
    new Sql(url).update("CREATE TABLE invoice (id integer)");
    assertRefused(url, "postgres").contains("not empty", "a database of its own");
  }

  @Test
  void should_say_which_migration_failed_and_why() {
    String url = migrated();
    new Sql(url)
        .update(
            "DELETE FROM flyway_schema_history WHERE installed_rank >="
                + " (SELECT installed_rank FROM flyway_schema_history WHERE version = '4')");
    assertRefused(url, "postgres")
        .contains(
            "V4__failing_since.sql, line 6",
            "ERROR: column \"failing_since\" of relation \"message\" already exists");
  }

  @Test
  void should_say_which_migration_is_another_than_the_one_that_ran() {
    String url = migrated();
    new Sql(url).update("UPDATE flyway_schema_history SET checksum = 1 WHERE version = '2'");
    assertRefused(url, "postgres").endsWith("checksum mismatch for migration version 2");
  }

  private static String migrated() {
    String url = Local.servers().newDatabase();
    try (Database database = database(url)) {
      database.prepare(() -> true, true);
    }
    return url;
  }

  @Test
  void should_refuse_a_server_that_stays_read_only() {
    String url = Local.servers().newDatabase();
    String name = url.replaceAll(".*/", "");
    new Sql(url).update("ALTER DATABASE " + name + " SET default_transaction_read_only = on");
    assertRefused(url, "postgres").contains("read-only", "targetServerType=primary");
  }

  private static AbstractStringAssert<?> assertRefused(String url, String role) {
    Settings settings =
        Configured.with(
            "database.url", url, "database.username", role, "database.startup-timeout", "0");
    try (Database database = new Database(settings.database())) {
      ConfigurationException refusal =
          catchThrowableOfType(
              ConfigurationException.class, () -> database.prepare(() -> true, true));
      return assertThat(refusal.getMessage()).contains(url).doesNotContain("\n");
    }
  }

  @Test
  void should_start_in_a_time_zone_that_postgresql_does_not_know() {
    String url = Local.servers().newDatabase();
    TimeZone before = TimeZone.getDefault();
    TimeZone.setDefault(TimeZone.getTimeZone("IST"));
    try (Node node = Node.on(url, "http://127.0.0.1:9/").start()) {
      assertThat(node.api().create("any")).isNotBlank();
    } finally {
      TimeZone.setDefault(before);
    }
  }

  @Test
  void should_work_through_a_pooler_in_transaction_mode(@TempDir Path folder) throws Exception {
    assumeThat(PGBOUNCER).as("PgBouncer is not installed").isExecutable();
    URI direct = URI.create(Local.servers().newDatabase().substring("jdbc:".length()));
    int port = LocalServers.freePort();
    Path configuration = folder.resolve("pgbouncer.ini");
    Files.writeString(
        configuration,
        """
        [databases]
        * = host=127.0.0.1 port=%d user=postgres
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = %d
        unix_socket_dir =
        auth_type = any
        pool_mode = transaction
        default_pool_size = 3
        """
            .formatted(direct.getPort(), port));
    ProcessBuilder command = new ProcessBuilder(PGBOUNCER.toString(), configuration.toString());
    if (System.getProperty("user.name").equals("root")) {
      command.command().addAll(1, List.of("-u", "nobody"));
    }
    Process pooler =
        command.redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
    try (SampleWebhook webhook = new SampleWebhook();
        CapturedLog log = new CapturedLog();
        Node node =
            Node.on(
                    "jdbc:postgresql://127.0.0.1:%d%s".formatted(port, direct.getPath()),
                    webhook.url())
                .start()) {
      assertThat(log.lines())
          .anyMatch(line -> line.contains("connection pooler"))
          .noneMatch(line -> line.contains("not tried on a sample message"));
      Api api = node.api();
      // Often enough for the driver to prepare its statements, on several connections.
      for (int i = 0; i < 20; i++) {
        String id = api.create("message " + i);
        assertThat(api.get("/api/v1/messages/" + id).expect(200).id()).isEqualTo(id);
        api.get("/api/v1/messages?status=SENT").expect(200);
        api.get("/api/v1/messages/stats").expect(200);
      }
      api.createMany(500);
      await().untilAsserted(() -> assertThat(api.count("SENT")).isEqualTo(520));
      assertThat(webhook.posts()).hasSize(520);
    } finally {
      pooler.destroy();
      pooler.waitFor(10, TimeUnit.SECONDS);
    }
  }

  private static Database database(String url) {
    Settings settings = Configured.with("database.url", url, "database.username", "postgres");
    return new Database(settings.database());
  }
}
