package dev.herald.outcome;

import dev.herald.message.IdOrder;
import dev.herald.message.MessageStatus;
import dev.herald.outcome.Outcome.Kind;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Outcomes that one statement records, each with its transition, in id order. All nodes lock rows
 * in that order, so no two wait for each other. The columns are the parameters of {@code
 * sql/record-outcomes.sql}. Immutable.
 */
public final class OutcomeBatch {
  private final List<Entry> entries;

  /** An outcome and when it came, as {@link System#nanoTime()}. */
  record FinishedOutcome(Outcome outcome, long at) {}

  private record Entry(Outcome outcome, Transition verdict, long endedAt) {}

  /** An outcome that was recorded. */
  public record RecordedOutcome(Outcome outcome, MessageStatus status) {}

  /**
   * The result of the statement.
   *
   * @param at the database's time of the record
   * @param positions of the recorded outcomes, from 1; the others were fenced off
   */
  public record Recorded(Instant at, Set<Long> positions) {
    public static Recorded read(ResultSet row, int rowNumber) throws SQLException {
      java.sql.Array positions = row.getArray("positions");
      return new Recorded(
          row.getObject("at", OffsetDateTime.class).toInstant(),
          positions == null ? Set.of() : Set.of((Long[]) positions.getArray()));
    }
  }

  OutcomeBatch(List<FinishedOutcome> outcomes, RetryPolicy policy) {
    entries = new ArrayList<>(outcomes.size());
    for (FinishedOutcome ended : outcomes) {
      entries.add(new Entry(ended.outcome(), policy.decide(ended.outcome()), ended.at()));
    }
    entries.sort((a, b) -> IdOrder.compare(a.outcome.message().id(), b.outcome.message().id()));
  }

  public int size() {
    return entries.size();
  }

  public String[] getIds() {
    return column(String[]::new, e -> e.outcome.message().id().toString());
  }

  public String[] getClaimIds() {
    return column(String[]::new, e -> e.outcome.message().claimId().toString());
  }

  public String[] getStatuses() {
    return column(String[]::new, e -> e.verdict.status().name());
  }

  /** 1 if the attempt that the claim counted does not count, otherwise 0. */
  public Integer[] getUncounted() {
    return column(Integer[]::new, e -> e.verdict.counted() ? 0 : 1);
  }

  public Long[] getWaitsMs() {
    return column(
        Long[]::new, e -> e.verdict.dueIn() == null ? null : e.verdict.dueIn().toMillis());
  }

  public String[] getWebhookMessageIds() {
    return column(String[]::new, e -> e.outcome.webhookMessageId());
  }

  public String[] getErrors() {
    return column(
        String[]::new,
        e -> e.verdict.error() != null ? Outcome.cut(e.verdict.error()) : e.outcome.error());
  }

  /** The class of the failed attempt to keep; null if there is none. */
  public String[] getAttemptClasses() {
    return column(String[]::new, e -> failedAttempt(e.outcome) ? e.outcome.kind().name() : null);
  }

  public Integer[] getNumbers() {
    return column(Integer[]::new, e -> e.outcome.message().attempt());
  }

  public Integer[] getHttpStatuses() {
    return column(Integer[]::new, e -> e.outcome.httpStatus());
  }

  public Integer[] getDurationsMs() {
    return column(Integer[]::new, e -> (int) e.outcome.took().toMillis());
  }

  /** How long ago each attempt began, so that the database can date it by its own clock. */
  public Long[] getAgesMs() {
    long now = System.nanoTime();
    return column(
        Long[]::new, e -> Duration.ofNanos(now - e.endedAt).plus(e.outcome.took()).toMillis());
  }

  /** The outcomes that the statement recorded. */
  public List<RecordedOutcome> recorded(Recorded written) {
    List<RecordedOutcome> recorded = new ArrayList<>(written.positions().size());
    for (int i = 0; i < entries.size(); i++) {
      if (written.positions().contains(i + 1L)) {
        Entry entry = entries.get(i);
        recorded.add(new RecordedOutcome(entry.outcome, entry.verdict.status()));
      }
    }
    return recorded;
  }

  /** Hands over each outcome that the statement recorded, with what followed from it. */
  void forEachRecorded(Recorded written, BiConsumer<Outcome, Transition> taker) {
    boolean all = written.positions().size() == entries.size();
    for (int i = 0; i < entries.size(); i++) {
      if (all || written.positions().contains(i + 1L)) {
        taker.accept(entries.get(i).outcome, entries.get(i).verdict);
      }
    }
  }

  /** The outcomes that were fenced off. */
  List<Outcome> fencedOff(Recorded written) {
    return IntStream.range(0, entries.size())
        .filter(i -> !written.positions().contains(i + 1L))
        .mapToObj(i -> entries.get(i).outcome)
        .toList();
  }

  private static boolean failedAttempt(Outcome outcome) {
    return outcome.kind().attempted() && outcome.kind() != Kind.DELIVERED;
  }

  private <T> T[] column(IntFunction<T[]> array, Function<Entry, T> value) {
    T[] column = array.apply(entries.size());
    for (int i = 0; i < column.length; i++) {
      column[i] = value.apply(entries.get(i));
    }
    return column;
  }
}
