package dev.herald.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/** A cable between Herald and a server on this machine, which a test can cut. Thread-safe. */
public final class TcpProxy implements AutoCloseable {
  private final IntSupplier target;
  private final int port;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile ServerSocket server;
  private volatile boolean frozen;
  private volatile long delayMs;

  /** Listens on a free port and passes everything on. */
  public TcpProxy(int target) throws IOException {
    this(() -> target);
  }

  /** The same, to a port that is asked for with each connection. */
  public TcpProxy(IntSupplier target) throws IOException {
    this.target = target;
    server = listen(0);
    port = server.getLocalPort();
    daemon(() -> accept(server));
  }

  /** Stands in front of a database. */
  public static TcpProxy of(String jdbcUrl) throws IOException {
    return new TcpProxy(address(jdbcUrl).getPort());
  }

  /** The URL of a database by way of this. */
  public String by(String jdbcUrl) {
    return "jdbc:postgresql://127.0.0.1:%d%s".formatted(port, address(jdbcUrl).getPath());
  }

  private static URI address(String jdbcUrl) {
    return URI.create(jdbcUrl.substring("jdbc:".length()));
  }

  public int port() {
    return port;
  }

  /** Ends every connection, with a reset; new ones are taken. */
  public void cut() {
    for (Socket socket : sockets) {
      sockets.remove(
          socket); // and not all at the end: one that comes meanwhile must be cut next time
      try {
        socket.setSoLinger(true, 0);
        socket.close();
      } catch (IOException gone) {
        // so much the better
      }
    }
  }

  /** From now on there is nobody there. */
  public void refuse() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    cut();
  }

  /** Takes connections again, or goes on with those that were frozen. */
  public void restore() {
    frozen = false;
    delayMs = 0;
    if (server.isClosed()) {
      try {
        ServerSocket again = listen(port);
        server = again;
        daemon(() -> accept(again));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** From now on connections stand and are taken, and nothing passes. */
  public void freeze() {
    frozen = true;
  }

  /** From now on every answer takes its time. */
  public void delay(long milliseconds) {
    delayMs = milliseconds;
  }

  private static ServerSocket listen(int port) throws IOException {
    ServerSocket socket = new ServerSocket();
    socket.setReuseAddress(true);
    socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    return socket;
  }

  private void accept(ServerSocket from) {
    while (!from.isClosed()) {
      try {
        connect(from.accept());
      } catch (IOException closing) {
        // the loop's condition says so
      }
    }
  }

  private void connect(Socket client) {
    sockets.add(client);
    try {
      Socket upstream = new Socket(InetAddress.getLoopbackAddress(), target.getAsInt());
      sockets.add(upstream);
      daemon(() -> pass(client, upstream, false));
      daemon(() -> pass(upstream, client, true));
    } catch (IOException nobodyThere) {
      end(client);
    }
  }

  private void pass(Socket from, Socket to, boolean answers) {
    byte[] buffer = new byte[16 * 1024];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int length = in.read(buffer); length >= 0; length = in.read(buffer)) {
        if (answers && delayMs > 0) {
          closed.await(delayMs, TimeUnit.MILLISECONDS);
        }
        while (frozen && !closed.await(10, TimeUnit.MILLISECONDS)) {
          // nothing passes
        }
        out.write(buffer, 0, length);
      }
    } catch (IOException gone) {
      // the other side learns of it below
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      end(from);
      end(to);
    }
  }

  private void end(Socket socket) {
    sockets.remove(socket);
    try {
      socket.close();
    } catch (IOException gone) {
      // so much the better
    }
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(task, "tcp-proxy");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    closed.countDown();
    refuse();
  }
}
