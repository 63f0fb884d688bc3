package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.LocalServers;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** Herald's checks among Camel's, on the management port: they say what /health says. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class HealthInDepthIT {

  @Test
  void should_have_the_checks_of_health_with_what_is_wrong() {
    try (SampleWebhook webhook = new SampleWebhook();
        Node node =
            Node.on(Local.servers().newDatabase(), webhook.url())
                .with("redis.url", "redis://127.0.0.1:" + LocalServers.freePort())
                .with("health.late-after", "1s")
                .start()) {
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(detail(node, "redis", "status")).isEqualTo("DEGRADED"));
      assertThat(detail(node, "postgresql", "status")).isEqualTo("UP");
      assertThat(detail(node, "webhook", "status")).isEqualTo("UP");
      assertThat(detail(node, "backlog", "status")).isEqualTo("UP");
      assertThat(detail(node, "routes", "status")).isEqualTo("UP");
      assertThat(observed(node, "").expect(200).text("/status")).isEqualTo("UP");

      node.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
      node.api().create("late");
      await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(
              () -> assertThat(detail(node, "backlog", "reason")).contains("oldest due message"));
      assertThat(detail(node, "routes", "reason")).contains("dispatch-tick");
      JsonNode health = node.api().get("/health").expect(200).body();
      assertThat(health.at("/checks/backlog/status").asText()).isEqualTo("DEGRADED");
      assertThat(health.at("/checks/routes/detail").asText())
          .isEqualTo(detail(node, "routes", "reason"));
      assertThat(observed(node, "/ready").expect(200).text("/status")).isEqualTo("UP");
    }
  }

  @Test
  void should_be_down_but_alive_while_postgresql_is_away() throws IOException {
    String database = Local.servers().newDatabase();
    int port = URI.create(database.substring("jdbc:".length())).getPort();
    try (TcpProxy postgres = new TcpProxy(port);
        SampleWebhook webhook = new SampleWebhook();
        Node node =
            Node.on(database.replace(":" + port, ":" + postgres.port()), webhook.url()).start()) {
      assertThat(observed(node, "").expect(200).text("/status")).isEqualTo("UP");
      postgres.refuse();
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(observed(node, "").status()).isEqualTo(503));
      observed(node, "/ready").expect(503);
      observed(node, "/live").expect(200);
      assertThat(detail(node, "postgresql", "reason")).contains("does not respond");
      postgres.restore();
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(observed(node, "").status()).isEqualTo(200));
    }
  }

  private static Answer observed(Node node, String path) {
    return new Api(node.managementUrl(), null).get("/observe/health" + path);
  }

  private static String detail(Node node, String check, String detail) {
    JsonNode checks =
        new Api(node.managementUrl(), null).get("/observe/health?data=true").body().path("checks");
    for (JsonNode one : checks) {
      if (one.path("name").asText().equals("herald-" + check)) {
        return one.at("/data/" + detail).asText();
      }
    }
    throw new AssertionError("no check herald-" + check + " in " + checks);
  }
}
