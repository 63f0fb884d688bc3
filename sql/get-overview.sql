-- Called by route getOverview: the nodes, and why messages failed within the last hour.
-- Of the FAILED messages it reads the thousand that were accepted last, so that it stays fast with millions.
WITH failed AS (
    SELECT last_error
    FROM (
        SELECT last_error, status_at FROM message WHERE status = 'FAILED' ORDER BY id DESC LIMIT 1000) newest
    WHERE status_at > now() - interval '1 h'
), reason AS (
    SELECT coalesce(last_error, 'no reason is known') AS error, count(*) AS messages
    FROM failed
    GROUP BY 1
    ORDER BY messages DESC, error
    LIMIT 5
)
SELECT
    (
        SELECT coalesce(json_agg(json_build_object(
            'id', id, 'name', name, 'version', version, 'flow', flow, 'status', status, 'problems', problems,
            'startedAt', (extract(epoch FROM started_at) * 1000)::bigint, 'seenAt', (extract(epoch FROM seen_at) * 1000)::bigint,
            'gone', seen_at < now() - interval '15 s') ORDER BY name, started_at), '[]')
        FROM (SELECT * FROM node ORDER BY seen_at DESC LIMIT 100) node
    )::text AS nodes,
    (SELECT count(*) FROM failed) AS failed,
    (SELECT coalesce(json_agg(reason), '[]') FROM reason)::text AS reasons
