package dev.herald.testing;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A load balancer as simple as they come: each connection goes to the next node whose {@code
 * /ready} was 200 when it last asked, and nothing is tried twice. Thread-safe.
 */
public final class Balancer implements AutoCloseable {
  private static final long LOOK_MS = 200;
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final List<String> nodes;
  private final AtomicInteger next = new AtomicInteger();
  private final ScheduledExecutorService looking = Executors.newSingleThreadScheduledExecutor();
  private final TcpProxy proxy;
  private volatile List<String> ready;

  /**
   * @param nodes their URLs; all are ready
   */
  public Balancer(List<String> nodes) throws IOException {
    this.nodes = nodes;
    ready = nodes;
    proxy = new TcpProxy(this::pick);
    looking.scheduleWithFixedDelay(this::look, LOOK_MS, LOOK_MS, TimeUnit.MILLISECONDS);
  }

  /** Where clients connect to. */
  public String url() {
    return "http://127.0.0.1:" + proxy.port();
  }

  /** The nodes that get connections now. */
  public List<String> ready() {
    return ready;
  }

  private int pick() {
    List<String> now = ready;
    return URI.create(now.get(next.getAndIncrement() % now.size())).getPort();
  }

  private void look() {
    ready = nodes.stream().filter(Balancer::isReady).toList();
  }

  private static boolean isReady(String node) {
    try {
      return HTTP.send(
                  HttpRequest.newBuilder(URI.create(node + "/ready"))
                      .timeout(Duration.ofSeconds(1))
                      .build(),
                  BodyHandlers.discarding())
              .statusCode()
          == 200;
    } catch (IOException notThere) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void close() {
    looking.shutdownNow();
    proxy.close();
  }
}
