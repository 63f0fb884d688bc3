package dev.herald.scenario;

import dev.herald.dev.SampleWebhook.Post;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * What the clients were promised, what the webhook saw and what the database says, side by side.
 * Thread-safe while it is written; what it concludes is read when all is over.
 */
final class Ledger {
  /** What a POST was answered, from the webhook's side. */
  enum Answered {
    /** 2xx: the provider has it. */
    TAKEN,
    /** A clear no: the provider does not have it. */
    REFUSED,
    /** Herald cannot know. */
    AMBIGUOUS
  }

  private record Entry(String node, Answered answered) {}

  private final Set<String> accepted = Collections.synchronizedSet(new HashSet<>());
  private final Map<String, List<Entry>> posts = new LinkedHashMap<>();
  private final Map<String, Set<String>> keysOfNumber = new HashMap<>();
  private final Map<String, List<String>> latestOfNode = new HashMap<>();
  private final Set<String> inFlightAtKills = new HashSet<>();
  private int inFlightSum;

  /** An id that a 201 named. */
  void accepted(Collection<String> ids) {
    accepted.addAll(ids);
  }

  int acceptedCount() {
    return accepted.size();
  }

  synchronized void posted(Post post, Answered answered) {
    String id = post.idempotencyKey();
    String node = post.path();
    posts.computeIfAbsent(id, any -> new ArrayList<>()).add(new Entry(node, answered));
    keysOfNumber.computeIfAbsent(post.to(), any -> new HashSet<>()).add(id);
    latestOfNode.computeIfAbsent(node, any -> new ArrayList<>()).add(id);
  }

  /** How many POSTs have come from a node. */
  synchronized int postsOf(String node) {
    return latestOfNode.getOrDefault(node, List.of()).size();
  }

  /** How many POSTs have come. */
  synchronized int postCount() {
    return latestOfNode.values().stream().mapToInt(List::size).sum();
  }

  /** How often a message has been POSTed before. */
  synchronized int posts(String id) {
    return posts.getOrDefault(id, List.of()).size();
  }

  /**
   * Takes note of what a node that stands still has POSTed and not recorded: only that may be
   * POSTed again because of it.
   */
  int inFlight(String node, Connection database) throws SQLException {
    List<String> latest;
    synchronized (this) {
      List<String> all = latestOfNode.getOrDefault(node, List.of());
      latest = List.copyOf(all.subList(Math.max(0, all.size() - 2_000), all.size()));
    }
    Set<String> unrecorded = new HashSet<>();
    try (PreparedStatement select =
        database.prepareStatement(
            "SELECT id FROM message WHERE id = ANY(?::uuid[]) AND status = 'PENDING' AND claim_id IS NOT NULL")) {
      select.setArray(1, database.createArrayOf("text", latest.toArray()));
      try (ResultSet rows = select.executeQuery()) {
        while (rows.next()) {
          unrecorded.add(rows.getString(1));
        }
      }
    }
    synchronized (this) {
      inFlightAtKills.addAll(unrecorded);
      inFlightSum += unrecorded.size();
    }
    return unrecorded.size();
  }

  /** The books at the end. */
  record Balance(
      int accepted,
      int rows,
      Map<String, Integer> byStatus,
      int posts,
      int lost,
      int stuck,
      int notAccepted,
      int sentWithoutAnAnswer,
      int inFlightAtKills,
      int duplicates,
      int duplicatesAfterSilence,
      int duplicatesOtherwise,
      int afterAmbiguous,
      int numbersWithTwoKeys,
      int failedAttempts,
      boolean tallyIsRight) {

    @Override
    public String toString() {
      return """
          accepted by the API (201)                  %d
          rows in PostgreSQL                         %d  %s
          POSTs seen by the webhook                  %d
          failed attempts kept                       %d
          lost: accepted, and not there              %d
          stuck: neither sent nor decided            %d
          there, and never accepted                  %d
          SENT without a 2xx of the webhook          %d
          in flight at the kills and stalls          %d
          duplicates: POSTs after a 2xx              %d
          ... of messages not in flight then, where
              Herald saw no answer in time           %d
          ... of other messages                      %d
          POSTs after an ambiguous answer or a 2xx   %d
          messages with two Idempotency-Keys         %d
          the tally agrees with the rows             %s
          """
          .formatted(
              accepted,
              rows,
              byStatus,
              posts,
              failedAttempts,
              lost,
              stuck,
              notAccepted,
              sentWithoutAnAnswer,
              inFlightAtKills,
              duplicates,
              duplicatesAfterSilence,
              duplicatesOtherwise,
              afterAmbiguous,
              numbersWithTwoKeys,
              tallyIsRight ? "yes" : "NO");
    }
  }

  synchronized Balance balance(Connection database) throws SQLException {
    Map<String, String> rows = new HashMap<>();
    Map<String, Integer> byStatus = new TreeMap<>();
    Map<String, Integer> tally = new TreeMap<>();
    Set<String> silent = new HashSet<>();
    int attempts;
    try (Statement statement = database.createStatement()) {
      try (ResultSet row = statement.executeQuery("SELECT id, status FROM message")) {
        while (row.next()) {
          rows.put(row.getString(1), row.getString(2));
          byStatus.merge(row.getString(2), 1, Integer::sum);
        }
      }
      try (ResultSet row =
          statement.executeQuery(
              "SELECT status, sum(n) FROM message_tally GROUP BY status HAVING sum(n) <> 0")) {
        while (row.next()) {
          tally.put(row.getString(1), row.getInt(2));
        }
      }
      // A machine that is too busy answers too late: the webhook counts a 2xx, Herald none in time.
      try (ResultSet row =
          statement.executeQuery(
              "SELECT message_id FROM attempt WHERE class = 'MAYBE_SENT' AND http_status IS NULL AND duration_ms IS NOT NULL")) {
        while (row.next()) {
          silent.add(row.getString(1));
        }
      }
      try (ResultSet row = statement.executeQuery("SELECT count(*) FROM attempt")) {
        row.next();
        attempts = row.getInt(1);
      }
    }
    int duplicates = 0;
    int afterSilence = 0;
    int otherwise = 0;
    int afterAmbiguous = 0;
    for (Map.Entry<String, List<Entry>> message : posts.entrySet()) {
      int again = after(message.getValue(), Set.of(Answered.TAKEN));
      duplicates += again;
      if (!inFlightAtKills.contains(message.getKey())) {
        boolean silence = silent.contains(message.getKey());
        afterSilence += silence ? again : 0;
        otherwise += silence ? 0 : again;
      }
      afterAmbiguous += after(message.getValue(), Set.of(Answered.TAKEN, Answered.AMBIGUOUS));
    }
    return new Balance(
        accepted.size(),
        rows.size(),
        byStatus,
        posts.values().stream().mapToInt(List::size).sum(),
        (int) accepted.stream().filter(id -> !rows.containsKey(id)).count(),
        byStatus.getOrDefault("PENDING", 0),
        (int) rows.keySet().stream().filter(id -> !accepted.contains(id)).count(),
        (int)
            rows.entrySet().stream()
                .filter(row -> row.getValue().equals("SENT") && !taken(row.getKey()))
                .count(),
        inFlightSum,
        duplicates,
        afterSilence,
        otherwise,
        afterAmbiguous,
        (int) keysOfNumber.values().stream().filter(keys -> keys.size() > 1).count(),
        attempts,
        tally.equals(byStatus));
  }

  private boolean taken(String id) {
    return posts.getOrDefault(id, List.of()).stream()
        .anyMatch(entry -> entry.answered() == Answered.TAKEN);
  }

  /**
   * How many POSTs followed one with such an answer. What follows a refusal or an outage of the
   * provider is an attempt of its own, whatever came before.
   */
  private static int after(List<Entry> posts, Set<Answered> answers) {
    return (int)
        IntStream.range(1, posts.size())
            .filter(i -> answers.contains(posts.get(i - 1).answered()))
            .count();
  }
}
