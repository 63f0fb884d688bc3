-- Called by route housekeeping: removes messages that ended longer ago than retention.sent, with their attempts, and
-- idempotency keys that are no longer remembered; a slice each second, so that it holds up nothing.
-- Guarantees: what is pending or UNKNOWN stays; the tally is right; a row that someone else is changing is skipped. A message
-- that ended early has an id (UUIDv7) that was made still earlier, which keeps the search short.
WITH terms AS (
    -- Null, and so nothing, where the retention is 0.
    SELECT now() - nullif(:#${variable.retention}::interval, interval '0') AS ended_before
), sent AS (
    SELECT id
    FROM message
    WHERE status = 'SENT' AND sent_at < (SELECT ended_before FROM terms)
    ORDER BY sent_at, id
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
), closed AS (
    SELECT id
    FROM message
    WHERE status IN ('FAILED', 'CANCELLED', 'EXPIRED')
      AND id < (
          SELECT rpad(lpad(to_hex((extract(epoch FROM ended_before) * 1000)::bigint), 12, '0'), 32, '0')::uuid FROM terms)
      AND updated_at < (SELECT ended_before FROM terms)
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM message
    WHERE id IN (SELECT id FROM sent UNION ALL SELECT id FROM closed)
    RETURNING status
), forgotten AS (
    DELETE FROM idempotency_key
    WHERE (owner, key) IN (
        SELECT owner, key FROM idempotency_key
        WHERE created_at < now() - :#${variable.keyTtl}::interval
        LIMIT 1000
        FOR UPDATE SKIP LOCKED)
)
INSERT INTO message_tally (status, n, at)
SELECT status, -count(*), 'epoch' FROM gone GROUP BY status
