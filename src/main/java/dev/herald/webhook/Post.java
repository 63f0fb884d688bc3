package dev.herald.webhook;

import dev.herald.config.HeaderFields;
import dev.herald.config.WebhookUrl;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ContentLengthStrategy;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpMessage;
import org.apache.hc.core5.http.Method;
import org.apache.hc.core5.http.io.HttpMessageWriter;
import org.apache.hc.core5.http.io.HttpMessageWriterFactory;
import org.apache.hc.core5.http.message.BasicClassicHttpRequest;

/**
 * A request as it is sent. Its head is built in advance, byte for byte, so that an invalid header
 * is found before anything is sent. Header values are encoded in UTF-8.
 */
final class Post extends BasicClassicHttpRequest {
  private static final long serialVersionUID = 1L;

  private final byte[] head;

  private Post(String method, String path, String head, HttpEntity entity) {
    super(method, path);
    this.head = head.getBytes(StandardCharsets.UTF_8);
    setEntity(entity);
  }

  /**
   * @param request the route's request, whose URL is ignored
   * @param agent the {@code User-Agent}, unless the route set one
   * @param proxy the proxy to use, if any
   * @throws IllegalArgumentException naming a header that cannot be sent
   */
  static Post of(
      ClassicHttpRequest request, WebhookUrl url, String agent, Optional<WebhookUrl> proxy) {
    HttpEntity entity = request.getEntity();
    boolean plainProxy = proxy.isPresent() && !url.secure();
    StringBuilder head = new StringBuilder(512);
    head.append(request.getMethod()).append(' ');
    if (plainProxy) {
      head.append("http://").append(url.authority());
    }
    head.append(url.path()).append(" HTTP/1.1\r\n");
    addUnlessSet(head, request, "Host", url.authority());
    addUnlessSet(head, request, "User-Agent", agent);
    url.basic().ifPresent(value -> addUnlessSet(head, request, "Authorization", value));
    if (plainProxy) {
      proxy.get().basic().ifPresent(value -> add(head, "Proxy-Authorization", value));
    }
    for (Iterator<Header> headers = request.headerIterator(); headers.hasNext(); ) {
      Header header = headers.next();
      add(head, header.getName(), header.getValue());
    }
    if (entity != null) {
      describe(head, entity, request);
    } else if (!Method.GET.isSame(request.getMethod())) {
      add(head, "Content-Length", "0");
    }
    return new Post(request.getMethod(), url.path(), head.append("\r\n").toString(), entity);
  }

  private static void describe(StringBuilder head, HttpEntity entity, ClassicHttpRequest request) {
    if (entity.getContentType() != null) {
      add(head, "Content-Type", entity.getContentType());
    }
    if (entity.getContentEncoding() != null) {
      addUnlessSet(head, request, "Content-Encoding", entity.getContentEncoding());
    }
    if (entity.getContentLength() >= 0) {
      add(head, "Content-Length", Long.toString(entity.getContentLength()));
    } else {
      add(head, "Transfer-Encoding", "chunked");
    }
  }

  /** The request for a tunnel through a proxy: RFC 9110, section 9.3.6. */
  static Post connect(WebhookUrl url, WebhookUrl proxy) {
    String to = url.host().toHostString();
    StringBuilder head = new StringBuilder("CONNECT ").append(to).append(" HTTP/1.1\r\n");
    add(head, "Host", to);
    proxy.basic().ifPresent(value -> add(head, "Proxy-Authorization", value));
    return new Post("CONNECT", to, head.append("\r\n").toString(), null);
  }

  /** The header fields of its head, in their order. */
  List<Map.Entry<String, String>> fields() {
    List<Map.Entry<String, String>> fields = new ArrayList<>();
    new String(head, StandardCharsets.UTF_8)
        .lines()
        .skip(1)
        .filter(line -> !line.isEmpty())
        .forEach(
            line -> {
              int colon = line.indexOf(": ");
              fields.add(Map.entry(line.substring(0, colon), line.substring(colon + 2)));
            });
    return fields;
  }

  /** Creates a writer for each connection. */
  static HttpMessageWriterFactory<ClassicHttpRequest> writers() {
    HttpMessageWriter<ClassicHttpRequest> writer =
        (request, buffer, out) -> buffer.write(((Post) request).head, out);
    return () -> writer;
  }

  static long length(HttpMessage request) {
    long length = ((Post) request).getEntity().getContentLength();
    return length >= 0 ? length : ContentLengthStrategy.CHUNKED;
  }

  private static void addUnlessSet(
      StringBuilder head, ClassicHttpRequest request, String name, String value) {
    if (!request.containsHeader(name)) {
      add(head, name, value);
    }
  }

  private static void add(StringBuilder head, String name, String value) {
    if (!HeaderFields.isName(name)) {
      throw new IllegalArgumentException(
          "the header '" + name + "' cannot be sent: RFC 9110 allows no such name");
    }
    if (!HeaderFields.isValue(value)) {
      throw new IllegalArgumentException(
          "the header "
              + name
              + " cannot be sent: its value has a line break or a control character");
    }
    head.append(name).append(": ").append(value).append("\r\n");
  }
}
