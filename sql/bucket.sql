-- Part of claim-due.sql and of explain-messages.sql: how many messages webhook.rate-limit lets all nodes take now; no row
-- without a limit.
SELECT least(:#${variable.claim.rateLimit}::float8,
    tokens + greatest(0, extract(epoch FROM now() - at)) * :#${variable.claim.rateLimit}::float8) AS tokens
FROM delivery_rate
WHERE :#${variable.claim.rateLimit} > 0
