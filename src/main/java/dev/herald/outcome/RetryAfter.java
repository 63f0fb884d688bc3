package dev.herald.outcome;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The header Retry-After, RFC 9110 section 10.2.3: seconds, also with a fraction, or a date in any
 * form. Immutable.
 */
final class RetryAfter {
  private static final Pattern SECONDS = Pattern.compile("([+-]?\\d{1,18})(\\.\\d*)?");
  private static final Pattern DAY_OF_WEEK = Pattern.compile("^[A-Za-z]{3,9},? +(?=[A-Za-z0-9])");
  private static final DateTimeFormatter IMF_FIXDATE = DateTimeFormatter.RFC_1123_DATE_TIME;
  private static final DateTimeFormatter ASCTIME =
      new DateTimeFormatterBuilder()
          .parseCaseInsensitive()
          .appendPattern("MMM d H:mm:ss uuuu")
          .toFormatter(Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  private final Clock clock;

  RetryAfter(Clock clock) {
    this.clock = clock;
  }

  /**
   * Reads how long to wait. Null if the header is missing or invalid; zero if its time is past.
   *
   * @param date the response's Date, against which a date is measured; without it, the node's clock
   */
  Duration wait(String retryAfter, String date) {
    if (retryAfter == null) {
      return null;
    }
    String value = retryAfter.strip();
    Duration wait;
    Matcher seconds = SECONDS.matcher(value);
    if (seconds.matches()) {
      boolean more = seconds.group(2) != null && !seconds.group(2).matches("\\.0*");
      wait = Duration.ofSeconds(Long.parseLong(seconds.group(1)) + (more ? 1 : 0));
    } else {
      Optional<Instant> then = date(value);
      if (then.isEmpty()) {
        return null;
      }
      Instant now = Optional.ofNullable(date).flatMap(this::date).orElseGet(clock::instant);
      wait = Duration.between(now, then.get());
    }
    return wait.isNegative() ? Duration.ZERO : wait;
  }

  /**
   * Reads all three forms of RFC 9110 section 5.6.7. The day of the week is ignored: it is
   * redundant, and with a two-digit year it may be wrong.
   */
  private Optional<Instant> date(String text) {
    String date = DAY_OF_WEEK.matcher(text.strip()).replaceFirst("").replaceAll(" +", " ");
    for (DateTimeFormatter form : List.of(IMF_FIXDATE, rfc850(), ASCTIME)) {
      try {
        return Optional.of(form.parse(date, Instant::from));
      } catch (DateTimeException another) {
        // the next form
      }
    }
    return Optional.empty();
  }

  /** A two-digit year is at most 50 years ahead. */
  private DateTimeFormatter rfc850() {
    int first = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC).getYear() - 49;
    return new DateTimeFormatterBuilder()
        .parseCaseInsensitive()
        .appendPattern("d-MMM-")
        .appendValueReduced(ChronoField.YEAR, 2, 2, first)
        .appendPattern(" H:mm:ss 'GMT'")
        .toFormatter(Locale.ENGLISH)
        .withZone(ZoneOffset.UTC);
  }
}
