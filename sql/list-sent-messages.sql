-- Called by route listSentMessages: one page, the last sent first, and one more row to know whether another follows.
SELECT m.*, false AS leased, true AS fits, false AS is_end
FROM message m
WHERE m.status = 'SENT'
  AND (:#${variable.query.from}::text IS NULL OR m.sent_at >= :#${variable.query.from}::timestamptz)
  AND (:#${variable.query.to}::text IS NULL OR m.sent_at < :#${variable.query.to}::timestamptz)
  AND (:#${variable.query.afterId}::uuid IS NULL OR (m.sent_at, m.id) < (:#${variable.query.afterTime}::timestamptz, :#${variable.query.afterId}::uuid))
ORDER BY m.sent_at DESC, m.id DESC
LIMIT :#${variable.query.limit} + 1 OFFSET :#${variable.query.offset}
