package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * With routes.watch a node reloads by itself. Its folder is made as Kubernetes mounts a ConfigMap:
 * each file is a link into {@code ..data}, which is a link to the folder that counts.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
@TestMethodOrder(OrderAnnotation.class)
class FlowWatchIT {
  private static final String SEND = "        - to:\n            id: http-send-message\n";

  @TempDir static Path folder;
  private static SampleWebhook webhook;
  private static Node node;
  private static Api api;
  private static int versions;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    mount("", "");
    for (Path file : files(Path.of("routes"))) {
      Files.createSymbolicLink(
          folder.resolve(file.getFileName()), Path.of("..data").resolve(file.getFileName()));
    }
    node =
        Node.on(Local.servers().newDatabase(), webhook.url())
            .with("camel.main.routes-include-pattern", "file:" + folder + "/*.camel.yaml")
            .with("routes.watch", "200ms")
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @Test
  @Order(1)
  void should_see_that_the_links_lead_elsewhere() throws IOException {
    String before = digest();
    try (CapturedLog log = new CapturedLog()) {
      mount(SEND, header("1") + SEND);
      await().until(() -> !digest().equals(before));
      assertThat(log.lines())
          .anyMatch(line -> line.matches("(?s).*routes.watch reloaded .*deliver.camel.yaml in.*"));
    }
    assertThat(edition()).isEqualTo("1");
  }

  @Test
  @Order(2)
  void should_refuse_a_bad_edit_once_and_take_the_mended_one() throws IOException {
    String before = digest();
    try (CapturedLog log = new CapturedLog()) {
      mount("ref: payload", "ref: payloda");
      await().until(() -> refusals(log) == 1);
      await().during(Duration.ofSeconds(1)).until(() -> refusals(log) == 1);
      assertThat(digest()).isEqualTo(before);
      assertThat(edition()).isEqualTo("1");
      assertThat(node.metric("herald_flow_refused")).isEqualTo(1);
      mount(SEND, header("1") + SEND);
      await().until(() -> node.metric("herald_flow_refused") == 0);
      mount(SEND, header("2") + SEND);
      await().until(() -> !digest().equals(before));
      assertThat(refusals(log)).isEqualTo(1);
    }
    assertThat(edition()).isEqualTo("2");
    assertThat(node.metric("herald_flow_refused")).isZero();
  }

  /** The old flow cannot come back either: the folder that its consumer reads is gone. */
  @Test
  @Order(3)
  void should_be_down_when_neither_flow_can_run() throws IOException {
    Path inbox = Files.createDirectory(folder.resolve("inbox"));
    Path own = folder.resolve("own.camel.yaml");
    Files.writeString(own, reads(inbox, "first"));
    await().until(() -> api.get("/api/v1/routes").body().toString().contains("\"own\""));
    Files.delete(inbox);
    Files.writeString(own, reads(inbox, "second"));
    await()
        .untilAsserted(
            () -> {
              Api.Answer health = api.get("/health").expect(503);
              assertThat(health.text("/checks/flow/status")).isEqualTo("DOWN");
              assertThat(health.text("/checks/flow/detail"))
                  .contains("the old flow could not be put back whole: route own cannot start")
                  .contains("correct the files and reload, or restart this node");
            });
    assertThat(edition()).as("the rest goes on").isEqualTo("2");
    Files.createDirectory(inbox);
    await()
        .untilAsserted(
            () -> {
              api.post("/api/v1/flow/reload", null).expect(200);
              api.get("/health").expect(200);
            });
    assertThat(api.get("/health").expect(200).text("/checks/routes/status")).isEqualTo("UP");
    assertThat(api.get("/api/v1/routes").body().toString()).contains("\"own\"");
  }

  private static String reads(Path folder, String text) {
    return """
        - route:
            id: own
            from:
              uri: file:%s
              parameters: {autoCreate: false, startingDirectoryMustExist: true}
              steps:
                - log: {message: %s}
        """
        .formatted(folder, text);
  }

  private static String header(String value) {
    return "        - setHeader: {name: X-Edit, expression: {constant: {expression: \"%s\"}}}\n"
        .formatted(value);
  }

  private static long refusals(CapturedLog log) {
    return log.lines().stream()
        .filter(line -> line.contains("routes.watch asked for a reload"))
        .count();
  }

  private static String edition() {
    int before = webhook.posts().size();
    api.create("which edition");
    await().until(() -> webhook.posts().size() > before);
    return webhook.posts().get(before).headers().get("X-Edit");
  }

  private static String digest() {
    return api.get("/api/v1/flow").expect(200).text("/digest");
  }

  /** Writes a new version of the files, with an edit, and lets the links lead there. */
  private static void mount(String from, String to) throws IOException {
    Path version = Files.createDirectory(folder.resolve("..version-" + ++versions));
    for (Path file : files(Path.of("routes"))) {
      String text = Files.readString(file);
      Files.writeString(
          version.resolve(file.getFileName()),
          file.endsWith("deliver.camel.yaml") ? text.replace(from, to) : text);
    }
    Path link = folder.resolve("..data-new");
    Files.createSymbolicLink(link, version.getFileName());
    Files.move(link, folder.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }
}
