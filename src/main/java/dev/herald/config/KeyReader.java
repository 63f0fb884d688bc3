package dev.herald.config;

import com.google.i18n.phonenumbers.PhoneNumberUtil;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads keys one by one and collects their errors: a wrong key gives a stand-in, so that one start
 * reports them all. No error quotes a secret or a URL. Not thread-safe.
 */
final class KeyReader {
  private static final long KB = 1024;
  private static final long MB = 1024 * KB;

  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,9})\\s*(B|KB|MB|GB)?", Pattern.CASE_INSENSITIVE);

  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9._~-]{16,}");
  private static final Pattern IDENTIFIER = Pattern.compile("[a-z_][a-z0-9_]{0,62}");

  /** What Java puts in place of bytes that are no characters in the encoding of the system. */
  private static final char UNREADABLE = '\ufffd';

  static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{[^{}]+}}");
  private static final Logger LOG = LoggerFactory.getLogger("dev.herald.Herald");

  private final Function<String, Optional<String>> lookup;
  private final List<String> faults = new ArrayList<>();
  private final Set<String> unread = new HashSet<>();

  /**
   * @param lookup returns a key's value, or nothing; throws ConfigurationException if it should
   *     come from a file and cannot
   */
  KeyReader(Function<String, Optional<String>> lookup) {
    this.lookup = lookup;
  }

  /** The errors so far, each with its key and how to fix it. */
  List<String> faults() {
    return faults;
  }

  Optional<String> optional(String key) {
    Optional<String> value;
    try {
      value = lookup.apply(key).map(String::strip).filter(written -> !written.isEmpty());
    } catch (ConfigurationException e) {
      unread.add(key);
      faults.add(e.getMessage());
      return Optional.empty();
    }
    if (value.filter(written -> written.indexOf(UNREADABLE) >= 0).isPresent()) {
      unread.add(key);
      return wrong(
          key,
          "has a character that Java could not read; start Herald in a UTF-8 locale, like"
              + " LANG=C.UTF-8",
          Optional.empty());
    }
    if (value.filter(written -> PLACEHOLDER.matcher(written).find()).isPresent()) {
      LOG.warn(
          "{} has a name in double braces, which is used as it is written; to take a value from the"
              + " environment, set {} there",
          key,
          ConfigurationSources.variable(key));
    }
    return value;
  }

  String text(String key) {
    return optional(key).orElseGet(() -> missing(key, how(key)));
  }

  String oneOf(String key, String... allowed) {
    String value = text(key);
    return value.isEmpty() || List.of(allowed).contains(value)
        ? value.isEmpty() ? allowed[0] : value
        : wrong(
            key, "is '" + value + "'; it must be one of " + String.join(", ", allowed), allowed[0]);
  }

  boolean flag(String key) {
    return oneOf(key, "true", "false").equals("true");
  }

  int integer(String key, int min, int max) {
    return integer(key, text(key), min, max);
  }

  private int integer(String key, String value, int min, int max) {
    try {
      int number = Integer.parseInt(value);
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      if (value.isEmpty()) {
        return min;
      }
    }
    return wrong(
        key, "is '%s'; it must be a whole number from %d to %d".formatted(value, min, max), min);
  }

  int bytes(String key) {
    return (int) bytes(key, text(key), KB, 100 * MB, "1KB to 100MB");
  }

  /** A size that has a default which no file can give. */
  long bytesOr(String key, long otherwise) {
    return optional(key)
        .map(value -> bytes(key, value, MB, 100 * KB * MB, "1MB to 100GB"))
        .orElse(otherwise);
  }

  /** A number that has a default which no file can give. */
  int integerOr(String key, int min, int max, int otherwise) {
    return optional(key).map(value -> integer(key, value, min, max)).orElse(otherwise);
  }

  private long bytes(String key, String value, long min, long max, String range) {
    Matcher size = SIZE.matcher(value);
    if (size.matches()) {
      String unit = size.group(2) == null ? "B" : size.group(2).toUpperCase(Locale.ROOT);
      long factor =
          switch (unit) {
            case "KB" -> KB;
            case "MB" -> MB;
            case "GB" -> KB * MB;
            default -> 1;
          };
      long bytes = Long.parseLong(size.group(1)) * factor;
      if (bytes >= min && bytes <= max) {
        return bytes;
      }
    }
    return value.isEmpty()
        ? 0
        : wrong(key, "is '" + value + "'; it must be a size from " + range, 0L);
  }

  Duration duration(String key, Duration min, Duration max) {
    return duration(key, text(key), min, max);
  }

  private Duration duration(String key, String value, Duration min, Duration max) {
    if (value.isEmpty()) {
      return min;
    }
    Optional<Duration> duration = Durations.parse(value);
    if (duration.isPresent()
        && duration.get().compareTo(min) >= 0
        && duration.get().compareTo(max) <= 0) {
      return duration.get();
    }
    return wrong(
        key,
        "is '%s'; it must be a time like 200ms, 5s or 2m, from %s to %s"
            .formatted(value, Durations.show(min), Durations.show(max)),
        min);
  }

  /** A time for which an earlier release took a number. */
  Duration spanNotCount(String key, Duration min, Duration max) {
    String value = text(key);
    return value.matches("[1-9]\\d*")
        ? wrong(
            key,
            "is '%s'; it must be a time like 10s, and is no longer a number of outcomes"
                .formatted(value),
            min)
        : duration(key, value, min, max);
  }

  WebhookUrl webhookUrl(String key) {
    return url(key, text(key), WebhookUrl::parse, "http://localhost");
  }

  RedisUrl redisUrl(String key) {
    return url(key, text(key), RedisUrl::parse, "redis://localhost");
  }

  DatabaseUrl databaseUrl(String key) {
    return databaseUrl(key, text(key));
  }

  private DatabaseUrl databaseUrl(String key, String value) {
    return url(key, value, DatabaseUrl::parse, "jdbc:postgresql://localhost/herald");
  }

  /** The same database by another URL, if there is one; the login is the same if it has none. */
  Settings.Database databaseUrlOr(String key, Settings.Database database) {
    return optional(key)
        .map(value -> databaseUrl(key, value))
        .map(
            url ->
                new Settings.Database(
                    url,
                    url.login().getOrDefault("user", database.username()),
                    url.login().getOrDefault("password", database.password()),
                    database.poolSize(),
                    database.timeout(),
                    database.startupTimeout()))
        .orElse(database);
  }

  /** A name in PostgreSQL that needs no quotes. */
  String identifier(String key) {
    String name = text(key);
    return name.isEmpty() || IDENTIFIER.matcher(name).matches()
        ? name
        : wrong(
            key,
            "is '%s'; it must have 1 to 63 characters of a-z, 0-9 and _, and not begin with a digit"
                .formatted(name),
            "");
  }

  /**
   * @param parse throws IllegalArgumentException with the error, without the URL
   */
  private <T> T url(String key, String value, Function<String, T> parse, String instead) {
    try {
      return parse.apply(value.isEmpty() ? instead : value);
    } catch (IllegalArgumentException e) {
      return wrong(key, e.getMessage(), parse.apply(instead));
    }
  }

  Optional<WebhookUrl> proxy(String key) {
    Optional<WebhookUrl> proxy =
        optional(key).map(value -> url(key, value, WebhookUrl::parse, "http://localhost"));
    proxy
        .filter(url -> !url.host().getSchemeName().equals("http") || !url.path().equals("/"))
        .ifPresent(url -> wrong(key, "must look like http://[user:password@]host:port", ""));
    return proxy;
  }

  String headerName(String key) {
    String name = text(key);
    if (!name.isEmpty() && !HeaderFields.canBeSet(name)) {
      wrong(key, "is '%s', which cannot be sent as a header; set another name".formatted(name), "");
    }
    return name;
  }

  Optional<String> headerValue(String key) {
    Optional<String> value = optional(key);
    if (value.isPresent() && !HeaderFields.isValue(value.get())) {
      wrong(
          key,
          "has a line break or a control character, which a header cannot carry; remove it",
          "");
    }
    return value;
  }

  Optional<byte[]> signingSecret(String key) {
    return optional(key)
        .map(
            value ->
                SigningSecret.parse(value)
                    .orElseGet(
                        () ->
                            wrong(
                                key,
                                "must be whsec_ and the base64 of 24 to 64 bytes",
                                new byte[0])));
  }

  /** The region whose national numbers are understood, as libphonenumber knows it. */
  Optional<String> region(String key) {
    Optional<String> region = optional(key);
    region
        .filter(name -> !PhoneNumberUtil.getInstance().getSupportedRegions().contains(name))
        .ifPresent(
            name ->
                wrong(key, "is '%s'; it must be a region like TR, DE or US".formatted(name), ""));
    return region;
  }

  /**
   * The keys of the API.
   *
   * @param open whether there may be none
   * @param samplesToo whether sample keys are accepted
   */
  List<ApiKey> keys(String key, boolean open, boolean samplesToo) {
    int before = faults.size();
    List<ApiKey> keys =
        ApiKey.parse(optional(key).orElse(""), samplesToo, fault -> wrong(key, fault, ""));
    if (keys.isEmpty() && faults.size() == before && !open) {
      missing(key, how(key) + ", or set api.auth=none to let everyone in");
    }
    return keys;
  }

  /** A secret that stands in a URL. */
  Optional<String> token(String key) {
    Optional<String> token = optional(key);
    token
        .filter(value -> !TOKEN.matcher(value).matches() || ApiKey.SAMPLE.matcher(value).matches())
        .ifPresent(
            value ->
                wrong(
                    key,
                    "must have at least 16 letters, digits or -._~, so that nobody guesses it and"
                        + " a URL can carry it; make one with: openssl rand -hex 24",
                    ""));
    return token;
  }

  Optional<Settings.Tls> tls(String certificateKey, String keyKey) {
    Optional<Path> certificate = readable(certificateKey);
    Optional<Path> key = readable(keyKey);
    if (certificate.isPresent() != key.isPresent()) {
      String missing = certificate.isPresent() ? keyKey : certificateKey;
      wrong(
          missing,
          "is not set, but %s is; set both or neither"
              .formatted(certificate.isPresent() ? certificateKey : keyKey),
          "");
    }
    return certificate.isPresent() && key.isPresent()
        ? Optional.of(new Settings.Tls(certificate.get(), key.get()))
        : Optional.empty();
  }

  Optional<Path> readable(String key) {
    Optional<Path> file = optional(key).map(Path::of);
    if (file.isPresent() && (!Files.isReadable(file.get()) || Files.isDirectory(file.get()))) {
      wrong(
          key, "is '%s', which cannot be read; name a PEM file that can".formatted(file.get()), "");
    }
    return file;
  }

  /** Says that there is no value, unless it is said already why it could not be read. */
  private String missing(String key, String remedy) {
    return unread.contains(key) ? "" : wrong(key, "is not set: " + remedy, "");
  }

  private <T> T wrong(String key, String problem, T instead) {
    faults.add(key + " " + problem);
    return instead;
  }

  private static String how(String key) {
    return "set %s in the environment or %s in application.properties"
        .formatted(ConfigurationSources.variable(key), key);
  }
}
