package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/**
 * A client's headers cannot steer a route, whatever they are called and however that is written.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RequestHeadersIT {
  private static final String[] HOSTILE = {
    "CamelSqlQuery", "DELETE FROM message",
    "CAMELsqlQUERY", "DELETE FROM message",
    "CamelHttpResponseCode", "418",
    "CamelHttpUri", "http://127.0.0.1:9/",
    "CamelRestHttpUri", "http://127.0.0.1:9/",
    "CamelBeanMethodName", "toString",
    "Long-Running-Action", "http://127.0.0.1:9/",
    "Herald-Key-Name", "somebody-else",
    "herald-key-name", "somebody-else",
    "routeId", "api",
    "running", "false",
    "Access-Control-Request-Method", "POST",
    "Origin", "https://elsewhere.example",
  };

  @Test
  void should_not_let_a_clients_headers_steer_a_route() {
    try (SampleWebhook webhook = new SampleWebhook()) {
      String database = Local.servers().newDatabase();
      try (Node node =
          Node.on(database, webhook.url()).with("api.key", "ops:" + Node.KEY).start()) {
        Api api = node.api();
        Answer created = api.post("/api/v1/messages", Api.message("as ever"), HOSTILE).expect(201);
        assertThat(created.http().headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
        String id = created.id();
        await().untilAsserted(() -> assertThat(api.status(id)).isEqualTo("SENT"));
        assertThat(new Sql(database).value("SELECT changed_by FROM message")).isEqualTo("ops");
        assertThat(webhook.posts().get(0).headers().names())
            .noneMatch(name -> name.regionMatches(true, 0, "camel", 0, 5))
            .doesNotContain("Origin", "Long-Running-Action");

        Answer stopped = api.post("/api/v1/scheduler/stop", null, HOSTILE).expect(200);
        assertThat(stopped.text("/changedBy")).isEqualTo("ops");
        api.post("/api/v1/routes/housekeeping/stop", null, HOSTILE).expect(200);
        api.post("/api/v1/messaging/process", null, HOSTILE).expect(200);
        assertThat(api.count("SENT")).isEqualTo(1);
      }
    }
  }
}
