-- Called by route listMessages: one page, newest first, and one row more to know whether another page follows.
-- Guarantees: with a cursor a page is stable while messages come in. Ids are ordered by time of acceptance, so a bound on
-- created_at is, with room for a node's clock, a bound on the id, and no page reads more than it must. What is leased is
-- among the first 10,000 of the due ones, for a claim takes the oldest. A test for null is on the text as it came: a cast to
-- a time is not known to the planner, and the whole table would be read.
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
  AND (:#${variable.query.from}::text IS NULL
       OR m.created_at >= :#${variable.query.from}::timestamptz AND m.id >= :#${variable.query.fromId}::uuid)
  AND (:#${variable.query.to}::text IS NULL
       OR m.created_at < :#${variable.query.to}::timestamptz AND m.id < :#${variable.query.toId}::uuid)
  AND (:#${variable.query.afterId}::uuid IS NULL OR m.id < :#${variable.query.afterId}::uuid)
ORDER BY m.id DESC
LIMIT :#${variable.query.limit} + 1 OFFSET :#${variable.query.offset}
