-- Who leads in what, which instances there are, and builds of views that wait for a person or were asked for by one.

-- One row for each thing that one instance leads in at a time. Leading saves work and no more: what a leader writes is
-- guarded by compare and set, or by Kafka's fencing. All times are by the database's clock.
CREATE TABLE leases (
    name   text COLLATE "C" CONSTRAINT leases_name PRIMARY KEY,
    -- An instance, known or not any more.
    holder uuid        NOT NULL,
    -- Counts the holders, so that one which was overtaken can't renew what is another's by now.
    token  bigint      NOT NULL CHECK (token > 0),
    -- Free from then on. Renewed at a third of its length, and ended at once by a holder that stops in order.
    until  timestamptz NOT NULL,
    -- Since when this holder leads.
    since  timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The running processes of the program. Each says now and then that it lives, and leaves when it stops in order.
CREATE TABLE instances (
    id         uuid CONSTRAINT instances_id PRIMARY KEY,
    host       text        NOT NULL,
    pid        integer     NOT NULL,
    -- What it was started as, such as `orders relay`.
    command    text        NOT NULL,
    version    text        NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
) WITH (fillfactor = 50);

-- ready: it has all up to where it was finished, and waits for a person to promote it.
ALTER TABLE projection_builds DROP CONSTRAINT projection_builds_state_check;
ALTER TABLE projection_builds ADD CONSTRAINT projection_builds_state_check
    CHECK (state IN ('filling', 'catching_up', 'ready', 'active', 'retired'));

ALTER TABLE projection_builds
    -- Events up to here came before the projection's time: every build of it begins behind them.
    ADD COLUMN started_after bigint NOT NULL DEFAULT 0 CHECK (started_after >= 0),
    -- Who asked the instance that leads the view to make it; NULL where a command makes it itself.
    ADD COLUMN asked_by text,
    -- Whether that instance lets it serve when it is done.
    ADD COLUMN promotes boolean NOT NULL DEFAULT true;

GRANT SELECT, INSERT, UPDATE, DELETE ON leases, instances TO orders_app;
