-- Called by route listSentMessages: one page, the last sent first, and one row more to know whether another follows.
SELECT m.*, false AS leased
FROM message m
WHERE m.status = 'SENT'
  AND (:#${body.from}::timestamptz IS NULL OR m.sent_at >= :#${body.from}::timestamptz)
  AND (:#${body.to}::timestamptz IS NULL OR m.sent_at < :#${body.to}::timestamptz)
  AND (:#${body.afterId}::uuid IS NULL OR (m.sent_at, m.id) < (:#${body.afterTime}::timestamptz, :#${body.afterId}::uuid))
ORDER BY m.sent_at DESC, m.id DESC
LIMIT :#${body.limit} + 1 OFFSET :#${body.offset}
