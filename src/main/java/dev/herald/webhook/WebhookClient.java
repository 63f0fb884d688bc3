package dev.herald.webhook;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.RequestOptions;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/**
 * Makes POSTs to webhooks over kept-alive HTTP/1.1 connections, without blocking a thread.
 *
 * <p>It differs from a general HTTP client in what its callers must know for certain: whether any
 * of the request may have left, and the status even when the rest of the answer never comes. One
 * deadline spans the whole call, from the wait for a connection to the last byte, so that an answer
 * that drips cannot outlive a lease; an answer's body is read up to {@value #MAX_ANSWER} bytes.
 * Nothing is ever tried twice and no redirect is followed.
 *
 * <p>Thread-safe. Answers are handed over on an event loop.
 */
public final class WebhookClient implements AutoCloseable {

  /** How much of an answer's body is read, in bytes. */
  static final int MAX_ANSWER = 64 * 1024;

  private static final long SWEEP_MS = 50;

  private final Vertx vertx;
  private final HttpClient http;
  private final long timeoutNanos;
  private final Set<Call> calls = ConcurrentHashMap.newKeySet();

  /** Takes what became of a call, once. */
  public interface Handler {
    /**
     * @param retryAfter the header of that name; may be null
     * @param body what came of the body, at most {@value #MAX_ANSWER} bytes
     */
    void answered(int status, String retryAfter, byte[] body);

    void failed(WebhookException failure);
  }

  /**
   * @param connections at most this many at once, for each host
   * @param timeout of a whole call
   * @param connectTimeout of making a connection, within the timeout
   * @param keepAlive how long an idle connection is kept; a server that says less in its {@code
   *     Keep-Alive} header is obeyed
   */
  public WebhookClient(
      int connections, Duration timeout, Duration connectTimeout, Duration keepAlive) {
    // One event loop suffices for more messages a second than one PostgreSQL takes.
    vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setInternalBlockingPoolSize(4));
    http =
        vertx.createHttpClient(
            new HttpClientOptions()
                .setMaxPoolSize(connections)
                .setKeepAlive(!keepAlive.isZero())
                .setKeepAliveTimeout((int) Math.max(1, keepAlive.toSeconds()))
                .setConnectTimeout((int) connectTimeout.toMillis())
                .setSslHandshakeTimeout(timeout.toMillis())
                .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS)
                .setDecompressionSupported(false));
    timeoutNanos = timeout.toNanos();
    vertx.setPeriodic(SWEEP_MS, timer -> sweep());
  }

  /** Starts one POST; the handler hears of it exactly once. */
  public void post(Target target, Map<String, String> headers, byte[] body, Handler handler) {
    Call call = new Call(handler);
    calls.add(call);
    RequestOptions options = target.options();
    headers.forEach(options::putHeader);
    http.request(options)
        .onComplete(
            connected -> {
              if (connected.succeeded()) {
                call.send(connected.result(), Buffer.buffer(body));
              } else {
                call.fail(false, reason(connected.cause()));
              }
            });
  }

  private void sweep() {
    long now = System.nanoTime();
    for (Call call : calls) {
      if (now - call.started >= timeoutNanos) {
        call.overdue();
      }
    }
  }

  private static String reason(Throwable failure) {
    String text =
        failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    if (failure instanceof UnknownHostException) {
      return "the webhook's host name has no address: " + text;
    }
    if (failure instanceof SSLException) {
      return "TLS failed: " + text;
    }
    return failure instanceof ConnectException ? "no connection: " + text : text;
  }

  @Override
  public void close() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  /** One POST. Its state is touched on its event loop only, after the connection is there. */
  private final class Call {
    private final Handler handler;
    private final long started = System.nanoTime();
    private final Buffer body = Buffer.buffer(256);
    private HttpClientRequest request;
    private HttpClientResponse response;

    Call(Handler handler) {
      this.handler = handler;
    }

    void send(HttpClientRequest request, Buffer content) {
      if (!calls.contains(this)) {
        request.reset();
        return;
      }
      this.request = request;
      request
          .response()
          .onComplete(
              headed -> {
                if (headed.succeeded()) {
                  receive(headed.result());
                } else {
                  fail(
                      true,
                      "the connection ended before an answer came: " + reason(headed.cause()));
                }
              });
      request.end(content);
    }

    private void receive(HttpClientResponse answer) {
      response = answer;
      answer.handler(
          chunk -> {
            body.appendBuffer(chunk, 0, Math.min(chunk.length(), MAX_ANSWER - body.length()));
            if (body.length() == MAX_ANSWER) {
              cut();
              answer();
            }
          });
      answer.endHandler(end -> answer());
      // The status is what counts: a body that breaks off changes nothing.
      answer.exceptionHandler(broken -> answer());
    }

    void overdue() {
      if (response != null) {
        answer();
      } else {
        fail(request != null, request == null ? "no connection in time" : "no answer in time");
      }
      cut();
    }

    private void cut() {
      if (request != null) {
        request.connection().close();
      }
    }

    private void answer() {
      if (calls.remove(this)) {
        handler.answered(response.statusCode(), response.getHeader("Retry-After"), body.getBytes());
      }
    }

    void fail(boolean written, String reason) {
      if (calls.remove(this)) {
        handler.failed(new WebhookException(written, reason));
      }
    }
  }
}
