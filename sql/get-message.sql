-- Called by route find-message: one message.
SELECT m.*, coalesce(m.lease_until > now(), false) AS leased
FROM message m
WHERE m.id = :#${variable.id}::uuid
