package dev.herald.flow;

import dev.herald.problem.Reason;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.camel.NoTypeConversionAvailableException;
import org.apache.camel.component.bean.MethodNotFoundException;
import org.apache.camel.util.StringHelper;

/** Why Camel refuses or fails what a file says: one sentence for who wrote the file. */
final class CamelReason {
  /** What it adds of the object and the exchange that were at hand. */
  private static final Pattern AT_HAND =
      Pattern.compile("(?: on the exchange:?| on:?|\\.) Exchange\\[.*", Pattern.DOTALL);

  private static final Pattern NO_NUMBER = Pattern.compile("For input string: \"(.*)\"");

  private CamelReason() {}

  static String of(Throwable failure) {
    String kind = null;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      kind = kind(cause).orElse(kind);
    }
    return kind == null ? text(Reason.of(failure)) : kind;
  }

  private static Optional<String> kind(Throwable cause) {
    String kind = null;
    if (cause instanceof ClassNotFoundException || cause instanceof NoClassDefFoundError) {
      kind =
          "there is no class %s; correct its name, or add its jar to lib/"
              .formatted(cause.getMessage());
    } else if (cause instanceof NoTypeConversionAvailableException conversion) {
      Object value = conversion.getValue();
      kind =
          "%s cannot be made a value of type %s"
              .formatted(
                  value instanceof String text
                      ? "'" + text + "'"
                      : "a value of type " + value.getClass().getSimpleName(),
                  conversion.getToType().getSimpleName());
    } else if (cause instanceof MethodNotFoundException method) {
      kind = "there is no method " + method.getMethodName();
    } else if (cause instanceof NumberFormatException number && number.getMessage() != null) {
      kind = NO_NUMBER.matcher(number.getMessage()).replaceFirst("'$1' is not a number");
    } else if (cause instanceof StringIndexOutOfBoundsException) {
      kind = "an option has a value that cannot be read";
    } else if (cause instanceof UnsupportedOperationException && cause.getMessage() == null) {
      kind = "a step is written in a form that Camel does not know; write it as the other files do";
    } else if ("target must be specified".equals(cause.getMessage())) {
      kind = "there is no such data format; correct its name, or add its jar to lib/";
    }
    return Optional.ofNullable(kind);
  }

  /** The first line of the deepest message, without what an exception around it repeats. */
  private static String text(String reason) {
    String text = StringHelper.after(reason, " due to: ", reason);
    return AT_HAND
        .matcher(text)
        .replaceFirst("")
        .lines()
        .map(String::strip)
        .filter(line -> !line.isEmpty())
        .findFirst()
        .orElse(reason);
  }
}
