package dev.herald.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.herald.Herald;
import dev.herald.config.ConfigurationException;
import dev.herald.testing.EditedRoutes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An edited flow that cannot work is refused with a reason, and one that can is not. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class FlowCheckTest {
  private static final String FIRST =
      "        - process:\n            description: Add Idempotency-Key";
  private static final String LAST =
      "        - process:\n            description: Classify the response";

  @TempDir Path folder;
  private final Properties properties = new Properties();
  private EditedRoutes routes;

  @BeforeEach
  void copy() {
    routes = EditedRoutes.in(folder);
  }

  @Test
  void should_accept_the_flow_as_it_comes() {
    assertThat(check()).matches("\\d+ route files with \\d+ routes, and \\d+ statements");
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
                - to: {uri: "{{their.endpoint:log:theirs}}"}
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
    "flow, 'no route starts with direct:reloadFlow, the operation of openapi.yaml'",
    "health, 'no route starts with direct:getContract, the operation of openapi.yaml'",
    "housekeeping, 'there is no route housekeeping, which Herald needs'",
    "intake, 'no route starts with direct:store-messages, which Herald calls'",
    "messages, 'no route starts with direct:listMessages, the operation of openapi.yaml'",
    "record, 'no route starts with direct:record-outcomes, which Herald calls'",
  })
  void should_miss_each_file_of_the_flow(String file, String fault) throws IOException {
    Files.delete(folder.resolve(file + ".camel.yaml"));
    refuses(fault);
  }

  @Test
  void should_name_all_that_is_missing_at_once() throws IOException {
    Files.delete(folder.resolve("deliver.camel.yaml"));
    edit("intake", "direct:find-request", "direct:find-requests");
    edit("record", "from:\n      uri: seda:push-outcomes", "from:\n      uri: seda:x");
    edit("record", "sql/record-outcomes.sql", "sql/record.sql");
    edit("control", "from:\n      uri: direct:getStats", "from:\n      uri: direct:stats");
    edit("housekeeping", "id: housekeeping", "id: tidy-up");
    refuses(
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

  /** Each is one edit of routes/deliver.camel.yaml, with the line where the fault must be found. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          - marshal:                     | - marshall:                | 20 | cannot be read: Unknown node id: marshall
          ref: payload                   | ref: payloda               | 17 | route deliver-message uses the bean payloda, which is not there
          library: Jackson               | library: Jacksn            | 23 | Jacksn
          uri: http://webhook.url        | uri: htp://webhook.url     | 27 | there is no component htp; correct the name, or add its jar to lib/
          uri: http://webhook.url        | uri: http://webhook.url.de | 27 | the key webhook.url.de is not set
          httpMethod: POST               | httpMethd: POST            | 27 | an http endpoint has no option httpMethd; correct its name
          "#webhookClient"               | "#webhookClint"            | 27 | webhookClint
          httpMethod: POST               | httpMethod: "{{my.method}}" | 27 | my.method
          ref: outcomeClassifier         | ref: payload               | 35 | a sample message failed:
          - to:                          | - log: {message: hello}    | 0  | cannot be read
          propagate-errors               | claim-errors               | 2  | must tell its caller when a step fails
          propagate-errors               | propagate-erors            | 2  | names the route configuration propagate-erors, which is not there
          id: deliver-message            | id: listRoutes             | 0  | the id listRoutes is taken by a route in
          uri: direct:deliver-message    | uri: direct:listRoutes     | 0  | starts with direct:listRoutes, as route listRoutes in
          """)
  void should_name_the_line_of_a_fault(String from, String to, int line, String fault)
      throws IOException {
    edit("deliver", from, to);
    refuses(fault);
    if (line > 0) {
      refuses("deliver.camel.yaml:" + line + ": ");
    }
  }

  /** Each stands on one line, in a route of its own. */
  @Test
  void should_say_in_one_sentence_each_what_is_wrong_with_steps() {
    List<String> steps =
        """
        setHeader: {name: X, expression: {simple: {expression: "${bdy}"}}} -> Unknown function: bdy (step setHeader)
        log: {id: mine, message: "${body"} -> expected symbol functionEnd but was eol (step mine)
        setBody: {expression: {jq: {expression: ".a | nope("}}} -> Encountered "<EOF>" at line 1, column 10. (step setBody)
        setBody: {expression: {jsonpath: {expression: "$.a"}}} -> No language could be found for: jsonpath (step setBody)
        split: {parallelProcessing: maybe, expression: {simple: {expression: "${body}"}}, steps: [{stop: {}}]} -> 'maybe' cannot be made a value of type Boolean (step split)
        throttle: {timePeriodMillis: soon, expression: {constant: {expression: "1"}}} -> an option has a value that cannot be read (step throttle)
        setHeader: {name: X, expression: {constant: {expression: "{{my.key}}"}}} -> Property with key [my.key] not found in properties from text: {{my.key}} (step setHeader)
        setBody: {expression: {simple: {expression: "resource:file:none.txt"}}} -> none.txt does not exist (step setBody)
        bean: {beanType: dev.herald.Nope, method: x} -> there is no class dev.herald.Nope; correct its name, or add its jar to lib/ (step bean)
        marshal: {csv: {}} -> there is no such data format; correct its name, or add its jar to lib/ (step marshal)
        """
            .lines()
            .toList();
    StringBuilder file = new StringBuilder();
    List<String> faults = new ArrayList<>();
    for (String step : steps) {
      String id = "r" + faults.size();
      String[] parts = step.split(" -> ");
      file.append(
          """
          - route:
              id: %s
              from:
                uri: direct:%s
                steps:
                  - %s
          """
              .formatted(id, id, parts[0]));
      faults.add(
          "%s/mine.camel.yaml:%d: route %s cannot be created: %s"
              .formatted(folder, file.toString().lines().count(), id, parts[1]));
    }
    routes.add("mine.camel.yaml", file.toString());
    assertThatThrownBy(this::check)
        .isInstanceOf(ConfigurationException.class)
        .hasMessage(String.join("\n  ", faults));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          - setHeader: {name: X, expression: {simple: {expression: "${body.nope}"}}} | there is no method nope (step setHeader of route deliver-message)
          - delay: {expression: {constant: {expression: abc}}} | 'abc' is not a number (step delay of route deliver-message)
          """)
  void should_say_in_one_sentence_where_a_sample_message_fails(String step, String fault) {
    routes.before(EditedRoutes.POST, step.indent(8));
    assertThatThrownBy(this::check)
        .hasMessage("%s/deliver.camel.yaml:27: a sample message failed: %s", folder, fault);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          -                                     | has no route; if it should have none, delete the file
          '# nothing but a comment'             | has no route
          '- route:\\n\\tid: tab'                 | cannot be read
          '- route:\\n    id: half\\n    from:\\n'  | has a step or a start without a uri
          '- rout:\\n    id: x\\n'                | Unknown node id: rout
          '{"a": 1}'                            | has no route
          '\\u0000\\u0001'                        | cannot be read
          """)
  void should_refuse_a_file_that_is_no_flow(String content, String fault) throws IOException {
    String text =
        content.equals("-")
            ? ""
            : content
                .replace("\\n", "\n")
                .replace("\\t", "\t")
                .replace("\\u0000", "\0")
                .replace("\\u0001", "\1");
    Files.writeString(folder.resolve("mine.camel.yaml"), text);
    refuses("mine.camel.yaml", fault);
  }

  @Test
  void should_refuse_a_route_that_ends_without_an_outcome() throws IOException {
    Path file = folder.resolve("deliver.camel.yaml");
    String text = Files.readString(file);
    Files.writeString(file, text.substring(0, text.indexOf(LAST)));
    refuses("ended without an outcome; its last step must be outcomeClassifier");
  }

  @Test
  void should_refuse_a_post_by_another_client() throws IOException {
    edit("deliver", "              httpClient: \"#webhookClient\"\n", "");
    refuses(
        "a sample message failed: no step called the webhook",
        "the POST needs httpClient: \"#webhookClient\"");
  }

  @Test
  void should_refuse_a_route_that_hangs() throws IOException {
    edit("deliver", FIRST, "        - delay: {constant: {expression: \"60000\"}}\n" + FIRST);
    refuses("a sample message failed: it did not end within 10s");
  }

  @Test
  void should_accept_a_route_that_decides_not_to_send_yet() throws IOException {
    edit(
        "deliver",
        FIRST,
        """
                - filter:
                    expression: {simple: {expression: "${variable.global:token} == null"}}
                    steps:
                      - throwException: {message: there is no token yet, exceptionType: java.lang.IllegalStateException}
        """
            + FIRST);
    assertThatCode(this::check).doesNotThrowAnyException();
  }

  @Test
  void should_refuse_a_flow_without_the_beans_that_claim_and_record() throws IOException {
    edit("dispatch", "ref: gate", "ref: payload");
    edit("record", "method: recorded", "method: fencedOff");
    refuses("no step uses gate, and without it", "no step uses recorder, method recorded");
  }

  /** Each is one edit that Camel takes, and after which messages are lost, doubled or stuck. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          dispatch | outputClass: dev.herald.message.ClaimedMessage | outputType: SelectList | a sample message failed before the gate: bean claimPlanner, method claimed, must come right after the claim's statement, whose outputClass is
          dispatch | - to: {uri: direct:deliver-message} | - log: {message: off} | ended without an outcome
          dispatch | - to: {uri: direct:deliver-message} | - to: {uri: direct:deliver-message}\\n              - to: {uri: direct:deliver-message} | a sample message failed:
          deliver  | throwExceptionOnFailure: false | throwExceptionOnFailure: false\\n        - to: {uri: http://webhook.url, parameters: {httpClient: "#webhookClient", httpMethod: POST}} | was posted 2 times in route deliver-message, though the first POST was accepted
          deliver  | group: delivery | group: mine | claims must pause while it is stopped; write group: delivery
          dispatch | - to: {uri: direct:dispatch-batch} | - log: {message: off} | a sample message did not pass the step gate
          dispatch | ${variable.claim} != null | ${variable.claim} == null | a sample message did not pass the step gate
          dispatch | period: 1, | period: abc, | route dispatch-tick must start with a timer that goes on
          dispatch | period: 1, | period: 1, repeatCount: 1, | route dispatch-tick must start with a timer that goes on
          dispatch | group: claim | group: mine | claims must pause while it is stopped; write group: claim
          """)
  void should_refuse_a_flow_that_cannot_deliver(String file, String from, String to, String fault)
      throws IOException {
    edit(file, from, to.replace("\\n", "\n"));
    refuses(fault);
  }

  @Test
  void should_refuse_a_gate_in_the_wrong_place() throws IOException {
    String text = Files.readString(folder.resolve("dispatch.camel.yaml"));
    String gate =
        text.substring(
            text.indexOf("              - process:\n"),
            text.indexOf("              - to: {uri: direct:deliver"));
    edit("dispatch", gate, "");
    Files.writeString(
        folder.resolve("dispatch.camel.yaml"),
        Files.readString(folder.resolve("dispatch.camel.yaml")) + gate);
    refuses("the step gate must get each claimed message by itself: after the split, and before");
  }

  @Test
  void should_refuse_a_bean_with_a_name_of_heralds() throws IOException {
    Files.writeString(
        folder.resolve("beans.camel.yaml"),
        """
        - beans:
            - name: payload
              type: java.util.ArrayList
        """);
    refuses("a beans: element defines payload, which is the name of a bean of Herald's");
  }

  @Test
  void should_refuse_what_is_no_text_and_what_is_too_much() throws IOException {
    Files.write(
        folder.resolve("mine.camel.yaml"),
        "# Gr\u00fc\u00dfe\n- route:".getBytes(StandardCharsets.ISO_8859_1));
    Files.writeString(folder.resolve("big.camel.yaml"), "# " + "x".repeat(600 * 1024));
    Files.writeString(folder.resolve("deep.camel.yaml"), "[".repeat(5_000));
    Files.writeString(
        folder.resolve("none.camel.yaml"),
        "- route: {id: zz}\n- route: {id: yy, autoStartup: abc, from: {uri: timer:x, steps: []}}\n");
    refuses(
        "mine.camel.yaml: is not encoded as UTF-8",
        "big.camel.yaml: is larger than 512 KB",
        "deep.camel.yaml: cannot be read",
        "zz has a step or a start without a uri",
        "route yy has autoStartup: abc; write true or false");
  }

  @Test
  void should_refuse_a_sub_route_that_hides_a_failure() throws IOException {
    Files.writeString(
        folder.resolve("mine.camel.yaml"),
        """
        - route:
            id: write-outcomes
            from:
              uri: direct:write-outcomes
              steps:
                - log: {message: written}
        """);
    edit(
        "record",
        "        - bean:\n            description: Note that",
        "        - to: {uri: direct:write-outcomes}\n        - bean:\n            description: Note that");
    refuses(
        "mine.camel.yaml:1: route write-outcomes must tell its caller when a step fails, or a failure looks like success");
  }

  /** The default configuration handles every failure, and the events would be lost. */
  @Test
  void should_refuse_a_route_of_events_that_hides_a_failure() throws IOException {
    Files.writeString(
        folder.resolve("mine.camel.yaml"),
        """
        - route:
            id: events
            from:
              uri: direct:events
              steps:
                - log: {message: "${body}"}
        """);
    refuses("mine.camel.yaml:1: route events must tell its caller when a step fails");
  }

  @Test
  void should_refuse_events_without_a_route_for_them() throws IOException {
    properties.setProperty("events.enabled", "true");
    refuses("no route starts with direct:events, which events.enabled needs; name a file");
    Files.writeString(
        folder.resolve("mine.camel.yaml"),
        """
        - route:
            id: events
            routeConfigurationId: propagate-errors
            from:
              uri: direct:events
              steps:
                - log: {message: "${body}"}
        """);
    assertThatCode(this::check).doesNotThrowAnyException();
  }

  @Test
  void should_step_over_what_acts_and_wait_for_nothing() throws IOException {
    Files.writeString(
        folder.resolve("beans.camel.yaml"),
        """
        - beans:
            - name: mine
              type: java.util.ArrayList
        """);
    edit(
        "deliver",
        FIRST,
        """
                - bean: {ref: mine, method: size}
                - setBody: {expression: {variable: message}}
                - pollEnrich: {expression: {constant: {expression: "seda:never"}}}
                - setBody: {expression: {variable: message}}
        """
            + FIRST);
    assertThatCode(this::check).doesNotThrowAnyException();
  }

  @Test
  void should_refuse_a_method_that_a_bean_has_not() throws IOException {
    edit("messages", "method: withFailedAttempts", "method: withAttempts");
    refuses(
        "messages.camel.yaml:",
        "route getMessage calls the method withAttempts of bean messageAnswers, which has none");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                                            | has no statement
          'SELECT 1 WHERE 2 = :#${variable.id} # why'   | has a # that is not part of a parameter
          """)
  void should_refuse_a_statement(String statement, String fault) throws IOException {
    Path file = folder.resolve("mine.sql");
    Files.writeString(file, statement);
    edit("messages", "sql:file:sql/get-message.sql", "sql:file:" + file);
    refuses("mine.sql", fault);
  }

  @Test
  void should_refuse_a_wrong_count_of_parameters() throws IOException {
    edit("record", "parametersCount: 12", "parametersCount: 11");
    refuses("says parametersCount: 11, but sql/record-outcomes.sql has 12; correct it");
  }

  @Test
  void should_refuse_what_routes_include_gets_wrong() {
    assertThatThrownBy(() -> check("examples/nothing.camel.yaml, " + folder + "/deliver.*"))
        .hasMessageContainingAll(
            "routes.include has examples/nothing.camel.yaml, which finds no file; correct it",
            "deliver.camel.yaml: is found by more than one pattern");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "messager",
        "messaging-system",
        "go-message-dispatcher",
        "insider-messaging",
        "messaging-server",
        "*"
      })
  void should_accept_each_facade_and_all(String name) {
    assertThat(check("examples/facades/" + name + ".camel.yaml")).contains(" routes, and ");
  }

  @ParameterizedTest
  @CsvSource({
    "platform-http:/health, 'starts at /health, which belongs to the API of openapi.yaml'",
    "platform-http:api/v1/mine, 'starts at /api/v1/mine, which belongs to the API of'",
    "'platform-http:/mine/{name}', 'as route one in '",
    "'rest:get:/mine:/{other}', 'as route one in '",
  })
  void should_refuse_an_entrance_that_is_taken(String uri, String fault) {
    routes.add(
        "mine.camel.yaml",
        """
        - onException:
            exception: [java.lang.Exception]
            steps:
              - process: {ref: exceptionMaper}
        - route:
            id: one
            from: {uri: "platform-http:/mine/{id}", steps: [{to: "log:one"}]}
        - route:
            id: two
            from:
              uri: "%s"
              parameters: {httpMethodRestrict: "POST,GET"}
              steps: [{to: "log:two"}]
        """
            .formatted(uri));
    refuses(fault, "mine.camel.yaml:4: route one uses the bean exceptionMaper");
  }

  /** Or a route that Java calls could be lost. */
  @Test
  void should_know_every_route_that_java_calls() throws IOException {
    Pattern called = Pattern.compile("call\\(\"(direct:[a-z-]+)\"");
    String check = Files.readString(Path.of("src/main/java/dev/herald/flow/FlowCheck.java"));
    int calls = 0;
    for (Path file : files(Path.of("src/main/java/dev/herald/wiring"))) {
      Matcher call = called.matcher(Files.readString(file));
      while (call.find()) {
        assertThat(check).contains('"' + call.group(1) + '"');
        calls++;
      }
    }
    assertThat(calls).isEqualTo(5);
  }

  private String check() {
    return check("");
  }

  private String check(String include) {
    properties.setProperty("camel.main.routes-include-pattern", routes.pattern());
    properties.setProperty("routes.include", include);
    return Herald.check(properties);
  }

  private void refuses(String... faults) {
    assertThatThrownBy(this::check)
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContainingAll(faults);
  }

  private void edit(String name, String from, String to) {
    routes.replace(name + ".camel.yaml", from, to);
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }
}
