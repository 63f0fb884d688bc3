package dev.herald.intake;

import dev.herald.config.Settings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/**
 * The requests that one statement stores; the columns are the parameters of {@code
 * sql/insert-messages.sql}.
 */
public final class MessageBatch {
  private final List<Request> keyed;
  private final List<Row> rows;
  private final int maxAttempts;
  private final Duration keyTtl;
  private final boolean forOthers;

  private record Row(Request request, NewMessage message) {}

  /**
   * @param forOthers whether the other nodes should hear of what is due
   */
  MessageBatch(List<Request> requests, Settings.Retry retry, Duration keyTtl, boolean forOthers) {
    // In key order, so that two nodes with the same keys wait for each other in one direction only.
    this.keyed =
        requests.stream()
            .filter(Request::keyed)
            .sorted((a, b) -> a.scopedKey().compareTo(b.scopedKey()))
            .toList();
    this.rows = new ArrayList<>();
    for (Request request : requests) {
      request.messages().forEach(message -> rows.add(new Row(request, message)));
    }
    this.maxAttempts = retry.maxAttempts();
    this.keyTtl = keyTtl;
    this.forOthers = forOthers;
  }

  public int getMaxAttempts() {
    return maxAttempts;
  }

  public long getKeyTtlMs() {
    return keyTtl.toMillis();
  }

  public boolean isForOthers() {
    return forOthers;
  }

  public String[] getOwners() {
    return column(keyed, String[]::new, Request::keyName);
  }

  public String[] getKeys() {
    return column(keyed, String[]::new, Request::idempotencyKey);
  }

  public String[] getHashes() {
    return column(keyed, String[]::new, Request::hash);
  }

  /** The ids of each keyed request, as an array's text. */
  public String[] getRequestIds() {
    return column(
        keyed,
        String[]::new,
        request ->
            request.messages().stream()
                .map(message -> message.id().toString())
                .collect(Collectors.joining(",", "{", "}")));
  }

  public String[] getIds() {
    return column(rows, String[]::new, row -> row.message.id().toString());
  }

  public String[] getPhoneNumbers() {
    return column(rows, String[]::new, row -> row.message.phoneNumber());
  }

  public String[] getContents() {
    return column(rows, String[]::new, row -> row.message.content());
  }

  public String[] getSendAts() {
    return column(rows, String[]::new, row -> row.message.sendAtText());
  }

  public String[] getExpiresAts() {
    return column(rows, String[]::new, row -> row.message.expiresAtText());
  }

  public String[] getCorrelationIds() {
    return column(rows, String[]::new, row -> row.request.correlationId());
  }

  public String[] getChangedBys() {
    return column(rows, String[]::new, row -> row.request.keyName());
  }

  public String[] getReferences() {
    return column(rows, String[]::new, row -> row.message.reference());
  }

  public String[] getMetadata() {
    return column(rows, String[]::new, row -> row.message.metadataJson());
  }

  /**
   * The first id of each message's request, where that has a key: it names the request in the
   * statement.
   */
  public String[] getFirstIds() {
    return column(
        rows,
        String[]::new,
        row -> row.request.keyed() ? row.request.messages().get(0).id().toString() : null);
  }

  private static <S, T> T[] column(List<S> rows, IntFunction<T[]> array, Function<S, T> value) {
    T[] column = array.apply(rows.size());
    for (int i = 0; i < column.length; i++) {
      column[i] = value.apply(rows.get(i));
    }
    return column;
  }
}
