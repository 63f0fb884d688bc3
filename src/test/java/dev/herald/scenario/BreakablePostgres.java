package dev.herald.scenario;

import dev.herald.dev.LocalServers;
import dev.herald.testing.Signals;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * A PostgreSQL that stops immediately, without a checkpoint or a goodbye, and comes back on the
 * same port. A commit is on disk, as in production: what it acknowledged it must still have.
 */
final class BreakablePostgres implements AutoCloseable {
  private final Path data;
  private final int port = LocalServers.freePort();
  private EmbeddedPostgres server;

  BreakablePostgres(Path folder) throws IOException {
    data = folder.resolve("postgresql");
    server = start();
  }

  private EmbeddedPostgres start() throws IOException {
    return EmbeddedPostgres.builder()
        .setDataDirectory(data)
        .setCleanDataDirectory(false)
        .setRegisterShutdownHook(false)
        .setPort(port)
        .setServerConfig("fsync", "on")
        .setServerConfig("synchronous_commit", "on")
        .setServerConfig("full_page_writes", "on")
        .setServerConfig("max_connections", "200")
        .setServerConfig("wal_level", "logical")
        .setServerConfig("timezone", "Pacific/Chatham")
        .setPGStartupWait(Duration.ofSeconds(60))
        .start();
  }

  String url() {
    return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
  }

  Connection connect() throws SQLException {
    return DriverManager.getConnection(url(), "postgres", "");
  }

  /** Immediate shutdown (SIGQUIT): every connection is cut, and the next start is a recovery. */
  void stopImmediately() throws IOException {
    long pid = Long.parseLong(Files.readAllLines(data.resolve("postmaster.pid")).get(0).strip());
    Signals.send("QUIT", pid);
    ProcessHandle.of(pid)
        .ifPresent(postmaster -> postmaster.onExit().orTimeout(30, TimeUnit.SECONDS).join());
  }

  void startAgain() throws IOException {
    closeQuietly();
    server = start();
  }

  private void closeQuietly() {
    try {
      server.close();
    } catch (IOException | UncheckedIOException alreadyStopped) {
      // that is what it is called for
    }
  }

  @Override
  public void close() {
    closeQuietly();
  }
}
