import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Clients that store messages in batches of 1,000, one batch after the other. TARGET is the API's port, or a JDBC URL: then
 * each client inserts id, number and content itself, in one plain statement a batch. Prints the stored messages a second.
 * Run as a source file: java -cp 'target/lib/*' bench/Batch.java TARGET KEY CLIENTS SECONDS
 */
public final class Batch {
  private static final int SIZE = 1_000;
  private static final String INSERT =
      """
      WITH stored AS (
          INSERT INTO message (id, phone_number, content, max_attempts, next_attempt_at)
          SELECT id, phone_number, content, 3, now() FROM unnest(?::uuid[], ?::text[], ?::text[]) AS m (id, phone_number, content)
          RETURNING id
      ) INSERT INTO message_tally (status, n) SELECT 'PENDING', count(*) FROM stored""";

  public static void main(String[] arguments) throws Exception {
    String target = arguments[0];
    int clients = Integer.parseInt(arguments[2]);
    long end = System.nanoTime() + Duration.ofSeconds(Long.parseLong(arguments[3])).toNanos();
    ExecutorService threads = Executors.newFixedThreadPool(clients);
    List<Future<Long>> stored = new ArrayList<>();
    long start = System.nanoTime();
    for (int i = 0; i < clients; i++) {
      Callable<Long> client = target.startsWith("jdbc:") ? () -> insert(target, end) : () -> post(target, arguments[1], end);
      stored.add(threads.submit(client));
    }
    long sum = 0;
    for (Future<Long> one : stored) {
      sum += one.get();
    }
    System.out.printf("%.0f%n", sum / ((System.nanoTime() - start) / 1e9));
    threads.shutdown();
  }

  private static long post(String port, String key, long end) throws Exception {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    StringJoiner batch = new StringJoiner(",", "[", "]");
    for (int i = 0; i < SIZE; i++) {
      batch.add("{\"phoneNumber\":\"" + number(i) + "\",\"content\":\"" + content(i) + "\"}");
    }
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/api/v1/messages/batch"))
            .header("Authorization", "Bearer " + key)
            .header("Content-Type", "application/json")
            .timeout(Duration.ofSeconds(60))
            .POST(HttpRequest.BodyPublishers.ofString(batch.toString()))
            .build();
    long stored = 0;
    while (System.nanoTime() < end) {
      int status = client.send(request, BodyHandlers.ofString()).statusCode();
      if (status != 201) {
        throw new IllegalStateException("HTTP " + status + " instead of 201");
      }
      stored += SIZE;
    }
    return stored;
  }

  private static long insert(String url, long end) throws Exception {
    try (Connection connection = DriverManager.getConnection(url, "postgres", "");
        PreparedStatement insert = connection.prepareStatement(INSERT)) {
      String[] numbers = new String[SIZE];
      String[] contents = new String[SIZE];
      for (int i = 0; i < SIZE; i++) {
        numbers[i] = number(i);
        contents[i] = content(i);
      }
      long stored = 0;
      while (System.nanoTime() < end) {
        UUID[] ids = new UUID[SIZE];
        for (int i = 0; i < SIZE; i++) {
          ids[i] = id();
        }
        insert.setArray(1, connection.createArrayOf("uuid", ids));
        insert.setArray(2, connection.createArrayOf("text", numbers));
        insert.setArray(3, connection.createArrayOf("text", contents));
        insert.executeUpdate();
        stored += SIZE;
      }
      return stored;
    }
  }

  /** By time, as Herald's. */
  private static UUID id() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    return new UUID(
        System.currentTimeMillis() << 16 | 0x7000 | random.nextInt(0x1000), random.nextLong() >>> 2 | Long.MIN_VALUE);
  }

  private static String number(int i) {
    return "+90" + (5_550_000_000L + i);
  }

  private static String content(int i) {
    return "Your code is " + (1_000_000 + i);
  }
}
