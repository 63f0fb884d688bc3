package dev.herald.outcome;

import static org.assertj.core.api.Assertions.assertThat;

import dev.herald.message.ClaimedMessage;
import dev.herald.message.MessageStatus;
import dev.herald.outcome.Outcome.Kind;
import dev.herald.outcome.OutcomeBatch.FinishedOutcome;
import dev.herald.outcome.OutcomeBatch.Recorded;
import dev.herald.outcome.OutcomeBatch.RecordedOutcome;
import dev.herald.testing.Configured;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/** The columns of {@code sql/record-outcomes.sql}: the same place is the same row. */
@DisplayNameGeneration(ReplaceUnderscores.class)
class OutcomeBatchTest {
  private static final String LOW = "01890a5d-ac96-774b-bcce-b302099a8057";
  private static final String MIDDLE = "7fffffff-ffff-7fff-bfff-ffffffffffff";
  private static final String HIGH = "80000000-0000-7000-8000-000000000000";
  private static final String HIGHEST = "80000000-0000-7000-ffff-000000000000";

  @Test
  void should_be_in_the_order_in_which_the_database_sorts_ids() {
    OutcomeBatch batch =
        batch(
            outcome(HIGHEST, Kind.DELIVERED),
            outcome(MIDDLE, Kind.DELIVERED),
            outcome(HIGH, Kind.DELIVERED),
            outcome(LOW, Kind.DELIVERED));
    assertThat(batch.getIds()).containsExactly(LOW, MIDDLE, HIGH, HIGHEST);
    assertThat(batch.size()).isEqualTo(4);
  }

  @Test
  void should_give_each_outcome_a_row_with_what_follows_from_it() {
    Outcome sent = outcome(HIGH, Kind.DELIVERED);
    Outcome returned = outcome(MIDDLE, Kind.RETURNED);
    Outcome refused = outcome(LOW, Kind.REFUSED);
    OutcomeBatch batch = batch(sent, returned, refused);
    assertThat(batch.getClaimIds())
        .containsExactly(claimId(refused), claimId(returned), claimId(sent));
    assertThat(batch.getStatuses()).containsExactly("FAILED", "PENDING", "SENT");
    assertThat(batch.getUncounted()).containsExactly(0, 1, 0);
    assertThat(batch.getWaitsMs()).containsExactly(null, null, null);
    assertThat(batch.getErrors()).containsExactly("why", null, null);
    assertThat(batch.getHttpStatuses()).containsExactly(400, null, 202);
    assertThat(batch.getWebhookMessageIds()).containsExactly(null, null, "m-1");
    assertThat(batch.getDurationsMs()).containsExactly(40, 40, 40);
  }

  @Test
  void should_keep_an_attempt_only_where_a_post_failed() {
    for (Kind kind : Kind.values()) {
      boolean failedPost =
          Set.of(Kind.NOT_SENT, Kind.MISCONFIGURED, Kind.REFUSED, Kind.MAYBE_SENT).contains(kind);
      assertThat(batch(outcome(LOW, kind)).getAttemptClasses())
          .as(kind.name())
          .containsExactly(failedPost ? kind.name() : null);
    }
  }

  @Test
  void should_say_how_long_ago_an_attempt_began_however_late_it_is_recorded() {
    long anHourAgo = System.nanoTime() - Duration.ofHours(1).toNanos();
    OutcomeBatch batch =
        new OutcomeBatch(
            List.of(new FinishedOutcome(outcome(LOW, Kind.NOT_SENT), anHourAgo)), policy());
    assertThat(batch.getAgesMs()[0]).isGreaterThanOrEqualTo(3_600_040);
    assertThat(batch.getWaitsMs()[0]).isPositive();
  }

  @Test
  void should_tell_what_was_recorded_from_what_was_fenced_off() {
    Outcome recorded = outcome(LOW, Kind.DELIVERED);
    OutcomeBatch batch = batch(outcome(HIGH, Kind.DELIVERED), recorded);
    assertThat(batch.recorded(new Recorded(Instant.now(), Set.of(1L))))
        .containsExactly(new RecordedOutcome(recorded, MessageStatus.SENT));
  }

  private static OutcomeBatch batch(Outcome... outcomes) {
    List<FinishedOutcome> ended = new ArrayList<>();
    for (Outcome outcome : outcomes) {
      ended.add(new FinishedOutcome(outcome, System.nanoTime()));
    }
    return new OutcomeBatch(ended, policy());
  }

  private static RetryPolicy policy() {
    return new RetryPolicy(Configured.with(), failing -> false);
  }

  private static String claimId(Outcome outcome) {
    return outcome.message().claimId().toString();
  }

  private static Outcome outcome(String id, Kind kind) {
    boolean delivered = kind == Kind.DELIVERED;
    return new Outcome(
        new ClaimedMessage(
            UUID.fromString(id),
            UUID.randomUUID(),
            "+905551234567",
            "hi",
            1,
            3,
            null,
            false,
            null,
            0,
            null,
            false,
            null,
            Map.of()),
        kind,
        delivered ? Integer.valueOf(202) : kind == Kind.REFUSED ? Integer.valueOf(400) : null,
        delivered ? "m-1" : null,
        delivered || kind == Kind.RETURNED ? null : "why",
        null,
        Duration.ofMillis(40),
        false);
  }
}
