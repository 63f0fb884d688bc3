package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Page;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** APIs of one's own, in files that routes.include adds. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class FacadesIT {
  private static final String UNKNOWN = "00000000-0000-7000-8000-000000000000";

  private static final String READER = "a-key-that-only-reads";
  private static final String SENDER = "a-key-that-only-sends";
  private static final String OPERATOR = "a-key-that-only-operates";

  private static final String MINE =
      """
      - route:
          id: mine-hello
          description: Greet
          from:
            uri: platform-http:/mine/{name}/hello
            parameters: {httpMethodRestrict: "GET,POST"}
            steps:
              - choice:
                  when:
                    - expression: {simple: {expression: "${variable.name} == 'nobody'"}}
                      steps:
                        - throwException: {exceptionType: java.lang.IllegalStateException, message: a secret}
              - setBody: {expression: {simple: {expression: "Hello ${variable.name}, ${variable.request.query[from]}, ${variable.key}, ${body}, ${variable.correlationId}, ${variable.request.headers[authorization]}${variable.request.headers[herald-key-name]}${variable.request.headers[x-mine]}, ${headers}"}}}
      - route:
          id: mine-cancel
          description: Cancel by a link
          routeConfigurationId: propagate-errors
          from:
            uri: platform-http:/mine/{id}/cancel
            parameters: {httpMethodRestrict: GET}
            steps:
              - to: {uri: direct:cancelMessage}
      - route:
          id: mine-clean
          description: Do what only operators may
          routeConfigurationId: propagate-errors
          from:
            uri: platform-http:/mine/clean
            steps:
              - bean: {description: Refuse others, ref: requests, method: require('operate')}
              - setBody: {expression: {constant: {expression: clean}}}
      - route:
          id: mine-raw
          description: Fail past every handler
          routeConfigurationId: propagate-errors
          from:
            uri: platform-http:/mine/raw
            steps:
              - throwException: {exceptionType: java.lang.IllegalStateException, message: a secret}
      """;

  private static final String REST =
      """
      - rest:
          path: /theirs
          get:
            - path: /{id}
              to: direct:theirs
      - route:
          id: theirs
          description: Show the id
          from:
            uri: direct:theirs
            steps:
              - setBody: {expression: {simple: {expression: '${map(id, ${variable.id})}'}}}
      """;

  @TempDir static Path folder;
  private static SampleWebhook webhook;
  private static Node node;
  private static Api api;
  private static Sql sql;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    write("mine", MINE);
    write("rest", REST);
    write("orders", new Page(Path.of("docs/facades.md")).yaml("order-shipped"));
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    node =
        Node.on(database, webhook.url())
            .with(
                "api.key",
                "%s,reader:%s:read,sender:%s:send,operator:%s:operate"
                    .formatted(Node.KEY, READER, SENDER, OPERATOR))
            .with("routes.include", folder + "/*.camel.yaml, examples/facades/*.camel.yaml")
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @AfterEach
  void putBack() throws IOException {
    write("mine", MINE);
    write("rest", REST);
    api.post("/api/v1/flow/reload", null).expect(200);
  }

  @Test
  void should_answer_as_the_file_in_the_docs() {
    Map<String, String> to = Map.of("phone", "+905551234567");
    Answer told = api.post("/orders/4711/shipped", to).expect(201);
    String id = told.text("/message");
    assertThat(api.post("/orders/4711/shipped", to).expect(201).text("/message")).isEqualTo(id);
    await().until(() -> api.status(id).equals("SENT"));
    assertThat(api.get("/orders/told?limit=1").expect(200).text("/0/content"))
        .isEqualTo("Your order 4711 is on its way.");
    refuses(400, api.get("/orders/told?limit=0"))
        .isEqualTo("{\"error\":\"limit must be a whole number from 1 to 100\"}");
    refuses(400, api.post("/orders/4711/shipped", Map.of("phone", "+14155552671", "x", 1)))
        .contains("Idempotency-Key");
  }

  @Test
  void should_speak_as_messager() {
    String at = "/facades/messager";
    Map<String, String> message = Map.of("content", "Hello, world", "phone", "+90 555 123 45 67");
    Answer stopped = api.delete(at + "/messages/jobs").expect(200);
    assertThat(stopped.http().body()).isEqualTo("{\"stopped\":true}");
    Answer first =
        api.post(at + "/messages", message, "Idempotency-Key", "1", "X-Correlation-ID", "mine")
            .expect(201);
    assertThat(first.body()).hasSize(1);
    assertThat(first.http().headers().firstValue("X-Correlation-ID")).hasValue("mine");
    assertThat(api.post(at + "/messages", message, "Idempotency-Key", "1").expect(201).id())
        .isEqualTo(first.id());
    JsonNode pending = api.get(at + "/messages?status=PENDING").expect(200).body().at("/items/0");
    assertThat(names(pending))
        .containsExactly("id", "createdAt", "updatedAt", "content", "phone", "status");
    assertThat(pending.path("id").asText()).isEqualTo(first.id());
    assertThat(pending.path("phone").asText()).isEqualTo("+905551234567");
    assertThat(api.post(at + "/messages/jobs", null).expect(200).http().body())
        .isEqualTo("{\"started\":true}");
    await().until(() -> api.status(first.id()).equals("SENT"));
    assertThat(api.get(at + "/messages?status=SENT").expect(200).body().findValuesAsText("id"))
        .contains(first.id());
    assertThat(api.get(at + "/health").expect(200).text("/status")).isEqualTo("green");

    refuses(400, api.post(at + "/messages", Map.of("content", "Short", "phone", "+905551234567")))
        .isEqualTo(
            "{\"message\":\"The request is invalid\",\"error\":\"content must have 10 to 255 characters\"}");
    refuses(400, api.post(at + "/messages", Map.of("content", "Hello, world", "phone", "1")))
        .contains("\"error\":\"phone is not a valid phone number");
    refuses(400, api.post(at + "/messages", Map.of("content", 1)))
        .contains("phone must be of type string; content must be of type string");
    refuses(400, api.post(at + "/messages", "[]")).contains("the body must be a JSON object");
    refuses(400, api.post(at + "/messages", "{")).contains("the body is not JSON at line 1");
    refuses(400, api.get(at + "/messages?status=LOST")).contains("status must be one of PENDING");
  }

  @Test
  void should_speak_as_messaging_system() {
    String at = "/facades/messaging-system/processor";
    sql.update("TRUNCATE message, attempt, message_tally, idempotency_key");
    refuses(404, api.get(at + "/sent-messages"))
        .isEqualTo("{\"error\":\"no unsent messages found\"}");
    assertThat(api.post(at + "/stop", null).expect(200).http().body())
        .isEqualTo("{\"message\":\"message processor stopped\"}");
    assertThat(api.post(at + "/start", null).expect(200).http().body())
        .isEqualTo("{\"message\":\"message processor started\"}");
    List<String> ids = sent(2);
    JsonNode page = api.get(at + "/sent-messages?limit=1").expect(200).body();
    assertThat(page).hasSize(1);
    assertThat(names(page.get(0)))
        .containsExactly("id", "webhookMessageId", "phoneNumber", "content", "status", "sentAt");
    assertThat(ids).contains(page.at("/0/id").asText());
    assertThat(page.at("/0/status").asText()).isEqualTo("sent");
    for (String limit : List.of("0", "-1", "many", "501", "9999999999", "")) {
      refuses(400, api.get(at + "/sent-messages?limit=" + limit))
          .isEqualTo("{\"error\":\"invalid limit parameter\"}");
    }
  }

  @Test
  void should_speak_as_go_message_dispatcher() {
    String at = "/facades/go-message-dispatcher/api/v1";
    String health = "/facades/go-message-dispatcher/health";
    api.post(at + "/scheduler/stop", "any body").expect(200);
    refuses(409, api.post(at + "/scheduler/stop", null))
        .contains("\"message\":\"the scheduler is stopped already\"");
    assertThat(api.get(at + "/scheduler/status").expect(200).text("/running")).isEqualTo("false");
    Answer made = api.post(at + "/messages", Api.message("Hello")).expect(201);
    assertThat(names(made.body()))
        .containsExactly(
            "id", "phoneNumber", "content", "status", "retryCount", "createdAt", "updatedAt");
    assertThat(made.text("/status")).isEqualTo("pending");
    Answer list = api.get(at + "/messages?limit=1&offset=0&status=pending").expect(200);
    assertThat(list.body()).hasSize(1);
    assertThat(list.http().headers().firstValue("X-Total-Count"))
        .hasValue(Long.toString(api.count("PENDING")));
    Answer processed = api.post(at + "/messaging/process?batch_size=10", null).expect(200);
    assertThat(processed.body().findValuesAsText("id")).contains(made.id());
    await().until(() -> api.status(made.id()).equals("SENT"));
    Answer sent = api.get(at + "/messages/" + made.id()).expect(200);
    assertThat(names(sent.body())).contains("externalId", "sentAt");
    assertThat(sent.text("/status")).isEqualTo("sent");
    assertThat(sent.text("/retryCount")).isEqualTo("0");
    assertThat(api.get(at + "/messaging/status").expect(200).body().has("node")).isTrue();
    api.post(at + "/scheduler/start", null).expect(200);
    refuses(409, api.post(at + "/scheduler/start", null)).contains("running already");
    assertThat(api.get(health).expect(200).text("/status")).isEqualTo("ok");
    assertThat(api.get(at + "/messages").expect(200).http().headers().firstValue("X-Total-Count"))
        .hasValue(sql.value("SELECT count(*) FROM message"));

    refuses(400, api.post(at + "/messages", Map.of("content", "Hello")))
        .contains("\"message\":\"phoneNumber is missing\"");
    refuses(400, api.post(at + "/messaging/process?batch_size=11", null))
        .contains("batch_size must be a whole number from 1 to 10");
    refuses(400, api.get(at + "/messages?limit=501")).contains("limit must be at most 500");
    refuses(400, api.get(at + "/messages/1")).contains("id must be a UUID");
    refuses(404, api.get(at + "/messages/" + UNKNOWN))
        .isEqualTo(
            "{\"error\":\"Not found\",\"message\":\"there is no message %s\"}".formatted(UNKNOWN));
    api.delete(at + "/messages").expect(405);
  }

  @Test
  void should_speak_as_insider_messaging() {
    String root = "/facades/insider-messaging";
    String at = root + "/api/v1";
    assertThat(api.post(at + "/scheduler/stop", null).expect(200).http().body())
        .isEqualTo("{\"running\":false}");
    Map<String, String> message = Map.of("phone_number", "+905551234567", "content", "Hello");
    Answer made = api.post(at + "/messages", message).expect(201);
    assertThat(names(made.body()))
        .containsExactly(
            "id", "phone_number", "content", "status", "created_at", "attempts", "max_attempts");
    assertThat(api.post(at + "/scheduler/start", null).expect(200).http().body())
        .isEqualTo("{\"running\":true}");
    await().until(() -> api.status(made.id()).equals("SENT"));
    assertThat(names(api.get(at + "/messages/" + made.id()).expect(200).body()))
        .contains("sent_at", "webhook_message_id");
    sent(2);
    JsonNode page = api.get(at + "/messages/sent?page=2&page_size=1").expect(200).body();
    assertThat(names(page)).containsExactly("messages", "total_count", "page", "page_size");
    assertThat(page.path("messages")).hasSize(1);
    assertThat(page.path("total_count").asLong()).isEqualTo(api.count("SENT"));
    assertThat(page.path("page").asInt()).isEqualTo(2);
    assertThat(page.path("page_size").asInt()).isEqualTo(1);
    JsonNode stats = api.get(at + "/messages/stats").expect(200).body();
    assertThat(stats.path("sent").asLong()).isEqualTo(api.count("SENT"));
    assertThat(stats.path("total").asText()).isEqualTo(sql.value("SELECT count(*) FROM message"));
    webhook.answer(post -> SampleWebhook.Answer.status(400));
    String failed = api.create("Refused");
    await().until(() -> api.status(failed).equals("FAILED"));
    webhook.answer(post -> SampleWebhook.Answer.accepted());
    Answer shown = api.get(at + "/messages/" + failed).expect(200);
    assertThat(shown.text("/error_code")).isEqualTo("400");
    assertThat(shown.text("/last_error")).isNotEmpty();
    for (String path : List.of("/health", "/ready", "/live")) {
      assertThat(api.get(root + path).expect(200).text("/status")).isEqualTo("ok");
    }

    refuses(
            400,
            api.post(at + "/messages", Map.of("phone_number", "1", "content", "x".repeat(161))))
        .isEqualTo("{\"error\":\"content must have at most 160 characters\",\"code\":\"INVALID\"}");
    refuses(400, api.post(at + "/messages", Map.of("phone_number", "1", "content", "x")))
        .contains("\"error\":\"phone_number is not a valid phone number");
    refuses(400, api.get(at + "/messages/sent?page=0")).contains("\"code\":\"BAD-PARAMETER\"");
    refuses(400, api.get(at + "/messages/sent?page=100000&page_size=100"))
        .contains("offset must be at most");
    refuses(404, api.get(at + "/messages/" + UNKNOWN)).contains("\"code\":\"NOT-FOUND\"");
    api.withKey(null).get(root + "/health").expect(401);
  }

  @Test
  void should_speak_as_messaging_server() {
    String at = "/facades/messaging-server/api/v1";
    for (String action : List.of("stop", "start")) {
      assertThat(
              api.post(at + "/cron/control", Map.of("action", action)).expect(200).text("/message"))
          .startsWith("cron " + action);
      assertThat(api.get("/api/v1/scheduler/status").expect(200).text("/running"))
          .isEqualTo(Boolean.toString(action.equals("start")));
    }
    sent(1);
    JsonNode list = api.get(at + "/list/sent-messages").expect(200).body();
    assertThat(names(list)).containsExactly("message", "data");
    assertThat(names(list.at("/data/0"))).containsExactly("ID", "Content", "PhoneNumber", "IsSent");
    api.get("/facades/messaging-server/health").expect(200);

    refuses(400, api.post(at + "/cron/control", Map.of("action", "pause")))
        .isEqualTo(
            "{\"error\":\"The request is malformed\",\"details\":\"action must be start or stop\"}");
    refuses(400, api.post(at + "/cron/control", null)).contains("the body is empty");
    api.get(at + "/cron/control").expect(405);
  }

  /** Creates messages and waits until they are sent. */
  private static List<String> sent(int count) {
    List<String> ids = api.createMany(count);
    await().until(() -> ids.stream().allMatch(id -> api.status(id).equals("SENT")));
    return ids;
  }

  private static AbstractStringAssert<?> refuses(int status, Answer answer) {
    assertThat(answer.expect(status).http().headers().firstValue("Content-Type"))
        .hasValue("application/json");
    return assertThat(answer.http().body());
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  @Test
  void should_give_a_route_the_request_and_nothing_that_steers_it() {
    Answer answer =
        api.call(
                "POST",
                "/mine/j%C3%B6e+a%2Fb/hello?from=here&from=there&running=true",
                "the body",
                "CamelHttpUri",
                "http://elsewhere",
                "X-Correlation-ID",
                "an-id",
                "X-Mine",
                "own")
            .expect(200);
    assertThat(answer.http().body())
        .isEqualTo("Hello jöe+a/b, here, default, the body, an-id, own, {}");
    assertThat(answer.http().headers().firstValue("X-Correlation-ID")).hasValue("an-id");
    assertThat(answer.http().headers().firstValue("Content-Type"))
        .hasValue("text/plain; charset=utf-8");
    assertThat(api.call("HEAD", "/mine/joe/hello", null).expect(200).http().body()).isEmpty();
    assertThat(api.get("/theirs/42").expect(200).http().body()).isEqualTo("{\"id\":\"42\"}");
  }

  @Test
  void should_guard_an_entrance_as_the_api() {
    Answer refused = api.withKey(null).get("/mine/joe/hello").expect(401);
    assertThat(refused.http().headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
    api.withKey("wrong").get("/theirs/42").expect(401);
    Answer notAllowed = api.delete("/mine/joe/hello").expect(405);
    assertThat(notAllowed.http().headers().firstValue("Allow")).hasValue("GET, HEAD, POST");
    assertThat(api.get("/mine/hello").expect(404).text("/type")).endsWith(":not-found");
    assertThat(api.post("/mine/joe/hello", "x".repeat(1_048_577)).expect(413).text("/type"))
        .endsWith(":too-large");
    api.post("/mine/joe/hello", "x", "Idempotency-Key", "x".repeat(256)).expect(400);
  }

  @Test
  void should_let_no_key_do_by_a_facade_what_it_may_not_do_by_the_api() {
    Api reads = api.withKey(READER);
    Api sends = api.withKey(SENDER);
    Api operates = api.withKey(OPERATOR);
    String messager = "/facades/messager/messages";
    Map<String, String> message = Map.of("content", "Hello, world", "phone", "+905551234567");
    reads.get(messager).expect(200);
    forbids("read", "sender", sends.get(messager));
    operates.call("HEAD", messager, null).expect(403);
    forbids("send or operate", "reader", reads.post(messager, message));
    sends.post(messager, message).expect(201);
    forbids("send", "operator", operates.post(messager, message));
    // Their first step reads the state of delivery.
    String dispatcher = "/facades/go-message-dispatcher/api/v1/";
    operates.post(dispatcher + "scheduler/stop", null).expect(200);
    forbids("operate", "sender", sends.post(dispatcher + "scheduler/start", null));
    forbids("operate", "sender", sends.post(dispatcher + "messaging/process", null));
    String server = "/facades/messaging-server/api/v1/cron/control";
    forbids("operate", "sender", sends.post(server, Map.of("action", "start")));
    forbids(
        "operate",
        "sender",
        sends.post(server, Map.of("action", "start"), "Herald-Key-Roles", "operate"));
    operates.post(server, Map.of("action", "start")).expect(200);

    forbids("send", "reader", reads.get("/mine/" + UNKNOWN + "/cancel"));
    api.get("/mine/" + UNKNOWN + "/cancel").expect(404);
    forbids("operate", "sender", sends.post("/mine/clean", null));
    assertThat(operates.post("/mine/clean", null).expect(200).http().body()).isEqualTo("clean");
  }

  private static void forbids(String role, String name, Answer answer) {
    assertThat(answer.expect(403).http().body())
        .contains("this call needs the role " + role + ", and the key of '" + name + "' has only");
  }

  @Test
  void should_answer_a_failure_with_a_problem_and_not_with_its_text() {
    for (String path : new String[] {"/mine/nobody/hello", "/mine/raw"}) {
      Answer failed = api.get(path).expect(500);
      assertThat(failed.http().headers().firstValue("Content-Type"))
          .hasValue("application/problem+json");
      assertThat(failed.http().body()).doesNotContain("secret", "Exception");
    }
  }

  @Test
  void should_take_an_edit_while_requests_come() throws Exception {
    AtomicBoolean going = new AtomicBoolean(true);
    Set<String> answers = ConcurrentHashMap.newKeySet();
    Thread client =
        new Thread(
            () -> {
              while (going.get()) {
                Answer answer = api.get("/mine/joe/hello");
                answers.add(answer.status() + " " + answer.http().body().split(" ")[0]);
              }
            });
    client.start();
    try {
      for (int i = 0; i < 10; i++) {
        write("mine", MINE.replace("Hello", "Hi" + i));
        api.post("/api/v1/flow/reload", null).expect(200);
        assertThat(api.get("/mine/joe/hello").expect(200).http().body()).startsWith("Hi" + i);
      }
    } finally {
      going.set(false);
      client.join();
    }
    assertThat(answers).hasSizeGreaterThan(1).allMatch(answer -> answer.startsWith("200 H"));
  }

  @Test
  void should_add_move_and_remove_an_entrance_without_a_restart() throws IOException {
    write("mine", MINE.replace("/hello", "/hi"));
    api.post("/api/v1/flow/reload", null).expect(200);
    api.get("/mine/joe/hi").expect(200);
    api.get("/mine/joe/hello").expect(404);
    api.post("/api/v1/routes/mine-hello/stop", null).expect(200);
    assertThat(api.get("/mine/joe/hi").expect(503).text("/detail")).contains("is stopped");
    api.post("/api/v1/routes/mine-hello/start", null).expect(200);
    api.get("/mine/joe/hi").expect(200);
  }

  @Test
  void should_ask_for_a_restart_to_swap_a_rest_element() throws IOException {
    write("rest", REST.replace("Show the id", "Show it"));
    assertThat(api.post("/api/v1/flow/reload", null).expect(422).text("/faults/0/detail"))
        .isEqualTo("has a rest element, which cannot be swapped while it runs; restart this node");
  }

  private static void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name + ".camel.yaml"), text);
  }
}
