-- Called by routes getStats and count-messages: the counts, from the tally and a few rows, so that it stays fast with
-- millions of messages.
-- Leased messages are at the head of the due ones, because a claim takes the oldest. They are counted among the first
-- 10,000, which several nodes at full speed do not reach. Due messages are counted as all pending ones less the leased
-- and the later ones, or directly when many are later and few are due.
WITH tally AS (
    SELECT status, sum(n)::bigint AS n FROM message_tally GROUP BY status
), leased AS (
    SELECT count(*) FILTER (WHERE lease_until > now()) AS n
    FROM (
        SELECT lease_until FROM message
        WHERE status = 'PENDING' AND next_attempt_at <= now()
        ORDER BY next_attempt_at, id
        LIMIT 10000) head
), later AS (
    SELECT count(*) AS n
    FROM (SELECT FROM message WHERE status = 'PENDING' AND next_attempt_at > now() LIMIT 20000) tail
)
SELECT
    (SELECT coalesce(jsonb_object_agg(status, n), '{}') FROM tally)::text AS tally,
    leased.n AS leased,
    CASE
        WHEN later.n < 20000 THEN (SELECT coalesce(sum(n), 0) FROM tally WHERE status = 'PENDING') - leased.n - later.n
        ELSE (SELECT count(*) FROM message WHERE status = 'PENDING' AND next_attempt_at <= now()) - leased.n
    END AS due,
    (
        SELECT extract(epoch FROM now() - next_attempt_at) FROM message
        WHERE status = 'PENDING' AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until <= now())
        ORDER BY next_attempt_at, id
        LIMIT 1
    ) AS oldest_due_age,
    (SELECT coalesce(sum(n), 0) FROM message_tally WHERE status = 'SENT' AND at > now() - interval '60 s') AS sent_per_minute,
    (SELECT running FROM scheduler) AS running
FROM leased, later
