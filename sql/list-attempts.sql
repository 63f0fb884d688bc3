-- Called by route getMessage: the failed attempts of a message, oldest first.
-- Guarantees: at most the newest 500, however often it was tried. They are numbered through the message's life: the column
-- number starts anew after a retry, and repeats where an attempt does not count.
SELECT number, at, duration_ms, http_status, class, error
FROM (
    SELECT row_number() OVER (ORDER BY at, a.number) AS number, at, duration_ms, http_status, class, error
    FROM attempt a
    WHERE message_id = :#${variable.id}::uuid
    ORDER BY 1 DESC
    LIMIT 500) newest
ORDER BY number
