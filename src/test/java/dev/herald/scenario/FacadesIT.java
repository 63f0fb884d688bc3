package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** APIs of one's own, in files that routes.include adds. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class FacadesIT {
  private static final String MINE =
      """
      - route:
          id: mine-hello
          description: Greet
          from:
            uri: platform-http:/mine/{name}/hello
            parameters: {httpMethodRestrict: "GET,POST"}
            steps:
              - choice:
                  when:
                    - expression: {simple: {expression: "${variable.name} == 'nobody'"}}
                      steps:
                        - throwException: {exceptionType: java.lang.IllegalStateException, message: a secret}
              - setBody: {expression: {simple: {expression: "Hello ${variable.name}, ${variable.request.query[from]}, ${variable.key}, ${body}, ${variable.correlationId}, ${headers}"}}}
      - route:
          id: mine-raw
          description: Fail past every handler
          routeConfigurationId: propagate-errors
          from:
            uri: platform-http:/mine/raw
            steps:
              - throwException: {exceptionType: java.lang.IllegalStateException, message: a secret}
      """;

  private static final String REST =
      """
      - rest:
          path: /theirs
          get:
            - path: /{id}
              to: direct:theirs
      - route:
          id: theirs
          description: Show the id
          from:
            uri: direct:theirs
            steps:
              - setBody: {expression: {simple: {expression: '${map(id, ${variable.id})}'}}}
      """;

  @TempDir static Path folder;
  private static SampleWebhook webhook;
  private static Node node;
  private static Api api;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    write("mine", MINE);
    write("rest", REST);
    node =
        Node.on(Local.servers().newDatabase(), webhook.url())
            .with("routes.include", folder + "/*.camel.yaml")
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    node.close();
    webhook.close();
  }

  @AfterEach
  void putBack() throws IOException {
    write("mine", MINE);
    write("rest", REST);
    api.post("/api/v1/flow/reload", null).expect(200);
  }

  @Test
  void should_give_a_route_the_request_and_nothing_that_steers_it() {
    Answer answer =
        api.call(
                "POST",
                "/mine/j%C3%B6e+a%2Fb/hello?from=here&from=there&running=true",
                "the body",
                "CamelHttpUri",
                "http://elsewhere",
                "X-Correlation-ID",
                "an-id")
            .expect(200);
    assertThat(answer.http().body()).isEqualTo("Hello jöe+a/b, here, default, the body, an-id, {}");
    assertThat(answer.http().headers().firstValue("X-Correlation-ID")).hasValue("an-id");
    assertThat(answer.http().headers().firstValue("Content-Type"))
        .hasValue("text/plain; charset=utf-8");
    assertThat(api.call("HEAD", "/mine/joe/hello", null).expect(200).http().body()).isEmpty();
    assertThat(api.get("/theirs/42").expect(200).http().body()).isEqualTo("{\"id\":\"42\"}");
  }

  @Test
  void should_guard_an_entrance_as_the_api() {
    Answer refused = api.withKey(null).get("/mine/joe/hello").expect(401);
    assertThat(refused.http().headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
    api.withKey("wrong").get("/theirs/42").expect(401);
    Answer notAllowed = api.delete("/mine/joe/hello").expect(405);
    assertThat(notAllowed.http().headers().firstValue("Allow")).hasValue("GET, HEAD, POST");
    assertThat(api.get("/mine/hello").expect(404).text("/type")).endsWith(":not-found");
    assertThat(api.post("/mine/joe/hello", "x".repeat(1_048_577)).expect(413).text("/type"))
        .endsWith(":too-large");
    api.post("/mine/joe/hello", "x", "Idempotency-Key", "x".repeat(256)).expect(400);
  }

  @Test
  void should_answer_a_failure_with_a_problem_and_not_with_its_text() {
    for (String path : new String[] {"/mine/nobody/hello", "/mine/raw"}) {
      Answer failed = api.get(path).expect(500);
      assertThat(failed.http().headers().firstValue("Content-Type"))
          .hasValue("application/problem+json");
      assertThat(failed.http().body()).doesNotContain("secret", "Exception");
    }
  }

  @Test
  void should_take_an_edit_while_requests_come() throws Exception {
    AtomicBoolean going = new AtomicBoolean(true);
    Set<String> answers = ConcurrentHashMap.newKeySet();
    Thread client =
        new Thread(
            () -> {
              while (going.get()) {
                Answer answer = api.get("/mine/joe/hello");
                answers.add(answer.status() + " " + answer.http().body().split(" ")[0]);
              }
            });
    client.start();
    try {
      for (int i = 0; i < 10; i++) {
        write("mine", MINE.replace("Hello", "Hi" + i));
        api.post("/api/v1/flow/reload", null).expect(200);
        assertThat(api.get("/mine/joe/hello").expect(200).http().body()).startsWith("Hi" + i);
      }
    } finally {
      going.set(false);
      client.join();
    }
    assertThat(answers).hasSizeGreaterThan(1).allMatch(answer -> answer.startsWith("200 H"));
  }

  @Test
  void should_add_move_and_remove_an_entrance_without_a_restart() throws IOException {
    write("mine", MINE.replace("/hello", "/hi"));
    api.post("/api/v1/flow/reload", null).expect(200);
    api.get("/mine/joe/hi").expect(200);
    api.get("/mine/joe/hello").expect(404);
    api.post("/api/v1/routes/mine-hello/stop", null).expect(200);
    assertThat(api.get("/mine/joe/hi").expect(503).text("/detail")).contains("is stopped");
    api.post("/api/v1/routes/mine-hello/start", null).expect(200);
    api.get("/mine/joe/hi").expect(200);
  }

  @Test
  void should_ask_for_a_restart_to_swap_a_rest_element() throws IOException {
    write("rest", REST.replace("Show the id", "Show it"));
    assertThat(api.post("/api/v1/flow/reload", null).expect(422).text("/faults/0/detail"))
        .isEqualTo("has a rest element, which cannot be swapped while it runs; restart this node");
  }

  private static void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name + ".camel.yaml"), text);
  }
}
