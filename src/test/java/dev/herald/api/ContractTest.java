package dev.herald.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.api.Contract.Operation;
import dev.herald.config.ConfigurationException;
import dev.herald.config.Role;
import dev.herald.problem.Problem.FieldError;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code openapi.yaml} at work, and the words for what breaks it. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ContractTest {
  private static final String ID = "01890a5d-ac96-774b-bcce-b302099a8057";

  private static Contract contract;

  @BeforeAll
  static void load() throws IOException {
    contract = Contract.load(Path.of("openapi.yaml"), 1, 10, body -> List.of());
  }

  @Test
  void should_count_a_short_content_in_code_points() {
    Contract two = Contract.load(Path.of("openapi.yaml"), 2, 10, body -> List.of());
    Contract.Body create = two.operation("createMessage").body().orElseThrow();
    assertThat(create.check(body("{'phoneNumber':'1','content':'😀'}")))
        .containsExactly(
            new FieldError("/content", "minLength", "must have at least 2 characters"));
    assertThat(create.check(body("{'phoneNumber':'1','content':'😀😀'}"))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /api/v1/messages, listMessages",
    "POST, /api/v1/messages, createMessage",
    "GET, /api/v1/messages/sent, listSentMessages",
    "GET, /api/v1/messages/" + ID + ", getMessage",
    "GET, /api/v1/messages/nonsense, getMessage",
    "POST, /api/v1/messages/" + ID + "/retry, retryMessage",
    "GET, /openapi.json, getContract",
  })
  void should_know_which_operation_is_meant(String method, String path, String operation) {
    assertThat(contract.at(path).get(method).id()).isEqualTo(operation);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/api/v1/messages/",
        "/api/v1/messages/a/b",
        "/api/v1/Messages",
        "/openapiXjson",
      })
  void should_know_what_is_nowhere(String path) {
    assertThat(contract.at(path)).isEmpty();
    assertThat(contract.parts(path)).isEmpty();
  }

  @Test
  void should_take_a_path_apart() {
    assertThat(contract.parts("/api/v1/messages/" + ID + "/retry")).containsExactly(ID);
    assertThat(contract.parts("/api/v1/messages/sent")).isEmpty();
    assertThat(contract.at("/api/v1/messages/sent")).containsOnlyKeys("GET");
    assertThat(contract.at("/api/v1/messages/" + ID))
        .containsOnlyKeys("GET", "PUT", "PATCH", "DELETE");
  }

  @Test
  void should_need_a_key_for_all_but_health_and_the_contract() {
    assertThat(contract.operations().stream().filter(any -> !any.secured()).map(Operation::id))
        .containsExactlyInAnyOrder("getHealth", "getLiveness", "getReadiness", "getContract");
  }

  @Test
  void should_need_a_role_for_each_call_that_needs_a_key() throws IOException {
    for (JsonNode path : contract.document().path("paths")) {
      path.properties()
          .forEach(
              method -> {
                Operation called =
                    contract.operation(method.getValue().path("operationId").asText());
                if (called != null && called.secured()) {
                  assertThat(called.role().get() == Role.READ)
                      .as(called.id())
                      .isEqualTo(method.getKey().equals("get"));
                  assertThat(method.getValue().path("responses").has("403"))
                      .as(called.id())
                      .isTrue();
                }
              });
    }
    assertThat(
            contract.operations().stream()
                .filter(any -> any.role().equals(Optional.of(Role.SEND)))
                .map(Operation::id))
        .containsExactlyInAnyOrder(
            "createMessage",
            "createMessages",
            "updateMessage",
            "patchMessage",
            "cancelMessage",
            "retryMessage",
            "createReceipt");
  }

  @Test
  void should_refuse_a_contract_with_a_call_that_names_no_role(@TempDir Path folder)
      throws IOException {
    String text = Files.readString(Path.of("openapi.yaml"));
    Path file = folder.resolve("openapi.yaml");
    Files.writeString(
        file, text.replaceFirst("(operationId: stopRoute\\R.*\\R) *x-herald.*\\R", "$1"));
    assertThatThrownBy(() -> Contract.load(file, 1, 10, body -> List.of()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(
            "openapi.yaml has no x-herald-role for stopRoute; give it read, send or operate");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'content':'hi'} | /phoneNumber | required | is missing",
        "{'phoneNumber':'1','content':''} | /content | minLength | must not be empty",
        "{'phoneNumber':'1','content':'12345678901'} | /content | maxLength | must have at most 10 characters",
        "{'phoneNumber':1,'content':'hi'} | /phoneNumber | type | must be of type string",
        "{'phoneNumber':'1','content':null} | /content | type | must be of type string",
        "{'phoneNumber':'1','content':'hi','sendAt':1} | /sendAt | type | must be of type string",
        "{'phoneNumber':'1','content':'hi','sendAt':'soon'} | /sendAt | format | must be a time like 2030-01-31T09:30:00Z (RFC 3339)",
        "{'phoneNumber':'1','content':'hi','a/b~c':1} | /a~1b~0c | additionalProperties | is not a known field",
        "{'phoneNumber':'1','content':'a\\u0000'} | /content | pattern | must not contain the character U+0000, NULL",
        "{'phoneNumber':'1','content':'a\\ud83d'} | /content | pattern | must not contain the character U+D83D, HIGH SURROGATES D83D",
        "{'phoneNumber':'1','content':'\\ude00\\ud83d'} | /content | pattern | must not contain the character U+DE00, LOW SURROGATES DE00",
        "{'phoneNumber':'1\\n','content':'hi'} | /phoneNumber | pattern | must not contain the character U+000A, LINE FEED (LF)",
        "{'phoneNumber':'1','content':'hi','reference':''} | /reference | minLength | must not be empty",
        "{'phoneNumber':'1','content':'hi','reference':'a\\nb'} | /reference | pattern | must not contain the character U+000A, LINE FEED (LF)",
        "{'phoneNumber':'1','content':'hi','metadata':{'a':1}} | /metadata/a | type | must be of type string",
        "{'phoneNumber':'1','content':'hi','metadata':{'a':'\\u0000'}} | /metadata/a | pattern | must not contain the character U+0000, NULL",
        "{'phoneNumber':'1','content':'hi','metadata':{'0':'','1':'','2':'','3':'','4':'','5':'','6':'','7':'','8':'','9':'','10':''}} | /metadata | maxProperties | must have at most 10 entries",
        "{'phoneNumber':'1','content':'hi','metadata':null} | /metadata | type | must be of type object",
        "[] | / | type | must be of type object",
        "null | / | type | must be of type object",
      })
  void should_say_what_would_be_right_in_a_body(
      String body, String pointer, String rule, String detail) {
    assertThat(check("createMessage", body)).containsExactly(new FieldError(pointer, rule, detail));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | / | minProperties | must name at least 1 field",
        "{'content':null} | /content | type | must be of type string",
        "{'content':''} | /content | minLength | must not be empty",
        "{'content':'12345678901'} | /content | maxLength | must have at most 10 characters",
        "{'status':'SENT'} | /status | additionalProperties | is not a known field",
      })
  void should_say_what_would_be_right_in_a_change(
      String body, String pointer, String rule, String detail) {
    assertThat(check("patchMessage", body)).containsExactly(new FieldError(pointer, rule, detail));
  }

  @Test
  void should_let_a_change_clear_what_a_message_need_not_have() {
    assertThat(
            check(
                "patchMessage",
                "{'sendAt':null,'expiresAt':null,'reference':null,'metadata':null}"))
        .isEmpty();
    assertThat(check("updateMessage", "{'phoneNumber':'1','content':'a','sendAt':null}")).isEmpty();
  }

  @Test
  void should_not_let_a_schema_hide_what_it_cannot_say() {
    FieldError number = new FieldError("/phoneNumber", "phone-number", "is wrong");
    FieldError blank = new FieldError("/content", "text", "is blank");
    Contract both = Contract.load(Path.of("openapi.yaml"), 1, 10, body -> List.of(number, blank));
    for (String id :
        List.of("createMessage", "createMessages", "updateMessage", "patchMessage", "tryMessage")) {
      assertThat(
              both.operation(id)
                  .body()
                  .orElseThrow()
                  .check(body("{'phoneNumber':'1','content':''}")))
          .as(id)
          .contains(number)
          .filteredOn(error -> error.pointer().equals("/content"))
          .as("one for each field")
          .hasSizeLessThanOrEqualTo(1);
    }
    assertThat(
            both.operation("createMessage")
                .body()
                .orElseThrow()
                .check(body("{'phoneNumber':'1','content':'a'}")))
        .as("left to the route")
        .isEmpty();
    assertThat(both.operation("stopScheduler").body().orElseThrow().check(body("{'x':1}")))
        .hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\\u0000",
        "\\n",
        "\\r",
        "\\t",
        "\\u001b[2J",
        "\\u0085",
        "\\u2028",
        "\\u2029",
        "\\udc00"
      })
  void should_take_a_reason_on_one_line_only(String character) {
    assertThat(check("stopScheduler", "{'reason':'why" + character + "'}"))
        .extracting(FieldError::pointer, FieldError::rule)
        .containsExactly(tuple("/reason", "pattern"));
    assertThat(check("stopScheduler", "{'reason':'çünkü 😀 \\\\n'}")).isEmpty();
  }

  @Test
  void should_take_line_breaks_in_a_content() {
    assertThat(check("createMessage", "{'phoneNumber':'1','content':'a\\r\\n\\tb😀\\u2028'}"))
        .isEmpty();
  }

  /** So that no field can hold what PostgreSQL or a line of the log cannot. */
  @Test
  void should_say_of_every_text_of_a_request_which_characters_it_may_have() {
    JsonNode document = contract.document();
    List<JsonNode> given = new ArrayList<>();
    for (JsonNode path : document.path("paths")) {
      given.add(path.path("parameters"));
      for (JsonNode operation : path) {
        given.add(operation.path("parameters"));
        given.add(operation.path("requestBody"));
      }
    }
    List<JsonNode> texts = new ArrayList<>();
    given.forEach(node -> addTexts(document, node, texts));
    assertThat(texts).hasSizeGreaterThan(15);
    assertThat(texts)
        .allMatch(text -> text.has("pattern") || text.has("format") || text.has("enum"));
  }

  private static void addTexts(JsonNode document, JsonNode node, List<JsonNode> texts) {
    if (node.has("$ref")) {
      addTexts(document, document.at(node.path("$ref").asText().substring(1)), texts);
    } else if (node.path("type").asText().equals("string")) {
      texts.add(node);
    } else {
      node.forEach(child -> addTexts(document, child, texts));
    }
  }

  @Test
  void should_name_each_bad_field_of_each_item() {
    assertThat(check("createMessages", "[{'content':'hi','x':1},{'phoneNumber':'1'}]"))
        .extracting(FieldError::pointer)
        .containsExactlyInAnyOrder("/0/x", "/0/phoneNumber", "/1/content");
    assertThat(check("createMessages", "[]"))
        .containsExactly(new FieldError("/", "minItems", "must have at least 1 item"));
  }

  @Test
  void should_count_characters_as_people_do() {
    assertThat(check("createMessage", "{'phoneNumber':'1','content':'" + "😀".repeat(10) + "'}"))
        .isEmpty();
    assertThat(check("createMessage", "{'phoneNumber':'1','content':'" + "😀".repeat(11) + "'}"))
        .hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({
    "limit, 0, must be at least 1",
    "limit, 501, must be at most 500",
    "limit, 1.5, must be of type integer",
    "limit, +5, must be of type integer",
    "limit, 99999999999, must be of type integer",
    "limit, '', must be of type integer",
    "cursor, '', must not be empty",
    "createdFrom, yesterday, must be a time like 2030-01-31T09:30:00Z (RFC 3339)",
    "status, sent, 'must be one of PENDING, SENDING, SENT, FAILED, UNKNOWN, CANCELLED, EXPIRED'",
    "status, 'FAILED, LOST,x', 'must be one of PENDING, SENDING, SENT, FAILED, UNKNOWN, CANCELLED, EXPIRED'",
    "status, '', 'must be one of PENDING, SENDING, SENT, FAILED, UNKNOWN, CANCELLED, EXPIRED'",
    "class, refused, 'must be one of NOT_SENT, MISCONFIGURED, REFUSED, MAYBE_SENT'",
  })
  void should_say_what_would_be_right_in_a_parameter(String name, String value, String detail) {
    assertThat(Contract.check(name, operation("listMessages").query().get(name), value))
        .singleElement()
        .satisfies(error -> assertThat(error.pointer()).isEqualTo(name))
        .satisfies(error -> assertThat(error.detail()).isEqualTo(detail));
  }

  @ParameterizedTest
  @CsvSource({
    "limit, 500",
    "offset, 0",
    "status, SENDING",
    "status, 'FAILED,SENDING,FAILED'",
    "createdTo, 2030-01-01T00:00:00+03:00"
  })
  void should_take_a_parameter_that_is_right(String name, String value) {
    assertThat(Contract.check(name, operation("listMessages").query().get(name), value)).isEmpty();
  }

  private static List<FieldError> check(String operation, String body) {
    return operation(operation).body().orElseThrow().check(body(body));
  }

  private static JsonNode body(String text) {
    return Json.read(text.replace('\'', '"').getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  private static Operation operation(String id) {
    return contract.operations().stream()
        .filter(one -> one.id().equals(id))
        .findAny()
        .orElseThrow();
  }
}
