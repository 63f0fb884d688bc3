package dev.herald.scenario;

import dev.herald.dev.LocalServers;
import dev.herald.testing.Signals;
import java.io.IOException;
import java.net.URI;
import redis.clients.jedis.Jedis;
import redis.embedded.RedisServer;

/** A Redis that can be killed, started again on the same port, and frozen. */
final class BreakableRedis implements AutoCloseable {
  private final int port = LocalServers.freePort();
  private final RedisServer server;
  private long pid;

  BreakableRedis() throws IOException {
    server = RedisServer.newRedisServer().port(port).bind("127.0.0.1").setting("save \"\"").build();
    server.start();
  }

  URI url() {
    return URI.create("redis://127.0.0.1:" + port + "/0");
  }

  void stop() throws IOException {
    server.stop();
  }

  void startAgain() throws IOException {
    server.start();
  }

  /** It accepts connections, as its kernel does, and never answers. */
  void freeze() {
    pid = pid();
    Signals.send("STOP", pid);
  }

  void thaw() {
    Signals.send("CONT", pid);
  }

  private long pid() {
    try (Jedis redis = new Jedis(url())) {
      return redis
          .info("server")
          .lines()
          .filter(line -> line.startsWith("process_id:"))
          .mapToLong(line -> Long.parseLong(line.substring("process_id:".length()).strip()))
          .findFirst()
          .orElseThrow();
    }
  }

  @Override
  public void close() throws IOException {
    server.stop();
  }
}
