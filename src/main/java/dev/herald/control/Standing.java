package dev.herald.control;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.UUID;

/**
 * Where a message stands: one row of {@code sql/explain-messages.sql}, at one moment of the
 * database's clock.
 *
 * @param due whether the claim's condition on a message holds; the fields up to {@code later} say
 *     why not
 * @param behind whether the next claim would be full before it comes to the message
 * @param ahead how many due messages come before it, as far as they were counted
 * @param kind the class of its last failed attempt, if it is FAILED or UNKNOWN; null if not read
 */
public record Standing(
    UUID id,
    String status,
    boolean due,
    boolean leased,
    boolean expired,
    boolean later,
    boolean behind,
    int ahead,
    int attempts,
    int maxAttempts,
    Instant nextAttemptAt,
    Instant leaseUntil,
    Instant sendAt,
    Instant expiresAt,
    Instant sentAt,
    Instant statusAt,
    String lastError,
    String kind,
    String changedBy,
    String delivery,
    Instant deliveryAt,
    String deliveryCode,
    Claims claims) {

  /**
   * What the database says of all claims.
   *
   * @param allowed whether the claim's condition on the scheduler and the rate holds
   * @param tokens how many messages the rate allows now; null without a limit
   * @param nextBatchAt when the next turn is, at the latest
   * @param now the database's time
   */
  public record Claims(
      boolean running,
      Instant changedAt,
      String changedBy,
      String reason,
      boolean allowed,
      Double tokens,
      Instant nextBatchAt,
      Instant now) {}

  public static Standing read(ResultSet row, int rowNumber) throws SQLException {
    return new Standing(
        row.getObject("id", UUID.class),
        row.getString("status"),
        row.getBoolean("due"),
        row.getBoolean("leased"),
        row.getBoolean("expired"),
        row.getBoolean("later"),
        row.getBoolean("behind"),
        row.getInt("ahead"),
        row.getInt("attempts"),
        row.getInt("max_attempts"),
        instant(row, "next_attempt_at"),
        instant(row, "lease_until"),
        instant(row, "send_at"),
        instant(row, "expires_at"),
        instant(row, "sent_at"),
        instant(row, "status_at"),
        row.getString("last_error"),
        row.getString("class"),
        row.getString("changed_by"),
        row.getString("delivery"),
        instant(row, "delivery_at"),
        row.getString("delivery_code"),
        new Claims(
            row.getBoolean("running"),
            instant(row, "switched_at"),
            row.getString("switched_by"),
            row.getString("reason"),
            row.getBoolean("allowed"),
            row.getObject("tokens", Double.class),
            instant(row, "next_batch_at"),
            instant(row, "now")));
  }

  private static Instant instant(ResultSet row, String column) throws SQLException {
    OffsetDateTime time = row.getObject(column, OffsetDateTime.class);
    return time == null ? null : time.toInstant();
  }
}
