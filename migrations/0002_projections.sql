-- Which build of each view is read, which builds there are, and how far each has come.
--
-- The views themselves are in no migration, as they can be made anew from the log: each build has a schema of its own,
-- made by the program as orders_app, so that every login of that group may go on with it.

CREATE TABLE projection_builds (
    -- <projection>_v<version>_<build>, such as order_list_v3_2.
    schema_name text COLLATE "C" PRIMARY KEY CHECK (schema_name ~ '^[a-z][a-z0-9_]{0,62}$'),
    projection  text COLLATE "C" NOT NULL,
    version     integer          NOT NULL CHECK (version > 0),
    build       integer          NOT NULL CHECK (build > 0),
    -- What changes the meaning of its rows, such as {"time_zone": "Europe/Berlin"}.
    settings    jsonb            NOT NULL,
    -- The log that its positions are of.
    log_id      uuid             NOT NULL,
    epoch       bigint           NOT NULL CHECK (epoch > 0),
    -- filling (tables, no indexes yet), catching_up (indexed), active (the one that is read), retired.
    state       text COLLATE "C" NOT NULL CHECK (state IN ('filling', 'catching_up', 'active', 'retired')),
    -- Why it stopped, for people; NULL while it goes on.
    error       text,
    created_at  timestamptz      NOT NULL DEFAULT now(),
    updated_at  timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT projection_builds_numbered UNIQUE (projection, version, build)
);

-- Promotion changes one row here.
CREATE TABLE projections (
    name          text COLLATE "C" PRIMARY KEY,
    active_schema text COLLATE "C" NOT NULL REFERENCES projection_builds (schema_name)
);

-- How far each build has come: its row of the highest revision counts.
--
-- A step inserts the next revision in the transaction of the rows that it writes, so of two writers one violates the key
-- and has written nothing: compare and set. Rows are added and swept, never updated: every read looks here, and an
-- updated row's old versions would slow it for as long as any snapshot (an export, a backup) stays open.
CREATE TABLE projection_checkpoints (
    schema_name text COLLATE "C" NOT NULL REFERENCES projection_builds (schema_name) ON DELETE CASCADE,
    revision    bigint           NOT NULL CHECK (revision > 0),
    -- Every event up to here is in the build's rows, and none behind it.
    position    bigint           NOT NULL CHECK (position >= 0),
    -- Whether the build is the one that is read. Retiring it is a revision too: whoever still writes to it loses.
    serves      boolean          NOT NULL,
    CONSTRAINT projection_checkpoints_revision PRIMARY KEY (schema_name, revision)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

GRANT SELECT, INSERT, UPDATE, DELETE ON projection_builds TO orders_app;
GRANT SELECT, INSERT, UPDATE ON projections TO orders_app;
GRANT SELECT, INSERT, DELETE ON projection_checkpoints TO orders_app;
