package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.testing.Api;
import dev.herald.testing.Api.Answer;
import dev.herald.testing.ContractCheck;
import dev.herald.testing.ContractCheck.Operation;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import java.net.http.HttpHeaders;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** {@code api.rate-limit}, at one request each second. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ApiRateLimitIT {
  private static final String OTHER_KEY = "another-key-for-tests-9876";

  private static Node node;
  private static Api api;
  private static ContractCheck contract;

  @BeforeAll
  static void start() {
    node =
        Node.on(Local.servers().newDatabase(), "http://127.0.0.1:9/")
            .with("api.key", "ops:" + Node.KEY + ",app:" + OTHER_KEY)
            .with("api.rate-limit", 1)
            .with("receipts.token", OTHER_KEY)
            .with("dispatch.enabled", false)
            .start();
    api = node.api();
    contract = new ContractCheck(api.get("/openapi.json").expect(200).body());
  }

  @AfterAll
  static void stop() {
    node.close();
  }

  @Test
  void should_refuse_what_is_too_much_at_every_operation_that_needs_a_key() {
    for (Operation operation : contract.operations()) {
      if (operation.secured()) {
        Answer refused = awaitRefusal(operation);
        assertThat(refused.text("/type")).isEqualTo("urn:problem-type:herald:too-many-requests");
        assertThat(refused.text("/detail")).contains("1 request").contains("api.rate-limit");
        assertThat(header(refused, "Retry-After")).isEqualTo("1");
        assertThat(header(refused, "RateLimit")).isEqualTo("\"key\";r=0;t=1");
        assertThat(header(refused, "RateLimit-Policy")).isEqualTo("\"key\";q=1;w=1");
        assertThat(header(refused, "Content-Type")).isEqualTo("application/problem+json");
      }
    }
  }

  @Test
  void should_allow_again_after_a_while_and_say_what_is_left() {
    awaitRefusal(contract.operation("getStats"));
    Answer allowed =
        await()
            .pollInterval(Duration.ofMillis(200))
            .until(() -> api.get("/api/v1/messages/stats"), answer -> answer.status() == 200);
    assertThat(header(allowed, "RateLimit")).isEqualTo("\"key\";r=0;t=1");
    assertThat(header(allowed, "RateLimit-Policy")).isEqualTo("\"key\";q=1;w=1");
  }

  @Test
  void should_not_count_wrong_keys_nor_what_needs_none() {
    for (int i = 0; i < 5; i++) {
      api.withKey(null).get("/health").expect(200);
      HttpHeaders unknown =
          api.withKey("wrong").get("/api/v1/messages").expect(401).http().headers();
      assertThat(unknown.firstValue("RateLimit")).isEmpty();
    }
    api.withKey(OTHER_KEY).get("/api/v1/messages").expect(200);
  }

  @Test
  void should_refuse_receipts_that_are_too_many() {
    Answer refused =
        await()
            .pollInterval(Duration.ofMillis(10))
            .until(
                () -> api.withKey(null).post("/receipts/any?token=" + OTHER_KEY, "x"),
                answer -> answer.status() == 429);
    assertThat(header(refused, "Retry-After")).isEqualTo("1");
  }

  private static Answer awaitRefusal(Operation operation) {
    return await()
        .pollInterval(Duration.ofMillis(10))
        .until(
            () ->
                contract.check(
                    operation,
                    api.call(
                        operation.method(),
                        operation
                            .path()
                            .replaceAll("\\{[^}]+}", "01890a5d-ac96-774b-bcce-b302099a8057"),
                        contract.exampleBody(operation))),
            answer -> answer.status() == 429);
  }

  private static String header(Answer answer, String name) {
    return answer.http().headers().firstValue(name).orElse("none");
  }
}
