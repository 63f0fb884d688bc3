package dev.herald.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.PathType;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.oas.OpenApi30;
import dev.herald.config.ConfigurationException;
import dev.herald.problem.Problem;
import dev.herald.problem.Problem.FieldError;
import dev.herald.problem.Problem.Type;
import dev.herald.problem.ProblemException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code openapi.yaml} at work: which operation a request is for, and what is wrong with its
 * parameters and its body. Schemas are compiled once. Immutable.
 */
public final class Contract {
  private static final String ID = "urn:herald:openapi";
  private static final Set<String> METHODS = Set.of("get", "post", "put", "delete", "patch");
  private static final Pattern NAME_IN_PATH = Pattern.compile("\\{([^}]+)}");

  private final JsonNode document;
  private final JsonSchemaFactory schemas;
  private final SchemaValidatorsConfig validation =
      SchemaValidatorsConfig.builder()
          .formatAssertionsEnabled(true)
          .pathType(PathType.JSON_POINTER)
          .regularExpressionFactory(TextPattern::new)
          .build();
  private final Map<String, Map<String, Operation>> byPath = new HashMap<>();
  private final Map<String, Operation> byId = new HashMap<>();
  private final Map<Pattern, Map<String, Operation>> byTemplate = new LinkedHashMap<>();

  /** Where a parameter stands in a request. */
  private enum Place {
    PATH,
    QUERY,
    HEADER
  }

  /**
   * An operation and its schemas.
   *
   * @param status of an answer that went well: the first in the document
   * @param path the parts of its path that vary, in their order
   */
  public record Operation(
      String id,
      int status,
      boolean secured,
      Map<String, JsonSchema> path,
      Map<String, JsonSchema> query,
      Map<String, JsonSchema> headers,
      Optional<JsonSchema> body,
      boolean bodyRequired) {}

  private Contract(JsonNode document) {
    this.document = document;
    this.schemas =
        JsonSchemaFactory.builder()
            .metaSchema(OpenApi30.getInstance())
            .defaultMetaSchemaIri(OpenApi30.getInstance().getIri())
            .schemaLoaders(loaders -> loaders.schemas(Map.of(ID, document.toString())))
            .build();
    document.path("paths").properties().forEach(path -> addPath(path.getKey(), path.getValue()));
  }

  /**
   * @param minLength {@code message.min-length}, which the served document and the check both take
   * @param maxLength {@code message.max-length}, the same
   * @throws ConfigurationException if the file cannot be read, or is not Herald's contract
   */
  public static Contract load(Path file, int minLength, int maxLength) {
    try {
      JsonNode document = new ObjectMapper(new YAMLFactory()).readTree(file.toFile());
      JsonNode content = document.at("/components/schemas/NewMessage/properties/content");
      if (!(content instanceof ObjectNode rules)) {
        throw new ConfigurationException(
            file + " has no schema NewMessage with a property content; put it back");
      }
      rules.set("minLength", IntNode.valueOf(minLength));
      rules.set("maxLength", IntNode.valueOf(maxLength));
      return new Contract(document);
    } catch (IOException e) {
      throw new ConfigurationException(file + " cannot be read: " + e.getMessage());
    }
  }

  /** The whole document, as it is served. */
  public JsonNode document() {
    return document;
  }

  /** The operations of a path by method, in upper case; empty when there is no such path. */
  public Map<String, Operation> at(String path) {
    Map<String, Operation> operations = byPath.get(path);
    if (operations != null) {
      return operations;
    }
    for (Map.Entry<Pattern, Map<String, Operation>> template : byTemplate.entrySet()) {
      if (template.getKey().matcher(path).matches()) {
        return template.getValue();
      }
    }
    return Map.of();
  }

  /** The varying parts of a path, in their order; empty when it has none. */
  public List<String> parts(String path) {
    List<String> parts = new ArrayList<>();
    if (!byPath.containsKey(path)) {
      for (Pattern template : byTemplate.keySet()) {
        Matcher match = template.matcher(path);
        if (match.matches()) {
          for (int i = 1; i <= match.groupCount(); i++) {
            parts.add(match.group(i));
          }
          return parts;
        }
      }
    }
    return parts;
  }

  /** The operation of this id. */
  public Operation operation(String id) {
    return byId.get(id);
  }

  /** Every operation. */
  public Collection<Operation> operations() {
    return byId.values();
  }

  /** What is wrong with a parameter's text. */
  public static List<FieldError> check(String name, JsonSchema schema, String value) {
    return schema.validate(typed(schema, value)).stream()
        .map(message -> RuleTexts.explain(message, name))
        .toList();
  }

  /** What is wrong with a body, one entry for each bad field. */
  public static List<FieldError> check(JsonSchema schema, JsonNode body) {
    return schema.validate(body).stream().map(message -> RuleTexts.explain(message, null)).toList();
  }

  /**
   * Reads a body that an operation takes.
   *
   * @throws ProblemException for what is not JSON, or not as the operation's schema wants it
   */
  public static JsonNode read(JsonSchema schema, byte[] body) {
    JsonNode node = Json.read(body);
    require(schema, node);
    return node;
  }

  /**
   * Checks a body.
   *
   * @throws ProblemException for one that is not as the schema wants it
   */
  static void require(JsonSchema schema, JsonNode body) {
    List<FieldError> errors = check(schema, body);
    if (!errors.isEmpty()) {
      throw new ProblemException(Problem.of(Type.INVALID, errors));
    }
  }

  private static JsonNode typed(JsonSchema schema, String value) {
    String type = schema.getSchemaNode().path("type").asText();
    if (type.equals("integer") && value.matches("-?\\d{1,9}")) {
      return IntNode.valueOf(Integer.parseInt(value));
    }
    return type.equals("boolean") && value.matches("true|false")
        ? BooleanNode.valueOf(Boolean.parseBoolean(value))
        : TextNode.valueOf(value);
  }

  private void addPath(String path, JsonNode item) {
    String pointer = "#/paths/" + path.replace("~", "~0").replace("/", "~1");
    Map<String, Operation> operations = new TreeMap<>();
    for (Map.Entry<String, JsonNode> method : item.properties()) {
      if (METHODS.contains(method.getKey())) {
        String at = pointer + "/" + method.getKey();
        Operation operation = operation(pointer, item, at, method.getValue());
        operations.put(method.getKey().toUpperCase(Locale.ROOT), operation);
        byId.put(operation.id(), operation);
      }
    }
    if (path.contains("{")) {
      byTemplate.put(Pattern.compile(NAME_IN_PATH.matcher(path).replaceAll("([^/]+)")), operations);
    } else {
      byPath.put(path, operations);
    }
  }

  private Operation operation(String pathAt, JsonNode path, String at, JsonNode operation) {
    Map<Place, Map<String, JsonSchema>> parameters = new HashMap<>();
    addParameters(pathAt, path.path("parameters"), parameters);
    addParameters(at, operation.path("parameters"), parameters);
    JsonNode body = resolve(operation.path("requestBody"));
    String bodyAt = operation.path("requestBody").path("$ref").asText(at + "/requestBody");
    boolean json = !body.at("/content/application~1json/schema").isMissingNode();
    return new Operation(
        operation.path("operationId").asText(),
        status(operation.path("responses")),
        !operation.path("security").isArray() || !operation.path("security").isEmpty(),
        parameters.getOrDefault(Place.PATH, Map.of()),
        parameters.getOrDefault(Place.QUERY, Map.of()),
        parameters.getOrDefault(Place.HEADER, Map.of()),
        json ? Optional.of(schema(bodyAt + "/content/application~1json/schema")) : Optional.empty(),
        body.path("required").asBoolean());
  }

  private static int status(JsonNode responses) {
    Iterable<String> statuses = responses::fieldNames;
    for (String status : statuses) {
      if (status.startsWith("2")) {
        return Integer.parseInt(status);
      }
    }
    throw new IllegalArgumentException("an operation of openapi.yaml has no answer 2xx");
  }

  private void addParameters(
      String at, JsonNode parameters, Map<Place, Map<String, JsonSchema>> byPlace) {
    for (int i = 0; i < parameters.size(); i++) {
      JsonNode parameter = resolve(parameters.get(i));
      String pointer = parameters.get(i).path("$ref").asText(at + "/parameters/" + i);
      Place place = Place.valueOf(parameter.path("in").asText().toUpperCase(Locale.ROOT));
      byPlace
          .computeIfAbsent(place, any -> new LinkedHashMap<>())
          .put(parameter.path("name").asText(), schema(pointer + "/schema"));
    }
  }

  private JsonSchema schema(String pointer) {
    return schemas.getSchema(SchemaLocation.of(ID + pointer), validation);
  }

  private JsonNode resolve(JsonNode node) {
    return node.has("$ref") ? document.at(node.path("$ref").asText().substring(1)) : node;
  }
}
