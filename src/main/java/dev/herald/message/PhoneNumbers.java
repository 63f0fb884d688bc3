package dev.herald.message;

import com.google.i18n.phonenumbers.NumberParseException;
import com.google.i18n.phonenumbers.PhoneNumberUtil;
import com.google.i18n.phonenumbers.PhoneNumberUtil.PhoneNumberFormat;
import com.google.i18n.phonenumbers.Phonenumber.PhoneNumber;
import com.google.i18n.phonenumbers.metadata.DefaultMetadataDependenciesProvider;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * Converts phone numbers as people write them to E.164 (ITU-T), with libphonenumber. Thread-safe.
 */
public final class PhoneNumbers {
  private static final PhoneNumberUtil NUMBERS = PhoneNumberUtil.getInstance();
  private static final Pattern E164 = Pattern.compile("\\+[1-9][0-9]{1,14}");
  private static final int MOST_DIGITS = 15;
  private static final Set<Integer> CODES = Set.copyOf(NUMBERS.getSupportedCallingCodes());

  /** What {@link #prefix} found. */
  private static final Map<Integer, Pattern> PREFIXES = new ConcurrentHashMap<>();

  private static final Pattern ANY = Pattern.compile("");
  private static final Pattern NOTHING = Pattern.compile("(?!)");

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
    if (written != null && plain(written)) {
      return Optional.of(written);
    }
    try {
      PhoneNumber number = NUMBERS.parse(written, defaultRegion);
      return NUMBERS.isValidNumber(number) && number.getExtension().isEmpty()
          ? Optional.of(NUMBERS.format(number, PhoneNumberFormat.E164))
          : Optional.empty();
    } catch (NumberParseException e) {
      return Optional.empty();
    }
  }

  /**
   * Whether a text is a valid number, already in E.164. This leaves out what libphonenumber's
   * parser does for other notations, which is most of the cost of a message: it looks for an
   * extension, letters and punctuation. Of the rest, it takes off a prefix that is dialled within a
   * country; where one may be, as where anything else is unusual, the answer is no, and the parser
   * decides.
   */
  private static boolean plain(String written) {
    int length = written.length();
    if (length < 2 || length > 1 + MOST_DIGITS || written.charAt(0) != '+') {
      return false;
    }
    for (int i = 1; i < length; i++) {
      if (written.charAt(i) < '0' || written.charAt(i) > '9') {
        return false;
      }
    }
    int end = endOfCode(written);
    if (end == 0 || end == length || written.charAt(1) == '0' || written.charAt(end) == '0') {
      return false;
    }
    int code = Integer.parseInt(written, 1, end, 10);
    Pattern prefix = PREFIXES.computeIfAbsent(code, PhoneNumbers::prefix);
    if (prefix.matcher(written).region(end, length).lookingAt()) {
      return false;
    }
    long national = Long.parseLong(written, end, length, 10);
    return NUMBERS.isValidNumber(
        new PhoneNumber().setCountryCode(code).setNationalNumber(national));
  }

  /** Where the country code ends; 0 if there is none. No code begins with another. */
  private static int endOfCode(String written) {
    int code = 0;
    for (int i = 1; i <= 3 && i < written.length(); i++) {
      code = 10 * code + written.charAt(i) - '0';
      if (CODES.contains(code)) {
        return i + 1;
      }
    }
    return 0;
  }

  /** The prefixes that are dialled within a country; {@link #ANY} if they are not known. */
  private static Pattern prefix(int code) {
    String region = NUMBERS.getRegionCodeForCountryCode(code);
    if (region.equals(PhoneNumberUtil.REGION_CODE_FOR_NON_GEO_ENTITY)) {
      return ANY;
    }
    String prefixes =
        DefaultMetadataDependenciesProvider.getInstance()
            .getPhoneNumberMetadataSource()
            .getMetadataForRegion(region)
            .getNationalPrefixForParsing();
    return prefixes.isEmpty() ? NOTHING : Pattern.compile(prefixes);
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
