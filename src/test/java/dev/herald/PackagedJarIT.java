package dev.herald;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.LocalServers;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.HeraldProcess;
import dev.herald.testing.Local;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
      List.of("application.properties", "openapi.yaml", "routes", "sql");

  @TempDir Path folder;

  @Test
  void should_send_a_header_that_was_added_to_the_route_without_a_build() throws IOException {
    copyWhatItReads();
    try (SampleWebhook webhook = new SampleWebhook()) {
      HeraldProcess.Builder herald = on(webhook);
      try (HeraldProcess before = herald.startAndAwait()) {
        before.api().create("before the edit");
        awaitPosts(webhook, 1);
      }
      Path route = folder.resolve("routes/deliver.yaml");
      Files.writeString(route, editOfTheReadme(Files.readString(route)));
      try (HeraldProcess after = herald.startAndAwait()) {
        after.api().create("after the edit");
        awaitPosts(webhook, 2);
      }
      List<Post> posts = webhook.posts();
      assertThat(posts.get(0).headers().contains("X-Campaign")).isFalse();
      assertThat(posts.get(1).headers().get("X-Campaign")).isEqualTo("spring");
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
            .with("WEBHOOK_URL", "http://127.0.0.1:9/")
            .start()) {
      assertThat(herald.awaitExit()).isEqualTo(1);
      assertThat(herald.output())
          .contains("PostgreSQL at " + url + " (database.url): ")
          .contains("trying again for")
          .contains("gave up after 2 s (database.startup-timeout)")
          .doesNotContain("\tat ");
    }
  }

  @Test
  void should_refuse_a_webhook_that_is_not_set_or_not_a_url() {
    HeraldProcess.Builder herald = described();
    refuses(herald, "webhook.url is not set: set WEBHOOK_URL in the environment");
    herald.with("WEBHOOK_URL", "provider.example");
    refuses(herald, "webhook.url is not a URL that starts with http:// or https://");
  }

  @Test
  void should_refuse_to_start_without_a_key() {
    refuses(
        described().with("WEBHOOK_URL", "http://127.0.0.1:9/").without("API_KEY"),
        "api.key is not set: set API_KEY in the environment");
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
          "server.port=" + one.getLocalPort() + " cannot be listened on",
          "management.port=" + other.getLocalPort() + " cannot be listened on");
    }
  }

  @Test
  void should_say_where_it_must_be_started() {
    refuses(HeraldProcess.in(folder), "there is no application.properties in " + folder);
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
        .with("DATABASE_URL", Local.servers().newDatabase())
        .with("REDIS_URL", Local.servers().redisUrl())
        .with("WEBHOOK_URL", webhook.url());
  }

  private static void awaitPosts(SampleWebhook webhook, int count) {
    await().until(() -> webhook.posts().size() == count);
  }

  /** The lines that the README's section "Change the flow" says to put before the POST. */
  private static String editOfTheReadme(String route) throws IOException {
    Matcher edit =
        Pattern.compile("```yaml\n(.*?X-Campaign.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(CHECKOUT.resolve("README.md")));
    assertThat(edit.find()).as("the README's edit").isTrue();
    String post = "        - to:\n            id: http-send-message";
    assertThat(route).contains(post);
    return route.replace(post, edit.group(1) + post);
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
