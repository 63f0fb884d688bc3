package dev.herald.dev;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import redis.embedded.RedisServer;

/** A real PostgreSQL and a real Redis, both from Maven, on free ports of this machine. */
public final class LocalServers implements AutoCloseable {
  private static final AtomicInteger DATABASES = new AtomicInteger();

  /** Kept, or the lock would end with the next collection of garbage. */
  private static FileChannel lock;

  private static final int PORTS = 1_500;
  private static final int RANGES = 8;
  private static final int FIRST_PORT = 20_000 + ownRange() * PORTS;
  private static final AtomicInteger NEXT_PORT =
      new AtomicInteger(ThreadLocalRandom.current().nextInt(PORTS));

  private final Path data = Files.createTempDirectory("herald-postgresql-");
  private final EmbeddedPostgres postgres;
  private final RedisServer redis;
  private final int redisPort = freePort();

  /** Starts both; the first time takes some seconds, for PostgreSQL's files are unpacked. */
  public LocalServers() throws IOException {
    postgres =
        EmbeddedPostgres.builder()
            .setDataDirectory(data.resolve("data"))
            .setCleanDataDirectory(false)
            .setPort(freePort())
            .setRegisterShutdownHook(false)
            .setServerConfig("max_connections", "300")
            .setServerConfig("wal_level", "logical")
            .setServerConfig("synchronous_commit", "on")
            .setServerConfig("timezone", "Pacific/Chatham")
            .start();
    redis =
        RedisServer.newRedisServer().port(redisPort).bind("127.0.0.1").setting("save \"\"").build();
    redis.start();
  }

  /** Makes an empty database and gives its JDBC URL. */
  public String newDatabase() {
    String name = "herald_" + DATABASES.incrementAndGet();
    try (Connection connection = postgres.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + name);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return "jdbc:postgresql://localhost:%d/%s".formatted(postgres.getPort(), name);
  }

  public URI redisUrl() {
    return URI.create("redis://127.0.0.1:" + redisPort + "/0");
  }

  /** Nobody else on this machine has it while this process lives: it holds the lock of a file. */
  private static int ownRange() {
    for (int range = 0; range < RANGES; range++) {
      Path file = Path.of(System.getProperty("java.io.tmpdir"), "herald-ports-" + range + ".lock");
      try {
        FileChannel channel =
            FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (channel.tryLock() != null) {
          lock = channel;
          return range;
        }
        channel.close();
      } catch (IOException notMine) {
        // the next one may be
      }
    }
    throw new IllegalStateException(
        RANGES + " processes have the ports for tests already; wait until one has ended");
  }

  /**
   * A port that nothing listens on, and that this process gives out once. It is below those that
   * systems give to whoever asks for any, and each process has a range of its own: nobody takes it
   * before it is used.
   */
  public static int freePort() {
    for (int tries = 0; tries < PORTS; tries++) {
      int port = FIRST_PORT + Math.floorMod(NEXT_PORT.getAndIncrement(), PORTS);
      try (ServerSocket socket = new ServerSocket(port)) {
        return socket.getLocalPort();
      } catch (IOException taken) {
        // the next one may be free
      }
    }
    throw new IllegalStateException(
        "no port from %d to %d is free".formatted(FIRST_PORT, FIRST_PORT + PORTS - 1));
  }

  /**
   * Stops both. A process removes PostgreSQL's files after that: many databases have so many that
   * whoever stops would wait half a minute.
   */
  @Override
  public void close() throws IOException {
    redis.stop();
    postgres.close();
    new ProcessBuilder("rm", "-rf", data.toString()).start();
  }
}
