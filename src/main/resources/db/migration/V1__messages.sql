-- What: the messages, their failed attempts, the tally of statuses, idempotency keys, and the scheduler's switch.
-- Why: the first schema.
-- Locks: none that matter, every table is new.

-- A claim is a lease (claim_id, lease_until), not a status. No index holds the lease or the attempts, so a claim is
-- a heap-only update; half of each page is left free for it and for the update that records the outcome.
CREATE TABLE message (
    id                 uuid        NOT NULL,
    phone_number       text        NOT NULL,
    content            text        NOT NULL,
    status             text        NOT NULL DEFAULT 'PENDING',
    attempts           integer     NOT NULL DEFAULT 0,
    max_attempts       integer     NOT NULL,
    next_attempt_at    timestamptz NOT NULL DEFAULT now(),
    claim_id           uuid,
    lease_until        timestamptz,
    webhook_message_id text,
    last_error         text,
    correlation_id     text,
    changed_by         text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    send_at            timestamptz,
    expires_at         timestamptz,
    sent_at            timestamptz,
    CONSTRAINT message_pkey PRIMARY KEY (id),
    CONSTRAINT message_status_check
        CHECK (status IN ('PENDING', 'SENT', 'FAILED', 'UNKNOWN', 'CANCELLED', 'EXPIRED')),
    CONSTRAINT message_attempts_check CHECK (attempts >= 0 AND max_attempts > 0),
    CONSTRAINT message_claim_check CHECK ((claim_id IS NULL) = (lease_until IS NULL)),
    CONSTRAINT message_lease_check CHECK (claim_id IS NULL OR status = 'PENDING'),
    CONSTRAINT message_sent_check CHECK ((status = 'SENT') = (sent_at IS NOT NULL))
) WITH (fillfactor = 50);

COMMENT ON COLUMN message.id IS 'UUIDv7, made by the application: ordered by time of acceptance';
COMMENT ON COLUMN message.attempts IS 'POSTs that count toward max_attempts, with the one under way';
COMMENT ON COLUMN message.claim_id IS 'the claim that holds the lease; every later write names it (the fence)';
COMMENT ON COLUMN message.lease_until IS 'when the claim ends by itself and the message may be claimed again';

-- The claim's own order.
CREATE INDEX message_due_idx ON message (next_attempt_at, id) WHERE status = 'PENDING';
-- GET /messages/sent and the removal of old rows.
CREATE INDEX message_sent_idx ON message (sent_at, id) WHERE status = 'SENT';
-- GET /messages?phoneNumber=
CREATE INDEX message_phone_number_idx ON message (phone_number, id);
-- GET /messages?status= for the few that need a person's eye.
CREATE INDEX message_closed_idx ON message (status, id)
    WHERE status IN ('FAILED', 'UNKNOWN', 'CANCELLED', 'EXPIRED');
-- The messages that can run out of time.
CREATE INDEX message_expires_idx ON message (expires_at) WHERE status = 'PENDING' AND expires_at IS NOT NULL;

-- Attempts that failed. A first-try success needs no row. One claim makes at most one attempt on a message.
CREATE TABLE attempt (
    message_id  uuid        NOT NULL,
    claim_id    uuid        NOT NULL,
    number      integer     NOT NULL,
    at          timestamptz NOT NULL,
    duration_ms integer,
    http_status integer,
    class       text        NOT NULL,
    error       text,
    CONSTRAINT attempt_pkey PRIMARY KEY (message_id, claim_id),
    CONSTRAINT attempt_message_fkey FOREIGN KEY (message_id) REFERENCES message ON DELETE CASCADE,
    CONSTRAINT attempt_class_check CHECK (class IN ('NOT_SENT', 'MISCONFIGURED', 'REFUSED', 'MAYBE_SENT'))
);

COMMENT ON COLUMN attempt.at IS 'when the attempt began; of an orphaned lease, when it was found';

-- How many messages have each status, as changes: every statement that changes a status adds its difference here, in
-- its own transaction, and a housekeeping statement sums them up. Counting millions of rows would take too long.
CREATE TABLE message_tally (
    status text        NOT NULL,
    n      bigint      NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
);

-- The Idempotency-Key of a create, who sent it, the hash of its body, and what it made.
CREATE TABLE idempotency_key (
    owner        text        NOT NULL,
    key          text        NOT NULL,
    request_hash bytea       NOT NULL,
    message_ids  uuid[]      NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_key_pkey PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_key_created_at_idx ON idempotency_key (created_at);

-- The switch that every node's claim reads: one row.
CREATE TABLE scheduler (
    singleton     boolean     NOT NULL DEFAULT true,
    running       boolean     NOT NULL,
    changed_at    timestamptz NOT NULL DEFAULT now(),
    changed_by    text,
    reason        text,
    next_batch_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT scheduler_pkey PRIMARY KEY (singleton),
    CONSTRAINT scheduler_singleton_check CHECK (singleton)
);

COMMENT ON COLUMN scheduler.next_batch_at IS 'paced sending: when the next batch of the whole cluster is due';
