-- Called by route retryMessages: makes a slice of the failed or unknown messages due now, as retry-message.sql does with
-- one; a dry run only counts them.
-- Guarantees: those that ended first come first, after the last of the slice before, and none that ended since the first
-- slice: one that fails again is not taken again. An expired message stays as it is. It waits for nobody: a row that
-- someone else is changing is skipped.
-- It looks at 5,000 messages a slice: with the filter beside this limit the planner would sort all of them each time.
WITH next AS MATERIALIZED (
    SELECT m.*, coalesce(m.status_at, timestamptz 'epoch') AS at
    FROM message m
    WHERE m.status = :#${variable.filter.status}
      AND (:#${variable.slice.after}::text IS NULL
           OR (coalesce(m.status_at, timestamptz 'epoch'), m.id)
               > (:#${variable.slice.after}::text::timestamptz, :#${variable.slice.afterId}::uuid))
    ORDER BY coalesce(m.status_at, timestamptz 'epoch'), m.id
    LIMIT 5000
), matched AS (
    SELECT m.id, m.at
    FROM next m
    WHERE (m.expires_at IS NULL OR m.expires_at > now())
      AND m.at <= coalesce(:#${variable.slice.began}::text::timestamptz, now())
      AND (
          \i sql/mass-filter.sql
      )
    ORDER BY m.at, m.id
    LIMIT :#${variable.slice.size}
), due AS (
    SELECT m.id, m.status, m.delivery
    FROM message m
    WHERE NOT :#${variable.filter.dryRun}::boolean
      AND m.id = ANY (ARRAY(SELECT id FROM matched))
      AND m.status = :#${variable.filter.status}
    ORDER BY m.id
    FOR UPDATE SKIP LOCKED
), changed AS (
    UPDATE message m
    SET status = 'PENDING', attempts = 0, next_attempt_at = now(), failing_since = NULL, misconfigured = NULL,
        delivery = NULL, delivery_at = NULL, delivery_code = NULL, delivery_detail = NULL,
        changed_by = :#${variable.key}, updated_at = now(), status_at = now()
    FROM due
    WHERE m.id = due.id
    RETURNING m.id
), tallied AS (
    INSERT INTO message_tally (status, n)
    SELECT 'PENDING', count(*) FROM due HAVING count(*) > 0
    UNION ALL SELECT status, -count(*) FROM due GROUP BY status
    UNION ALL SELECT delivery, -count(*) FROM due WHERE delivery IS NOT NULL GROUP BY delivery
),
\i sql/mass-slice.sql
