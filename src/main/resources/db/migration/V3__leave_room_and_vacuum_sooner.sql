-- What: less of each new page of message is filled, and its autovacuum comes sooner.
-- Why: a claim makes a row 24 bytes longer, so half a page was not room enough for all of its rows: one claim in eight
-- wrote index entries. And a table with ten million finished rows was vacuumed only after two million changes, while the
-- claims and the lists read the dead index entries of all that was delivered since. (docs/performance.md)
-- Locks: SHARE UPDATE EXCLUSIVE for a moment; reads and writes go on. Pages that are filled stay as they are.

ALTER TABLE message SET (
    fillfactor = 45,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0.02,
    autovacuum_analyze_threshold = 20000
);
