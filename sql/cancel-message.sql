-- Called by route cancelMessage: cancels a pending message if it is not claimed.
WITH cancelled AS (
    UPDATE message m
    SET status = 'CANCELLED', changed_by = :#${variable.key}, updated_at = now(), status_at = now()
    WHERE m.id = :#${variable.id}::uuid AND m.status = 'PENDING' AND m.claim_id IS NULL
    RETURNING m.*
), tallied AS (
    INSERT INTO message_tally (status, n)
    SELECT changed.status, changed.n FROM cancelled, (VALUES ('PENDING', -1), ('CANCELLED', 1)) AS changed (status, n)
)
SELECT *, false AS leased FROM cancelled
