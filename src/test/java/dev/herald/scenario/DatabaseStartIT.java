package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.config.Settings;
import dev.herald.store.Database;
import dev.herald.testing.Configured;
import dev.herald.testing.Local;
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** A start whose connection to PostgreSQL ends in the middle. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class DatabaseStartIT {
  @Test
  void should_begin_again_when_the_connection_ends_during_the_migration() throws Exception {
    String url = Local.servers().newDatabase();
    URI direct = URI.create(url.substring("jdbc:".length()));
    try (Database first = database(url)) {
      first.prepare(() -> true, true);
    }
    try (TcpProxy cable = new TcpProxy(direct.getPort());
        Database database =
            database("jdbc:postgresql://127.0.0.1:%d%s".formatted(cable.port(), direct.getPath()));
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

  private static Database database(String url) {
    Settings settings = Configured.with("database.url", url, "database.username", "postgres");
    return new Database(settings.database());
  }
}
