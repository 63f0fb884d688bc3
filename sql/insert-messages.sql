-- Called by route store-messages: stores the messages of a group of requests, and their idempotency keys.
-- Guarantees: a request with a known key stores nothing, and none of its ids is returned; an expired key counts as
-- unknown. A returned message is stored once the statement has committed. One notification wakes the other nodes if
-- they are needed and a message is due now.
WITH request AS (
    SELECT *
    FROM unnest(
        :#${variable.batch.owners}::text[], :#${variable.batch.keys}::text[], :#${variable.batch.hashes}::text[], :#${variable.batch.requestIds}::text[])
        AS r (owner, key, hash, ids)
), fresh AS (
    INSERT INTO idempotency_key AS k (owner, key, request_hash, message_ids)
    SELECT owner, key, decode(hash, 'hex'), ids::uuid[] FROM request
    ON CONFLICT (owner, key) DO UPDATE
    SET request_hash = excluded.request_hash, message_ids = excluded.message_ids, created_at = now()
    WHERE k.created_at < now() - :#${variable.batch.keyTtlMs} * interval '1 ms'
    RETURNING message_ids[1] AS id
), stored AS (
    INSERT INTO message (
        id, phone_number, content, max_attempts, next_attempt_at, correlation_id, changed_by, send_at, expires_at,
        reference, metadata)
    SELECT m.id, phone_number, content, :#${variable.batch.maxAttempts}, greatest(send_at, now()), correlation_id, changed_by,
        send_at, expires_at, reference, metadata::json
    FROM unnest(
        :#${variable.batch.ids}::uuid[], :#${variable.batch.phoneNumbers}::text[], :#${variable.batch.contents}::text[],
        :#${variable.batch.sendAts}::timestamptz[], :#${variable.batch.expiresAts}::timestamptz[], :#${variable.batch.correlationIds}::text[],
        :#${variable.batch.changedBys}::text[], :#${variable.batch.firstIds}::uuid[],
        :#${variable.batch.references}::text[], :#${variable.batch.metadata}::text[])
        AS m (id, phone_number, content, send_at, expires_at, correlation_id, changed_by, first_id, reference,
            metadata)
    WHERE first_id IS NULL OR first_id IN (SELECT id FROM fresh)
    RETURNING id, created_at, next_attempt_at
), tallied AS (
    INSERT INTO message_tally (status, n) SELECT 'PENDING', count(*) FROM stored HAVING count(*) > 0
), notified AS (
    SELECT pg_notify('herald_due', '')
    WHERE :#${variable.batch.forOthers} AND EXISTS (SELECT FROM stored WHERE next_attempt_at <= now())
)
-- Without the join, notified would not run.
SELECT id, created_at FROM stored LEFT JOIN notified ON true
