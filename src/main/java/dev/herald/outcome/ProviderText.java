package dev.herald.outcome;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.filter.FilteringParserDelegate;
import com.fasterxml.jackson.core.filter.JsonPointerBasedFilter;
import com.fasterxml.jackson.core.filter.TokenFilter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hc.core5.http.ContentType;

/** What Herald keeps of a provider's words: its id for a message, or the start of an error. */
public final class ProviderText {
  /** Where the provider's id is, unless the route says otherwise. */
  private static final JsonPointer MESSAGE_ID = JsonPointer.compile("/messageId");

  /** The longest id of a provider that is kept, in characters. */
  public static final int MAX_ID = 255;

  private static final int MAX_ERROR_BYTES = 400;
  private static final JsonFactory JSON = new JsonFactory();
  private static final Pattern ESCAPED = Pattern.compile("\\\\u([0-9a-fA-F]{4})");
  private static final Pattern UNSTORABLE = Pattern.compile("[\\p{Cc}\\p{Cs}]+");

  private final byte[] body;
  private final Charset charset;
  private final JsonPointer messageId;

  private ProviderText(byte[] body, Charset charset, JsonPointer messageId) {
    this.body = body;
    this.charset = charset;
    this.messageId = messageId;
  }

  /** With the characters that JSON's escapes like {@code \\u0041} stand for. */
  static String withoutEscapes(String text) {
    return ESCAPED
        .matcher(text)
        .replaceAll(
            code ->
                Matcher.quoteReplacement(
                    String.valueOf((char) Integer.parseInt(code.group(1), 16))));
  }

  /** With the provider's id as {@code messageId} at the top level. */
  static ProviderText of(byte[] body, String contentType) {
    return of(body, contentType, null);
  }

  /**
   * @param body null for none
   * @param contentType null for none
   * @param messageId where the provider's id is in a body that is JSON: a JSON Pointer (RFC 6901);
   *     null for {@code messageId} at the top level
   * @throws IllegalArgumentException if that is not a JSON Pointer
   */
  static ProviderText of(byte[] body, String contentType, String messageId) {
    return new ProviderText(
        body == null ? new byte[0] : body,
        charset(contentType),
        messageId == null ? MESSAGE_ID : JsonPointer.compile(messageId));
  }

  /** The provider's id, if the body is JSON and has a value that is not an object there. */
  String messageId() {
    if (body.length == 0) {
      return null;
    }
    try (JsonParser json =
        new FilteringParserDelegate(
            parser(),
            new JsonPointerBasedFilter(messageId),
            TokenFilter.Inclusion.ONLY_INCLUDE_ALL,
            false)) {
      JsonToken value = json.nextToken();
      return value != null && value.isScalarValue() && value != JsonToken.VALUE_NULL
          ? id(json.getText())
          : null;
    } catch (IOException notJson) {
      return null; // A 2xx counts with any body.
    }
  }

  /** The JSON parser detects Unicode encodings itself, which is faster. */
  private JsonParser parser() throws IOException {
    return charset == UTF_8
        ? JSON.createParser(body)
        : JSON.createParser(new InputStreamReader(new ByteArrayInputStream(body), charset));
  }

  private static String id(String text) {
    String id = storable(text);
    return id.isEmpty() ? null : id.substring(0, Math.min(id.length(), MAX_ID));
  }

  /** The error to keep: the status, and the start of the body. */
  String error(int status) {
    String begins = storable(new String(body, 0, Math.min(body.length, MAX_ERROR_BYTES), charset));
    return begins.isEmpty() ? "HTTP " + status : "HTTP " + status + ": " + begins;
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

  /**
   * Replaces each run of control characters and lone surrogates with a space: PostgreSQL cannot
   * store some of them, and a log should not show them.
   */
  public static String storable(String text) {
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
