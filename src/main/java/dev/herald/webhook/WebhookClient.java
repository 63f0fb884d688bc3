package dev.herald.webhook;

import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/**
 * Makes POSTs to webhooks over kept-alive HTTP/1.1 connections, without blocking a thread.
 *
 * <p>It differs from a general HTTP client in what its callers must know for certain: whether any
 * of the request may have left, and the status even when the rest of the answer never comes. One
 * deadline spans the whole call, from the wait for a connection to the last byte, so that an answer
 * that drips cannot outlive a lease; of an answer's body {@value #MAX_ANSWER} bytes are read.
 * Nothing is ever tried twice, no redirect is followed, and a server's certificate is always
 * verified. It stands on Netty's codec alone: with a general client above it, a cold process
 * delivered its first 200,000 messages at two thirds of the rate (docs/performance.md).
 *
 * <p>Thread-safe. Each call belongs to one of a few event loops, each with connections of its own;
 * that loop also calls the handler. The caller bounds how many calls there are at once.
 */
public final class WebhookClient implements AutoCloseable {

  /** How much of an answer's body is read, in bytes. */
  static final int MAX_ANSWER = 64 * 1024;

  /** One loop delivered 17,000 messages a second at the most, and had the other core wait. */
  private static final int MAX_LANES = 4;

  private final NioEventLoopGroup group;
  private final ExecutorService resolver =
      Executors.newSingleThreadExecutor(new DefaultThreadFactory("herald-webhook-dns", true));
  private final List<Lane> lanes;

  /**
   * @param timeout of a whole call
   * @param connectTimeout of making a connection, TLS included, within the timeout
   * @param keepAlive how long an idle connection is kept; a server that says less in its {@code
   *     Keep-Alive} header is obeyed
   */
  public record Limits(Duration timeout, Duration connectTimeout, Duration keepAlive) {}

  /** Takes what became of a call, once, on the event loop. */
  public interface Handler {
    /**
     * @param retryAfter the header of that name; may be null
     * @param body what came of the body, at most {@value #MAX_ANSWER} bytes
     */
    void answered(int status, String retryAfter, byte[] body);

    void failed(WebhookException failure);
  }

  public WebhookClient(Limits limits) {
    SslContext tls;
    try {
      tls = SslContextBuilder.forClient().build();
    } catch (SSLException e) {
      throw new IllegalStateException(e);
    }
    int count = Math.min(MAX_LANES, Runtime.getRuntime().availableProcessors());
    group = new NioEventLoopGroup(count, new DefaultThreadFactory("herald-webhook", true));
    lanes =
        Stream.generate(group::next)
            .limit(count)
            .map(loop -> new Lane(loop, resolver, tls, limits))
            .toList();
  }

  /** Starts one POST; the handler hears of it exactly once. */
  public void post(Target target, Map<String, String> headers, byte[] body, Handler handler) {
    lane().post(target, headers, body, handler);
  }

  /**
   * That of the caller, if it is one of the loops: what follows an answer needs no hand-over. Else
   * the least busy, and the first of equals: little traffic keeps to few connections.
   */
  private Lane lane() {
    Lane least = lanes.get(0);
    for (Lane lane : lanes) {
      if (lane.isCurrent()) {
        return lane;
      }
      if (lane.load() < least.load()) {
        least = lane;
      }
    }
    return least;
  }

  @Override
  public void close() {
    resolver.shutdownNow();
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
  }
}
