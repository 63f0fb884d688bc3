package dev.herald.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/** Sends bytes as they are, right or wrong, and reads an answer by HTTP/1.1. Not thread-safe. */
public final class RawHttp implements AutoCloseable {
  /** An answer that takes longer is a hang. */
  private static final int HANG_MS = 30_000;

  private final int port;
  private Socket kept;

  /** An answer. */
  public record Reply(int status, Map<String, String> headers, String body) {
    public String header(String name) {
      return headers.get(name);
    }
  }

  public RawHttp(int port) {
    this.port = port;
  }

  /**
   * Sends a request over the kept connection; a new one is made where the answer before closed it.
   *
   * @return null when the connection ended without an answer
   */
  public Reply send(byte[] request, boolean withoutBody) {
    try {
      if (kept == null) {
        kept = connect();
      }
      Reply reply = exchange(kept, request, withoutBody);
      if (reply == null || "close".equalsIgnoreCase(reply.header("Connection"))) {
        close();
      }
      return reply;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Sends bytes over a connection of their own, and says that no more follow.
   *
   * @return null when the connection ended without an answer
   */
  public Reply sendAlone(byte[] bytes) {
    try (Socket socket = connect()) {
      try {
        socket.getOutputStream().write(bytes);
        socket.shutdownOutput();
      } catch (IOException dropped) {
        return null;
      }
      return read(socket.getInputStream(), false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(HANG_MS);
    socket.setTcpNoDelay(true);
    return socket;
  }

  private static Reply exchange(Socket socket, byte[] request, boolean withoutBody)
      throws IOException {
    try {
      socket.getOutputStream().write(request);
    } catch (IOException early) {
      // it may have answered before it had read all
    }
    return read(socket.getInputStream(), withoutBody);
  }

  private static Reply read(InputStream from, boolean withoutBody) throws IOException {
    try {
      InputStream in = new BufferedInputStream(from, 1);
      String first = line(in);
      if (first == null || !first.startsWith("HTTP/1.")) {
        return null;
      }
      Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
        int colon = line.indexOf(':');
        headers.put(line.substring(0, colon), line.substring(colon + 1).strip());
      }
      int status = Integer.parseInt(first.substring(9, 12));
      String body = withoutBody || status == 204 || status == 304 ? "" : body(in, headers);
      return new Reply(status, headers, body);
    } catch (SocketTimeoutException hang) {
      throw new AssertionError("no answer within " + HANG_MS + " ms", hang);
    } catch (IOException dropped) {
      return null;
    }
  }

  private static String body(InputStream in, Map<String, String> headers) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    if ("chunked".equalsIgnoreCase(headers.get("Transfer-Encoding"))) {
      for (int size = size(in); size > 0; size = size(in)) {
        body.write(in.readNBytes(size));
        line(in);
      }
      line(in);
    } else if (headers.containsKey("Content-Length")) {
      body.write(in.readNBytes(Integer.parseInt(headers.get("Content-Length"))));
    } else {
      body.write(in.readAllBytes());
    }
    return body.toString(StandardCharsets.UTF_8);
  }

  private static int size(InputStream in) throws IOException {
    String line = line(in);
    if (line == null) {
      throw new IOException("the answer breaks off");
    }
    return Integer.parseInt(line, 16);
  }

  /** Null at the end. */
  private static String line(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int one = in.read(); one != '\n'; one = in.read()) {
      if (one < 0) {
        return line.size() == 0 ? null : line.toString(StandardCharsets.ISO_8859_1);
      }
      line.write(one);
    }
    return line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
  }

  @Override
  public void close() {
    try {
      if (kept != null) {
        kept.close();
        kept = null;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
