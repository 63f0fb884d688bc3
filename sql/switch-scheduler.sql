-- Called by routes startScheduler and stopScheduler: switches delivery on or off for every node.
-- Guarantees: switching to the current state changes nothing, not even who did it and why. A start makes the next batch
-- due and notifies every listening node.
WITH switched AS (
    UPDATE scheduler
    SET running = :#${variable.running}, changed_at = now(), changed_by = :#${variable.key}, reason = :#${variable.reason},
        next_batch_at = now()
    WHERE running <> :#${variable.running}
    RETURNING running, changed_at, changed_by, reason, next_batch_at
), notified AS (
    SELECT pg_notify('herald_due', '') FROM switched WHERE running
)
-- Without the join, notified would not run.
SELECT switched.* FROM switched LEFT JOIN notified ON true
UNION ALL
SELECT running, changed_at, changed_by, reason, next_batch_at FROM scheduler WHERE NOT EXISTS (SELECT FROM switched)
