-- Part of sum-tally.sql and of get-activity.sql: what the tally's rows in counted say of their minutes. What a change of
-- status takes from one status and gives to another cancels out in the sum of all, so what is left there was accepted.
SELECT date_trunc('minute', at) AS minute, 'ACCEPTED' AS what, n
FROM counted
WHERE status IN ('PENDING', 'SENT', 'FAILED', 'UNKNOWN', 'CANCELLED', 'EXPIRED')
UNION ALL
SELECT date_trunc('minute', at), status, n
FROM counted
WHERE status IN ('SENT', 'FAILED', 'UNKNOWN') AND n > 0
