package dev.herald.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.testing.Configured;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A secret in a file: what is read, and what is refused without showing it. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class SecretFileTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"s3cret", "s3cret\n", "s3cret\r\n", " s3cret \n\n"})
  void should_read_the_text_without_what_an_editor_adds(String text) throws IOException {
    assertThat(secret(text).read()).isEqualTo("s3cret");
  }

  @Test
  void should_read_it_anew_each_time() throws IOException {
    SecretFile secret = secret("one");
    assertThat(secret.read()).isEqualTo("one");
    secret("two,\nthree\n");
    assertThat(secret.read()).isEqualTo("two,\nthree");
  }

  @Test
  void should_say_what_is_wrong_with_the_file_without_showing_it() throws IOException {
    refuses("does not exist; create it, or correct the path", folder.resolve("none").toString());
    refuses("is a folder; name the file in it", folder.toString());
    refuses("is not a regular file; name one", "/dev/null");
    refuses("is not a path; name a file", "a\0b");
    refuses("is empty; write the value into it", secret(" \n").path());
    refuses("is larger than 64 KB; name the file", secret("s3cret".repeat(12_000)).path());
    Path latin = folder.resolve("latin");
    Files.write(latin, "s3cret\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    refuses("is not encoded as UTF-8; save it as UTF-8", latin.toString());
    Files.createSymbolicLink(folder.resolve("loop"), folder.resolve("loop"));
    refuses("cannot be read; look at the file and its disk", folder.resolve("loop").toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "api.key",
        "database.password",
        "database.url",
        "redis.url",
        "webhook.auth-value",
        "webhook.signing-secret",
        "receipts.token"
      })
  void should_give_the_value_of_a_key_from_wherever_the_file_is_named(String key)
      throws IOException {
    String path = secret("s3cret\n").path();
    String variable = ConfigurationSources.variable(key) + "_FILE";
    assertThat(sources(Map.of(variable, path)).value(key)).hasValue("s3cret");
    Properties file = new Properties();
    file.setProperty(key, "");
    file.setProperty(key + "-file", path);
    assertThat(sources(Map.of(), file).value(key)).hasValue("s3cret");
    assertThatThrownBy(() -> sources(Map.of(variable, path, variable(key), "s3cret")).value(key))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "%s and %s-file are both set; keep one (in the environment they are %s and %s)",
            key, key, variable(key), variable);
  }

  @Test
  void should_give_one_value_however_often_it_is_asked() throws IOException {
    ConfigurationSources sources = sources(Map.of("API_KEY_FILE", secret("one").path()));
    assertThat(sources.value("api.key")).hasValue("one");
    secret("two");
    assertThat(sources.value("api.key")).hasValue("one");
  }

  @Test
  void should_leave_other_keys_alone() throws IOException {
    String path = secret("80").path();
    assertThat(sources(Map.of("SERVER_PORT_FILE", path)).value("server.port")).isEmpty();
  }

  @Test
  void should_name_each_file_once_among_the_errors() throws IOException {
    Properties properties = Configured.properties();
    ConfigurationSources sources =
        sources(
            Map.of("API_KEY_FILE", "none-1", "WEBHOOK_URL_FILE", "none-2", "REDIS_TTL", "long"),
            properties);
    assertThatThrownBy(() -> SettingsReader.read(sources::value, false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            """
            api.key-file is 'none-1', which does not exist; create it, or correct the path
              redis.ttl is 'long'; it must be a time like 200ms, 5s or 2m, from 1s to 3650d
              webhook.url-file is 'none-2', which does not exist; create it, or correct the path""");
  }

  private static String variable(String key) {
    return ConfigurationSources.variable(key);
  }

  private static ConfigurationSources sources(Map<String, String> environment) {
    return sources(environment, new Properties());
  }

  private static ConfigurationSources sources(Map<String, String> environment, Properties file) {
    return new ConfigurationSources(new Properties(), environment, file);
  }

  private SecretFile secret(String text) throws IOException {
    return new SecretFile("api.key", Files.writeString(folder.resolve("secret"), text).toString());
  }

  private void refuses(String why, String path) {
    assertThatThrownBy(() -> new SecretFile("api.key", path).read())
        .isInstanceOf(ConfigurationException.class)
        .hasMessageStartingWith("api.key-file is '" + path + "', which " + why)
        .hasMessageNotContaining("s3cret");
  }
}
