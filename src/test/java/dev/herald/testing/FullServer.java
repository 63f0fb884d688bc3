package dev.herald.testing;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;

/** An address that takes no connection and refuses none: the queue of what waits there is full. */
public final class FullServer implements AutoCloseable {
  private final ServerSocket server;
  private final List<Socket> queue = new ArrayList<>();

  /**
   * @param port 0 for a free one
   */
  public FullServer(InetAddress address, int port) throws IOException {
    server = new ServerSocket(port, 1, address);
    while (true) {
      Socket socket = new Socket();
      queue.add(socket);
      try {
        socket.connect(new InetSocketAddress(address, server.getLocalPort()), 300);
      } catch (SocketTimeoutException full) {
        return;
      }
    }
  }

  public int port() {
    return server.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : queue) {
      socket.close();
    }
  }
}
