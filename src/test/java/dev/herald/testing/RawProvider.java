package dev.herald.testing;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A provider at the level of bytes, on loopback: it does to each connection what it is told, which
 * no HTTP server would let one do.
 */
public final class RawProvider implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern LENGTH =
      Pattern.compile("(?i)\r\ncontent-length: *(\\d+)|\r\nidempotency-key: *(\\S+)");

  private final ServerSocket server;
  private final Behaviour behaviour;
  private final Thread accepting;
  private final List<Connection> connections = new CopyOnWriteArrayList<>();
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final CountDownLatch closed = new CountDownLatch(1);

  /** What to do with a connection; it is closed afterwards. */
  @FunctionalInterface
  public interface Behaviour {
    void on(Connection connection) throws IOException;
  }

  /** A POST as it came. */
  public record Request(String head, String body) {
    public String content() {
      try {
        return JSON.readTree(body).path("content").asText();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    public String idempotencyKey() {
      Matcher header = LENGTH.matcher(head);
      String key = null;
      while (header.find()) {
        key = header.group(2) == null ? key : header.group(2);
      }
      return key;
    }
  }

  public RawProvider(Behaviour behaviour) throws IOException {
    this(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()), behaviour);
  }

  /**
   * @param server may speak TLS
   */
  public RawProvider(ServerSocket server, Behaviour behaviour) {
    this.server = server;
    this.behaviour = behaviour;
    accepting = daemon(this::accept);
  }

  public int port() {
    return server.getLocalPort();
  }

  public String url() {
    return "http://127.0.0.1:" + port() + "/webhook";
  }

  /** Every request that was read, in the order of their coming. */
  public List<Request> requests() {
    return List.copyOf(requests);
  }

  /** How many connections were accepted. */
  public int connections() {
    return connections.size();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Connection connection = new Connection(server.accept());
        connections.add(connection);
        daemon(() -> serve(connection));
      } catch (IOException closing) {
        // the loop's condition says so
      }
    }
  }

  private void serve(Connection connection) {
    try {
      behaviour.on(connection);
      connection.socket.close();
    } catch (IOException gone) {
      // The client may leave whenever it wants.
    }
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "raw-provider");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  @Override
  public void close() throws IOException {
    closed.countDown();
    server.close();
    for (Connection connection : connections) {
      connection.socket.close();
    }
    try {
      accepting.join(); // until then the port is taken
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** One connection of the client's. */
  public final class Connection {
    private final Socket socket;

    private Connection(Socket socket) {
      this.socket = socket;
    }

    /** Reads one whole request; null when the client has closed. */
    public Request read() throws IOException {
      String head = head();
      if (head == null) {
        return null;
      }
      int length = 0;
      Matcher header = LENGTH.matcher(head);
      while (header.find()) {
        length = header.group(1) == null ? length : Integer.parseInt(header.group(1));
      }
      byte[] body = socket.getInputStream().readNBytes(length);
      Request request = new Request(head, new String(body, StandardCharsets.UTF_8));
      requests.add(request);
      return request;
    }

    private String head() throws IOException {
      InputStream in = socket.getInputStream();
      ByteArrayOutputStream head = new ByteArrayOutputStream();
      while (!head.toString(StandardCharsets.US_ASCII).endsWith("\r\n\r\n")) {
        int next = in.read();
        if (next < 0) {
          return null;
        }
        head.write(next);
      }
      return head.toString(StandardCharsets.UTF_8);
    }

    /** Waits for the first byte, and leaves it where it is. */
    public void awaitUnread() throws IOException {
      while (socket.getInputStream().available() == 0 && !pause(5)) {
        // the client has yet to write
      }
    }

    /** Reads one byte. */
    public void readOne() throws IOException {
      socket.getInputStream().read();
    }

    public Connection write(String text) throws IOException {
      return write(text.getBytes(StandardCharsets.UTF_8));
    }

    public Connection write(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
      return this;
    }

    /** Writes byte by byte, over and over, until the client has had enough. */
    public void drip(String text) throws IOException {
      List<String> bytes = new ArrayList<>(List.of(text.split("")));
      for (int i = 0; !pause(20); i++) {
        write(bytes.get(i % bytes.size()));
      }
    }

    /** Writes a text over and over, until the client has had enough. */
    public void repeat(String text) throws IOException {
      while (!pause(5)) {
        write(text);
      }
    }

    /** Does nothing until the client closes, or this provider does. */
    public void hang() throws IOException {
      while (socket.getInputStream().read() >= 0) {
        // what the client still says does not matter
      }
    }

    /** Does nothing at all for a while, or until this provider closes. */
    public void idle(long milliseconds) {
      pause(milliseconds);
    }

    /** Ends the answer, and waits until the client has closed too. */
    public void closeFirst() throws IOException {
      closeOutput();
      hang();
    }

    /** Ends the answer; the client can know of it from then on. */
    public void closeOutput() throws IOException {
      socket.shutdownOutput();
    }

    /** Ends the connection with a TCP reset. */
    public void reset() throws IOException {
      socket.setSoLinger(true, 0);
      socket.close();
    }

    private boolean pause(long milliseconds) {
      try {
        return closed.await(milliseconds, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return true;
      }
    }
  }
}
