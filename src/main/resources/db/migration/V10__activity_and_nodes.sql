-- What: what happened in each minute, and the nodes that run on this database.
-- Why: the dashboard shows the last hours and all nodes, and must not count messages for it. The tally's rows are added up
-- by the minute before they are summed up for good.
-- Locks: none that matter, the tables are new. The release before this one uses neither: what it sums up while both run
-- is missing in the curves.

CREATE TABLE activity (
    minute timestamptz NOT NULL,
    what   text        NOT NULL,
    n      bigint      NOT NULL,
    CONSTRAINT activity_pkey PRIMARY KEY (minute, what)
);

COMMENT ON COLUMN activity.what IS 'ACCEPTED, or the status that messages got in this minute: SENT, FAILED, UNKNOWN';

-- A row that changes every few seconds: half of the page is left for that.
CREATE TABLE node (
    id         uuid        NOT NULL,
    name       text        NOT NULL,
    version    text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    flow       text        NOT NULL,
    status     text        NOT NULL,
    problems   json        NOT NULL,
    CONSTRAINT node_pkey PRIMARY KEY (id)
) WITH (fillfactor = 50);

COMMENT ON COLUMN node.id IS 'one for each start of a process; removed when it stops as it should';
COMMENT ON COLUMN node.flow IS 'the digest of the files that it runs';
COMMENT ON COLUMN node.problems IS 'the parts of its health that are not UP: [{check, status, detail}]';
