package dev.herald.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class TextPatternTest {
  @ParameterizedTest
  @CsvSource({
    "'^[^\\u0000b]*$', '', true",
    "'^[^\\u0000b]*$', 'a ç 😀', true",
    "'^[^\\u0000b]*$', 'ab', false",
    "'^[^\\u0000b]*$', 'çb', false",
    "'^[^\\u0000-\\u001f]*$', 'a\n', false",
    "'^[^\\ud800-\\udfff]*$', '😀', true",
    "'^[a-c]*$', 'abc', true",
    "'^[a-c]*$', 'abcd', false",
    "'^[a-c]+$', '', false",
    "'^a$', 'a', true",
    "'^a$', 'aa', false",
    "'^a$', 'a\n', false",
    "'b', 'abc', true",
    "'^[a]*[b]*$', 'ba', false",
    "'^[a-c]*$|x', 'dx', true",
  })
  void should_match_as_the_contract_means_it(String regex, String text, boolean matches) {
    assertThat(new TextPattern(regex).matches(text)).isEqualTo(matches);
  }
}
