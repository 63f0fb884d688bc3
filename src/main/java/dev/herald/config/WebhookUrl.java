package dev.herald.config;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.core5.http.HttpHost;

/**
 * An {@code http} or {@code https} URL, parsed once. Path and query stay exactly as configured:
 * nothing decodes, sorts or normalizes them, because providers sign their URLs.
 *
 * @param host the scheme, name and port to connect to
 * @param authority the value of the Host header: as configured, without {@code user:password@}
 * @param path with its query, as configured
 * @param basic the value of an {@code Authorization} header made of {@code user:password@}
 */
public record WebhookUrl(HttpHost host, String authority, String path, Optional<String> basic) {
  /** A host name may have an underscore, which java.net.URI does not accept. */
  private static final Pattern URL =
      Pattern.compile(
          "(?<scheme>https?)://(?:(?<user>[^/?#@]*)@)?"
              + "(?<host>[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+])(?::(?<port>\\d{1,5}))?"
              + "(?<path>/[^?#]*)?(?<query>\\?[^#]*)?",
          Pattern.CASE_INSENSITIVE);

  /** The characters that RFC 3986 allows in a URL, and some more that servers accept. */
  private static final Pattern SENDABLE = Pattern.compile("[!-~]*");

  private static final int MAX_PORT = 65_535;

  /**
   * @throws IllegalArgumentException with the error, without the URL: it may hold a secret
   */
  public static WebhookUrl parse(String text) {
    if (text.indexOf('#') >= 0) {
      throw new IllegalArgumentException("has a fragment (#...), which is never sent; remove it");
    }
    if (!SENDABLE.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "has a character that a URL cannot have: percent-encode spaces and letters outside ASCII,"
              + " and write a host name in its xn-- form");
    }
    Matcher url = URL.matcher(text);
    if (!url.matches()) {
      throw new IllegalArgumentException(
          "must be a URL that starts with http:// or https:// and has a host");
    }
    String scheme = url.group("scheme").toLowerCase(java.util.Locale.ROOT);
    int port = url.group("port") == null ? -1 : Integer.parseInt(url.group("port"));
    if (port == 0 || port > MAX_PORT) {
      throw new IllegalArgumentException("has an invalid port; it must be from 1 to " + MAX_PORT);
    }
    String name = url.group("host").replaceAll("[\\[\\]]", "");
    int connectTo = port > 0 ? port : scheme.equals("https") ? 443 : 80;
    String path = url.group("path") == null ? "/" : url.group("path");
    String query = url.group("query") == null ? "" : url.group("query");
    return new WebhookUrl(
        new HttpHost(scheme, name, connectTo),
        port > 0 ? url.group("host") + ":" + port : url.group("host"),
        path + query,
        Optional.ofNullable(url.group("user")).map(WebhookUrl::basic));
  }

  /** RFC 7617; the user and the password are percent-encoded in a URL. */
  private static String basic(String userInfo) {
    if (userInfo.indexOf(':') < 0) {
      throw new IllegalArgumentException("has a user without a password: write user:password@");
    }
    try {
      String plain = URLDecoder.decode(userInfo.replace("+", "%2B"), StandardCharsets.UTF_8);
      return "Basic " + Base64.getEncoder().encodeToString(plain.getBytes(StandardCharsets.UTF_8));
    } catch (IllegalArgumentException garbled) {
      throw new IllegalArgumentException(
          "has a user or a password with a % outside a percent-encoding: write % as %25", garbled);
    }
  }

  public boolean secure() {
    return "https".equals(host.getSchemeName());
  }

  /** The way there: direct, or through a proxy, with a tunnel for an https target. */
  public HttpRoute route(Optional<WebhookUrl> proxy) {
    return proxy
        .map(by -> new HttpRoute(host, null, by.host(), secure()))
        .orElseGet(() -> new HttpRoute(host, null, secure()));
  }
}
