package dev.herald.webhook;

import static java.util.Locale.ROOT;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.Set;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentLengthStrategy;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHeaders;
import org.apache.hc.core5.http.HttpMessage;
import org.apache.hc.core5.http.HttpStatus;
import org.apache.hc.core5.http.HttpVersion;
import org.apache.hc.core5.http.ParseException;
import org.apache.hc.core5.http.ProtocolVersion;
import org.apache.hc.core5.http.io.HttpMessageParserFactory;
import org.apache.hc.core5.http.io.SessionInputBuffer;
import org.apache.hc.core5.http.message.BasicClassicHttpResponse;
import org.apache.hc.core5.http.message.MessageSupport;
import org.apache.hc.core5.util.CharArrayBuffer;

/**
 * A provider's response, parsed leniently: once the status line has arrived it counts as a
 * response, whatever follows. Invalid headers are skipped. A head that breaks off or does not end
 * is cut there, and the connection is not used again.
 */
final class Answer extends BasicClassicHttpResponse {
  private static final long serialVersionUID = 1L;
  private static final int MAX_HEAD = 64 * 1024;
  private static final int MAX_EMPTY_LINES = 10;
  private static final int STATUS_DIGITS = 3;

  private final transient SessionInputBuffer received;
  private boolean cut;

  private Answer(int status, String reason, ProtocolVersion version, SessionInputBuffer received) {
    super(status, reason);
    setVersion(version);
    this.received = received;
  }

  /** Whether the head broke off, so that the start of the body is unknown. */
  boolean cut() {
    return cut;
  }

  /** Whether more data has arrived than belongs to it: the next call would read that. */
  boolean leftover() {
    return received.length() > 0;
  }

  /** Creates a parser for each connection. */
  static HttpMessageParserFactory<ClassicHttpResponse> parsers() {
    return settings -> Answer::read;
  }

  /** Returns null if the connection ends before a status line. */
  private static Answer read(SessionInputBuffer from, InputStream in)
      throws IOException, HttpException {
    CharArrayBuffer line = new CharArrayBuffer(128);
    for (int empty = 0; line.isEmpty(); empty++) {
      if (empty > MAX_EMPTY_LINES || from.readLine(line, in) < 0) {
        return null;
      }
    }
    Answer answer = of(line, from);
    try {
      answer.cut = !answer.readHeaders(from, in);
    } catch (IOException brokenOff) {
      answer.cut = true;
    }
    return answer;
  }

  /**
   * Parses the status line: RFC 9112, section 4. Herald has its own parser because HttpClient's
   * general one took a tenth of a delivery's CPU (docs/performance.md).
   */
  private static Answer of(CharArrayBuffer line, SessionInputBuffer from) throws ParseException {
    int at = line.indexOf(' ');
    if (at < 0 || !line.substring(0, at).startsWith("HTTP/")) {
      throw new ParseException("no status line");
    }
    int status = 0;
    int digits = 0;
    for (at++; at < line.length() && !isSpace(line.charAt(at)); at++, digits++) {
      int digit = line.charAt(at) - '0';
      if (digit < 0 || digit > 9 || digits == STATUS_DIGITS) {
        throw new ParseException("no status");
      }
      status = 10 * status + digit;
    }
    if (digits != STATUS_DIGITS || status < HttpStatus.SC_INFORMATIONAL) {
      throw new ParseException("no status");
    }
    // Only HTTP/1.1 keeps a connection open by default.
    boolean persistent = line.charAt(line.indexOf(' ') - 1) == '1';
    return new Answer(
        status,
        line.substringTrimmed(at, line.length()),
        persistent ? HttpVersion.HTTP_1_1 : HttpVersion.HTTP_1_0,
        from);
  }

  private static boolean isSpace(char c) {
    return c == ' ' || c == '\t';
  }

  /** Returns false if the connection ended first or the head is too large. */
  private boolean readHeaders(SessionInputBuffer from, InputStream in) throws IOException {
    CharArrayBuffer pending = null;
    for (int size = 0; size < MAX_HEAD; ) {
      CharArrayBuffer line = new CharArrayBuffer(64);
      int read = from.readLine(line, in);
      boolean folded = pending != null && !line.isEmpty() && isSpace(line.charAt(0));
      if (folded) {
        pending.append(' ');
        pending.append(line, 0, line.length());
      } else {
        add(pending);
        pending = line;
      }
      if (read < 0 || line.isEmpty()) {
        return read >= 0;
      }
      size += line.length();
    }
    return false;
  }

  /** Skips lines without a header name. */
  private void add(CharArrayBuffer line) {
    int colon = line == null ? -1 : line.indexOf(':');
    if (colon > 0 && !isSpace(line.charAt(0)) && !isSpace(line.charAt(colon - 1))) {
      addHeader(line.substring(0, colon), line.substringTrimmed(colon + 1, line.length()));
    }
  }

  /**
   * The length of a body: RFC 9112, section 6.3, except that errors are tolerated. With a length
   * that is invalid, or given twice with different values, the body ends with the connection.
   */
  static long length(HttpMessage answer) {
    if (answer.containsHeader(HttpHeaders.TRANSFER_ENCODING)) {
      Set<String> codings = new HashSet<>();
      MessageSupport.parseTokens(
          answer, HttpHeaders.TRANSFER_ENCODING, coding -> codings.add(coding.toLowerCase(ROOT)));
      return codings.contains("chunked")
          ? ContentLengthStrategy.CHUNKED
          : ContentLengthStrategy.UNDEFINED;
    }
    long length = ContentLengthStrategy.UNDEFINED;
    for (Header header : answer.getHeaders(HttpHeaders.CONTENT_LENGTH)) {
      for (String value : header.getValue().split(",")) {
        long one;
        try {
          one = Long.parseLong(value.strip());
        } catch (NumberFormatException garbled) {
          return ContentLengthStrategy.UNDEFINED;
        }
        if (one < 0 || (length >= 0 && one != length)) {
          return ContentLengthStrategy.UNDEFINED;
        }
        length = one;
      }
    }
    return length;
  }
}
