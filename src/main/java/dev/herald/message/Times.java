package dev.herald.message;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;

/** Times as clients may write them: RFC 3339, as far as PostgreSQL can hold them. */
public final class Times {
  private static final Instant FIRST = Instant.parse("0001-01-01T00:00:00Z");
  private static final Instant END = Instant.parse("+10000-01-01T00:00:00Z");

  private Times() {}

  /**
   * @throws DateTimeException for what the contract's schema may let through, and nothing can hold:
   *     a leap second, a space between date and time, the year 0
   */
  public static Instant parse(String text) {
    Instant time = OffsetDateTime.parse(text).toInstant();
    if (time.isBefore(FIRST) || !time.isBefore(END)) {
      throw new DateTimeException("out of range");
    }
    return time;
  }
}
