package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.api.Json;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.RawHttp;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the management port's Jolokia lets one do, and what not: jolokia-access.xml. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class JolokiaIT {
  private static SampleWebhook webhook;
  private static Node node;
  private static Api management;
  private static String route;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    node = Node.on(Local.servers().newDatabase(), webhook.url()).start();
    management = new Api(node.managementUrl(), null);
    route =
        "org.apache.camel:context="
            + node.api().url().replaceAll(".*:", "herald-")
            + ",name=\"housekeeping\",type=routes";
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @Test
  void should_read_stop_and_start_a_route() {
    assertThat(value(read(route, "ExchangesTotal")).isNumber()).isTrue();
    assertThat(value(read(context(), "State")).asText()).isEqualTo("Started");
    assertThat(value(exec(route, "stop()")).isMissingNode()).isFalse();
    assertThat(value(read(route, "State")).asText()).isEqualTo("Stopped");
    value(exec(route, "start()"));
    assertThat(value(read(route, "State")).asText()).isEqualTo("Started");
  }

  @ParameterizedTest
  @CsvSource({
    "java.lang:type=Runtime, SystemProperties",
    "java.lang:type=Runtime, InputArguments",
    "java.lang:type=Memory, HeapMemoryUsage",
    "'java.lang:*', Name",
    "'*:type=Runtime,*', SystemProperties",
    "'com.zaxxer.hikari:*', Password",
  })
  void should_refuse_to_read_what_is_not_camels(String mbean, String attribute) {
    JsonNode answer = management.post("/observe/jolokia", read(mbean, attribute)).body();
    assertThat(answer.path("status").asInt()).as("%s", answer).isIn(403, 404);
    assertThat(answer.has("value")).as("%s", answer).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "java.lang:type=Memory, gc()",
    "java.lang:type=Threading, 'dumpAllThreads(boolean,boolean)'",
    "com.sun.management:type=DiagnosticCommand, vmSystemProperties()",
    "'com.sun.management:type=HotSpotDiagnostic', 'dumpHeap(java.lang.String,boolean)'",
    "ROUTE, remove()",
    "ROUTE, 'updateRouteFromXml(java.lang.String)'",
    "CONTEXT, stop()",
    "CONTEXT, 'sendStringBody(java.lang.String,java.lang.String)'",
  })
  void should_refuse_to_call_what_is_not_a_routes_start_or_stop(String mbean, String operation) {
    String name =
        switch (mbean) {
          case "ROUTE" -> route;
          case "CONTEXT" -> context();
          default -> mbean;
        };
    JsonNode answer = management.post("/observe/jolokia", exec(name, operation)).body();
    assertThat(answer.path("status").asInt()).as("%s", answer).isEqualTo(403);
  }

  @Test
  void should_refuse_to_write_and_to_hide_in_a_list_or_a_path() {
    Map<String, Object> write =
        Map.of("type", "write", "mbean", route, "attribute", "TracingEnabled", "value", true);
    assertThat(status(management.post("/observe/jolokia", write).body())).isEqualTo(403);
    JsonNode several =
        management
            .post("/observe/jolokia", List.of(read("java.lang:type=Runtime", "Name"), write))
            .body();
    several.forEach(answer -> assertThat(status(answer)).isEqualTo(403));
    assertThat(several).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"version", "list", "read/ROUTE/State", "exec/ROUTE/stop()"})
  void should_refuse_what_a_link_or_an_image_of_a_web_page_can_send(String what) {
    String path = what.replace("ROUTE", URLEncoder.encode(route, StandardCharsets.UTF_8));
    assertThat(management.get("/observe/jolokia/" + path).expect(405).http().body())
        .contains("use POST");
    assertThat(value(read(route, "State")).asText()).isEqualTo("Started");
  }

  @ParameterizedTest
  @ValueSource(strings = {"https://elsewhere.example", "http://localhost:8081", "null"})
  void should_refuse_what_a_script_of_a_web_page_can_send(String origin) {
    String body = Json.MAPPER.valueToTree(exec(route, "stop()")).toString();
    RawHttp.Reply reply;
    try (RawHttp browser = new RawHttp(URI.create(node.managementUrl()).getPort())) {
      reply =
          browser.send(
              """
              POST /observe/jolokia HTTP/1.1\r
              Host: localhost\r
              Origin: %s\r
              Content-Type: text/plain\r
              Content-Length: %d\r
              \r
              %s"""
                  .formatted(origin, body.length(), body)
                  .getBytes(StandardCharsets.UTF_8),
              false);
    }
    assertThat(reply.status()).isEqualTo(403);
    assertThat(reply.body()).contains("web page", "Origin");
    assertThat(value(read(route, "State")).asText()).isEqualTo("Started");
  }

  private static String context() {
    String name = node.api().url().replaceAll(".*:", "herald-");
    return "org.apache.camel:context=" + name + ",name=\"" + name + "\",type=context";
  }

  private static JsonNode value(Map<String, Object> request) {
    JsonNode answer = management.post("/observe/jolokia", request).body();
    assertThat(status(answer)).as("%s", answer).isEqualTo(200);
    return answer.path("value");
  }

  private static int status(JsonNode answer) {
    return answer.path("status").asInt();
  }

  private static Map<String, Object> read(String mbean, String attribute) {
    return Map.of("type", "read", "mbean", mbean, "attribute", attribute);
  }

  private static Map<String, Object> exec(String mbean, String operation) {
    return Map.of("type", "exec", "mbean", mbean, "operation", operation);
  }
}
