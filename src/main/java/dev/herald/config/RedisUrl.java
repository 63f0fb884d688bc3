package dev.herald.config;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A {@code redis} or {@code rediss} URL, parsed once.
 *
 * @param tls whether it is {@code rediss}
 * @param database its number
 */
public record RedisUrl(
    boolean tls,
    String host,
    int port,
    Optional<String> user,
    Optional<String> password,
    int database) {
  private static final int DEFAULT_PORT = 6379;
  private static final Pattern DATABASE = Pattern.compile("/?|/\\d{1,9}");

  /**
   * @throws IllegalArgumentException with the error, without the URL: it may hold a password
   */
  public static RedisUrl parse(String text) {
    UrlParts url = UrlParts.parse(text, "redis", "rediss");
    if (!DATABASE.matcher(url.path()).matches()) {
      throw new IllegalArgumentException("must end with the number of a database, like /0");
    }
    if (!url.query().isEmpty()) {
      throw new IllegalArgumentException(
          "has options (?...), which Herald does not know; remove them");
    }
    boolean tls = url.scheme().equals("rediss");
    if (tls && url.host().endsWith(".")) {
      throw new IllegalArgumentException(
          "has a host name that ends with a dot, which no certificate has; remove the dot");
    }
    String[] login = url.user().orElse(":").split(":", 2);
    if (login.length < 2) {
      throw new IllegalArgumentException(
          "has a user without a password: write user:password@ or :password@");
    }
    boolean anonymous = url.user().orElse(":").equals(":");
    return new RedisUrl(
        tls,
        url.host(),
        url.port().orElse(DEFAULT_PORT),
        Optional.of(UrlParts.decoded(login[0])).filter(user -> !user.isEmpty()),
        Optional.of(UrlParts.decoded(login[1])).filter(password -> !anonymous),
        url.path().length() > 1 ? Integer.parseInt(url.path().substring(1)) : 0);
  }

  /** The URL without user and password. */
  @Override
  public String toString() {
    return "%s://%s:%d/%d"
        .formatted(tls ? "rediss" : "redis", UrlParts.bracketed(host), port, database);
  }
}
