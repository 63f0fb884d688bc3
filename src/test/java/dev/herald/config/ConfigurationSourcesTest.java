package dev.herald.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A value arrives as it was written, from wherever it comes. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ConfigurationSourcesTest {
  private static final String KEY = "webhook.auth-value";

  @TempDir Path folder;

  @AfterEach
  void clear() {
    System.clearProperty(KEY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Bearer ab{{cd}}",
        "{{",
        "}}",
        "a}}b{{c",
        "{{webhook.url}}",
        "{{env:HOME}} {{sys:user.dir}} {{?x}} {{x:y}}",
        "'{{x}}' \"quoted\" 'single' `back`",
        "100% %41 %n %s",
        "#not a comment! a#b!c",
        "$HOME ${user.dir} $1 $$",
        "a=b:c d",
        "\u015fifre \u20ac \ud83d\udd11",
        "RAW(x) ?nested=false",
      })
  void should_arrive_as_it_was_written(String value) throws IOException {
    assertThat(file(KEY + " = " + value).value(KEY)).hasValue(value);
    assertThat(file("").value(KEY)).isEmpty();
    assertThat(environment("WEBHOOK_AUTH_VALUE", value, "").value(KEY)).hasValue(value);
    System.setProperty(KEY, value);
    assertThat(file("").value(KEY)).hasValue(value);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\\b", "\\{{x\\}}", "a\\", "\\u0041\\n"})
  void should_keep_a_backslash_which_the_file_writes_twice(String value) throws IOException {
    assertThat(file(KEY + "=" + value.replace("\\", "\\\\")).value(KEY)).hasValue(value);
    assertThat(environment("WEBHOOK_AUTH_VALUE", value, "").value(KEY)).hasValue(value);
  }

  @Test
  void should_prefer_a_system_property_to_the_environment_and_that_to_the_file()
      throws IOException {
    assertThat(file(KEY + "=file").value(KEY)).hasValue("file");
    ConfigurationSources both = environment("WEBHOOK_AUTH_VALUE", "environment", KEY + "=file");
    assertThat(both.value(KEY)).hasValue("environment");
    System.setProperty(KEY, "system");
    assertThat(both.value(KEY)).hasValue("system");
  }

  @Test
  void should_take_the_old_name_of_a_key_with_a_warning() throws IOException {
    String key = "retention.finished";
    ConfigurationSources old = file("retention.sent=1d");
    assertThat(old.value(key)).hasValue("1d");
    assertThat(old.oldNames())
        .containsExactly(
            "retention.sent is now called retention.finished; the old name still works, but rename it");
    assertThat(file(key + "=1d").oldNames()).isEmpty();
    assertThat(environment("RETENTION_SENT", "2d", key + "=1d").value(key))
        .as("the environment goes before the file, by whatever name")
        .hasValue("2d");
    assertThat(file("retention.sent=1d\n" + key + "=3d").value(key)).hasValue("3d");
    assertThat(file("x=y").value(key)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "dispatch.idle-wait, DISPATCH_IDLE_WAIT",
    "webhook.url.germany, WEBHOOK_URL_GERMANY",
    "my.key, MY.KEY",
    "my.ownKey, MY_OWN_KEY",
    "my.ownKey, MY_OWNKEY",
  })
  void should_find_a_keys_environment_variable_in_any_language(String key, String variable)
      throws IOException {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag("tr")); // where i is written \u0130 in capitals
      assertThat(environment(variable, "x", "").value(key)).hasValue("x");
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void should_refuse_a_file_that_cannot_be_read_as_it_was_meant() throws IOException {
    Path file = folder.resolve("latin.properties");
    Files.write(file, "x=\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> ConfigurationSources.read(file, new Properties()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageEndingWith("latin.properties is not encoded as UTF-8; save it as UTF-8");
    assertThatThrownBy(() -> file("x=c:\\users"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageEndingWith("write a backslash as \\\\");
  }

  private ConfigurationSources file(String text) throws IOException {
    return ConfigurationSources.read(write(text), new Properties());
  }

  private ConfigurationSources environment(String variable, String value, String text)
      throws IOException {
    return new ConfigurationSources(new Properties(), Map.of(variable, value), file(text).file());
  }

  private Path write(String text) throws IOException {
    return Files.writeString(folder.resolve("application.properties"), text);
  }
}
