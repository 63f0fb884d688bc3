package dev.herald.config;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
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
  /**
   * @throws IllegalArgumentException with the error, without the URL: it may hold a secret
   */
  public static WebhookUrl parse(String text) {
    UrlParts url = UrlParts.parse(text, "http", "https");
    int port = url.port().orElse(url.scheme().equals("https") ? 443 : 80);
    return new WebhookUrl(
        new HttpHost(url.scheme(), url.host(), port),
        url.authority(),
        (url.path().isEmpty() ? "/" : url.path()) + url.query(),
        url.user().map(WebhookUrl::basic));
  }

  /** RFC 7617; the user and the password are percent-encoded in a URL. */
  private static String basic(String userInfo) {
    if (userInfo.indexOf(':') < 0) {
      throw new IllegalArgumentException("has a user without a password: write user:password@");
    }
    byte[] plain = UrlParts.decoded(userInfo).getBytes(StandardCharsets.UTF_8);
    return "Basic " + Base64.getEncoder().encodeToString(plain);
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

  /** The URL without what may be secret: user, password, path and query. */
  @Override
  public String toString() {
    return host.getSchemeName() + "://" + authority;
  }
}
