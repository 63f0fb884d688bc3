package dev.herald.message;

import com.google.i18n.phonenumbers.NumberParseException;
import com.google.i18n.phonenumbers.PhoneNumberUtil;
import com.google.i18n.phonenumbers.PhoneNumberUtil.PhoneNumberFormat;
import com.google.i18n.phonenumbers.Phonenumber.PhoneNumber;
import java.util.Optional;
import java.util.regex.Pattern;

/** Converts phone numbers as people write them to E.164 (ITU-T), with libphonenumber. Immutable. */
public final class PhoneNumbers {
  private static final PhoneNumberUtil NUMBERS = PhoneNumberUtil.getInstance();
  private static final Pattern E164 = Pattern.compile("\\+[1-9][0-9]{1,14}");

  private final String defaultRegion;

  /**
   * @param defaultRegion whose national form is understood, as ISO 3166-1 (TR, DE); without one a
   *     number needs its +
   */
  public PhoneNumbers(Optional<String> defaultRegion) {
    this.defaultRegion = defaultRegion.orElse(null);
  }

  /** The number in E.164, or nothing when it is not a valid one. */
  public Optional<String> normalize(String written) {
    try {
      PhoneNumber number = NUMBERS.parse(written, defaultRegion);
      return NUMBERS.isValidNumber(number) && number.getExtension().isEmpty()
          ? Optional.of(NUMBERS.format(number, PhoneNumberFormat.E164))
          : Optional.empty();
    } catch (NumberParseException e) {
      return Optional.empty();
    }
  }

  /** As a message has it, for a search. One in E.164 may have been valid when it was stored. */
  Optional<String> stored(String written) {
    return normalize(written).or(() -> Optional.of(written).filter(E164.asMatchPredicate()));
  }

  /** What a valid number looks like, for an error text. */
  public String example() {
    return defaultRegion == null
        ? "write it like +905551234567"
        : "write it like +905551234567, or as one in " + defaultRegion;
  }
}
