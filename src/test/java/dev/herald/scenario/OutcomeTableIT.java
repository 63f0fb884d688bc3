package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.testing.Api;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.OddAnswers;
import dev.herald.testing.RawProvider;
import dev.herald.testing.RawProvider.Behaviour;
import dev.herald.testing.RawProvider.Request;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table "Outcomes", as far as it takes a socket: whatever a provider does with the connection,
 * the message ends as the table says. What each status and each Retry-After means is in {@code
 * OutcomeClassifierTest}, what follows from it in {@code RetryPolicyTest}, and what happens before
 * a connection stands in {@code WebhookClientTest}.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class OutcomeTableIT {
  /** The wait that follows a failed attempt: a minute, give or take half. */
  private static final double BACKOFF_MIN = 30;

  private static final double BACKOFF_MAX = 90;
  private static final String JSON_202 =
      "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s";
  private static final String ID_BODY = "{\"messageId\":\"m-1\",\"message\":\"Accepted\"}";

  private static final Map<String, Behaviour> BEHAVIOURS = new ConcurrentHashMap<>();
  private static final AtomicLong WRITTEN = new AtomicLong();

  /** Of the messages to which a provider gives an odd answer: all are under way at once. */
  private static final Map<String, String> IDS = new HashMap<>();

  private static RawProvider provider;
  private static Node node;
  private static Api api;
  private static Sql sql;

  @BeforeAll
  static void start() throws IOException {
    provider =
        new RawProvider(
            connection -> {
              for (Request request = connection.read();
                  request != null;
                  request = connection.read()) {
                BEHAVIOURS.get(request.content()).on(connection);
              }
            });
    String database = Local.servers().newDatabase();
    sql = new Sql(database);
    node =
        Node.on(database, provider.url())
            .with("webhook.timeout", "1500ms")
            .with("webhook.connect-timeout", "500ms")
            .with("dispatch.lease", "30s")
            .with("dispatch.concurrency", 16)
            .with("retry.backoff", "1m")
            .with("circuit.minimum-calls", 1_000_000)
            .with("circuit.open-for", "10ms") // and so no pause for a 429
            .start();
    api = node.api();
    List<Row> rows = answers().toList();
    rows.forEach(row -> BEHAVIOURS.put(row.name(), row.behaviour()));
    JsonNode ids =
        api.post(
                "/api/v1/messages/batch",
                rows.stream().map(row -> Api.message(row.name())).toList())
            .expect(201)
            .body()
            .path("ids");
    for (int i = 0; i < rows.size(); i++) {
      IDS.put(rows.get(i).name(), ids.path(i).asText());
    }
  }

  @AfterAll
  static void stop() throws IOException {
    node.close();
    provider.close();
  }

  /**
   * @param error what the error starts with; null where the message was delivered
   */
  private record Row(
      String name,
      Behaviour behaviour,
      String status,
      String failure,
      int attempts,
      double dueMin,
      double dueMax,
      String error) {

    static Row sent(String name, Behaviour behaviour) {
      return new Row(name, behaviour, "SENT", null, 1, 0, 0, null);
    }

    /** A refusal whose answer has no body, whatever its head says. */
    static Row notModified() {
      return new Row("304", answer(304), "FAILED", "REFUSED", 1, 0, 0, "HTTP 304");
    }

    /** While others get through; {@code CircuitIT} has what happens when none does. */
    static Row unauthorized() {
      return new Row(
          "401",
          answer(401, "WWW-Authenticate: Basic realm=\"a\""),
          "PENDING",
          "MISCONFIGURED",
          1,
          BACKOFF_MIN,
          BACKOFF_MAX,
          "HTTP 401: no");
    }

    static Row notSent(int status, double dueMin, double dueMax, String retryAfter) {
      return new Row(
          status + " " + retryAfter,
          answer(status, "Retry-After: " + retryAfter),
          "PENDING",
          "NOT_SENT",
          0,
          dueMin,
          dueMax,
          "HTTP " + status + ": no");
    }

    private static Behaviour answer(int status, String... headers) {
      return connection -> connection.write(text(status, "no", headers));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static String text(int status, String body, String... headers) {
    StringBuilder answer = new StringBuilder("HTTP/1.1 " + status + " As Told\r\n");
    for (String header : headers) {
      answer.append(header).append("\r\n");
    }
    return answer.append("Content-Length: ").append(body.length()).append("\r\n\r\n") + body;
  }

  private static String accepted(String body) {
    return JSON_202.formatted(body.length(), body);
  }

  private static String inTenMinutes() {
    return DateTimeFormatter.RFC_1123_DATE_TIME.format(
        ZonedDateTime.now(ZoneOffset.UTC).plusMinutes(10));
  }

  static Stream<Row> statuses() {
    return Stream.of(
        Row.notModified(),
        Row.unauthorized(),
        Row.notSent(429, 300, 300, "300"),
        Row.notSent(503, 500, 600, inTenMinutes()),
        Row.notSent(503, 3_600, 3_600, "99999999999999"),
        Row.notSent(408, BACKOFF_MIN, BACKOFF_MAX, ""));
  }

  static Stream<Row> answers() {
    return OddAnswers.read().stream()
        .map(
            row ->
                row.failure().isEmpty()
                    ? Row.sent(row.name(), row.behaviour())
                    : new Row(
                        row.name(),
                        row.behaviour(),
                        row.status(),
                        row.failure(),
                        row.failure().equals("NOT_SENT") ? 0 : 1,
                        BACKOFF_MIN,
                        BACKOFF_MAX,
                        row.error()));
  }

  private static void enormous(RawProvider.Connection connection) throws IOException {
    connection.write(JSON_202.formatted(2_000_000_000, "{\"messageId\":\"m-1\",\"x\":\""));
    byte[] more = "x".repeat(65_536).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    for (int i = 0; i < 30_000; i++) {
      connection.write(more);
      WRITTEN.addAndGet(more.length);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("statuses")
  void should_obey_the_table_for_the_status(Row row) {
    BEHAVIOURS.put("another", c -> c.write(accepted(ID_BODY)));
    awaitOutcome(api.create("another"));
    BEHAVIOURS.put(row.name(), row.behaviour());
    check(row, api.create(row.name()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("answers")
  void should_obey_the_table_for_the_answer(Row row) {
    check(row, IDS.get(row.name()));
  }

  private void check(Row row, String id) {
    JsonNode message = awaitOutcome(id);

    assertThat(message.path("status").asText()).isEqualTo(row.status());
    assertThat(message.path("attempts").asInt()).isEqualTo(row.attempts());
    assertThat(posts(id)).as("POSTs").isEqualTo(1);
    assertThat(sql.value("SELECT claim_id FROM message WHERE id = ?::uuid", id)).isNull();
    if (row.failure() == null) {
      assertThat(message.has("lastError")).isFalse();
      assertThat(message.path("failedAttempts")).isEmpty();
      return;
    }
    JsonNode attempt = message.at("/failedAttempts/0");
    assertThat(message.path("failedAttempts")).hasSize(1);
    assertThat(attempt.path("class").asText()).isEqualTo(row.failure());
    assertThat(attempt.path("number").asInt()).isEqualTo(1);
    assertThat(attempt.path("error").asText()).isEqualTo(message.path("lastError").asText());
    assertThat(message.path("lastError").asText())
        .startsWith(row.error())
        .doesNotContain("null", "Exception", "\n")
        .hasSizeLessThanOrEqualTo(500);
    if (row.error().startsWith("HTTP ")) {
      assertThat(attempt.path("httpStatus").asText()).isEqualTo(row.error().substring(5, 8));
    } else {
      assertThat(attempt.has("httpStatus")).isFalse();
    }
    if (row.status().equals("PENDING")) {
      // Both times were written by one statement.
      assertThat(
              sql.number(
                  "SELECT extract(epoch FROM next_attempt_at - updated_at) FROM message WHERE id = ?::uuid",
                  id))
          .isBetween(row.dueMin(), row.dueMax());
    }
  }

  @Test
  void should_keep_the_providers_id_even_of_an_answer_that_broke_off() {
    for (String name : List.of("cut", "whole")) {
      BEHAVIOURS.put(
          name,
          c -> {
            if (name.equals("cut")) {
              c.write(JSON_202.formatted(5_000, ID_BODY)).closeFirst();
            } else {
              c.write(accepted(ID_BODY));
            }
          });
      assertThat(awaitOutcome(api.create(name)).path("webhookMessageId").asText()).isEqualTo("m-1");
    }
  }

  @Test
  void should_read_no_more_of_an_answer_than_it_keeps() {
    BEHAVIOURS.put("enormous", OutcomeTableIT::enormous);
    WRITTEN.set(0);
    JsonNode message = awaitOutcome(api.create("enormous"));
    assertThat(message.path("webhookMessageId").asText()).isEqualTo("m-1");
    assertThat(WRITTEN.get()).as("bytes that the provider got rid of").isLessThan(50_000_000);
  }

  @Test
  void should_follow_no_redirect() throws IOException {
    try (RawProvider elsewhere = new RawProvider(c -> c.write(accepted(ID_BODY)))) {
      String name = "moved";
      BEHAVIOURS.put(name, c -> c.write(text(307, "", "Location: " + elsewhere.url())));
      JsonNode message = awaitOutcome(api.create(name));
      assertThat(message.path("status").asText()).isEqualTo("FAILED");
      assertThat(elsewhere.connections()).isZero();
    }
  }

  @Test
  void should_use_a_new_connection_when_the_provider_has_closed_the_kept_one() {
    BEHAVIOURS.put("first", c -> c.write(accepted(ID_BODY)).closeFirst());
    BEHAVIOURS.put("second", c -> c.write(accepted(ID_BODY)));
    awaitOutcome(api.create("first"));
    JsonNode second = awaitOutcome(api.create("second"));
    assertThat(second.path("status").asText()).isEqualTo("SENT");
    assertThat(second.path("failedAttempts")).isEmpty();
  }

  @Test
  void should_post_once_when_the_kept_connection_ends_under_the_next_post() {
    BEHAVIOURS.put("keeps", c -> c.write(accepted(ID_BODY)));
    BEHAVIOURS.put("breaks", RawProvider.Connection::reset);
    awaitOutcome(api.create("keeps"));
    String id = api.create("breaks");
    assertThat(awaitOutcome(id).at("/failedAttempts/0/class").asText()).isEqualTo("MAYBE_SENT");
    assertThat(posts(id)).isEqualTo(1);
  }

  private static long posts(String id) {
    return provider.requests().stream()
        .filter(request -> id.equals(request.idempotencyKey()))
        .count();
  }

  private static JsonNode awaitOutcome(String id) {
    return await()
        .atMost(Duration.ofSeconds(30))
        .pollInterval(Duration.ofMillis(20))
        .until(
            () -> api.get("/api/v1/messages/" + id).expect(200).body(),
            message ->
                !message.path("status").asText().equals("SENDING")
                    && (message.path("status").asText().equals("SENT")
                        || !message.path("failedAttempts").isEmpty()));
  }
}
