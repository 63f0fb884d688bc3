package dev.herald.event;

import dev.herald.message.Metadata;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * Tells from a version of a row of table message whether the message has changed, and how. The log
 * has no earlier version: a statement that changes the status sets {@code status_at}, and a version
 * is the change if that is also its {@code updated_at}. A claim, a new time or a new text leaves
 * {@code status_at} behind. A later version with a delivery is its receipt. Stateless.
 */
final class Changes {
  /** What the message of an event has, and the columns; without a value it is left out. */
  private static final Map<String, String> FIELDS = fields();

  private Changes() {}

  private static Map<String, String> fields() {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("id", "id");
    fields.put("phoneNumber", "phone_number");
    fields.put("status", "status");
    fields.put("attempts", "attempts");
    fields.put("maxAttempts", "max_attempts");
    fields.put("webhookMessageId", "webhook_message_id");
    fields.put("lastError", "last_error");
    fields.put("reference", "reference");
    fields.put("metadata", "metadata");
    fields.put("createdAt", "created_at");
    fields.put("updatedAt", "updated_at");
    fields.put("sendAt", "send_at");
    fields.put("expiresAt", "expires_at");
    fields.put("sentAt", "sent_at");
    return fields;
  }

  /** The columns that this needs; the content is not among them. */
  static List<String> columns() {
    List<String> columns = new ArrayList<>(FIELDS.values());
    columns.addAll(
        List.of(
            "status_at",
            "claim_id",
            "delivery",
            "delivery_at",
            "delivery_code",
            "delivery_detail"));
    return columns;
  }

  /** The change that a new row is: the message was accepted. */
  static List<Event> ofInsert(Map<String, ?> row) {
    return List.of(event("accepted", row.get("created_at"), row));
  }

  /**
   * The change that an updated row is, if it is one.
   *
   * @param row its values by column; times as RFC 3339, and columns may be missing
   */
  static List<Event> ofUpdate(Map<String, ?> row) {
    Object at = row.get("status_at");
    if (row.get("claim_id") != null) {
      return List.of();
    }
    if (at != null && at.equals(row.get("updated_at"))) {
      String status = row.get("status").toString().toLowerCase(Locale.ROOT);
      List<Event> events = new ArrayList<>();
      events.add(event(status.equals("pending") ? "retried" : status, at, row));
      events.addAll(ofDelivery(row));
      return events;
    }
    return ofDelivery(row);
  }

  /** A receipt may have come while a claim held the row; one that was told has the same id. */
  private static List<Event> ofDelivery(Map<String, ?> row) {
    Object delivery = row.get("delivery");
    return delivery == null
        ? List.of()
        : List.of(event(delivery.toString().toLowerCase(Locale.ROOT), row.get("delivery_at"), row));
  }

  private static Event event(String change, Object at, Map<String, ?> row) {
    long micros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.parse(at.toString()));
    Map<String, Object> message = new LinkedHashMap<>();
    FIELDS.forEach(
        (field, column) -> {
          Object value = row.get(column);
          if (value != null) {
            message.put(field, column.equals("metadata") ? Metadata.read(value.toString()) : value);
          }
        });
    if (row.get("delivery") != null) {
      message.put("delivery", delivery(row));
    }
    return new Event(
        "%s-%s-%d".formatted(change, row.get("id"), micros),
        "message." + change,
        at.toString(),
        message);
  }

  private static Map<String, Object> delivery(Map<String, ?> row) {
    Map<String, Object> delivery = new LinkedHashMap<>();
    delivery.put("status", row.get("delivery"));
    delivery.put("at", row.get("delivery_at"));
    delivery.put("code", row.get("delivery_code"));
    delivery.put("detail", row.get("delivery_detail"));
    delivery.values().removeIf(Objects::isNull);
    return delivery;
  }
}
