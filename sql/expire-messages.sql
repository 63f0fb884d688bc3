-- Called by route housekeeping: pending messages whose time is over become EXPIRED. Returns them, for the log.
-- Guarantees: it leaves alone messages that a node is sending. A message whose lease ran out may have been sent: it
-- becomes UNKNOWN if such messages are held, and its last attempt is kept either way. It reads no more of
-- message_expires_idx than it takes, however many are over.
WITH over AS (
    SELECT id, claim_id, attempts
    FROM message
    WHERE status = 'PENDING' AND expires_at <= now() AND (lease_until IS NULL OR lease_until <= now())
    ORDER BY expires_at
    LIMIT 1000
    FOR UPDATE SKIP LOCKED
), expired AS (
    UPDATE message m
    SET status = CASE WHEN over.claim_id IS NOT NULL AND :#${variable.onAmbiguous} = 'hold' THEN 'UNKNOWN' ELSE 'EXPIRED' END,
        claim_id = NULL,
        lease_until = NULL,
        last_error = CASE
            WHEN over.claim_id IS NULL THEN 'it expired before it could be sent'
            ELSE 'it expired, and may have been sent: the lease ran out before the outcome was recorded' END,
        last_class = CASE WHEN over.claim_id IS NULL THEN m.last_class ELSE 'MAYBE_SENT' END,
        updated_at = now(),
        status_at = now()
    FROM over
    WHERE m.id = over.id
    RETURNING m.id, m.status, m.last_error, m.correlation_id
), kept AS (
    INSERT INTO attempt (message_id, claim_id, number, at, class, error)
    SELECT id, claim_id, attempts, now(), 'MAYBE_SENT', 'the lease ran out before the outcome was recorded'
    FROM over
    WHERE claim_id IS NOT NULL
    ON CONFLICT DO NOTHING
), tallied AS (
    INSERT INTO message_tally (status, n)
    SELECT status, count(*) FROM expired GROUP BY status
    UNION ALL
    SELECT 'PENDING', -count(*) FROM expired HAVING count(*) > 0
)
SELECT id, status, last_error, correlation_id FROM expired
