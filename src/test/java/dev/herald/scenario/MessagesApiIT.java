package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.RawHttp;
import dev.herald.testing.RawHttp.Reply;
import dev.herald.testing.Sql;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Putting messages in, seeing them and changing them, while delivery is stopped. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class MessagesApiIT {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static SampleWebhook webhook;
  private static Node node;
  private static Api api;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    node =
        Node.on(Local.servers().newDatabase(), webhook.url())
            .with("dispatch.enabled", false)
            .with("phone.default-region", "TR")
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @Test
  void should_answer_with_the_stored_message_and_where_it_is() {
    Answer created = api.post("/api/v1/messages", Api.message("Hello")).expect(201);

    assertThat(created.http().headers().firstValue("Location"))
        .hasValue("/api/v1/messages/" + created.id());
    assertThat(created.http().headers().firstValue("Content-Type")).hasValue("application/json");
    assertThat(created.text("/phoneNumber")).isEqualTo("+905551234567");
    assertThat(created.text("/content")).isEqualTo("Hello");
    assertThat(created.text("/status")).isEqualTo("PENDING");
    assertThat(created.body().path("attempts").asInt()).isZero();
    assertThat(created.body().path("maxAttempts").asInt()).isEqualTo(3);
    assertThat(created.text("/createdAt")).endsWith("Z");
    JsonNode found = api.get("/api/v1/messages/" + created.id()).expect(200).body();
    assertThat(found.path("failedAttempts")).isEmpty();
    created
        .body()
        .fieldNames()
        .forEachRemaining(
            field -> assertThat(found.get(field)).as(field).isEqualTo(created.body().get(field)));
  }

  @Test
  void should_keep_show_find_and_replace_the_clients_own_words() {
    Map<String, Object> body = new LinkedHashMap<>(Api.message("Hello"));
    body.put("sendAt", "2999-01-01T00:00:00Z");
    body.put("expiresAt", "2999-01-02T00:00:00Z");
    body.put("reference", "order 'ş' 😀");
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("zone", "a\nb\"\\");
    metadata.put("campaign", "");
    body.put("metadata", metadata);
    Answer created = api.post("/api/v1/messages", body, "Idempotency-Key", "own-1").expect(201);
    assertThat(created.text("/reference")).isEqualTo("order 'ş' 😀");
    assertThat(created.body().path("metadata").toString())
        .as("in the client's order")
        .isEqualTo("{\"zone\":\"a\\nb\\\"\\\\\",\"campaign\":\"\"}");
    assertThat(api.post("/api/v1/messages", body, "Idempotency-Key", "own-1").expect(201).body())
        .isEqualTo(created.body());
    api.post("/api/v1/messages/batch", List.of(body, Api.message("no words"))).expect(201);

    JsonNode items =
        api.get("/api/v1/messages?reference=order+%27%C5%9F%27+%F0%9F%98%80")
            .expect(200)
            .body()
            .path("items");
    assertThat(items).hasSize(2);
    assertThat(items.get(1)).isEqualTo(created.body());
    assertThat(api.get("/api/v1/messages?reference=order").expect(200).body().path("items"))
        .isEmpty();
    assertThat(pointers(api.get("/api/v1/messages?reference=+").expect(400)))
        .containsExactly("reference");
    assertThat(pointers(api.get("/api/v1/messages?reference=" + "x".repeat(129)).expect(400)))
        .containsExactly("reference");

    body.remove("metadata");
    body.put("reference", "order 2");
    assertThat(
            api.post("/api/v1/messages", body, "Idempotency-Key", "own-1")
                .expect(422)
                .text("/type"))
        .endsWith(":key-reused");
    Answer replaced = api.put("/api/v1/messages/" + created.id(), body).expect(200);
    assertThat(replaced.text("/reference")).isEqualTo("order 2");
    assertThat(replaced.text("/sendAt")).isEqualTo("2999-01-01T00:00:00Z");
    assertThat(replaced.text("/expiresAt")).isEqualTo("2999-01-02T00:00:00Z");
    assertThat(replaced.body().has("metadata")).isFalse();
    body.remove("reference");
    assertThat(
            api.put("/api/v1/messages/" + created.id(), body).expect(200).body().has("reference"))
        .as("what a PUT leaves out is gone")
        .isFalse();
  }

  @Test
  void should_understand_numbers_as_people_write_them() {
    for (String written :
        List.of("+90 555 123 45 67", "0555 123 45 67", "+90 (555) 123-4567", "00905551234567")) {
      assertThat(
              api.post("/api/v1/messages", Map.of("phoneNumber", written, "content", "x"))
                  .expect(201)
                  .text("/phoneNumber"))
          .as(written)
          .isEqualTo("+905551234567");
    }
  }

  @Test
  void should_name_each_bad_field() {
    Answer answer =
        api.post("/api/v1/messages", Map.of("phoneNumber", "12", "content", " ", "colour", "red"))
            .expect(422);
    assertThat(answer.http().headers().firstValue("Content-Type"))
        .hasValue("application/problem+json");
    assertThat(answer.text("/type")).isEqualTo("urn:problem-type:herald:invalid");
    assertThat(answer.text("/errors/0/pointer")).isEqualTo("/colour");
    assertThat(answer.text("/errors/0/detail")).isEqualTo("is not a known field");

    answer = api.post("/api/v1/messages", Map.of("phoneNumber", "12", "content", " ")).expect(422);
    assertThat(pointers(answer)).containsExactly("/phoneNumber", "/content");
    assertThat(answer.text("/errors/0/detail"))
        .contains("not a valid phone number")
        .contains("+905551234567");

    answer = api.post("/api/v1/messages", Map.of("phoneNumber", "+905551234567")).expect(422);
    assertThat(pointers(answer)).containsExactly("/content");
    assertThat(answer.text("/errors/0/detail")).isEqualTo("is missing");
  }

  @Test
  void should_count_the_length_in_code_points() {
    String id = api.create("😀".repeat(255));
    assertThat(api.get("/api/v1/messages/" + id).text("/content")).isEqualTo("😀".repeat(255));
    Answer answer = api.post("/api/v1/messages", Api.message("😀".repeat(256))).expect(422);
    assertThat(answer.text("/errors/0/detail")).contains("at most 255 characters");
  }

  @Test
  void should_refuse_what_is_not_json() {
    assertThat(api.post("/api/v1/messages", "{\"phoneNumber\": ").expect(400).text("/detail"))
        .contains("not JSON")
        .contains("line 1");
    assertThat(
            api.post("/api/v1/messages", null, "Content-Type", "application/json")
                .expect(400)
                .text("/detail"))
        .contains("empty");
    api.post(
            "/api/v1/messages",
            "phoneNumber=1",
            "Content-Type",
            "application/x-www-form-urlencoded")
        .expect(415);
  }

  @Test
  void should_store_a_batch_wholly_or_not_at_all() {
    long before = api.count("PENDING");
    Answer answer =
        api.post(
                "/api/v1/messages/batch",
                List.of(
                    Api.message("one"),
                    Map.of("phoneNumber", "nonsense", "content", "two"),
                    Map.of("content", "three")))
            .expect(422);
    assertThat(pointers(answer)).containsExactly("/2/phoneNumber");
    answer =
        api.post(
                "/api/v1/messages/batch",
                List.of(Api.message("one"), Map.of("phoneNumber", "nonsense", "content", "two")))
            .expect(422);
    assertThat(pointers(answer)).containsExactly("/1/phoneNumber");
    assertThat(api.count("PENDING")).isEqualTo(before);

    Answer stored =
        api.post("/api/v1/messages/batch", List.of(Api.message("one"), Api.message("two")))
            .expect(201);
    assertThat(stored.body().path("accepted").asInt()).isEqualTo(2);
    assertThat(api.get("/api/v1/messages/" + stored.text("/ids/0")).text("/content"))
        .isEqualTo("one");
    assertThat(api.get("/api/v1/messages/" + stored.text("/ids/1")).text("/content"))
        .isEqualTo("two");
    assertThat(api.count("PENDING")).isEqualTo(before + 2);

    List<Object> tooMany = new ArrayList<>();
    for (int i = 0; i < 1_001; i++) {
      tooMany.add(Api.message("x"));
    }
    assertThat(api.post("/api/v1/messages/batch", tooMany).expect(422).text("/errors/0/detail"))
        .contains("at most 1000");
    api.post("/api/v1/messages/batch", List.of()).expect(422);
  }

  @Test
  void should_replace_and_cancel_what_is_pending_only() {
    String id = api.create("first words");
    JsonNode replaced =
        api.put(
                "/api/v1/messages/" + id,
                Map.of("phoneNumber", "+905557654321", "content", "better words"))
            .expect(200)
            .body();
    assertThat(replaced.path("phoneNumber").asText()).isEqualTo("+905557654321");
    assertThat(replaced.path("content").asText()).isEqualTo("better words");
    api.put("/api/v1/messages/" + id, Map.of("phoneNumber", "+905557654321", "content", ""))
        .expect(422);

    assertThat(api.delete("/api/v1/messages/" + id).expect(204).http().body()).isEmpty();
    assertThat(api.status(id)).isEqualTo("CANCELLED");
    assertThat(api.delete("/api/v1/messages/" + id).expect(409).text("/detail"))
        .contains("CANCELLED");
    api.put("/api/v1/messages/" + id, Api.message("too late")).expect(409);
    api.post("/api/v1/messages/" + id + "/retry", null).expect(409);
  }

  @Test
  void should_say_that_a_message_is_not_there() {
    String nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    assertThat(api.get("/api/v1/messages/" + nobody).expect(404).text("/detail")).contains(nobody);
    api.put("/api/v1/messages/" + nobody, Api.message("x")).expect(404);
    api.delete("/api/v1/messages/" + nobody).expect(404);
    api.post("/api/v1/messages/" + nobody + "/retry", null).expect(404);
    Answer answer = api.get("/api/v1/messages/nonsense").expect(400);
    assertThat(pointers(answer)).containsExactly("id");
    assertThat(answer.text("/errors/0/detail")).contains("UUID");
  }

  @Test
  void should_list_page_by_page_newest_first_while_others_come_in() {
    String number = "+905559990001";
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      ids.add(
          0,
          api.post("/api/v1/messages", Map.of("phoneNumber", number, "content", "page " + i))
              .expect(201)
              .id());
    }
    List<String> listed = new ArrayList<>();
    String path = "/api/v1/messages?phoneNumber=%2B905559990001&limit=3";
    JsonNode page = api.get(path).expect(200).body();
    while (true) {
      page.path("items").forEach(item -> listed.add(item.path("id").asText()));
      if (!page.has("nextCursor")) {
        break;
      }
      api.post("/api/v1/messages", Map.of("phoneNumber", number, "content", "meanwhile"))
          .expect(201);
      page = api.get(path + "&cursor=" + page.path("nextCursor").asText()).expect(200).body();
    }
    assertThat(listed).isEqualTo(ids);
    assertThat(api.get(path + "&offset=8").expect(200).body().path("items")).hasSize(1);
  }

  @Test
  void should_list_by_status_and_time() {
    String number = "+905559990002";
    String pending =
        api.post("/api/v1/messages", Map.of("phoneNumber", number, "content", "a"))
            .expect(201)
            .id();
    Answer cancelled =
        api.post("/api/v1/messages", Map.of("phoneNumber", number, "content", "b")).expect(201);
    api.delete("/api/v1/messages/" + cancelled.id()).expect(204);
    String base = "/api/v1/messages?phoneNumber=05559990002";
    assertThat(ids(api.get(base + "&status=PENDING"))).containsExactly(pending);
    assertThat(ids(api.get(base + "&status=CANCELLED"))).containsExactly(cancelled.id());
    assertThat(ids(api.get(base + "&status=SENDING"))).isEmpty();
    String time = cancelled.text("/createdAt");
    assertThat(ids(api.get(base + "&createdFrom=" + time))).containsExactly(cancelled.id());
    assertThat(ids(api.get(base + "&createdTo=" + time))).containsExactly(pending);
  }

  @Test
  void should_name_a_bad_parameter() {
    Answer answer =
        api.get("/api/v1/messages?limit=501&status=LOST&colour=red&cursor=x").expect(400);
    assertThat(answer.text("/type")).isEqualTo("urn:problem-type:herald:bad-parameter");
    assertThat(pointers(answer)).containsExactlyInAnyOrder("limit", "status", "colour");
    assertThat(answer.http().body()).contains("must be at most 500").contains("allowed are");
    assertThat(pointers(api.get("/api/v1/messages?cursor=x").expect(400)))
        .containsExactly("cursor");
    assertThat(pointers(api.get("/api/v1/messages/sent?cursor=x_y").expect(400)))
        .containsExactly("cursor");
    api.get("/api/v1/messages?limit=abc").expect(400);
    api.get("/api/v1/messages?limit=0").expect(400);
    api.get("/api/v1/messages?limit=1&limit=2").expect(400);
    api.get("/api/v1/messages?createdFrom=yesterday").expect(400);
  }

  @Test
  void should_need_a_key() {
    Answer answer = api.withKey(null).get("/api/v1/messages").expect(401);
    assertThat(answer.http().headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
    assertThat(answer.http().headers().firstValue("Content-Type"))
        .hasValue("application/problem+json");
    api.withKey("wrong").get("/api/v1/messages").expect(401);
    api.withKey(null).get("/api/v1/no-such-thing").expect(401);
    api.withKey(null).post("/api/v1/messages", "not even json").expect(401);
    api.withKey(null).get("/health").expect(200);
  }

  @Test
  void should_say_what_is_allowed_where() {
    assertThat(api.get("/api/v1/no-such-thing").expect(404).text("/type"))
        .isEqualTo("urn:problem-type:herald:not-found");
    Answer answer = api.call("PATCH", "/api/v1/messages", null).expect(405);
    assertThat(answer.http().headers().firstValue("Allow")).hasValue("GET, HEAD, POST");
    assertThat(
            api.call("GET", "/api/v1/messages", null, "Accept", "text/html")
                .expect(406)
                .text("/status"))
        .isEqualTo("406");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Idempotency-Key | a | b",
        "Idempotency-Key | a | a",
        "Authorization | Bearer x | Bearer y",
        "Content-Type | application/json | text/plain",
      })
  void should_refuse_a_header_that_says_two_things(String name, String first, String second)
      throws IOException {
    long before = count();
    String headers = "%s: %s\r\n%s: %s\r\n".formatted(name, first, name.toLowerCase(), second);
    Reply reply =
        raw(
            "POST",
            "/api/v1/messages",
            headers,
            "{\"phoneNumber\":\"+905551234567\",\"content\":\"hi\"}");
    assertThat(reply.status()).isEqualTo(400);
    JsonNode problem = JSON.readTree(reply.body());
    assertThat(problem.path("type").asText()).isEqualTo("urn:problem-type:herald:bad-parameter");
    assertThat(problem.at("/errors/0/pointer").asText()).isEqualTo(name);
    assertThat(problem.at("/errors/0/detail").asText()).isEqualTo("must be given once");
    assertThat(count()).isEqualTo(before);
  }

  @Test
  void should_refuse_a_body_of_two_lengths() throws IOException {
    Reply reply = raw("POST", "/api/v1/messages", "Content-Length: 5\r\n", "{}");
    assertThat(reply.status()).isEqualTo(400);
    assertThat(JSON.readTree(reply.body()).path("type").asText())
        .isEqualTo("urn:problem-type:herald:malformed");
  }

  @Test
  void should_make_an_id_of_its_own_for_a_request_that_gives_two() {
    String two = "X-Correlation-ID: one\r\nX-Correlation-ID: two\r\n";
    Reply reply = raw("GET", "/api/v1/messages/stats", two, null);
    assertThat(reply.status()).isEqualTo(200);
    assertThat(reply.header("X-Correlation-ID")).hasSize(36);
  }

  @Test
  void should_read_two_headers_accept_as_one() {
    String two = "Accept: text/html\r\nAccept: application/json\r\n";
    assertThat(raw("GET", "/api/v1/messages/stats", two, null).status()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource({
    "OPTIONS, *, 404",
    "GET, *, 404",
    "CONNECT, elsewhere.example:443, 404",
    "GET, elsewhere, 404",
    "GET, http://elsewhere.example/live, 200",
    "TRACE, /api/v1/messages, 405",
    "OPTIONS, /api/v1/messages, 405",
    "PROPFIND, /api/v1/messages, 405",
    "get, /api/v1/messages, 405",
    "CONNECT, /api/v1/messages, 405",
    "TRACE, /live, 405",
    "FROB, /swagger/, 405",
  })
  void should_answer_an_odd_method_or_target(String method, String target, int status)
      throws IOException {
    Reply reply = raw(method, target, "", null);
    assertThat(reply.status()).as("%s", reply).isEqualTo(status);
    if (status >= 400) {
      assertThat(reply.header("Content-Type")).isEqualTo("application/problem+json");
      assertThat(reply.header("Allow") != null).isEqualTo(status == 405);
      JsonNode problem = JSON.readTree(reply.body());
      assertThat(problem.path("correlationId").asText())
          .isNotBlank()
          .isEqualTo(reply.header("X-Correlation-ID"));
    }
  }

  @Test
  void should_refuse_a_phone_number_to_look_for_whose_plus_became_a_space() {
    Answer refused = api.get("/api/v1/messages?phoneNumber=+49301234567").expect(400);
    assertThat(pointers(refused)).containsExactly("phoneNumber");
    assertThat(refused.text("/detail")).contains("write + as %2B");
    api.get("/api/v1/messages?phoneNumber=%2B49301234567").expect(200);
    assertThat(
            api.get("/api/v1/messages?createdFrom=2030-01-01T00:00:00+03:00")
                .expect(400)
                .text("/detail"))
        .contains("write + as %2B");
  }

  @Test
  void should_refuse_a_reason_that_is_no_line() {
    for (String reason : List.of("a\u0000", "a\nb", "a\u001b[2J", "a\u2028b")) {
      assertThat(pointers(api.post("/api/v1/scheduler/stop", Map.of("reason", reason)).expect(422)))
          .containsExactly("/reason");
    }
  }

  private static long count() {
    return api.get("/api/v1/messages/stats").expect(200).body().at("/byStatus/PENDING").asLong();
  }

  /** A request whose headers a client's library would not send. */
  private static Reply raw(String method, String target, String headers, String body) {
    String own =
        (headers.contains("Authorization") ? "" : "Authorization: Bearer " + Node.KEY + "\r\n")
            + (body == null ? "" : "Content-Length: " + body.length() + "\r\n")
            + (body == null || headers.contains("Content-Type")
                ? ""
                : "Content-Type: application/json\r\n");
    try (RawHttp http = new RawHttp(URI.create(api.url()).getPort())) {
      return http.send(
          (method
                  + " "
                  + target
                  + " HTTP/1.1\r\nHost: localhost\r\n"
                  + own
                  + headers
                  + "\r\n"
                  + (body == null ? "" : body))
              .getBytes(StandardCharsets.UTF_8),
          method.equals("HEAD"));
    }
  }

  @Test
  void should_refuse_expectations_and_large_bodies_that_nobody_takes() {
    Reply reply = raw("POST", "/api/v1/messages", "Expect: anything\r\n", "{}");
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.body()).contains("Expect may only be 100-continue");
    reply = raw("GET", "/api/v1/messages", "Content-Length: 99999999\r\n", null);
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.body()).contains("this call takes no body");
  }

  @Test
  void should_answer_the_same_request_the_same_way() {
    Map<String, Object> body = Api.message("only once");
    Answer first = api.post("/api/v1/messages", body, "Idempotency-Key", "key 1").expect(201);
    Answer second = api.post("/api/v1/messages", body, "Idempotency-Key", "key 1").expect(201);
    assertThat(second.body()).isEqualTo(first.body());
    assertThat(second.http().headers().firstValue("Location"))
        .isEqualTo(first.http().headers().firstValue("Location"));
    Answer other =
        api.post("/api/v1/messages", Api.message("something else"), "Idempotency-Key", "key 1")
            .expect(422);
    assertThat(other.text("/type")).isEqualTo("urn:problem-type:herald:key-reused");
    assertThat(api.post("/api/v1/messages", body, "Idempotency-Key", "key 2").expect(201).id())
        .isNotEqualTo(first.id());
  }

  @Test
  void should_make_one_message_of_the_same_request_sent_many_times_at_once() throws Exception {
    ExecutorService clients = Executors.newFixedThreadPool(16);
    List<Callable<String>> calls =
        Collections.nCopies(
            16,
            () ->
                api.post("/api/v1/messages", Api.message("race"), "Idempotency-Key", "race")
                    .expect(201)
                    .id());
    Set<String> ids = new HashSet<>();
    for (Future<String> id : clients.invokeAll(calls)) {
      ids.add(id.get());
    }
    clients.shutdown();
    assertThat(ids).hasSize(1);
  }

  @Test
  void should_answer_the_same_batch_the_same_way() {
    List<Object> batch = List.of(Api.message("one of a batch"), Api.message("another of it"));
    Answer first =
        api.post("/api/v1/messages/batch", batch, "Idempotency-Key", "a batch").expect(201);
    assertThat(
            api.post("/api/v1/messages/batch", batch, "Idempotency-Key", "a batch")
                .expect(201)
                .body())
        .isEqualTo(first.body());
    assertThat(
            api.post("/api/v1/messages/batch", batch.subList(0, 1), "Idempotency-Key", "a batch")
                .expect(422)
                .text("/type"))
        .isEqualTo("urn:problem-type:herald:key-reused");
    assertThat(
            api.post("/api/v1/messages/batch", batch, "Idempotency-Key", "k".repeat(256))
                .expect(400)
                .text("/errors/0/pointer"))
        .isEqualTo("Idempotency-Key");
  }

  @Test
  void should_refuse_a_body_that_is_too_large_whether_its_length_is_told_or_not() throws Exception {
    byte[] body = new byte[1024 * 1024 + 1];
    java.util.Arrays.fill(body, (byte) ' ');
    Answer told = api.post("/api/v1/messages", body).expect(413);
    assertThat(told.text("/type")).isEqualTo("urn:problem-type:herald:too-large");
    assertThat(told.text("/detail")).contains("1048576 bytes").contains("server.max-body");

    for (HttpClient.Version version : HttpClient.Version.values()) {
      HttpResponse<String> untold =
          HttpClient.newBuilder()
              .version(version)
              .build()
              .send(
                  HttpRequest.newBuilder(URI.create(api.url() + "/api/v1/messages"))
                      .header("Authorization", "Bearer " + Node.KEY)
                      .header("Content-Type", "application/json")
                      .POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)))
                      .build(),
                  BodyHandlers.ofString());
      assertThat(untold.statusCode()).as(version + untold.body()).isEqualTo(413);
      assertThat(untold.body()).contains("urn:problem-type:herald:too-large");
    }
  }

  @Test
  void should_expire_a_message_in_time_though_nothing_is_delivered_and_know_its_request_again() {
    Map<String, String> body =
        Map.of(
            "phoneNumber",
            "+905551234567",
            "content",
            "soon worthless",
            "expiresAt",
            Instant.now().plusSeconds(1).toString());
    String[] key = {"Idempotency-Key", "expires"};
    String[] keyOfBatch = {"Idempotency-Key", "a batch that expires"};
    String id = api.post("/api/v1/messages", body, key).expect(201).id();
    JsonNode batch =
        api.post("/api/v1/messages/batch", List.of(body), keyOfBatch).expect(201).body();
    await().untilAsserted(() -> assertThat(api.status(id)).isEqualTo("EXPIRED"));
    assertThat(api.get("/api/v1/messages/" + id).text("/lastError")).contains("expired");
    assertThat(webhook.posts()).isEmpty();

    Answer again = api.post("/api/v1/messages", body, key).expect(201);
    assertThat(again.id()).isEqualTo(id);
    assertThat(again.text("/status")).isEqualTo("EXPIRED");
    assertThat(api.post("/api/v1/messages/batch", List.of(body), keyOfBatch).expect(201).body())
        .isEqualTo(batch);
    assertThat(pointers(api.post("/api/v1/messages", body).expect(422)))
        .containsExactly("/expiresAt");
    api.post("/api/v1/messages", body, "Idempotency-Key", "a new request").expect(422);
  }

  @Test
  void should_remove_what_ended_long_ago_and_nothing_else() {
    String database = Local.servers().newDatabase();
    try (Node other =
        Node.on(database, webhook.url())
            .with("retention.sent", "2d")
            .with("webhook.on-ambiguous", "hold")
            .start()) {
      Sql sql = new Sql(database);
      for (String status :
          List.of("SENT", "FAILED", "CANCELLED", "EXPIRED", "UNKNOWN", "PENDING")) {
        for (int days : List.of(1, 3)) {
          sql.update(
              """
              WITH one AS (
                INSERT INTO message (id, phone_number, content, status, max_attempts, sent_at, updated_at, next_attempt_at)
                SELECT rpad(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0'), 32, md5('%1$s'))::uuid, '+905551234567',
                  '%1$s %2$d', '%1$s', 3, CASE '%1$s' WHEN 'SENT' THEN at END, at, now() + interval '1 day'
                FROM (SELECT now() - interval '%2$d days' AS at) t
                RETURNING id, status)
              , tallied AS (INSERT INTO message_tally (status, n) SELECT status, 1 FROM one)
              INSERT INTO attempt (message_id, claim_id, number, at, class) SELECT id, id, 1, now(), 'REFUSED' FROM one
              """
                  .formatted(status, days));
        }
      }
      String left = "SELECT string_agg(content, ', ' ORDER BY content) FROM message";
      await()
          .untilAsserted(
              () ->
                  assertThat(sql.value(left))
                      .isEqualTo(
                          "CANCELLED 1, EXPIRED 1, FAILED 1, PENDING 1, PENDING 3, SENT 1, UNKNOWN 1, UNKNOWN 3"));
      assertThat(other.api().count("SENT")).isEqualTo(1);
      assertThat(sql.value("SELECT count(*) FROM attempt")).isEqualTo("8");
      assertThat(other.api().count("FAILED")).isEqualTo(1);
      assertThat(other.api().count("UNKNOWN")).isEqualTo(2);
    }
  }

  @Test
  void should_tell_the_version_of_the_contract() {
    JsonNode contract = api.withKey(null).get("/openapi.json").expect(200).body();
    assertThat(contract.path("openapi").asText()).startsWith("3.");
    assertThat(contract.at("/components/schemas/NewMessage/properties/content/maxLength").asInt())
        .isEqualTo(255);
  }

  private static List<String> pointers(Answer answer) {
    List<String> pointers = new ArrayList<>();
    answer.body().path("errors").forEach(error -> pointers.add(error.path("pointer").asText()));
    return pointers;
  }

  private static List<String> ids(Answer answer) {
    List<String> ids = new ArrayList<>();
    answer.expect(200).body().path("items").forEach(item -> ids.add(item.path("id").asText()));
    return ids;
  }
}
