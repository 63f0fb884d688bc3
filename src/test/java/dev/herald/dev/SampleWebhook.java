package dev.herald.dev;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.MultiMap;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A provider's webhook: it remembers every POST, and answers 202 with a messageId unless told
 * otherwise.
 */
public final class SampleWebhook implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int LOST = -1;
  private static final int TRUNCATED = -2;

  private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
  private final HttpServer server;
  private final LinkedBlockingQueue<Post> posts = new LinkedBlockingQueue<>();
  private final List<Consumer<Post>> listeners = new CopyOnWriteArrayList<>();
  private volatile Function<Post, Answer> behaviour = post -> Answer.accepted();

  /** One POST as it came. */
  public record Post(String path, MultiMap headers, String to, String content, String body) {
    public String idempotencyKey() {
      return headers.get("Idempotency-Key");
    }
  }

  /**
   * What to say, and when.
   *
   * @param retryAfter the header of that name; null for none
   */
  public record Answer(int status, String body, String retryAfter, long delayMs) {
    public static Answer accepted() {
      return new Answer(
          202, "{\"message\":\"Accepted\",\"messageId\":\"" + UUID.randomUUID() + "\"}", null, 0);
    }

    /** The connection ends without an answer. */
    public static Answer lost() {
      return new Answer(LOST, "", null, 0);
    }

    /** The connection ends in the middle of the body. */
    public static Answer truncated() {
      return new Answer(TRUNCATED, "{\"message\":\"Acc", null, 0);
    }

    public static Answer status(int status) {
      return new Answer(status, "{\"error\":\"as told\"}", null, 0);
    }

    public Answer after(long milliseconds) {
      return new Answer(status, body, retryAfter, milliseconds);
    }

    public Answer withRetryAfter(String value) {
      return new Answer(status, body, value, delayMs);
    }
  }

  /** Listens on a free port, on this machine only. */
  public SampleWebhook() {
    this(0);
  }

  public SampleWebhook(int port) {
    server =
        vertx
            .createHttpServer()
            .requestHandler(request -> request.body().onSuccess(body -> take(request, body)));
    server.listen(port, "127.0.0.1").toCompletionStage().toCompletableFuture().join();
  }

  public int port() {
    return server.actualPort();
  }

  public String url() {
    return "http://127.0.0.1:" + port() + "/webhook";
  }

  /** From now on answers as told. */
  public void answer(Function<Post, Answer> behaviour) {
    this.behaviour = behaviour;
  }

  /** Tells of each POST as it comes. */
  public void onPost(Consumer<Post> listener) {
    listeners.add(listener);
  }

  /** Every POST so far, in the order of their coming. */
  public List<Post> posts() {
    return List.copyOf(posts);
  }

  public void forget() {
    posts.clear();
  }

  private void take(HttpServerRequest request, Buffer body) {
    Post post = read(request, body.toString());
    posts.add(post);
    listeners.forEach(listener -> listener.accept(post));
    Answer answer = behaviour.apply(post);
    if (answer.delayMs() > 0) {
      vertx.setTimer(answer.delayMs(), timer -> send(request.response(), answer));
    } else {
      send(request.response(), answer);
    }
  }

  private static void send(HttpServerResponse response, Answer answer) {
    if (response.closed()) {
      return;
    }
    if (answer.status() == LOST) {
      response.reset();
    } else if (answer.status() == TRUNCATED) {
      response.setStatusCode(202).putHeader("Content-Length", "100");
      response.write(answer.body()).onComplete(written -> response.reset());
    } else {
      response.setStatusCode(answer.status()).putHeader("Content-Type", "application/json");
      if (answer.retryAfter() != null) {
        response.putHeader("Retry-After", answer.retryAfter());
      }
      response.end(answer.body());
    }
  }

  private static Post read(HttpServerRequest request, String body) {
    try {
      JsonNode json = JSON.readTree(body);
      return new Post(
          request.path(),
          request.headers(),
          json.path("to").asText(),
          json.path("content").asText(),
          body);
    } catch (IOException e) {
      return new Post(request.path(), request.headers(), null, null, body);
    }
  }

  @Override
  public void close() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }
}
