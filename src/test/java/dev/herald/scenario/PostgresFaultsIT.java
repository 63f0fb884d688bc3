package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.herald.dev.SampleWebhook;
import dev.herald.dev.SampleWebhook.Answer;
import dev.herald.dev.SampleWebhook.Post;
import dev.herald.testing.Api;
import dev.herald.testing.CapturedLog;
import dev.herald.testing.Local;
import dev.herald.testing.Node;
import dev.herald.testing.Sql;
import dev.herald.testing.TcpProxy;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** PostgreSQL goes away, in the worst moments too. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class PostgresFaultsIT {
  private static final String CLAIM = "turn AS";
  private static final String RECORD = "WITH outcome AS";
  private static final String INTAKE = "INTO idempotency_key";

  private static SampleWebhook webhook;
  private static TcpProxy cable;
  private static Sql sql;
  private static Node node;
  private static Api api;

  /** How a statement ends that is under way. */
  enum End {
    /** The server commits it, and nobody hears of it. */
    UNHEARD,
    /** The server ends the session, and rolls it back. */
    ROLLED_BACK
  }

  @BeforeAll
  static void start() throws IOException {
    webhook = new SampleWebhook();
    String database = Local.servers().newDatabase();
    cable = TcpProxy.of(database);
    sql = new Sql(database);
    node =
        Node.on(cable.by(database), webhook.url())
            .with("webhook.timeout", "900ms")
            .with("webhook.connect-timeout", "500ms")
            .with("dispatch.lease", "3s")
            .with("dispatch.concurrency", 10)
            .with("database.timeout", "1s")
            .start();
    api = node.api();
  }

  @AfterAll
  static void stop() {
    cable.restore();
    node.close();
    cable.close();
    webhook.close();
  }

  /** What this node has been through before must not show. */
  @BeforeEach
  void reset() {
    cable.restore();
    await().untilAsserted(() -> api.get("/ready").expect(200));
    sql.update("DROP FUNCTION IF EXISTS hold CASCADE");
    node.reset(sql);
    webhook.answer(post -> Answer.accepted());
    webhook.forget();
  }

  @Test
  void should_keep_what_was_answered_and_record_it_when_the_database_is_back() {
    webhook.answer(post -> Answer.accepted().after(600));
    List<String> ids = api.createMany(10);
    await().until(() -> webhook.posts().size() == 10);
    cable.refuse();

    await().untilAsserted(() -> api.get("/ready").expect(503));
    api.get("/live").expect(200);
    assertThat(api.get("/health").expect(503).text("/checks/postgresql/status")).isEqualTo("DOWN");
    assertUnavailable(api.post("/api/v1/messages", Api.message("not taken")));
    assertUnavailable(api.get("/api/v1/messages/" + ids.get(0)));
    assertUnavailable(api.post("/api/v1/messaging/process", null));
    // Longer than the leases: the answers must be recorded before anything is claimed again.
    await()
        .until(
            () ->
                sql.value("SELECT count(*) FROM message WHERE lease_until <= now()").equals("10"));
    assertThat(sql.value("SELECT count(*) FROM message WHERE status = 'PENDING'")).isEqualTo("10");

    cable.restore();
    awaitSent(10);
    assertPostedOnce(ids);
    assertThat(sql.value("SELECT count(*) FROM attempt")).isEqualTo("0");
    assertThat(sql.value("SELECT count(*) FROM message WHERE content = 'not taken'"))
        .isEqualTo("0");
    assertUsable();
  }

  @ParameterizedTest
  @EnumSource
  void should_post_once_though_the_database_goes_in_the_middle_of_a_record(End end)
      throws SQLException {
    webhook.answer(post -> Answer.accepted().after(500));
    List<String> ids = api.createMany(10);
    await().until(() -> webhook.posts().size() == 10);
    end(end, RECORD, () -> {});
    awaitSent(10);
    assertPostedOnce(ids);
    assertThat(sql.value("SELECT count(*) FROM attempt")).isEqualTo("0");
    assertUsable();
  }

  @ParameterizedTest
  @EnumSource
  void should_post_once_though_the_database_goes_in_the_middle_of_a_claim(End end)
      throws SQLException {
    api.post("/api/v1/scheduler/stop", null).expect(200);
    List<String> ids = api.createMany(10);
    end(end, CLAIM, () -> sql.update("UPDATE scheduler SET running = true"));
    awaitSent(10);
    assertPostedOnce(ids);
    assertThat(sql.value("SELECT count(*) FROM attempt"))
        .as("nobody posted what a claim took whose answer was lost")
        .isEqualTo("0");
    assertThat(sql.value("SELECT sum(attempts) FROM message")).isEqualTo("10");
    assertUsable();
  }

  @ParameterizedTest
  @EnumSource
  void should_never_say_that_it_took_what_is_not_stored(End end) throws Exception {
    CompletableFuture<Api.Answer> answer = new CompletableFuture<>();
    end(end, INTAKE, () -> CompletableFuture.runAsync(() -> answer.complete(createOnce())));
    assertUnavailable(answer.get(30, TimeUnit.SECONDS));
    await()
        .untilAsserted(
            () ->
                assertThat(sql.value("SELECT count(*) FROM message"))
                    .as("stored all the same, when nobody could say so")
                    .isEqualTo(end == End.UNHEARD ? "1" : "0"));

    // What the client is told to do.
    String id = await().until(this::createOnce, again -> again.status() != 503).expect(201).id();
    assertThat(sql.value("SELECT string_agg(id::text, ',') FROM message")).isEqualTo(id);
    awaitSent(1);
    assertThat(webhook.posts()).hasSize(1);
  }

  @Test
  void should_not_be_ready_when_the_server_responds_but_nothing_can_be_read() {
    sql.update("ALTER TABLE scheduler RENAME TO moved");
    try {
      await().untilAsserted(() -> api.get("/ready").expect(503));
      assertUnavailable(api.get("/api/v1/messages"));
    } finally {
      sql.update("ALTER TABLE moved RENAME TO scheduler");
    }
    assertUsable();
  }

  @Test
  void should_end_a_statement_on_the_server_before_it_gives_up_itself() throws Exception {
    CompletableFuture<Api.Answer> answer = new CompletableFuture<>();
    hold(
        INTAKE,
        () -> CompletableFuture.runAsync(() -> answer.complete(createOnce())),
        () -> {
          assertUnavailable(answer.orTimeout(30, TimeUnit.SECONDS).join());
          await().during(Duration.ofMillis(300)).until(() -> waiting(INTAKE) == 0);
        });
    assertThat(sql.value("SELECT count(*) FROM message")).isEqualTo("0");
  }

  private Api.Answer createOnce() {
    return api.post("/api/v1/messages", Api.message("once"), "Idempotency-Key", "key-of-mine");
  }

  @Test
  void should_answer_and_recover_when_the_database_says_nothing_at_all() {
    cable.freeze();
    // Before it is known to be away, and after.
    assertUnavailable(api.post("/api/v1/messages", Api.message("not taken")));
    await().untilAsserted(() -> api.get("/ready").expect(503));
    api.get("/live").expect(200);
    assertUnavailable(api.post("/api/v1/messages", Api.message("not taken")));
    cable.restore();
    assertUsable();
    // What the server got before the cable froze may be stored; then it is delivered as well.
    await().untilAsserted(() -> assertThat(api.count("PENDING")).isZero());
  }

  /** API, claims, records, timers and the listener: whatever asks. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void should_log_an_outage_in_a_line_when_it_begins_and_one_when_it_ends(boolean frozen)
      throws InterruptedException {
    // Until what other tests did is over.
    await().pollDelay(Duration.ofSeconds(3)).until(() -> true);
    webhook.answer(post -> Answer.accepted().after(500));
    api.createMany(10);
    await().until(() -> webhook.posts().size() >= 10);
    ExecutorService clients = Executors.newFixedThreadPool(10);
    try (CapturedLog log = new CapturedLog()) {
      if (frozen) {
        cable.freeze();
      } else {
        cable.refuse();
      }
      List<CompletableFuture<Api.Answer>> refused = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        refused.add(
            CompletableFuture.supplyAsync(
                () -> api.post("/api/v1/messages", Api.message("not taken")), clients));
      }
      refused.forEach(answer -> assertUnavailable(answer.join()));
      await().untilAsserted(() -> api.get("/ready").expect(503));
      await().pollDelay(Duration.ofSeconds(3)).until(() -> true);
      assertThat(log.lines())
          .as("%d refused requests, and four seconds of timers", refused.size())
          .singleElement()
          .asString()
          .contains("WARN", "PostgreSQL is ");
      cable.restore();
      await().until(() -> log.lines().stream().anyMatch(line -> line.contains("is back")));
      // What the server got before the cable froze may be stored, too.
      await().untilAsserted(() -> assertThat(api.count("PENDING")).isZero());
      assertThat(log.lines())
          .filteredOn(line -> line.contains("PostgreSQL is "))
          .hasSize(2)
          .last()
          .asString()
          .containsPattern("INFO .*PostgreSQL is back after \\d+ s");
    } finally {
      clients.shutdown();
    }
  }

  @Test
  void should_say_that_it_lives_while_every_worker_waits_for_the_database() {
    cable.freeze();
    ExecutorService clients = Executors.newFixedThreadPool(200);
    try {
      List<CompletableFuture<Api.Answer>> hanging =
          IntStream.range(0, 200)
              .mapToObj(
                  i -> CompletableFuture.supplyAsync(() -> api.get("/api/v1/messages"), clients))
              .toList();
      int asked = 0;
      while (hanging.stream().anyMatch(answer -> !answer.isDone())) {
        long begin = System.nanoTime();
        api.get("/live").expect(200);
        assertThat(System.nanoTime() - begin).isLessThan(TimeUnit.SECONDS.toNanos(1));
        asked++;
      }
      assertThat(asked).as("probes while requests hung").isGreaterThan(5);
      hanging.forEach(answer -> assertUnavailable(answer.join()));
    } finally {
      clients.shutdown();
    }
    cable.restore();
    assertUsable();
  }

  @Test
  void should_answer_though_the_database_falls_silent_in_the_middle_of_an_intake()
      throws Exception {
    CompletableFuture<Api.Answer> answer = new CompletableFuture<>();
    hold(
        INTAKE,
        () -> CompletableFuture.runAsync(() -> answer.complete(createOnce())),
        cable::freeze);
    assertUnavailable(answer.get(30, TimeUnit.SECONDS));
    cable.restore();
    assertUsable();
  }

  @Test
  void should_lose_and_double_nothing_when_the_cable_is_cut_again_and_again() {
    webhook.answer(post -> Answer.accepted().after(20));
    List<String> taken = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      int before = taken.size();
      for (int j = 0; j < 20 || (j < 5_000 && taken.size() < before + 6); j++) {
        Api.Answer answer = api.post("/api/v1/messages", Api.message("cut " + i + " " + j));
        if (answer.status() == 201) {
          taken.add(answer.id());
        } else {
          assertUnavailable(answer);
        }
      }
      cable.cut();
    }
    assertThat(taken).hasSizeGreaterThan(50);
    await()
        .atMost(Duration.ofSeconds(60))
        .untilAsserted(
            () ->
                assertThat(sql.value("SELECT count(*) FROM message WHERE status <> 'SENT'"))
                    .isEqualTo("0"));
    List<String> posted = webhook.posts().stream().map(Post::idempotencyKey).toList();
    assertThat(posted).doesNotHaveDuplicates().containsAll(taken);
  }

  private void end(End end, String marker, Runnable cause) throws SQLException {
    hold(marker, cause, end == End.UNHEARD ? cable::cut : () -> terminate(marker));
  }

  /** Ends the sessions that wait; others may come and wait in their place. */
  private void terminate(String marker) {
    String waiting =
        sql.value(
            "SELECT array_agg(pid)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory' AND query LIKE ?",
            "%" + marker + "%");
    sql.value("SELECT count(pg_terminate_backend(pid)) FROM unnest(?::integer[]) pid", waiting);
    await()
        .pollInterval(Duration.ofMillis(20))
        .until(
            () ->
                sql.number(
                        "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(?::integer[])",
                        waiting)
                    == 0);
  }

  /** Holds a statement while the server executes it, and lets something happen meanwhile. */
  private void hold(String marker, Runnable cause, Runnable meanwhile) throws SQLException {
    try (Connection lock = sql.connect();
        Statement statement = lock.createStatement()) {
      statement.execute("SELECT pg_advisory_lock(42)");
      statement.execute(
          "CREATE FUNCTION hold() RETURNS trigger AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW; END' LANGUAGE plpgsql");
      statement.execute(
          "CREATE TRIGGER hold BEFORE INSERT OR UPDATE ON message FOR EACH ROW EXECUTE FUNCTION hold()");
      cause.run();
      await().pollInterval(Duration.ofMillis(20)).until(() -> waiting(marker) > 0);
      meanwhile.run();
      statement.execute("SELECT pg_advisory_unlock(42)");
    }
  }

  private long waiting(String marker) {
    return (long)
        sql.number(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory' AND query LIKE ?",
            "%" + marker + "%");
  }

  private static void assertUnavailable(Api.Answer answer) {
    answer.expect(503);
    assertThat(answer.text("/type")).isEqualTo("urn:problem-type:herald:unavailable");
    assertThat(answer.http().headers().firstValueAsLong("Retry-After")).isPresent();
  }

  private void assertUsable() {
    await().untilAsserted(() -> api.get("/ready").expect(200));
    String id =
        await()
            .until(
                () -> api.post("/api/v1/messages", Api.message("afterwards")),
                answer -> answer.status() == 201)
            .id();
    await()
        .untilAsserted(
            () ->
                assertThat(sql.value("SELECT status FROM message WHERE id = ?::uuid", id))
                    .isEqualTo("SENT"));
  }

  private void awaitSent(int count) {
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () ->
                assertThat(sql.value("SELECT count(*) FROM message WHERE status = 'SENT'"))
                    .isEqualTo("" + count));
  }

  private void assertPostedOnce(List<String> ids) {
    assertThat(webhook.posts().stream().map(Post::idempotencyKey))
        .containsExactlyInAnyOrderElementsOf(ids);
  }
}
