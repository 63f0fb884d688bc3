package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.LocalServers;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.problem.FailStop;
import dev.herald.testing.HeraldProcess;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Page;
import dev.herald.testing.RawProvider;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code java -jar target/herald.jar}, as an operator runs it. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class PackagedJarIT {
  private static final Path CHECKOUT = Path.of("").toAbsolutePath();
  private static final List<String> WHAT_IT_READS =
      List.of("application.properties", "openapi.yaml", "routes", "sql", "examples");

  private static final String POST = "        - to:\n            id: http-send-message\n";
  private static final String FIRST =
      "        - process:\n            description: Add Idempotency-Key";
  private static final String MARSHAL = "        - marshal:\n";

  @TempDir Path folder;
  private Sql sql;

  @Test
  void should_send_a_header_that_was_added_to_the_route_while_it_runs() throws IOException {
    copyWhatItReads();
    try (SampleWebhook webhook = new SampleWebhook();
        HeraldProcess herald = on(webhook).startAndAwait()) {
      herald.api().create("before the edit");
      awaitPosts(webhook, 1);
      Page readme = new Page(Path.of("README.md"));
      String header = readme.yaml("X-Campaign");
      assertThat(new Page(Path.of("docs/change-the-flow.md")).yaml("")).isEqualTo(header);
      change("deliver.camel.yaml", POST, header + POST);
      readme
          .block("sh", "/flow/reload")
          .lines()
          .map(line -> line.substring(line.indexOf("/api/")))
          .forEach(
              call ->
                  assertThat(herald.api().post(call, null).expect(200).text("/changed/0"))
                      .isEqualTo("routes/deliver.camel.yaml"));
      herald.api().create("after the edit");
      awaitPosts(webhook, 2);
      List<Post> posts = webhook.posts();
      assertThat(posts.get(0).headers().contains("X-Campaign")).isFalse();
      assertThat(posts.get(1).headers().get("X-Campaign")).isEqualTo("spring");
    }
  }

  @Test
  void should_check_the_flow_without_any_server_or_secret() throws IOException {
    copyWhatItReads();
    try (HeraldProcess check =
        HeraldProcess.in(folder)
            .with("ROUTES_INCLUDE", "examples/facades/*.camel.yaml")
            .without("API_KEY")
            .start("--check")) {
      assertThat(check.awaitExit()).as(check.output()).isZero();
      assertThat(check.output()).contains("The flow can run: ").doesNotContain("WARN", "ERROR");
    }
    change("deliver.camel.yaml", "ref: payload", "ref: payloda");
    try (HeraldProcess check = HeraldProcess.in(folder).without("API_KEY").start("--check")) {
      assertThat(check.awaitExit()).isEqualTo(1);
      assertThat(check.output())
          .contains("The flow cannot run:\n  routes/deliver.camel.yaml:17: ")
          .contains("payloda")
          .doesNotContain("\tat ");
    }
  }

  @Test
  void should_name_the_file_of_a_route_that_cannot_be_read() throws IOException {
    copyWhatItReads();
    change("deliver.camel.yaml", MARSHAL, "        - marshall:\n");
    try (SampleWebhook webhook = new SampleWebhook();
        HeraldProcess herald = on(webhook).start()) {
      assertThat(herald.awaitExit()).isEqualTo(1);
      assertThat(herald.output()).contains("Herald cannot start").contains("deliver.camel.yaml");
    }
  }

  /** For this message only, the step loads a library that is not there, which is an Error. */
  @Test
  void should_end_with_the_reason_on_an_error_in_a_route() throws IOException {
    copyWhatItReads();
    change(
        "deliver.camel.yaml",
        FIRST,
        """
                - filter:
                    expression: {simple: {expression: "${variable.message.content} == 'hello'"}}
                    steps:
                      - bean: {beanType: java.lang.System, method: "loadLibrary('none')"}
        """
            + FIRST);
    try (SampleWebhook webhook = new SampleWebhook();
        HeraldProcess herald = on(webhook).startAndAwait()) {
      // A POST may get no response: the process ends when the message is claimed.
      sql.update(
          "INSERT INTO message (id, phone_number, content, max_attempts)"
              + " VALUES (gen_random_uuid(), '+905551234567', 'hello', 3)");
      assertThat(herald.awaitExit()).isEqualTo(FailStop.EXIT_CODE);
      assertThat(herald.output().lines().reduce((first, second) -> second).orElseThrow())
          .contains("Herald ends with exit code 3, because thread herald-deliver-")
          .contains("UnsatisfiedLinkError");
      assertThat(sql.value("SELECT status FROM message")).isEqualTo("PENDING");
    }
  }

  @Test
  void should_name_all_that_an_edited_flow_misses() throws IOException {
    copyWhatItReads();
    Files.move(folder.resolve("routes/record.camel.yaml"), folder.resolve("routes/record.off"));
    Files.delete(folder.resolve("sql/get-message.sql"));
    change("deliver.camel.yaml", "uri: direct:deliver-message", "uri: direct:deliver");
    try (SampleWebhook webhook = new SampleWebhook()) {
      refuses(
          on(webhook),
          "no route starts with direct:deliver-message, which every message passes; put it back",
          "no route starts with direct:record-outcomes, which Herald calls; put it back",
          "route find-message runs sql/get-message.sql, which cannot be read");
    }
  }

  @Test
  void should_use_each_value_as_it_is_written_and_print_no_secret() throws IOException {
    copyWhatItReads();
    Path file = folder.resolve("application.properties");
    String key = "s3cret {{webhook.url}} }} {{ 100% %41 #$1 ${x} 'a' \"b\" \\n \u015f\u20ac";
    String written = "webhook.auth-value=" + key.replace("\\", "\\\\");
    Files.writeString(file, Files.readString(file).replace("webhook.auth-value=", written));
    String target = "/s3cret/{{x}}/a%2Fb?sig=%2B%3D&x=${y}&s3cret";
    String database = database();
    try (RawProvider provider = new RawProvider(PackagedJarIT::accept)) {
      HeraldProcess.Builder hostile =
          HeraldProcess.in(folder)
              .with("WEBHOOK_URL", "http://127.0.0.1:" + provider.port() + target)
              .with("DATABASE_PASSWORD", "{{s3cret}}")
              .with("REDIS_URL", "redis://s3cret:s3cret@127.0.0.1:" + LocalServers.freePort());
      try (HeraldProcess herald =
          hostile.with("DATABASE_URL", database + "?password=s3cret").startAndAwait()) {
        herald.api().create("hello");
        await().untilAsserted(() -> assertThat(provider.requests()).as(herald.output()).hasSize(1));
        assertThat(provider.requests().get(0).head())
            .startsWith("POST " + target + " HTTP/1.1\r\n")
            .contains("\r\nAuthorization: " + key + "\r\n");
        await().until(() -> herald.output().contains("Redis is away"));
        assertThat(herald.output()).doesNotContain("s3cret");
      }
      try (HeraldProcess herald =
          hostile
              .with("DATABASE_URL", database + "_s3?password=s3cret&sslpassword=s3cret")
              .start()) {
        assertThat(herald.awaitExit()).isEqualTo(1);
        assertThat(herald.output())
            .contains("cannot connect to PostgreSQL at " + database + "_s3 (database.url)")
            .doesNotContain("s3cret");
      }
    }
  }

  private static void accept(RawProvider.Connection connection) throws IOException {
    while (connection.read() != null) {
      connection.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    }
  }

  @Test
  void should_end_cleanly_on_a_signal_and_record_what_is_under_way() {
    try (SampleWebhook webhook = new SampleWebhook()) {
      webhook.answer(post -> SampleWebhook.Answer.accepted().after(1_000));
      HeraldProcess.Builder builder = on(webhook);
      String id;
      try (HeraldProcess herald = builder.startAndAwait()) {
        id = herald.api().create("under way");
        awaitPosts(webhook, 1);
        herald.terminate();
        assertThat(herald.awaitExit()).as(herald.output()).isEqualTo(128 + 15);
        assertThat(herald.output())
            .containsSubsequence(
                ", listens on 127.0.0.1:",
                "delivers to 127.0.0.1, continuously",
                "Stopping: 1 messages are in flight",
                "Stopping: nothing is in flight");
      }
      try (HeraldProcess herald = builder.startAndAwait()) {
        assertThat(herald.api().status(id)).isEqualTo("SENT");
      }
      assertThat(webhook.posts()).hasSize(1);
    }
  }

  @Test
  void should_wait_for_postgresql_within_bounds_and_then_say_what_is_wrong() {
    String url = "jdbc:postgresql://127.0.0.1:" + LocalServers.freePort() + "/herald";
    try (HeraldProcess herald =
        described()
            .with("DATABASE_URL", url)
            .with("DATABASE_STARTUP_TIMEOUT", "2s")
            .with("API_KEY", "ops:9f1c-short-4e, app:" + Node.KEY)
            .with("WEBHOOK_URL", "http://127.0.0.1:9/")
            .start()) {
      assertThat(herald.awaitExit()).isEqualTo(1);
      assertThat(herald.output())
          .contains("PostgreSQL at " + url + " (database.url): ")
          .contains("PostgreSQL is away; trying for 2 s: ")
          .contains("gave up after 2 s (database.startup-timeout)")
          .containsOnlyOnce("The key of ops in api.key has fewer than 16 characters")
          .doesNotContain("9f1c-short-4e")
          .doesNotContain("The key of app")
          .doesNotContain("\tat ");
    }
  }

  @Test
  void should_refuse_a_webhook_that_is_not_set_or_not_a_url() {
    HeraldProcess.Builder herald = described();
    refuses(herald, "webhook.url is not set: set WEBHOOK_URL in the environment");
    herald.with("WEBHOOK_URL", "provider.example");
    refuses(herald, "webhook.url must be a URL that starts with http:// or https://");
  }

  @Test
  void should_refuse_to_start_without_a_key_or_with_a_sample() {
    refuses(
        described().with("WEBHOOK_URL", "http://127.0.0.1:9/").without("API_KEY"),
        "api.key is not set: set API_KEY in the environment");
    refuses(
        described().with("WEBHOOK_URL", "http://127.0.0.1:9/").with("API_KEY", "ops:changeme"),
        "api.key has a sample key for 'ops'");
  }

  @Test
  void should_refuse_ports_that_are_taken() throws IOException {
    try (ServerSocket one = new ServerSocket(0);
        ServerSocket other = new ServerSocket(0)) {
      refuses(
          described()
              .with("WEBHOOK_URL", "http://127.0.0.1:9/")
              .with("SERVER_PORT", one.getLocalPort())
              .with("MANAGEMENT_PORT", other.getLocalPort()),
          "server.port=" + one.getLocalPort() + " cannot be opened on",
          "management.port=" + other.getLocalPort() + " cannot be opened on");
    }
  }

  @Test
  void should_print_its_version() {
    try (HeraldProcess herald = described().start("--version")) {
      assertThat(herald.awaitExit()).isZero();
      assertThat(herald.output())
          .matches("Herald \\d+[.]\\d+[.]\\d+\\S*, Java .+, Camel 4[.].+\\R");
    }
  }

  @Test
  void should_say_where_it_must_be_started() {
    refuses(
        HeraldProcess.in(folder),
        "there is no application.properties and no openapi.yaml in " + folder);
  }

  /** Two versions of one library, or one that only events and Kafka need. */
  @Test
  void should_bring_each_library_once_and_kafka_only_if_asked() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("target/lib"))) {
      List<String> names =
          files.map(file -> file.getFileName().toString().replaceFirst("-\\d.*", "")).toList();
      assertThat(names).doesNotHaveDuplicates();
      assertThat(names.stream().anyMatch(name -> name.matches(".*(kafka|debezium).*")))
          .isEqualTo(System.getProperty("kafka.scope").equals("compile"));
    }
  }

  private static void refuses(HeraldProcess.Builder builder, String... reasons) {
    try (HeraldProcess herald = builder.start()) {
      assertThat(herald.awaitExit()).isEqualTo(1);
      assertThat(herald.output())
          .contains("Herald cannot start")
          .contains(reasons)
          .doesNotContain("\tat ");
    }
  }

  private static HeraldProcess.Builder described() {
    return HeraldProcess.in(CHECKOUT);
  }

  private HeraldProcess.Builder on(SampleWebhook webhook) {
    return (Files.exists(folder.resolve("routes")) ? HeraldProcess.in(folder) : described())
        .with("DATABASE_URL", database())
        .with("REDIS_URL", Local.servers().redisUrl())
        .with("WEBHOOK_URL", webhook.url());
  }

  private String database() {
    String url = Local.servers().newDatabase();
    sql = new Sql(url);
    return url;
  }

  private static void awaitPosts(SampleWebhook webhook, int count) {
    await().until(() -> webhook.posts().size() == count);
  }

  private void change(String route, String from, String to) throws IOException {
    Path file = folder.resolve("routes").resolve(route);
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  private void copyWhatItReads() throws IOException {
    for (String name : WHAT_IT_READS) {
      try (Stream<Path> files = Files.walk(CHECKOUT.resolve(name))) {
        files.forEach(file -> copy(file, folder.resolve(CHECKOUT.relativize(file))));
      }
    }
  }

  private static void copy(Path file, Path target) {
    try {
      Files.copy(file, target);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
