package dev.herald.webhook;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.Deflater;
import java.util.zip.GZIPInputStream;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;

/**
 * The received part of a response's body, at most {@value WebhookClient#MAX_ANSWER} bytes.
 *
 * @param bytes as received
 * @param encoding the {@code Content-Encoding}; null without one
 * @param whole whether this is the whole body
 */
record AnswerBody(byte[] bytes, String encoding, boolean whole) {
  private static final byte[] NONE = {};

  /** Reads a body; if it breaks off, returns the part that arrived. */
  static AnswerBody read(Answer answer) throws IOException {
    HttpEntity entity = answer.getEntity();
    if (entity == null) {
      return new AnswerBody(NONE, null, true);
    }
    Header encoding = answer.getFirstHeader("Content-Encoding");
    return read(
        entity.getContent(),
        entity.getContentLength(),
        encoding == null ? null : encoding.getValue());
  }

  private static AnswerBody read(InputStream in, long length, String encoding) {
    int room = (int) (length < 0 ? 1024 : Math.min(length, WebhookClient.MAX_ANSWER));
    byte[] bytes = new byte[room];
    int size = 0;
    try {
      while (true) {
        if (size == bytes.length) {
          if (size == WebhookClient.MAX_ANSWER) {
            return new AnswerBody(bytes, encoding, in.read() < 0);
          }
          if (size == length) {
            return new AnswerBody(bytes, encoding, true);
          }
          bytes = Arrays.copyOf(bytes, Math.min(WebhookClient.MAX_ANSWER, 2 * size));
        }
        int read = in.read(bytes, size, bytes.length - size);
        if (read < 0) {
          return new AnswerBody(Arrays.copyOf(bytes, size), encoding, true);
        }
        size += read;
      }
    } catch (IOException brokenOff) {
      return new AnswerBody(Arrays.copyOf(bytes, size), encoding, false);
    }
  }

  /** Decompresses the body as far as possible; empty if the encoding is unknown. */
  byte[] unpacked() {
    String how = encoding == null ? "" : encoding.strip().toLowerCase(Locale.ROOT);
    if (bytes.length == 0 || how.isEmpty() || how.equals("identity")) {
      return bytes;
    }
    InputStream packed = new ByteArrayInputStream(bytes);
    try (InputStream in =
        switch (how) {
          case "gzip", "x-gzip" -> new GZIPInputStream(packed);
          case "deflate" -> new InflaterInputStream(packed, new Inflater(!hasZlibHeader()));
          default -> InputStream.nullInputStream();
        }) {
      return read(in, -1, null).bytes();
    } catch (IOException notPacked) {
      return NONE;
    }
  }

  /** RFC 1950; some servers omit the header: RFC 9110, section 8.4.1.2. */
  private boolean hasZlibHeader() {
    return bytes.length > 1
        && (bytes[0] & 0x0f) == Deflater.DEFLATED
        && ((bytes[0] & 0xff) << 8 | (bytes[1] & 0xff)) % 31 == 0;
  }
}
