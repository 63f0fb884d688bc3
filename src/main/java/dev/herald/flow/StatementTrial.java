package dev.herald.flow;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.herald.dispatch.Claim;
import dev.herald.intake.NewMessage;
import dev.herald.message.ClaimedMessage;
import dev.herald.message.Message;
import dev.herald.message.Metadata;
import dev.herald.outcome.Outcome;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeBatch;
import dev.herald.problem.Fault;
import dev.herald.store.SqlFailures;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/**
 * Runs the statements that change messages on a sample, each from the route that uses it, and looks
 * at the row afterwards: a statement that PostgreSQL accepts may do nothing, or the wrong thing.
 *
 * <p>All of it is one transaction, which is rolled back, on {@link TrialTables}. So nobody sees the
 * sample, whatever a statement does.
 */
final class StatementTrial {
  private static final Logger LOG = LoggerFactory.getLogger(StatementTrial.class);

  private static final String NAME = "sample";
  private static final UUID ID = new UUID(0, 1);

  private static final Map<String, String> METADATA = Map.of("sample", "yes");

  /** A claim that is not the one on trial. */
  private static final UUID OTHER = new UUID(0, 2);

  private static final String UNCLAIMED =
      "m.status = 'PENDING' AND m.claim_id IS NULL AND m.attempts = 0 AND m.next_attempt_at <= clock_timestamp()";
  private static final String LEASED =
      "UPDATE pg_temp.message SET attempts = 1, claim_id = '%s', lease_until = now() + interval '1 min'"
          .formatted(OTHER);
  private static final String OVER =
      "UPDATE pg_temp.message SET attempts = 1, claim_id = '%s', lease_until = now() - interval '1 s'"
          .formatted(OTHER);

  private final Rehearsal flow;
  private final Samples samples;
  private final TrialTables tables;
  private final List<Fault> faults;

  private interface Look {
    /** Returns what is wrong and what would be right; nothing if all is well. */
    String at(Object returned);
  }

  private StatementTrial(Rehearsal flow, Samples samples, TrialTables tables, List<Fault> faults) {
    this.flow = flow;
    this.samples = samples;
    this.tables = tables;
    this.faults = faults;
  }

  /**
   * What is wrong with the statements.
   *
   * @throws SQLException if PostgreSQL does not respond
   */
  static List<Fault> faults(Rehearsal flow, Samples samples)
      throws SQLException, InterruptedException {
    List<Fault> faults = new ArrayList<>();
    try (Connection connection = flow.heralds().getConnection()) {
      connection.setAutoCommit(false); // The pool rolls it back.
      new StatementTrial(flow, samples, TrialTables.in(connection), faults).run();
    } catch (SQLException e) {
      if (SqlFailures.away(e)) {
        throw e;
      }
      untried(flow, e);
    } catch (DataAccessException e) {
      if (SqlFailures.away(e)) {
        throw new SQLException(e);
      }
      untried(flow, e);
    }
    return faults;
  }

  /** As where the role may not create temporary tables. */
  private static void untried(Rehearsal flow, Exception e) {
    LOG.warn(
        "Statements were not tried on a sample message, so a check cannot see what they do: {}",
        flow.reason(e));
  }

  private void run() throws SQLException, InterruptedException {
    stores();
    if (holds(UNCLAIMED)) {
      tables.update(
          "UPDATE pg_temp.message SET next_attempt_at = now(), reference = ?, metadata = ?::json",
          NAME,
          Metadata.write(METADATA));
      claims();
      records();
      givesBack();
      changes();
      tidiesUp();
      switches();
    }
  }

  private void stores() throws SQLException, InterruptedException {
    String start = RoutePart.DIRECT + "store-messages";
    NewMessage message =
        new NewMessage(
            ID,
            FlowCheck.SAMPLE_NUMBER,
            "A sample",
            null,
            Instant.now().plus(1, ChronoUnit.DAYS),
            NAME,
            METADATA);
    Map<String, Object> batch = Map.of("batch", samples.stored(message, NAME));
    tryOut(
        start,
        "insert-messages.sql",
        "",
        batch,
        true,
        rows ->
            !holds("m.id IS NOT NULL")
                ? "does not store a message; it must insert a row into message for each of :#${variable.batch.ids}"
                : !holds(UNCLAIMED)
                    ? "stores a message that nobody claims; it must be PENDING and due, without claim_id and with attempts = 0"
                    : !holds("m.expires_at IS NOT NULL")
                        ? "does not keep when a message expires; it must store :#${variable.batch.expiresAts} in expires_at"
                        : !holds("m.reference IS NOT NULL AND m.metadata IS NOT NULL")
                            ? "does not keep the client's own words; it must store :#${variable.batch.references} in reference, and :#${variable.batch.metadata} in metadata"
                            : !isStored(rows)
                                ? "does not return what it stored; it must return the columns id and created_at of each new message"
                                : uncounted());
    NewMessage again =
        new NewMessage(OTHER, FlowCheck.SAMPLE_NUMBER, "A sample", null, null, null, null);
    tryOut(
        start,
        "insert-messages.sql",
        "",
        Map.of("batch", samples.stored(again, NAME)),
        false,
        rows ->
            rows instanceof List<?> none
                    && none.isEmpty()
                    && holds("(SELECT count(*) = 1 FROM pg_temp.message)")
                ? null
                : "stores a message again whose Idempotency-Key is known; it must store and return nothing then");
  }

  private static boolean isStored(Object rows) {
    return rows instanceof List<?> list
        && list.size() == 1
        && list.get(0) instanceof Map<?, ?> row
        && ID.equals(row.get("id"))
        && row.get("created_at") instanceof Timestamp;
  }

  private void claims() throws SQLException, InterruptedException {
    Claim claim = samples.claim();
    claims(
        claim,
        "UPDATE pg_temp.message SET expires_at = now() + interval '1 h', failing_since = now() - interval '1 s', misconfigured = true",
        rows -> wrongClaim(claim, rows, false));
    claims(claim, OVER, rows -> wrongClaim(claim, rows, true));
    claims(
        claim,
        LEASED,
        rows ->
            took(rows)
                ? "takes a message that another claim holds, so that it would be sent twice; it must leave a row alone until lease_until is past"
                : null);
    claims(
        claim,
        "UPDATE pg_temp.scheduler SET running = false",
        rows ->
            took(rows)
                ? "claims while delivery is stopped; it must claim nothing then, unless :#${variable.claim.manual} is true"
                : null);
  }

  private void claims(Claim claim, String given, Look look)
      throws SQLException, InterruptedException {
    tryOut(FlowCheck.CLAIM, "claim-due.sql", given, Map.of("claim", claim), false, look);
  }

  private boolean took(Object rows) {
    return !(rows instanceof List<?> list && list.isEmpty())
        || !holds("m.claim_id IS NULL OR m.claim_id = '%s'".formatted(OTHER));
  }

  private String wrongClaim(Claim claim, Object rows, boolean orphan) {
    if (holds("m.claim_id IS NULL OR m.claim_id = '%s'".formatted(OTHER))
        && rows instanceof List<?> list
        && list.isEmpty()) {
      return orphan
          ? "does not claim a message whose lease ran out; it must take a row again when lease_until is past"
          : "does not claim a message that is due; it must take a row that is PENDING, due, not expired and not leased, while delivery is on. A claim that leaves messages to other nodes must take the sample, too: its correlation_id is 'sample'";
    }
    if (!holds(
        "m.claim_id = '%s' AND m.attempts = %d AND m.lease_until BETWEEN now() + interval '%d ms' AND now() + interval '%d ms'"
            .formatted(claim.id(), orphan ? 2 : 1, claim.leaseMs(), 2 * claim.leaseMs()))) {
      return "does not lease the message that it claims; it must set claim_id = :#${variable.claim.id}, lease_until = now() + :#${variable.claim.leaseMs} * interval '1 ms', and attempts to one more";
    }
    if (!(rows instanceof List<?> list
        && list.size() == 1
        && list.get(0) instanceof ClaimedMessage message
        && isRight(claim, message, orphan))) {
      return "does not return the message that it claims as it is now; it must return the columns that it came with, and orphan = true only if another claim held the message";
    }
    return !orphan || holds("(SELECT count(*) FROM pg_temp.attempt WHERE class = 'MAYBE_SENT') = 1")
        ? null
        : "forgets that a message whose lease ran out may have been sent; it must add that to attempt as MAYBE_SENT";
  }

  private boolean isRight(Claim claim, ClaimedMessage message, boolean orphan) {
    return ID.equals(message.id())
        && claim.id().equals(message.claimId())
        && message.phoneNumber() != null
        && message.content() != null
        && NAME.equals(message.reference())
        && METADATA.equals(message.metadata())
        && message.attempt() == (orphan ? 2 : 1)
        && message.orphan() == orphan
        && (orphan
            || message.expiresInMs() != null
                && message.failingForMs() != null
                && message.misconfigured())
        && holds(
            "m.max_attempts = %d AND (extract(epoch FROM m.next_attempt_at) * 1000000)::bigint = %d"
                .formatted(message.maxAttempts(), message.dueMicros()));
  }

  private void records() throws SQLException, InterruptedException {
    records(
        OTHER,
        Kind.DELIVERED,
        written ->
            !holds(
                    "m.status = 'SENT' AND m.claim_id IS NULL AND m.sent_at IS NOT NULL AND m.webhook_message_id = '%s'"
                        .formatted(NAME))
                ? "does not record that a message was sent; it must set status, sent_at and webhook_message_id, and claim_id and lease_until to null"
                : !isRecorded(written, Set.of(1L))
                    ? "does not return what it recorded; it must return one row, with the columns at and positions, to outputType: SelectOne and outputClass: %s"
                        .formatted(OutcomeBatch.Recorded.class.getName())
                    : uncounted());
    records(
        OTHER,
        Kind.NOT_SENT,
        written ->
            holds(
                    "m.status = 'PENDING' AND m.claim_id IS NULL AND m.attempts = 0 AND m.next_attempt_at > now() AND (SELECT count(*) FROM pg_temp.attempt) = 1")
                ? null
                : "does not record that a message was not sent; it must clear the claim, set when the next attempt is due, take back the attempt, and keep it in attempt");
    records(
        samples.claim().id(),
        Kind.DELIVERED,
        written ->
            isRecorded(written, Set.of())
                    && holds("m.status = 'PENDING' AND m.claim_id = '%s'".formatted(OTHER))
                ? null
                : "records the outcome of a message that another claim holds; it must leave a row alone unless its claim_id is that of the outcome");
  }

  private void records(UUID claim, Kind kind, Look look) throws SQLException, InterruptedException {
    ClaimedMessage message =
        new ClaimedMessage(
            ID,
            claim,
            FlowCheck.SAMPLE_NUMBER,
            "A sample",
            1,
            3,
            NAME,
            false,
            null,
            0,
            null,
            false,
            null,
            Map.of());
    boolean sent = kind == Kind.DELIVERED;
    Outcome outcome =
        new Outcome(
            message,
            kind,
            sent ? 200 : 503,
            sent ? NAME : null,
            sent ? null : NAME,
            null,
            Duration.ZERO,
            false);
    tryOut(
        RoutePart.DIRECT + "record-outcomes",
        "record-outcomes.sql",
        LEASED,
        Map.of("batch", samples.ended(outcome)),
        false,
        look);
  }

  private static boolean isRecorded(Object written, Set<Long> positions) {
    return written instanceof OutcomeBatch.Recorded recorded
        && recorded.positions().equals(positions);
  }

  private void givesBack() throws SQLException, InterruptedException {
    givesBack(
        OTHER,
        claims ->
            !holds(UNCLAIMED)
                ? "does not give back a message of a lost claim; it must set claim_id and lease_until to null and take back the attempt"
                : claims instanceof List<?> list
                        && list.size() == 1
                        && list.get(0) instanceof Map<?, ?> row
                        && OTHER.equals(row.get("claim_id"))
                        && Long.valueOf(1).equals(row.get("messages"))
                    ? null
                    : "does not return what it gave back; it must return the columns claim_id and messages, their count");
    givesBack(
        samples.claim().id(),
        claims ->
            holds("m.claim_id = '%s'".formatted(OTHER))
                ? null
                : "gives back a message that another claim holds; it must leave a row alone unless its claim_id is among :#${variable.lost}");
  }

  private void givesBack(UUID lost, Look look) throws SQLException, InterruptedException {
    tryOut(
        FlowCheck.TICK,
        "give-back-claims.sql",
        LEASED,
        Map.of("lost", new String[] {lost.toString()}),
        false,
        look);
  }

  /** What the API does to a message. */
  private void changes() throws SQLException, InterruptedException {
    Map<String, Object> which = Map.of("id", ID.toString(), "key", NAME);
    tryOut(
        RoutePart.DIRECT + "retryMessage",
        "retry-message.sql",
        "UPDATE pg_temp.message SET status = 'FAILED', attempts = 3, next_attempt_at = now() + interval '1 h'",
        which,
        false,
        shown ->
            shown instanceof Message && holds(UNCLAIMED)
                ? uncounted()
                : "does not make a FAILED message due; it must set status = 'PENDING', attempts = 0 and next_attempt_at = now(), and return the row");
    tryOut(
        RoutePart.DIRECT + "cancelMessage",
        "cancel-message.sql",
        "",
        which,
        false,
        shown ->
            shown instanceof Message && holds("m.status = 'CANCELLED'")
                ? uncounted()
                : "does not cancel a pending message; it must set status = 'CANCELLED' and return the row");
    tryOut(
        RoutePart.DIRECT + "cancelMessage",
        "cancel-message.sql",
        LEASED,
        which,
        false,
        this::untouched);
    tryOut(
        RoutePart.DIRECT + "retryMessages",
        "retry-messages.sql",
        "UPDATE pg_temp.message SET status = 'FAILED', attempts = 3, next_attempt_at = now() + interval '1 h'",
        which,
        false,
        counts ->
            changedOne(counts) && holds(UNCLAIMED)
                ? uncounted()
                : "does not make FAILED messages due; it must set status = 'PENDING', attempts = 0 and next_attempt_at = now(), and return matched and changed, their counts");
    tryOut(
        RoutePart.DIRECT + "cancelMessages",
        "cancel-messages.sql",
        "",
        which,
        false,
        counts ->
            changedOne(counts) && holds("m.status = 'CANCELLED'")
                ? uncounted()
                : "does not cancel pending messages; it must set status = 'CANCELLED', and return matched and changed, their counts");
    tryOut(
        RoutePart.DIRECT + "cancelMessages",
        "cancel-messages.sql",
        LEASED,
        which,
        false,
        counts -> untouched(null));
    tryOut(
        RoutePart.DIRECT + "updateMessage",
        "update-message.sql",
        "",
        which,
        false,
        shown ->
            shown instanceof Message && holds("m.content = 'Another' AND m.status = 'PENDING'")
                ? null
                : "does not change a pending message; it must set what :#${variable.change.names} names, and return the row");
    tryOut(
        RoutePart.DIRECT + "updateMessage",
        "update-message.sql",
        LEASED,
        which,
        false,
        this::untouched);
  }

  private static boolean changedOne(Object counts) {
    return counts instanceof Map<?, ?> row
        && Long.valueOf(1).equals(row.get("matched"))
        && Long.valueOf(1).equals(row.get("changed"));
  }

  private String untouched(Object shown) {
    return shown == null && holds("m.claim_id = '%s' AND m.content = 'A sample'".formatted(OTHER))
        ? null
        : "changes a message that a claim holds, and so may be sent at this moment; it must leave a row alone that has a claim_id";
  }

  private void tidiesUp() throws SQLException, InterruptedException {
    String expires = "expire-messages";
    tryOut(
        expires,
        "expire-messages.sql",
        "UPDATE pg_temp.message SET expires_at = now() - interval '1 s'",
        Map.of(),
        false,
        none ->
            holds("m.status = 'EXPIRED'")
                ? uncounted()
                : "does not expire a message whose time is over; it must set status = 'EXPIRED' when expires_at is past");
    tryOut(
        expires,
        "expire-messages.sql",
        LEASED + ", expires_at = now() - interval '1 s'",
        Map.of(),
        false,
        none ->
            holds("m.claim_id = '%s'".formatted(OTHER))
                ? null
                : "expires a message that a claim holds, and so may be sent at this moment; it must leave a row alone until lease_until is past");
    tryOut(
        "housekeeping",
        "remove-finished.sql",
        "UPDATE pg_temp.message SET updated_at = now() - interval '1000 years'",
        Map.of(),
        false,
        none ->
            holds("m.id IS NOT NULL")
                ? null
                : "removes a message that is PENDING; it must remove only what is over");
  }

  private void switches() throws SQLException, InterruptedException {
    for (boolean on : List.of(true, false)) {
      tryOut(
          RoutePart.DIRECT + "switch-scheduler",
          "switch-scheduler.sql",
          "UPDATE pg_temp.scheduler SET running = " + !on,
          Map.of("running", on, "key", NAME),
          false,
          state ->
              holds("(SELECT running FROM pg_temp.scheduler) = " + on)
                  ? null
                  : "does not switch delivery %s; it must set running = :#${variable.running}"
                      .formatted(on ? "on" : "off"));
    }
  }

  /**
   * Runs a statement from the sample as it was stored.
   *
   * @param start the entrance of a route, or its id
   * @param shipped the name of the statement's file as it came
   * @param given what is done to the sample before
   * @param stays whether what the statement did stays for those that follow
   */
  private void tryOut(
      String start,
      String shipped,
      String given,
      Map<String, Object> variables,
      boolean stays,
      Look look)
      throws SQLException, InterruptedException {
    Optional<RoutePart> route =
        flow.routes().stream()
            .filter(one -> start.equals(one.entrance()) || start.equals(one.id()))
            .findFirst();
    String file = route.flatMap(one -> statement(one, shipped)).orElse(null);
    if (file == null || faults.stream().anyMatch(fault -> file.equals(fault.file()))) {
      return;
    }
    Savepoint before = tables.mark();
    if (!given.isEmpty()) {
      tables.update(given);
      tables.update(
          "UPDATE pg_temp.message_tally SET status = (SELECT status FROM pg_temp.message)");
    }
    Optional<DryEndpoints.Ran> ran =
        flow.run(route.get(), file, tables.database(), body(), variables);
    if (ran.isPresent()) {
      found(ran.get(), look).ifPresent(wrong -> faults.add(Fault.in(file, 0, wrong)));
    }
    if (!stays || ran.isEmpty() || ran.get().failure() != null) {
      tables.goBack(before);
    } else {
      tables.keep(before);
    }
  }

  private Optional<String> found(DryEndpoints.Ran ran, Look look) {
    if (ran.failure() == null) {
      return Optional.ofNullable(look.at(ran.body()));
    }
    if (ran.failure() instanceof DataAccessException e && SqlFailures.away(e)) {
      throw e;
    }
    return Optional.of("fails when it is run on a sample message: " + flow.reason(ran.failure()));
  }

  /** What an API call has. */
  private static Object body() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("phoneNumber", FlowCheck.SAMPLE_NUMBER)
        .put("content", "Another")
        .putNull("sendAt")
        .putNull("expiresAt");
  }

  /** The file that has the statement now: of the same name, or the only one on the way. */
  private Optional<String> statement(RoutePart route, String shipped) {
    List<String> all =
        flow.reached(Set.of(route.entrance())).stream()
            .flatMap(RoutePart::statements)
            .map(RoutePart.Target::statement)
            .filter(name -> flow.sourceOf(name).filter(flow::isHeralds).isPresent())
            .distinct()
            .toList();
    return all.stream()
        .filter(name -> name.substring(name.lastIndexOf('/') + 1).equals(shipped))
        .findFirst()
        .or(() -> all.size() == 1 ? Optional.of(all.get(0)) : Optional.empty());
  }

  private String uncounted() {
    return holds(
            "(SELECT sum(n) FILTER (WHERE t.status = m.status) = 1 AND sum(n) = 1 FROM pg_temp.message_tally t)")
        ? null
        : "does not count the change; it must add to message_tally +1 for the status that a message gets, and -1 for the one that it had";
  }

  /** Whether a condition is true of the sample, {@code m}. */
  private boolean holds(String condition) {
    return tables.hold(condition, ID);
  }
}
