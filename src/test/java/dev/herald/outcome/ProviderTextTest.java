package dev.herald.outcome;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.Charset;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class ProviderTextTest {
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
    assertThat(text(body).messageId()).isEqualTo(id);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "none",
      value = {
        "/data/sid | {\"messageId\":\"other\",\"data\":{\"to\":[\"sid\"],\"sid\":\"s-1\"}} | s-1",
        "/messages/1/message-id | {\"messages\":[{\"message-id\":\"a\"},{\"message-id\":\"b\"}]} | b",
        "/data/sid | {\"data\":{\"sid\":7}} | 7",
        "/data/sid | {\"data\":{\"sid\":[7]}} | none",
        "/data/sid | {\"data\":\"sid\"} | none",
        "/data/sid | {\"data\":null} | none",
        "/data/sid | {\"data\":{\"sid\":\"cut o | none",
        "/data/sid | OK | none",
        "/data/sid | 42 | none",
        "/data/sid | '' | none",
      })
  void should_find_the_providers_id_where_the_route_says(String at, String body, String id) {
    assertThat(ProviderText.of(body.getBytes(UTF_8), null, at).messageId()).isEqualTo(id);
  }

  @Test
  void should_find_nothing_in_bytes_that_are_no_text_or_in_none() {
    byte[] noText = {(byte) 0xff, 0, (byte) 0xfe, '{'};
    assertThat(ProviderText.of(noText, null).messageId()).isNull();
    assertThat(ProviderText.of(null, null).messageId()).isNull();
    assertThat(ProviderText.of(null, null).error(500)).isEqualTo("HTTP 500");
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
    assertThat(ProviderText.charset(contentType)).isEqualTo(Charset.forName(charset));
  }

  @Test
  void should_keep_the_providers_words_whatever_they_are_written_in() {
    Charset turkish = Charset.forName("ISO-8859-9");
    String type = "text/plain; charset=ISO-8859-9";
    assertThat(ProviderText.of("ge\u00e7ersiz say\u0131".getBytes(turkish), type).error(400))
        .isEqualTo("HTTP 400: ge\u00e7ersiz say\u0131");
    byte[] json = "{\"note\":\"\u0131\u015f\",\"messageId\":\"m-1\"}".getBytes(turkish);
    assertThat(ProviderText.of(json, type).messageId()).isEqualTo("m-1");
  }

  @Test
  void should_keep_words_storable_and_short() {
    assertThat(text("\u0000bad\uD800 \n" + "x".repeat(5_000)).error(400))
        .startsWith("HTTP 400: bad")
        .hasSizeLessThanOrEqualTo(Outcome.MAX_ERROR)
        .doesNotContain("\u0000")
        .doesNotContain("\n");
    assertThat(text("{\"messageId\":\"" + "x".repeat(300) + "\"}").messageId()).hasSize(255);
  }

  private static ProviderText text(String body) {
    return ProviderText.of(body.getBytes(UTF_8), null);
  }
}
