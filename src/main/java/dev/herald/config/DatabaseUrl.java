package dev.herald.config;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.postgresql.Driver;

/**
 * A JDBC URL of PostgreSQL. Passwords in it are kept apart, because drivers, pools and migrations
 * repeat a URL in their errors.
 *
 * @param address the URL without {@code user}, {@code password} and {@code sslpassword}
 * @param login those of them that it had, decoded, as the driver's properties
 */
public record DatabaseUrl(String address, Map<String, String> login) {
  private static final String PREFIX = "jdbc:postgresql:";
  private static final Set<String> LOGIN = Set.of("user", "password", "sslpassword");

  /**
   * @throws IllegalArgumentException with the error, without the URL: it may hold a password
   */
  public static DatabaseUrl parse(String text) {
    int question = text.indexOf('?');
    String place = question < 0 ? text : text.substring(0, question);
    if (place.indexOf('@') >= 0) {
      throw new IllegalArgumentException(
          "has user:password@, which PostgreSQL's driver does not know; set database.username and"
              + " database.password instead");
    }
    if (place.matches(".*[&;=].*")) {
      throw new IllegalArgumentException(
          "has options without a ? before the first; write jdbc:postgresql://host:5432/name?option=value");
    }
    List<String> options = new ArrayList<>();
    Map<String, String> login = new LinkedHashMap<>();
    for (String option : question < 0 ? new String[0] : text.substring(question + 1).split("&")) {
      String[] parts = option.split("=", 2);
      if (LOGIN.contains(parts[0])) {
        login.put(parts[0], parts.length < 2 ? "" : decoded(parts[1]));
      } else {
        options.add(option);
      }
    }
    String address = options.isEmpty() ? place : place + "?" + String.join("&", options);
    if (!place.startsWith(PREFIX) || Driver.parseURL(address, null) == null) {
      throw new IllegalArgumentException("must look like jdbc:postgresql://host:5432/name");
    }
    return new DatabaseUrl(address, login);
  }

  /** As the driver does. */
  private static String decoded(String value) {
    try {
      return URLDecoder.decode(value, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException garbled) {
      throw new IllegalArgumentException(
          "has a user or a password with a % outside a percent-encoding: write % as %25", garbled);
    }
  }

  /** The servers and the database, without options. */
  @Override
  public String toString() {
    int question = address.indexOf('?');
    return question < 0 ? address : address.substring(0, question);
  }
}
