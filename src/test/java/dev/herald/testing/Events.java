package dev.herald.testing;

import com.fasterxml.jackson.databind.JsonNode;
import dev.herald.dev.EventTopic;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The events of each message, as Kafka has them. Thread-safe. */
public final class Events implements AutoCloseable {
  private final Map<String, Map<String, JsonNode>> byMessage = new HashMap<>();
  private final EventTopic topic;
  private int count;
  private int outOfOrder;

  /**
   * @param brokers of Kafka
   */
  public Events(String brokers) {
    topic = new EventTopic(brokers, this::add);
  }

  private synchronized void add(JsonNode event) {
    count++;
    Map<String, JsonNode> earlier =
        byMessage.computeIfAbsent(event.at("/message/id").asText(), any -> new LinkedHashMap<>());
    if (earlier.putIfAbsent(event.path("id").asText(), event) == null
        && earlier.values().stream().anyMatch(other -> after(other, event))) {
      outOfOrder++;
    }
  }

  private static boolean after(JsonNode one, JsonNode other) {
    return one.path("at").asText().compareTo(other.path("at").asText()) > 0;
  }

  /** The ids of all. */
  public synchronized Set<String> ids() {
    Set<String> ids = new HashSet<>();
    byMessage.values().forEach(one -> ids.addAll(one.keySet()));
    return ids;
  }

  /** How many events have come, with those that came again. */
  public synchronized int count() {
    return count;
  }

  /** How many of them are new. */
  public synchronized int distinct() {
    return byMessage.values().stream().mapToInt(Map::size).sum();
  }

  /** How many new ones came after a later one of their message. */
  public synchronized int outOfOrder() {
    return outOfOrder;
  }

  /** Those of a message, in order, each once. */
  public synchronized List<JsonNode> of(String message) {
    return List.copyOf(byMessage.getOrDefault(message, Map.of()).values());
  }

  /** Their types, without {@code message.}. */
  public List<String> types(String message) {
    return of(message).stream()
        .map(event -> event.path("type").asText().replace("message.", ""))
        .toList();
  }

  @Override
  public void close() {
    topic.close();
  }
}
