-- What: since when a message fails, and whether the last of these failures was a wrong URL or key.
-- Why: what certainly was not sent is tried again by time and not by count, so the time must outlive the node.
-- Locks: ACCESS EXCLUSIVE for a moment; columns without a default rewrite nothing. The release before this one does not
-- use them.

ALTER TABLE message
    ADD COLUMN failing_since timestamptz,
    ADD COLUMN misconfigured boolean;

COMMENT ON COLUMN message.failing_since IS 'when the first attempt began of those that failed and left it due again';
COMMENT ON COLUMN message.misconfigured IS 'whether the last of them met a wrong URL or key (class MISCONFIGURED)';
