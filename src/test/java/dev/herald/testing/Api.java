package dev.herald.testing;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A client of the API, as a test needs it. */
public final class Api {
  static {
    // As a careful client: it takes no connection that has been idle for longer, such as for a
    // whole
    // drain, for the server may be closing it.
    System.setProperty("jdk.httpclient.keepalive.timeout", "1");
  }

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final String url;
  private final String key;

  /** An answer, with its body parsed where it is JSON. */
  public record Answer(int status, JsonNode body, HttpResponse<String> http) {
    public Answer expect(int wanted) {
      assertThat(status)
          .as("status of %s %s: %s", http.request().method(), http.uri(), http.body())
          .isEqualTo(wanted);
      return this;
    }

    public String text(String pointer) {
      return body.at(pointer).asText();
    }

    public String id() {
      return text("/id");
    }
  }

  /**
   * @param key sent as a bearer key; none when it is null
   */
  public Api(String url, String key) {
    this.url = url;
    this.key = key;
  }

  public String url() {
    return url;
  }

  public Api withKey(String other) {
    return new Api(url, other);
  }

  public Answer get(String path) {
    return call("GET", path, null);
  }

  public Answer post(String path, Object body, String... headers) {
    return call("POST", path, body, headers);
  }

  public Answer put(String path, Object body) {
    return call("PUT", path, body);
  }

  public Answer patch(String path, Object body) {
    return call("PATCH", path, body);
  }

  public Answer delete(String path) {
    return call("DELETE", path, null);
  }

  /** Creates a message and gives its id. */
  public String create(String content) {
    return post("/api/v1/messages", message(content)).expect(201).id();
  }

  /** Creates many, and gives their ids. */
  public List<String> createMany(int count) {
    List<String> ids = new ArrayList<>();
    for (int done = 0; done < count; done += 1_000) {
      List<Object> batch = new ArrayList<>();
      for (int i = done; i < Math.min(count, done + 1_000); i++) {
        batch.add(Map.of("phoneNumber", "+90555%07d".formatted(i + 1), "content", "message " + i));
      }
      post("/api/v1/messages/batch", batch)
          .expect(201)
          .body()
          .path("ids")
          .forEach(id -> ids.add(id.asText()));
    }
    return ids;
  }

  /** A message's status now. */
  public String status(String id) {
    return get("/api/v1/messages/" + id).expect(200).text("/status");
  }

  /** How many messages have a status. */
  public long count(String status) {
    return get("/api/v1/messages/stats").expect(200).body().at("/byStatus/" + status).asLong();
  }

  public static Map<String, Object> message(String content) {
    return Map.of("phoneNumber", "+905551234567", "content", content);
  }

  /**
   * @param body a string or bytes as they are, anything else as JSON
   */
  public Answer call(String method, String path, Object body, String... headers) {
    try {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(60));
      request.method(
          method,
          body == null
              ? BodyPublishers.noBody()
              : body instanceof byte[] bytes
                  ? BodyPublishers.ofByteArray(bytes)
                  : BodyPublishers.ofString(
                      body instanceof String text ? text : JSON.writeValueAsString(body)));
      if (key != null) {
        request.header("Authorization", "Bearer " + key);
      }
      if (body != null && !List.of(headers).contains("Content-Type")) {
        request.header("Content-Type", "application/json");
      }
      if (headers.length > 0) {
        request.headers(headers);
      }
      HttpResponse<String> response = HTTP.send(request.build(), BodyHandlers.ofString());
      boolean json = response.headers().firstValue("Content-Type").orElse("").contains("json");
      return new Answer(
          response.statusCode(), json ? JSON.readTree(response.body()) : JSON.nullNode(), response);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
