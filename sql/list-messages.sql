-- Called by route listMessages: one page, newest first, and one more row to know whether another page follows.
-- Guarantees: with a cursor a page is stable while messages come in. Ids are ordered by time of acceptance, so a bound
-- on created_at is also a bound on the id, with a margin for the nodes' clocks, and no page reads more than it must.
-- Each status asked for is read in the order of its own index, and the lists are merged as far as the page needs; with a number,
-- a reference or a class, that one's index leads instead. No index has the time of change, which would double what a receipt
-- writes: the messages are read in order, at most so many, and the last of them has is_end even if it does not fit.
-- Leased messages are among the first 10,000 due ones, because a claim takes the oldest.
SELECT *, coalesce(lease_until > now(), false) AS leased
FROM (
    SELECT *,
        updated_at >= :#${variable.query.updatedFrom}::timestamptz AND updated_at < :#${variable.query.updatedTo}::timestamptz
            AND (:#${variable.query.status}::text[] IS NULL OR status = ANY (:#${variable.query.status}::text[]))
            AND (:#${variable.query.leased}::boolean IS NULL OR status <> 'PENDING'
                 OR coalesce(lease_until > now(), false) = :#${variable.query.leased}::boolean) AS fits,
        row_number() OVER (ORDER BY id DESC) = :#${variable.query.reads} AS is_end
    FROM (
        SELECT *
        FROM (
            (SELECT * FROM message
             WHERE :#${variable.query.lists}::text[] IS NULL
               AND created_at >= :#${variable.query.from}::timestamptz AND created_at < :#${variable.query.to}::timestamptz
               AND id >= :#${variable.query.fromId}::uuid AND id < :#${variable.query.toId}::uuid
               AND (:#${variable.query.phoneNumber}::text IS NULL OR phone_number = :#${variable.query.phoneNumber}::text)
               AND (:#${variable.query.reference}::text IS NULL OR reference = :#${variable.query.reference}::text)
               AND (:#${variable.query.failureClass}::text IS NULL OR last_class = :#${variable.query.failureClass}::text)
               AND (:#${variable.query.byUpdate} OR :#${variable.query.status}::text[] IS NULL OR status = ANY (:#${variable.query.status}::text[]))
               AND (:#${variable.query.byUpdate} OR :#${variable.query.leased}::boolean IS NULL OR status <> 'PENDING'
                    OR coalesce(lease_until > now(), false) = :#${variable.query.leased}::boolean)
             ORDER BY id DESC LIMIT :#${variable.query.reads})
            UNION ALL
            (SELECT * FROM message
             WHERE status = 'SENT' AND 'SENT' = ANY (:#${variable.query.lists}::text[])
               AND created_at >= :#${variable.query.from}::timestamptz AND created_at < :#${variable.query.to}::timestamptz
               AND id >= :#${variable.query.fromId}::uuid AND id < :#${variable.query.toId}::uuid
             ORDER BY id DESC LIMIT :#${variable.query.reads})
            UNION ALL
            (SELECT * FROM message
             WHERE status = 'FAILED' AND 'FAILED' = ANY (:#${variable.query.lists}::text[])
               AND created_at >= :#${variable.query.from}::timestamptz AND created_at < :#${variable.query.to}::timestamptz
               AND id >= :#${variable.query.fromId}::uuid AND id < :#${variable.query.toId}::uuid
             ORDER BY id DESC LIMIT :#${variable.query.reads})
            UNION ALL
            (SELECT * FROM message
             WHERE status = 'UNKNOWN' AND 'UNKNOWN' = ANY (:#${variable.query.lists}::text[])
               AND created_at >= :#${variable.query.from}::timestamptz AND created_at < :#${variable.query.to}::timestamptz
               AND id >= :#${variable.query.fromId}::uuid AND id < :#${variable.query.toId}::uuid
             ORDER BY id DESC LIMIT :#${variable.query.reads})
            UNION ALL
            (SELECT * FROM message
             WHERE status = 'CANCELLED' AND 'CANCELLED' = ANY (:#${variable.query.lists}::text[])
               AND created_at >= :#${variable.query.from}::timestamptz AND created_at < :#${variable.query.to}::timestamptz
               AND id >= :#${variable.query.fromId}::uuid AND id < :#${variable.query.toId}::uuid
             ORDER BY id DESC LIMIT :#${variable.query.reads})
            UNION ALL
            (SELECT * FROM message
             WHERE status = 'EXPIRED' AND 'EXPIRED' = ANY (:#${variable.query.lists}::text[])
               AND created_at >= :#${variable.query.from}::timestamptz AND created_at < :#${variable.query.to}::timestamptz
               AND id >= :#${variable.query.fromId}::uuid AND id < :#${variable.query.toId}::uuid
             ORDER BY id DESC LIMIT :#${variable.query.reads})
            UNION ALL
            (SELECT * FROM message
             WHERE status = 'PENDING' AND 'PENDING' = ANY (:#${variable.query.lists}::text[])
               AND created_at >= :#${variable.query.from}::timestamptz AND created_at < :#${variable.query.to}::timestamptz
               AND id >= :#${variable.query.fromId}::uuid AND id < :#${variable.query.toId}::uuid
               AND (:#${variable.query.leased}::boolean IS NULL OR coalesce(lease_until > now(), false) = :#${variable.query.leased}::boolean)
               AND (coalesce(:#${variable.query.leased}::boolean, false) = false
                    OR id = ANY (ARRAY(
                        SELECT id
                        FROM (
                            SELECT id, lease_until FROM message WHERE status = 'PENDING' AND next_attempt_at <= now()
                            ORDER BY next_attempt_at, id
                            LIMIT 10000) head
                        WHERE lease_until > now())))
             ORDER BY id DESC LIMIT :#${variable.query.reads})
        ) merged
        ORDER BY id DESC
        LIMIT :#${variable.query.reads}) read
    ) judged
WHERE fits OR is_end
ORDER BY id DESC
LIMIT :#${variable.query.limit} + 1 OFFSET :#${variable.query.offset}
