import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpServerOptions;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A webhook that answers 202 with a messageId, after some milliseconds if told to, and forgets. Run as a source file:
 * java -cp 'target/lib/*' bench/Sink.java PORT [LATENCY_MS]
 */
public final class Sink {
  public static void main(String[] arguments) {
    int port = Integer.parseInt(arguments[0]);
    int latency = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 0;
    Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    vertx
        .createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(port))
        .requestHandler(
            request -> {
              String answer =
                  "{\"message\":\"Accepted\",\"messageId\":\"m-"
                      + Long.toHexString(ThreadLocalRandom.current().nextLong())
                      + "\"}";
              Runnable end =
                  () ->
                      request
                          .response()
                          .setStatusCode(202)
                          .putHeader("Content-Type", "application/json")
                          .end(answer);
              if (latency > 0) {
                vertx.setTimer(latency, timer -> end.run());
              } else {
                end.run();
              }
            })
        .listen()
        .onSuccess(server -> System.out.println("the sink listens on " + port));
  }
}
