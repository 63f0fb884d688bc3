package dev.herald.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.config.Settings;
import dev.herald.control.Blockers;
import dev.herald.control.Blockers.Blocker;
import dev.herald.control.Blockers.Code;
import dev.herald.control.Standing;
import dev.herald.dispatch.Circuit;
import dev.herald.dispatch.Claim;
import dev.herald.dispatch.ClaimPlanner;
import dev.herald.store.Statements;
import dev.herald.testing.Local;
import dev.herald.testing.Sql;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** How PostgreSQL runs {@code sql/claim-due.sql}, and other statements that must stay cheap. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class ClaimPlanIT {
  private static final Pattern PARAMETER =
      Pattern.compile(":#\\$\\{variable\\.claim\\.([a-zA-Z.]+)}");
  private static final Map<String, String> TYPES = new LinkedHashMap<>();

  static {
    TYPES.put("rateLimit", "integer");
    TYPES.put("intervalMs", "bigint");
    TYPES.put("paced", "boolean");
    TYPES.put("continuous", "boolean");
    TYPES.put("manual", "boolean");
    TYPES.put("probe", "boolean");
    TYPES.put("limit", "integer");
    TYPES.put("from.dueMicros", "bigint");
    TYPES.put("from.id", "uuid");
    TYPES.put("id", "uuid");
    TYPES.put("leaseMs", "bigint");
  }

  private static Connection connection;

  @BeforeAll
  static void many_messages() throws SQLException, IOException {
    connection = new Sql(Local.servers().newDatabase()).connect();
    List<Path> migrations;
    try (Stream<Path> files = Files.list(Path.of("src/main/resources/db/migration"))) {
      migrations =
          files
              .sorted(
                  Comparator.comparingInt(
                      file ->
                          Integer.parseInt(
                              file.getFileName().toString().substring(1).split("__")[0])))
              .toList();
    }
    for (Path migration : migrations) {
      execute(Files.readString(migration));
    }
    execute(
        """
        INSERT INTO message (id, phone_number, content, max_attempts, status, sent_at, next_attempt_at)
        SELECT gen_random_uuid(), '+905551234567', 'hi', 3, CASE WHEN i % 3 = 0 THEN 'PENDING' ELSE 'SENT' END,
            CASE WHEN i % 3 <> 0 THEN now() END, now() - (100000 - i) * interval '1 ms' - interval '1 min'
        FROM generate_series(1, 60000) i;
        INSERT INTO scheduler (running) VALUES (true);
        ANALYZE message;
        """);
    execute("PREPARE claim (" + String.join(", ", TYPES.values()) + ") AS " + statement());
  }

  @AfterAll
  static void close() throws SQLException {
    connection.close();
  }

  @Test
  void should_read_no_more_of_the_index_than_it_claims() throws SQLException {
    for (String mode : List.of("force_custom_plan", "force_generic_plan")) {
      execute("SET plan_cache_mode = " + mode);
      String plan =
          String.join("\n", rows("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + claim(50, false)));
      assertThat(plan)
          .as(mode)
          .contains("Index Scan using message_due_idx")
          .containsPattern("Index Cond: \\(\\(next_attempt_at <= now\\(\\)\\) AND \\(ROW\\(")
          .doesNotContain("Seq Scan on message");
      assertThat(plan)
          .as("the place of a probe is not looked for")
          .containsPattern("never executed");
    }
  }

  @Test
  void should_begin_a_probe_at_a_random_place_among_the_first_thousand() throws SQLException {
    Set<String> first =
        new HashSet<>(
            rows(
                "SELECT id::text FROM message WHERE status = 'PENDING' AND lease_until IS NULL ORDER BY next_attempt_at, id LIMIT 1100"));
    Set<String> claimed = new HashSet<>();
    connection.setAutoCommit(false);
    try {
      for (int i = 0; i < 20; i++) {
        claimed.addAll(rows(claim(3, true)));
        connection.rollback();
      }
    } finally {
      connection.setAutoCommit(true);
    }
    assertThat(first).containsAll(claimed);
    assertThat(claimed).as("60 at the most").hasSizeGreaterThan(30);
  }

  @Test
  void should_not_wait_for_a_turn_that_was_planned_with_a_longer_interval() throws SQLException {
    execute("UPDATE scheduler SET next_batch_at = now() + interval '1 h'");
    assertThat(rows(turn())).isEmpty();
    assertThat(
            rows(
                "SELECT next_batch_at BETWEEN now() + interval '1 s' AND now() + interval '2 s' FROM scheduler"))
        .containsExactly("t");

    execute("UPDATE scheduler SET next_batch_at = now() - interval '500 ms'");
    assertThat(rows(turn())).hasSize(1);
    assertThat(
            rows(
                "SELECT next_batch_at BETWEEN now() + interval '1 s' AND now() + interval '1500 ms' FROM scheduler"))
        .as("a turn that was taken keeps the rhythm")
        .containsExactly("t");
    assertThat(rows(turn())).isEmpty();
  }

  @Test
  void should_use_up_a_turn_only_with_a_message() throws SQLException {
    connection.setAutoCommit(false);
    try {
      execute(
          "UPDATE message SET next_attempt_at = now() + interval '1 h' WHERE status = 'PENDING'");
      execute("UPDATE scheduler SET next_batch_at = now() - interval '10 s'");
      assertThat(rows(turn())).as("nothing is due").isEmpty();
      execute(
          "UPDATE message SET next_attempt_at = now() WHERE id IN (SELECT id FROM message WHERE status = 'PENDING' LIMIT 3)");
      assertThat(rows(turn())).as("the first that is due goes at once").hasSize(1);
      assertThat(rows("SELECT next_batch_at = now() + interval '2 s' FROM scheduler"))
          .as("the interval counts from then, not from when the turn was due")
          .containsExactly("t");
      assertThat(rows(turn())).isEmpty();
    } finally {
      connection.rollback();
      connection.setAutoCommit(true);
    }
  }

  /** A claim with an interval of two seconds. */
  private static String turn() {
    return "EXECUTE claim (0, 2000, true, false, false, false, 1, 0, '%s', '%s', 30000)"
        .formatted(new UUID(0, 0), UUID.randomUUID());
  }

  @Test
  void should_give_back_a_lost_claim_but_not_its_orphans() throws SQLException, IOException {
    UUID lost = UUID.randomUUID();
    connection.setAutoCommit(false);
    try {
      rows(claim(1, false));
      execute("UPDATE message SET lease_until = now() WHERE claim_id IS NOT NULL");
      assertThat(rows(claim(3, false, lost))).hasSize(3);
      String giveBack =
          Files.readString(Path.of("sql/give-back-claims.sql"))
              .replace(":#${variable.lost}", "'{" + lost + "}'");
      assertThat(String.join("\n", rows("EXPLAIN (COSTS OFF) " + giveBack)))
          .contains("Index Scan using message_due_idx")
          .doesNotContain("Sort");

      assertThat(rows(giveBack)).containsExactly(lost.toString());
      assertThat(rows("SELECT attempts::text FROM message WHERE claim_id = '" + lost + "'"))
          .as("it may have been sent by the first claim")
          .containsExactly("2");
      assertThat(rows("SELECT count(*)::text FROM message WHERE attempts > 0"))
          .containsExactly("1");
    } finally {
      connection.rollback();
      connection.setAutoCommit(true);
    }
  }

  @Test
  void should_read_no_more_than_it_expires() throws SQLException, IOException {
    connection.setAutoCommit(false);
    try {
      execute("UPDATE message SET expires_at = next_attempt_at WHERE status = 'PENDING'");
      execute("ANALYZE message");
      String expire =
          Files.readString(Path.of("sql/expire-messages.sql"))
              .replace(":#${variable.onAmbiguous}", "'retry'");
      assertThat(String.join("\n", rows("EXPLAIN (COSTS OFF) " + expire)))
          .contains("Index Scan using message_expires_idx")
          .doesNotContain("Sort");
    } finally {
      connection.rollback();
      connection.setAutoCommit(true);
    }
  }

  /**
   * The blockers of a node that has none of its own, beside the claim itself: of random messages,
   * switches and rates, a message has no blocker exactly when the claim takes it.
   */
  @Test
  void should_explain_exactly_the_messages_that_the_next_claim_leaves() throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    Map<Code, Integer> seen = new EnumMap<>(Code.class);
    int taken = 0;
    connection.setAutoCommit(false);
    try {
      for (int round = 0; round < 400; round++) {
        int rate = random.nextInt(3) == 0 ? 1 + random.nextInt(4) : 0;
        Duration interval = random.nextBoolean() ? Duration.ZERO : Duration.ofMinutes(1);
        int limit = 1 + random.nextInt(5);
        anything(random);
        ClaimPlanner planner = planner(limit, interval, rate);
        Claim claim = planner.preview();
        assertThat(claim.limit()).isEqualTo(limit);
        Blockers blockers = new Blockers("a node", planner, closed(), List::of);
        Map<String, List<Blocker>> explained = new TreeMap<>();
        for (String id : rows("SELECT id::text FROM message")) {
          Blockers.Why why = blockers.why(standing(id, claim), id, claim);
          explained.put(id, why.blockers());
          why.blockers().forEach(blocker -> seen.merge(blocker.code(), 1, Integer::sum));
        }
        Set<String> claimed =
            new TreeSet<>(
                rows(
                    "EXECUTE claim (%d, %d, %s, %s, false, false, %d, 0, '%s', '%s', 30000)"
                        .formatted(
                            rate,
                            claim.intervalMs(),
                            claim.paced(),
                            claim.continuous(),
                            limit,
                            new UUID(0, 0),
                            UUID.randomUUID())));
        taken += claimed.size();
        assertThat(
                explained.entrySet().stream()
                    .filter(message -> message.getValue().isEmpty())
                    .map(Map.Entry::getKey))
            .as("seed %d, round %d: %s", seed, round, explained)
            .containsExactlyInAnyOrderElementsOf(claimed);
        connection.rollback();
      }
    } finally {
      connection.rollback();
      connection.setAutoCommit(true);
    }
    assertThat(taken).isPositive();
    assertThat(seen)
        .containsOnlyKeys(
            Code.SCHEDULER_STOPPED,
            Code.NOT_DUE,
            Code.WAITING_TURN,
            Code.RATE_LIMITED,
            Code.QUEUED,
            Code.SENDING,
            Code.ENDED);
  }

  /** A few messages, a switch and a bucket in any state. */
  private static void anything(Random random) throws SQLException {
    execute("DELETE FROM attempt; TRUNCATE message CASCADE");
    for (int i = 0; i < 8; i++) {
      boolean leased = random.nextInt(4) == 0;
      String status =
          leased || random.nextInt(3) > 0
              ? "PENDING"
              : List.of("SENT", "FAILED", "UNKNOWN", "CANCELLED", "EXPIRED").get(random.nextInt(5));
      execute(
          "INSERT INTO message (id, phone_number, content, max_attempts, status, sent_at, next_attempt_at, claim_id, lease_until, expires_at) VALUES ('%s', '+905551234567', 'hi', 3, '%s', %s, %s, %s, %s, %s)"
              .formatted(
                  new UUID(random.nextLong(), random.nextLong()),
                  status,
                  status.equals("SENT") ? "now()" : "NULL",
                  around(random),
                  leased ? "gen_random_uuid()" : "NULL",
                  leased ? around(random) : "NULL",
                  random.nextInt(3) == 0 ? around(random) : "NULL"));
    }
    execute(
        "UPDATE scheduler SET running = %s, next_batch_at = %s"
            .formatted(random.nextInt(4) > 0, around(random)));
    execute(
        "UPDATE delivery_rate SET tokens = %d, at = %s"
            .formatted(random.nextInt(3), around(random)));
  }

  /** A time around now, and now quite often: the edges of conditions. */
  private static String around(Random random) {
    return "now() + %d * interval '700 ms'".formatted(random.nextInt(5) - 3);
  }

  private static String explaining(String id, Claim claim) throws IOException {
    return statement("sql/explain-messages.sql")
        .replace(":#${variable.ids}", "'{" + id + "}'")
        .replace(":#${variable.countTo}", "10001")
        .replace(":#${variable.claim.limit}", "" + claim.limit())
        .replace(":#${variable.claim.continuous}", "" + claim.continuous())
        .replace(":#${variable.claim.intervalMs}", "" + claim.intervalMs())
        .replace(":#${variable.claim.rateLimit}", "" + claim.rateLimit());
  }

  private static List<Standing> standing(String id, Claim claim) throws Exception {
    List<Standing> rows = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(explaining(id, claim))) {
      while (result.next()) {
        rows.add(Standing.read(result, rows.size()));
      }
    }
    return rows;
  }

  private static ClaimPlanner planner(int limit, Duration interval, int rate) {
    return new ClaimPlanner(
        dispatch(limit, interval), rate, closed(), () -> true, () -> true, failure -> {});
  }

  private static Circuit closed() {
    return new Circuit(
        new Settings.Circuit(Duration.ofSeconds(10), 20, 50, Duration.ofSeconds(30)),
        dispatch(1, Duration.ZERO),
        System::nanoTime,
        () -> 0);
  }

  private static Settings.Dispatch dispatch(int limit, Duration interval) {
    return new Settings.Dispatch(
        true, interval, limit, 64, Duration.ofSeconds(30), Duration.ofMillis(200));
  }

  @Test
  void should_explain_and_retry_without_reading_more_than_they_need() throws Exception {
    Claim claim = planner(500, Duration.ZERO, 0).preview();
    String last =
        rows("SELECT id::text FROM message WHERE status = 'PENDING' ORDER BY next_attempt_at DESC LIMIT 1")
            .get(0);
    assertThat(standing(last, claim)).extracting(Standing::ahead).containsExactly(10_001);
    String plan = rows("EXPLAIN " + explaining(last, claim)).get(0);
    assertThat(Double.parseDouble(plan.replaceAll(".*\\.\\.([0-9.]+) rows.*", "$1")))
        .as("what PostgreSQL expects to cost more, it compiles first (jit_above_cost)")
        .isLessThan(100_000);
    String retry =
        statement("sql/retry-messages.sql")
            .replace(":#${variable.filter.status}", "'FAILED'")
            .replace(":#${variable.filter.dryRun}", "false")
            .replace(":#${variable.slice.size}", "500")
            .replace(":#${variable.key}", "'me'")
            .replaceAll(":#\\$\\{variable[^}]+}", "NULL");
    assertThat(String.join("\n", rows("EXPLAIN (COSTS OFF) " + retry)))
        .contains("Index Scan using message_retry_idx");
    String cancel =
        statement("sql/cancel-messages.sql")
            .replace(":#${variable.filter.dryRun}", "false")
            .replace(":#${variable.slice.size}", "500")
            .replace(":#${variable.key}", "'me'")
            .replaceAll(":#\\$\\{variable[^}]+}", "NULL");
    assertThat(String.join("\n", rows("EXPLAIN (COSTS OFF) " + cancel)))
        .contains("Index Scan using message_due_idx")
        .doesNotContain("Seq Scan on message");
  }

  private static String claim(int limit, boolean probe) {
    return claim(limit, probe, UUID.randomUUID());
  }

  private static String claim(int limit, boolean probe, UUID id) {
    return "EXECUTE claim (0, 0, false, true, false, %s, %d, 0, '%s', '%s', 30000)"
        .formatted(probe, limit, new UUID(0, 0), id);
  }

  /** Each parameter once, as PostgreSQL numbers them. */
  private static String statement() throws IOException {
    List<String> names = new ArrayList<>(TYPES.keySet());
    return PARAMETER
        .matcher(statement("sql/claim-due.sql"))
        .replaceAll(name -> Matcher.quoteReplacement("$" + (names.indexOf(name.group(1)) + 1)));
  }

  /** With its parts. */
  private static String statement(String file) throws IOException {
    return Statements.compose(
        Files.readString(Path.of(file)),
        part -> {
          try {
            return Files.readString(Path.of(part));
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static List<String> rows(String sql) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        rows.add(result.getString(1));
      }
    }
    return rows;
  }
}
