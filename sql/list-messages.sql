-- Called by route listMessages: one page, newest first, and one more row to know whether another page follows.
-- Guarantees: with a cursor a page is stable while messages come in. Ids are ordered by time of acceptance, so a bound
-- on created_at is also a bound on the id, with a margin for the nodes' clocks, and no page reads more than it must.
-- Leased messages are among the first 10,000 due ones, because a claim takes the oldest. Tests for null use the text
-- itself: the planner cannot evaluate a cast to a time and would read the whole table.
SELECT m.*, coalesce(m.lease_until > now(), false) AS leased
FROM message m
WHERE (:#${variable.query.status}::text IS NULL OR m.status = :#${variable.query.status}::text)
  AND (:#${variable.query.leased}::boolean IS NULL OR coalesce(m.lease_until > now(), false) = :#${variable.query.leased}::boolean)
  AND (coalesce(:#${variable.query.leased}::boolean, false) = false
       OR m.id = ANY (ARRAY(
           SELECT id
           FROM (
               SELECT id, lease_until FROM message WHERE status = 'PENDING' AND next_attempt_at <= now()
               ORDER BY next_attempt_at, id
               LIMIT 10000) head
           WHERE lease_until > now())))
  AND (:#${variable.query.phoneNumber}::text IS NULL OR m.phone_number = :#${variable.query.phoneNumber}::text)
  AND (:#${variable.query.reference}::text IS NULL OR m.reference = :#${variable.query.reference}::text)
  AND (:#${variable.query.from}::text IS NULL
       OR m.created_at >= :#${variable.query.from}::timestamptz AND m.id >= :#${variable.query.fromId}::uuid)
  AND (:#${variable.query.to}::text IS NULL
       OR m.created_at < :#${variable.query.to}::timestamptz AND m.id < :#${variable.query.toId}::uuid)
  AND (:#${variable.query.afterId}::uuid IS NULL OR m.id < :#${variable.query.afterId}::uuid)
ORDER BY m.id DESC
LIMIT :#${variable.query.limit} + 1 OFFSET :#${variable.query.offset}
