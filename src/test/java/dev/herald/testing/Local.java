package dev.herald.testing;

import dev.herald.dev.LocalServers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import org.awaitility.Awaitility;

/** The PostgreSQL and the Redis of this test run, started once. */
public final class Local {
  private static final LocalServers SERVERS = start();

  private Local() {}

  public static LocalServers servers() {
    return SERVERS;
  }

  private static LocalServers start() {
    // On a busy machine a start takes long; what comes, comes soon.
    Awaitility.setDefaultTimeout(Duration.ofSeconds(30));
    try {
      LocalServers servers = new LocalServers();
      Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(servers)));
      return servers;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void stop(LocalServers servers) {
    try {
      servers.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
