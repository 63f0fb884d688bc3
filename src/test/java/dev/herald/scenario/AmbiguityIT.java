package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Api;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What may have been sent: no answer, a lease that ran out, a worker that comes too late. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class AmbiguityIT {
  private static final String LEASE_RAN_OUT = "the lease ran out before the outcome was recorded";

  private static SampleWebhook webhook;
  private static Herd holding;
  private static Herd retrying;

  /** What the database said of a message when its POST came. */
  private final Map<String, Double> leases = new ConcurrentHashMap<>();

  /** A node with its database. */
  private record Herd(Node node, Api api, Sql sql) implements AutoCloseable {
    static Herd with(String policy) {
      String database = Local.servers().newDatabase();
      Node node =
          Node.on(database, webhook.url())
              .with("webhook.on-ambiguous", policy)
              .with("webhook.timeout", "700ms")
              .with("webhook.connect-timeout", "500ms")
              .with("dispatch.lease", "3s")
              .with("dispatch.concurrency", 1)
              .with("circuit.minimum-calls", 1_000_000)
              .start();
      return new Herd(node, node.api(), new Sql(database));
    }

    void stopScheduler() {
      api.post("/api/v1/scheduler/stop", null).expect(200);
    }

    void startScheduler() {
      api.post("/api/v1/scheduler/start", null).expect(200);
    }

    /** What a node leaves behind that claims a message and dies. */
    String claimedByADeadNode(int attempts, String leaseUntil) {
      stopScheduler();
      String id = api.create("claimed by a dead node");
      assertThat(
              sql.update(
                  "UPDATE message SET attempts = ?, claim_id = gen_random_uuid(), lease_until = now() + ?::interval WHERE id = ?::uuid",
                  attempts,
                  leaseUntil,
                  id))
          .isEqualTo(1);
      return id;
    }

    JsonNode awaitStatus(String id, String status) {
      await()
          .atMost(Duration.ofSeconds(30))
          .pollInterval(Duration.ofMillis(20))
          .untilAsserted(() -> assertThat(api.status(id)).isEqualTo(status));
      return api.get("/api/v1/messages/" + id).expect(200).body();
    }

    @Override
    public void close() {
      node.close();
    }
  }

  @BeforeAll
  static void start() {
    webhook = new SampleWebhook();
    holding = Herd.with("hold");
    retrying = Herd.with("retry");
  }

  @AfterAll
  static void stop() {
    holding.close();
    retrying.close();
    webhook.close();
  }

  @BeforeEach
  void behave() {
    webhook.forget();
    webhook.answer(post -> Answer.accepted());
    holding.startScheduler();
    retrying.startScheduler();
  }

  @ParameterizedTest
  @ValueSource(strings = {"500", "no answer"})
  void should_hold_what_may_have_been_sent_until_a_person_decides(String what) {
    webhook.answer(
        post -> what.equals("500") ? Answer.status(500) : Answer.accepted().after(2_000));
    String id = holding.api().create(what);
    JsonNode unknown = holding.awaitStatus(id, "UNKNOWN");
    assertThat(unknown.path("attempts").asInt()).isEqualTo(1);
    assertThat(unknown.path("lastError").asText()).contains(what);
    assertThat(unknown.at("/failedAttempts/0/class").asText()).isEqualTo("MAYBE_SENT");
    await().during(Duration.ofMillis(500)).until(() -> posts(id) == 1);

    webhook.answer(post -> Answer.accepted());
    holding.api().post("/api/v1/messages/" + id + "/retry", null).expect(202);
    JsonNode sent = holding.awaitStatus(id, "SENT");
    assertThat(sent.path("failedAttempts")).hasSize(1);
    assertThat(posts(id)).as("POSTs with the same key").isEqualTo(2);
    assertThat(webhook.posts()).hasSize(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"500", "no answer"})
  void should_send_again_with_the_same_key_what_may_have_been_sent(String what) {
    webhook.answer(
        post ->
            webhook.posts().size() > 1
                ? Answer.accepted()
                : what.equals("500") ? Answer.status(500) : Answer.accepted().after(2_000));
    String id = retrying.api().create(what);
    JsonNode sent = retrying.awaitStatus(id, "SENT");
    assertThat(sent.path("attempts").asInt()).isEqualTo(2);
    assertThat(sent.at("/failedAttempts/0/class").asText()).isEqualTo("MAYBE_SENT");
    assertThat(posts(id)).isEqualTo(2);
    assertThat(webhook.posts()).hasSize(2);
  }

  @Test
  void should_leave_alone_what_another_node_holds_and_take_it_when_the_lease_is_over() {
    String id = retrying.claimedByADeadNode(1, "2 s");
    assertThat(retrying.api().status(id)).isEqualTo("SENDING");
    webhook.answer(
        post -> {
          leases.put(id, retrying.sql().number("SELECT extract(epoch FROM now())"));
          return Answer.accepted();
        });
    double over =
        retrying
            .sql()
            .number("SELECT extract(epoch FROM lease_until) FROM message WHERE id = ?::uuid", id);
    retrying.startScheduler();
    retrying.awaitStatus(id, "SENT");
    assertThat(leases.get(id)).as("the POST's time").isGreaterThanOrEqualTo(over);
  }

  @Test
  void should_send_again_what_a_dead_node_may_have_sent() {
    double counted = retrying.node().metric("herald_messages_orphaned_total");
    String id = retrying.claimedByADeadNode(1, "-1 s");
    retrying.startScheduler();
    JsonNode sent = retrying.awaitStatus(id, "SENT");
    assertThat(posts(id)).isEqualTo(1);
    assertThat(sent.path("attempts").asInt()).isEqualTo(2);
    assertThat(sent.path("failedAttempts")).hasSize(1);
    assertThat(sent.at("/failedAttempts/0/number").asInt()).isEqualTo(1);
    assertThat(sent.at("/failedAttempts/0/class").asText()).isEqualTo("MAYBE_SENT");
    assertThat(sent.at("/failedAttempts/0/error").asText()).isEqualTo(LEASE_RAN_OUT);
    assertThat(retrying.node().metric("herald_messages_orphaned_total")).isEqualTo(counted + 1);
  }

  @Test
  void should_hold_what_a_dead_node_may_have_sent() {
    String id = holding.claimedByADeadNode(1, "-1 s");
    holding.startScheduler();
    JsonNode unknown = holding.awaitStatus(id, "UNKNOWN");
    assertThat(posts(id)).isZero();
    assertThat(unknown.path("attempts").asInt()).isEqualTo(1);
    assertThat(unknown.path("lastError").asText()).contains("may have been sent");
    assertThat(unknown.at("/failedAttempts/0/error").asText()).isEqualTo(LEASE_RAN_OUT);
    assertThat(
            holding
                .api()
                .get("/api/v1/messages?status=UNKNOWN&class=MAYBE_SENT")
                .expect(200)
                .body()
                .path("items")
                .findValuesAsText("id"))
        .contains(id);

    holding.api().post("/api/v1/messages/" + id + "/retry", null).expect(202);
    holding.awaitStatus(id, "SENT");
    assertThat(posts(id)).isEqualTo(1);
  }

  @Test
  void should_fail_what_may_have_been_sent_by_its_last_attempt() {
    String id = retrying.claimedByADeadNode(3, "-1 s");
    retrying.startScheduler();
    JsonNode failed = retrying.awaitStatus(id, "FAILED");
    assertThat(posts(id)).isZero();
    assertThat(failed.path("attempts").asInt()).isEqualTo(3);
    assertThat(failed.path("lastError").asText()).contains("may have been sent");
  }

  @Test
  void should_change_nothing_when_a_worker_comes_too_late() {
    double counted = retrying.node().metric("herald_outcomes_late_total");
    UUID other = UUID.randomUUID();
    webhook.answer(post -> Answer.accepted().after(400));
    String id = retrying.api().create("slow");
    await().until(() -> posts(id) == 1);
    retrying
        .sql()
        .update(
            "UPDATE message SET claim_id = ?, lease_until = now() + interval '1500 ms' WHERE id = ?::uuid",
            other,
            id);
    await()
        .untilAsserted(
            () ->
                assertThat(retrying.node().metric("herald_outcomes_late_total"))
                    .isEqualTo(counted + 1));
    assertThat(
            retrying
                .sql()
                .value(
                    "SELECT concat_ws(' ', status, claim_id, attempts, sent_at, webhook_message_id) FROM message WHERE id = ?::uuid",
                    id))
        .isEqualTo("PENDING " + other + " 1");

    // The other worker never ends it either: the message is not lost.
    JsonNode sent = retrying.awaitStatus(id, "SENT");
    assertThat(sent.path("attempts").asInt()).isEqualTo(2);
    assertThat(posts(id)).isEqualTo(2);
  }

  @Test
  void should_start_no_post_that_its_lease_could_not_outlive() {
    retrying.stopScheduler();
    webhook.answer(
        post -> {
          leases.put(
              post.idempotencyKey(),
              retrying
                  .sql()
                  .number(
                      "SELECT coalesce(extract(epoch FROM lease_until - now()), -1) FROM message WHERE id = ?::uuid",
                      post.idempotencyKey()));
          return Answer.accepted().after(400);
        });
    List<String> ids = retrying.api().createMany(10);
    // One at a time: the whole batch would take longer than its lease.
    JsonNode result =
        retrying.api().post("/api/v1/messaging/process?batchSize=10", null).expect(200).body();
    assertThat(result.path("claimed").asInt()).isEqualTo(10);
    assertThat(result.at("/outcomes/DELIVERED").asInt()).isBetween(1, 5);
    assertThat(result.at("/outcomes/RETURNED").asInt()).isBetween(5, 9);

    retrying.startScheduler();
    ids.forEach(id -> retrying.awaitStatus(id, "SENT"));
    for (String id : ids) {
      assertThat(posts(id)).isEqualTo(1);
      assertThat(leases.get(id)).as("seconds of lease left at the POST").isGreaterThan(0.7);
      JsonNode message = retrying.api().get("/api/v1/messages/" + id).body();
      assertThat(message.path("attempts").asInt()).isEqualTo(1);
      assertThat(message.path("failedAttempts")).isEmpty();
    }
  }

  private static long posts(String id) {
    return webhook.posts().stream().map(Post::idempotencyKey).filter(id::equals).count();
  }
}
