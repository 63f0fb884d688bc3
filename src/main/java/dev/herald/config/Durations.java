package dev.herald.config;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Times as written in the configuration: a whole number and a unit, like 200ms, 5s, 2m, 24h, 30d;
 * or 0.
 */
public final class Durations {
  private static final Pattern WRITTEN = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");
  private static final Map<String, Duration> UNITS =
      Map.of(
          "ms", Duration.ofMillis(1),
          "s", Duration.ofSeconds(1),
          "m", Duration.ofMinutes(1),
          "h", Duration.ofHours(1),
          "d", Duration.ofDays(1));

  private Durations() {}

  /** Returns nothing if the text is not a time. */
  public static Optional<Duration> parse(String text) {
    Matcher written = WRITTEN.matcher(text);
    if (written.matches()) {
      return Optional.of(
          UNITS.get(written.group(2)).multipliedBy(Long.parseLong(written.group(1))));
    }
    return text.equals("0") ? Optional.of(Duration.ZERO) : Optional.empty();
  }

  /** Writes a time in the largest unit that divides it exactly. */
  public static String show(Duration duration) {
    Map<Duration, String> bySize = new TreeMap<>();
    UNITS.forEach((name, size) -> bySize.put(size, name));
    String shown = "0";
    for (Map.Entry<Duration, String> unit : bySize.entrySet()) {
      long count = duration.dividedBy(unit.getKey());
      if (count > 0 && unit.getKey().multipliedBy(count).equals(duration)) {
        shown = count + unit.getValue();
      }
    }
    return shown;
  }
}
