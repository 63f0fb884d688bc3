package dev.herald.api;

import dev.herald.config.Settings;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Error;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Keeps memory and descriptors for the work, whatever clients do: it bounds the bytes of requests
 * under way, the number of connections, and the time that a request may take to arrive. Runs on the
 * server's event loops. Thread-safe.
 */
public final class Admission {
  /** What a request holds besides its body, about: 8 KB. */
  static final int REQUEST_BYTES = 8 * 1024;

  private static final String ADMITTED = "herald.admitted";

  /**
   * Connections above the limit while all others are at work, so that health checks get through.
   */
  private static final int RESERVE = 32;

  private static final long LOOK_MS = 250;

  /** Answering a request begins the next one that waits on its connection, on the same stack. */
  private static final int MOST_NESTED = 50;

  private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final int maxBodyBytes;
  private final long maxBytes;
  private final int maxConnections;
  private final long idleNanos;
  private final long bodyNanos;
  private final AtomicLong held = new AtomicLong();
  private final LongAdder refused = new LongAdder();
  private final Map<HttpConnection, Peer> peers = new ConcurrentHashMap<>();
  private final Set<Admitted> arriving = ConcurrentHashMap.newKeySet();
  private volatile boolean draining;

  public Admission(Settings.Server settings) {
    this.maxBodyBytes = settings.maxBodyBytes();
    this.maxBytes = settings.maxBodiesBytes();
    this.maxConnections = settings.maxConnections();
    this.idleNanos = settings.idleTimeout().toNanos();
    this.bodyNanos = settings.bodyTimeout().toNanos();
  }

  /** Bytes that requests under way hold. */
  public long held() {
    return held.get();
  }

  /** Requests that were refused because others held too much. */
  public long refused() {
    return refused.sum();
  }

  /** Open connections of the API. */
  public int connections() {
    return peers.size();
  }

  /** From now on each connection's next answer is its last. */
  void drain() {
    draining = true;
  }

  /** Tells a client to take its next request elsewhere, if this node is about to stop. */
  void lastOfItsConnection(RoutingContext context) {
    if (!draining) {
      return;
    }
    HttpConnection connection = context.request().connection();
    if (context.request().version() == HttpVersion.HTTP_2) {
      // After the answer: some clients give up what is under way when they are told.
      context.addEndHandler(answered -> connection.goAway(Http2Error.NO_ERROR.code()));
    } else {
      context.response().putHeader("Connection", "close");
      context.addEndHandler(answered -> connection.close());
    }
  }

  /** From now on a server's connections are counted, and the silent and slow ones closed. */
  void watch(Vertx vertx, HttpServer server) {
    server.connectionHandler(this::opened);
    vertx.setPeriodic(LOOK_MS, timer -> closeSlow());
  }

  private void opened(HttpConnection connection) {
    peers.put(connection, new Peer());
    channel(connection).closeFuture().addListener(closed -> peers.remove(connection));
    if (peers.size() > maxConnections) {
      longestSilent(connection)
          .ifPresentOrElse(
              this::drop,
              () -> {
                if (peers.size() > maxConnections + RESERVE) {
                  drop(connection);
                }
              });
    }
  }

  /** Closes a connection at once; {@code close()} waits for a client that does not read. */
  private void drop(HttpConnection connection) {
    Peer peer = peers.get(connection);
    if (peer != null) {
      peer.dropped = true;
    }
    // From the first handler on, so neither TLS nor HTTP/2 says goodbye.
    ChannelHandlerContext first = channel(connection).pipeline().firstContext();
    if (first != null) {
      first.close();
    }
  }

  private static Channel channel(HttpConnection connection) {
    return ((ConnectionBase) connection).channel();
  }

  /** The connection that has waited longest for a request; nothing while all are at work. */
  private Optional<HttpConnection> longestSilent(HttpConnection newest) {
    return peers.entrySet().stream()
        .filter(peer -> peer.getKey() != newest && peer.getValue().silent())
        .min(Comparator.comparingLong(peer -> peer.getValue().since))
        .map(Map.Entry::getKey);
  }

  private void closeSlow() {
    long now = System.nanoTime();
    arriving.forEach(
        request -> {
          if (now - request.since > bodyNanos || request.fillsUp(now)) {
            request.breakOff();
          } else {
            request.peer.ifPresent(peer -> peer.since = now);
          }
        });
    peers.forEach(
        (connection, peer) -> {
          if (peer.silent() && now - peer.since > idleNanos) {
            drop(connection);
          }
        });
  }

  /**
   * Hands on a request whose head has arrived, unless its client does not read its answers, or sent
   * too many without waiting for one.
   */
  void begin(HttpServerRequest request, Handler<HttpServerRequest> next) {
    HttpConnection connection = request.connection();
    Peer peer = peers.get(connection);
    if (peer == null) {
      // It is closed; this one was waiting behind others.
      return;
    }
    if (!reads(request) || peer.nested == MOST_NESTED) {
      drop(connection);
      return;
    }
    peer.since = System.nanoTime();
    peer.nested++;
    try {
      next.handle(request);
    } finally {
      peer.nested--;
    }
  }

  /** Over HTTP/2 the streams of a connection bound what waits. */
  private static boolean reads(HttpServerRequest request) {
    Channel channel = channel(request.connection());
    if (request.version() != HttpVersion.HTTP_2 && !channel.isWritable()) {
      // Answers to requests that came together are held until now.
      channel.flush();
      return channel.isWritable();
    }
    return true;
  }

  /**
   * Counts a request that a route will answer, until it has; false if there is no room for it. Its
   * body counts as announced, or as the largest, until it has arrived. One that arrives slowly
   * counts as what has arrived, so a few slow clients take no room from others.
   */
  boolean admit(RoutingContext context) {
    Admitted request = new Admitted(context.request());
    // First, so that whatever fails after it is counted out again.
    context.addBodyEndHandler(answered -> request.end());
    // Until then the route still holds what it got, though the client has left.
    context.addEndHandler(
        closed -> {
          if (!request.working) {
            request.end();
          }
        });
    context.put(ADMITTED, request);
    if (request.fits(announced(context.request()))) {
      return true;
    }
    refused.increment();
    return false;
  }

  /** Called between the last byte of a request and its route. */
  void arrived(RoutingContext context) {
    Admitted request = context.get(ADMITTED);
    if (request != null) {
      request.arrived(context.body().length());
    }
    context.next();
  }

  private long announced(HttpServerRequest request) {
    String length = request.getHeader("Content-Length");
    if (length == null) {
      return unmeasured(request) ? maxBodyBytes : 0;
    }
    // The server refuses what is longer.
    return length.matches("\\d{1,9}")
        ? Math.min(Long.parseLong(length), maxBodyBytes)
        : maxBodyBytes;
  }

  /**
   * Whether a request without a Content-Length has a body. HTTP/2 does not announce one, but a body
   * that is taken has a type.
   */
  static boolean unmeasured(HttpServerRequest request) {
    return request.version() == HttpVersion.HTTP_2
        ? request.getHeader("Content-Type") != null
        : request.getHeader("Transfer-Encoding") != null;
  }

  /** A connection, and since when it waits for a request. */
  private static final class Peer {
    /** Requests that have arrived and are not answered. */
    private final AtomicInteger working = new AtomicInteger();

    private volatile long since = System.nanoTime();
    private volatile boolean dropped;

    /** Only the connection's event loop uses this. */
    private int nested;

    boolean silent() {
      return working.get() == 0 && !dropped;
    }
  }

  /** A request that was let in. */
  private final class Admitted {
    private final HttpServerRequest request;
    private final Optional<Peer> peer;
    private final long since = System.nanoTime();
    private long bytes;
    private volatile boolean working;
    private boolean ended;

    Admitted(HttpServerRequest request) {
      this.request = request;
      this.peer = Optional.ofNullable(peers.get(request.connection()));
    }

    /** Counts it with a body of this length; false, and not counted, if that is too much. */
    synchronized boolean fits(long body) {
      count(body);
      if (held.get() > maxBytes) {
        end();
        return false;
      }
      arriving.add(this);
      return true;
    }

    /** Ends it; over HTTP/2 the other streams of its connection go on. */
    void breakOff() {
      if (request.version() == HttpVersion.HTTP_2) {
        request.response().reset(Http2Error.CANCEL.code());
      } else {
        drop(request.connection());
      }
    }

    /** Counts a slow body anew; true if its growth is too much for what is left. */
    synchronized boolean fillsUp(long now) {
      if (working || ended || now - since < SLOW_NANOS) {
        return false;
      }
      long before = bytes;
      count(request.bytesRead());
      return bytes > before && held.get() > maxBytes;
    }

    private void count(long body) {
      long exact = REQUEST_BYTES + Math.max(0, body);
      held.addAndGet(exact - bytes);
      bytes = exact;
    }

    synchronized void arrived(int length) {
      if (ended) {
        return;
      }
      count(length);
      arriving.remove(this);
      working = true;
      peer.ifPresent(one -> one.working.incrementAndGet());
    }

    synchronized void end() {
      if (!ended) {
        ended = true;
        arriving.remove(this);
        held.addAndGet(-bytes);
        peer.ifPresent(
            one -> {
              one.since = System.nanoTime();
              if (working) {
                one.working.decrementAndGet();
              }
            });
      }
    }
  }
}
