-- What: the token bucket of webhook.rate-limit, one row in a table of its own.
-- Why: all nodes take their deliveries from it, in the claim's statement. A claim may also take the cluster's turn in the
-- scheduler's row, and one statement cannot change one row twice.
-- Locks: none that matter, the table is new. The release before this one does not use it.

CREATE TABLE delivery_rate (
    singleton boolean          NOT NULL DEFAULT true,
    tokens    double precision NOT NULL DEFAULT 0,
    at        timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT delivery_rate_pkey PRIMARY KEY (singleton),
    CONSTRAINT delivery_rate_singleton_check CHECK (singleton)
);

COMMENT ON COLUMN delivery_rate.tokens IS 'messages that could be claimed at that time; more come with time, up to one second''s';

INSERT INTO delivery_rate DEFAULT VALUES;
