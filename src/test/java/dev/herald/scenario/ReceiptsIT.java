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
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a provider says later about a message. Its id for a message is the message's content. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ReceiptsIT {
  private static final String TOKEN = "a-token-for-tests-0123456789";
  private static final String FORM = "/receipts/form-status?token=" + TOKEN;
  private static final String JSON = "/receipts/json-results?token=" + TOKEN;
  private static final String ECHO =
      """
      - route:
          id: receipts-echo
          description: Show what a route gets
          from:
            uri: platform-http:/receipts/echo
            steps:
              - setBody: {expression: {simple: {expression: "${variable.request} ${variable.key} ${headers}"}}}
      """;

  @TempDir static Path folder;
  private static SampleWebhook webhook;
  private static Node node;
  private static Api api;
  private static Sql sql;

  private String before;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    Path echo = Files.writeString(folder.resolve("echo.camel.yaml"), ECHO);
    node =
        Node.on(database, webhook.url())
            .with("receipts.token", TOKEN)
            .with("receipts.expected-within", "500ms")
            .with("routes.include", "examples/providers/*.camel.yaml," + echo)
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @BeforeEach
  void reset() {
    webhook.answer(
        post ->
            new SampleWebhook.Answer(
                post.content().startsWith("refused") ? 400 : 202,
                "{\"messageId\":\"" + post.content() + "\"}",
                null,
                0));
    node.reset(sql);
    before = node.scrape();
  }

  private static String sent(String providersId) {
    String id = api.create(providersId);
    await().until(() -> api.status(id).equals("SENT"));
    return id;
  }

  private static boolean receipt(Object... fields) {
    return api.post("/api/v1/receipts", map(fields)).expect(202).body().path("matched").asBoolean();
  }

  private static Map<String, Object> map(Object... fields) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < fields.length; i += 2) {
      map.put(fields[i].toString(), fields[i + 1]);
    }
    return map;
  }

  private static JsonNode delivery(String id) {
    return api.get("/api/v1/messages/" + id).expect(200).body().path("delivery");
  }

  private static void awaitDelivery(String id, String status) {
    await().until(() -> delivery(id).path("status").asText().equals(status));
  }

  private static String stats() {
    return api.get("/api/v1/messages/stats").expect(200).body().path("delivery").toString();
  }

  private double counted(String result) {
    String name = "herald_receipts_total{result=\"" + result + "\"}";
    return node.metric(name) - Node.metric(before, name);
  }

  @Test
  void should_set_the_delivery_once_and_nothing_else() {
    String id = sent("once");
    JsonNode message = api.get("/api/v1/messages/" + id).expect(200).body();
    assertThat(
            receipt(
                "messageId",
                "once",
                "status",
                "DELIVERED",
                "at",
                "2030-01-01T12:00:07+03:00",
                "code",
                "0",
                "detail",
                "to the handset"))
        .isTrue();
    JsonNode after = api.get("/api/v1/messages/" + id).expect(200).body();
    assertThat(after.path("delivery").toString())
        .isEqualTo(
            "{\"status\":\"DELIVERED\",\"at\":\"2030-01-01T09:00:07Z\",\"code\":\"0\",\"detail\":\"to the handset\"}");
    for (String same : List.of("status", "attempts", "sentAt", "webhookMessageId")) {
      assertThat(after.get(same)).isEqualTo(message.get(same));
    }
    assertThat(after.path("updatedAt").asText()).isGreaterThan(message.path("updatedAt").asText());
    assertThat(receipt("messageId", "once", "status", "DELIVERED")).isTrue();
    assertThat(receipt("id", id, "status", "UNDELIVERED", "code", "9")).isTrue();
    assertThat(api.get("/api/v1/messages/" + id).expect(200).body()).isEqualTo(after);
    assertThat(api.get("/api/v1/messages").expect(200).body().at("/items/0/delivery"))
        .isEqualTo(after.path("delivery"));
    assertThat(stats()).isEqualTo("{\"delivered\":1,\"undelivered\":0,\"missing\":0}");
    assertThat(counted("matched")).isEqualTo(1);
    assertThat(counted("repeated")).isEqualTo(2);

    sql.update("UPDATE message SET sent_at = sent_at - interval '31 days'");
    await().until(() -> stats().equals("{\"delivered\":0,\"undelivered\":0,\"missing\":0}"));
  }

  @ParameterizedTest
  @CsvSource({"DELIVERED, UNDELIVERED", "UNDELIVERED, DELIVERED"})
  void should_end_the_same_in_any_order(String first, String second) {
    String id = sent("one by one");
    receipt("messageId", "one by one", "status", first, "code", first);
    receipt("messageId", "one by one", "status", second, "code", second);
    assertThat(delivery(id).path("status").asText()).isEqualTo("DELIVERED");
    assertThat(delivery(id).path("code").asText()).isEqualTo("DELIVERED");
    assertThat(stats()).isEqualTo("{\"delivered\":1,\"undelivered\":0,\"missing\":0}");

    String other = sent("together");
    api.post(
            JSON,
            Map.of(
                "results",
                List.of(
                    result("together", first.equals("DELIVERED") ? "DELIVERED" : "UNDELIVERABLE"),
                    result("together", "PENDING"),
                    result("together", second.equals("DELIVERED") ? "DELIVERED" : "EXPIRED"))))
        .expect(200);
    assertThat(delivery(other).path("status").asText()).isEqualTo("DELIVERED");
    assertThat(stats()).isEqualTo("{\"delivered\":2,\"undelivered\":0,\"missing\":0}");
  }

  private static Map<String, Object> result(String messageId, String group) {
    return Map.of("messageId", messageId, "status", Map.of("groupName", group));
  }

  @Test
  void should_keep_a_receipt_that_comes_before_its_message_is_sent() {
    api.post("/api/v1/scheduler/stop", null).expect(200);
    String byId = api.create("early by id");
    String byProvidersId = api.create("early");
    assertThat(receipt("id", byId, "status", "UNDELIVERED")).isTrue();
    assertThat(delivery(byId).path("status").asText()).isEqualTo("UNDELIVERED");
    assertThat(receipt("messageId", "early", "status", "UNDELIVERED", "code", "7")).isFalse();
    assertThat(receipt("messageId", "early", "status", "DELIVERED", "code", "0")).isFalse();
    assertThat(counted("kept")).isEqualTo(2);

    api.post("/api/v1/scheduler/start", null).expect(200);
    await().until(() -> sql.number("SELECT count(*) FROM receipt") == 0);
    assertThat(delivery(byProvidersId).path("status").asText()).isEqualTo("DELIVERED");
    assertThat(delivery(byProvidersId).path("code").asText()).isEqualTo("0");
    assertThat(api.status(byId)).isEqualTo("SENT");
    assertThat(delivery(byId).path("status").asText()).isEqualTo("UNDELIVERED");
  }

  @Test
  void should_drop_a_receipt_that_nobody_wants_in_the_end() {
    assertThat(receipt("id", UUID.randomUUID(), "status", "DELIVERED")).isFalse();
    assertThat(counted("unknown")).isEqualTo(1);

    assertThat(receipt("messageId", "old", "status", "DELIVERED")).isFalse();
    sql.update("UPDATE receipt SET received_at = now() - interval '24 h', look_at = now()");
    await().until(() -> sql.number("SELECT count(*) FROM receipt") == 0);
    await().until(() -> counted("unknown") == 2);

    receipt("messageId", "first", "status", "DELIVERED");
    sql.value(
        "SELECT nextval(pg_get_serial_sequence('receipt', 'number')) FROM generate_series(1, 100000)");
    receipt("messageId", "100,001 later", "status", "DELIVERED");
    receipt("messageId", "100,002 later", "status", "DELIVERED");
    assertThat(sql.value("SELECT string_agg(webhook_message_id, ' ' ORDER BY number) FROM receipt"))
        .isEqualTo("100,001 later 100,002 later");
    assertThat(counted("unknown")).isEqualTo(3);
  }

  @Test
  void should_change_none_of_several_messages_with_the_same_id() {
    String one = sent("twins");
    String other = sent("twins");
    assertThat(receipt("messageId", "twins", "status", "DELIVERED")).isFalse();
    assertThat(counted("ambiguous")).isEqualTo(1);
    for (String id : List.of(one, other)) {
      assertThat(delivery(id).path("status").asText()).isNotEqualTo("DELIVERED");
    }
    assertThat(receipt("id", other, "status", "DELIVERED")).isTrue();
  }

  @Test
  void should_say_that_a_receipt_is_missing_until_it_comes() {
    String id = sent("late");
    String second = sent("also late");
    awaitDelivery(id, "MISSING");
    awaitDelivery(second, "MISSING");
    assertThat(delivery(id).has("at")).isTrue();
    assertThat(stats()).isEqualTo("{\"delivered\":0,\"undelivered\":0,\"missing\":2}");
    assertThat(receipt("messageId", "late", "status", "UNDELIVERED")).isTrue();
    assertThat(delivery(id).path("status").asText()).isEqualTo("UNDELIVERED");
    assertThat(stats()).isEqualTo("{\"delivered\":0,\"undelivered\":1,\"missing\":1}");
    await().until(() -> node.metric("herald_deliveries{status=\"MISSING\"}") == 1);
  }

  @Test
  void should_forget_the_delivery_when_a_message_is_sent_again() {
    String id = api.create("refused");
    await().until(() -> api.status(id).equals("FAILED"));
    assertThat(receipt("id", id, "status", "UNDELIVERED")).isTrue();
    api.post("/api/v1/scheduler/stop", null).expect(200);
    assertThat(
            api.post("/api/v1/messages/" + id + "/retry", null).expect(202).body().has("delivery"))
        .isFalse();
    assertThat(stats()).isEqualTo("{\"delivered\":0,\"undelivered\":0,\"missing\":0}");
    assertThat(receipt("id", id, "status", "UNDELIVERED")).as("a late one").isTrue();
    assertThat(delivery(id).path("status").asText()).isEqualTo("UNDELIVERED");
  }

  @Test
  void should_name_what_is_wrong_with_a_receipt() {
    assertThat(pointers(map("status", "DELIVERED"))).containsExactly("/messageId");
    assertThat(pointers(map("id", UUID.randomUUID(), "messageId", "m", "status", "DELIVERED")))
        .containsExactly("/id");
    assertThat(pointers(map("messageId", "m", "status", "MISSING"))).containsExactly("/status");
    assertThat(pointers(map("messageId", "m", "status", "DELIVERED", "at", "2016-12-31T23:59:60Z")))
        .containsExactly("/at");
    assertThat(sql.number("SELECT count(*) FROM receipt")).isZero();
  }

  private static List<String> pointers(Object body) {
    List<String> pointers = new ArrayList<>();
    api.post("/api/v1/receipts", body)
        .expect(422)
        .body()
        .path("errors")
        .forEach(error -> pointers.add(error.path("pointer").asText()));
    return pointers;
  }

  @Test
  void should_let_in_who_has_the_token_and_show_it_to_nobody() {
    Api provider = api.withKey(null);
    String shown =
        provider.post("/receipts/echo?a=b&token=" + TOKEN, "x").expect(200).http().body();
    assertThat(shown).contains("a=b").contains(" receipts ").doesNotContain(TOKEN);
    for (String wrong :
        List.of("", "?token=", "?token=" + TOKEN + "x", "?token=x&token=" + TOKEN)) {
      assertThat(provider.post("/receipts/echo" + wrong, "x").expect(401).text("/detail"))
          .contains("receipts.token");
    }
    api.post("/receipts/echo", "x").expect(401);
    assertThat(provider.post("/receipts/nobody?token=" + TOKEN, "x").expect(404).text("/detail"))
        .contains("no route takes receipts at /receipts/nobody");
    provider.get("/receipts/form-status?token=" + TOKEN).expect(405);
    provider.post("/api/v1/receipts?token=" + TOKEN, map("messageId", "m")).expect(401);
  }

  private static Answer form(String body) {
    return api.withKey(null).post(FORM, body, "Content-Type", "application/x-www-form-urlencoded");
  }

  @Test
  void should_understand_a_provider_that_posts_forms() {
    String arrived = sent("SM1");
    String not = sent("SM2, 'x' ${body}");
    for (String status : List.of("queued", "sending", "sent", "read")) {
      form("MessageSid=SM1&MessageStatus=" + status).expect(204);
    }
    assertThat(form("MessageSid=SM1&MessageStatus=delivered").expect(200).text("/matched"))
        .isEqualTo("true");
    form("MessageSid=SM2%2C+%27x%27+%24%7Bbody%7D&MessageStatus=undelivered&ErrorCode=30003")
        .expect(200);
    assertThat(delivery(arrived).path("status").asText()).isEqualTo("DELIVERED");
    assertThat(delivery(not).path("status").asText()).isEqualTo("UNDELIVERED");
    assertThat(delivery(not).path("code").asText()).isEqualTo("30003");
    assertThat(form("MessageSid=none&MessageStatus=failed").expect(200).text("/matched"))
        .isEqualTo("false");
    for (String malformed : List.of("", "MessageSid=SM1", "{}")) {
      assertThat(form(malformed).expect(400).text("/type")).endsWith(":malformed");
    }
  }

  @Test
  void should_understand_a_provider_that_posts_lists() {
    List<Object> results = new ArrayList<>();
    String arrived = sent("b-1");
    String not = sent("b-2");
    results.add(
        map(
            "messageId",
            "b-1",
            "status",
            Map.of("groupName", "DELIVERED", "name", "DELIVERED_TO_HANDSET", "description", "ok"),
            "doneAt",
            "2030-01-01T12:00:00.000+0300"));
    results.add(
        map(
            "messageId",
            "b-2",
            "status",
            Map.of("groupName", "REJECTED", "description", "no such number"),
            "error",
            Map.of("code", 12)));
    results.add(result("b-3", "PENDING"));
    for (int i = 0; i < 1_000; i++) {
      results.add(result("unknown-" + i, "DELIVERED"));
    }
    Api provider = api.withKey(null);
    provider.post(JSON, Map.of("results", results)).expect(200);
    assertThat(delivery(arrived).toString())
        .isEqualTo("{\"status\":\"DELIVERED\",\"at\":\"2030-01-01T09:00:00Z\",\"detail\":\"ok\"}");
    assertThat(delivery(not).path("status").asText()).isEqualTo("UNDELIVERED");
    assertThat(delivery(not).path("code").asText()).isEqualTo("12");
    assertThat(delivery(not).path("detail").asText()).isEqualTo("no such number");
    assertThat(sql.number("SELECT count(*) FROM receipt")).isEqualTo(1_000);
    provider.post(JSON, Map.of("results", List.of(result("b-3", "PENDING")))).expect(200);
    for (Object malformed :
        List.of(
            "",
            "[",
            "[]",
            "{}",
            "{\"results\":1}",
            "{\"results\":[1]}",
            "{\"results\":[{}]}",
            "{\"results\":[{\"status\":1}]}")) {
      assertThat(provider.post(JSON, malformed).expect(400).text("/type")).endsWith(":malformed");
    }
  }

  @Test
  void should_ask_to_call_again_when_it_cannot_record() throws Exception {
    MBeanServer jmx = ManagementFactory.getPlatformMBeanServer();
    ObjectName route =
        jmx.queryNames(
                new ObjectName(
                    "org.apache.camel:context=%s,type=routes,name=\"receipt\",*"
                        .formatted(api.url().replaceAll(".*:", "herald-"))),
                null)
            .iterator()
            .next();
    jmx.invoke(route, "stop", new Object[0], new String[0]);
    Answer answer = form("MessageSid=SM1&MessageStatus=delivered").expect(503);
    assertThat(answer.http().headers().firstValue("Retry-After")).isPresent();
    jmx.invoke(route, "start", new Object[0], new String[0]);
  }
}
