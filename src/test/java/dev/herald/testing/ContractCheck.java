package dev.herald.testing;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.oas.OpenApi30;
import dev.herald.testing.Api.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Holds answers against the contract, and remembers which of its answers were seen. It reads the
 * document by itself, without the code that it checks.
 */
public final class ContractCheck {
  private static final String ID = "urn:contract";
  private static final Set<String> METHODS = Set.of("get", "post", "put", "delete");

  private final JsonNode document;
  private final JsonSchemaFactory schemas;
  private final Set<String> seen = new TreeSet<>();

  /**
   * @param path its template
   */
  public record Operation(String id, String method, String path, JsonNode node) {
    public boolean secured() {
      return !node.has("security");
    }

    public boolean documents(int status) {
      return node.path("responses").has(Integer.toString(status));
    }
  }

  /**
   * @param document as it is served
   */
  public ContractCheck(JsonNode document) {
    this.document = document;
    this.schemas =
        JsonSchemaFactory.builder()
            .metaSchema(OpenApi30.getInstance())
            .defaultMetaSchemaIri(OpenApi30.getInstance().getIri())
            .schemaLoaders(loaders -> loaders.schemas(Map.of(ID, document.toString())))
            .build();
  }

  public List<Operation> operations() {
    List<Operation> operations = new ArrayList<>();
    for (Map.Entry<String, JsonNode> path : document.path("paths").properties()) {
      for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
        if (METHODS.contains(method.getKey())) {
          operations.add(
              new Operation(
                  method.getValue().path("operationId").asText(),
                  method.getKey().toUpperCase(Locale.ROOT),
                  path.getKey(),
                  method.getValue()));
        }
      }
    }
    return operations;
  }

  public Operation operation(String id) {
    return operations().stream().filter(one -> one.id().equals(id)).findAny().orElseThrow();
  }

  /** The first example of an operation's body; null when it takes none. */
  public JsonNode exampleBody(Operation operation) {
    JsonNode json = resolve(operation.node().path("requestBody")).at("/content/application~1json");
    if (json.isMissingNode()) {
      return null;
    }
    return json.has("example")
        ? json.path("example")
        : json.path("examples").elements().next().path("value");
  }

  /** Every answer that the contract names: operation and status. */
  public Set<String> documented() {
    Set<String> all = new TreeSet<>();
    for (Operation operation : operations()) {
      operation
          .node()
          .path("responses")
          .fieldNames()
          .forEachRemaining(status -> all.add(operation.id() + " " + status));
    }
    return all;
  }

  /** Every answer that was checked: operation and status. */
  public Set<String> seen() {
    return seen;
  }

  /** The status, headers, media type and body of an answer are as the contract says. */
  public Answer check(Operation operation, Answer answer) {
    String what = operation.id() + " " + answer.status();
    String text = what + ": " + answer.http().body();
    String pointer =
        "/paths/%s/%s/responses/%d"
            .formatted(
                operation.path().replace("/", "~1"),
                operation.method().toLowerCase(Locale.ROOT),
                answer.status());
    JsonNode response = document.at(pointer);
    assertThat(response.isMissingNode()).as("not in the contract: %s", text).isFalse();
    if (response.has("$ref")) {
      pointer = response.path("$ref").asText().substring(1);
      response = document.at(pointer);
    }
    response
        .path("headers")
        .fieldNames()
        .forEachRemaining(
            name ->
                assertThat(answer.http().headers().firstValue(name))
                    .as("%s of %s", name, text)
                    .isPresent());
    if (response.has("content")) {
      String type = answer.http().headers().firstValue("Content-Type").orElse("none");
      assertThat(response.path("content").has(type)).as("type %s of %s", type, text).isTrue();
      String schema = pointer + "/content/" + type.replace("/", "~1") + "/schema";
      assertThat(
              schemas
                  .getSchema(
                      SchemaLocation.of(ID + "#" + schema),
                      SchemaValidatorsConfig.builder()
                          .formatAssertionsEnabled(true)
                          .pathType(PathType.JSON_POINTER)
                          .build())
                  .validate(answer.body()))
          .as(text)
          .isEmpty();
    } else {
      assertThat(answer.http().body()).as(text).isEmpty();
    }
    seen.add(what);
    return answer;
  }

  private JsonNode resolve(JsonNode node) {
    return node.has("$ref") ? document.at(node.path("$ref").asText().substring(1)) : node;
  }
}
