-- What: phone numbers, references, the provider's ids, and the owners and keys of idempotency are compared by their bytes.
-- Why: they are in indexes, and a database compares texts there by the rules of its language. Each delivered message adds its
-- number and the provider's id, so with English rules (ICU) these comparisons were a fifth of what PostgreSQL spent on a record,
-- for an order that nothing asks for. And an upgrade of the system can change such rules and so break the indexes.
-- Locks: ACCESS EXCLUSIVE while four indexes are built again (UPGRADING.md); the table is not rewritten. For the release before
-- this one nothing changes: equal texts are equal with both.

ALTER TABLE message
    ALTER COLUMN phone_number TYPE text COLLATE "C",
    ALTER COLUMN webhook_message_id TYPE text COLLATE "C",
    ALTER COLUMN reference TYPE text COLLATE "C";

ALTER TABLE idempotency_key
    ALTER COLUMN owner TYPE text COLLATE "C",
    ALTER COLUMN key TYPE text COLLATE "C";
