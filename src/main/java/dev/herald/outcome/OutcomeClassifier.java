package dev.herald.outcome;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.herald.message.ClaimedMessage;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.webhook.Posts;
import dev.herald.webhook.WebhookException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.hc.core5.http.ContentType;

/**
 * Classifies a webhook's response, or its failure to respond, by the table "Outcomes" in
 * docs/architecture.md. Stateless.
 */
public final class OutcomeClassifier implements Processor {
  private static final int MAX_ID = 255;
  private static final JsonFactory JSON = new JsonFactory();
  private static final Pattern UNSTORABLE = Pattern.compile("[\\p{Cc}\\p{Cs}]+");
  private static final Pattern SECONDS = Pattern.compile("([+-]?\\d{1,18})(\\.\\d*)?");
  private static final Pattern DAY_OF_WEEK = Pattern.compile("^[A-Za-z]{3,9},? +(?=[A-Za-z0-9])");
  private static final DateTimeFormatter IMF_FIXDATE = DateTimeFormatter.RFC_1123_DATE_TIME;
  private static final DateTimeFormatter ASCTIME =
      new DateTimeFormatterBuilder()
          .parseCaseInsensitive()
          .appendPattern("MMM d H:mm:ss uuuu")
          .toFormatter(Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  private final Clock clock;

  /**
   * @param clock for a {@code Retry-After} that is a date
   */
  public OutcomeClassifier(Clock clock) {
    this.clock = clock;
  }

  /** The last step of the delivery route: turns the response into an outcome. */
  @Override
  public void process(Exchange exchange) {
    Message answer = exchange.getMessage();
    Integer status = answer.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
    if (status == null) {
      throw new IllegalStateException(
          "no step called the webhook, so there is no answer to classify");
    }
    answer.setBody(
        answered(
            exchange.getVariable("message", ClaimedMessage.class),
            status,
            wait(
                answer.getHeader("Retry-After", String.class),
                answer.getHeader("Date", String.class)),
            answer.getBody(byte[].class),
            charset(answer.getHeader(Exchange.CONTENT_TYPE, String.class))));
  }

  /** Classifies a response. */
  Outcome answered(
      ClaimedMessage message, int status, Duration retryAfter, byte[] answer, Charset charset) {
    Kind kind = kind(status);
    if (kind == Kind.DELIVERED) {
      return new Outcome(
          message, kind, status, messageId(answer, charset), null, null, Duration.ZERO, false);
    }
    return new Outcome(
        message,
        kind,
        status,
        null,
        error(status, answer, charset),
        retryAfter,
        Duration.ZERO,
        false);
  }

  /**
   * Classifies a failure of the delivery route.
   *
   * @param posts the route's POSTs up to the failure
   */
  public Outcome failed(ClaimedMessage message, Exception failure, Posts posts) {
    if (failure instanceof WebhookException webhook) {
      Kind kind = webhook.written() ? Kind.MAYBE_SENT : Kind.NOT_SENT;
      return failed(message, kind, null, webhook.getMessage());
    }
    return switch (posts.last()) {
      case BEFORE ->
          failed(message, Kind.MISCONFIGURED, null, "the route failed before the POST: " + failure);
      case UNANSWERED ->
          failed(
              message,
              Kind.MAYBE_SENT,
              null,
              "the route failed after an unanswered POST: " + failure);
      case ANSWERED ->
          failed(
              message,
              kind(posts.status()),
              posts.status(),
              "the route failed after the answer: " + failure);
    };
  }

  private static Outcome failed(ClaimedMessage message, Kind kind, Integer status, String error) {
    return new Outcome(message, kind, status, null, storable(error), null, Duration.ZERO, false);
  }

  public static Kind kind(int status) {
    if (status >= 200 && status < 300) {
      return Kind.DELIVERED;
    }
    return switch (status) {
      case 408, 425, 429, 503 -> Kind.NOT_SENT;
      case 401, 403, 404, 405 -> Kind.MISCONFIGURED;
      // 500, 502, 504 and all others: the server may have acted before it failed.
      default -> status >= 300 && status < 500 ? Kind.REFUSED : Kind.MAYBE_SENT;
    };
  }

  /**
   * Reads Retry-After, RFC 9110 section 10.2.3: seconds, also with a fraction, or a date. Null if
   * it is neither; zero if it is in the past.
   *
   * @param date the response's Date, against which a date is measured; without it, the node's clock
   */
  Duration wait(String retryAfter, String date) {
    if (retryAfter == null) {
      return null;
    }
    String value = retryAfter.strip();
    Duration wait;
    Matcher seconds = SECONDS.matcher(value);
    if (seconds.matches()) {
      boolean more = seconds.group(2) != null && !seconds.group(2).matches("\\.0*");
      wait = Duration.ofSeconds(Long.parseLong(seconds.group(1)) + (more ? 1 : 0));
    } else {
      Optional<Instant> then = date(value);
      if (then.isEmpty()) {
        return null;
      }
      Instant now = Optional.ofNullable(date).flatMap(this::date).orElseGet(clock::instant);
      wait = Duration.between(now, then.get());
    }
    return wait.isNegative() ? Duration.ZERO : wait;
  }

  /**
   * Reads all three forms of RFC 9110 section 5.6.7. The day of the week is ignored: it is
   * redundant, and with a two-digit year it may be wrong.
   */
  private Optional<Instant> date(String text) {
    String date = DAY_OF_WEEK.matcher(text.strip()).replaceFirst("").replaceAll(" +", " ");
    for (DateTimeFormatter form : List.of(IMF_FIXDATE, rfc850(), ASCTIME)) {
      try {
        return Optional.of(form.parse(date, Instant::from));
      } catch (DateTimeException another) {
        // the next form
      }
    }
    return Optional.empty();
  }

  /** A two-digit year is at most 50 years ahead. */
  private DateTimeFormatter rfc850() {
    int first = LocalDate.ofInstant(clock.instant(), ZoneOffset.UTC).getYear() - 49;
    return new DateTimeFormatterBuilder()
        .parseCaseInsensitive()
        .appendPattern("d-MMM-")
        .appendValueReduced(ChronoField.YEAR, 2, 2, first)
        .appendPattern(" H:mm:ss 'GMT'")
        .toFormatter(Locale.ENGLISH)
        .withZone(ZoneOffset.UTC);
  }

  /** The provider's {@code messageId}, if the body is a JSON object with one at the top level. */
  static String messageId(byte[] answer, Charset charset) {
    if (answer == null || answer.length == 0) {
      return null;
    }
    try (JsonParser json = parser(answer, charset)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        boolean found = json.currentName().equals("messageId");
        JsonToken value = json.nextToken();
        if (found) {
          return value.isScalarValue() && value != JsonToken.VALUE_NULL ? id(json.getText()) : null;
        }
        json.skipChildren();
      }
    } catch (IOException notJson) {
      // A 2xx counts with any body.
    }
    return null;
  }

  /** The JSON parser detects Unicode encodings itself, which is faster. */
  private static JsonParser parser(byte[] answer, Charset charset) throws IOException {
    return charset == UTF_8
        ? JSON.createParser(answer)
        : JSON.createParser(new InputStreamReader(new ByteArrayInputStream(answer), charset));
  }

  /** The charset of a Content-Type; UTF-8 if it is missing or invalid. */
  static Charset charset(String contentType) {
    if (contentType == null || contentType.indexOf('=') < 0) {
      return UTF_8;
    }
    try {
      ContentType type = ContentType.parseLenient(contentType);
      return type == null || type.getCharset() == null ? UTF_8 : type.getCharset();
    } catch (IllegalCharsetNameException none) {
      return UTF_8;
    }
  }

  private static String id(String text) {
    String id = storable(text);
    return id.isEmpty() ? null : id.substring(0, Math.min(id.length(), MAX_ID));
  }

  private static String error(int status, byte[] answer, Charset charset) {
    String body =
        answer == null
            ? ""
            : storable(new String(answer, 0, Math.min(answer.length, 400), charset));
    return body.isEmpty() ? "HTTP " + status : "HTTP " + status + ": " + body;
  }

  /**
   * Replaces each run of control characters and lone surrogates with a space: PostgreSQL cannot
   * store some of them, and a log should not show them.
   */
  private static String storable(String text) {
    int first = 0;
    while (first < text.length() && storable(text.charAt(first))) {
      first++;
    }
    if (first == text.length()) {
      return text.strip();
    }
    return UNSTORABLE.matcher(text).replaceAll(" ").strip();
  }

  /** A quick check: true for printable ASCII, which covers nearly every character. */
  private static boolean storable(char c) {
    return c >= ' ' && c < 0x7f;
  }
}
