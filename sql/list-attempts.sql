-- Called by route getMessage: the message's failed attempts, oldest first.
SELECT number, at, duration_ms, http_status, class, error
FROM attempt
WHERE message_id = :#${variable.id}::uuid
ORDER BY at, number
