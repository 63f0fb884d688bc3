package dev.herald.webhook;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLContext;
import org.apache.hc.client5.http.impl.io.DefaultHttpClientConnectionOperator;
import org.apache.hc.client5.http.io.HttpClientConnectionOperator;
import org.apache.hc.client5.http.io.ManagedHttpClientConnection;
import org.apache.hc.client5.http.ssl.DefaultClientTlsStrategy;
import org.apache.hc.core5.http.HttpHost;
import org.apache.hc.core5.http.io.SocketConfig;
import org.apache.hc.core5.http.protocol.HttpContext;
import org.apache.hc.core5.net.Host;
import org.apache.hc.core5.net.NamedEndpoint;
import org.apache.hc.core5.util.TimeValue;
import org.apache.hc.core5.util.Timeout;

/**
 * Opens connections: looks up a host name and tries all of its addresses. Addresses that failed
 * recently come last, so that a dead address delays one call and not every new connection.
 * Certificates and host names are always verified. Thread-safe.
 */
final class Connector implements HttpClientConnectionOperator {
  /** How long a failed address comes last. */
  private static final long AVOID_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** Resolves a host name; an unknown one has no addresses. */
  @FunctionalInterface
  interface Names {
    InetAddress[] addresses(String host);
  }

  private final HttpClientConnectionOperator one;
  private final Names names;
  private final Executor lookUps;
  private final Duration timeout;
  private final LongSupplier nanoTime;
  private final Map<String, CompletableFuture<InetAddress[]>> lookUpsUnderWay =
      new ConcurrentHashMap<>();
  private final Map<InetAddress, Long> failed = new ConcurrentHashMap<>();

  /**
   * @param names resolves host names
   * @param lookUps runs the look-ups, because Java's have no timeout
   * @param timeout of a look-up, and of a connection to one address
   * @param nanoTime a clock that is never set, like {@link System#nanoTime()}
   */
  Connector(
      SSLContext tls, Names names, Executor lookUps, Duration timeout, LongSupplier nanoTime) {
    this.names = names;
    this.lookUps = lookUps;
    this.timeout = timeout;
    this.nanoTime = nanoTime;
    DefaultClientTlsStrategy strategy = new DefaultClientTlsStrategy(tls);
    // With a channel's socket, Call can check without blocking whether the other side has closed.
    one =
        new DefaultHttpClientConnectionOperator(
            proxy -> SocketChannel.open().socket(),
            null,
            null,
            scheme -> "https".equals(scheme) ? strategy : null);
  }

  /**
   * @param within the time for the whole connect
   */
  @Override
  public void connect(
      ManagedHttpClientConnection connection,
      HttpHost host,
      NamedEndpoint name,
      InetSocketAddress from,
      Timeout within,
      SocketConfig socket,
      Object attachment,
      HttpContext context)
      throws IOException {
    long end = nanoTime.getAsLong() + within.toNanoseconds();
    List<InetAddress> addresses = inOrder(lookUp(host.getHostName(), within));
    for (int i = 0; ; i++) {
      InetAddress address = addresses.get(i);
      int left = addresses.size() - i;
      long share = Math.min(timeout.toNanos(), (end - nanoTime.getAsLong()) / left);
      try {
        one.connect(
            connection,
            new HttpHost(host.getSchemeName(), address, host.getHostName(), host.getPort()),
            certified(name == null ? host : name),
            from,
            Timeout.ofNanoseconds(Math.max(TimeUnit.MILLISECONDS.toNanos(1), share)),
            socket,
            attachment,
            context);
        failed.remove(address);
        return;
      } catch (IOException e) {
        failed.put(address, nanoTime.getAsLong());
        if (left == 1 || nanoTime.getAsLong() - end >= 0) {
          throw e;
        }
      }
    }
  }

  @Override
  public void connect(
      ManagedHttpClientConnection connection,
      HttpHost host,
      InetSocketAddress from,
      TimeValue within,
      SocketConfig socket,
      HttpContext context)
      throws IOException {
    connect(connection, host, null, from, Timeout.of(within.toDuration()), socket, null, context);
  }

  @Override
  public void upgrade(
      ManagedHttpClientConnection connection,
      HttpHost host,
      NamedEndpoint name,
      Object attachment,
      HttpContext context)
      throws IOException {
    one.upgrade(connection, host, certified(name == null ? host : name), attachment, context);
  }

  @Override
  public void upgrade(ManagedHttpClientConnection connection, HttpHost host, HttpContext context)
      throws IOException {
    upgrade(connection, host, null, null, context);
  }

  /** The name in the certificate, which never ends with a dot, though a host name may. */
  private static NamedEndpoint certified(NamedEndpoint host) {
    String name = host.getHostName();
    return name.endsWith(".")
        ? new Host(name.substring(0, name.length() - 1), host.getPort())
        : host;
  }

  private InetAddress[] lookUp(String host, Timeout within) throws UnknownHostException {
    CompletableFuture<InetAddress[]> lookUp =
        lookUpsUnderWay.computeIfAbsent(
            host, name -> CompletableFuture.supplyAsync(() -> names.addresses(name), lookUps));
    lookUp.whenComplete((found, failure) -> lookUpsUnderWay.remove(host, lookUp));
    try {
      InetAddress[] found =
          lookUp.get(Math.min(timeout.toNanos(), within.toNanoseconds()), TimeUnit.NANOSECONDS);
      if (found.length == 0) {
        throw new UnknownHostException("the host name " + host + " has no address");
      }
      return found;
    } catch (TimeoutException | ExecutionException e) {
      throw new UnknownHostException("the look-up of the host name " + host + " took too long");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UnknownHostException("interrupted while the host name " + host + " was looked up");
    }
  }

  /** Java's own look-up. */
  static InetAddress[] ofJava(String host) {
    try {
      return InetAddress.getAllByName(host);
    } catch (UnknownHostException unknown) {
      return new InetAddress[0];
    }
  }

  private List<InetAddress> inOrder(InetAddress[] found) {
    failed.values().removeIf(at -> nanoTime.getAsLong() - at > AVOID_NANOS);
    List<InetAddress> order = new ArrayList<>(List.of(found));
    List<InetAddress> last = order.stream().filter(failed::containsKey).toList();
    order.removeAll(last);
    order.addAll(last);
    return order;
  }
}
