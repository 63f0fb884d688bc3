package dev.herald.dispatch;

import dev.herald.dispatch.Outcome.Kind;
import dev.herald.message.Status;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.IntFunction;

/**
 * Outcomes that are recorded in one statement, with the verdict on each, in id order: rows are
 * locked in that order everywhere, so no two nodes wait for each other. The columns are the
 * parameters of {@code sql/record-outcomes.sql}.
 */
public final class OutcomeBatch {
  private final List<Entry> entries;

  private record Entry(Outcome outcome, Verdict verdict, long endedAt) {}

  /** An outcome that the database has. {@code at} is the database's time of it. */
  public record Recorded(Outcome outcome, Status status, Instant at) {}

  OutcomeBatch(List<Ended> outcomes, RetryPolicy policy) {
    entries = new ArrayList<>(outcomes.size());
    for (Ended ended : outcomes) {
      entries.add(new Entry(ended.outcome(), policy.decide(ended.outcome()), ended.at()));
    }
    entries.sort((a, b) -> inDatabaseOrder(a.outcome.message().id(), b.outcome.message().id()));
  }

  /** An outcome and when it came, as {@link System#nanoTime()}. */
  record Ended(Outcome outcome, long at) {}

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

  /** What the claim had counted and the verdict takes back: 0 or 1. */
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
    return column(String[]::new, e -> e.outcome.error());
  }

  /** The class of the failed attempt to keep; null where there is none. */
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

  /** How long ago each attempt began: the database knows when that was by its own clock. */
  public Long[] getAgesMs() {
    long now = System.nanoTime();
    return column(
        Long[]::new, e -> Duration.ofNanos(now - e.endedAt).plus(e.outcome.took()).toMillis());
  }

  /** The outcomes that the statement returned; the others were fenced off. */
  public List<Recorded> recorded(List<Map<String, Object>> rows) {
    Map<UUID, Instant> times = new HashMap<>(rows.size() * 2);
    rows.forEach(row -> times.put((UUID) row.get("id"), ((Timestamp) row.get("at")).toInstant()));
    List<Recorded> recorded = new ArrayList<>(rows.size());
    for (Entry entry : entries) {
      Instant at = times.get(entry.outcome.message().id());
      if (at != null) {
        recorded.add(new Recorded(entry.outcome, entry.verdict.status(), at));
      }
    }
    return recorded;
  }

  /** As PostgreSQL compares: byte by byte, where Java compares signed numbers. */
  private static int inDatabaseOrder(UUID a, UUID b) {
    int high = Long.compareUnsigned(a.getMostSignificantBits(), b.getMostSignificantBits());
    return high != 0
        ? high
        : Long.compareUnsigned(a.getLeastSignificantBits(), b.getLeastSignificantBits());
  }

  private static boolean failedAttempt(Outcome outcome) {
    return outcome.kind().attempted() && outcome.kind() != Kind.DELIVERED;
  }

  private <T> T[] column(IntFunction<T[]> array, Function<Entry, T> value) {
    return entries.stream().map(value).toArray(array);
  }
}
