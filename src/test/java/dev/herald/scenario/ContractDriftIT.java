package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.ContractCheck;
import dev.herald.testing.ContractCheck.Operation;
import dev.herald.testing.EditedRoutes;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is answered is what {@code openapi.yaml} says: each answer that it names is asked for and
 * held against its status, media type, headers and schema. Answers to errors are asked of every
 * operation there is, so a new one is tested, too; the last test says which were never seen.
 */
@DisplayNameGeneration(ReplaceUnderscores.class)
@TestMethodOrder(OrderAnnotation.class)
class ContractDriftIT {
  private static final String NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057";

  /** Answers that nothing in a request brings about; 429 is {@link ApiRateLimitIT}'s. */
  private static final Set<String> NOT_PROVOKED = Set.of("429", "500");

  /** These need a reload under way, and most wait until work in flight has had its time. */
  private static final Set<String> SLOW =
      Set.of("checkFlow 409", "reloadFlow 409", "tryMessage 409", "startRoute 409");

  private static final List<String> ROLES = List.of("read", "send", "operate");

  @TempDir static Path routes;

  private static SampleWebhook webhook;
  private static TcpProxy cable;
  private static Node node;
  private static Api api;
  private static ContractCheck contract;

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    cable = TcpProxy.of(database);
    node =
        Node.on(cable.by(database), webhook.url())
            .with("camel.main.routes-include-pattern", EditedRoutes.in(routes).pattern())
            .with("dispatch.enabled", false)
            .with("database.timeout", "1s")
            .with(
                "api.key",
                Node.KEY
                    + ROLES.stream()
                        .map(role -> ",only-" + role + ":" + keyOf(role) + ":" + role)
                        .collect(Collectors.joining()))
            .start();
    api = node.api();
    contract = new ContractCheck(api.get("/openapi.json").expect(200).body());
  }

  @AfterAll
  static void stop() {
    cable.restore();
    node.close();
    cable.close();
    webhook.close();
  }

  @Test
  void should_take_and_show_messages() {
    Answer created = good("createMessage", "").expect(201);
    good("createMessages", "").expect(201);
    assertThat(good("getMessage", created.id()).expect(200).body().path("failedAttempts"))
        .isEmpty();
    good("updateMessage", created.id()).expect(200);
    good("patchMessage", created.id()).expect(200);
    good("listMessages", "").expect(200);
    good("getStats", "").expect(200);
    good("getActivity", "").expect(200);

    good("cancelMessage", created.id()).expect(204);
    for (String refused :
        List.of("updateMessage", "patchMessage", "cancelMessage", "retryMessage")) {
      good(refused, created.id()).expect(409);
    }
  }

  @Test
  void should_show_what_became_of_messages() {
    webhook.answer(
        post ->
            post.content().equals("refused")
                ? SampleWebhook.Answer.status(400)
                : SampleWebhook.Answer.accepted());
    String refused = api.create("refused");
    String sent = api.create("sent");
    JsonNode result = good("processBatch", "").expect(200).body();
    assertThat(result.path("outcomes").path("DELIVERED").asInt()).isPositive();
    assertThat(result.path("outcomes").path("REFUSED").asInt()).isEqualTo(1);
    await().until(() -> api.status(refused).equals("FAILED") && api.status(sent).equals("SENT"));

    assertThat(good("getMessage", refused).expect(200).body().path("failedAttempts")).hasSize(1);
    good("createReceipt", "").expect(202);
    Map<String, String> receipt =
        Map.of("id", sent, "status", "UNDELIVERED", "code", "7", "detail", "no such number");
    body(contract.operation("createReceipt"), "/api/v1/receipts", receipt).expect(202);
    assertThat(good("getMessage", sent).expect(200).body().has("delivery")).isTrue();
    assertThat(good("listSentMessages", "").expect(200).body().path("items")).isNotEmpty();
    assertThat(
            contract
                .check(
                    contract.operation("listMessages"),
                    api.get("/api/v1/messages?limit=1&status=SENT"))
                .expect(200)
                .body()
                .path("items"))
        .hasSize(1);
    assertThat(good("explainMessage", refused).expect(200).text("/blockers/0/code"))
        .isEqualTo("ENDED");
    contract
        .check(contract.operation("listMessages"), api.get("/api/v1/messages?why=true"))
        .expect(200);
    good("retryMessage", refused).expect(202);
    assertThat(good("explainMessage", refused).expect(200).text("/blockers/0/code"))
        .isEqualTo("SCHEDULER_STOPPED");
    good("retryMessages", "").expect(200);
    good("cancelMessages", "").expect(200);
  }

  @Test
  void should_show_check_try_and_reload_the_flow() throws IOException {
    List<String> ids = List.of("checkFlow", "tryMessage", "reloadFlow");
    good("getFlow", "").expect(200);
    ids.forEach(id -> good(id, "").expect(200));
    Path file = routes.resolve("own.camel.yaml");
    Files.writeString(file, "- nothing: here\n");
    ids.forEach(
        id -> assertThat(good(id, "").expect(422).body().path("faults")).as(id).isNotEmpty());
    Files.delete(file);
    good("reloadFlow", "").expect(200);
  }

  @Test
  void should_tell_and_turn_the_switches() {
    good("startScheduler", "").expect(200);
    good("stopScheduler", "").expect(200);
    good("getScheduler", "").expect(200);
    good("getMessagingStatus", "").expect(200);
    good("stopRoute", "housekeeping").expect(200);
    good("startRoute", "housekeeping").expect(200);
    good("stopRoute", "getStats").expect(409);
    good("listRoutes", "").expect(200);
    api.create("waits while delivery is off");
    assertThat(good("getOverview", "").expect(200).body().path("needs")).isNotEmpty();
  }

  @Test
  void should_answer_without_a_key_what_needs_none() {
    for (Operation operation : contract.operations()) {
      Answer answer = call(operation, api.withKey(null), path(operation, NOBODY), "");
      assertThat(answer.status()).as(operation.id()).isEqualTo(operation.secured() ? 401 : 200);
    }
  }

  @Test
  void should_answer_each_call_to_a_key_with_its_role_and_to_no_other() {
    for (Operation operation : contract.operations()) {
      String needed = operation.node().path("x-herald-role").asText();
      for (String role : ROLES) {
        boolean may = !operation.secured() || needed.equals(role);
        Answer answer =
            call(operation, api.withKey(keyOf(role)), path(operation, NOBODY), "?colour=red");
        assertThat(answer.status())
            .as("%s with %s", operation.id(), role)
            .isEqualTo(may ? 400 : 403);
        if (!may) {
          assertThat(answer.text("/type")).isEqualTo("urn:problem-type:herald:forbidden");
          assertThat(answer.text("/detail"))
              .startsWith(
                  "this call needs the role %s, and the key of 'only-%s' has only %s;"
                      .formatted(needed, role, role));
        }
      }
    }
  }

  private static String keyOf(String role) {
    return "a-key-that-may-only-" + role;
  }

  @Test
  void should_refuse_unknown_parameters_and_other_answers_than_json() {
    for (Operation operation : contract.operations()) {
      call(operation, api, path(operation, NOBODY), "?colour=red").expect(400);
      contract
          .check(
              operation,
              api.call(
                  operation.method(),
                  path(operation, NOBODY),
                  contract.exampleBody(operation),
                  "Accept",
                  "text/html"))
          .expect(operation.documents(406) ? 406 : 200);
    }
  }

  @Test
  void should_refuse_bad_bodies() {
    for (Operation operation : contract.operations()) {
      if (contract.exampleBody(operation) != null) {
        String path = path(operation, NOBODY);
        body(operation, path, "{\"reason\": ").expect(400);
        body(operation, path, " ".repeat(1024 * 1024 + 1)).expect(413);
        body(operation, path, "{}", "Content-Type", "text/plain").expect(415);
        body(operation, path, "{\"colour\": \"red\"}").expect(422);
      }
    }
    Operation create = contract.operation("createMessage");
    body(create, create.path(), Api.message("one"), "Idempotency-Key", "k").expect(201);
    body(create, create.path(), Api.message("two"), "Idempotency-Key", "k").expect(422);
  }

  @Test
  void should_say_what_is_not_there() {
    for (Operation operation : contract.operations()) {
      if (operation.path().contains("{")) {
        call(operation, api, path(operation, NOBODY), "").expect(404);
      }
      if (operation.path().contains("{id}")) {
        call(operation, api, path(operation, "nonsense"), "").expect(400);
      }
    }
  }

  @Test
  @Order(Integer.MAX_VALUE - 2)
  void should_say_that_a_route_of_the_api_is_stopped() throws Exception {
    MBeanServer jmx = ManagementFactory.getPlatformMBeanServer();
    for (String id :
        List.of(
            "listRoutes",
            "startRoute",
            "stopRoute",
            "getFlow",
            "checkFlow",
            "tryMessage",
            "reloadFlow",
            "getContract")) {
      ObjectName route =
          jmx.queryNames(
                  new ObjectName(
                      "org.apache.camel:context=%s,type=routes,name=\"%s\",*"
                          .formatted(api.url().replaceAll(".*:", "herald-"), id)),
                  null)
              .iterator()
              .next();
      jmx.invoke(route, "stop", new Object[0], new String[0]);
      assertThat(good(id, "housekeeping").expect(503).text("/detail")).contains("stopped");
      jmx.invoke(route, "start", new Object[0], new String[0]);
      good(id, "housekeeping").expect(200);
    }
  }

  @Test
  @Order(Integer.MAX_VALUE - 1)
  void should_say_that_postgresql_is_away() {
    cable.refuse();
    await().until(() -> api.get("/ready").status() == 503);
    for (Operation operation : contract.operations()) {
      if (operation.documents(503)
          && !operation.path().startsWith("/api/v1/routes")
          && !operation.path().startsWith("/api/v1/flow")
          && !operation.id().equals("getContract")) {
        good(operation.id(), NOBODY).expect(503);
      }
    }
    good("getLiveness", "").expect(200);
    assertThat(good("checkFlow", "").expect(422).body().path("faults"))
        .singleElement()
        .satisfies(
            fault ->
                assertThat(fault.path("detail").asText())
                    .startsWith(
                        "PostgreSQL does not respond, so the statements cannot be checked"));
    cable.restore();
    await().until(() -> api.get("/ready").status() == 200);
  }

  @Test
  @Order(Integer.MAX_VALUE)
  void should_have_seen_every_answer_that_the_contract_names() {
    Set<String> never = new TreeSet<>(contract.documented());
    never.removeAll(contract.seen());
    never.removeAll(SLOW);
    never.removeIf(answer -> NOT_PROVOKED.contains(answer.substring(answer.indexOf(' ') + 1)));
    assertThat(never).isEmpty();
    assertThat(contract.seen().stream().map(one -> one.split(" ")[0]).collect(Collectors.toSet()))
        .containsExactlyInAnyOrderElementsOf(
            new ArrayList<>(contract.operations().stream().map(Operation::id).toList()));
  }

  /** A request that has nothing wrong in itself. */
  private static Answer good(String id, String part) {
    Operation operation = contract.operation(id);
    return call(operation, api, path(operation, part), "");
  }

  private static Answer call(Operation operation, Api as, String path, String query) {
    return contract.check(
        operation, as.call(operation.method(), path + query, contract.exampleBody(operation)));
  }

  private static Answer body(Operation operation, String path, Object body, String... headers) {
    return contract.check(operation, api.call(operation.method(), path, body, headers));
  }

  private static String path(Operation operation, String part) {
    return operation.path().replaceAll("\\{[^}]+}", part);
  }
}
