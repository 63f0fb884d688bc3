-- Called by routes getStats and count-messages: the counts, from the tally and from a few rows, so that millions of messages cost nothing.
-- What is leased stands at the head of the due messages, for a claim takes the oldest, and is counted among the first
-- 10,000, which several nodes at full speed do not reach; what is due is counted as all that
-- is pending less what is leased and what comes later, or directly when much comes later and little is due.
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
