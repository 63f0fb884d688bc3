-- Called by route change-message: changes what a request names in a pending message if it is not claimed.
-- Guarantees: it leaves alone a message that a node may be sending or that may have been sent: a different text must
-- not go out under the same Idempotency-Key. It changes nothing if a replacement does not name a time that the message has,
-- or if the message could never be sent afterwards. What is about to be sent otherwise begins anew: it is due at once, or at
-- its time.
UPDATE message m
SET phone_number = coalesce(n.phone_number, m.phone_number),
    content = coalesce(n.content, m.content),
    send_at = CASE WHEN 'sendAt' = ANY (n.names) THEN n.send_at ELSE m.send_at END,
    expires_at = CASE WHEN 'expiresAt' = ANY (n.names) THEN n.expires_at ELSE m.expires_at END,
    reference = CASE WHEN 'reference' = ANY (n.names) THEN n.reference ELSE m.reference END,
    metadata = CASE WHEN 'metadata' = ANY (n.names) THEN n.metadata ELSE m.metadata END,
    next_attempt_at = CASE
        WHEN n.anew THEN greatest(CASE WHEN 'sendAt' = ANY (n.names) THEN n.send_at ELSE m.send_at END, now())
        ELSE m.next_attempt_at
    END,
    failing_since = CASE WHEN NOT n.anew THEN m.failing_since END,
    misconfigured = CASE WHEN NOT n.anew THEN m.misconfigured END,
    changed_by = :#${variable.key},
    updated_at = now()
FROM (
    SELECT names, names && '{phoneNumber,content,sendAt}' AS anew,
        :#${variable.change.whole}::boolean AS whole,
        :#${variable.change.phoneNumber}::text AS phone_number,
        :#${variable.change.content}::text AS content,
        :#${variable.change.sendAtText}::timestamptz AS send_at,
        :#${variable.change.expiresAtText}::timestamptz AS expires_at,
        :#${variable.change.reference}::text AS reference,
        :#${variable.change.metadataJson}::json AS metadata
    FROM (VALUES (:#${variable.change.names}::text[])) AS request (names)) n
WHERE m.id = :#${variable.id}::uuid AND m.status = 'PENDING' AND m.claim_id IS NULL
  AND (NOT n.whole
       OR (m.send_at IS NULL OR 'sendAt' = ANY (n.names)) AND (m.expires_at IS NULL OR 'expiresAt' = ANY (n.names)))
  AND coalesce(
      CASE WHEN 'expiresAt' = ANY (n.names) THEN n.expires_at ELSE m.expires_at END
          > CASE WHEN 'sendAt' = ANY (n.names) THEN n.send_at ELSE m.send_at END,
      true)
  AND NOT EXISTS (SELECT FROM attempt a WHERE a.message_id = m.id AND a.class = 'MAYBE_SENT')
RETURNING m.*, false AS leased
