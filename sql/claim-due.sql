-- Called by route dispatch-batch: claims due messages for one batch, oldest first.
-- Guarantees: it skips rows that another claim holds or is taking, and never waits for them. While the scheduler is
-- stopped it claims nothing, except by hand. With pacing, the whole cluster claims one batch per interval and does not
-- make up missed turns. A turn is used up only by messages: what becomes due after a quiet time goes at once, and the
-- interval counts from then, unless that is less than a second late, as a node that looks now and then is. No turn is
-- further away than an interval, so a shorter interval counts at once (the second allows for turns taken at the same time). With a rate limit, all nodes together take no more than the tokens, at most
-- one second's worth at once; concurrent claims wait for each other. An attempt whose lease ran out is kept as one that
-- may have been sent. The update is heap-only: no index holds the changed columns. It starts where the caller wants, but
-- never skips rows that became due within the last second, because an older transaction can commit after a newer one. A
-- probe starts at a random place among the first thousand, so that messages no provider accepts do not test it again
-- and again.
-- GET /messages/{id}/why shows what its parts (due.sql, allowed.sql, bucket.sql) say; a condition elsewhere it cannot know.
WITH bucket AS (
    \i sql/bucket.sql
    FOR UPDATE
), turn AS (
    UPDATE scheduler
    SET next_batch_at = :#${variable.claim.intervalMs} * interval '1 ms'
        + CASE WHEN next_batch_at > now() - least(interval '1 s', :#${variable.claim.intervalMs} * interval '1 ms') THEN next_batch_at ELSE now() END
    WHERE :#${variable.claim.paced} AND (
        \i sql/allowed.sql
    ) AND (
        SELECT true FROM message
        WHERE (
            \i sql/due.sql
        )
        ORDER BY next_attempt_at, id
        LIMIT 1)
    RETURNING running
), shortened AS (
    UPDATE scheduler
    SET next_batch_at = now() + :#${variable.claim.intervalMs} * interval '1 ms'
    WHERE :#${variable.claim.paced} AND next_batch_at > now() + :#${variable.claim.intervalMs} * interval '1 ms' + interval '1 s'
), allowed AS (
    SELECT FROM turn
    UNION ALL SELECT FROM scheduler WHERE :#${variable.claim.continuous} AND (
        \i sql/allowed.sql
    )
    UNION ALL SELECT WHERE :#${variable.claim.manual}
), first AS (
    SELECT next_attempt_at, id
    FROM message
    WHERE :#${variable.claim.probe} AND (
        \i sql/due.sql
    )
    ORDER BY next_attempt_at, id
    LIMIT 1000
), place AS (
    SELECT next_attempt_at, id
    FROM first
    ORDER BY next_attempt_at, id
    OFFSET (SELECT floor(random() * greatest(1, count(*) - :#${variable.claim.limit} + 1))::bigint FROM first)
    LIMIT 1
), due AS (
    SELECT *
    FROM (
        SELECT ctid, id, claim_id, attempts
        FROM message
        WHERE (
              \i sql/due.sql
          )
          AND (next_attempt_at, id) >= (
              least(timestamptz 'epoch' + :#${variable.claim.from.dueMicros} * interval '1 us', now() - interval '1 s'),
              :#${variable.claim.from.id})
          AND (NOT :#${variable.claim.probe} OR (next_attempt_at, id) >= (SELECT next_attempt_at, id FROM place))
          AND EXISTS (SELECT FROM allowed)
        ORDER BY next_attempt_at, id
        LIMIT :#${variable.claim.limit}
        FOR UPDATE SKIP LOCKED) head
    -- A separate limit: with a limit that is not known beforehand, the plan would read the whole table.
    LIMIT CASE WHEN :#${variable.claim.rateLimit} > 0 THEN (SELECT floor(tokens)::integer FROM bucket) END
), taken AS (
    UPDATE delivery_rate r
    SET tokens = bucket.tokens - (SELECT count(*) FROM due), at = greatest(r.at, now())
    FROM bucket
    WHERE :#${variable.claim.rateLimit} > 0 AND EXISTS (SELECT FROM due)
), orphaned AS (
    INSERT INTO attempt (message_id, claim_id, number, at, class, error)
    SELECT id, claim_id, attempts, now(), 'MAYBE_SENT', 'the lease ran out before the outcome was recorded'
    FROM due
    WHERE claim_id IS NOT NULL
    ON CONFLICT DO NOTHING
)
-- By ctid, because the row was found and locked a moment ago: by id, each would be looked up in message_pkey again. A row that
-- changed between the snapshot and the lock is left out, for a later claim.
UPDATE message m
SET claim_id = :#${variable.claim.id}, lease_until = now() + :#${variable.claim.leaseMs} * interval '1 ms', attempts = m.attempts + 1,
    last_class = CASE WHEN due.claim_id IS NULL THEN m.last_class ELSE 'MAYBE_SENT' END
FROM due
WHERE m.ctid = due.ctid
RETURNING m.id, m.claim_id, m.phone_number, m.content, m.attempts, m.max_attempts, m.correlation_id,
    due.claim_id IS NOT NULL AS orphan, (date_part('epoch', m.next_attempt_at) * 1000000)::bigint AS due_micros,
    (extract(epoch FROM m.expires_at - now()) * 1000)::bigint AS expires_in_ms,
    (extract(epoch FROM now() - m.failing_since) * 1000)::bigint AS failing_for_ms, m.misconfigured,
    m.reference, m.metadata
