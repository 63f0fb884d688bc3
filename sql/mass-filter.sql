-- Part of retry-messages.sql and of cancel-messages.sql: the filter that the request has. Tests for null use the text itself,
-- so that the planner can leave a condition out.
(:#${variable.filter.phoneNumber}::text IS NULL OR m.phone_number = :#${variable.filter.phoneNumber}::text)
AND (:#${variable.filter.reference}::text IS NULL OR m.reference = :#${variable.filter.reference}::text)
AND (:#${variable.filter.error}::text IS NULL
     OR strpos(lower(m.last_error), lower(:#${variable.filter.error}::text)) > 0)
AND (:#${variable.filter.from}::text IS NULL
     OR m.created_at >= :#${variable.filter.from}::text::timestamptz AND m.id >= :#${variable.filter.fromId}::uuid)
AND (:#${variable.filter.to}::text IS NULL
     OR m.created_at < :#${variable.filter.to}::text::timestamptz AND m.id < :#${variable.filter.toId}::uuid)
