-- Called by route report-node: notes that this node runs, and how it is. Forgets nodes that have not been seen for an hour,
-- and earlier starts of this one.
WITH forgotten AS (
    DELETE FROM node
    WHERE id IN (
        SELECT id FROM node
        WHERE id <> :#${variable.node.id}::uuid
          AND (seen_at < now() - interval '1 h' OR name = :#${variable.node.name} AND seen_at < now() - interval '15 s')
        FOR UPDATE SKIP LOCKED)
)
INSERT INTO node (id, name, version, flow, status, problems)
VALUES (
    :#${variable.node.id}::uuid, :#${variable.node.name}, :#${variable.node.version}, :#${variable.node.flow},
    :#${variable.node.status.name}, :#${variable.node.problemsJson}::json)
ON CONFLICT (id) DO UPDATE
SET seen_at = now(), flow = excluded.flow, status = excluded.status, problems = excluded.problems
