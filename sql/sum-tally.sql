-- Called by route housekeeping: sums up the tally, to a few rows per second for the last minutes and one row for
-- everything older, which it adds to what happened in each minute. Runs only when it pays.
-- Guarantees: the sums do not change; it skips rows that another node is summing up.
WITH old AS (
    DELETE FROM message_tally
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM message_tally
        WHERE at < now() - interval '5 s' AND (SELECT count(*) FROM message_tally) > 500
        FOR UPDATE SKIP LOCKED))
    RETURNING status, n, at, at < now() - interval '2 min' AS closed
), counted AS (
    SELECT status, n, at FROM old WHERE closed AND at > 'epoch'
), minutes AS (
    INSERT INTO activity AS a (minute, what, n)
    SELECT minute, what, sum(n)
    FROM (
        \i sql/minutes.sql
    ) one
    GROUP BY minute, what
    HAVING sum(n) <> 0
    ORDER BY minute, what
    ON CONFLICT (minute, what) DO UPDATE SET n = a.n + excluded.n
), forgotten AS (
    DELETE FROM activity WHERE minute < now() - interval '2 days'
)
INSERT INTO message_tally (status, n, at)
SELECT status, sum(n), second
FROM (
    SELECT status, n,
        CASE WHEN closed THEN 'epoch' ELSE date_trunc('second', at) END AS second,
        NOT closed AND n > 0 AS added
    FROM old) row
GROUP BY status, second, added
HAVING sum(n) <> 0
