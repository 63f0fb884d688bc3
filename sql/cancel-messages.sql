-- Called by route cancelMessages: cancels a slice of the pending messages that no claim is on, as cancel-message.sql does
-- with one; a dry run only counts them.
-- Guarantees: those that are due first come first, after the last of the slice before. It waits for nobody: a row that
-- someone else is changing or claiming is skipped. It looks at 5,000 messages a slice, as retry-messages.sql does.
WITH next AS MATERIALIZED (
    SELECT m.*, m.next_attempt_at AS at
    FROM message m
    WHERE m.status = 'PENDING'
      AND (:#${variable.slice.after}::text IS NULL
           OR (m.next_attempt_at, m.id) > (:#${variable.slice.after}::text::timestamptz, :#${variable.slice.afterId}::uuid))
    ORDER BY m.next_attempt_at, m.id
    LIMIT 5000
), matched AS (
    SELECT m.id, m.at
    FROM next m
    WHERE m.claim_id IS NULL
      AND (
          \i sql/mass-filter.sql
      )
    ORDER BY m.at, m.id
    LIMIT :#${variable.slice.size}
), unclaimed AS (
    SELECT m.id
    FROM message m
    WHERE NOT :#${variable.filter.dryRun}::boolean
      AND m.id = ANY (ARRAY(SELECT id FROM matched))
      AND m.status = 'PENDING'
      AND m.claim_id IS NULL
    ORDER BY m.id
    FOR UPDATE SKIP LOCKED
), changed AS (
    UPDATE message m
    SET status = 'CANCELLED', changed_by = :#${variable.key}, updated_at = now(), status_at = now()
    FROM unclaimed
    WHERE m.id = unclaimed.id
    RETURNING m.id
), tallied AS (
    INSERT INTO message_tally (status, n)
    SELECT change.status, change.sign * (SELECT count(*) FROM unclaimed)
    FROM (VALUES ('PENDING', -1), ('CANCELLED', 1)) AS change (status, sign)
    WHERE EXISTS (SELECT FROM unclaimed)
),
\i sql/mass-slice.sql
