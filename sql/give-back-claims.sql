-- Called by route dispatch-tick: gives back the messages of claims whose answer this node did not get.
-- Guarantees: nobody has posted them, so they are due again as if they had never been claimed. A message that another
-- claim has taken since is left alone, and so is one that was an orphan when the lost claim took it: it may have been
-- sent before. Leased messages are among the first 10,000 due ones, because a claim takes the oldest.
WITH lost AS (
    SELECT id, claim_id
    FROM (
        SELECT id, claim_id, attempts FROM message
        WHERE status = 'PENDING' AND next_attempt_at <= now()
        ORDER BY next_attempt_at, id
        LIMIT 10000) head
    WHERE claim_id = ANY (:#${variable.lost}::uuid[])
      AND NOT EXISTS (
          SELECT FROM attempt a
          WHERE a.message_id = head.id AND a.number = head.attempts - 1 AND a.class = 'MAYBE_SENT' AND a.duration_ms IS NULL)
), given AS (
    UPDATE message m
    SET claim_id = NULL, lease_until = NULL, attempts = m.attempts - 1
    FROM lost
    WHERE m.id = lost.id AND m.claim_id = lost.claim_id
    RETURNING lost.claim_id
)
SELECT claim_id, count(*) AS messages FROM given GROUP BY claim_id
