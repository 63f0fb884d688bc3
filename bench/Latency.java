import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.json.JsonObject;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Measures how long a message takes from its POST to the webhook, at a steady pace, and prints it for every 15 seconds. It is
 * both the client and the webhook, and first sends to itself for 10 seconds, so that it is no longer slow when it measures.
 * Run as a source file: java -cp 'target/lib/*' bench/Latency.java SINK_PORT API_PORT KEY PER_SECOND SECONDS
 */
public final class Latency {
  private static final int WINDOW = 15;

  public static void main(String[] arguments) throws Exception {
    int sinkPort = Integer.parseInt(arguments[0]);
    int apiPort = Integer.parseInt(arguments[1]);
    String key = arguments[2];
    int perSecond = Integer.parseInt(arguments[3]);
    int count = perSecond * Integer.parseInt(arguments[4]);
    Map<String, Long> asked = new ConcurrentHashMap<>();
    Map<String, Long> came = new ConcurrentHashMap<>();
    Map<String, Long> answered = new ConcurrentHashMap<>();

    Vertx vertx = Vertx.vertx();
    vertx
        .createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(sinkPort))
        .requestHandler(
            request ->
                request
                    .body()
                    .onSuccess(
                        body -> {
                          came.put(new JsonObject(body).getString("content"), System.nanoTime());
                          request.response().setStatusCode(202).end("{\"messageId\":\"m\"}");
                        }))
        .listen()
        .toCompletionStage()
        .toCompletableFuture()
        .join();
    HttpClient client =
        vertx.createHttpClient(new HttpClientOptions().setDefaultHost("127.0.0.1").setMaxPoolSize(32));
    post(client, sinkPort, key, perSecond, 10 * perSecond, asked, answered);
    Thread.sleep(1_000);
    came.clear();
    answered.clear();
    post(client, apiPort, key, perSecond, count, asked, answered);
    for (int wait = 0; came.size() < count && wait < 100; wait++) {
      Thread.sleep(100);
    }
    System.out.printf("%-8s %-15s %8s %8s %8s %8s%n", "seconds", "from POST to", "p50/ms", "p90/ms", "p99/ms", "max/ms");
    for (int from = 0; from < count; from += WINDOW * perSecond) {
      int to = Math.min(count, from + WINDOW * perSecond);
      print(from, to, perSecond, "201", asked, answered);
      print(from, to, perSecond, "webhook", asked, came);
    }
    vertx.close();
  }

  private static void post(
      HttpClient client, int port, String key, int perSecond, int count, Map<String, Long> asked, Map<String, Long> answered) {
    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      long due = start + i * 1_000_000_000L / perSecond;
      while (System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      String content = "latency " + i;
      asked.put(content, System.nanoTime());
      client
          .request(HttpMethod.POST, port, "127.0.0.1", "/api/v1/messages")
          .compose(
              request ->
                  request
                      .putHeader("Authorization", "Bearer " + key)
                      .putHeader("Content-Type", "application/json")
                      .send(new JsonObject(Map.of("phoneNumber", "+905551234567", "content", content)).encode()))
          .onSuccess(
              response -> {
                if (response.statusCode() == 201) {
                  answered.put(content, System.nanoTime());
                }
              });
    }
  }

  private static void print(
      int from, int to, int perSecond, String what, Map<String, Long> asked, Map<String, Long> ended) {
    double[] ms = new double[to - from];
    for (int i = from; i < to; i++) {
      Long end = ended.get("latency " + i);
      ms[i - from] = end == null ? Double.POSITIVE_INFINITY : (end - asked.get("latency " + i)) / 1e6;
    }
    Arrays.sort(ms);
    System.out.printf(
        "%-8s %-15s %8.1f %8.1f %8.1f %8.1f%n",
        from / perSecond + "-" + to / perSecond, what, at(ms, 0.5), at(ms, 0.9), at(ms, 0.99), ms[ms.length - 1]);
  }

  private static double at(double[] sorted, double share) {
    return sorted[(int) Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  }
}
