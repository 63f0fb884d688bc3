-- Called by route count-messages: how much of its log PostgreSQL keeps for each replication slot. They share the server's
-- disk, so those of other databases count as well. A slot without restart_lsn keeps nothing.
SELECT slot_name::text, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS retained_bytes
FROM pg_replication_slots
WHERE restart_lsn IS NOT NULL
