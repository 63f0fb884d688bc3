package dev.herald;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** The image, and the files to run it with, fit Herald and one another. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class DeploymentTest {
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  /** What Camel takes to stop after the grace period, and some more: docs/operations.md. */
  private static final Duration AFTER_THE_GRACE_PERIOD = Duration.ofSeconds(15);

  /** Of the log, of Docker Compose and of the build; and one that is a key soon. */
  private static final Set<String> NO_KEYS = Set.of("LOG_FORMAT", "COMPOSE_PROFILES", "PROFILES");

  private final String dockerfile = read("Dockerfile");
  private final String unit = read("deploy/herald.service");
  private final JsonNode compose = documents("docker-compose.yml").get(0).path("services");
  private final List<JsonNode> kubernetes = documents("deploy/kubernetes.yaml");
  private final JsonNode pod = kind("Deployment").at("/spec/template/spec");
  private final JsonNode container = pod.at("/containers/0");
  private final Properties defaults = defaults();

  @Test
  void should_set_only_keys_that_there_are() {
    Set<String> keys =
        defaults.stringPropertyNames().stream()
            .map(key -> key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_'))
            .collect(Collectors.toCollection(TreeSet::new));
    keys.addAll(NO_KEYS);
    List<String> set = new ArrayList<>(findAll("^ENV (.*)$", dockerfile));
    set = new ArrayList<>(findAll("([A-Z_]+)=", String.join(" ", set)));
    assertThat(set).hasSize(3);
    set.addAll(findAll("^#?([A-Z_]+)=", read(".env.example")));
    compose.path("herald").path("environment").fieldNames().forEachRemaining(set::add);
    container.path("env").findValuesAsText("name").forEach(set::add);
    assertThat(keys).containsAll(set);
  }

  @Test
  void should_give_a_stop_the_time_that_it_needs() {
    Duration grace = duration(defaults.getProperty("server.grace-period"));
    assertThat(
            List.of(
                duration(compose.at("/herald/stop_grace_period").asText()),
                duration(pod.path("terminationGracePeriodSeconds").asText() + "s"),
                duration(findAll("^TimeoutStopSec=(.*)$", unit).get(0))))
        .allMatch(time -> time.compareTo(grace.plus(AFTER_THE_GRACE_PERIOD)) > 0);
    assertThat(duration(environment("SERVER_DRAIN_DELAY"))).isPositive().isLessThanOrEqualTo(grace);
  }

  @Test
  void should_give_a_start_the_time_that_it_needs() {
    JsonNode probe = container.path("startupProbe");
    Duration startup = duration(defaults.getProperty("database.startup-timeout"));
    assertThat(
            List.of(
                Duration.ofSeconds(
                    probe.path("periodSeconds").asInt() * probe.path("failureThreshold").asInt()),
                duration(findAll("--start-period=(\\S+)", dockerfile).get(0))))
        .allMatch(time -> time.compareTo(startup) > 0);
  }

  /** A node that waits for PostgreSQL holds outcomes: it is not ready, and must go on. */
  @Test
  void should_replace_only_nodes_that_do_not_live() {
    assertThat(findAll("CMD curl .*(/[a-z]+)\"$", dockerfile)).containsExactly("/live");
    assertThat(
            Stream.of("startupProbe", "livenessProbe", "readinessProbe")
                .map(probe -> container.path(probe).at("/httpGet/path").asText()))
        .containsExactly("/live", "/live", "/ready");
  }

  @Test
  void should_publish_the_api_and_not_the_management_port() {
    String api = defaults.getProperty("server.port");
    String management = defaults.getProperty("management.port");
    assertThat(findAll("^EXPOSE (.*)$", dockerfile)).containsExactly(api + " " + management);
    assertThat(compose.at("/herald/ports")).hasSize(1);
    assertThat(compose.at("/herald/ports/0").asText()).isEqualTo(api + ":" + api);
    assertThat(compose.at("/herald/expose/0").asText()).isEqualTo(management);
    assertThat(container.path("ports").findValuesAsText("containerPort"))
        .containsExactly(api, management);
    assertThat(kind("Service").path("spec").path("ports").findValuesAsText("targetPort"))
        .containsExactly("http");
    assertThat(environmentOfImage("MANAGEMENT_HOST")).isEqualTo("0.0.0.0");
    assertThat(environmentOfImage("MANAGEMENT_JOLOKIA")).isEqualTo("false");
  }

  @Test
  void should_run_as_the_same_number_everywhere_and_without_rights() {
    String user = findAll("^USER (\\d+):\\d+$", dockerfile).get(0);
    assertThat(user).isNotEqualTo("0");
    assertThat(pod.at("/securityContext/runAsUser").asText()).isEqualTo(user);
    assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
    assertThat(container.at("/securityContext/readOnlyRootFilesystem").asBoolean()).isTrue();
    assertThat(container.at("/securityContext/allowPrivilegeEscalation").asBoolean(true)).isFalse();
    assertThat(unit).contains("DynamicUser=yes", "CapabilityBoundingSet=\n");
  }

  /** Java tells of options in JAVA_TOOL_OPTIONS in a line that is not JSON. */
  @Test
  void should_set_the_heap_from_the_limit_and_keep_the_log_json() {
    List<String> options =
        findAll("\"([^\"]+)\"", findAll("^ENTRYPOINT \\[(.*)]$", dockerfile).get(0));
    assertThat(options)
        .startsWith("java", "@jvm.options", "-XX:MaxRAMPercentage=50")
        .endsWith("-jar", "herald.jar");
    options.removeIf(option -> option.startsWith("-XX:SharedArchiveFile="));
    assertThat(unit).contains("ExecStart=/usr/bin/" + String.join(" ", options) + "\n");
    assertThat(dockerfile).doesNotContain("ENV JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS");
    assertThat(
            List.of(
                compose.at("/herald/mem_limit").asText(),
                container.at("/resources/limits/memory").asText(),
                findAll("^MemoryMax=(.*)$", unit).get(0)))
        .allMatch(limit -> limit.toLowerCase(Locale.ROOT).startsWith("1g"));
    compose.forEach(service -> assertThat(service.path("mem_limit").asText()).isNotEmpty());
  }

  @Test
  void should_run_everywhere_with_the_same_options() {
    List<String> options = findAll("^(-.*)$", read("jvm.options"));
    assertThat(options).contains("-XX:+ExitOnOutOfMemoryError");
    for (String file :
        List.of("README.md", "bench/run.sh", "Dockerfile", "deploy/herald.service")) {
      assertThat(read(file)).as(file).contains("@jvm.options").doesNotContain(options);
    }
    // Maven's own, for the development run: a quick start, as docs/operations.md has it.
    List<String> mavens = List.of(read(".mvn/jvm.config").strip().split(" "));
    assertThat(mavens.get(0)).isEqualTo("-XX:TieredStopAtLevel=1");
    assertThat(options).containsAll(mavens.subList(1, mavens.size()));
  }

  /** An edit of a source must not download the libraries again. */
  @Test
  void should_build_the_libraries_before_the_sources_and_no_tests() {
    String build = dockerfile.substring(0, dockerfile.indexOf("\nFROM eclipse"));
    List<String> builds = findAll("^RUN (mvn .*)$", build);
    assertThat(builds).hasSize(2);
    assertThat(builds.get(0)).isEqualTo(builds.get(1)).contains("-Dmaven.test.skip");
    assertThat(build.indexOf("RUN mvn"))
        .isBetween(build.indexOf("pom.xml ."), build.indexOf("COPY src"));
    assertThat(dockerfile).doesNotContain("COPY . ", "alpine");
  }

  @Test
  void should_send_the_builder_all_that_it_copies_and_no_more() throws IOException {
    List<String> rules = Files.readAllLines(Path.of(".dockerignore"));
    assertThat(rules.get(1)).isEqualTo("*");
    Set<String> sent =
        rules.stream()
            .filter(rule -> rule.startsWith("!"))
            .map(rule -> rule.substring(1))
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> copied =
        findAll("^COPY ([^-].*) \\S+$", dockerfile).stream()
            .flatMap(files -> Stream.of(files.split(" ")))
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(sent).isEqualTo(copied).contains("application.properties", "routes", "sql");
    assertThat(sent).allMatch(file -> Files.exists(Path.of(file)));
  }

  @Test
  void should_start_the_sample_webhook_only_if_asked() {
    JsonNode webhook = compose.path("webhook");
    assertThat(webhook.at("/profiles/0").asText()).isEqualTo("sample");
    assertThat(compose.at("/herald/depends_on/webhook/required").asBoolean(true)).isFalse();
    assertThat(webhook.path("command").toString()).contains("--max-request-journal-entries");
    assertThat(read(".env.example")).contains("\nCOMPOSE_PROFILES=sample\n");
    assertThat(compose.at("/herald/env_file/0/path").asText()).isEqualTo(".env");
  }

  private String environment(String name) {
    for (JsonNode variable : container.path("env")) {
      if (variable.path("name").asText().equals(name)) {
        return variable.path("value").asText();
      }
    }
    throw new AssertionError("deploy/kubernetes.yaml does not set " + name);
  }

  private String environmentOfImage(String name) {
    return findAll("^ENV .*\\b" + name + "=(\\S+)", dockerfile).get(0);
  }

  private JsonNode kind(String kind) {
    return kubernetes.stream()
        .filter(one -> one.path("kind").asText().equals(kind))
        .findFirst()
        .orElseThrow();
  }

  private static Duration duration(String text) {
    return Duration.parse("PT" + text);
  }

  private static List<JsonNode> documents(String file) {
    try {
      return YAML.readerFor(JsonNode.class).<JsonNode>readValues(read(file)).readAll();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Properties defaults() {
    Properties file = new Properties();
    try (var reader = Files.newBufferedReader(Path.of("application.properties"))) {
      file.load(reader);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }

  private static List<String> findAll(String pattern, String text) {
    List<String> found = new ArrayList<>();
    Matcher matcher = Pattern.compile(pattern, Pattern.MULTILINE).matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }

  private static String read(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
