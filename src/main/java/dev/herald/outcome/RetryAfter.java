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
 * The header Retry-After, RFC 9110 section 10.2.3: seconds, which may have a fraction here, or a
 * date in any of its forms. Immutable.
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
   * How long to wait: null when the header is missing or makes no sense, zero when its time is
   * past.
   *
   * @param date the answer's header Date, by whose clock a date counts; the node's own without one
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
   * RFC 9110 section 5.6.7: all three forms. The day of the week says nothing more, and with a year
   * of two digits it may be wrong.
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

  /** A year of two digits is no more than 50 years ahead. */
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
