package dev.herald.testing;

import static org.awaitility.Awaitility.await;

import dev.herald.Herald;
import dev.herald.dev.LocalServers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The packaged jar in a process of its own, configured by its environment as a service is, with the
 * JVM's options that the README recommends for a few cores; or the classes of this test run, which
 * also have what only {@code -Pkafka} packages.
 */
public final class HeraldProcess implements AutoCloseable {
  private static final Path JAR = Path.of("target/herald.jar").toAbsolutePath();
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private final Process process;
  private final Path output;
  private final Api api;

  private HeraldProcess(
      Path folder, List<String> main, Map<String, String> environment, String... arguments) {
    try {
      output = Files.createTempFile("herald-", ".log");
      List<String> command =
          new ArrayList<>(
              List.of(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "@" + Path.of("jvm.options").toAbsolutePath(),
                  "-Xmx256m",
                  // It lives for seconds.
                  "-XX:TieredStopAtLevel=1"));
      command.addAll(main);
      command.addAll(List.of(arguments));
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.directory(folder.toAbsolutePath().toFile());
      builder.environment().putAll(environment);
      builder.redirectErrorStream(true).redirectOutput(output.toFile());
      process = builder.start();
      api = new Api("http://127.0.0.1:" + environment.get("SERVER_PORT"), Node.KEY);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts to describe a process that runs in a folder with application.properties and routes/. */
  public static Builder in(Path folder) {
    return new Builder(folder);
  }

  /** What a process is configured with. */
  public static final class Builder {
    private final Path folder;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private List<String> main = List.of("-jar", JAR.toString());

    private Builder(Path folder) {
      this.folder = folder;
      with("SERVER_HOST", "127.0.0.1")
          .with("SERVER_PORT", LocalServers.freePort())
          .with("MANAGEMENT_PORT", LocalServers.freePort())
          .with("API_KEY", Node.KEY)
          .with("DATABASE_USERNAME", "postgres")
          .with("DISPATCH_INTERVAL", "0")
          .with("DISPATCH_BATCH_SIZE", 100);
    }

    public Builder with(String variable, Object value) {
      environment.put(variable, value.toString());
      return this;
    }

    public Builder without(String variable) {
      environment.remove(variable);
      return this;
    }

    /** Runs the classes of this test run, and not the jar. */
    public Builder fromClasses() {
      main = List.of("-cp", System.getProperty("java.class.path"), Herald.class.getName());
      return this;
    }

    /** Starts it, whatever becomes of it. */
    public HeraldProcess start(String... arguments) {
      return new HeraldProcess(folder, main, environment, arguments);
    }

    /** Starts it and waits until it is ready. */
    public HeraldProcess startAndAwait() {
      HeraldProcess started = start();
      started.awaitReady();
      return started;
    }
  }

  public Api api() {
    return api;
  }

  /** What it has printed so far. */
  public String output() {
    try {
      return Files.readString(output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public void awaitReady() {
    await()
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(50))
        .until(() -> !process.isAlive() || ready());
    if (!process.isAlive()) {
      throw new IllegalStateException("it did not start:\n" + output());
    }
  }

  /** Whether it says so now. */
  public boolean ready() throws InterruptedException {
    try {
      return HTTP.send(
                  HttpRequest.newBuilder(URI.create(api.url() + "/ready"))
                      .timeout(Duration.ofSeconds(5))
                      .build(),
                  BodyHandlers.discarding())
              .statusCode()
          == 200;
    } catch (IOException notYet) {
      return false;
    }
  }

  /** Waits for its end and gives its exit code. */
  public int awaitExit() {
    try {
      if (process.waitFor(60, TimeUnit.SECONDS)) {
        return process.exitValue();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new IllegalStateException("it did not end:\n" + output());
  }

  /** SIGSTOP: it stands still, as in a long pause of the machine. */
  public void freeze() {
    Signals.send("STOP", process.pid());
  }

  /** SIGCONT. */
  public void thaw() {
    Signals.send("CONT", process.pid());
  }

  /** SIGTERM. */
  public void terminate() {
    process.destroy();
  }

  /** SIGKILL: nothing is finished, nothing given back. */
  public void kill() {
    process.destroyForcibly();
    awaitExit();
  }

  @Override
  public void close() {
    terminate();
    try {
      if (!process.waitFor(40, TimeUnit.SECONDS)) {
        kill();
      }
      Files.deleteIfExists(output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
