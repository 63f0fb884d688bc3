-- Part of claim-due.sql and of explain-messages.sql: the condition under which a claim takes a message. A condition of
-- yours belongs here, so that GET /messages/{id}/why knows it, too.
status = 'PENDING'
AND next_attempt_at <= now()
AND (lease_until IS NULL OR lease_until <= now())
AND (expires_at IS NULL OR expires_at > now())
