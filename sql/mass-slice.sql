-- Part of retry-messages.sql and of cancel-messages.sql: what a slice saw and changed, and where the next one begins.
counts AS (
    SELECT (SELECT count(*) FROM next) AS seen, (SELECT count(*) FROM matched) AS matched
), last AS (
    SELECT at, id
    FROM next
    WHERE (SELECT matched < :#${variable.slice.size} FROM counts) OR id IN (SELECT id FROM matched)
    ORDER BY at DESC, id DESC
    LIMIT 1
)
SELECT matched, (SELECT count(*) FROM changed) AS changed, now()::text AS began,
    matched = :#${variable.slice.size} OR seen = 5000 AS more,
    (SELECT at::text FROM last) AS after, (SELECT id FROM last) AS after_id
FROM counts
