-- Called by route getMessage: the message's failed attempts, oldest first.
-- Guarantees: the newest 500 at most, however often it was tried.
SELECT number, at, duration_ms, http_status, class, error
FROM (
    SELECT number, at, duration_ms, http_status, class, error
    FROM attempt
    WHERE message_id = :#${variable.id}::uuid
    ORDER BY at DESC, number DESC
    LIMIT 500) newest
ORDER BY at, number
