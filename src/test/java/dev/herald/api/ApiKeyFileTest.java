package dev.herald.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.config.ApiKey;
import dev.herald.config.SecretFile;
import dev.herald.testing.CapturedLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Keys that are rotated while Herald runs. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ApiKeyFileTest {
  private static final String OLD = "0123456789abcdef-old";
  private static final String NEW = "0123456789abcdef-new";

  @TempDir Path folder;
  private final CapturedLog log = new CapturedLog();
  private Path path;
  private ApiKeys keys;
  private ApiKeyFile file;

  @BeforeEach
  void a_file_with_a_key() throws IOException {
    path = Files.writeString(folder.resolve("keys"), "app:" + OLD + ":send\n");
    SecretFile secret = new SecretFile("api.key", path.toString());
    List<ApiKey> first = ApiKey.read(secret, false);
    keys = new ApiKeys(first, false);
    file = new ApiKeyFile(secret, first, keys, false);
  }

  @AfterEach
  void never_show_a_key() {
    log.close();
    assertThat(log.lines()).noneMatch(line -> line.contains("0123456789abcdef"));
  }

  @Test
  void should_accept_two_keys_of_one_name_and_then_only_the_new_one() throws IOException {
    Files.writeString(path, "app:" + OLD + ":send\napp:" + NEW + ":send\n");
    settle();
    assertThat(knows(OLD)).isTrue();
    assertThat(knows(NEW)).isTrue();
    Files.writeString(path, "app:" + NEW + ":send");
    settle();
    assertThat(knows(OLD)).isFalse();
    assertThat(knows(NEW)).isTrue();
    String was = keys.owner(NEW).orElseThrow().toString();
    assertThat(log.lines())
        .satisfiesExactly(
            line -> assertThat(line).contains("INFO").contains("added " + was + " with send"),
            line ->
                assertThat(line)
                    .contains("INFO")
                    .matches("(?s).*API keys: removed app \\([0-9a-f]{8}\\) with send\\R"));
  }

  @Test
  void should_see_other_roles_of_a_key() throws IOException {
    Files.writeString(path, "app:" + OLD + ":read+send");
    settle();
    assertThat(keys.owner(OLD).orElseThrow().roles()).hasSize(2);
    assertThat(log.lines())
        .singleElement()
        .asString()
        .contains("added app (", ") with read+send, removed app (", ") with send");
  }

  @Test
  void should_see_a_link_that_points_elsewhere() throws IOException {
    Path data =
        Files.createSymbolicLink(
            folder.resolve("..data"), Files.createDirectory(folder.resolve("1")));
    Files.writeString(data.resolve("keys"), "app:" + OLD);
    Files.delete(path);
    Files.createSymbolicLink(path, Path.of("..data/keys"));
    settle();
    Files.writeString(Files.createDirectory(folder.resolve("2")).resolve("keys"), "app:" + NEW);
    Path next = Files.createSymbolicLink(folder.resolve("..next"), folder.resolve("2"));
    Files.move(next, data, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    settle();
    assertThat(knows(OLD)).isFalse();
    assertThat(knows(NEW)).isTrue();
  }

  @Test
  void should_wait_until_a_save_is_over() throws IOException {
    Files.writeString(path, "app:" + NEW.substring(0, 17));
    file.look();
    assertThat(knows(OLD)).isTrue();
    Files.writeString(path, "app:" + NEW + ",app:" + OLD);
    file.look();
    assertThat(knows(NEW)).isFalse();
    file.look();
    assertThat(knows(NEW)).isTrue();
    assertThat(knows(NEW.substring(0, 17))).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "'', 'which is empty; write the value into it'",
    "'app:0123456789abcdef-new:all', that does not end with roles",
    "'app:changeme', has a sample key for 'app'",
    "',', has no key",
  })
  void should_change_nothing_because_of_a_bad_file_and_say_so_once(String text, String why)
      throws IOException {
    Files.writeString(path, text);
    settle();
    settle();
    assertThat(knows(OLD)).isTrue();
    assertThat(log.lines())
        .singleElement()
        .asString()
        .startsWith("WARN")
        .contains("The API keys stay as they are: ", path.toString(), why);
    Files.writeString(path, "app:" + OLD + ":send");
    settle();
    assertThat(log.lines()).last().asString().contains("API keys: the same as before");
  }

  @Test
  void should_change_nothing_because_there_is_no_file() throws IOException {
    Files.delete(path);
    settle();
    assertThat(knows(OLD)).isTrue();
    assertThat(log.lines()).singleElement().asString().contains("does not exist");
  }

  @Test
  void should_warn_of_a_new_key_that_may_be_guessed() throws IOException {
    Files.writeString(path, "app:" + OLD + ":send,ops:short");
    settle();
    assertThat(log.lines().get(0)).contains("added ops with read+send+operate");
    assertThat(log.lines().get(1)).contains("The key of ops in api.key has fewer than 16");
  }

  /** Finds a change, and finds it again. */
  private void settle() {
    file.look();
    file.look();
  }

  private boolean knows(String secret) {
    return keys.owner(secret).isPresent();
  }
}
