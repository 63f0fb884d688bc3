-- Called by route housekeeping: removes messages that ended more than retention.finished ago, with their attempts, and
-- expired idempotency keys; a few each second, so that it blocks nothing.
-- Guarantees: PENDING and UNKNOWN messages stay, the tally stays right, and rows that someone else is changing are
-- skipped. A message that ended early has an even earlier id (UUIDv7), which keeps the search short.
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
    RETURNING status, delivery
), forgotten AS (
    DELETE FROM idempotency_key
    WHERE (owner, key) IN (
        SELECT owner, key FROM idempotency_key
        WHERE created_at < now() - :#${variable.keyTtl}::interval
        LIMIT 1000
        FOR UPDATE SKIP LOCKED)
)
INSERT INTO message_tally (status, n, at)
SELECT status, -count(*), timestamptz 'epoch' FROM gone GROUP BY status
UNION ALL
SELECT delivery, -count(*), timestamptz 'epoch' FROM gone WHERE delivery IS NOT NULL GROUP BY delivery
