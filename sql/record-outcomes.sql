-- Called by route record-outcomes: writes a batch of outcomes, given in id order.
-- Guarantees: fenced, so a row that another claim has taken is left alone and its position in the batch, from 1, is not
-- returned. The failed attempt, its status and the tally change together or not at all. Every wait counts from the
-- database's now. failing_since is set by a failure that leaves the message due again, and set anew after a wrong URL
-- or key is fixed; a row that is given back keeps it.
WITH outcome AS (
    SELECT *
    FROM unnest(
        :#${variable.batch.ids}::uuid[], :#${variable.batch.claimIds}::uuid[], :#${variable.batch.statuses}::text[], :#${variable.batch.uncounted}::integer[],
        :#${variable.batch.waitsMs}::bigint[], :#${variable.batch.webhookMessageIds}::text[], :#${variable.batch.errors}::text[],
        :#${variable.batch.attemptClasses}::text[], :#${variable.batch.numbers}::integer[], :#${variable.batch.httpStatuses}::integer[],
        :#${variable.batch.durationsMs}::integer[], :#${variable.batch.agesMs}::bigint[])
        WITH ORDINALITY
        AS o (id, claim_id, status, uncounted, wait_ms, webhook_message_id, error, class, number, http_status,
            duration_ms, age_ms, position)
), recorded AS (
    UPDATE message m
    SET status = o.status,
        attempts = m.attempts - o.uncounted,
        next_attempt_at = coalesce(now() + o.wait_ms * interval '1 ms', m.next_attempt_at),
        claim_id = NULL,
        lease_until = NULL,
        webhook_message_id = o.webhook_message_id,
        last_error = CASE WHEN o.status <> 'SENT' THEN coalesce(o.error, CASE WHEN o.status = 'PENDING' THEN m.last_error END) END,
        last_class = CASE WHEN o.status <> 'SENT' THEN coalesce(o.class, m.last_class) END,
        updated_at = now(),
        status_at = CASE WHEN o.status = 'PENDING' THEN m.status_at ELSE now() END,
        sent_at = CASE WHEN o.status = 'SENT' THEN now() END,
        failing_since = CASE
            WHEN o.status = 'SENT' THEN NULL
            WHEN o.status <> 'PENDING' OR o.class IS NULL THEN m.failing_since
            WHEN m.failing_since IS NULL OR m.misconfigured AND o.class <> 'MISCONFIGURED'
                THEN now() - o.age_ms * interval '1 ms'
            ELSE m.failing_since
        END,
        misconfigured = CASE
            WHEN o.status = 'SENT' THEN NULL
            WHEN o.status <> 'PENDING' OR o.class IS NULL THEN m.misconfigured
            ELSE o.class = 'MISCONFIGURED'
        END
    FROM outcome o
    WHERE m.id = o.id AND m.claim_id = o.claim_id
    RETURNING o.position, m.status, m.id, o.claim_id, o.number, o.age_ms, o.duration_ms, o.http_status, o.class, o.error
), kept AS (
    INSERT INTO attempt (message_id, claim_id, number, at, duration_ms, http_status, class, error)
    SELECT id, claim_id, number, now() - age_ms * interval '1 ms', duration_ms, http_status, class, error
    FROM recorded
    WHERE class IS NOT NULL
), tallied AS (
    INSERT INTO message_tally (status, n)
    SELECT status, count(*) FROM recorded WHERE status <> 'PENDING' GROUP BY status
    UNION ALL
    SELECT 'PENDING', -count(*) FROM recorded WHERE status <> 'PENDING' HAVING count(*) > 0
)
SELECT now() AS at, array_agg(position) AS positions FROM recorded
