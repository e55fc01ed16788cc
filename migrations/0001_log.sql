-- The log, and what is written in one transaction with it.
--
-- Runs as the owner. The program connects as a member of orders_app, which may read and append and nothing else:
-- immutability is a matter of grants here, not of manners.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_app') THEN
        CREATE ROLE orders_app NOLOGIN;
    END IF;
EXCEPTION
    -- Roles belong to the whole cluster: another database's migration may make it at this moment.
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the role orders_app is missing and % may not create it', current_user
            USING HINT = 'As a superuser: CREATE ROLE orders_app NOLOGIN';
END
$$;

-- Projections make a schema of their own for each build.
DO $$
BEGIN
    EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO orders_app', current_database());
END
$$;
GRANT USAGE ON SCHEMA public TO orders_app;

-- The first seven columns are the ones that postgres-es reads; the rest is ours.
CREATE TABLE events (
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id   text COLLATE "C" NOT NULL,
    sequence       bigint           NOT NULL CHECK (sequence > 0),
    event_type     text COLLATE "C" NOT NULL,
    event_version  text COLLATE "C" NOT NULL,
    payload        json             NOT NULL,
    metadata       json             NOT NULL,
    -- 1, 2, 3, … in commit order, across all aggregates.
    position       bigint           NOT NULL CHECK (position > 0),
    event_id       uuid             NOT NULL,
    -- Never runs backwards along position.
    recorded_at    timestamptz      NOT NULL,
    CONSTRAINT events_stream PRIMARY KEY (aggregate_type, aggregate_id, sequence),
    CONSTRAINT events_position UNIQUE (position)
);

-- Products are few among many orders: whoever follows the catalogue reads these alone.
CREATE INDEX events_of_products ON events (position) WHERE aggregate_type = 'product';

-- One row: what appends lock, and who this log is. Locked, never rewritten by the program: an updated row bloats and
-- slows under any open snapshot.
CREATE TABLE log_head (
    only_row   boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    log_id     uuid        NOT NULL DEFAULT gen_random_uuid(),
    -- Counts restores to an earlier point: positions after it may have come before with other content.
    epoch      bigint      NOT NULL DEFAULT 1 CHECK (epoch > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Exists to be granted: a row lock needs the right to update some column.
    lockable   boolean     NOT NULL DEFAULT true
);
INSERT INTO log_head DEFAULT VALUES;

-- Takes the place at the end of the log and says where that is. The lock lasts until the transaction ends.
--
-- VOLATILE, so that the second statement reads with a snapshot of its own, taken after the lock: it sees what the
-- holder before committed, although the calling statement's snapshot is older.
CREATE FUNCTION log_lock(OUT last_position bigint, OUT at timestamptz)
    LANGUAGE plpgsql VOLATILE AS
$$
BEGIN
    PERFORM FROM log_head FOR NO KEY UPDATE;
    SELECT e.position, greatest(clock_timestamp(), e.recorded_at)
      INTO last_position, at
      FROM events AS e
     ORDER BY e.position DESC
     LIMIT 1;
    IF NOT FOUND THEN
        last_position := 0;
        at := clock_timestamp();
    END IF;
END
$$;

CREATE FUNCTION refuse_to_change_history() RETURNS trigger
    LANGUAGE plpgsql AS
$$
BEGIN
    RAISE EXCEPTION 'events are never changed: % on % is refused', TG_OP, TG_TABLE_NAME;
END
$$;
CREATE TRIGGER events_are_never_changed
    BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_history();

-- The answers to commands that came with an Idempotency-Key: successes alone, in the transaction of their events.
CREATE TABLE idempotency_keys (
    -- SHA-256 of key holder, method, path and key.
    key_digest     bytea       NOT NULL,
    -- SHA-256 of the request's body.
    request_digest bytea       NOT NULL,
    status         smallint    NOT NULL,
    location       text,
    etag           text,
    body           text        NOT NULL,
    position       bigint      NOT NULL,
    created_at     timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_digest PRIMARY KEY (key_digest)
);
-- Rows come in the order of time, so a block range index finds the old ones at next to no cost.
CREATE INDEX idempotency_keys_created_at ON idempotency_keys USING brin (created_at);

-- Handed out in blocks of 32: nextval gives the first of a block.
CREATE SEQUENCE order_number_blocks AS bigint START 1001 INCREMENT 32;

GRANT SELECT, INSERT ON events TO orders_app;
GRANT SELECT, UPDATE (lockable) ON log_head TO orders_app;
GRANT EXECUTE ON FUNCTION log_lock() TO orders_app;
GRANT SELECT, INSERT, DELETE ON idempotency_keys TO orders_app;
GRANT USAGE ON SEQUENCE order_number_blocks TO orders_app;
