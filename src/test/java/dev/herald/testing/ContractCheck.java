package dev.herald.testing;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.oas.OpenApi30;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.RawHttp.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Holds answers against the contract, and remembers which of its answers were seen. It reads the
 * document by itself, without the code that it checks.
 */
public final class ContractCheck {
  private static final String ID = "urn:contract";
  private static final Set<String> METHODS = Set.of("get", "post", "put", "patch", "delete");

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

  /** The parameters of an operation, those of its path among them. */
  public List<JsonNode> parameters(Operation operation) {
    List<JsonNode> parameters = new ArrayList<>();
    document
        .path("paths")
        .path(operation.path())
        .path("parameters")
        .forEach(parameter -> parameters.add(resolve(parameter)));
    operation.node().path("parameters").forEach(parameter -> parameters.add(resolve(parameter)));
    return parameters;
  }

  /** The JSON pointers of all texts in an operation's body; of an array only the first item's. */
  public List<String> bodyTexts(Operation operation) {
    List<String> pointers = new ArrayList<>();
    JsonNode body = resolve(operation.node().path("requestBody"));
    addTexts(body.at("/content/application~1json/schema"), "", pointers);
    return pointers;
  }

  private void addTexts(JsonNode schema, String pointer, List<String> pointers) {
    JsonNode resolved = resolve(schema);
    switch (resolved.path("type").asText()) {
      case "string" -> pointers.add(pointer);
      case "array" -> addTexts(resolved.path("items"), pointer + "/0", pointers);
      default ->
          resolved
              .path("properties")
              .properties()
              .forEach(
                  field -> addTexts(field.getValue(), pointer + "/" + field.getKey(), pointers));
    }
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
    check(
        operation,
        answer.status(),
        name -> answer.http().headers().firstValue(name),
        answer.http().body());
    return answer;
  }

  /** The same for what came over a connection of a test's own. */
  public Reply check(Operation operation, Reply reply) {
    check(operation, reply.status(), name -> Optional.ofNullable(reply.header(name)), reply.body());
    return reply;
  }

  private void check(
      Operation operation, int status, Function<String, Optional<String>> header, String body) {
    String what = operation.id() + " " + status;
    String text = what + ": " + body;
    String pointer =
        "/paths/%s/%s/responses/%d"
            .formatted(
                operation.path().replace("/", "~1"),
                operation.method().toLowerCase(Locale.ROOT),
                status);
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
            name -> assertThat(header.apply(name)).as("%s of %s", name, text).isPresent());
    if (response.has("content")) {
      String type = header.apply("Content-Type").orElse("none");
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
                  .validate(body, InputFormat.JSON))
          .as(text)
          .isEmpty();
    } else {
      assertThat(body).as(text).isEmpty();
    }
    seen.add(what);
  }

  private JsonNode resolve(JsonNode node) {
    return node.has("$ref") ? document.at(node.path("$ref").asText().substring(1)) : node;
  }
}
