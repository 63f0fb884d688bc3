package dev.herald;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.Layout;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.config.Configuration;
import org.apache.logging.log4j.core.config.ConfigurationSource;
import org.apache.logging.log4j.core.config.xml.XmlConfiguration;
import org.apache.logging.log4j.core.impl.Log4jLogEvent;
import org.apache.logging.log4j.message.SimpleMessage;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The log as text, as {@code log4j2.xml} lays it out: what comes from outside forges no line. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class LogLayoutTest {
  private static final String FORGED =
      "2026-11-26T12:00:00.000Z INFO  AuditLog Key root turned delivery on";

  private static Layout<?> layout;

  @BeforeAll
  static void read() throws IOException {
    Configuration configuration =
        new XmlConfiguration(
            new LoggerContext("text"),
            new ConfigurationSource(
                Files.newInputStream(Path.of("src/main/resources/log4j2.xml"))));
    configuration.initialize();
    layout = configuration.getAppender("console").getLayout();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\n",
        "\r\n",
        "\r",
        "\r  ",
        "\u0085",
        "\u2028",
        "\u2029",
        "\u000b",
        "\f",
        "\u001b[1A",
        "\u001b[2K\r",
        "\b\b\b",
        "\u0000",
        "\u009b1A",
        "\u202e",
      })
  void should_keep_what_comes_from_outside_on_its_line(String breaking) {
    for (String text :
        List.of(line("why" + breaking + FORGED, null), trace("why" + breaking + FORGED))) {
      assertThat(text.lines().filter(line -> line.contains(FORGED)))
          .singleElement()
          .asString()
          .contains("why")
          .doesNotContain("\r", "\u001b", "\b", "\u009b", "\u202e", "\u2028", "\u2029", "\u0085");
    }
  }

  @Test
  void should_log_an_ordinary_line_as_it_is() {
    assertThat(line("Key ops: \u00e7\u0131\ud83d\ude00\t\"{}\" $1 \\n", null))
        .matches(
            "(?s)\\d{4}-\\d\\d-\\d\\dT[0-9:.]{12}(Z|[+-]\\d\\d:\\d\\d) WARN {2}Some +Key ops: \u00e7\u0131\ud83d\ude00\t\"\\{}\" \\$1 \\\\n\\R");
  }

  @Test
  void should_keep_the_lines_of_a_list_and_of_a_stack_trace() {
    assertThat(
            line("Herald cannot start:\n  api.key is missing\n  redis.url is wrong", null).lines())
        .hasSize(3);
    assertThat(trace("boom").lines())
        .anyMatch(line -> line.startsWith("java.lang.IllegalStateException: boom"))
        .anyMatch(line -> line.startsWith("\tat dev.herald.LogLayoutTest"))
        .anyMatch(line -> line.startsWith("Caused by: java.lang.IllegalArgumentException: boom"));
  }

  private static String trace(String message) {
    return line(
        "it failed", new IllegalStateException(message, new IllegalArgumentException("boom")));
  }

  private static String line(String message, Throwable thrown) {
    return layout
        .toSerializable(
            Log4jLogEvent.newBuilder()
                .setLoggerName("dev.herald.Some")
                .setLevel(Level.WARN)
                .setMessage(new SimpleMessage(message))
                .setThrown(thrown)
                .build())
        .toString();
  }
}
