-- What: when the status of a message last changed.
-- Why: PostgreSQL's log has a row after its update and not before it. A row whose status_at is its updated_at has just
-- changed its status, and becomes an event; all other updates, like a claim, leave status_at behind.
-- Locks: ACCESS EXCLUSIVE for a moment; a column without a default rewrites nothing. The release before this one does not
-- set it, so the changes that it makes are no events (UPGRADING.md).

ALTER TABLE message ADD COLUMN status_at timestamptz;

COMMENT ON COLUMN message.status_at IS 'when the status last changed; null while it is the first';
