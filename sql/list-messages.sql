-- Called by route listMessages: one page, newest first, and one row more to know whether another page follows.
-- Guarantees: with a cursor a page is stable while messages come in. Ids are ordered by time of acceptance, so a bound on
-- created_at is, with room for a node's clock, a bound on the id, and no page reads more than it must.
SELECT m.*, coalesce(m.lease_until > now(), false) AS leased
FROM message m
WHERE (:#${body.status}::text IS NULL OR m.status = :#${body.status}::text)
  AND (:#${body.leased}::boolean IS NULL OR coalesce(m.lease_until > now(), false) = :#${body.leased}::boolean)
  AND (:#${body.phoneNumber}::text IS NULL OR m.phone_number = :#${body.phoneNumber}::text)
  AND (:#${body.from}::timestamptz IS NULL
       OR m.created_at >= :#${body.from}::timestamptz AND m.id >= :#${body.fromId}::uuid)
  AND (:#${body.to}::timestamptz IS NULL
       OR m.created_at < :#${body.to}::timestamptz AND m.id < :#${body.toId}::uuid)
  AND (:#${body.afterId}::uuid IS NULL OR m.id < :#${body.afterId}::uuid)
ORDER BY m.id DESC
LIMIT :#${body.limit} + 1 OFFSET :#${body.offset}
