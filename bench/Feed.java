import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.StringJoiner;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A client that sends messages at a steady rate, in batches of up to 1,000, four at a time at most. What is refused is not
 * sent again. It prints what was accepted at the end. Run as a source file:
 * java bench/Feed.java API_PORT KEY PER_SECOND SECONDS
 */
public final class Feed {
  private static final int MOST = 4;

  public static void main(String[] arguments) throws Exception {
    long perSecond = Long.parseLong(arguments[2]);
    long total = perSecond * Long.parseLong(arguments[3]);
    HttpRequest.Builder post =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + arguments[0] + "/api/v1/messages/batch"))
            .header("Authorization", "Bearer " + arguments[1])
            .header("Content-Type", "application/json")
            .timeout(Duration.ofSeconds(60));
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    AtomicLong accepted = new AtomicLong();
    AtomicLong slowest = new AtomicLong();
    Semaphore free = new Semaphore(MOST);
    long start = System.nanoTime();
    for (long sent = 0; sent < total; ) {
      long due = Math.min(total, (System.nanoTime() - start) / 1_000_000 * perSecond / 1_000);
      if (due - sent < Math.min(1_000, total - sent) && due - sent < perSecond / 4) {
        Thread.sleep(10);
        continue;
      }
      int count = (int) Math.min(1_000, due - sent);
      free.acquire();
      long asked = System.nanoTime();
      client
          .sendAsync(post.POST(HttpRequest.BodyPublishers.ofString(batch(sent, count))).build(), BodyHandlers.discarding())
          .whenComplete(
              (response, failed) -> {
                if (failed == null && response.statusCode() == 201) {
                  accepted.addAndGet(count);
                }
                slowest.accumulateAndGet((System.nanoTime() - asked) / 1_000_000, Math::max);
                free.release();
              });
      sent += count;
    }
    free.acquire(MOST);
    System.out.printf(
        "fed %d messages in %.0f s: %d accepted; the slowest batch took %d ms%n",
        total, (System.nanoTime() - start) / 1e9, accepted.get(), slowest.get());
    System.exit(0);
  }

  private static String batch(long from, int count) {
    StringJoiner batch = new StringJoiner(",", "[", "]");
    for (long i = from; i < from + count; i++) {
      batch.add("{\"phoneNumber\":\"+90" + (5_550_000_000L + i % 10_000_000) + "\",\"content\":\"Your code is " + i + "\"}");
    }
    return batch.toString();
  }
}
