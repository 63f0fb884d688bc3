package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/**
 * Nothing in a request can steer Camel: the headers by which it tells its components what to do,
 * and those by which our routes tell each other, mean nothing when a client sends them.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class SteeringIT {
  /** What each would do if it came through. */
  private static final Map<String, String> STEERING = steering();

  private static SampleWebhook webhook;
  private static SampleWebhook elsewhere;
  private static Node node;
  private static Api api;
  private static Sql sql;

  private static Map<String, String> steering() {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("CamelHttpUri", "http://127.0.0.1:9/elsewhere");
    headers.put("CamelHttpPath", "/api/v1/scheduler/stop");
    headers.put("CamelHttpMethod", "DELETE");
    headers.put("CamelHttpQuery", "limit=1");
    headers.put("CamelHttpRawQuery", "limit=1");
    headers.put("CamelHttpUrl", "http://127.0.0.1:9/");
    headers.put("CamelHttpBaseUri", "http://127.0.0.1:9/");
    headers.put("CamelHttpResponseCode", "418");
    headers.put("CamelHttpResponseText", "steered");
    headers.put("CamelHttpCharacterEncoding", "UTF-16");
    headers.put("CamelRestHttpUri", "http://127.0.0.1:9/");
    headers.put("CamelSqlQuery", "DELETE FROM message");
    headers.put("CamelSqlRetrieveGeneratedKeys", "true");
    headers.put("CamelSqlParameters", "1");
    headers.put("CamelFileName", "steered.txt");
    headers.put("CamelBeanMethodName", "hashCode");
    headers.put("CamelBeanParameterTypes", "java.lang.String");
    headers.put("CamelSplitIndex", "5");
    headers.put("CamelToEndpoint", "direct:stopScheduler");
    headers.put("CamelRedis.Command", "FLUSHALL");
    headers.put("CamelExecCommandExecutable", "/bin/false");
    headers.put("CamelTimerName", "housekeeping");
    headers.put("CamelStreamCacheKey", "x");
    headers.put("org.apache.camel.Method", "hashCode");
    headers.put("Herald-Key-Name", "steered");
    headers.put("id", "01890a5d-ac96-774b-bcce-b302099a8057");
    headers.put("routeId", "dispatch-batch");
    headers.put("batchSize", "1000");
    headers.put("Location", "http://127.0.0.1:9/");
    headers.put("running", "true");
    headers.put("reason", "steered");
    headers.put("key", "steered");
    headers.put("message", "steered");
    headers.put("claim", "steered");
    headers.put("batch", "steered");
    headers.put("draft", "steered");
    headers.put("query", "steered");
    headers.put("breadcrumbId", "steered");
    return headers;
  }

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    elsewhere = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    node =
        Node.on(database, webhook.url())
            .with("api.key", "ops:" + Node.KEY)
            .with("dispatch.enabled", false)
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
    elsewhere.close();
  }

  @Test
  void should_do_what_the_path_says_whatever_the_headers_say() {
    double before = sql.number("SELECT count(*) FROM message");
    for (String[] headers : all()) {
      String what = String.join(" ", headers).substring(0, 60);
      Answer created = api.post("/api/v1/messages", Api.message("steer me"), headers).expect(201);
      String path = "/api/v1/messages/" + created.id();
      assertThat(created.http().headers().firstValue("Location")).as(what).hasValue(path);
      assertThat(created.text("/content")).isEqualTo("steer me");

      Answer found = api.call("GET", path, null, headers).expect(200);
      assertThat(found.id()).as(what).isEqualTo(created.id());
      assertThat(found.http().headers().firstValue("Content-Type")).hasValue("application/json");
      api.call("PUT", path, Api.message("replaced"), headers).expect(200);
      Answer listed = api.call("GET", "/api/v1/messages", null, headers).expect(200);
      assertThat(listed.text("/items/0/content")).as(what).isEqualTo("replaced");
      assertThat(
              api.call("GET", "/api/v1/messages/stats", null, headers)
                  .expect(200)
                  .body()
                  .path("byStatus"))
          .as(what)
          .isEqualTo(api.get("/api/v1/messages/stats").body().path("byStatus"));
      api.call("GET", "/api/v1/messages/sent", null, headers).expect(200);

      Answer stopped =
          api.call("POST", "/api/v1/scheduler/start", Map.of("reason", "ours"), headers)
              .expect(200);
      assertThat(stopped.text("/changedBy")).as(what).isEqualTo("ops");
      assertThat(stopped.text("/reason")).as(what).isEqualTo("ours");
      api.call("POST", "/api/v1/scheduler/stop", null, headers).expect(200);
      assertThat(api.get("/api/v1/scheduler/status").text("/changedBy")).isEqualTo("ops");
      assertThat(
              api.call("POST", "/api/v1/routes/housekeeping/start", null, headers)
                  .expect(200)
                  .text("/id"))
          .as(what)
          .isEqualTo("housekeeping");
      api.call("GET", "/api/v1/messaging/status", null, headers).expect(200);
      api.call("GET", "/health", null, headers).expect(200);
      assertThat(api.call("GET", "/openapi.json", null, headers).expect(200).text("/info/title"))
          .isEqualTo("Herald");

      // The switch was on for a moment, so it is sent already, or now.
      api.call("POST", "/api/v1/messaging/process", null, headers).expect(200);
      await().until(() -> api.status(created.id()).equals("SENT"));
      List<Post> posts =
          webhook.posts().stream()
              .filter(post -> post.idempotencyKey().equals(created.id()))
              .toList();
      assertThat(posts).as(what).hasSize(1);
      assertThat(posts.get(0).path()).isEqualTo("/webhook");
      for (int i = 0; i < headers.length; i += 2) {
        assertThat(posts.get(0).headers().contains(headers[i])).as(headers[i]).isFalse();
        assertThat(created.http().headers().firstValue(headers[i]).orElse("none"))
            .as(headers[i])
            .isNotEqualTo(headers[i + 1]);
      }
      String other =
          api.post("/api/v1/messages", Api.message("to cancel"), headers).expect(201).id();
      api.call("DELETE", "/api/v1/messages/" + other, null, headers).expect(204);
      assertThat(api.status(other)).as(what).isEqualTo("CANCELLED");
      api.call("POST", "/api/v1/messages/" + other + "/retry", null, headers).expect(409);
    }
    assertThat(elsewhere.posts()).isEmpty();
    assertThat(sql.number("SELECT count(*) FROM message")).isEqualTo(before + 2 * all().size());
  }

  @Test
  void should_refuse_each_as_a_query_parameter() {
    String before = sql.value("SELECT count(*) FROM message");
    for (Map.Entry<String, String> one : STEERING.entrySet()) {
      for (String name : casings(one.getKey())) {
        String query = "?" + name + "=" + URLEncoder.encode(one.getValue(), StandardCharsets.UTF_8);
        refused(api.get("/api/v1/messages" + query), name);
        refused(api.get("/api/v1/messages/stats" + query), name);
        refused(api.post("/api/v1/messages" + query, Api.message("steer me")), name);
        refused(api.post("/api/v1/scheduler/start" + query, null), name);
        refused(api.get("/health" + query), name);
        if (!name.equals("batchSize")) {
          refused(api.post("/api/v1/messaging/process" + query, null), name);
        }
      }
    }
    assertThat(sql.value("SELECT count(*) FROM message")).isEqualTo(before);
    assertThat(api.get("/api/v1/scheduler/status").text("/changedBy")).isNotEqualTo("steered");
  }

  @Test
  void should_not_take_a_parameter_of_the_contract_from_a_header() {
    api.create("one");
    api.create("two");
    Answer all =
        api.call("GET", "/api/v1/messages", null, "limit", "1", "status", "FAILED", "LIMIT", "x")
            .expect(200);
    assertThat(all.body().path("items").size()).isGreaterThan(1);
    assertThat(
            api.call("POST", "/api/v1/messaging/process", null, "batchSize", "1")
                .expect(200)
                .body()
                .path("claimed")
                .asInt())
        .isGreaterThan(1);
    api.call("GET", "/api/v1/messages/sent", null, "Cursor", "nonsense").expect(200);
  }

  private static void refused(Answer answer, String name) {
    JsonNode errors = answer.expect(400).body().path("errors");
    assertThat(errors.findValuesAsText("pointer")).containsExactly(name);
  }

  /** All of them together, in each casing. */
  private static List<String[]> all() {
    List<String[]> sets = new ArrayList<>();
    for (int casing = 0; casing < 4; casing++) {
      List<String> headers = new ArrayList<>();
      for (Map.Entry<String, String> one : STEERING.entrySet()) {
        headers.add(casings(one.getKey()).get(casing));
        headers.add(one.getValue().replace("127.0.0.1:9", "127.0.0.1:" + elsewhere.port()));
      }
      sets.add(headers.toArray(String[]::new));
    }
    return sets;
  }

  private static List<String> casings(String name) {
    StringBuilder mixed = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      mixed.append(
          i % 2 == 0
              ? Character.toLowerCase(name.charAt(i))
              : Character.toUpperCase(name.charAt(i)));
    }
    return List.of(
        name, name.toLowerCase(Locale.ROOT), name.toUpperCase(Locale.ROOT), mixed.toString());
  }
}
