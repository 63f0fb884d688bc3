package dev.herald.outcome;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.message.ClaimedMessage;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class LogWordsTest {
  private static final String CONTENT = "Meet me at the öld mill, Ayşe";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "no route to +905559876543, sorry",
        "no route to 905559876543, sorry",
        "no route to 0555 987 65 43, sorry",
        "no route to (555) 987-65-43, sorry",
        "no route to 987.65.43, sorry",
        "no route to 00905559876543, sorry",
      })
  void should_hide_the_number_however_it_is_written(String words) {
    assertThat(of(words)).startsWith("no route to ").endsWith("[...], sorry");
    assertThat(of(words).replaceAll("\\D", "")).hasSizeLessThan(3);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cannot send 'Meet me at the öld mill, Ayşe' now",
        "cannot send 'MEET ME AT THE ÖLD MILL, AYŞE' now",
        "cannot send 'Meet me at the \\u00f6ld mill, Ay\\u015fe' now",
        "cannot send 'me at the öld' now",
      })
  void should_hide_what_is_quoted_of_the_content(String words) {
    assertThat(of(words)).isEqualTo("cannot send '[...]' now");
  }

  @Test
  void should_hide_a_short_content() {
    assertThat(LogWords.of(message("4711"), "code 4711 is used")).isEqualTo("code [...] is used");
  }

  @Test
  void should_keep_other_words_and_numbers() {
    String words = "error 1234567 of 2026-11-26T09:00:00Z: quota 100000 is used up, see $1 \\n";
    assertThat(of(words)).isEqualTo(words);
    assertThat(of(null)).isEmpty();
  }

  @Test
  void should_be_one_short_line() {
    assertThat(of("a\nb\u001b[1A")).isEqualTo("a b [1A");
    assertThat(of("x".repeat(500))).hasSize(200).endsWith("…");
  }

  private static String of(String words) {
    return LogWords.of(message(CONTENT), words);
  }

  private static ClaimedMessage message(String content) {
    return new ClaimedMessage(
        UUID.randomUUID(),
        UUID.randomUUID(),
        "+905559876543",
        content,
        1,
        3,
        null,
        false,
        null,
        0,
        null,
        false,
        null,
        Map.of());
  }
}
