package dev.herald.flow;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How the HTTP entrance of a route is called: {@code platform-http:} and its path. */
public final class HttpEntrance {
  /** How the name of an HTTP entrance begins. */
  static final String HTTP = "platform-http:";

  /** {@code rest:method:path:template}. */
  private static final Pattern REST = Pattern.compile("rest:\\w+:([^:?]*)(?::([^?]*))?");

  private HttpEntrance() {}

  /** A path as an endpoint has it, with one slash at the start. */
  public static String path(String path) {
    return "/" + path.replaceFirst("^/+", "");
  }

  /** The name of the entrance with this path. */
  public static String of(String path) {
    return HTTP + path(path);
  }

  /** The name of what starts with an endpoint without options; itself unless that takes HTTP. */
  static String name(String uri) {
    if (uri.startsWith(HTTP)) {
      return of(uri.substring(HTTP.length()));
    }
    Matcher rest = REST.matcher(uri);
    if (rest.matches()) {
      String template = rest.group(2) == null ? "" : path(rest.group(2));
      return of(rest.group(1) + template);
    }
    return uri;
  }
}
