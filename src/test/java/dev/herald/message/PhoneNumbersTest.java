package dev.herald.message;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayNameGeneration(ReplaceUnderscores.class)
class PhoneNumbersTest {
  private final PhoneNumbers worldwide = new PhoneNumbers(Optional.empty());
  private final PhoneNumbers turkish = new PhoneNumbers(Optional.of("TR"));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "+905551234567",
        " +90 555 123 45 67 ",
        "+90 (555) 123-45-67",
        "tel:+90-555-123-45-67",
        "+９０５５５１２３４５６７",
      })
  void should_write_an_international_number_in_e164(String written) {
    assertThat(worldwide.normalize(written)).hasValue("+905551234567");
    assertThat(turkish.normalize(written)).hasValue("+905551234567");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0555 123 45 67", "5551234567", "00905551234567"})
  void should_understand_a_national_number_only_where_a_region_is_set(String written) {
    assertThat(turkish.normalize(written)).hasValue("+905551234567");
    assertThat(worldwide.normalize(written)).isEmpty();
  }

  @ParameterizedTest
  @NullAndEmptySource
  @ValueSource(
      strings = {
        "+",
        "hello",
        "+90555123456",
        "+9055512345678",
        "+999123456789",
        "+905551234567 ext. 12",
        "+90555123456\u00007",
      })
  void should_refuse_what_is_no_number_that_can_be_reached(String written) {
    assertThat(worldwide.normalize(written)).isEmpty();
    assertThat(turkish.normalize(written)).isEmpty();
  }

  @Test
  void should_say_which_region_may_be_left_out() {
    assertThat(turkish.example()).contains("TR");
    assertThat(worldwide.example()).contains("+").doesNotContain("as one in");
  }
}
