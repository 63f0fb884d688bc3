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
 * Measures how long a message takes from its POST to the webhook, at a steady pace. It is both the client and the webhook. Run
 * as a source file: java -cp 'target/lib/*' bench/Latency.java SINK_PORT API_PORT KEY PER_SECOND SECONDS
 */
public final class Latency {
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
        vertx.createHttpClient(
            new HttpClientOptions().setDefaultHost("127.0.0.1").setDefaultPort(apiPort).setMaxPoolSize(32));

    long start = System.nanoTime();
    for (int i = 0; i < count; i++) {
      long due = start + i * 1_000_000_000L / perSecond;
      while (System.nanoTime() < due) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      String content = "latency " + i;
      asked.put(content, System.nanoTime());
      client
          .request(HttpMethod.POST, "/api/v1/messages")
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
    for (int wait = 0; came.size() < count && wait < 100; wait++) {
      Thread.sleep(100);
    }
    // The first tenth warms up.
    print("POST to 201", count, asked, answered);
    print("POST to webhook", count, asked, came);
    vertx.close();
  }

  private static void print(String what, int count, Map<String, Long> from, Map<String, Long> to) {
    double[] ms = new double[count - count / 10];
    for (int i = count / 10, n = 0; i < count; i++, n++) {
      Long end = to.get("latency " + i);
      ms[n] = end == null ? Double.POSITIVE_INFINITY : (end - from.get("latency " + i)) / 1e6;
    }
    Arrays.sort(ms);
    System.out.printf(
        "%-16s n=%d  p50 %.1f ms  p90 %.1f ms  p99 %.1f ms  max %.1f ms%n",
        what, ms.length, at(ms, 0.5), at(ms, 0.9), at(ms, 0.99), ms[ms.length - 1]);
  }

  private static double at(double[] sorted, double share) {
    return sorted[(int) Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  }
}
