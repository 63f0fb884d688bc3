package dev.herald.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A forward proxy on loopback: it passes on what is asked in absolute form, one request a
 * connection, and makes tunnels.
 */
public final class ForwardProxy implements AutoCloseable {
  private static final Pattern TUNNEL = Pattern.compile("CONNECT ([^ ]+):(\\d+) HTTP/1.1\r\n");
  private static final Pattern PLAIN =
      Pattern.compile("([A-Z]+) http://([^/ ]+):(\\d+)(/[^ ]*) HTTP/1.1\r\n");

  private final ServerSocket server;
  private final Thread accepting;
  private final List<String> heads = new CopyOnWriteArrayList<>();
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private volatile String refusal;

  public ForwardProxy() throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    accepting = daemon(this::accept);
  }

  public int port() {
    return server.getLocalPort();
  }

  public String url() {
    return "http://127.0.0.1:" + port();
  }

  /** The head of every request to the proxy itself. */
  public List<String> heads() {
    return List.copyOf(heads);
  }

  /** From now on answers so, like {@code 502 Bad Gateway}, and passes nothing on. */
  public void refuse(String status) {
    refusal = status;
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket client = server.accept();
        sockets.add(client);
        daemon(() -> serve(client));
      } catch (IOException closing) {
        // the loop's condition says so
      }
    }
  }

  private void serve(Socket client) {
    try (client) {
      String head = head(client.getInputStream());
      heads.add(head);
      Matcher tunnel = TUNNEL.matcher(head);
      Matcher plain = PLAIN.matcher(head);
      if (refusal != null) {
        write(client, "HTTP/1.1 " + refusal + "\r\nContent-Length: 2\r\n\r\nno");
        client.getInputStream().readAllBytes();
      } else if (tunnel.lookingAt()) {
        try (Socket target = connect(tunnel.group(1), tunnel.group(2))) {
          write(client, "HTTP/1.1 200 Connection established\r\n\r\n");
          pass(client, target);
        }
      } else if (plain.lookingAt()) {
        try (Socket target = connect(plain.group(2), plain.group(3))) {
          List<String> lines = new ArrayList<>(head.substring(plain.end()).lines().toList());
          lines.removeIf(line -> line.regionMatches(true, 0, "Proxy-", 0, 6));
          lines.add(0, plain.group(1) + " " + plain.group(4) + " HTTP/1.1");
          write(target, String.join("\r\n", lines) + "\r\n");
          pass(client, target);
        }
      } else {
        write(client, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
      }
    } catch (IOException gone) {
      // Either side may leave whenever it wants.
    }
  }

  private Socket connect(String host, String port) throws IOException {
    Socket target = new Socket(host, Integer.parseInt(port));
    sockets.add(target);
    return target;
  }

  /** Until the target has ended. */
  private static void pass(Socket client, Socket target) throws IOException {
    daemon(
        () -> {
          try {
            client.getInputStream().transferTo(target.getOutputStream());
            target.shutdownOutput();
          } catch (IOException gone) {
            // as above
          }
        });
    target.getInputStream().transferTo(client.getOutputStream());
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
  }

  private static String head(InputStream in) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("the client has left");
      }
      head.write(next);
    }
    return head.toString(StandardCharsets.ISO_8859_1);
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "forward-proxy");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket socket : sockets) {
      socket.close();
    }
    try {
      accepting.join(); // until then the port is taken
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
