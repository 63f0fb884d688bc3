package dev.herald.outcome;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.dispatch.Samples;
import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome.Kind;
import java.nio.charset.Charset;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an answer means: the table "Outcomes". */
@DisplayNameGeneration(ReplaceUnderscores.class)
class OutcomeClassifierTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-11-21T09:36:00Z"), ZoneOffset.UTC);
  private static final ClaimedMessage MESSAGE = Samples.message();

  private final OutcomeClassifier outcomes = new OutcomeClassifier(CLOCK);

  @ParameterizedTest
  @CsvSource({
    "200, DELIVERED",
    "201, DELIVERED",
    "202, DELIVERED",
    "204, DELIVERED",
    "299, DELIVERED",
    "408, NOT_SENT",
    "425, NOT_SENT",
    "429, NOT_SENT",
    "503, NOT_SENT",
    "401, MISCONFIGURED",
    "403, MISCONFIGURED",
    "404, MISCONFIGURED",
    "405, MISCONFIGURED",
    "300, REFUSED",
    "301, REFUSED",
    "302, REFUSED",
    "303, REFUSED",
    "304, REFUSED",
    "307, REFUSED",
    "308, REFUSED",
    "400, REFUSED",
    "402, REFUSED",
    "406, REFUSED",
    "409, REFUSED",
    "410, REFUSED",
    "413, REFUSED",
    "422, REFUSED",
    "451, REFUSED",
    "499, REFUSED",
    "500, MAYBE_SENT",
    "502, MAYBE_SENT",
    "504, MAYBE_SENT",
    "501, MAYBE_SENT",
    "599, MAYBE_SENT",
    "600, MAYBE_SENT",
    "199, MAYBE_SENT",
  })
  void should_class_every_status(int status, Kind kind) {
    Outcome outcome =
        outcomes.answered(MESSAGE, status, null, "{\"messageId\":\"m-1\"}".getBytes(UTF_8), UTF_8);
    assertThat(outcome.kind()).isEqualTo(kind);
    assertThat(outcome.httpStatus()).isEqualTo(status);
    if (kind == Kind.DELIVERED) {
      assertThat(outcome.error()).isNull();
      assertThat(outcome.webhookMessageId()).isEqualTo("m-1");
    } else {
      assertThat(outcome.error()).startsWith("HTTP " + status).contains("m-1");
      assertThat(outcome.webhookMessageId()).isNull();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {408, 425, 429, 503})
  void should_keep_how_long_the_provider_asks_to_wait(int status) {
    Outcome outcome =
        outcomes.answered(MESSAGE, status, Duration.ofSeconds(300), "no".getBytes(UTF_8), UTF_8);
    assertThat(outcome.retryAfter()).isEqualTo(Duration.ofSeconds(300));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "none",
      value = {
        "{\"message\":\"Accepted\",\"messageId\":\"67f2f8a8\"} | 67f2f8a8",
        "{\"messageId\":42} | 42",
        "{\"a\":{\"messageId\":\"inner\"},\"b\":[{\"messageId\":1}],\"messageId\":\"outer\"} | outer",
        "{\"messageId\":null} | none",
        "{\"messageId\":{}} | none",
        "{\"messageId\":\"\"} | none",
        "{\"messageId\":\"a\\u0000b\"} | a b",
        "{\"messageid\":\"other case\"} | none",
        "{\"messageId\":\"cut of | none",
        "{\"message\":\"cut o | none",
        "<html><body>OK</body></html> | none",
        "[1,2] | none",
        "'' | none",
      })
  void should_find_the_providers_id_where_there_is_one(String body, String id) {
    Outcome outcome = outcomes.answered(MESSAGE, 202, null, body.getBytes(UTF_8), UTF_8);
    assertThat(outcome.kind()).isEqualTo(Kind.DELIVERED);
    assertThat(outcome.webhookMessageId()).isEqualTo(id);
  }

  @Test
  void should_take_a_2xx_with_bytes_that_are_no_text() {
    Outcome outcome =
        outcomes.answered(MESSAGE, 200, null, new byte[] {(byte) 0xff, 0, (byte) 0xfe, '{'}, UTF_8);
    assertThat(outcome.kind()).isEqualTo(Kind.DELIVERED);
    assertThat(outcomes.answered(MESSAGE, 200, null, null, UTF_8).kind()).isEqualTo(Kind.DELIVERED);
  }

  @ParameterizedTest
  @CsvSource(
      nullValues = "none",
      value = {
        "none, UTF-8",
        "application/json, UTF-8",
        "text/html; charset=iso-8859-9, ISO-8859-9",
        "text/plain;charset=\"windows-1254\", windows-1254",
        "text/plain; charset=no-such, UTF-8",
        "text/plain; charset=, UTF-8",
        "=;=;charset, UTF-8",
      })
  void should_read_an_answer_in_the_charset_that_it_names(String contentType, String charset) {
    assertThat(OutcomeClassifier.charset(contentType)).isEqualTo(Charset.forName(charset));
  }

  @Test
  void should_keep_the_providers_words_whatever_they_are_written_in() {
    Charset turkish = Charset.forName("ISO-8859-9");
    assertThat(
            outcomes.answered(
                MESSAGE, 400, null, "ge\u00e7ersiz say\u0131".getBytes(turkish), turkish))
        .extracting(Outcome::error)
        .isEqualTo("HTTP 400: ge\u00e7ersiz say\u0131");
    assertThat(
            outcomes
                .answered(
                    MESSAGE,
                    202,
                    null,
                    "{\"note\":\"\u0131\u015f\",\"messageId\":\"m-1\"}".getBytes(turkish),
                    turkish)
                .webhookMessageId())
        .isEqualTo("m-1");
  }

  @Test
  void should_keep_errors_storable_and_short() {
    Outcome outcome =
        outcomes.answered(
            MESSAGE, 400, null, ("\u0000bad\uD800 \n" + "x".repeat(5_000)).getBytes(UTF_8), UTF_8);
    assertThat(outcome.error())
        .hasSizeLessThanOrEqualTo(Outcome.MAX_ERROR)
        .doesNotContain("\u0000")
        .doesNotContain("\n");
    String id = "x".repeat(300);
    assertThat(
            outcomes
                .answered(
                    MESSAGE, 200, null, ("{\"messageId\":\"" + id + "\"}").getBytes(UTF_8), UTF_8)
                .webhookMessageId())
        .hasSize(255);
  }

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
  void should_read_retry_after_in_seconds_and_as_a_date(String header, String seconds) {
    Duration expected = seconds == null ? null : Duration.ofSeconds(Long.parseLong(seconds));
    assertThat(outcomes.wait(header, null)).isEqualTo(expected);
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
    assertThat(outcomes.wait(header, date)).isEqualTo(Duration.ofSeconds(seconds));
  }
}
