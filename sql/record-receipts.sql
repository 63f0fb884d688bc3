-- Called by routes receipt and match-receipts: records receipts, new ones or kept ones, and counts what became of them.
-- Guarantees: the end does not depend on the order. DELIVERED replaces UNDELIVERED and MISSING, UNDELIVERED replaces MISSING,
-- and anything else changes nothing. Nothing but the delivery and updated_at of a message changes. If several messages have
-- the provider's id, none is changed. If none has it yet, the receipt is kept, at most as long as asked and until 100,000
-- later ones were; it is looked at again after as long as it has waited. Messages are locked in id order.
WITH due AS (
    SELECT *
    FROM receipt
    WHERE :#${variable.receipts.kept} AND look_at <= now()
    ORDER BY look_at
    LIMIT 2000
    FOR UPDATE SKIP LOCKED
), given AS (
    SELECT n, id, message_id, status, coalesce(at, now()) AS at, code, detail, NULL::timestamptz AS received_at
    FROM unnest(
        :#${variable.receipts.ids}::uuid[], :#${variable.receipts.messageIds}::text[], :#${variable.receipts.statuses}::text[],
        :#${variable.receipts.ats}::timestamptz[], :#${variable.receipts.codes}::text[], :#${variable.receipts.details}::text[])
        WITH ORDINALITY
        AS r (id, message_id, status, at, code, detail, n)
    UNION ALL
    SELECT number, NULL, webhook_message_id, status, at, code, detail, received_at FROM due
), meant AS (
    SELECT n, (array_agg(m.id))[1] AS id, count(*) AS messages
    FROM given
    -- With the limits, the plan is a look-up for each, however many there may be.
    CROSS JOIN LATERAL (
        (SELECT id FROM message WHERE id = given.id LIMIT 1)
        UNION ALL
        (SELECT id FROM message WHERE webhook_message_id = given.message_id LIMIT 2)) m
    GROUP BY n
), held AS (
    SELECT id, delivery
    FROM message
    WHERE id = ANY (ARRAY(SELECT id FROM meant WHERE messages = 1))
    ORDER BY id
    FOR NO KEY UPDATE
), best AS (
    SELECT DISTINCT ON (meant.id) meant.id, n, status, at, code, detail
    FROM meant JOIN given USING (n)
    WHERE messages = 1
    ORDER BY meant.id, status = 'UNDELIVERED', n
), changed AS (
    UPDATE message m
    SET delivery = best.status, delivery_at = best.at, delivery_code = best.code, delivery_detail = best.detail,
        updated_at = now()
    FROM held JOIN best USING (id)
    WHERE m.id = held.id
      AND (held.delivery IS NULL OR held.delivery = 'MISSING' OR held.delivery = 'UNDELIVERED' AND best.status = 'DELIVERED')
    RETURNING best.n, held.delivery AS before, m.delivery AS after
), tallied AS (
    INSERT INTO message_tally (status, n)
    SELECT status, sum(n)
    FROM (SELECT after AS status, 1 AS n FROM changed UNION ALL SELECT before, -1 FROM changed WHERE before IS NOT NULL) c
    GROUP BY status
), kept AS (
    INSERT INTO receipt (webhook_message_id, status, at, code, detail)
    SELECT message_id, status, at, code, detail
    FROM given LEFT JOIN meant USING (n)
    WHERE meant.n IS NULL AND message_id IS NOT NULL AND received_at IS NULL AND :#${variable.receipts.keepMs} > 0
), pushed_out AS (
    DELETE FROM receipt
    WHERE number = ANY (ARRAY(
        SELECT number FROM receipt
        WHERE NOT :#${variable.receipts.kept} AND number <= (SELECT max(number) - 100000 FROM receipt)
        FOR UPDATE SKIP LOCKED))
    RETURNING number
), result AS (
    SELECT n, received_at IS NOT NULL AS was_kept,
        CASE
            WHEN messages > 1 THEN 'ambiguous'
            WHEN changed.n IS NOT NULL THEN 'matched'
            WHEN messages = 1 THEN 'repeated'
            WHEN given.id IS NOT NULL THEN 'unknown'
            WHEN coalesce(received_at, now()) <= now() - :#${variable.receipts.keepMs} * interval '1 ms' THEN 'unknown'
            ELSE 'kept'
        END AS result
    FROM given LEFT JOIN meant USING (n) LEFT JOIN changed USING (n)
), settled AS (
    DELETE FROM receipt WHERE number = ANY (ARRAY(SELECT n FROM result WHERE was_kept AND result <> 'kept'))
), later AS (
    UPDATE receipt
    SET look_at = now() + greatest(now() - received_at, interval '1 s')
    WHERE number = ANY (ARRAY(SELECT n FROM result WHERE was_kept AND result = 'kept'))
)
SELECT result, count(*) AS n FROM result WHERE NOT was_kept OR result <> 'kept' GROUP BY result
UNION ALL
SELECT 'unknown', count(*) FROM pushed_out HAVING count(*) > 0
