package dev.herald.config;

import java.util.Locale;
import java.util.Set;

/** Which headers a request from Herald can have: RFC 9110, section 5. */
public final class HeaderFields {
  private static final Set<String> FRAMING =
      Set.of(
          "content-length",
          "content-type", // from the body's own type
          "transfer-encoding",
          "trailer",
          "te",
          "connection",
          "keep-alive",
          "proxy-connection",
          "upgrade",
          "expect");

  private static final String TOKEN_MARKS = "!#$%&'*+-.^_`|~";

  private HeaderFields() {}

  /** Whether a header with this name can be configured. */
  public static boolean canBeSet(String name) {
    return isName(name) && !isFraming(name) && !isCamels(name);
  }

  /** Whether a header is Camel's own, in any case: header names are case-insensitive. */
  public static boolean isCamels(String name) {
    return name.regionMatches(true, 0, "Camel", 0, 5)
        || name.regionMatches(true, 0, "org.apache.camel", 0, 16);
  }

  /** Whether a header frames a message or controls its connection, and so cannot be set. */
  public static boolean isFraming(String name) {
    // Most names are none of these, and their first letter shows it.
    return !name.isEmpty()
        && "ctkpueCTKPUE".indexOf(name.charAt(0)) >= 0
        && FRAMING.contains(name.toLowerCase(Locale.ROOT));
  }

  /** Whether a header can have this name, a token: section 5.6.2. */
  public static boolean isName(String name) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      boolean common = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!common && TOKEN_MARKS.indexOf(c) < 0) {
        return false;
      }
    }
    return !name.isEmpty();
  }

  /** Whether a header can have this value, no control character but a tab: section 5.5. */
  public static boolean isValue(String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if ((c < ' ' && c != '\t') || c == 0x7f) {
        return false;
      }
    }
    return true;
  }
}
