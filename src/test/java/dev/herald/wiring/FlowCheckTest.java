package dev.herald.wiring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.api.Contract;
import dev.herald.config.ConfigurationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An edited flow that cannot work does not start, and one that can does. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class FlowCheckTest {
  private static final Set<String> ANSWERED_FROM_MEMORY =
      Set.of("getHealth", "getLiveness", "getReadiness");

  private final DefaultCamelContext camel = new DefaultCamelContext();
  @TempDir Path folder;

  @BeforeEach
  void copy() throws IOException {
    for (Path file : files(Path.of("routes"))) {
      Files.copy(file, folder.resolve(file.getFileName()));
    }
  }

  @AfterEach
  void close() {
    camel.stop();
  }

  @Test
  void should_accept_the_flow_as_it_comes() {
    assertThatCode(this::check).doesNotThrowAnyException();
  }

  @Test
  void should_accept_renamed_files_and_more_routes() throws IOException {
    Files.move(folder.resolve("record.camel.yaml"), folder.resolve("after.camel.yaml"));
    Files.writeString(
        folder.resolve("mine.camel.yaml"),
        """
        - route:
            from:
              uri: timer:mine
              steps:
                - to: {uri: "direct://ours", parameters: {timeout: 100}}
                - toD: {uri: "direct:${header.where}"}
                - to: {uri: "log:done"}
        - route:
            id: ours
            from:
              uri: direct:ours
              steps:
                - to: {uri: "{{their.endpoint}}"}
        """);
    assertThatCode(this::check).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @CsvSource({
    "api, 'nothing serves openapi.yaml; put the rest element back'",
    "control, 'no route starts with direct:stopScheduler, the operation of openapi.yaml'",
    "deliver, 'no route starts with direct:deliver-message, which every message passes'",
    "dispatch, 'there is no route dispatch-tick, which Herald needs'",
    "errors, 'route dispatch-tick names the route configuration claim-errors, which is not there'",
    "health, 'no route starts with direct:getContract, the operation of openapi.yaml'",
    "housekeeping, 'there is no route housekeeping, which Herald needs'",
    "intake, 'no route starts with direct:store-messages, which Herald calls'",
    "messages, 'no route starts with direct:listMessages, the operation of openapi.yaml'",
    "record, 'no route starts with direct:record-outcomes, which Herald calls'",
  })
  void should_miss_each_file_of_the_flow(String file, String fault) throws IOException {
    Files.delete(folder.resolve(file + ".camel.yaml"));
    assertThatThrownBy(this::check)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(fault);
  }

  @Test
  void should_name_all_that_is_missing_at_once() throws IOException {
    Files.delete(folder.resolve("deliver.camel.yaml"));
    edit("intake.camel.yaml", "direct:find-request", "direct:find-requests");
    edit("record.camel.yaml", "from:\n      uri: seda:push-outcomes", "from:\n      uri: seda:x");
    edit("record.camel.yaml", "sql/record-outcomes.sql", "sql/record.sql");
    edit(
        "control.camel.yaml",
        "from:\n      uri: direct:getStats",
        "from:\n      uri: direct:stats");
    edit("housekeeping.camel.yaml", "id: housekeeping", "id: tidy-up");
    assertThatThrownBy(this::check)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContainingAll(
            "no route starts with direct:deliver-message, which every message passes",
            "there is no route housekeeping",
            "no route starts with direct:find-request, which Herald calls",
            "no route starts with direct:getStats, the operation",
            "route dispatch-batch calls direct:deliver-message, but no route starts with that",
            "route record-outcomes calls seda:push-outcomes, but no route starts with that",
            "route record-outcomes runs sql/record.sql, which cannot be read");
  }

  @Test
  void should_say_so_where_there_is_nothing() throws IOException {
    for (Path file : files(folder)) {
      Files.delete(file);
    }
    assertThatThrownBy(this::check)
        .hasMessage(
            "camel.main.routes-include-pattern finds no route; start Herald in the folder that has routes/");
  }

  /** Or a route that Java calls could be lost. */
  @Test
  void should_know_every_route_that_java_calls() throws IOException {
    Pattern called = Pattern.compile("call\\(\"(direct:[a-z-]+)\"");
    String check = Files.readString(Path.of("src/main/java/dev/herald/wiring/FlowCheck.java"));
    int calls = 0;
    for (Path file : files(Path.of("src/main/java/dev/herald/wiring"))) {
      Matcher call = called.matcher(Files.readString(file));
      while (call.find()) {
        assertThat(check).contains('"' + call.group(1) + '"');
        calls++;
      }
    }
    assertThat(calls).isEqualTo(3);
  }

  private void check() throws Exception {
    for (Path file : files(folder)) {
      PluginHelper.getRoutesLoader(camel)
          .loadRoutes(ResourceHelper.resolveResource(camel, "file:" + file));
    }
    FlowCheck.check(
        camel,
        Contract.load(Path.of("openapi.yaml"), 255).operations().stream()
            .map(Contract.Operation::id)
            .filter(id -> !ANSWERED_FROM_MEMORY.contains(id))
            .toList());
  }

  private void edit(String name, String from, String to) throws IOException {
    Path file = folder.resolve(name);
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }
}
