-- Called by routes startScheduler and stopScheduler: turns delivery on or off for every node.
-- Guarantees: turning it to where it is changes nothing, not even who did it and why. A start makes the next batch due.
WITH switched AS (
    UPDATE scheduler
    SET running = :#${variable.running}, changed_at = now(), changed_by = :#${variable.key}, reason = :#${variable.reason},
        next_batch_at = now()
    WHERE running <> :#${variable.running}
    RETURNING running, changed_at, changed_by, reason, next_batch_at
)
SELECT * FROM switched
UNION ALL
SELECT running, changed_at, changed_by, reason, next_batch_at FROM scheduler WHERE NOT EXISTS (SELECT FROM switched)
