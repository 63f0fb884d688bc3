-- What: an index of the FAILED and UNKNOWN messages in the order in which they got that status.
-- Why: POST /messages/actions/retry begins with those that ended first. One that fails again ends later, so it goes behind the
-- others, and no message is taken again and again while others wait. Only those messages are in the index, so a delivery
-- that succeeds does not write it.
-- Locks: SHARE while the index is built: the whole table is read, and no node stores or claims (UPGRADING.md). The release
-- before this one does not use it.

CREATE INDEX IF NOT EXISTS message_retry_idx
    ON message (status, (coalesce(status_at, timestamptz 'epoch')), id) WHERE status IN ('FAILED', 'UNKNOWN');
