package dev.herald.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class DurationsTest {

  @ParameterizedTest
  @CsvSource({
    "0, PT0S",
    "0s, PT0S",
    "200ms, PT0.2S",
    "5s, PT5S",
    "2m, PT2M",
    "24h, PT24H",
    "30d, PT720H",
    "999999999d, PT23999999976H",
  })
  void should_read_a_number_with_its_unit(String written, Duration expected) {
    assertThat(Durations.parse(written)).hasValue(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "5", "00", "s", "-1s", "1.5s", "5 s", "5S", "1h30m", "PT5S", "1000000000s"})
  void should_not_guess_what_else_may_be_meant(String written) {
    assertThat(Durations.parse(written)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "PT0S, 0",
    "PT0.25S, 250ms",
    "PT1.5S, 1500ms",
    "PT7S, 7s",
    "PT90S, 90s",
    "PT60S, 1m",
    "PT36H, 36h",
    "PT48H, 2d",
  })
  void should_show_the_largest_unit_that_is_exact(Duration duration, String expected) {
    assertThat(Durations.show(duration)).isEqualTo(expected);
  }
}
