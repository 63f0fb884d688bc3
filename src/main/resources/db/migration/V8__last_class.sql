-- What: the class of the last failed attempt of a message that was not sent, and an index for GET /messages?class=.
-- Why: in table attempt a class cannot be found in the order of messages, and most of its messages were sent in the end. A
-- message that is sent at the first try has no class and no entry: its insert, claim and record write what they did before.
-- Locks: ACCESS EXCLUSIVE for a moment; a column without a default rewrites nothing. Then SHARE while the index is built: it has
-- no entry yet, but the whole table is read (UPGRADING.md). The release before this one does not set it.

ALTER TABLE message ADD COLUMN IF NOT EXISTS last_class text;

COMMENT ON COLUMN message.last_class IS 'the class of the last attempt, if that failed; a sent message has none';

CREATE INDEX IF NOT EXISTS message_last_class_idx ON message (last_class, id) WHERE last_class IS NOT NULL;
