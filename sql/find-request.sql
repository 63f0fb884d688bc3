-- Called by route find-request: the messages of an earlier request with this Idempotency-Key, and its body's hash.
SELECT m.*, coalesce(m.lease_until > now(), false) AS leased, encode(k.request_hash, 'hex') AS request_hash
FROM idempotency_key k
CROSS JOIN unnest(k.message_ids) WITH ORDINALITY AS made (id, n)
JOIN message m ON m.id = made.id
WHERE k.owner = :#${variable.request.owner} AND k.key = :#${variable.request.key}
ORDER BY made.n
