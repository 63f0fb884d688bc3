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
 * Says what a webhook's answer, or its silence, means for a message: the table "Outcomes" of
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

  /** The last step of the delivery route: the answer becomes what it means. */
  @Override
  public void process(Exchange exchange) {
    Message answer = exchange.getMessage();
    Integer status = answer.getHeader(Exchange.HTTP_RESPONSE_CODE, Integer.class);
    if (status == null) {
      throw new IllegalStateException("there is no answer: the webhook was not called");
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

  /** Classifies an answer. */
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
   * @param posts what the route had posted by then
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
      // 500, 502, 504 and what the table does not name: the server may have acted before it failed.
      default -> status >= 300 && status < 500 ? Kind.REFUSED : Kind.MAYBE_SENT;
    };
  }

  /**
   * Retry-After, RFC 9110 section 10.2.3: seconds, which may have a fraction here, or a date. Null
   * when it is neither; zero when it is past.
   *
   * @param date the answer's header Date, by whose clock a date counts; the node's own without one
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
   * RFC 9110 section 5.6.7: all three forms. The day of the week says nothing more, and with a year
   * of two digits it may be wrong.
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

  /** A year of two digits is no more than 50 years ahead. */
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

  /** The provider's {@code messageId}, if the answer is a JSON object that has one at its top. */
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
      // A 2xx counts whatever its body.
    }
    return null;
  }

  /** JSON finds out by itself which Unicode encoding it has, which is faster. */
  private static JsonParser parser(byte[] answer, Charset charset) throws IOException {
    return charset == UTF_8
        ? JSON.createParser(answer)
        : JSON.createParser(new InputStreamReader(new ByteArrayInputStream(answer), charset));
  }

  /**
   * What a Content-Type says that the body is written in; UTF-8 when it does not, or not sensibly.
   */
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
   * A provider's words without what PostgreSQL cannot hold or a log should not: each run of control
   * characters and lone surrogates is a space.
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

  /** Whether a character is certain to be: nearly every one is. */
  private static boolean storable(char c) {
    return c >= ' ' && c < 0x7f;
  }
}
