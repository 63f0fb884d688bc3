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
final class Secrets {
  static final String MASK = "***";

  /** Shorter values would mask ordinary words. */
  private static final int SHORTEST = 4;

  private static final Pattern SECRET =
      Pattern.compile("password|passwd|secret|token|credential|auth-value|apikey|[.-]key\\b");

  /** What such a name may stand for besides: where a token comes from, who has a password. */
  private static final Pattern OPEN =
      Pattern.compile(
          "(url|uri|id|name|user|header|ttl|file|path|trust|certificate|tls[.]key|idempotency-key)$");

  private static final Set<String> HEADERS =
      Set.of("authorization", "proxy-authorization", "cookie");

  private static final Pattern IN_QUERY =
      Pattern.compile(
          "(?i)([?&][^=&]*(?:key|token|secret|sig|auth|password|pass|code)[^=&]*=)[^&]*");

  /** Letters and digits mixed, as words are not. */
  private static final Pattern KEY_IN_PATH =
      Pattern.compile("/(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[^/]{8,}");

  private final List<String> values;
  private final String authHeader;

  /**
   * @param keys of the configuration
   * @param configuration returns a key's value, or nothing
   */
  Secrets(Collection<String> keys, Function<String, Optional<String>> configuration) {
    values =
        keys.stream()
            .filter(Secrets::isSecret)
            .flatMap(key -> configuration.apply(key).stream().flatMap(value -> parts(key, value)))
            .filter(value -> value.length() >= SHORTEST)
            .distinct()
            .sorted(Comparator.comparing(String::length).reversed())
            .toList();
    authHeader = configuration.apply("webhook.auth-header").orElse("Authorization");
  }

  private static boolean isSecret(String keyOrHeader) {
    String name = keyOrHeader.toLowerCase(Locale.ROOT);
    return SECRET.matcher(name).find() && !OPEN.matcher(name).find();
  }

  /** The value; of the API's keys, each as it is sent. */
  private static Stream<String> parts(String key, String value) {
    return key.equals("api.key")
        ? Stream.of(value.split(",")).map(one -> one.strip().replaceFirst("^[^:]*:", ""))
        : Stream.of(value);
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
    return name.equalsIgnoreCase(authHeader)
            || HEADERS.contains(name.toLowerCase(Locale.ROOT))
            || isSecret(name)
        ? MASK
        : mask(value);
  }

  /**
   * A URL's path and query, without the values of parameters that are called like secrets, and
   * without parts of the path that look like keys: many providers put one there.
   */
  String maskPath(String path) {
    int question = path.indexOf('?');
    String parts = question < 0 ? path : path.substring(0, question);
    String query = question < 0 ? "" : path.substring(question);
    return mask(
        KEY_IN_PATH.matcher(parts).replaceAll("/" + MASK)
            + IN_QUERY.matcher(query).replaceAll("$1" + MASK));
  }
}
