-- Called by route getMessage: the failed attempts of a message, oldest first.
-- Guarantees: at most the newest 500, however often it was tried.
SELECT number, at, duration_ms, http_status, class, error
FROM (
    SELECT number, at, duration_ms, http_status, class, error
    FROM attempt
    WHERE message_id = :#${variable.id}::uuid
    ORDER BY at DESC, number DESC
    LIMIT 500) newest
ORDER BY at, number
