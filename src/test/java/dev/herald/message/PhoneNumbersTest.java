package dev.herald.message;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.i18n.phonenumbers.NumberParseException;
import com.google.i18n.phonenumbers.PhoneNumberUtil;
import com.google.i18n.phonenumbers.PhoneNumberUtil.PhoneNumberFormat;
import com.google.i18n.phonenumbers.PhoneNumberUtil.PhoneNumberType;
import com.google.i18n.phonenumbers.Phonenumber.PhoneNumber;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.assertj.core.api.SoftAssertions;
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
  void should_agree_with_libphonenumber_about_every_number_that_is_only_digits() {
    SoftAssertions all = new SoftAssertions();
    int plain = 0;
    Random random = new Random(1);
    for (String written : digits(random)) {
      Optional<String> expected = byLibphonenumber(written, null);
      if (!expected.equals(worldwide.normalize(written))) {
        all.assertThat(worldwide.normalize(written)).as(written).isEqualTo(expected);
      }
      Optional<String> inTurkey = byLibphonenumber(written, "TR");
      if (!inTurkey.equals(turkish.normalize(written))) {
        all.assertThat(turkish.normalize(written)).as(written).isEqualTo(inTurkey);
      }
      plain += expected.filter(written::equals).isPresent() ? 1 : 0;
    }
    all.assertThat(plain).isGreaterThan(5_000);
    all.assertAll();
  }

  /** Of each country and kind a number; and the same with digits changed, missing or inserted. */
  private static Set<String> digits(Random random) {
    PhoneNumberUtil numbers = PhoneNumberUtil.getInstance();
    Set<String> written = new LinkedHashSet<>(Set.of("+0", "+1", "+44", "+999", "+90", "+39012"));
    List<PhoneNumber> examples = new ArrayList<>();
    for (String region : numbers.getSupportedRegions()) {
      for (PhoneNumberType type : PhoneNumberType.values()) {
        examples.add(numbers.getExampleNumberForType(region, type));
      }
    }
    numbers
        .getSupportedGlobalNetworkCallingCodes()
        .forEach(code -> examples.add(numbers.getExampleNumberForNonGeoEntity(code)));
    for (PhoneNumber example : examples) {
      if (example != null) {
        String text = numbers.format(example, PhoneNumberFormat.E164);
        String code = "+" + example.getCountryCode();
        String rest = text.substring(code.length());
        written.add(text);
        for (int i = 0; i < 10; i++) {
          written.add(code + i + rest);
          written.add(code + i + rest.substring(1));
          written.add(text + i);
          StringBuilder changed = new StringBuilder(text);
          for (int j = 0; j <= i % 4; j++) {
            changed.setCharAt(
                1 + random.nextInt(text.length() - 1), (char) ('0' + random.nextInt(10)));
          }
          written.add(changed.toString());
        }
        written.add(text.substring(0, text.length() - 1));
        written.add(code + "00" + rest);
      }
    }
    return written;
  }

  private static Optional<String> byLibphonenumber(String written, String region) {
    PhoneNumberUtil numbers = PhoneNumberUtil.getInstance();
    try {
      PhoneNumber number = numbers.parse(written, region);
      return numbers.isValidNumber(number)
          ? Optional.of(numbers.format(number, PhoneNumberFormat.E164))
          : Optional.empty();
    } catch (NumberParseException e) {
      return Optional.empty();
    }
  }

  @Test
  void should_say_which_region_may_be_left_out() {
    assertThat(turkish.example()).contains("TR");
    assertThat(worldwide.example()).contains("+").doesNotContain("as one in");
  }
}
