-- Called by route explain-messages: what keeps the next claim from taking each of these messages, as far as the database
-- knows. The claim's own conditions decide: both statements have the same parts.
-- It reads no more than the next claim would, and counts no more than countTo messages ahead of one. Its limits are known
-- beforehand, and the scheduler is one row: otherwise the planner expects much work, and compiles the statement for seconds.
WITH bucket AS (
    \i sql/bucket.sql
), switch AS (
    SELECT running, changed_at, changed_by, reason, next_batch_at, (SELECT tokens FROM bucket) AS tokens, (
            \i sql/allowed.sql
        ) AS allowed
    FROM scheduler
    LIMIT 1
), reached AS (
    -- The last message that the next claim takes, if it takes as many as it may.
    SELECT next_attempt_at, id
    FROM (
        SELECT next_attempt_at, id
        FROM message
        WHERE (
            \i sql/due.sql
        )
        ORDER BY next_attempt_at, id
        LIMIT :#${variable.claim.limit}) head
    ORDER BY next_attempt_at, id
    OFFSET greatest(1, least(:#${variable.claim.limit}, (SELECT floor(tokens)::integer FROM bucket))) - 1
    LIMIT 1
), asked AS (
    SELECT *, (
            \i sql/due.sql
        ) AS due
    FROM message
    WHERE id = ANY (:#${variable.ids}::uuid[])
)
SELECT m.id, m.status, m.due, m.attempts, m.max_attempts, m.next_attempt_at, m.lease_until, m.last_error, m.changed_by,
    m.send_at, m.expires_at, m.sent_at, m.delivery, m.delivery_at, m.delivery_code,
    coalesce(m.status_at, m.updated_at) AS status_at,
    coalesce(m.lease_until > now(), false) AS leased,
    coalesce(m.expires_at <= now(), false) AS expired,
    m.next_attempt_at > now() AS later,
    coalesce((m.next_attempt_at, m.id) > (SELECT next_attempt_at, id FROM reached), false) AS behind,
    (
        SELECT count(*)
        FROM (
            SELECT
            FROM message
            WHERE m.due AND (
                \i sql/due.sql
            )
            AND (next_attempt_at, id) < (m.next_attempt_at, m.id)
            LIMIT :#${variable.countTo}) before
    ) AS ahead,
    CASE WHEN m.status IN ('FAILED', 'UNKNOWN') AND :#${variable.countTo} > 0 THEN (
        SELECT class FROM attempt WHERE message_id = m.id ORDER BY at DESC, number DESC LIMIT 1
    ) END AS class,
    switch.running, switch.changed_at AS switched_at, switch.changed_by AS switched_by, switch.reason, switch.allowed,
    switch.tokens, least(switch.next_batch_at, now() + :#${variable.claim.intervalMs} * interval '1 ms') AS next_batch_at,
    now() AS now
FROM asked m, switch
