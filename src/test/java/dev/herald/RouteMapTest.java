package dev.herald;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/**
 * The map of routes in docs/architecture.md is made of the route files and the contract. To write
 * it anew: {@code mvn -q -Dtest=RouteMapTest -Dmap.write=true test}.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
class RouteMapTest {
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
  private static final Path DOCUMENT = Path.of("docs/architecture.md");
  private static final String BEGIN =
      "<!-- Made by: mvn -q -Dtest=RouteMapTest -Dmap.write=true test -->\n";
  private static final String END = "<!-- End of what is made -->\n";
  private static final Pattern JAVA_CALLER = Pattern.compile("^Called by the (\\w+)");

  /** Of each file, what is in it, by name: routes, the REST block, route configurations. */
  private final Map<String, Map<String, JsonNode>> files = new LinkedHashMap<>();

  private final Map<String, String> operations = new LinkedHashMap<>();

  @BeforeEach
  void read_the_routes_and_the_contract() throws IOException {
    try (Stream<Path> folder = Files.list(Path.of("routes"))) {
      for (Path file : folder.filter(f -> f.toString().endsWith(".yaml")).sorted().toList()) {
        Map<String, JsonNode> elements = new LinkedHashMap<>();
        for (JsonNode element : YAML.readTree(file.toFile())) {
          JsonNode configuration = element.path("routeConfiguration");
          if (element.has("route")) {
            elements.put(element.at("/route/id").asText(), element.path("route"));
          } else if (element.has("rest")) {
            elements.put(element.at("/rest/openApi/routeId").asText(), element.path("rest"));
          } else if (!configuration.isMissingNode()) {
            elements.put(configuration.path("id").asText("(any other route)"), configuration);
          }
        }
        files.put(file.getFileName().toString(), elements);
      }
    }
    for (Map.Entry<String, JsonNode> path :
        YAML.readTree(Path.of("openapi.yaml").toFile()).path("paths").properties()) {
      for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
        operations.put(
            method.getValue().path("operationId").asText(),
            method.getKey().toUpperCase(Locale.ROOT) + " " + path.getKey());
      }
    }
  }

  @Test
  void should_list_every_route_as_it_is() throws IOException {
    String document = Files.readString(DOCUMENT);
    assertThat(document).containsOnlyOnce(BEGIN).containsOnlyOnce(END);
    int begin = document.indexOf(BEGIN) + BEGIN.length();
    int end = document.indexOf(END);
    String map = map();
    if (Boolean.getBoolean("map.write")) {
      Files.writeString(DOCUMENT, document.substring(0, begin) + map + document.substring(end));
    } else {
      assertThat(document.substring(begin, end))
          .as("the route map of %s is old: run what the comment above it says", DOCUMENT)
          .isEqualTo(map);
    }
  }

  private String map() {
    List<String> rows = new ArrayList<>();
    rows.add("");
    rows.add("| file | route | group | entrance | what it does | calls |");
    rows.add("|---|---|---|---|---|---|");
    for (Map.Entry<String, Map<String, JsonNode>> file : files.entrySet()) {
      assertThat(file.getValue()).as("what is in %s", file.getKey()).isNotEmpty();
      String fileName = code(file.getKey());
      for (Map.Entry<String, JsonNode> element : file.getValue().entrySet()) {
        rows.add(row(fileName, element.getKey(), element.getValue()));
        fileName = "";
      }
    }
    rows.add("");
    return String.join("\n", rows) + "\n";
  }

  private String row(String fileName, String id, JsonNode element) {
    return Stream.of(
            fileName,
            id.startsWith("(") ? id : code(id),
            element.path("group").asText(),
            entrance(id, element),
            element.path("description").asText(),
            calls(element).stream().map(RouteMapTest::code).collect(joining(", ")))
        .map(cell -> cell.replace("|", "\\|"))
        .collect(joining(" | ", "| ", " |"))
        .replaceAll(" {2,}", " ");
  }

  private String entrance(String id, JsonNode element) {
    if (element.has("openApi")) {
      return "HTTP, from " + code(element.at("/openApi/specification").asText());
    }
    if (!element.has("from")) {
      return "a failed step";
    }
    if (operations.containsKey(id)) {
      return code(operations.get(id));
    }
    String uri = element.at("/from/uri").asText();
    if (uri.startsWith("timer:")) {
      return "timer";
    }
    List<String> callers = new ArrayList<>();
    for (Map<String, JsonNode> elements : files.values()) {
      for (Map.Entry<String, JsonNode> caller : elements.entrySet()) {
        if (calls(caller.getValue()).contains(uri)) {
          callers.add(code(caller.getKey()));
        }
      }
    }
    Matcher java = JAVA_CALLER.matcher(element.path("note").asText());
    if (java.find()) {
      callers.add(java.group(1));
    }
    return String.join(", ", callers);
  }

  /** The beans, statements and addresses of a route's steps, in their order, each once. */
  private static Set<String> calls(JsonNode element) {
    Set<String> calls = new LinkedHashSet<>();
    addCalls(element.has("from") ? element.at("/from/steps") : element, calls);
    return calls;
  }

  private static void addCalls(JsonNode node, Set<String> calls) {
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (field.getKey().equals("ref") || field.getKey().equals("uri")) {
        calls.add(field.getValue().asText().replaceFirst("^sql:file:sql/", ""));
      }
    }
    node.forEach(child -> addCalls(child, calls));
  }

  private static String code(String text) {
    return "`" + text + "`";
  }
}
