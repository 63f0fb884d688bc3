package dev.herald;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import dev.herald.store.Statements;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** Routes, statements and configuration fit together, and can be read. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class HygieneTest {
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{\\{([^}:?]+)}}");
  private static final Pattern KEY_IN_SETTINGS = Pattern.compile("\"([a-z]+\\.[a-z.-]+)\"");

  private static final List<String> STEPS =
      List.of(
          "bean",
          "process",
          "marshal",
          "split",
          "filter",
          "choice",
          "setBody",
          "setVariable",
          "setHeader",
          "to");

  /** What starts or needs a server of ours. */
  private static final Pattern SERVERS =
      Pattern.compile("import dev\\.herald\\.testing\\.(Local|Node|HeraldProcess);");

  @Test
  void should_obey_the_schema_of_the_yaml_dialect() throws IOException {
    JsonSchema schema;
    try (InputStream file = getClass().getResourceAsStream("/schema/camelYamlDsl.json")) {
      schema = JsonSchemaFactory.getInstance(VersionFlag.V4).getSchema(file);
    }
    for (Path file : Stream.concat(routeFiles().stream(), examples().stream()).toList()) {
      assertThat(schema.validate(YAML.readTree(file.toFile()))).as(file.toString()).isEmpty();
    }
  }

  @Test
  void should_describe_every_route_and_name_it_like_its_entrance() {
    Set<String> ids = new HashSet<>();
    for (JsonNode route : routes()) {
      String id = route.path("id").asText();
      assertThat(ids.add(id)).as("two routes are called %s", id).isTrue();
      assertThat(route.path("description").asText())
          .as("the description of %s", id)
          .isNotBlank()
          .doesNotEndWith(".");
      String uri = route.at("/from/uri").asText();
      assertThat(uri).as("an option of %s stands in its URI", id).doesNotContain("?");
      assertThat(uri.replaceFirst("^(direct|timer|seda):", ""))
          .as("the entrance of %s", id)
          .isEqualTo(id);
    }
  }

  @Test
  void should_send_only_to_routes_that_are_there() {
    Set<String> entrances =
        routes().stream().map(route -> route.at("/from/uri").asText()).collect(Collectors.toSet());
    Set<String> targets = new TreeSet<>();
    routes()
        .forEach(
            route ->
                route.path("from").path("steps").findValuesAsText("uri").stream()
                    .filter(uri -> uri.startsWith("direct:"))
                    .forEach(targets::add));
    assertThat(entrances).containsAll(targets);
    Set<String> called = new TreeSet<>(targets);
    contract()
        .findValuesAsText("operationId")
        .forEach(operation -> called.add("direct:" + operation));
    javaFiles()
        .forEach(
            file ->
                findAll(Pattern.compile("\"(direct:[a-z-]+)\""), read(file)).forEach(called::add));
    assertThat(entrances.stream().filter(uri -> uri.startsWith("direct:")))
        .as("no route is without a caller")
        .allMatch(called::contains);
  }

  @Test
  void should_name_each_step_once_and_options_apart_from_uris() {
    Map<String, Integer> ids = new TreeMap<>();
    for (JsonNode route : routes()) {
      for (JsonNode step : route.path("from").findValues("to")) {
        String uri = step.path("uri").asText();
        assertThat(uri).as("options belong under parameters").doesNotContain("?");
        if (!uri.startsWith("direct:")) {
          assertThat(step.path("id").asText())
              .as("the step to %s touches the outside and needs an id", uri)
              .isNotBlank();
        }
      }
      route
          .path("from")
          .path("steps")
          .findValuesAsText("id")
          .forEach(id -> ids.merge(id, 1, Integer::sum));
    }
    assertThat(ids.values()).as("ids of steps: %s", ids).allMatch(count -> count == 1);
  }

  /** A route map shows a step by its description; the call of a route is shown by that route. */
  @Test
  void should_describe_every_step() {
    int described = 0;
    for (JsonNode route : Stream.concat(routes().stream(), routes(examples()).stream()).toList()) {
      for (String kind : STEPS) {
        for (JsonNode step : route.path("from").findValues(kind)) {
          assertThat(
                  step.path("uri").asText().startsWith("direct:")
                      || !step.path("description").asText().isBlank())
              .as("%s of route %s has a description: %s", kind, route.path("id").asText(), step)
              .isTrue();
          described++;
        }
      }
    }
    assertThat(described).isGreaterThan(50);
  }

  /** An example is copied: it must read as routes/ does, and fit beside it. */
  @Test
  void should_keep_examples_as_readable_as_routes() {
    Set<String> ids = new HashSet<>();
    routes().forEach(route -> ids.add(route.path("id").asText()));
    Set<String> entrances = new HashSet<>();
    routes(examples())
        .forEach(
            route -> {
              String id = route.path("id").asText();
              assertThat(ids.add(id)).as("two routes are called %s", id).isTrue();
              assertThat(route.path("description").asText()).as(id).isNotBlank();
              assertThat(route.findValuesAsText("uri")).as(id).noneMatch(uri -> uri.contains("?"));
              String entrance =
                  route.at("/from/uri").asText() + route.at("/from/parameters/httpMethodRestrict");
              // Events go one way or the other.
              assertThat(entrances.add(entrance) || entrance.equals("direct:events"))
                  .as("two routes start at %s", entrance)
                  .isTrue();
            });
    examples().forEach(file -> assertThat(read(file)).as(file.toString()).startsWith("# "));
  }

  @Test
  void should_name_the_caller_of_a_route_that_only_java_calls() {
    Set<String> called = new TreeSet<>();
    javaFiles()
        .forEach(
            file -> called.addAll(findAll(Pattern.compile("\"direct:([a-z-]+)\""), read(file))));
    assertThat(called).isNotEmpty();
    for (JsonNode route : routes()) {
      if (called.contains(route.path("id").asText())) {
        assertThat(route.path("note").asText()).startsWith("Called by the").contains("dev.herald.");
      }
    }
  }

  @Test
  void should_keep_a_route_file_to_a_few_screens() throws IOException {
    for (Path file : routeFiles()) {
      assertThat(Files.readAllLines(file)).as(file.toString()).hasSizeLessThanOrEqualTo(260);
    }
  }

  @Test
  void should_use_every_statement_and_open_each_with_a_comment() {
    Set<String> used = new TreeSet<>();
    routes()
        .forEach(
            route ->
                route.findValuesAsText("uri").stream()
                    .filter(uri -> uri.startsWith("sql:file:"))
                    .forEach(uri -> used.add(uri.substring("sql:file:".length()))));
    Set<String> parts = new TreeSet<>();
    used.forEach(file -> parts.addAll(Statements.parts(read(Path.of(file)))));
    used.forEach(file -> assertThat(read(Path.of(file))).as(file).startsWith("-- Called by route"));
    parts.forEach(file -> assertThat(read(Path.of(file))).as(file).startsWith("-- Part of "));
    used.addAll(parts);
    assertThat(files("sql", name -> name.endsWith(".sql")).map(Path::toString))
        .containsExactlyInAnyOrderElementsOf(used);
  }

  @Test
  void should_take_values_in_statements_from_our_own_variables_only() {
    files("sql", name -> name.endsWith(".sql"))
        .forEach(
            file -> {
              String sql = read(file);
              assertThat(findAll(Pattern.compile(":#(\\S+)"), sql))
                  .as(file.toString())
                  .allMatch(value -> value.startsWith("${variable."));
              assertThat(sql.replace(":#$", ""))
                  .as("a lone # would become a parameter in %s", file)
                  .doesNotContain("#");
            });
  }

  /** Without it the change becomes no event. */
  @Test
  void should_note_when_a_status_changes() {
    List<String> changing =
        files("sql", name -> name.endsWith(".sql"))
            .filter(file -> read(file).contains("SET status = "))
            .map(Path::toString)
            .toList();
    assertThat(changing).contains("sql/record-outcomes.sql", "sql/retry-message.sql");
    changing.forEach(file -> assertThat(read(Path.of(file))).as(file).contains("status_at = "));
  }

  /** Without the count camel-sql asks PostgreSQL for it: a round trip for each claim and record. */
  @Test
  void should_say_how_many_parameters_the_busy_statements_have() {
    Map<String, Integer> counts = new TreeMap<>();
    for (JsonNode route : routes()) {
      for (JsonNode step : route.path("from").findValues("to")) {
        if (step.at("/parameters/parametersCount").isInt()) {
          String file = step.path("uri").asText().substring("sql:file:".length());
          counts.put(file, step.at("/parameters/parametersCount").asInt());
        }
      }
    }
    assertThat(counts)
        .containsOnlyKeys(
            "sql/claim-due.sql",
            "sql/insert-messages.sql",
            "sql/record-outcomes.sql",
            "sql/record-receipts.sql");
    counts.forEach(
        (file, count) ->
            assertThat(
                    findAll(
                        Pattern.compile(":#\\$\\{([^}]+)}"),
                        Statements.compose(read(Path.of(file)), part -> read(Path.of(part)))))
                .as(file)
                .hasSize(count));
  }

  @Test
  void should_document_every_key_and_use_every_documented_one() throws IOException {
    Properties file = properties();
    Set<String> used =
        new TreeSet<>(
            findAll(
                KEY_IN_SETTINGS,
                read(Path.of("src/main/java/dev/herald/config/SettingsReader.java"))));
    routeFiles().forEach(route -> used.addAll(findAll(PLACEHOLDER, read(route))));
    used.addAll(findAll(PLACEHOLDER, read(Path.of("application.properties"))));
    Set<String> documented =
        file.stringPropertyNames().stream()
            .filter(key -> !key.startsWith("camel."))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(documented).isEqualTo(used);
  }

  @Test
  void should_have_every_key_with_its_default_in_the_readme() throws IOException {
    Map<String, String> rows = new TreeMap<>();
    Matcher row =
        Pattern.compile("^\\| `([a-z.-]+)` \\| (?:`([^`]*)`)? ?\\|", Pattern.MULTILINE)
            .matcher(read(Path.of("README.md")));
    while (row.find()) {
      rows.put(row.group(1), row.group(2) == null ? "" : row.group(2));
    }
    Map<String, String> keys = new TreeMap<>();
    properties()
        .forEach(
            (key, value) -> {
              if (!key.toString().startsWith("camel.")) {
                keys.put(key.toString(), value.toString());
              }
            });
    assertThat(rows).isEqualTo(keys);
  }

  @Test
  void should_hold_no_secret_and_no_default_for_one() throws IOException {
    Properties file = properties();
    for (String key :
        List.of(
            "api.key",
            "database.password",
            "receipts.token",
            "webhook.auth-value",
            "webhook.signing-secret",
            "webhook.url")) {
      assertThat(file.getProperty(key)).as(key).isEmpty();
    }
  }

  @Test
  void should_serve_every_operation_of_the_contract_by_the_route_of_its_name() {
    Set<String> operations = new TreeSet<>(contract().findValuesAsText("operationId"));
    // Answered from memory: see Wiring.
    operations.removeAll(Set.of("getHealth", "getLiveness", "getReadiness"));
    Set<String> ids =
        routes().stream().map(route -> route.path("id").asText()).collect(Collectors.toSet());
    assertThat(ids).containsAll(operations);
  }

  /** Surefire runs the one kind, in about a minute; Failsafe runs the other. */
  @Test
  void should_keep_nodes_and_servers_out_of_the_quick_tests() {
    files("src/test/java", name -> name.matches(".*(Test|IT)\\.java"))
        .forEach(
            file -> {
              boolean scenario = file.getParent().endsWith("scenario");
              assertThat(file.toString().endsWith("IT.java")).as("%s", file).isEqualTo(scenario);
              if (!scenario) {
                assertThat(findAll(SERVERS, read(file))).as("%s", file).isEmpty();
              }
            });
  }

  @Test
  void should_name_in_the_docs_only_tests_that_are_there() {
    Map<String, String> tests =
        files("src", name -> name.matches(".*(Test|IT)\\.java"))
            .collect(
                Collectors.toMap(
                    file -> file.getFileName().toString().replace(".java", ""), HygieneTest::read));
    Pattern name =
        Pattern.compile("\\b([A-Z][A-Za-z]*[a-z](?:Test|IT))\\b(?:\\.(should_[a-z0-9_]+))?");
    Set<String> named = new TreeSet<>();
    Stream.concat(
            files("docs", file -> file.endsWith(".md")),
            Stream.of("README.md", "CONTRIBUTING.md", "SECURITY.md").map(Path::of))
        .forEach(
            page -> name.matcher(read(page)).results().forEach(match -> named.add(match.group())));
    assertThat(named)
        .isNotEmpty()
        .allSatisfy(
            one -> {
              String[] parts = one.split("\\.");
              assertThat(tests.keySet()).contains(parts[0]);
              assertThat(tests.get(parts[0])).contains(parts[parts.length - 1]);
            });
  }

  private static Properties properties() throws IOException {
    Properties file = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of("application.properties"))) {
      file.load(reader);
    }
    return file;
  }

  private static JsonNode contract() {
    return yaml(Path.of("openapi.yaml"));
  }

  private static List<JsonNode> routes() {
    return routes(routeFiles());
  }

  private static List<JsonNode> routes(List<Path> files) {
    List<JsonNode> routes = new ArrayList<>();
    files.forEach(
        file ->
            yaml(file)
                .forEach(
                    element -> {
                      if (element.has("route")) {
                        routes.add(element.path("route"));
                      }
                    }));
    return routes;
  }

  private static List<Path> routeFiles() {
    return files("routes", name -> name.endsWith(".yaml")).toList();
  }

  private static List<Path> examples() {
    return files("examples", name -> name.endsWith(".camel.yaml")).toList();
  }

  private static Stream<Path> javaFiles() {
    return files("src/main/java", name -> name.endsWith(".java"));
  }

  private static Stream<Path> files(String folder, Predicate<String> wanted) {
    try (Stream<Path> files = Files.walk(Path.of(folder))) {
      return files.filter(file -> wanted.test(file.toString())).sorted().toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> findAll(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    List<String> found = new ArrayList<>();
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }

  private static JsonNode yaml(Path file) {
    try {
      return YAML.readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
