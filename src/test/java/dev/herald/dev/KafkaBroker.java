package dev.herald.dev;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A real Kafka broker of one node, from Maven, on a free port of this machine. It is a process of
 * its own, so that it can be killed and frozen; it keeps its port and its data over a restart.
 */
public final class KafkaBroker implements AutoCloseable {
  private static final long START_SECONDS = 60;

  private final Path folder = Files.createTempDirectory("herald-kafka-");
  private final int port = LocalServers.freePort();
  private final int controllerPort = LocalServers.freePort();
  private Process process;

  /** Starts it and waits until it answers, which takes some seconds. */
  public KafkaBroker() throws IOException {
    start();
  }

  /** {@code host:port}, for {@code bootstrap.servers}. */
  public String brokers() {
    return "127.0.0.1:" + port;
  }

  /** Of its process. */
  public long pid() {
    return process.pid();
  }

  /** Starts it again with the data that it had, and waits until it answers. */
  public void start() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx256m",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            classPath(),
            KafkaBroker.class.getName(),
            folder.toString(),
            String.valueOf(port),
            String.valueOf(controllerPort));
    builder.environment().put("LOG_LEVEL", "warn");
    builder.redirectErrorStream(true).redirectOutput(folder.resolve("broker.log").toFile());
    process = builder.start();
    try {
      awaitAnswer();
    } catch (IOException | RuntimeException e) {
      kill();
      throw e;
    }
  }

  /** Makes a topic, unless it is there. */
  public void createTopic(String name, int partitions) {
    try (Admin admin = admin()) {
      admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1))).all().get();
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof TopicExistsException)) {
        throw new IllegalStateException(e);
      }
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  /** SIGTERM, and its end. */
  public void stop() {
    process.destroy();
    awaitEnd();
  }

  /** SIGKILL: nothing is finished. */
  public void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  /** Stops it and removes its data. */
  @Override
  public void close() throws IOException {
    kill();
    new ProcessBuilder("rm", "-rf", folder.toString()).start();
  }

  private Admin admin() {
    return Admin.create(
        Map.of(
            "bootstrap.servers",
            brokers(),
            "request.timeout.ms",
            "5000",
            "default.api.timeout.ms",
            "5000"));
  }

  private void awaitAnswer() throws IOException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    try (Admin admin = admin()) {
      while (true) {
        try {
          admin.describeCluster().nodes().get(1, TimeUnit.SECONDS);
          return;
        } catch (ExecutionException | TimeoutException notYet) {
          if (!process.isAlive() || System.nanoTime() > end) {
            throw new IOException(
                "Kafka did not start:\n" + Files.readString(folder.resolve("broker.log")), notYet);
          }
        }
      }
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  private void awaitEnd() {
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  private static IllegalStateException interrupted() {
    Thread.currentThread().interrupt();
    return new IllegalStateException("interrupted while Kafka was awaited");
  }

  /** Maven's exec:java loads classes itself: the JVM's own class path does not have them. */
  private static String classPath() {
    if (KafkaBroker.class.getClassLoader() instanceof URLClassLoader loader) {
      return Arrays.stream(loader.getURLs())
          .map(URL::toString)
          .map(url -> Path.of(URI.create(url)).toString())
          .collect(Collectors.joining(File.pathSeparator));
    }
    return System.getProperty("java.class.path");
  }

  /** The broker's process: its folder, its port, and that of its controller. */
  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    String data = folder.resolve("data").toString();
    Properties properties = new Properties();
    properties.put("process.roles", "broker,controller");
    properties.put("node.id", "1");
    properties.put("controller.quorum.voters", "1@127.0.0.1:" + arguments[2]);
    properties.put(
        "listeners",
        "PLAINTEXT://127.0.0.1:%s,CONTROLLER://127.0.0.1:%s".formatted(arguments[1], arguments[2]));
    properties.put("advertised.listeners", "PLAINTEXT://127.0.0.1:" + arguments[1]);
    properties.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    properties.put("controller.listener.names", "CONTROLLER");
    properties.put("log.dirs", data);
    properties.put("offsets.topic.replication.factor", "1");
    properties.put("offsets.topic.num.partitions", "1");
    properties.put("transaction.state.log.replication.factor", "1");
    properties.put("transaction.state.log.min.isr", "1");
    properties.put("group.initial.rebalance.delay.ms", "0");
    // After a kill it waits until the broker that it was counts as gone.
    properties.put("broker.heartbeat.interval.ms", "200");
    properties.put("broker.session.timeout.ms", "1000");
    if (Files.notExists(Path.of(data, "meta.properties"))) {
      new Formatter()
          .setNodeId(1)
          .setClusterId(Uuid.randomUuid().toString())
          .setDirectories(List.of(data))
          .setMetadataLogDirectory(data)
          .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
          .setIgnoreFormatted(true)
          .setControllerListenerName("CONTROLLER")
          .run();
    }
    KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(properties), Time.SYSTEM);
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
    // It does not outlive who started it, even if that was killed.
    ProcessHandle.current()
        .parent()
        .ifPresent(parent -> parent.onExit().thenRun(() -> Runtime.getRuntime().halt(1)));
    server.startup();
    server.awaitShutdown();
  }
}
