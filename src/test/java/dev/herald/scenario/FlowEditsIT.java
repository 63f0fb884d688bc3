package dev.herald.scenario;

import static dev.herald.testing.EditedRoutes.FIRST;
import static dev.herald.testing.EditedRoutes.LAST;
import static dev.herald.testing.EditedRoutes.MARSHAL;
import static dev.herald.testing.EditedRoutes.POST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Page;
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/**
 * Every edit of docs/change-the-flow.md, pasted from the page where the page says, on a node that
 * runs: checked, tried and reloaded as the page says. What leaves then, what is recorded, and what
 * becomes of a message when the other side fails.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class FlowEditsIT {
  private static final Page PAGE = new Page(Path.of("docs/change-the-flow.md"));
  private static final String DELIVER = "deliver.camel.yaml";
  private static final String SECRET = "s3cr+t/%41&=?#) (:\u00fc";
  private static final List<String> SECRETS =
      List.of("the-first-ones-key", "the-second-ones-key", "the-german-key", SECRET);

  @TempDir static Path folder;
  private static SampleWebhook webhook;
  private static SampleWebhook other;

  /** To the webhook, and to the database of the customers. */
  private static TcpProxy cable;

  private static TcpProxy crmCable;
  private static Sql crm;
  private static EditedRoutes routes;
  private static Node node;
  private static Api api;
  private static Sql sql;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    other = new SampleWebhook();
    cable = new TcpProxy(webhook.port());
    routes = EditedRoutes.in(folder);
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    String customers = Local.servers().newDatabase();
    crm = new Sql(customers);
    crmCable = TcpProxy.of(customers);
    Node.Builder described =
        Node.on(database, "http://127.0.0.1:" + cable.port() + "/webhook")
            .with("camel.main.routes-include-pattern", routes.pattern())
            .with("webhook.auth-value", "the-first-ones-key")
            .with("webhook.timeout", "5s")
            .with("webhook.connect-timeout", "1s")
            .with("webhook.on-ambiguous", "hold")
            .with("webhook.url.germany", other.url())
            .with("webhook.auth-value.germany", "the-german-key")
            .with("webhook.url.second", other.url())
            .with("webhook.auth-value.second", "the-second-ones-key")
            .with("provider.token-url", other.url())
            .with("provider.client-id", "herald")
            .with("provider.client-secret", SECRET);
    Properties pool = new Properties();
    pool.load(new StringReader(PAGE.block("properties", "camel.beans.crm")));
    pool.forEach((key, value) -> described.with(key.toString(), value));
    node =
        described
            .with("camel.beans.crm.jdbcUrl", crmCable.by(customers))
            .with("camel.beans.crm.username", "postgres")
            .with("camel.beans.crm.minimumIdle", 0)
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    crmCable.close();
    cable.close();
    other.close();
    webhook.close();
  }

  @AfterEach
  void takeBack() {
    node.reset(sql);
    routes.restore();
    api.post("/api/v1/flow/reload", null).expect(200);
    for (SampleWebhook one : List.of(webhook, other)) {
      one.answer(post -> Answer.accepted());
      one.forget();
    }
  }

  /**
   * Checks the edit, tries it and reloads it.
   *
   * @param files that it changes
   * @return what the try shows
   */
  private static JsonNode live(String... files) {
    JsonNode changed = api.post("/api/v1/flow/check", null).expect(200).body().path("changed");
    assertThat(changed)
        .extracting(file -> Path.of(file.asText()).getFileName().toString())
        .containsExactly(files);
    JsonNode tried = tried("+905551234567", "Hello");
    JsonNode reloaded = api.post("/api/v1/flow/reload", null).expect(200).body().path("changed");
    assertThat(reloaded).isEqualTo(changed);
    return tried;
  }

  private static JsonNode tried(String phoneNumber, String content) {
    JsonNode post =
        api.post("/api/v1/flow/try", Map.of("phoneNumber", phoneNumber, "content", content))
            .expect(200)
            .body();
    assertThat(post.path("method").asText()).isEqualTo("POST");
    assertThat(post.at("/headers/Authorization").asText()).isEqualTo("***");
    assertThat(post.toString()).doesNotContain(SECRETS);
    assertThat(webhook.posts()).isEmpty();
    return post;
  }

  @Test
  void should_send_a_header() {
    routes.before(POST, PAGE.yaml("X-Campaign"));
    JsonNode tried = live(DELIVER);
    assertThat(tried.path("url").asText())
        .isEqualTo("http://127.0.0.1:" + cable.port() + "/webhook");
    assertThat(tried.at("/headers/X-Campaign").asText()).isEqualTo("spring");
    assertThat(tried.path("body").asText())
        .isEqualTo("{\"to\":\"+905551234567\",\"content\":\"Hello\"}");
    awaitStatus(api.create("Hello"), "SENT");
    assertThat(onlyPost(webhook).headers().get("X-Campaign")).isEqualTo("spring");
  }

  @Test
  void should_send_the_clients_own_words() {
    routes.before(MARSHAL, PAGE.yaml("'reference'"));
    assertThat(live(DELIVER).at("/headers/X-Campaign").isMissingNode()).isTrue();
    awaitStatus(
        api.post(
                "/api/v1/messages",
                Map.of(
                    "phoneNumber",
                    "+905551234567",
                    "content",
                    "Hello",
                    "reference",
                    "order 'n' ${body}, 1)",
                    "metadata",
                    Map.of("campaign", "summer")))
            .expect(201)
            .id(),
        "SENT");
    Post post = onlyPost(webhook);
    assertThat(post.headers().get("X-Campaign")).isEqualTo("summer");
    assertThat(post.body())
        .isEqualTo(
            "{\"to\":\"+905551234567\",\"content\":\"Hello\",\"reference\":\"order 'n' ${body}, 1)\"}");
    awaitStatus(api.create("Hi"), "SENT");
    assertThat(webhook.posts().get(1).body())
        .isEqualTo("{\"to\":\"+905551234567\",\"content\":\"Hi\"}");
  }

  @Test
  void should_send_another_providers_json_and_find_its_id() {
    routes.before(MARSHAL, PAGE.yaml("'recipient'")).before(LAST, PAGE.yaml("/data/sid"));
    webhook.answer(
        post ->
            post.body().contains("not JSON")
                ? new Answer(200, "<html>OK</html>", null, 0)
                : post.body().contains("broken off")
                    ? Answer.truncated()
                    : post.body().contains("refused")
                        ? new Answer(422, "{\"data\":{\"sid\":\"none\"}}", null, 0)
                        : new Answer(202, "{\"data\":{\"sid\":\"s-1\"}}", null, 0));
    assertThat(live(DELIVER).path("body").asText())
        .isEqualTo(
            "{\"recipient\":\"+905551234567\",\"message\":{\"text\":\"Hello\",\"sender\":\"ACME\"}}");

    JsonNode sent = awaitStatus(api.create("Ay\u015fe's \"Hello\""), "SENT");
    assertThat(onlyPost(webhook).body())
        .isEqualTo(
            "{\"recipient\":\"+905551234567\",\"message\":{\"text\":\"Ay\u015fe's \\\"Hello\\\"\",\"sender\":\"ACME\"}}");
    assertThat(sent.path("webhookMessageId").asText()).isEqualTo("s-1");

    assertThat(awaitStatus(api.create("not JSON"), "SENT").has("webhookMessageId")).isFalse();
    assertThat(awaitStatus(api.create("broken off"), "SENT").has("webhookMessageId")).isFalse();
    JsonNode refused = awaitStatus(api.create("refused"), "FAILED");
    assertThat(refused.path("lastError").asText())
        .isEqualTo("HTTP 422: {\"data\":{\"sid\":\"none\"}}");
    assertThat(refused.has("webhookMessageId")).isFalse();
    assertThat(webhook.posts()).hasSize(4);
  }

  @Test
  void should_send_a_form() {
    routes.insteadOf(MARSHAL, PAGE.yaml("form(${body})"));
    JsonNode tried = live(DELIVER);
    assertThat(tried.path("body").asText()).isEqualTo("to=%2B905551234567&content=Hello");
    assertThat(tried.at("/headers/Content-Type").asText())
        .isEqualTo("application/x-www-form-urlencoded");
    JsonNode sent = awaitStatus(api.create("Ay\u015fe & Co. = 100 % + 1"), "SENT");
    Post post = onlyPost(webhook);
    assertThat(post.body())
        .isEqualTo("to=%2B905551234567&content=Ay%C5%9Fe+%26+Co.+%3D+100+%25+%2B+1");
    assertThat(post.headers().get("Content-Type")).isEqualTo("application/x-www-form-urlencoded");
    assertThat(sent.path("webhookMessageId").asText()).isNotBlank();
  }

  @Test
  void should_look_something_up_and_send_nothing_while_it_cannot() throws IOException {
    crm.update("CREATE TABLE customer (phone_number text PRIMARY KEY, name text)");
    crm.update("INSERT INTO customer VALUES ('+905551234567', 'Ay\u015fe, \"O''Neil\" ${body}')");
    Path statement = folder.resolve("customer.sql");
    Files.writeString(statement, PAGE.block("sql", "FROM customer"));
    routes
        .before(
            FIRST,
            PAGE.yaml("sql-look-up-customer")
                .replace("sql/customer.sql", statement.toString())
                .replace(
                    "parameters:\n", "parameters:\n                    dataSource: \"#crm\"\n"))
        .before(MARSHAL, PAGE.yaml("set(${body}, 'name'"));
    assertThat(live("customer.sql", DELIVER).path("body").asText())
        .isEqualTo(
            "{\"to\":\"+905551234567\",\"content\":\"Hello\",\"name\":\"Ay\u015fe, \\\"O'Neil\\\" ${body}\"}");
    awaitStatus(create("+905551234568", "to somebody unknown"), "SENT");
    assertThat(onlyPost(webhook).body())
        .isEqualTo("{\"to\":\"+905551234568\",\"content\":\"to somebody unknown\"}");

    webhook.forget();
    crmCable.refuse();
    String waits = api.create("while it is down");
    await().until(() -> message(waits).has("lastError"));
    assertThat(message(waits).path("lastError").asText()).startsWith("no customer data: ");
    assertThat(webhook.posts()).isEmpty();

    crmCable.restore();
    assertThat(awaitStatus(waits, "SENT").path("attempts").asInt()).isEqualTo(1);
    assertThat(onlyPost(webhook).body())
        .isEqualTo(
            "{\"to\":\"+905551234567\",\"content\":\"while it is down\",\"name\":\"Ay\u015fe, \\\"O'Neil\\\" ${body}\"}");
  }

  @Test
  void should_send_to_another_webhook_by_country_and_never_to_both() {
    routes.insteadOf(POST, PAGE.yaml("webhook.url.germany"));
    assertThat(live(DELIVER).path("url").asText())
        .isEqualTo("http://127.0.0.1:" + cable.port() + "/webhook");
    assertThat(tried("+4915112345678", "Hallo").path("url").asText())
        .endsWith(":" + other.port() + "/webhook");
    assertThat(other.posts()).isEmpty();
    other.answer(post -> Answer.status(503));
    String german = create("+4915112345678", "to Germany");
    awaitStatus(create("+905551234567", "to Turkey"), "SENT");
    await().until(() -> other.posts().size() > 1);
    assertThat(message(german).path("attempts").asInt()).isLessThanOrEqualTo(1);
    other.answer(post -> Answer.accepted());
    awaitStatus(german, "SENT");

    assertThat(onlyPost(webhook).content()).isEqualTo("to Turkey");
    assertThat(onlyPost(webhook).headers().get("Authorization")).isEqualTo("the-first-ones-key");
    assertThat(other.posts())
        .allMatch(post -> post.content().equals("to Germany"))
        .allMatch(post -> post.headers().get("Authorization").equals("the-german-key"));
  }

  @Test
  void should_fetch_a_token_and_send_nothing_without_one() {
    AtomicReference<String> valid = new AtomicReference<>();
    other.answer(
        post ->
            valid.get() == null
                ? Answer.status(401)
                : new Answer(200, "{\"access_token\":\"" + valid + "\"}", null, 0));
    webhook.answer(
        post ->
            ("Bearer " + valid).equals(post.headers().get("Authorization"))
                ? Answer.accepted()
                : Answer.status(401));
    routes
        .add("token.camel.yaml", PAGE.yaml("id: fetch-token"))
        .before(FIRST, PAGE.yaml("Fetch a token if there is none"))
        .before(POST, PAGE.yaml("Bearer ${"))
        .before(LAST, PAGE.yaml("Forget a token"));
    JsonNode tried = live(DELIVER, "token.camel.yaml");
    assertThat(tried.at("/notCalled/0").asText()).endsWith(":" + other.port() + "/webhook");

    String early = api.create("before the first token");
    await().until(() -> message(early).has("lastError"));
    assertThat(message(early).path("lastError").asText())
        .startsWith("no access token: ")
        .contains("401")
        .doesNotContain("s3cr");
    assertThat(webhook.posts()).isEmpty();

    valid.set("t-1");
    awaitStatus(early, "SENT");
    assertThat(onlyPost(webhook).headers().get("Authorization")).isEqualTo("Bearer t-1");
    Post asked = other.posts().get(0);
    assertThat(asked.body()).isEqualTo("grant_type=client_credentials");
    assertThat(asked.headers().get("Content-Type")).isEqualTo("application/x-www-form-urlencoded");
    assertThat(asked.headers().contains("Idempotency-Key")).isFalse();
    assertThat(asked.headers().get("Authorization"))
        .isEqualTo(
            "Basic "
                + Base64.getEncoder()
                    .encodeToString(("herald:" + SECRET).getBytes(StandardCharsets.UTF_8)));

    webhook.forget();
    other.forget();
    api.createMany(30);
    await().until(() -> api.count("SENT") == 31);
    assertThat(other.posts()).as("the token is kept").isEmpty();

    webhook.forget();
    valid.set("t-2");
    String late = api.create("with a token that is no longer accepted");
    JsonNode refused = awaitStatus(late, "SENT");
    assertThat(refused.path("failedAttempts")).hasSize(1);
    assertThat(refused.path("attempts").asInt()).isEqualTo(1);
    assertThat(webhook.posts())
        .extracting(post -> post.headers().get("Authorization"))
        .containsExactly("Bearer t-1", "Bearer t-2");
  }

  @Test
  void should_go_to_the_second_provider_only_with_what_the_first_did_not_accept()
      throws IOException {
    useSecond();
    for (int status : new int[] {503, 429}) {
      other.forget();
      webhook.answer(post -> Answer.status(status).withRetryAfter("60"));
      JsonNode sent = awaitStatus(api.create("answered " + status), "SENT");
      assertThat(sent.path("webhookMessageId").asText()).isNotBlank();
      Post post = onlyPost(other);
      assertThat(post.body())
          .isEqualTo("{\"to\":\"+905551234567\",\"content\":\"answered " + status + "\"}");
      assertThat(post.idempotencyKey()).isEqualTo(sent.path("id").asText());
      assertThat(post.headers().get("Authorization")).isEqualTo("the-second-ones-key");
      assertThat(post.headers().get("Content-Type")).isEqualTo("application/json");
      assertThat(post.headers().contains("Retry-After")).isFalse();
    }

    other.forget();
    Map<String, Answer> mayHaveAccepted =
        Map.of(
            "dies", Answer.lost(),
            "fails", Answer.status(500),
            "hangs", Answer.accepted().after(8_000));
    webhook.answer(post -> mayHaveAccepted.get(post.content()));
    for (String content : mayHaveAccepted.keySet()) {
      awaitStatus(api.create(content), "UNKNOWN");
    }
    webhook.answer(post -> Answer.accepted());
    awaitStatus(api.create("accepted"), "SENT");
    webhook.answer(post -> Answer.status(422));
    awaitStatus(api.create("refused"), "FAILED");
    assertThat(other.posts()).isEmpty();

    webhook.answer(post -> Answer.status(503));
    other.answer(post -> Answer.lost());
    awaitStatus(api.create("the second dies"), "UNKNOWN");
    other.answer(post -> Answer.status(422));
    awaitStatus(api.create("the second refuses"), "FAILED");
    assertThat(other.posts()).hasSize(2);
  }

  @Test
  void should_go_to_the_second_provider_when_the_first_is_down_and_wait_for_either()
      throws IOException {
    useSecond();
    cable.refuse();
    other.answer(post -> Answer.status(503));
    String waits = api.create("both are down");
    await().until(() -> other.posts().size() > 1);
    assertThat(message(waits).path("status").asText()).isIn("PENDING", "SENDING");
    other.answer(post -> Answer.accepted());
    assertThat(awaitStatus(waits, "SENT").path("attempts").asInt()).isEqualTo(1);

    other.forget();
    api.createMany(30);
    await().until(() -> api.count("SENT") == 31);
    assertThat(other.posts()).extracting(Post::idempotencyKey).doesNotHaveDuplicates().hasSize(30);

    other.answer(post -> Answer.status(429));
    String back = api.create("neither takes it");
    await().until(() -> message(back).has("lastError"));
    assertThat(message(back).path("status").asText()).isIn("PENDING", "SENDING");
    other.forget();
    cable.restore();
    awaitStatus(back, "SENT");
    assertThat(onlyPost(webhook).idempotencyKey()).isEqualTo(back);
  }

  private static void useSecond() {
    routes
        .insteadOf(POST, PAGE.yaml("direct:send-to-second}"))
        .add("second.camel.yaml", PAGE.yaml("id: send-to-second"));
    assertThat(live(DELIVER, "second.camel.yaml").path("url").asText())
        .endsWith(":" + cable.port() + "/webhook");
    assertThat(other.posts()).isEmpty();
  }

  @Test
  void should_copy_outcomes_to_a_file_and_record_without_it() throws IOException {
    Path copies = folder.resolve("copies");
    routes
        .before(
            "record.camel.yaml",
            "- to:\n    id: queue-outcomes".indent(14),
            PAGE.yaml("queue-copies"))
        .add(
            "copy.camel.yaml",
            PAGE.yaml("id: copy-outcomes").replace("file:outcomes", "file:" + copies));
    live("copy.camel.yaml", "record.camel.yaml");
    assertThat(copies).doesNotExist();
    JsonNode sent = awaitStatus(api.create("Hello"), "SENT");
    await().until(() -> lines(copies).size() == 1);
    assertThat(lines(copies).get(0).split("\t"))
        .containsExactly(
            sent.path("sentAt").asText(),
            "SENT",
            sent.path("id").asText(),
            sent.path("webhookMessageId").asText());
    webhook.answer(post -> Answer.status(422));
    String refused = api.create("refused");
    await().until(() -> lines(copies).size() == 2);
    assertThat(lines(copies).get(1)).contains("\tFAILED\t" + refused + "\t");

    webhook.answer(post -> Answer.accepted());
    Files.move(copies, folder.resolve("before"));
    Files.writeString(copies, "in the way of the folder");
    try (CapturedLog log = new CapturedLog()) {
      List<String> ids = api.createMany(200);
      await().until(() -> api.count("SENT") == 201);
      await()
          .until(
              () ->
                  log.lines().stream().anyMatch(line -> line.contains("Outcomes were not copied")));
      try (Jedis redis = new Jedis(Local.servers().redisUrl())) {
        await().until(() -> ids.stream().allMatch(id -> redis.exists("message:" + id)));
      }
    }
    Files.delete(copies);
    List<String> ids = api.createMany(200);
    // Copies of those before may still come.
    await()
        .until(
            () ->
                Files.isDirectory(copies)
                    && lines(copies).stream()
                        .map(line -> line.split("\t")[2])
                        .toList()
                        .containsAll(ids));
    assertThat(webhook.posts()).hasSize(402);
  }

  private static List<String> lines(Path copies) throws IOException {
    if (!Files.isDirectory(copies)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(copies)) {
      return files
          .flatMap(
              file -> {
                try {
                  return Files.readAllLines(file).stream();
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              })
          .toList();
    }
  }

  private static String create(String phoneNumber, String content) {
    return api.post("/api/v1/messages", Map.of("phoneNumber", phoneNumber, "content", content))
        .expect(201)
        .id();
  }

  private static JsonNode message(String id) {
    return api.get("/api/v1/messages/" + id).expect(200).body();
  }

  private static JsonNode awaitStatus(String id, String status) {
    await().untilAsserted(() -> assertThat(message(id).path("status").asText()).isEqualTo(status));
    return message(id);
  }

  private static Post onlyPost(SampleWebhook at) {
    assertThat(at.posts()).hasSize(1);
    return at.posts().get(0);
  }
}
