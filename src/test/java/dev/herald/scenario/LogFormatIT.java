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
    assertThat(lines)
        .allSatisfy(
            line -> {
              assertThat(line.path("message").asText()).isNotBlank();
              assertThat(line.path("@timestamp").asText()).endsWith("Z");
              assertThat(line.path("service.name").asText()).isEqualTo("herald");
              assertThat(line.path("service.version").asText()).matches("\\d+\\.\\d+\\.\\d+.*");
              assertThat(line.path("service.node.name").asText()).isEqualTo("node-1");
            });
    assertThat(lines)
        .anySatisfy(
            line -> {
              assertThat(line.path("message").asText()).contains("turned delivery off");
              assertThat(line.path("correlationId").asText()).isEqualTo("request-1");
              assertThat(line.path("log.level").asText()).isEqualTo("INFO");
            });
  }

  @Test
  void should_log_as_text_with_date_and_zone() {
    assertThat(run("text").lines())
        .allSatisfy(
            line ->
                assertThat(line)
                    .matches("\\d{4}-\\d\\d-\\d\\dT[0-9:.]{12}(Z|[+-]\\d\\d:\\d\\d) .*"))
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
      String id = herald.api().create("a text for nobody else");
      await().until(() -> herald.output().contains("is recorded as SENT"));
      assertThat(herald.output().lines().filter(line -> line.contains(" DEBUG Trail ")))
          .allSatisfy(line -> assertThat(line).contains("Message " + id).contains("(request "))
          .satisfiesExactly(
              line -> assertThat(line).contains(" is accepted, due now"),
              line -> assertThat(line).contains(" is claimed by "),
              line -> assertThat(line).contains(" leaves as a POST to 127.0.0.1, attempt 1"),
              line -> assertThat(line).contains(" is answered with HTTP 202"),
              line -> assertThat(line).contains(" ends as DELIVERED after "),
              line -> assertThat(line).contains(" is recorded as SENT"));
      assertThat(webhook.posts().get(0).headers().get("Authorization")).contains("a-secret-4711");
      herald.terminate();
      herald.awaitExit();
      assertThat(herald.output())
          .doesNotContain(" DEBUG Swagger", " DEBUG Jackson", " DEBUG Pooling")
          .doesNotContain("a-secret-4711", "a-token-4711", "a text for nobody else");
    }
  }

  @Test
  void should_refuse_a_level_and_a_format_that_it_does_not_know() {
    try (HeraldProcess herald =
        HeraldProcess.in(Path.of(""))
            .with("LOG_LEVEL", "verbose")
            .with("LOG_FORMAT", "jsonn")
            .start()) {
      assertThat(herald.awaitExit()).isEqualTo(1);
      assertThat(herald.output().lines())
          .satisfiesExactly(
              line -> assertThat(line).endsWith("Herald cannot start:"),
              line ->
                  assertThat(line)
                      .isEqualTo(
                          "  LOG_LEVEL is 'verbose'; it must be one of error, warn, info, debug"),
              line ->
                  assertThat(line)
                      .isEqualTo("  LOG_FORMAT is 'jsonn'; it must be one of text, json"));
    }
  }

  private static String run(String format) {
    try (SampleWebhook webhook = new SampleWebhook();
        HeraldProcess herald =
            HeraldProcess.in(Path.of(""))
                .with("LOG_FORMAT", format)
                .with("NODE_NAME", "node-1")
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
