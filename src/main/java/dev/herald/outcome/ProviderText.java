package dev.herald.outcome;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.util.regex.Pattern;
import org.apache.hc.core5.http.ContentType;

/** What is kept of a provider's answer: its id for the message, or the beginning of an error. */
final class ProviderText {
  private static final int MAX_ID = 255;
  private static final int MAX_ERROR_BYTES = 400;
  private static final JsonFactory JSON = new JsonFactory();
  private static final Pattern UNSTORABLE = Pattern.compile("[\\p{Cc}\\p{Cs}]+");

  private final byte[] body;
  private final Charset charset;

  private ProviderText(byte[] body, Charset charset) {
    this.body = body;
    this.charset = charset;
  }

  /**
   * @param body null for none
   * @param contentType null for none
   */
  static ProviderText of(byte[] body, String contentType) {
    return new ProviderText(body == null ? new byte[0] : body, charset(contentType));
  }

  /** The provider's {@code messageId}, if the answer is a JSON object that has one at its top. */
  String messageId() {
    if (body.length == 0) {
      return null;
    }
    try (JsonParser json = parser()) {
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
  private JsonParser parser() throws IOException {
    return charset == UTF_8
        ? JSON.createParser(body)
        : JSON.createParser(new InputStreamReader(new ByteArrayInputStream(body), charset));
  }

  private static String id(String text) {
    String id = storable(text);
    return id.isEmpty() ? null : id.substring(0, Math.min(id.length(), MAX_ID));
  }

  /** The error of a message: the status, and how the body begins. */
  String error(int status) {
    String begins = storable(new String(body, 0, Math.min(body.length, MAX_ERROR_BYTES), charset));
    return begins.isEmpty() ? "HTTP " + status : "HTTP " + status + ": " + begins;
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

  /**
   * Words without what PostgreSQL cannot hold or a log should not: each run of control characters
   * and lone surrogates is a space.
   */
  static String storable(String text) {
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
