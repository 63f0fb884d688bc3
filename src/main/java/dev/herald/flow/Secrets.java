package dev.herald.flow;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Hides what nobody may read in an answer or a log: the configuration's secrets. Immutable. */
public final class Secrets {
  static final String MASK = "***";

  /** Shorter values would mask ordinary words. */
  private static final int SHORTEST = 4;

  /** The same for a part of a value, which may be a name or a role. */
  private static final int SHORTEST_PART = 8;

  private static final Pattern SECRET =
      Pattern.compile("password|passwd|secret|token|credential|auth-value|apikey|(^|[.-])key$");

  private static final Set<String> HEADERS =
      Set.of("authorization", "proxy-authorization", "cookie", "x-api-key");

  private static final Pattern IN_QUERY =
      Pattern.compile(
          "(?i)([?&][^=&]*(?:key|token|secret|sig|auth|password|pass|code)[^=&]*=)[^&]*");

  private final List<String> values;
  private final String authHeader;

  /**
   * @param keys of the configuration
   * @param configuration returns a key's value, or nothing
   */
  public Secrets(Collection<String> keys, Function<String, Optional<String>> configuration) {
    values =
        keys.stream()
            .filter(key -> SECRET.matcher(key.toLowerCase(Locale.ROOT)).find())
            .flatMap(key -> configuration.apply(key).stream())
            .filter(value -> value.length() >= SHORTEST)
            .flatMap(Secrets::parts)
            .distinct()
            .sorted(Comparator.comparing(String::length).reversed())
            .toList();
    authHeader = configuration.apply("webhook.auth-header").orElse("Authorization");
  }

  /** The value, and the keys of a list like {@code NAME:KEY,NAME:KEY}. */
  private static Stream<String> parts(String value) {
    return Stream.concat(
        Stream.of(value),
        Stream.of(value.split("[,:\\s]")).filter(part -> part.length() >= SHORTEST_PART));
  }

  /** Any text without the values. */
  String mask(String text) {
    String masked = text;
    for (String value : values) {
      masked = masked.replace(value, MASK);
    }
    return masked;
  }

  String maskHeader(String name, String value) {
    return name.equalsIgnoreCase(authHeader) || HEADERS.contains(name.toLowerCase(Locale.ROOT))
        ? MASK
        : mask(value);
  }

  /** A URL's path and query, without the values of parameters that are called like secrets. */
  String maskPath(String path) {
    return mask(IN_QUERY.matcher(path).replaceAll("$1" + MASK));
  }
}
