package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.lang.management.ManagementFactory;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Starting and stopping, by the API, JMX and Jolokia. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ControlIT {
  private static SampleWebhook webhook;
  private static String database;
  private static Node node;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    database = Local.servers().newDatabase();
    node = node().start();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @BeforeEach
  void reset() {
    node.reset(new Sql(database));
    webhook.answer(post -> SampleWebhook.Answer.accepted());
    webhook.forget();
  }

  private static Node.Builder node() {
    return Node.on(database, webhook.url()).with("api.key", "ops:" + Node.KEY);
  }

  @Test
  void should_stop_and_start_every_node_and_outlast_a_restart() {
    try (Node other = node().start()) {
      Answer stopped =
          node.api()
              .post("/api/v1/scheduler/stop", Map.of("reason", "provider maintenance"))
              .expect(200);
      assertThat(stopped.body().path("running").asBoolean()).isFalse();
      assertThat(stopped.text("/reason")).isEqualTo("provider maintenance");
      assertThat(stopped.text("/changedBy")).isEqualTo("ops");
      assertThat(other.api().get("/api/v1/scheduler/status").expect(200).body())
          .isEqualTo(stopped.body());
      assertThat(
              other
                  .api()
                  .post("/api/v1/scheduler/stop", Map.of("reason", "again"))
                  .expect(200)
                  .body())
          .as("stopping what is stopped changes nothing")
          .isEqualTo(stopped.body());
    }
    node.api().create("waits");
    try (Node again = node().start()) {
      assertThat(again.api().get("/api/v1/scheduler/status").text("/reason"))
          .isEqualTo("provider maintenance");
      await().during(Duration.ofMillis(500)).until(() -> webhook.posts().isEmpty());
      assertThat(again.api().count("PENDING")).isEqualTo(1);

      assertThat(
              again
                  .api()
                  .post("/api/v1/scheduler/start", null)
                  .expect(200)
                  .body()
                  .path("running")
                  .asBoolean())
          .isTrue();
      await().untilAsserted(() -> assertThat(webhook.posts()).hasSize(1));
    }
  }

  @Test
  void should_answer_two_stops_at_once_with_the_truth() throws Exception {
    Sql sql = new Sql(database);
    List<CompletableFuture<Answer>> stops = new ArrayList<>();
    try (Connection lock = sql.connect();
        Statement statement = lock.createStatement()) {
      lock.setAutoCommit(false);
      statement.execute("SELECT FROM scheduler FOR UPDATE");
      for (int i = 1; i <= 2; i++) {
        int waiting = i;
        Map<String, String> reason = Map.of("reason", "stop " + i);
        stops.add(
            CompletableFuture.supplyAsync(
                () -> node.api().post("/api/v1/scheduler/stop", reason).expect(200)));
        await()
            .until(
                () ->
                    sql.number(
                            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                + " AND wait_event_type = 'Lock' AND query LIKE '%switched AS%'")
                        == waiting);
      }
      lock.commit();
    }
    for (CompletableFuture<Answer> stop : stops) {
      Answer answer = stop.get(30, TimeUnit.SECONDS);
      assertThat(answer.body().path("running").asBoolean()).isFalse();
      assertThat(answer.text("/reason")).as("only the first changes something").isEqualTo("stop 1");
    }
  }

  @Test
  void should_deliver_one_batch_by_hand_while_stopped() {
    Api api = node.api();
    api.post("/api/v1/scheduler/stop", null).expect(200);
    api.createMany(5);
    webhook.answer(
        post ->
            post.content().equals("message 1")
                ? SampleWebhook.Answer.status(400)
                : SampleWebhook.Answer.accepted());

    JsonNode result = api.post("/api/v1/messaging/process?batchSize=3", null).expect(200).body();
    assertThat(result.path("claimed").asInt()).isEqualTo(3);
    assertThat(result.at("/outcomes/DELIVERED").asInt()).isEqualTo(2);
    assertThat(result.at("/outcomes/REFUSED").asInt()).isEqualTo(1);
    assertThat(result.path("messages")).hasSize(3);
    assertThat(result.path("messages").findValuesAsText("error"))
        .singleElement()
        .asString()
        .contains("HTTP 400");
    await().untilAsserted(() -> assertThat(api.count("SENT")).isEqualTo(2));
    assertThat(api.count("FAILED")).isEqualTo(1);
    assertThat(api.count("PENDING")).isEqualTo(2);

    assertThat(
            api.post("/api/v1/messaging/process", null).expect(200).body().path("claimed").asInt())
        .isEqualTo(2);
    assertThat(
            api.post("/api/v1/messaging/process", null).expect(200).body().path("claimed").asInt())
        .isZero();
    assertThat(webhook.posts()).hasSize(5);
    api.post("/api/v1/messaging/process?batchSize=0", null).expect(400);
  }

  @Test
  void should_say_how_delivery_is_doing() {
    JsonNode status = node.api().get("/api/v1/messaging/status").expect(200).body();
    assertThat(status.at("/scheduler/running").asBoolean()).isTrue();
    assertThat(status.at("/node/claimed").asInt()).isZero();
    assertThat(status.at("/node/circuit").asText()).isEqualTo("CLOSED");
  }

  @Test
  void should_show_sending_while_the_provider_takes_its_time_and_refuse_changes() {
    webhook.answer(post -> SampleWebhook.Answer.accepted().after(1_500));
    Api api = node.api();
    String id = api.create("slow");
    await().untilAsserted(() -> assertThat(api.status(id)).isEqualTo("SENDING"));
    assertThat(api.count("SENDING")).isEqualTo(1);
    assertThat(api.count("PENDING")).isZero();
    assertThat(api.delete("/api/v1/messages/" + id).expect(409).text("/detail"))
        .contains("SENDING");
    api.put("/api/v1/messages/" + id, Api.message("other words")).expect(409);
    await().untilAsserted(() -> assertThat(api.status(id)).isEqualTo("SENT"));
  }

  @Test
  void should_stop_and_start_a_route_of_this_node() {
    Api api = node.api();
    assertThat(api.post("/api/v1/routes/dispatch-tick/stop", null).expect(200).text("/state"))
        .isEqualTo("Stopped");
    assertThat(api.get("/health").expect(200).text("/checks/routes/detail"))
        .contains("dispatch-tick");
    assertThat(api.get("/health").text("/status")).isEqualTo("DEGRADED");
    api.create("waits");
    await().during(Duration.ofMillis(500)).until(() -> webhook.posts().isEmpty());
    assertThat(api.post("/api/v1/routes/dispatch-tick/start", null).expect(200).text("/state"))
        .isEqualTo("Started");
    await().untilAsserted(() -> assertThat(webhook.posts()).hasSize(1));
    assertThat(api.get("/health").text("/status")).isEqualTo("UP");

    api.post("/api/v1/routes/no-such-route/stop", null).expect(404);
    assertThat(api.post("/api/v1/routes/getStats/stop", null).expect(409).text("/detail"))
        .contains("JMX");
  }

  @Test
  void should_claim_nothing_while_the_delivery_route_is_stopped() {
    Api api = node.api();
    api.post("/api/v1/routes/deliver-message/stop", null).expect(200);
    String id = api.create("waits");
    await().during(Duration.ofMillis(500)).until(() -> api.status(id).equals("PENDING"));
    assertThat(api.get("/api/v1/messages/" + id).body().path("attempts").asInt()).isZero();
    api.post("/api/v1/routes/deliver-message/start", null).expect(200);
    await().untilAsserted(() -> assertThat(api.status(id)).isEqualTo("SENT"));
  }

  @ParameterizedTest
  @CsvSource({
    "dispatch-tick, stop, start, Stopped",
    "dispatch-tick, suspend, resume, Suspended",
    "dispatch-tick, suspend, start, Suspended",
    "deliver-message, suspend, resume, Suspended",
    "deliver-message, suspend, start, Suspended",
    "dispatch-batch, suspend, resume, Suspended",
  })
  void should_hold_claims_back_however_a_route_is_stopped_over_jmx(
      String id, String stop, String start, String state) throws Exception {
    Api api = node.api();
    MBeanServer jmx = ManagementFactory.getPlatformMBeanServer();
    ObjectName route = route(id);
    jmx.invoke(route, stop, new Object[0], new String[0]);
    assertThat(jmx.getAttribute(route, "State")).isEqualTo(state);
    assertThat(api.get("/health").expect(200).text("/checks/routes/detail")).contains(id);
    String message = api.create("waits");
    await().during(Duration.ofMillis(300)).until(() -> api.status(message).equals("PENDING"));
    assertThat(api.get("/api/v1/messages/" + message).body().path("attempts").asInt()).isZero();

    jmx.invoke(route, start, new Object[0], new String[0]);
    assertThat(jmx.getAttribute(route, "State")).isEqualTo("Started");
    await().untilAsserted(() -> assertThat(api.status(message)).isEqualTo("SENT"));
    assertThat(api.get("/health").expect(200).text("/status")).isEqualTo("UP");
  }

  @Test
  void should_go_on_when_the_whole_context_was_suspended_and_resumed_over_jmx() throws Exception {
    MBeanServer jmx = ManagementFactory.getPlatformMBeanServer();
    ObjectName context =
        jmx.queryNames(new ObjectName("org.apache.camel:type=context,*"), null).iterator().next();
    jmx.invoke(context, "suspend", new Object[0], new String[0]);
    assertThat(jmx.getAttribute(context, "State")).isEqualTo("Suspended");
    jmx.invoke(context, "resume", new Object[0], new String[0]);
    String message = node.api().create("after it");
    await().untilAsserted(() -> assertThat(node.api().status(message)).isEqualTo("SENT"));
    assertThat(node.api().get("/health").expect(200).text("/status")).isEqualTo("UP");
  }

  private static ObjectName route(String id) throws Exception {
    return ManagementFactory.getPlatformMBeanServer()
        .queryNames(
            new ObjectName("org.apache.camel:type=routes,name=\"%s\",*".formatted(id)), null)
        .iterator()
        .next();
  }

  @Test
  void should_tell_a_client_that_the_route_of_its_call_is_stopped() throws Exception {
    MBeanServer jmx = ManagementFactory.getPlatformMBeanServer();
    ObjectName route = route("getStats");
    jmx.invoke(route, "stop", new Object[0], new String[0]);
    Answer refused = node.api().get("/api/v1/messages/stats").expect(503);
    assertThat(refused.text("/detail")).contains("stopped");
    assertThat(refused.text("/correlationId")).isNotBlank();
    assertThat(refused.http().headers().firstValue("Retry-After")).hasValue("2");
    jmx.invoke(route, "start", new Object[0], new String[0]);
    node.api().get("/api/v1/messages/stats").expect(200);
  }

  @Test
  void should_stop_and_start_a_route_over_jolokia_and_do_nothing_else() {
    Api management = new Api(node.managementUrl(), null);
    String context = node.api().url().replaceAll(".*:", "herald-");
    Map<String, Object> stop =
        Map.of(
            "type",
            "exec",
            "mbean",
            "org.apache.camel:context=" + context + ",name=\"dispatch-tick\",type=routes",
            "operation",
            "stop()");
    assertThat(management.post("/observe/jolokia", stop).body().path("status").asInt())
        .isEqualTo(200);
    assertThat(state("dispatch-tick")).isEqualTo("Stopped");
    Map<String, Object> start = new java.util.HashMap<>(stop);
    start.put("operation", "start()");
    assertThat(management.post("/observe/jolokia", start).body().path("status").asInt())
        .isEqualTo(200);
    assertThat(state("dispatch-tick")).isEqualTo("Started");

    Map<String, Object> remove = new java.util.HashMap<>(stop);
    remove.put("operation", "remove()");
    assertThat(management.post("/observe/jolokia", remove).body().path("status").asInt())
        .isEqualTo(403);
    Map<String, Object> memory =
        Map.of("type", "read", "mbean", "java.lang:type=Memory", "attribute", "HeapMemoryUsage");
    assertThat(management.post("/observe/jolokia", memory).body().path("status").asInt())
        .isEqualTo(403);
  }

  @Test
  void should_answer_health_checks_without_a_key() {
    Api nobody = node.api().withKey(null);
    assertThat(nobody.get("/health").expect(200).text("/status")).isEqualTo("UP");
    assertThat(nobody.get("/live").expect(200).text("/status")).isEqualTo("UP");
    assertThat(nobody.get("/ready").expect(200).text("/checks/postgresql/status")).isEqualTo("UP");
    for (String path : List.of("/health", "/live", "/ready")) {
      nobody.call("GET", path, null, "Accept", "text/html").expect(200);
      assertThat(nobody.call("HEAD", path, null, "Accept", "image/png").expect(200).http().body())
          .isEmpty();
    }
    Api management = new Api(node.managementUrl(), null);
    assertThat(management.get("/observe/health").expect(200).http().body()).contains("UP");
    assertThat(management.get("/observe/metrics").expect(200).http().body()).contains("camel_");
  }

  @Test
  void should_answer_head_as_get_without_the_body() {
    for (String path : List.of("/openapi.json", "/api/v1/messages?limit=1", "/api/v1/routes")) {
      Api.Answer head = node.api().call("HEAD", path, null).expect(200);
      assertThat(head.http().body()).isEmpty();
      assertThat(head.http().headers().firstValue("Content-Type")).hasValue("application/json");
    }
    node.api().call("HEAD", "/api/v1/messages?limit=x", null).expect(400);
    node.api().call("HEAD", "/api/v1/messages/batch", null).expect(405);
    node.api().withKey(null).call("HEAD", "/api/v1/messages", null).expect(401);
  }

  private String state(String id) {
    for (JsonNode route : node.api().get("/api/v1/routes").expect(200).body().path("items")) {
      if (route.path("id").asText().equals(id)) {
        return route.path("state").asText();
      }
    }
    return "";
  }

  @Test
  void should_stop_the_delivery_route_under_load_and_lose_nothing() {
    webhook.answer(post -> SampleWebhook.Answer.accepted().after(20));
    node.api().createMany(3_000);
    await().until(() -> webhook.posts().size() > 200);

    node.api().post("/api/v1/routes/deliver-message/stop", null).expect(200);
    int posts = webhook.posts().size();
    assertThat(posts).isLessThan(3_000);
    await().until(() -> node.api().count("SENDING") == 0);
    assertThat(node.api().count("SENT")).isEqualTo(posts);
    assertThat(webhook.posts()).hasSize(posts);
    assertThat(node.api().post("/api/v1/messaging/process", null).expect(503).text("/detail"))
        .contains("route");

    node.api().post("/api/v1/routes/deliver-message/start", null).expect(200);
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(() -> assertThat(node.api().count("SENT")).isEqualTo(3_000));
    assertThat(webhook.posts()).hasSize(3_000);
  }

  @Test
  void should_not_let_the_api_cut_itself_off() {
    assertThat(node.api().post("/api/v1/routes/api/stop", null).expect(409).text("/detail"))
        .contains("serves this API");
  }
}
