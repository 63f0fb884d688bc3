-- Called by route retryMessage: makes a failed or unknown message due now, with all its attempts and its full time
-- left.
-- Guarantees: its failed attempts are kept, but no delivery: it is a new sending. An expired message stays as it is.
WITH due AS (
    SELECT id, status, delivery FROM message
    WHERE id = :#${variable.id}::uuid
      AND status IN ('FAILED', 'UNKNOWN')
      AND (expires_at IS NULL OR expires_at > now())
    FOR UPDATE
), pending AS (
    UPDATE message m
    SET status = 'PENDING', attempts = 0, next_attempt_at = now(), failing_since = NULL, misconfigured = NULL,
        delivery = NULL, delivery_at = NULL, delivery_code = NULL, delivery_detail = NULL,
        changed_by = :#${variable.key}, updated_at = now(), status_at = now()
    FROM due
    WHERE m.id = due.id
    RETURNING m.*
), tallied AS (
    INSERT INTO message_tally (status, n) SELECT 'PENDING', 1 FROM due UNION ALL SELECT status, -1 FROM due
    UNION ALL SELECT delivery, -1 FROM due WHERE delivery IS NOT NULL
)
SELECT *, false AS leased FROM pending
