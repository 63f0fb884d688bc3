-- Called by routes startScheduler and stopScheduler: switches delivery on or off for every node.
-- Guarantees: switching to the current state changes nothing, not even who did it and why. A start makes the next batch
-- due and notifies every listening node. Of several calls at once each sees what the one before it has done, because it
-- locks the row before it reads it.
WITH current AS MATERIALIZED (
    SELECT * FROM scheduler FOR UPDATE
), switched AS (
    UPDATE scheduler s
    SET running = :#${variable.running}, changed_at = now(), changed_by = :#${variable.key}, reason = :#${variable.reason},
        next_batch_at = now()
    FROM current
    WHERE current.running <> :#${variable.running}
    RETURNING s.running, s.changed_at, s.changed_by, s.reason, s.next_batch_at
), notified AS (
    SELECT pg_notify('herald_due', '') FROM switched WHERE running
)
-- Without the join, notified would not run.
SELECT switched.* FROM switched LEFT JOIN notified ON true
UNION ALL
SELECT running, changed_at, changed_by, reason, next_batch_at FROM current WHERE NOT EXISTS (SELECT FROM switched)
