-- Called by route updateMessage: replaces a pending message if it is not claimed.
-- Guarantees: it leaves alone a message that a node may be sending or that may have been sent: a different text must
-- not go out under the same Idempotency-Key.
UPDATE message m
SET phone_number = :#${variable.draft.phoneNumber},
    content = :#${variable.draft.content},
    send_at = :#${variable.draft.sendAtText}::timestamptz,
    expires_at = :#${variable.draft.expiresAtText}::timestamptz,
    reference = :#${variable.draft.reference},
    metadata = :#${variable.draft.metadataJson}::json,
    next_attempt_at = greatest(:#${variable.draft.sendAtText}::timestamptz, now()),
    failing_since = NULL,
    misconfigured = NULL,
    changed_by = :#${variable.key},
    updated_at = now()
WHERE m.id = :#${variable.id}::uuid AND m.status = 'PENDING' AND m.claim_id IS NULL
  AND NOT EXISTS (SELECT FROM attempt a WHERE a.message_id = m.id AND a.class = 'MAYBE_SENT')
RETURNING m.*, false AS leased
