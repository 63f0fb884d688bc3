package dev.herald.webhook;

import dev.herald.config.WebhookUrl;
import io.netty.util.HashedWheelTimer;
import io.netty.util.Timeout;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.apache.hc.client5.http.HttpRoute;
import org.apache.hc.client5.http.io.ConnectionEndpoint;
import org.apache.hc.client5.http.io.HttpClientConnectionManager;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ConnectionClosedException;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHeaders;
import org.apache.hc.core5.http.MessageConstraintException;
import org.apache.hc.core5.http.NoHttpResponseException;
import org.apache.hc.core5.http.impl.DefaultConnectionReuseStrategy;
import org.apache.hc.core5.http.io.HttpClientConnection;
import org.apache.hc.core5.http.io.entity.BasicHttpEntity;
import org.apache.hc.core5.http.message.MessageSupport;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.io.CloseMode;
import org.apache.hc.core5.util.TimeValue;

/**
 * One call. It ends once, with a response or a {@link WebhookException}, no later than its
 * deadline.
 */
final class Call {
  private static final Pattern KEEP_ALIVE = Pattern.compile("timeout\\s*=\\s*(\\d{1,6})");

  private enum State {
    RUNNING,
    DONE,
    OVERDUE
  }

  /** A kept connection cannot be used; nothing of the request was written to it. */
  private static final class UnusableConnection extends IOException {
    private static final long serialVersionUID = 1L;

    UnusableConnection() {
      super("the provider has closed the connection, or sent data that nobody asked for");
    }
  }

  private final HttpClientConnectionManager connections;
  private final WebhookClient.Limits limits;
  private final WebhookUrl url;
  private final HttpRoute route;
  private final Post post;
  private final Posting posting;
  private final long deadline;
  private final AtomicReference<State> state = new AtomicReference<>(State.RUNNING);
  private volatile ConnectionEndpoint endpoint;
  private boolean reused;
  private boolean written;
  private boolean halfSent;

  /**
   * @param posting is told about its progress; may be null
   * @param deadline as {@link System#nanoTime()}
   */
  Call(
      HttpClientConnectionManager connections,
      WebhookClient.Limits limits,
      WebhookUrl url,
      Post post,
      Posting posting,
      long deadline) {
    this.connections = connections;
    this.limits = limits;
    this.url = url;
    this.route = url.route(limits.proxy());
    this.post = post;
    this.posting = posting;
    this.deadline = deadline;
  }

  ClassicHttpResponse run(HashedWheelTimer timer, HttpContext context) throws WebhookException {
    Timeout overdue = timer.newTimeout(any -> overdue(), left(), TimeUnit.NANOSECONDS);
    try {
      while (true) {
        try {
          connect(context);
          return answered(endpoint.execute("", post, this::send, context));
        } catch (UnusableConnection again) {
          release(null);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new WebhookException(written, "the node is stopping");
    } catch (IOException | HttpException | ExecutionException | TimeoutException e) {
      throw failed(e);
    } finally {
      overdue.cancel();
      release(null);
    }
  }

  private long left() {
    return Math.max(0, deadline - System.nanoTime());
  }

  /** Runs on the timer's thread: makes whatever the call waits for fail. */
  private void overdue() {
    if (state.compareAndSet(State.RUNNING, State.OVERDUE)) {
      ConnectionEndpoint current = endpoint;
      if (current != null) {
        current.close(CloseMode.IMMEDIATE);
      }
    }
  }

  private void connect(HttpContext context)
      throws IOException,
          HttpException,
          InterruptedException,
          ExecutionException,
          TimeoutException {
    org.apache.hc.core5.util.Timeout time =
        org.apache.hc.core5.util.Timeout.ofNanoseconds(Math.max(1, left()));
    endpoint = connections.lease("", route, time, null).get(time);
    reused = endpoint.isConnected();
    if (!reused) {
      connections.connect(endpoint, time, context);
      if (route.isTunnelled()) {
        endpoint.execute(
            "", Post.connect(url, limits.proxy().orElseThrow()), this::tunnel, context);
        connections.upgrade(endpoint, context);
      }
    }
  }

  private ClassicHttpResponse tunnel(
      ClassicHttpRequest connect, HttpClientConnection connection, HttpContext context)
      throws IOException, HttpException {
    connection.sendRequestHeader(connect);
    connection.flush();
    ClassicHttpResponse answer = connection.receiveResponseHeader();
    if (answer.getCode() < 200 || answer.getCode() >= 300) {
      throw new WebhookException(false, "the proxy refused to connect: HTTP " + answer.getCode());
    }
    return answer;
  }

  private ClassicHttpResponse send(
      ClassicHttpRequest request, HttpClientConnection connection, HttpContext context)
      throws IOException, HttpException {
    if (reused && !isQuiet((ManagedHttpClientConnection) connection)) {
      throw new UnusableConnection();
    }
    if (state.get() != State.RUNNING || left() == 0) {
      // The process may have been suspended, and the lease may be over.
      throw new WebhookException(false, "no connection in time");
    }
    if (posting != null) {
      posting.leaves(url.host().getHostName());
    }
    written = true;
    try {
      connection.sendRequestHeader(request);
      connection.sendRequestEntity(request);
      connection.flush();
    } catch (IOException broken) {
      halfSent = true;
      return lastWords(connection, request, broken);
    }
    return take(connection, request);
  }

  private Answer take(HttpClientConnection connection, ClassicHttpRequest request)
      throws IOException, HttpException {
    Answer answer;
    do {
      answer = (Answer) connection.receiveResponseHeader();
    } while (answer.getCode() < 200);
    if (posting != null) {
      posting.answered(
          answer.getCode(),
          value(answer, HttpHeaders.RETRY_AFTER),
          value(answer, HttpHeaders.DATE));
    }
    if (!answer.cut() && MessageSupport.canResponseHaveBody(request.getMethod(), answer)) {
      connection.receiveResponseEntity(answer);
    }
    return answer;
  }

  private static String value(Answer answer, String name) {
    Header header = answer.getFirstHeader(name);
    return header == null ? null : header.getValue();
  }

  /**
   * A server that closes before it has read the request may have sent a reason: a refused client
   * certificate, which under TLS 1.3 comes after the handshake, or an early response.
   */
  private Answer lastWords(
      HttpClientConnection connection, ClassicHttpRequest request, IOException broken)
      throws IOException {
    try {
      return take(connection, request);
    } catch (SSLHandshakeException refused) {
      throw refused;
    } catch (IOException | HttpException none) {
      throw broken;
    }
  }

  /**
   * Whether the provider has neither closed a kept connection nor sent anything on it. Does not
   * block. Under TLS any data is a reason not to use it: it is usually a close notification.
   */
  private static boolean isQuiet(ManagedHttpClientConnection connection) throws IOException {
    SocketChannel channel = connection.getSocket().getChannel();
    if (channel == null) {
      return true;
    }
    channel.configureBlocking(false);
    try {
      return channel.read(ByteBuffer.allocate(1)) == 0;
    } finally {
      channel.configureBlocking(true);
    }
  }

  /** Reads the body up to the limit, and returns the connection to the pool or closes it. */
  private ClassicHttpResponse answered(ClassicHttpResponse response) throws IOException {
    Answer answer = (Answer) response;
    AnswerBody body = AnswerBody.read(answer);
    boolean whole = !halfSent && body.whole() && !answer.cut() && !answer.leftover();
    TimeValue keep =
        whole && DefaultConnectionReuseStrategy.INSTANCE.keepAlive(null, answer, null)
            ? keepAlive(answer)
            : null;
    release(keep);
    byte[] content = body.unpacked();
    answer.removeHeaders("Content-Encoding");
    answer.setEntity(new BasicHttpEntity(new ByteArrayInputStream(content), content.length, null));
    return answer;
  }

  /** At most as long as the server announces, less a second for the network. */
  private TimeValue keepAlive(Answer answer) {
    long millis = limits.keepAlive().toMillis();
    Header header = answer.getFirstHeader("Keep-Alive");
    if (header != null) {
      Matcher timeout = KEEP_ALIVE.matcher(header.getValue());
      if (timeout.find()) {
        millis = Math.min(millis, (Long.parseLong(timeout.group(1)) - 1) * 1_000);
      }
    }
    return millis > 0 ? TimeValue.ofMilliseconds(millis) : null;
  }

  /**
   * @param keep how long the connection may be reused; null closes it
   */
  private void release(TimeValue keep) {
    ConnectionEndpoint current = endpoint;
    if (current != null) {
      endpoint = null;
      boolean intact = keep != null && state.compareAndSet(State.RUNNING, State.DONE);
      if (!intact) {
        current.close(CloseMode.IMMEDIATE);
      }
      connections.release(current, null, intact ? keep : null);
    }
  }

  private WebhookException failed(Exception failure) {
    if (failure instanceof WebhookException known) {
      return known;
    }
    if (state.get() == State.OVERDUE || failure instanceof TimeoutException) {
      return new WebhookException(written, written ? "no answer in time" : "no connection in time");
    }
    String reason = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    if (!written || failure instanceof SSLHandshakeException) {
      // A server that refuses the handshake, even late, reads no request.
      return new WebhookException(
          false, (failure instanceof SSLException ? "TLS failed: " : "no connection: ") + reason);
    }
    if (failure instanceof NoHttpResponseException
        || failure instanceof ConnectionClosedException) {
      return new WebhookException(true, "the connection ended before an answer came");
    }
    if (failure instanceof HttpException || failure instanceof MessageConstraintException) {
      return new WebhookException(true, "the answer is not HTTP");
    }
    return new WebhookException(true, "the connection failed before an answer came: " + reason);
  }
}
