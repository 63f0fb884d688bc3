package dev.herald;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.problem.FailStop;
import dev.herald.testing.Configured;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the arguments do. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class CommandLineTest {
  private static final int SERVED = 42;
  private static final int CHECKED = 43;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void should_serve_without_arguments_and_check_if_asked() {
    assertThat(run()).isEqualTo(SERVED);
    assertThat(run("--check")).isEqualTo(CHECKED);
    assertThat(text(out) + text(err)).isEmpty();
  }

  @Test
  void should_print_the_versions() {
    assertThat(run("--version")).isZero();
    assertThat(text(out))
        .matches("Herald development, Java \\d+[\\d.]*.*, Camel 4[.]\\d+[.]\\d+\\R");
  }

  @ParameterizedTest
  @CsvSource({"--help", "-h"})
  void should_print_help(String argument) {
    assertThat(run(argument)).isZero();
    assertThat(text(out))
        .startsWith("Usage: java -jar herald.jar ")
        .contains("application.properties", "WEBHOOK_URL ", "API_KEY ", "DATABASE_PASSWORD_FILE")
        .contains(
            "DATABASE_URL       " + Configured.properties().getProperty("database.url"),
            "DATABASE_USERNAME  " + Configured.properties().getProperty("database.username"),
            "REDIS_URL          " + Configured.properties().getProperty("redis.url"))
        .contains("1    it could not start", "2    unknown", FailStop.EXIT_CODE + "    it ended");
  }

  @ParameterizedTest
  @CsvSource({
    "--verison, unknown argument --verison; did you mean --version?",
    "-version, unknown argument -version; did you mean --version?",
    "help, unknown argument help; did you mean --help?",
    "--chek, unknown argument --chek; did you mean --check?",
    "--dry-run, unknown argument --dry-run",
    "-Dwebhook.url=x, unknown argument -Dwebhook.url=x",
    "--check --now, unknown argument --now",
    "--check --version, more than one argument",
  })
  void should_refuse_what_is_not_known_and_name_the_nearest(String arguments, String message) {
    assertThat(run(arguments.split(" "))).isEqualTo(2);
    assertThat(text(out)).isEmpty();
    assertThat(text(err).lines().toList())
        .startsWith(message)
        .anyMatch(line -> line.startsWith("Usage: "))
        .anyMatch(line -> line.contains("--check "));
  }

  private int run(String... arguments) {
    return new CommandLine(
            () -> SERVED, () -> CHECKED, new PrintStream(out, true), new PrintStream(err, true))
        .run(List.of(arguments));
  }

  private static String text(ByteArrayOutputStream stream) {
    return stream.toString(StandardCharsets.UTF_8);
  }
}
