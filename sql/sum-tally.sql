-- Called by route housekeeping: sums up the tally, to one row per second for the last minutes and one row for
-- everything older. Runs only when it pays.
-- Guarantees: the sums do not change; it skips rows that another node is summing up.
WITH old AS (
    DELETE FROM message_tally
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM message_tally
        WHERE at < now() - interval '5 s' AND (SELECT count(*) FROM message_tally) > 500
        FOR UPDATE SKIP LOCKED))
    RETURNING status, n, at
)
INSERT INTO message_tally (status, n, at)
SELECT status, sum(n), second
FROM (
    SELECT status, n,
        CASE WHEN at < now() - interval '2 min' THEN 'epoch' ELSE date_trunc('second', at) END AS second
    FROM old) row
GROUP BY status, second
HAVING sum(n) <> 0
