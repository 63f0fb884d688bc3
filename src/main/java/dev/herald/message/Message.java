package dev.herald.message;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** A message as the API shows it: schema {@code Message} of the contract. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Message(
    UUID id,
    String phoneNumber,
    String content,
    String status,
    int attempts,
    int maxAttempts,
    String webhookMessageId,
    String lastError,
    Instant createdAt,
    Instant updatedAt,
    Instant sendAt,
    Instant expiresAt,
    Instant sentAt,
    String reference,
    Map<String, String> metadata,
    Delivery delivery,
    List<Attempt> failedAttempts) {

  /** An attempt that failed: schema {@code Attempt} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Attempt(
      int number,
      Instant at,
      Integer durationMs,
      Integer httpStatus,
      @JsonProperty("class") String kind,
      String error) {

    public static Attempt read(ResultSet row, int rowNumber) throws SQLException {
      return new Attempt(
          row.getInt("number"),
          instant(row, "at"),
          row.getObject("duration_ms", Integer.class),
          row.getObject("http_status", Integer.class),
          row.getString("class"),
          row.getString("error"));
    }
  }

  /** What the provider said later: schema {@code Delivery} of the contract. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Delivery(String status, Instant at, String code, String detail) {
    static Delivery read(ResultSet row) throws SQLException {
      String status = row.getString("delivery");
      return status == null
          ? null
          : new Delivery(
              status,
              instant(row, "delivery_at"),
              row.getString("delivery_code"),
              row.getString("delivery_detail"));
    }
  }

  /** Reads one row of table message with a column {@code leased}. */
  public static Message read(ResultSet row, int rowNumber) throws SQLException {
    return new Message(
        row.getObject("id", UUID.class),
        row.getString("phone_number"),
        row.getString("content"),
        row.getBoolean("leased") ? "SENDING" : row.getString("status"),
        row.getInt("attempts"),
        row.getInt("max_attempts"),
        row.getString("webhook_message_id"),
        row.getString("last_error"),
        instant(row, "created_at"),
        instant(row, "updated_at"),
        instant(row, "send_at"),
        instant(row, "expires_at"),
        instant(row, "sent_at"),
        row.getString("reference"),
        Metadata.read(row.getString("metadata")),
        Delivery.read(row),
        null);
  }

  public Message withFailedAttempts(List<Attempt> attempts) {
    return new Message(
        id,
        phoneNumber,
        content,
        status,
        this.attempts,
        maxAttempts,
        webhookMessageId,
        lastError,
        createdAt,
        updatedAt,
        sendAt,
        expiresAt,
        sentAt,
        reference,
        metadata,
        delivery,
        attempts);
  }

  private static Instant instant(ResultSet row, String column) throws SQLException {
    OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
    return time == null ? null : time.toInstant();
  }
}
