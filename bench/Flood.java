import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Hostile and unlucky clients, all at once: some send a batch of 1,000 messages (559 KB) each until it is accepted, some send
 * a body a byte a second, some send nothing. It ends after so many seconds. Run as a source file:
 * java bench/Flood.java API_PORT KEY BATCHES SLOW SILENT SECONDS
 */
public final class Flood {
  private static final AtomicInteger ACCEPTED = new AtomicInteger();
  private static final AtomicInteger REFUSED = new AtomicInteger();
  private static final AtomicInteger OTHER = new AtomicInteger();
  private static final AtomicInteger BROKEN = new AtomicInteger();
  private static final AtomicInteger SLOW_CLOSED = new AtomicInteger();
  private static final AtomicBoolean ENDED = new AtomicBoolean();
  private static int port;
  private static String key;

  public static void main(String[] arguments) throws Exception {
    port = Integer.parseInt(arguments[0]);
    key = arguments[1];
    int batches = Integer.parseInt(arguments[2]);
    int slow = Integer.parseInt(arguments[3]);
    int silent = Integer.parseInt(arguments[4]);
    long end = System.nanoTime() + Long.parseLong(arguments[5]) * 1_000_000_000L;

    List<Thread> clients = new ArrayList<>();
    clients.add(new Thread(() -> trickle(slow)));
    clients.add(new Thread(() -> stare(silent)));
    List<Thread> senders = new ArrayList<>();
    byte[] batch = batch();
    for (int i = 0; i < batches; i++) {
      senders.add(new Thread(() -> send(batch)));
    }
    clients.forEach(Thread::start);
    senders.forEach(Thread::start);
    for (Thread sender : senders) {
      sender.join(Math.max(1, (end - System.nanoTime()) / 1_000_000));
    }
    while (System.nanoTime() < end) {
      Thread.sleep(100);
    }
    ENDED.set(true);
    System.out.printf(
        "batches accepted %d, 503 %d, other answers %d, connections lost %d; slow bodies closed %d%n",
        ACCEPTED.get(), REFUSED.get(), OTHER.get(), BROKEN.get(), SLOW_CLOSED.get());
    System.exit(0);
  }

  private static void send(byte[] batch) {
    while (!ENDED.get()) {
      try (Socket client = connect(60_000)) {
        write(client, head(batch.length));
        client.getOutputStream().write(batch);
        int status = status(client);
        if (status == 201) {
          ACCEPTED.incrementAndGet();
          return;
        }
        (status == 503 ? REFUSED : OTHER).incrementAndGet();
      } catch (IOException lost) {
        BROKEN.incrementAndGet();
      }
      pause(2_000);
    }
  }

  /** A byte a second of each body; a new connection where one was closed. */
  private static void trickle(int count) {
    Socket[] clients = new Socket[count];
    while (!ENDED.get()) {
      for (int i = 0; i < count; i++) {
        try {
          if (clients[i] == null) {
            clients[i] = connect(1_000);
            write(clients[i], head(559_000) + "[");
          }
          write(clients[i], " ");
        } catch (IOException closed) {
          SLOW_CLOSED.incrementAndGet();
          clients[i] = null;
        }
      }
      pause(1_000);
    }
  }

  private static void stare(int count) {
    List<Socket> clients = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        clients.add(connect(1_000));
      }
    } catch (IOException e) {
      System.out.println("silent connections: " + clients.size() + ", then " + e);
    }
    while (!ENDED.get()) {
      pause(100);
    }
  }

  private static String head(int length) {
    return "POST /api/v1/messages/batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
        + key
        + "\r\nContent-Type: application/json\r\nContent-Length: "
        + length
        + "\r\n\r\n";
  }

  private static byte[] batch() {
    StringBuilder batch = new StringBuilder("[");
    for (int i = 0; i < 1_000; i++) {
      batch
          .append(i == 0 ? "" : ",")
          .append("{\"phoneNumber\":\"+90555%07d\",\"content\":\"%s\"}".formatted(i, "ş".repeat(255)));
    }
    return batch.append("]").toString().getBytes(StandardCharsets.UTF_8);
  }

  private static Socket connect(int timeout) throws IOException {
    Socket client = new Socket(InetAddress.getLoopbackAddress(), port);
    client.setSoTimeout(timeout);
    return client;
  }

  private static void write(Socket client, String text) throws IOException {
    client.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
  }

  private static int status(Socket client) throws IOException {
    InputStream in = client.getInputStream();
    byte[] line = in.readNBytes(12);
    if (line.length < 12) {
      throw new IOException("no answer");
    }
    return Integer.parseInt(new String(line, 9, 3, StandardCharsets.US_ASCII));
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
