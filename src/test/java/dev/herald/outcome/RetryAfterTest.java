package dev.herald.outcome;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class RetryAfterTest {
  private final RetryAfter retryAfter =
      new RetryAfter(Clock.fixed(Instant.parse("2026-11-21T09:36:00Z"), ZoneOffset.UTC));

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "none",
      value = {
        "7 | 7",
        " 7 | 7",
        "0 | 0",
        "-5 | 0",
        "99999999999999 | 99999999999999",
        "999999999999999999999 | none",
        "999999999999999999999999999999999999999999999999999999999999 | none",
        "120.5 | 121",
        "7.0 | 7",
        "7. | 7",
        "-7.5 | 0",
        "1e3 | none",
        "soon | none",
        "'' | none",
        "none | none",
        "Sat, 21 Nov 2026 09:36:30 GMT | 30",
        "Sat, 21 Nov 2026 09:00:00 GMT | 0",
        "Sat, 99 Nov 2026 09:00:00 GMT | none",
        "Fri, 31 Dec 9999 23:59:59 GMT | 251607047039",
        "Saturday, 21-Nov-26 09:36:30 GMT | 30",
        "Saturday, 01-Jan-77 00:00:00 GMT | 0",
        "Wednesday, 21-Nov-76 09:36:00 GMT | 1577923200",
        "Sunday, 06-Nov-94 08:49:37 GMT | 0",
        "Sat Nov 21 09:36:30 2026 | 30",
        "Sat Dec  5 09:36:00 2026 | 1209600",
        "Sun Nov  6 08:49:37 1994 | 0",
        "Sat Nov 99 09:36:30 2026 | none",
        "Nov | none",
      })
  void should_read_seconds_and_every_form_of_a_date(String header, String seconds) {
    Duration expected = seconds == null ? null : Duration.ofSeconds(Long.parseLong(seconds));
    assertThat(retryAfter.wait(header, null)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "none",
      value = {
        "Sat, 21 Nov 2026 12:00:30 GMT | Sat, 21 Nov 2026 12:00:00 GMT | 30",
        "Sat Nov 21 12:00:30 2026 | Saturday, 21-Nov-26 12:00:00 GMT | 30",
        "Sat, 21 Nov 2026 09:36:30 GMT | nonsense | 30",
        "20 | Sat, 21 Nov 2026 12:00:00 GMT | 20",
      })
  void should_count_a_date_by_the_providers_own_clock(String header, String date, long seconds) {
    assertThat(retryAfter.wait(header, date)).isEqualTo(Duration.ofSeconds(seconds));
  }
}
