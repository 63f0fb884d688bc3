-- Called by route cancelMessages: cancels a slice of the pending messages that no claim is on, as cancel-message.sql does
-- with one; a dry run only counts them.
-- Guarantees: those that are due first come first, after the last of the slice before. It waits for nobody: a row that
-- someone else is changing or claiming is skipped. Tests for null use the text itself, so that the planner can leave a
-- condition out.
WITH matched AS (
    SELECT m.id, m.next_attempt_at AS at
    FROM message m
    WHERE m.status = 'PENDING'
      AND m.claim_id IS NULL
      AND (:#${variable.slice.after}::text IS NULL
           OR (m.next_attempt_at, m.id) > (:#${variable.slice.after}::text::timestamptz, :#${variable.slice.afterId}::uuid))
      AND (:#${variable.filter.phoneNumber}::text IS NULL OR m.phone_number = :#${variable.filter.phoneNumber}::text)
      AND (:#${variable.filter.reference}::text IS NULL OR m.reference = :#${variable.filter.reference}::text)
      AND (:#${variable.filter.error}::text IS NULL
           OR strpos(lower(m.last_error), lower(:#${variable.filter.error}::text)) > 0)
      AND (:#${variable.filter.from}::text IS NULL
           OR m.created_at >= :#${variable.filter.from}::text::timestamptz AND m.id >= :#${variable.filter.fromId}::uuid)
      AND (:#${variable.filter.to}::text IS NULL
           OR m.created_at < :#${variable.filter.to}::text::timestamptz AND m.id < :#${variable.filter.toId}::uuid)
    ORDER BY m.next_attempt_at, m.id
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
), last AS (
    SELECT at, id FROM matched ORDER BY at DESC, id DESC LIMIT 1
)
SELECT (SELECT count(*) FROM matched) AS matched, (SELECT count(*) FROM cancelled) AS changed, now()::text AS began,
    (SELECT count(*) FROM matched) = :#${variable.slice.size} AS more,
    (SELECT at::text FROM last) AS after, (SELECT id FROM last) AS after_id
