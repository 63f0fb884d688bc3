package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
  private static Sql sql;

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    node =
        Node.on(database, webhook.url())
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

    answer =
        api.post("/api/v1/messages", Map.of("phoneNumber", "12", "sendAt", "soon")).expect(422);
    assertThat(pointers(answer))
        .as("a missing field hides nothing")
        .containsExactlyInAnyOrder("/phoneNumber", "/content", "/sendAt");

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
    assertThat(pointers(answer)).containsExactlyInAnyOrder("/1/phoneNumber", "/2/phoneNumber");
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
    api.patch("/api/v1/messages/" + id, Map.of("content", "too late")).expect(409);
    api.post("/api/v1/messages/" + id + "/retry", null).expect(409);
  }

  @Test
  void should_change_what_a_patch_names_and_nothing_else() {
    Map<String, Object> body = new LinkedHashMap<>(Api.message("Hello"));
    body.put("sendAt", "2999-01-01T00:00:00Z");
    body.put("expiresAt", "2999-01-02T00:00:00Z");
    body.put("reference", "order 1");
    body.put("metadata", Map.of("a", "1"));
    Answer created = api.post("/api/v1/messages", body).expect(201);
    String path = "/api/v1/messages/" + created.id();

    ObjectNode expected = created.body().deepCopy();
    patch(path, expected, "content", "better words");
    patch(path, expected, "phoneNumber", "+905557654321");
    patch(path, expected, "sendAt", "2999-01-01T12:00:00Z");
    patch(path, expected, "expiresAt", "2999-01-03T00:00:00Z");
    patch(path, expected, "reference", "order 2");
    for (String field : List.of("reference", "metadata", "sendAt", "expiresAt")) {
      patch(path, expected, field, null);
    }
    assertThat(pointers(api.patch(path, Map.of("content", " ", "phoneNumber", "1")).expect(422)))
        .containsExactlyInAnyOrder("/phoneNumber", "/content");
    assertThat(pointers(api.patch(path, "{\"content\": null, \"phoneNumber\": \"1\"}").expect(422)))
        .containsExactlyInAnyOrder("/phoneNumber", "/content");
    api.patch(path, Map.of()).expect(422);
  }

  private static void patch(String path, ObjectNode expected, String field, String value) {
    ObjectNode change = JSON.createObjectNode().put(field, value);
    JsonNode answer = api.patch(path, change).expect(200).body();
    expected.put(field, value).set("updatedAt", answer.path("updatedAt"));
    if (value == null) {
      expected.remove(field);
    }
    assertThat(answer).as(field).isEqualTo(expected);
    assertThat(
            sql.value(
                "SELECT next_attempt_at <= now() FROM message WHERE id = ?::uuid",
                expected.path("id").asText()))
        .as("due after %s", field)
        .isEqualTo(expected.has("sendAt") ? "f" : "t");
  }

  @Test
  void should_not_lose_a_time_unseen() {
    Map<String, Object> body = new LinkedHashMap<>(Api.message("next week"));
    body.put("sendAt", "2999-01-01T00:00:00Z");
    body.put("expiresAt", "2999-01-02T00:00:00Z");
    Answer created = api.post("/api/v1/messages", body).expect(201);
    String path = "/api/v1/messages/" + created.id();
    Answer refused = api.put(path, Api.message("a typo less")).expect(422);
    assertThat(pointers(refused)).containsExactly("/sendAt", "/expiresAt");
    assertThat(refused.text("/errors/0/detail"))
        .isEqualTo(
            "is missing, and the message would lose its sendAt, 2999-01-01T00:00:00Z; give a time, or null for none, or use PATCH, which changes only what it names");
    refused = api.patch(path, Map.of("sendAt", "2999-01-02T00:00:00Z")).expect(422);
    assertThat(refused.text("/errors/0/pointer")).isEqualTo("/sendAt");
    assertThat(refused.text("/errors/0/detail")).contains("before the message's expiresAt, 2999");
    refused = api.patch(path, Map.of("expiresAt", "2998-01-01T00:00:00Z")).expect(422);
    assertThat(refused.text("/errors/0/detail")).contains("after the message's sendAt, 2999");
    JsonNode same = api.get(path).expect(200).body();
    assertThat(same.path("content").asText()).isEqualTo("next week");
    assertThat(same.path("updatedAt")).isEqualTo(created.body().path("updatedAt"));

    Map<String, Object> named = new LinkedHashMap<>(Api.message("at once"));
    named.put("sendAt", null);
    named.put("expiresAt", null);
    JsonNode replaced = api.put(path, named).expect(200).body();
    assertThat(replaced.has("sendAt") || replaced.has("expiresAt")).isFalse();
    api.put(path, Api.message("nothing to lose")).expect(200);
  }

  @Test
  void should_leave_the_waits_of_a_message_alone_unless_it_begins_anew() {
    String id = api.create("fails");
    sql.update(
        "UPDATE message SET next_attempt_at = '2999-01-01', failing_since = now(), misconfigured = true WHERE id = ?::uuid",
        id);
    String waits =
        "SELECT concat(next_attempt_at > now(), failing_since IS NULL, misconfigured IS NULL) FROM message WHERE id = ?::uuid";
    api.patch("/api/v1/messages/" + id, Map.of("reference", "order 3")).expect(200);
    api.patch("/api/v1/messages/" + id, Map.of("expiresAt", "2999-01-01T00:00:00Z")).expect(200);
    assertThat(sql.value(waits, id)).isEqualTo("tff");
    api.patch("/api/v1/messages/" + id, Map.of("phoneNumber", "+905557654321")).expect(200);
    assertThat(sql.value(waits, id)).isEqualTo("ftt");

    sql.update(
        "INSERT INTO attempt (message_id, claim_id, number, at, class) VALUES (?::uuid, gen_random_uuid(), 1, now(), 'MAYBE_SENT')",
        id);
    assertThat(
            api.patch("/api/v1/messages/" + id, Map.of("content", "x")).expect(409).text("/detail"))
        .contains("may have been sent");
    sql.update(
        "UPDATE message SET claim_id = gen_random_uuid(), lease_until = now() + interval '1 min' WHERE id = ?::uuid",
        id);
    assertThat(
            api.patch("/api/v1/messages/" + id, Map.of("content", "x")).expect(409).text("/detail"))
        .contains("SENDING");
    assertThat(ids(api.get("/api/v1/messages?status=SENDING&reference=order+3")))
        .containsExactly(id);
    assertThat(ids(api.get("/api/v1/messages?status=SENDING,CANCELLED&limit=500"))).contains(id);
    assertThat(ids(api.get("/api/v1/messages?status=PENDING,CANCELLED&limit=500")))
        .isNotEmpty()
        .doesNotContain(id);
    sql.update("DELETE FROM message WHERE id = ?::uuid", id);
  }

  @Test
  void should_list_by_several_statuses_and_by_the_time_of_change_however_far_it_must_read() {
    sql.update(
        """
        INSERT INTO message (id, phone_number, content, status, max_attempts, created_at, updated_at, last_class)
        SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' || lpad(i::text, 15, '0'))::uuid,
          '+905559990003', i::text, CASE i %% 2 WHEN 0 THEN 'FAILED' ELSE 'EXPIRED' END, 3, at,
          CASE i %% 4000 WHEN 0 THEN timestamptz '2998-01-01 00:00:00Z' ELSE now() END,
          CASE i %% 3000 WHEN 0 THEN 'REFUSED' WHEN 2 THEN 'NOT_SENT' END
        FROM (SELECT i, timestamptz '2020-01-01 00:00:00Z' + i * interval '1 ms' AS at FROM generate_series(1, 12000) i) t
        """
            .replace("%%", "%"));
    String old = "/api/v1/messages?createdTo=2020-02-01T00:00:00Z";
    assertThat(contents(old + "&limit=3")).containsExactly("12000", "11999", "11998");
    assertThat(contents(old + "&limit=3&status=FAILED")).containsExactly("12000", "11998", "11996");
    assertThat(contents(old + "&limit=3&status=EXPIRED,FAILED&offset=1"))
        .containsExactly("11999", "11998", "11997");
    assertThat(contents(old + "&limit=3&status=CANCELLED,SENT,UNKNOWN,PENDING")).isEmpty();
    assertThat(contents(old + "&class=REFUSED")).containsExactly("12000", "9000", "6000", "3000");
    assertThat(contents(old + "&class=REFUSED&status=EXPIRED,SENDING")).isEmpty();
    assertThat(all(old + "&limit=500&status=FAILED,EXPIRED"))
        .hasSize(12_000)
        .doesNotHaveDuplicates();

    String changed = "&updatedFrom=2998-01-01T00:00:00Z&updatedTo=2998-01-01T00:00:00.000001Z";
    assertThat(all(old + changed)).containsExactly("12000", "8000", "4000");
    assertThat(all(old + changed + "&limit=1&status=FAILED,SENT"))
        .containsExactly("12000", "8000", "4000");
    assertThat(all(old + changed + "&class=REFUSED")).containsExactly("12000");
    assertThat(all(old + changed + "&status=EXPIRED")).isEmpty();
    assertThat(all(old + "&updatedFrom=2998-01-01T00:00:00.000001Z")).isEmpty();
    JsonNode last =
        api.get(old + "&updatedFrom=2998-01-01T00:00:00Z&createdFrom=2020-01-01T00:00:11.999Z")
            .expect(200)
            .body();
    assertThat(last.path("items")).as("createdFrom ends the search").hasSize(1);
    assertThat(last.has("nextCursor")).isFalse();
    sql.update("DELETE FROM message WHERE phone_number = '+905559990003'");
  }

  private static List<String> contents(String path) {
    return api.get(path).expect(200).body().path("items").findValuesAsText("content");
  }

  /** What all pages have; none has more than its limit, and some may be empty. */
  private static List<String> all(String path) {
    List<String> contents = new ArrayList<>();
    String cursor = "";
    for (int pages = 0; pages < 100; pages++) {
      JsonNode page = api.get(path + cursor).expect(200).body();
      contents.addAll(page.path("items").findValuesAsText("content"));
      if (!page.has("nextCursor")) {
        return contents;
      }
      cursor = "&cursor=" + page.path("nextCursor").asText();
    }
    throw new AssertionError("the pages do not end");
  }

  @Test
  void should_say_that_a_message_is_not_there() {
    String nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    assertThat(api.get("/api/v1/messages/" + nobody).expect(404).text("/detail")).contains(nobody);
    api.put("/api/v1/messages/" + nobody, Api.message("x")).expect(404);
    api.patch("/api/v1/messages/" + nobody, Map.of("content", "x")).expect(404);
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
        api.get("/api/v1/messages?limit=501&status=SENT,LOST&colour=red&cursor=x").expect(400);
    assertThat(answer.text("/type")).isEqualTo("urn:problem-type:herald:bad-parameter");
    assertThat(pointers(answer)).containsExactlyInAnyOrder("limit", "status", "colour");
    assertThat(answer.http().body())
        .contains("must be at most 500", "allowed are", "must be one of PENDING, SENDING, SENT");
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
