package dev.herald.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
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
import dev.herald.config.Role;
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
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code openapi.yaml} at work: which operation a request is for, and what is wrong with its
 * parameters and its body. Schemas are compiled once. Immutable.
 */
public final class Contract {
  private static final String ID = "urn:herald:openapi";
  private static final Set<String> METHODS = Set.of("get", "post", "put", "delete", "patch");
  private static final Pattern NAME_IN_PATH = Pattern.compile("\\{([^}]+)}");

  /** The schemas of messages as clients write them. */
  private static final List<String> MESSAGES =
      List.of("#/components/schemas/NewMessage", "#/components/schemas/MessageChange");

  private final JsonNode document;
  private final Function<JsonNode, List<FieldError>> ofMessages;
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
   * @param role that the caller's key must have; nothing if no key is needed
   * @param path the parts of its path that vary, in their order
   */
  public record Operation(
      String id,
      int status,
      Optional<Role> role,
      Map<String, JsonSchema> path,
      Map<String, JsonSchema> query,
      Map<String, JsonSchema> headers,
      Optional<Body> body,
      boolean bodyRequired) {
    /** Whether it needs a key. */
    boolean secured() {
      return role.isPresent();
    }
  }

  /**
   * What a body must be like.
   *
   * @param more finds what a schema cannot say; a body may break the schema, too
   */
  public record Body(JsonSchema schema, Function<JsonNode, List<FieldError>> more) {

    /**
     * Reads a body.
     *
     * @throws ProblemException for what is not JSON, or not as the schema wants it
     */
    public JsonNode read(byte[] bytes) {
      JsonNode body = Json.read(bytes);
      require(body);
      return body;
    }

    /**
     * Checks a body.
     *
     * @throws ProblemException for one that is not as the schema wants it
     */
    void require(JsonNode body) {
      List<FieldError> errors = check(body);
      if (!errors.isEmpty()) {
        throw new ProblemException(Problem.of(Type.INVALID, errors));
      }
    }

    /**
     * What is wrong with a body, one entry for each bad field. A body that is as the schema wants
     * it has nothing: what a schema cannot say is its route's to check. One that is not must not
     * hide that.
     */
    List<FieldError> check(JsonNode body) {
      List<FieldError> errors = new ArrayList<>();
      schema.validate(body).forEach(message -> errors.add(RuleTexts.explain(message, null)));
      if (!errors.isEmpty()) {
        Set<String> told = errors.stream().map(FieldError::pointer).collect(Collectors.toSet());
        more.apply(body).stream()
            .filter(error -> !told.contains(error.pointer()))
            .forEach(errors::add);
      }
      return errors;
    }
  }

  private Contract(JsonNode document, Function<JsonNode, List<FieldError>> ofMessages) {
    this.document = document;
    this.ofMessages = ofMessages;
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
   * @param ofMessages finds what a schema cannot say of a body with messages
   * @throws ConfigurationException if the file cannot be read, or is not Herald's contract
   */
  public static Contract load(
      Path file, int minLength, int maxLength, Function<JsonNode, List<FieldError>> ofMessages) {
    try {
      JsonNode document = new ObjectMapper(new YAMLFactory()).readTree(file.toFile());
      for (String schema : MESSAGES) {
        JsonNode content = document.at(schema.substring(1) + "/properties/content");
        if (!(content instanceof ObjectNode rules)) {
          throw new ConfigurationException(
              "%s has no schema %s with a property content; put it back"
                  .formatted(file, schema.substring(schema.lastIndexOf('/') + 1)));
        }
        rules.set("minLength", IntNode.valueOf(minLength));
        rules.set("maxLength", IntNode.valueOf(maxLength));
      }
      return new Contract(document, ofMessages);
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
        .distinct()
        .toList();
  }

  /** A list is written with commas. */
  private static JsonNode typed(JsonSchema schema, String value) {
    return switch (schema.getSchemaNode().path("type").asText()) {
      case "integer" ->
          value.matches("-?\\d{1,9}")
              ? IntNode.valueOf(Integer.parseInt(value))
              : TextNode.valueOf(value);
      case "boolean" ->
          value.matches("true|false")
              ? BooleanNode.valueOf(Boolean.parseBoolean(value))
              : TextNode.valueOf(value);
      case "array" -> {
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        Stream.of(value.split(",", -1)).forEach(list::add);
        yield list;
      }
      default -> TextNode.valueOf(value);
    };
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
        role(operation),
        parameters.getOrDefault(Place.PATH, Map.of()),
        parameters.getOrDefault(Place.QUERY, Map.of()),
        parameters.getOrDefault(Place.HEADER, Map.of()),
        json
            ? Optional.of(body(schema(bodyAt + "/content/application~1json/schema")))
            : Optional.empty(),
        body.path("required").asBoolean());
  }

  /** Each operation says which, so that a new one is not open to every key. */
  private static Optional<Role> role(JsonNode operation) {
    JsonNode security = operation.path("security");
    if (security.isArray() && security.isEmpty()) {
      return Optional.empty();
    }
    Optional<Role> role = Role.named(operation.path("x-herald-role").asText());
    if (role.isEmpty()) {
      throw new ConfigurationException(
          "openapi.yaml has no x-herald-role for %s; give it read, send or operate"
              .formatted(operation.path("operationId").asText()));
    }
    return role;
  }

  private Body body(JsonSchema schema) {
    JsonNode one = schema.getSchemaNode();
    String name = (one.has("items") ? one.path("items") : one).path("$ref").asText();
    return new Body(schema, MESSAGES.contains(name) ? ofMessages : any -> List.of());
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
