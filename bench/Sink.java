import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A webhook that responds 202 with a messageId, optionally after some milliseconds. Run as a source file:
 * java -cp 'target/lib/*' bench/Sink.java PORT [LATENCY_MS]
 *
 * <p>GET /fail?percent=10&status=429&retryAfter=1 makes it fail that percentage of calls at random from then on, and returns
 * the number of POSTs so far.
 */
public final class Sink {
  private static int percent;
  private static int status = 503;
  private static String retryAfter = "";
  private static long posts;

  public static void main(String[] arguments) {
    int port = Integer.parseInt(arguments[0]);
    int latency = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 0;
    Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    vertx
        .createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(port))
        .requestHandler(
            request -> {
              if (request.path().equals("/fail")) {
                fail(request);
                return;
              }
              posts++;
              if (latency > 0) {
                vertx.setTimer(latency, timer -> answer(request));
              } else {
                answer(request);
              }
            })
        .listen()
        .onSuccess(server -> System.out.println("the sink listens on " + port));
  }

  private static void fail(HttpServerRequest request) {
    percent = Integer.parseInt(request.getParam("percent", Integer.toString(percent)));
    status = Integer.parseInt(request.getParam("status", Integer.toString(status)));
    retryAfter = request.getParam("retryAfter", "");
    request.response().end(Long.toString(posts));
  }

  private static void answer(HttpServerRequest request) {
    if (percent > 0 && ThreadLocalRandom.current().nextInt(100) < percent) {
      if (!retryAfter.isEmpty()) {
        request.response().putHeader("Retry-After", retryAfter);
      }
      request.response().setStatusCode(status).end("as told");
      return;
    }
    String id = "m-" + Long.toHexString(ThreadLocalRandom.current().nextLong());
    request
        .response()
        .setStatusCode(202)
        .putHeader("Content-Type", "application/json")
        .end("{\"message\":\"Accepted\",\"messageId\":\"" + id + "\"}");
  }
}
