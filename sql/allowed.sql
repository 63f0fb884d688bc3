-- Part of claim-due.sql and of explain-messages.sql: the condition of the row in scheduler and of bucket.sql under which
-- a claim takes anything, unless somebody asked for it by hand.
running
AND (:#${variable.claim.continuous} OR next_batch_at <= now())
AND (:#${variable.claim.rateLimit} = 0 OR (SELECT tokens FROM bucket) >= 1)
