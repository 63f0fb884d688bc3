package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.ContractCheck;
import dev.herald.testing.ContractCheck.Operation;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.RawHttp;
import dev.herald.testing.RawHttp.Reply;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Requests that nobody means well with, over every operation: whatever comes is answered, with a
 * problem where it is wrong, and the service goes on. {@code -Dfuzz.requests} says how many, {@code
 * -Dfuzz.seed} which.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FuzzIT {
  private static final int REQUESTS = Integer.getInteger("fuzz.requests", 1_200);
  private static final long SEED = Long.getLong("fuzz.seed", 4711);
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What only we should see: traces, statements, names of classes and files. */
  private static final Pattern INSIDES =
      Pattern.compile(
          "\\bat [a-z]+\\.[a-z]+|Exception|Caused by|(java|javax|org|com|io|dev)\\.[a-z]+\\.[A-Za-z]"
              + "|SELECT |INSERT |UPDATE |sql/|\\.java|SQLSTATE|PSQL",
          Pattern.MULTILINE);

  private static final List<String> PIECES =
      List.of(
          "\u0000",
          "\\u0000",
          "\\ud800",
          "\\udfff\\ud800",
          "\ud83d\ude00",
          "'",
          "\"",
          "\\",
          "';--",
          "${header.id}",
          "{{api.key}}",
          "${bean:json}",
          "%s%n",
          "../..",
          "%00",
          "%ff",
          "\r\n",
          "\t",
          "-1",
          "0",
          "1e999",
          "99999999999999999999",
          "NaN",
          "true",
          "null",
          "[]",
          "{}",
          "<a>",
          "\u202e",
          "\ufeff",
          "\u0130",
          "",
          " ",
          "2030-13-45T99:99:99Z",
          "+99999-01-01T00:00:00Z",
          "9999-12-31T23:59:59.999999999Z",
          "-9999-01-01T00:00:00Z",
          "0000-00-00T00:00:00Z");

  /** What no text of a body may be. */
  private static final List<String> NO_TEXTS =
      List.of("\u0000", "a\u0000b", "\ud800", "a\udc00\ud800b", "x".repeat(1_000_000));

  /** What some texts of a body may be. */
  private static final List<String> ODD_TEXTS =
      List.of("", " ", "a\nb", "a\r\n", "\t", "\u001b[2J", "\u0085", "\u2028", "\u202e", "\uffff");

  /** What no parameter may be in a query. */
  private static final List<String> NO_PARAMETERS = List.of("", "%00", "a%00", "x".repeat(2_000));

  /** What only a text may be in a query. */
  private static final List<String> ODD_PARAMETERS =
      List.of("x", "+", "%20", "%0D%0A", "%1B", "%ED%A0%80", "-1", "9".repeat(30), "NaN", "1e3");

  /** What no header may be that the contract knows. */
  private static final List<String> NO_HEADERS = List.of("", "a\tb", "x".repeat(2_000));

  /** What HTTP allows in no header. */
  private static final List<String> NO_HTTP =
      List.of("a\u0000", "a\u0001", "\u001b[2J", "a\u007f", "a\rb", "x".repeat(9_000));

  private final Random random = new Random(SEED);
  private final Map<String, Integer> counts = new TreeMap<>();
  private SampleWebhook webhook;
  private Node node;
  private List<Operation> operations;
  private ContractCheck contract;
  private RawHttp http;
  private String id;

  @BeforeAll
  void start() {
    webhook = new SampleWebhook();
    node = Node.on(Local.servers().newDatabase(), webhook.url()).start();
    contract = new ContractCheck(node.api().get("/openapi.json").expect(200).body());
    operations = new ArrayList<>(contract.operations());
    // More of those that take something apart.
    for (Operation operation : contract.operations()) {
      if (contract.exampleBody(operation) != null) {
        operations.addAll(List.of(operation, operation, operation, operation));
      }
    }
    http = new RawHttp(URI.create(node.api().url()).getPort());
    id = node.api().create("the one that is there");
  }

  @AfterAll
  void stop() {
    http.close();
    node.close();
    webhook.close();
  }

  @Test
  void should_answer_whatever_comes_and_go_on() {
    for (int i = 0; i < REQUESTS; i++) {
      if (random.nextInt(12) == 0) {
        garbage(i);
      } else {
        request(i);
      }
    }
    System.out.printf("Fuzz: %d requests with seed %d: %s%n", REQUESTS, SEED, counts);
    assertThat(counts.keySet()).as("kinds of answer").contains("200", "400", "401", "404", "405");

    // Some of it was well-formed, and may have stopped the delivery or a route of it.
    node.api().post("/api/v1/scheduler/start", null).expect(200);
    for (JsonNode route : node.api().get("/api/v1/routes").expect(200).body().path("items")) {
      if (!route.path("state").asText().equals("Started")) {
        node.api().post("/api/v1/routes/" + route.path("id").asText() + "/start", null).expect(200);
      }
    }
    String good = node.api().create("a good one");
    await().until(() -> node.api().status(good).equals("SENT"));
    assertThat(webhook.posts()).anyMatch(post -> post.idempotencyKey().equals(good));
    assertThat(node.api().get("/health").expect(200).text("/status")).isEqualTo("UP");
  }

  /** Every field of the contract is tried, so the next one is, too. */
  @Test
  void should_check_every_field_of_the_contract() {
    List<String> fields = new ArrayList<>();
    for (Operation operation : contract.operations()) {
      for (String pointer : contract.bodyTexts(operation)) {
        fields.add(operation.id() + " " + pointer);
        NO_TEXTS.forEach(
            text -> refused(operation, "", "", bodyWith(operation, pointer, text), 422, pointer));
        ODD_TEXTS.forEach(text -> answered(operation, "", "", bodyWith(operation, pointer, text)));
      }
      for (JsonNode parameter : contract.parameters(operation)) {
        String name = parameter.path("name").asText();
        fields.add(operation.id() + " " + name);
        switch (parameter.path("in").asText()) {
          case "query" -> query(operation, name, parameter.path("schema"));
          case "header" -> header(operation, name);
          default -> inPath(operation, name);
        }
      }
    }
    assertThat(fields)
        .contains("createMessages /0/content", "stopScheduler /reason", "updateMessage /expiresAt")
        .contains("listMessages cursor", "createMessage Idempotency-Key", "stopRoute routeId");
  }

  private void query(Operation operation, String name, JsonNode schema) {
    String query = "?" + name + "=";
    NO_PARAMETERS.forEach(value -> refused(operation, query + value, "", null, 400, name));
    refused(operation, query + "1&" + name + "=1", "", null, 400, name);
    boolean text = schema.path("type").asText().equals("string") && schema.has("pattern");
    for (String value : ODD_PARAMETERS) {
      if (text) {
        answered(operation, query + value, "", null);
      } else {
        refused(operation, query + value, "", null, 400, name);
      }
    }
  }

  private void header(Operation operation, String name) {
    byte[] body = bytes(contract.exampleBody(operation).toString());
    String line = name + ": ";
    for (String value : NO_HEADERS) {
      refused(operation, "", line + value + "\r\n", body, 400, name);
    }
    refused(operation, "", (line + "twice\r\n").repeat(2), body, 400, name);
    for (String value : NO_HTTP) {
      assertThat(answered(operation, "", line + value + "\r\n", body).status()).isEqualTo(400);
    }
    answered(operation, "", line + "\u00ff\u0085\r\n", body);
  }

  private void inPath(Operation operation, String name) {
    JsonNode example = contract.exampleBody(operation);
    byte[] body = example == null ? null : bytes(example.toString());
    List<String> values = new ArrayList<>(ODD_PARAMETERS);
    values.addAll(NO_PARAMETERS.subList(1, NO_PARAMETERS.size()));
    for (String value : values) {
      Operation there =
          new Operation(
              operation.id(),
              operation.method(),
              operation.path().replace("{" + name + "}", value),
              operation.node());
      Reply reply = send(there, "", "", body);
      assertThat(reply.status()).as("%s at %s", reply, there.path()).isIn(400, 404);
    }
  }

  /** Is refused, and the answer names the field. */
  private void refused(
      Operation operation, String query, String headers, byte[] body, int status, String field) {
    Reply reply = answered(operation, query, headers, body);
    assertThat(reply.status())
        .as("%s %s%s: %s", operation.id(), field, query, reply)
        .isEqualTo(status);
    try {
      assertThat(JSON.readTree(reply.body()).path("errors").findValuesAsText("pointer"))
          .as("%s %s%s: %s", operation.id(), field, query, reply)
          .contains(field);
    } catch (IOException e) {
      throw new AssertionError(reply.body(), e);
    }
  }

  /** Is answered as the contract says. */
  private Reply answered(Operation operation, String query, String headers, byte[] body) {
    Reply reply = send(operation, query, headers, body);
    assertThat(reply).as("%s %s %s", operation.id(), query, headers).isNotNull();
    assertThat(reply.status())
        .as("%s %s %s: %s", operation.id(), query, headers, reply)
        .isBetween(200, 499);
    assertThat(INSIDES.matcher(reply.body()).find()).as("shows its insides: %s", reply).isFalse();
    return contract.check(operation, reply);
  }

  private Reply send(Operation operation, String query, String headers, byte[] body) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    String target =
        operation.path().replace("{id}", id).replace("{routeId}", "housekeeping") + query;
    write(out, operation.method() + " " + target + " HTTP/1.1\r\nHost: localhost\r\n");
    write(out, "Authorization: Bearer " + Node.KEY + "\r\n");
    out.writeBytes(headers.getBytes(StandardCharsets.ISO_8859_1));
    if (body != null) {
      write(out, "Content-Type: application/json\r\nContent-Length: " + body.length + "\r\n");
    }
    write(out, "\r\n");
    if (body != null) {
      out.writeBytes(body);
    }
    return http.send(out.toByteArray(), false);
  }

  /** The example of the operation's body with this text at this place. */
  private byte[] bodyWith(Operation operation, String pointer, String text) {
    JsonNode body = contract.exampleBody(operation).deepCopy();
    JsonPointer place = JsonPointer.compile(pointer);
    ((ObjectNode) body.at(place.head())).put(place.last().getMatchingProperty(), text);
    try {
      return bytes(JSON.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII).writeValueAsString(body));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** A request that HTTP allows, and that has something wrong in it, or not. */
  private void request(int number) {
    Operation operation = pick(operations);
    String method =
        random.nextInt(15) == 0
            ? pick(List.of("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FROB"))
            : operation.method();
    String path = path(operation) + query(operation);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    write(out, method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n");
    if (random.nextInt(25) != 0) {
      write(out, "Authorization: Bearer " + Node.KEY + "\r\n");
    } else {
      write(out, "Authorization: " + ascii(pick(PIECES)) + "\r\n");
    }
    headers(out);
    byte[] body = body(operation);
    boolean chunked = random.nextInt(6) == 0;
    if (body != null) {
      write(
          out,
          "Content-Type: %s\r\n"
              .formatted(
                  random.nextInt(12) == 0
                      ? pick(
                          List.of(
                              "text/plain",
                              "application/xml",
                              "multipart/form-data; boundary=x",
                              "application/x-www-form-urlencoded",
                              "application/json; charset=utf-16",
                              "application/json;",
                              "*/*",
                              "json",
                              ""))
                      : "application/json"));
      write(
          out,
          chunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: " + body.length + "\r\n");
    }
    write(out, "\r\n");
    if (body != null && chunked) {
      if (body.length > 0) {
        write(out, Integer.toHexString(body.length) + "\r\n");
        out.writeBytes(body);
        write(out, "\r\n");
      }
      write(out, "0\r\n\r\n");
    } else if (body != null) {
      out.writeBytes(body);
    }
    byte[] request = out.toByteArray();
    Reply reply = http.send(request, method.equals("HEAD"));
    check(number, request, reply, false);
  }

  /** Bytes that are no request, on a connection of their own. */
  private void garbage(int number) {
    byte[] bytes =
        switch (random.nextInt(9)) {
          case 0 -> noise(1 + random.nextInt(300));
          case 1 -> bytes("GET / HTTP/9.9\r\n\r\n");
          case 2 -> bytes("GET /" + "a".repeat(10_000) + " HTTP/1.1\r\nHost: x\r\n\r\n");
          case 3 -> bytes("GET /live HTTP/1.1\r\nHost: x\r\nX: " + "a".repeat(20_000) + "\r\n\r\n");
          case 4 ->
              bytes("POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n{}");
          case 5 ->
              bytes(
                  "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                      + Node.KEY
                      + "\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}");
          case 6 -> bytes("GET /live\u0000 HTTP/1.1\r\nHo\u0001st x\r\n\r\n");
          case 7 ->
              bytes(
                  "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                      + Node.KEY
                      + "\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"phone");
          default -> bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\u0000\u0001garbage");
        };
    check(number, bytes, http.sendAlone(bytes), true);
  }

  private void check(int number, byte[] request, Reply reply, boolean mayBeDropped) {
    String what =
        "request %d (-Dfuzz.seed=%d -Dfuzz.requests=%d): %s%nanswer: %s"
            .formatted(number, SEED, REQUESTS, printable(request), reply);
    if (reply == null) {
      assertThat(mayBeDropped).as("the connection was dropped: %s", what).isTrue();
      count("dropped");
      return;
    }
    count(Integer.toString(reply.status()));
    assertThat(reply.status()).as(what).isBetween(200, 499);
    if (reply.status() >= 400 && !mayBeDropped) {
      assertThat(reply.header("Content-Type")).as(what).isEqualTo("application/problem+json");
      if (!reply.body().isEmpty()) {
        try {
          JsonNode problem = JSON.readTree(reply.body());
          assertThat(problem.path("type").asText()).as(what).startsWith("urn:problem-type:herald:");
          assertThat(problem.path("status").asInt()).as(what).isEqualTo(reply.status());
        } catch (IOException e) {
          throw new AssertionError(what, e);
        }
      }
    }
    if (reply.status() >= 400) {
      assertThat(INSIDES.matcher(reply.body()).find()).as("shows its insides: %s", what).isFalse();
    }
  }

  private String path(Operation operation) {
    String path =
        operation
            .path()
            .replace("{id}", random.nextInt(3) == 0 ? inPath() : id)
            .replace("{routeId}", random.nextInt(3) == 0 ? inPath() : "housekeeping");
    return switch (random.nextInt(20)) {
      case 0 -> path + "/";
      case 1 -> path.replace("/", "//");
      case 2 -> path.toUpperCase(java.util.Locale.ROOT);
      case 3 -> path + "/" + inPath();
      case 4 -> path + ";x=1";
      case 5 -> path.replaceFirst("/", "/../");
      case 6 -> path + "%2e%2e%2f";
      case 7 -> path + pick(List.of("%", "%zz", "%00", "%c0%af", "#x", "?", "\\"));
      default -> path;
    };
  }

  private String inPath() {
    return random.nextInt(4) == 0
        ? "x".repeat(random.nextInt(2_000))
        : java.net.URLEncoder.encode(pick(PIECES) + pick(PIECES), StandardCharsets.UTF_8);
  }

  private String query(Operation operation) {
    if (random.nextInt(3) != 0) {
      return "";
    }
    List<String> names = new ArrayList<>(List.of("colour", "limit", "status", "", "CamelSqlQuery"));
    operation.node().path("parameters").findValuesAsText("name").forEach(names::add);
    names.addAll(List.of("offset", "cursor", "createdFrom", "sentTo", "phoneNumber", "batchSize"));
    StringBuilder query = new StringBuilder("?");
    for (int i = random.nextInt(4); i >= 0; i--) {
      query.append(pick(names)).append('=');
      switch (random.nextInt(5)) {
        case 0 ->
            query.append(pick(List.of("%", "%zz", "%ff", "%00", "%ed%a0%80", "a&b", "=", "+")));
        case 1 -> query.append("9".repeat(random.nextInt(40)));
        case 2 -> query.append("2030-01-01T00:00:00Z");
        default -> query.append(java.net.URLEncoder.encode(pick(PIECES), StandardCharsets.UTF_8));
      }
      query.append(i > 0 ? "&" : "");
    }
    return query.toString();
  }

  private void headers(ByteArrayOutputStream out) {
    for (int i = random.nextInt(5); i > 2; i--) {
      String name =
          pick(
              List.of(
                  "Accept",
                  "Idempotency-Key",
                  "X-Correlation-ID",
                  "CamelHttpUri",
                  "limit",
                  "Accept-Encoding",
                  "Expect-Nothing",
                  "Cookie",
                  "X-Forwarded-For",
                  "Range",
                  "If-None-Match",
                  "Content-Encoding",
                  "Accept-Language"));
      String value =
          switch (random.nextInt(4)) {
            case 0 -> "v".repeat(random.nextInt(4_000));
            case 1 ->
                new String(noise(10), StandardCharsets.ISO_8859_1).replaceAll("\\p{Cntrl}", "");
            default -> ascii(pick(PIECES));
          };
      out.writeBytes((name + ": " + value + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  /** Null for none. */
  private byte[] body(Operation operation) {
    JsonNode example = contract.exampleBody(operation);
    if (example == null) {
      return random.nextInt(8) == 0 ? bytes("{\"x\": 1}") : null;
    }
    String good = example.toString();
    return switch (random.nextInt(14)) {
      case 0 -> bytes(good);
      case 1 -> bytes(good.substring(0, random.nextInt(good.length())));
      case 2 -> bytes("[".repeat(1 + random.nextInt(5_000)));
      case 3 -> bytes("{\"a\":".repeat(1 + random.nextInt(5_000)) + "1");
      case 4 -> bytes(good.replace("\"}", "\",\"" + json(pick(PIECES)) + "\":1}"));
      case 5 -> {
        byte[] broken = bytes(good);
        broken[random.nextInt(broken.length)] = (byte) random.nextInt(256);
        yield broken;
      }
      case 6 -> noise(random.nextInt(400));
      case 7 -> bytes(good.replaceAll("\"[^\"]*\"([,}])", random.nextInt(1_000_000) + "$1"));
      case 8 ->
          bytes(
              good.replaceAll("\"[^\"]*\"([,}])", pick(List.of("null", "[]", "{}", "1e9")) + "$1"));
      case 9 -> bytes(JSON.createArrayNode().add(example).add(example).toString());
      case 10 -> random.nextInt(8) == 0 ? bytes(" ".repeat(1_100_000)) : bytes("");
      case 11 ->
          bytes(
              "{\"phoneNumber\":\"+905551234567\",\"content\":\"%s\",\"sendAt\":\"%s\"}"
                  .formatted(json(pick(PIECES) + pick(PIECES)), json(pick(PIECES))));
      case 12 ->
          bytes(
              "{\"phoneNumber\":\"%s\",\"content\":\"%s\"}"
                  .formatted(json(pick(PIECES)), "x".repeat(random.nextInt(100_000))));
      default ->
          bytes("{\"phoneNumber\":\"+905551234567\",\"content\":\"%s\"}".formatted(pick(PIECES)));
    };
  }

  /** Within a JSON string, but for what is written as an escape already. */
  private static String json(String text) {
    return text.startsWith("\\u")
        ? text
        : text.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ");
  }

  private static String ascii(String text) {
    return text.replaceAll("[^ -~]", "?");
  }

  private byte[] noise(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private <T> T pick(List<T> from) {
    return from.get(random.nextInt(from.size()));
  }

  private void count(String answer) {
    counts.merge(answer, 1, Integer::sum);
  }

  private static void write(ByteArrayOutputStream out, String text) {
    out.writeBytes(bytes(text));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String printable(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    return text.substring(0, Math.min(1_500, text.length())).replaceAll("[^ -~\r\n]", "?");
  }
}
