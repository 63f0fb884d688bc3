-- What: what a provider says later about a message, and receipts that wait for their message.
-- Why: SENT means that the provider took it; a receipt says whether it arrived. The columns are in no index, so a receipt is
-- a heap-only update. The index of the provider's ids costs the record 345 bytes of WAL a message, and 73 MB per million. A
-- hash index costs half of that, but a provider that answers the same id each time fills one bucket of it, whose pages each
-- record then walks; a btree stores equal ids once. A btree of hashtextextended(webhook_message_id, 0) costs 165 bytes, but the
-- planner has no statistics for it, expects 5,000 of a million, and compiles the statement for seconds.
-- Locks: ACCESS EXCLUSIVE for a moment; columns without a default rewrite nothing, and the check is not valid for rows from
-- before, which have nothing to check. Then SHARE while the index of the provider's ids is built (UPGRADING.md). The release
-- before this one does not use them.

ALTER TABLE message
    ADD COLUMN delivery text,
    ADD COLUMN delivery_at timestamptz,
    ADD COLUMN delivery_code text,
    ADD COLUMN delivery_detail text,
    ADD CONSTRAINT message_delivery_check CHECK (delivery IN ('DELIVERED', 'UNDELIVERED', 'MISSING')) NOT VALID;

COMMENT ON COLUMN message.delivery IS 'what its receipt says; MISSING if none came in time';

-- A receipt names the provider's id.
CREATE INDEX IF NOT EXISTS message_webhook_message_id_idx
    ON message (webhook_message_id) WHERE webhook_message_id IS NOT NULL;

-- Receipts whose message is not known: the record of its outcome may be under way.
CREATE TABLE receipt (
    number             bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    webhook_message_id text        NOT NULL,
    status             text        NOT NULL,
    at                 timestamptz NOT NULL,
    code               text,
    detail             text,
    received_at        timestamptz NOT NULL DEFAULT now(),
    look_at            timestamptz NOT NULL DEFAULT now() + interval '1 s',
    CONSTRAINT receipt_pkey PRIMARY KEY (number),
    CONSTRAINT receipt_status_check CHECK (status IN ('DELIVERED', 'UNDELIVERED'))
);
CREATE INDEX receipt_look_at_idx ON receipt (look_at);

COMMENT ON COLUMN receipt.look_at IS 'when to look for its message again';

-- Up to which message missing receipts were marked: one row, or none while that is off.
CREATE TABLE receipt_watch (
    singleton boolean     NOT NULL DEFAULT true,
    sent_at   timestamptz NOT NULL,
    id        uuid        NOT NULL,
    CONSTRAINT receipt_watch_pkey PRIMARY KEY (singleton),
    CONSTRAINT receipt_watch_singleton_check CHECK (singleton)
);

COMMENT ON COLUMN message_tally.status IS 'a status of message, or a value of its column delivery';
