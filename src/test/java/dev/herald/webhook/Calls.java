package dev.herald.webhook;

import dev.herald.config.ClientTls;
import dev.herald.config.WebhookUrl;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.apache.hc.client5.http.protocol.HttpClientContext;
import org.apache.hc.core5.http.ClassicHttpRequest;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.http.io.entity.StringEntity;

/** A client by itself, without Camel, and what one hears of its calls. */
final class Calls implements AutoCloseable {
  static final String ACCEPTED = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
  static final Duration TIMEOUT = Duration.ofMillis(700);
  static final Duration CONNECT_TIMEOUT = Duration.ofMillis(400);

  /** What takes longer does not end. */
  private static final int HANG_SECONDS = 30;

  private final WebhookClient client;

  /** What the caller heard: a status and a body, or a failure. */
  record Heard(int status, byte[] body, WebhookException failure) {
    /** Why it certainly was not sent. */
    String notSent() {
      if (failure == null || failure.written()) {
        throw new AssertionError("it was or may have been sent: " + this);
      }
      return failure.getMessage();
    }

    String text() {
      return new String(body, StandardCharsets.UTF_8);
    }
  }

  Calls(
      Duration timeout,
      Duration connectTimeout,
      Optional<String> proxy,
      SSLContext tls,
      Connector.Names names) {
    this(timeout, connectTimeout, proxy, tls, names, System::nanoTime);
  }

  /**
   * @param nanoTime the clock by which an address is avoided for a while
   */
  Calls(
      Duration timeout,
      Duration connectTimeout,
      Optional<String> proxy,
      SSLContext tls,
      Connector.Names names,
      LongSupplier nanoTime) {
    client =
        new WebhookClient(
            new WebhookClient.Limits(
                timeout, connectTimeout, Duration.ofSeconds(4), 8, proxy.map(WebhookUrl::parse)),
            tls,
            names,
            nanoTime,
            key -> null,
            "Herald/test",
            nanos -> {});
  }

  static Calls plain() {
    return tls(ClientTls.context(Optional.empty(), Optional.empty()));
  }

  static Calls tls(SSLContext tls) {
    return new Calls(TIMEOUT, CONNECT_TIMEOUT, Optional.empty(), tls, Connector::ofJava);
  }

  static Calls by(String proxy, SSLContext tls) {
    return new Calls(TIMEOUT, CONNECT_TIMEOUT, Optional.of(proxy), tls, Connector::ofJava);
  }

  CompletableFuture<Heard> begin(String url) {
    HttpPost post = new HttpPost(url);
    post.setEntity(new StringEntity("{}", ContentType.APPLICATION_JSON));
    return begin(url, post);
  }

  CompletableFuture<Heard> begin(String url, ClassicHttpRequest request) {
    return CompletableFuture.supplyAsync(() -> call(url, request));
  }

  /** Posts, and waits for what comes of it. */
  Heard post(String url) {
    return ended(begin(url));
  }

  static Heard ended(CompletableFuture<Heard> call) {
    return call.orTimeout(HANG_SECONDS, TimeUnit.SECONDS).join();
  }

  private Heard call(String url, ClassicHttpRequest request) {
    try (ClassicHttpResponse answer =
        client.executeOpen(WebhookUrl.parse(url).host(), request, HttpClientContext.create())) {
      return new Heard(answer.getCode(), EntityUtils.toByteArray(answer.getEntity()), null);
    } catch (WebhookException failure) {
      return new Heard(0, new byte[0], failure);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    client.shutdown();
  }
}
