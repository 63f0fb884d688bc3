package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.HeraldProcess;
import dev.herald.testing.Local;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** LOG_FORMAT, as a service has it. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class LogFormatIT {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void should_log_one_json_object_a_line_with_the_request_where_there_is_one() throws Exception {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : run("json").split("\\R")) {
      lines.add(JSON.readTree(line));
    }
    assertThat(lines).allSatisfy(line -> assertThat(line.path("message").asText()).isNotBlank());
    assertThat(lines)
        .anySatisfy(
            line -> {
              assertThat(line.path("message").asText()).contains("turned delivery off");
              assertThat(line.path("correlationId").asText()).isEqualTo("request-1");
              assertThat(line.path("log.level").asText()).isEqualTo("INFO");
            });
  }

  @Test
  void should_log_as_text_whatever_else_is_asked_for() {
    assertThat(run("yaml").lines())
        .anySatisfy(
            line ->
                assertThat(line)
                    .contains("INFO")
                    .contains("turned delivery off")
                    .endsWith("(request request-1)"));
  }

  @Test
  void should_log_neither_the_providers_key_nor_a_text_however_much_is_asked_for() {
    try (SampleWebhook webhook = new SampleWebhook();
        HeraldProcess herald =
            HeraldProcess.in(Path.of(""))
                .with("LOG_LEVEL", "debug")
                .with("DATABASE_URL", Local.servers().newDatabase())
                .with("REDIS_URL", Local.servers().redisUrl())
                .with("WEBHOOK_URL", webhook.url() + "?token=a-token-4711")
                .with("WEBHOOK_AUTH_VALUE", "Bearer a-secret-4711")
                .startAndAwait()) {
      herald.api().create("a text for nobody else");
      await().until(() -> !webhook.posts().isEmpty());
      assertThat(webhook.posts().get(0).headers().get("Authorization")).contains("a-secret-4711");
      herald.terminate();
      herald.awaitExit();
      assertThat(herald.output())
          .contains("DEBUG")
          .doesNotContain("a-secret-4711", "a-token-4711", "a text for nobody else");
    }
  }

  private static String run(String format) {
    try (SampleWebhook webhook = new SampleWebhook();
        HeraldProcess herald =
            HeraldProcess.in(Path.of(""))
                .with("LOG_FORMAT", format)
                .with("DATABASE_URL", Local.servers().newDatabase())
                .with("REDIS_URL", Local.servers().redisUrl())
                .with("WEBHOOK_URL", webhook.url())
                .startAndAwait()) {
      herald
          .api()
          .post("/api/v1/scheduler/stop", Map.of("reason", "why"), "X-Correlation-ID", "request-1")
          .expect(200);
      await().until(() -> herald.output().contains("request-1"));
      herald.terminate();
      herald.awaitExit();
      return herald.output();
    }
  }
}
