package dev.herald.dev;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Sends sample messages to a Herald that runs: {@code mvn -q test-compile exec:java
 * -Dexec.mainClass=dev.herald.dev.Seed -Dexec.args="URL KEY COUNT"}.
 */
public final class Seed {
  private static final int BATCH = 1_000;

  private final HttpClient http = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  private final String url;
  private final String key;

  Seed(String url, String key) {
    this.url = url.replaceAll("/+$", "");
    this.key = key;
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length < 2 || arguments.length > 3) {
      throw new IllegalArgumentException("takes the URL of a Herald, a key, and how many (100)");
    }
    int count = arguments.length == 3 ? Integer.parseInt(arguments[2]) : 100;
    new Seed(arguments[0], arguments[1]).send(count);
    System.out.printf("%s took %d messages.%n", arguments[0], count);
  }

  /** In batches, each all or none. */
  void send(int count) throws IOException, InterruptedException {
    for (int done = 0; done < count; done += BATCH) {
      List<Map<String, String>> batch = new ArrayList<>();
      for (int i = done; i < Math.min(count, done + BATCH); i++) {
        batch.add(
            Map.of(
                "phoneNumber",
                "+90555%07d".formatted(i % 10_000_000),
                "content",
                "Sample message " + (i + 1)));
      }
      post(batch);
    }
  }

  private void post(List<Map<String, String>> batch) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + "/api/v1/messages/batch"))
            .header("Authorization", "Bearer " + key)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofByteArray(json.writeValueAsBytes(batch)))
            .build();
    HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
    if (answer.statusCode() != 201) {
      throw new IOException("HTTP %d: %s".formatted(answer.statusCode(), answer.body()));
    }
  }
}
