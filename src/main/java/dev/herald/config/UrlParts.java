package dev.herald.config;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A URL, cut into its parts. Each stays as it was written, but for the scheme, which is in lower
 * case. A host name may have an underscore, which java.net.URI does not accept.
 *
 * @param user what stands before the @
 * @param host without the brackets of an IPv6 address
 * @param path with its slash; may be empty
 * @param query with its question mark; may be empty
 */
record UrlParts(
    String scheme,
    Optional<String> user,
    String host,
    Optional<Integer> port,
    String path,
    String query) {
  private static final Pattern URL =
      Pattern.compile(
          "(?<scheme>[a-z]+)://(?:(?<user>[^/?#@]*)@)?"
              + "(?<host>[a-z0-9_-]+(?:\\.[a-z0-9_-]+)*\\.?|\\[[0-9a-f:.]*:[0-9a-f:.]*])"
              + "(?::(?<port>\\d{1,5}))?(?<path>/[^?#]*)?(?<query>\\?[^#]*)?",
          Pattern.CASE_INSENSITIVE);

  /** The characters that RFC 3986 allows in a URL, and some more that servers accept. */
  private static final Pattern SENDABLE = Pattern.compile("[!-~]*");

  private static final int MAX_PORT = 65_535;

  /**
   * @param schemes in lower case
   * @throws IllegalArgumentException with the error, without the URL: it may hold a secret
   */
  static UrlParts parse(String text, String... schemes) {
    if (text.indexOf('#') >= 0) {
      throw new IllegalArgumentException(
          "has a fragment (#...), which is never sent; remove it, or write %23 if it is part of a"
              + " password");
    }
    if (!SENDABLE.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "has a character that a URL cannot have: percent-encode spaces and letters outside ASCII,"
              + " and write a host name in its xn-- form");
    }
    Matcher url = URL.matcher(text);
    String scheme = url.matches() ? url.group("scheme").toLowerCase(Locale.ROOT) : "";
    if (!List.of(schemes).contains(scheme)) {
      throw new IllegalArgumentException(
          "must be a URL that starts with "
              + String.join(":// or ", schemes)
              + ":// and has a host");
    }
    Optional<Integer> port = Optional.ofNullable(url.group("port")).map(Integer::valueOf);
    if (port.filter(number -> number == 0 || number > MAX_PORT).isPresent()) {
      throw new IllegalArgumentException("has an invalid port; it must be from 1 to " + MAX_PORT);
    }
    return new UrlParts(
        scheme,
        Optional.ofNullable(url.group("user")),
        url.group("host").replaceAll("[\\[\\]]", ""),
        port,
        Optional.ofNullable(url.group("path")).orElse(""),
        Optional.ofNullable(url.group("query")).orElse(""));
  }

  /** The host and its port, as they were written. */
  String authority() {
    return port.map(number -> bracketed(host) + ":" + number).orElseGet(() -> bracketed(host));
  }

  /** A host as it stands in a URL. */
  static String bracketed(String host) {
    return host.indexOf(':') < 0 ? host : "[" + host + "]";
  }

  /** A user or a password, which is percent-encoded in a URL. */
  static String decoded(String text) {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException garbled) {
      throw new IllegalArgumentException(
          "has a user or a password with a % outside a percent-encoding: write % as %25", garbled);
    }
  }
}
