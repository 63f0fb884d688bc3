-- Called by route getActivity: what happened in each of the last minutes, oldest first; the last one is not over.
-- It reads what is summed up, and the tally's rows that are not.
WITH minute AS (
    SELECT generate_series(
        date_trunc('minute', now()) - (coalesce(:#${variable.minutes}::integer, 180) - 1) * interval '1 min',
        date_trunc('minute', now()), interval '1 min') AS at
), counted AS (
    SELECT status, n, at FROM message_tally WHERE at >= (SELECT min(at) FROM minute)
), happened AS (
    SELECT minute AS at, what, n FROM activity WHERE minute >= (SELECT min(at) FROM minute)
    UNION ALL
    SELECT minute, what, n
    FROM (
        \i sql/minutes.sql
    ) one
), summed AS (
    SELECT
        minute.at,
        coalesce(sum(n) FILTER (WHERE what = 'ACCEPTED'), 0) AS accepted,
        coalesce(sum(n) FILTER (WHERE what = 'SENT'), 0) AS sent,
        coalesce(sum(n) FILTER (WHERE what = 'FAILED'), 0) AS failed,
        coalesce(sum(n) FILTER (WHERE what = 'UNKNOWN'), 0) AS unknown
    FROM minute LEFT JOIN happened USING (at)
    GROUP BY minute.at
)
SELECT json_build_object(
    'from', to_char(min(at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'stepSeconds', 60,
    'accepted', json_agg(accepted ORDER BY at),
    'sent', json_agg(sent ORDER BY at),
    'failed', json_agg(failed ORDER BY at),
    'unknown', json_agg(unknown ORDER BY at))::text AS activity
FROM summed
