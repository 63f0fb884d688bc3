package dev.herald.message;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.UUID;

/**
 * A message that a claim of this node holds, as {@code sql/claim-due.sql} returns it: the body that
 * route {@code deliver-message} starts with.
 *
 * @param id the message's id, its idempotency key to the provider on every attempt
 * @param claimId the claim that holds the lease
 * @param phoneNumber E.164
 * @param content what is sent
 * @param attempt the number of this attempt, from 1
 * @param maxAttempts how many attempts count before the message fails
 * @param correlationId of the request that created it; may be null
 * @param orphan whether an earlier claim never ended, so that the message may have been sent
 * @param expiresInMs milliseconds from the claim to the message's expiry, by the database's clock;
 *     null without one
 * @param dueMicros when it was due, in microseconds since 1970 by the database's clock
 * @param failingForMs milliseconds from the first of the failures that left it due again to the
 *     claim, by the database's clock; null without one
 * @param misconfigured whether the last of these failures was a wrong URL or key
 * @param reference the client's own; null without one
 * @param metadata the client's own names and values; empty without any
 */
public record ClaimedMessage(
    UUID id,
    UUID claimId,
    String phoneNumber,
    String content,
    int attempt,
    int maxAttempts,
    String correlationId,
    boolean orphan,
    Long expiresInMs,
    long dueMicros,
    Long failingForMs,
    boolean misconfigured,
    String reference,
    Map<String, String> metadata) {

  /** Reads one row. */
  public static ClaimedMessage read(ResultSet row, int rowNumber) throws SQLException {
    Map<String, String> metadata = Metadata.read(row.getString("metadata"));
    return new ClaimedMessage(
        row.getObject("id", UUID.class),
        row.getObject("claim_id", UUID.class),
        row.getString("phone_number"),
        row.getString("content"),
        row.getInt("attempts"),
        row.getInt("max_attempts"),
        row.getString("correlation_id"),
        row.getBoolean("orphan"),
        longOrNull(row, "expires_in_ms"),
        row.getLong("due_micros"),
        longOrNull(row, "failing_for_ms"),
        row.getBoolean("misconfigured"),
        row.getString("reference"),
        metadata == null ? Map.of() : metadata);
  }

  private static Long longOrNull(ResultSet row, String column) throws SQLException {
    long value = row.getLong(column);
    return row.wasNull() ? null : value;
  }
}
