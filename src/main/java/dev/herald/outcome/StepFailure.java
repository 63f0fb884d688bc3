package dev.herald.outcome;

import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import dev.herald.message.ClaimedMessage;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.InvalidPayloadException;
import org.apache.camel.NoSuchBeanException;
import org.apache.camel.NoSuchEndpointException;
import org.apache.camel.NoSuchHeaderException;
import org.apache.camel.NoTypeConversionAvailableException;
import org.apache.camel.ResolveEndpointFailedException;
import org.apache.camel.TypeConversionException;
import org.apache.camel.component.bean.MethodNotFoundException;
import org.apache.camel.http.base.HttpOperationFailedException;

/**
 * Why a step of a delivery failed, in words that anybody may read who may read the message's
 * status: no class, no trace, and nothing of what the message says. Libraries quote the values that
 * they choke on, so their failures are told by kind; of others, what the message says is masked.
 */
final class StepFailure {
  private static final String MASK = "***";
  private static final int DEEPEST = 100;

  /** A shorter word of ASCII is too common to tell anything. */
  private static final int TELLING = 3;

  /** A shorter content may be among the words of Herald itself, such as {@code no answer}. */
  private static final int UNMISTAKABLE = 12;

  /** A word in which one of the message's can be recognized. */
  private static final int RECOGNIZED = 4;

  private static final Pattern CLASS_NAME =
      Pattern.compile("\\b(?:[a-z_]\\w*\\.)+[A-Z][\\w$]*(?:@[0-9a-f]{1,8})?(?::\\s*)?");

  /** What Camel adds: the exchange and the object, which show the body. */
  private static final Pattern OF_CAMEL =
      Pattern.compile("(?:\\.| on the exchange:?| on:?) (?:Exchange|Message)\\b.*", Pattern.DOTALL);

  private static final Pattern WORD = Pattern.compile("[^\\s\\p{Punct}]+");
  private static final Pattern PERCENT = Pattern.compile("(?:%[0-9a-fA-F]{2})+");
  private static final Pattern NUMBER = Pattern.compile("\\p{Nd}{6,}");

  private StepFailure() {}

  /** Returns the reason. */
  static String inWords(Throwable failure, ClaimedMessage message) {
    Deque<Throwable> causes = new ArrayDeque<>();
    for (Throwable cause = failure;
        cause != null && causes.size() < DEEPEST;
        cause = cause.getCause()) {
      causes.push(cause);
    }
    return causes.stream()
        .flatMap(
            cause -> kind(cause).or(() -> text(cause).map(text -> mask(text, message))).stream())
        .findFirst()
        .orElse("it gives no reason; set LOG_LEVEL=debug to see its trace");
  }

  private static Optional<String> kind(Throwable cause) {
    String kind = null;
    if (cause instanceof JsonParseException json) {
      kind =
          "a text is not JSON, at line %d, column %d"
              .formatted(json.getLocation().getLineNr(), json.getLocation().getColumnNr());
    } else if (cause instanceof JsonProcessingException) {
      kind = "a value is not what its JSON should be";
    } else if (cause instanceof SQLException sql) {
      kind = "the database refused a statement with SQLSTATE " + sql.getSQLState();
    } else if (cause instanceof HttpOperationFailedException http) {
      kind = "the server that it calls answered HTTP " + http.getStatusCode();
    } else if (cause instanceof NumberFormatException) {
      kind = "a text is not a number";
    } else if (cause instanceof ClassCastException
        || cause instanceof TypeConversionException
        || cause instanceof NoTypeConversionAvailableException
        || cause instanceof InvalidPayloadException) {
      kind = "a value has another type than it needs";
    } else if (cause instanceof NullPointerException) {
      kind = "a value is missing";
    } else if (cause instanceof IndexOutOfBoundsException) {
      kind = "a text or a list is shorter than it expects";
    } else if (cause instanceof NoSuchHeaderException) {
      kind = "a header is missing";
    } else if (cause instanceof NoSuchBeanException) {
      kind = "there is no bean of that name";
    } else if (cause instanceof MethodNotFoundException) {
      kind = "there is no method of that name";
    } else if (cause instanceof NoSuchEndpointException
        || cause instanceof ResolveEndpointFailedException) {
      kind = "it sends to a URI that cannot be used";
    } else if (cause instanceof UnknownHostException) {
      kind = "a host name cannot be found";
    } else if (cause instanceof ConnectException) {
      kind = "no connection to the server that it calls";
    } else if (cause instanceof SocketTimeoutException) {
      kind = "the server that it calls did not answer in time";
    }
    return Optional.ofNullable(kind);
  }

  /** The first line of its own message. */
  private static Optional<String> text(Throwable cause) {
    return Optional.ofNullable(cause.getMessage())
        .map(text -> CLASS_NAME.matcher(OF_CAMEL.matcher(text).replaceFirst("")).replaceAll(""))
        .flatMap(
            text -> text.lines().map(String::strip).filter(line -> !line.isEmpty()).findFirst());
  }

  /** Hides the message's number and content as a whole, for a text of Herald's or of a step's. */
  static String withoutItsData(String text, ClaimedMessage message) {
    if (text == null) {
      return "a step says that nothing was sent, and no reason";
    }
    String hidden = text.replace(message.phoneNumber(), MASK);
    return message.content().length() < UNMISTAKABLE
        ? hidden
        : hidden.replace(message.content(), MASK);
  }

  /** Hides each word that is, or has in it, one of the message's. */
  static String mask(String text, ClaimedMessage message) {
    String said =
        Stream.concat(
                Stream.of(message.phoneNumber(), message.content(), message.reference()),
                message.metadata().values().stream())
            .filter(Objects::nonNull)
            .reduce("", (one, other) -> one + " " + other)
            .toLowerCase(Locale.ROOT);
    String[] words = said.split("[\\s\\p{Punct}]+");
    return WORD.matcher(decoded(text))
        .replaceAll(
            word ->
                tells(word.group().toLowerCase(Locale.ROOT), said, words)
                    ? MASK
                    : quoted(word.group()));
  }

  private static boolean tells(String word, String said, String[] words) {
    return NUMBER.matcher(word).find()
        || (word.length() >= TELLING || word.codePointAt(0) > 127) && said.contains(word)
        || Arrays.stream(words).anyMatch(one -> one.length() >= RECOGNIZED && word.contains(one));
  }

  /** Without the escapes of JSON and of a URL, in which a word would not be found. */
  private static String decoded(String text) {
    return PERCENT.matcher(ProviderText.withoutEscapes(text)).replaceAll(StepFailure::percent);
  }

  private static String percent(MatchResult code) {
    return quoted(URLDecoder.decode(code.group(), StandardCharsets.UTF_8));
  }

  private static String quoted(String text) {
    return Matcher.quoteReplacement(text);
  }
}
