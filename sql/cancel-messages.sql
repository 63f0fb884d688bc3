-- Called by route cancelMessages: cancels a slice of the pending messages that no claim is on, as cancel-message.sql does
-- with one; a dry run only counts them.
-- Guarantees: those that are due first come first, after the last of the slice before. It waits for nobody: a row that
-- someone else is changing or claiming is skipped. Tests for null use the text itself, so that the planner can leave a
-- condition out. It looks at 5,000 messages a slice, as retry-messages.sql does.
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
      AND (:#${variable.filter.phoneNumber}::text IS NULL OR m.phone_number = :#${variable.filter.phoneNumber}::text)
      AND (:#${variable.filter.reference}::text IS NULL OR m.reference = :#${variable.filter.reference}::text)
      AND (:#${variable.filter.error}::text IS NULL
           OR strpos(lower(m.last_error), lower(:#${variable.filter.error}::text)) > 0)
      AND (:#${variable.filter.from}::text IS NULL
           OR m.created_at >= :#${variable.filter.from}::text::timestamptz AND m.id >= :#${variable.filter.fromId}::uuid)
      AND (:#${variable.filter.to}::text IS NULL
           OR m.created_at < :#${variable.filter.to}::text::timestamptz AND m.id < :#${variable.filter.toId}::uuid)
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
), cancelled AS (
    UPDATE message m
    SET status = 'CANCELLED', changed_by = :#${variable.key}, updated_at = now(), status_at = now()
    FROM unclaimed
    WHERE m.id = unclaimed.id
    RETURNING m.id
), tallied AS (
    INSERT INTO message_tally (status, n)
    SELECT changed.status, changed.sign * (SELECT count(*) FROM unclaimed)
    FROM (VALUES ('PENDING', -1), ('CANCELLED', 1)) AS changed (status, sign)
    WHERE EXISTS (SELECT FROM unclaimed)
), counts AS (
    SELECT (SELECT count(*) FROM next) AS seen, (SELECT count(*) FROM matched) AS matched
), last AS (
    SELECT at, id
    FROM next
    WHERE (SELECT matched < :#${variable.slice.size} FROM counts) OR id IN (SELECT id FROM matched)
    ORDER BY at DESC, id DESC
    LIMIT 1
)
SELECT matched, (SELECT count(*) FROM cancelled) AS changed, now()::text AS began,
    matched = :#${variable.slice.size} OR seen = 5000 AS more,
    (SELECT at::text FROM last) AS after, (SELECT id FROM last) AS after_id
FROM counts
