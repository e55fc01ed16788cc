-- Work at a given time, once or again and again. A row is a job; whichever instance finds it due takes it.
--
--   waiting ──> running ──> done                       (once; a periodic job waits for its next time instead)
--      ^           ├──────> waiting (tried again when due)
--      │           ├──────> failed  (tried often enough; needs a person)  ──> waiting | cancelled
--      │           └─ sending ─> the same, or unknown (cut off while it acted outside; needs a person)
--      └─ running whose lease ran out: its instance is gone
CREATE TABLE scheduled_jobs (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    task        text COLLATE "C" NOT NULL,
    -- Of a task there is one job of a key: what is put in twice is done once. Empty for a periodic one.
    job_key     text COLLATE "C" NOT NULL CHECK (octet_length(job_key) <= 200),
    -- What the task needs to know; emptied when the job has ended well, so that no personal data stays.
    payload     jsonb       NOT NULL
        CONSTRAINT scheduled_jobs_payload_is_small CHECK (octet_length(payload::text) <= 4096),
    -- How many seconds lie between two runs of a periodic job.
    every_s     bigint      CHECK (every_s > 0),
    state       text COLLATE "C" NOT NULL
        CHECK (state IN ('waiting', 'running', 'sending', 'done', 'failed', 'unknown', 'cancelled')),
    -- When it is to be done; of a periodic job the next time, or the one under way.
    run_at      timestamptz NOT NULL,
    -- waiting: when it is looked at. running, sending: when the lease ends.
    due_at      timestamptz CHECK ((due_at IS NULL) = (state NOT IN ('waiting', 'running', 'sending'))),
    -- Names the one attempt that may move what is running or sending.
    owner       uuid        CHECK ((owner IS NULL) = (state NOT IN ('running', 'sending'))),
    attempts    integer     NOT NULL DEFAULT 0,
    -- What the last attempt came to, in words, without personal data.
    last_error  text,
    last_run_at timestamptz,
    -- Who cancelled it, or had it run at once.
    decided_by  text,
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    CONSTRAINT scheduled_jobs_id PRIMARY KEY (id),
    CONSTRAINT scheduled_jobs_key UNIQUE (task, job_key)
);
-- What the clock moves.
CREATE INDEX scheduled_jobs_due ON scheduled_jobs (due_at) WHERE state IN ('waiting', 'running', 'sending');
-- What people look at.
CREATE INDEX scheduled_jobs_open ON scheduled_jobs (id) WHERE state NOT IN ('done', 'cancelled');
-- What is swept.
CREATE INDEX scheduled_jobs_ended ON scheduled_jobs (changed_at) WHERE state IN ('done', 'cancelled');

GRANT SELECT, INSERT, UPDATE, DELETE ON scheduled_jobs TO orders_app;
