-- Called by route housekeeping: sums up the tally, to a few rows per second for the last minutes and one row for
-- everything older, which it adds to what happened in each minute. Runs only when it pays.
-- Guarantees: the sums do not change; it skips rows that another node is summing up. What a change of status takes from
-- one status and gives to another cancels out in the sum of all, so what is left there was accepted.
WITH old AS (
    DELETE FROM message_tally
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM message_tally
        WHERE at < now() - interval '5 s' AND (SELECT count(*) FROM message_tally) > 500
        FOR UPDATE SKIP LOCKED))
    RETURNING status, n, at, at < now() - interval '2 min' AS closed
), minutes AS (
    INSERT INTO activity AS a (minute, what, n)
    SELECT date_trunc('minute', at) AS minute, 'ACCEPTED' AS what, sum(n)
    FROM old
    WHERE closed AND at > 'epoch' AND status IN ('PENDING', 'SENT', 'FAILED', 'UNKNOWN', 'CANCELLED', 'EXPIRED')
    GROUP BY minute
    HAVING sum(n) <> 0
    UNION ALL
    SELECT date_trunc('minute', at) AS minute, status, sum(n)
    FROM old
    WHERE closed AND at > 'epoch' AND status IN ('SENT', 'FAILED', 'UNKNOWN') AND n > 0
    GROUP BY minute, status
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
