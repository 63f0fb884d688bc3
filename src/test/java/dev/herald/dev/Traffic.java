package dev.herald.dev;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * A trickle of messages, as a service has them, so that there is something to look at: now and then
 * the webhook is busy, and one number is never reached.
 */
final class Traffic {
  /** The number that always fails. */
  static final String DEAD_NUMBER = "+905551230000";

  private static final int EVERY_MS = 2_000;
  private static final int ONE_IN = 12;

  private final String url;
  private final String key;
  private final Random random = new Random();

  Traffic(String url, String key) {
    this.url = url;
    this.key = key;
  }

  /** Begins; ends with the process. */
  void start() {
    Thread sending = new Thread(this::send, "development-run-traffic");
    sending.setDaemon(true);
    sending.start();
  }

  /** How a provider answers on an ordinary day. */
  static SampleWebhook.Answer answer(SampleWebhook.Post post, int chance) {
    if (DEAD_NUMBER.equals(post.to())) {
      return new SampleWebhook.Answer(
          400, "{\"error\":\"this number is not in service\"}", null, 0);
    }
    return chance % ONE_IN == 0
        ? SampleWebhook.Answer.status(503)
        : SampleWebhook.Answer.accepted();
  }

  private void send() {
    HttpClient http = HttpClient.newHttpClient();
    ObjectMapper json = new ObjectMapper();
    try {
      for (int i = 1; ; i++) {
        TimeUnit.MILLISECONDS.sleep(EVERY_MS);
        String number =
            i % ONE_IN == 0 ? DEAD_NUMBER : "+9055512%05d".formatted(random.nextInt(100_000));
        String content = "Your code is %04d".formatted(random.nextInt(10_000));
        try {
          HttpRequest request =
              HttpRequest.newBuilder(URI.create(url + "/api/v1/messages"))
                  .header("Authorization", "Bearer " + key)
                  .header("Content-Type", "application/json")
                  .POST(
                      BodyPublishers.ofByteArray(
                          json.writeValueAsBytes(
                              Map.of("phoneNumber", number, "content", content))))
                  .build();
          http.send(request, BodyHandlers.discarding());
        } catch (IOException stopping) {
          // the next one may be taken
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
