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
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** Herald's checks among Camel's, on the management port: they say what /health says. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class HealthInDepthIT {

  private static SampleWebhook webhook;
  private static TcpProxy cable;
  private static Sql sql;
  private static Node node;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    cable = TcpProxy.of(database);
    node =
        Node.on(cable.by(database), webhook.url())
            .with("redis.url", "redis://127.0.0.1:" + LocalServers.freePort())
            .with("health.late-after", "1s")
            .start();
  }

  @AfterAll
  static void stop() {
    node.close();
    cable.close();
    webhook.close();
  }

  @BeforeEach
  void reset() {
    node.reset(sql);
    awaitDetail("backlog", "status", "UP");
  }

  @Test
  void should_have_the_checks_of_health_with_what_is_wrong() {
    awaitDetail("redis", "status", "DEGRADED");
    assertThat(detail("postgresql", "status")).isEqualTo("UP");
    assertThat(detail("webhook", "status")).isEqualTo("UP");
    assertThat(detail("routes", "status")).isEqualTo("UP");
    assertThat(observed("").expect(200).text("/status")).isEqualTo("UP");

    node.api().post("/api/v1/routes/dispatch-tick/stop", null).expect(200);
    node.api().create("late");
    await()
        .untilAsserted(
            () -> assertThat(detail("backlog", "reason")).contains("oldest due message"));
    assertThat(detail("routes", "reason")).contains("dispatch-tick");
    JsonNode health = node.api().get("/health").expect(200).body();
    assertThat(health.at("/checks/backlog/status").asText()).isEqualTo("DEGRADED");
    assertThat(health.at("/checks/routes/detail").asText()).isEqualTo(detail("routes", "reason"));
    assertThat(observed("/ready").expect(200).text("/status")).isEqualTo("UP");
  }

  @Test
  void should_be_down_but_alive_while_postgresql_is_away() {
    assertThat(observed("").expect(200).text("/status")).isEqualTo("UP");
    cable.refuse();
    await().untilAsserted(() -> observed("").expect(503));
    observed("/ready").expect(503);
    observed("/live").expect(200);
    assertThat(detail("postgresql", "reason")).contains("does not respond");
    cable.restore();
    await().untilAsserted(() -> observed("").expect(200));
  }

  @Test
  void should_be_degraded_while_claims_fail_though_postgresql_is_there() {
    assertThat(detail("delivery", "status")).isEqualTo("UP");
    sql.update("ALTER TABLE message RENAME COLUMN lease_until TO lease_till");
    try {
      awaitDetail("delivery", "status", "DEGRADED");
      assertThat(detail("delivery", "reason"))
          .matches("claims fail since 2\\S+Z; the log of this node says why");
      assertThat(detail("postgresql", "status")).isEqualTo("UP");
      JsonNode health = node.api().get("/health").expect(200).body();
      assertThat(health.at("/checks/delivery/detail").asText())
          .isEqualTo(detail("delivery", "reason"));
      assertThat(node.metric("herald_delivery_failing")).isEqualTo(1);
    } finally {
      sql.update("ALTER TABLE message RENAME COLUMN lease_till TO lease_until");
    }
    awaitDetail("delivery", "status", "UP");
    assertThat(node.metric("herald_delivery_failing")).isZero();
  }

  @Test
  void should_be_degraded_while_outcomes_cannot_be_recorded() {
    sql.update("ALTER TABLE attempt RENAME COLUMN duration_ms TO took_ms");
    String id;
    try {
      id = node.api().create("delivered and not recorded");
      awaitDetail("delivery", "status", "DEGRADED");
      assertThat(detail("delivery", "reason")).startsWith("outcomes cannot be recorded");
      assertThat(sql.value("SELECT status FROM message")).isEqualTo("PENDING");
    } finally {
      sql.update("ALTER TABLE attempt RENAME COLUMN took_ms TO duration_ms");
    }
    await().untilAsserted(() -> assertThat(node.api().status(id)).isEqualTo("SENT"));
    awaitDetail("delivery", "status", "UP");
  }

  private static void awaitDetail(String check, String detail, String value) {
    await().untilAsserted(() -> assertThat(detail(check, detail)).isEqualTo(value));
  }

  private static Answer observed(String path) {
    return new Api(node.managementUrl(), null).get("/observe/health" + path);
  }

  private static String detail(String check, String detail) {
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
