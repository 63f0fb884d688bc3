-- Called by route mark-missing: marks SENT messages without a receipt in time as MISSING, a slice at a time.
-- Guarantees: it reads each sent message once, in the order of message_sent_idx, and none that was sent before this was
-- switched on. One node at a time does it, and a receipt that comes meanwhile wins. Off, it only forgets how far it was.
WITH term AS (
    SELECT nullif(:#${variable.expectedWithin}::interval, interval '0') AS expected_within
), off AS (
    DELETE FROM receipt_watch WHERE (SELECT expected_within FROM term) IS NULL
), begun AS (
    INSERT INTO receipt_watch (sent_at, id)
    SELECT now(), '00000000-0000-0000-0000-000000000000' FROM term
    WHERE expected_within IS NOT NULL AND NOT EXISTS (SELECT FROM receipt_watch)
    ON CONFLICT DO NOTHING
), watch AS (
    SELECT sent_at, id FROM receipt_watch WHERE (SELECT expected_within FROM term) IS NOT NULL FOR UPDATE SKIP LOCKED
), slice AS (
    SELECT id, sent_at
    FROM message
    WHERE status = 'SENT'
      AND (sent_at, id) > ((SELECT sent_at FROM watch), (SELECT id FROM watch))
      AND sent_at <= now() - (SELECT expected_within FROM term)
    ORDER BY sent_at, id
    LIMIT 5000
), moved AS (
    UPDATE receipt_watch w
    SET sent_at = last.sent_at, id = last.id
    FROM (SELECT sent_at, id FROM slice ORDER BY sent_at DESC, id DESC LIMIT 1) last
), held AS (
    SELECT id
    FROM message
    WHERE id = ANY (ARRAY(SELECT id FROM slice)) AND status = 'SENT' AND delivery IS NULL
    ORDER BY id
    FOR NO KEY UPDATE
), missing AS (
    UPDATE message m
    SET delivery = 'MISSING', delivery_at = now(), delivery_code = NULL, delivery_detail = NULL, updated_at = now()
    FROM held
    WHERE m.id = held.id
    RETURNING m.id
), tallied AS (
    INSERT INTO message_tally (status, n) SELECT 'MISSING', count(*) FROM missing HAVING count(*) > 0
)
SELECT count(*) AS missing FROM missing
