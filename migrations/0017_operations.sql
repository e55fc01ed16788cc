-- What operators do, and what they need to know for it.

-- Who did what, and what came of it. A line is written in the transaction of its action, so that neither is there without the
-- other, and is never changed.
CREATE TABLE operator_actions (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    acted_at  timestamptz NOT NULL,
    -- A key's id, `staff:<account>`, or `cli:<user>@<host>`.
    actor     text COLLATE "C" NOT NULL,
    -- What was done, such as `parked.retry`.
    action    text COLLATE "C" NOT NULL,
    -- To what: an item, a group, a projection. Empty where the arguments say it.
    target    text COLLATE "C" NOT NULL,
    -- With what, without personal data.
    arguments jsonb       NOT NULL
        CONSTRAINT operator_actions_arguments_are_small CHECK (octet_length(arguments::text) <= 4096),
    -- To how many things, where that can be counted.
    affected  bigint      CHECK (affected >= 0),
    outcome   text COLLATE "C" NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
    -- Why not, where it was not done.
    detail    text        CHECK (char_length(detail) <= 1000)
);
CREATE INDEX operator_actions_target ON operator_actions (target, id);
CREATE INDEX operator_actions_actor ON operator_actions (actor, id);

GRANT SELECT, INSERT ON operator_actions TO orders_app;

-- Where a record came from, so that a person finds it in Kafka; nothing is known of those that were noted before.
ALTER TABLE consumer_ledger
    ADD COLUMN partition  integer,
    ADD COLUMN log_offset bigint,
    -- How often it was tried in all: unlike `attempts`, a person's decision does not set it back.
    ADD COLUMN tries      integer NOT NULL DEFAULT 0;

-- What was parked, and the dead-letter topic does not have yet: written by the statement that parks, deleted once the broker has it.
CREATE TABLE consumer_letters (
    consumer  text COLLATE "C" NOT NULL,
    parked_at timestamptz NOT NULL,
    entry_id  bigint      NOT NULL REFERENCES consumer_ledger (id),
    -- As it was parked: the entry goes on.
    attempts  integer     NOT NULL CHECK (attempts >= 0),
    reason    text,
    -- Which run of the program publishes it now, if one does: then nobody else publishes letters of this consumer until due_at.
    owner     uuid,
    -- When it may be published.
    due_at    timestamptz NOT NULL,
    -- How often its record could not be read, or was refused.
    failures  integer     NOT NULL DEFAULT 0,
    CONSTRAINT consumer_letters_parking PRIMARY KEY (consumer, parked_at, entry_id)
) WITH (fillfactor = 50);
-- What is parked already is published as well.
INSERT INTO consumer_letters (consumer, parked_at, entry_id, attempts, reason, due_at)
SELECT consumer, changed_at, id, attempts, reason, now() FROM consumer_ledger WHERE state = 'parked';

-- What each attempt came to that did not end well; the last one, however it ended, stands in the ledger. The newest 20 of an entry.
CREATE TABLE consumer_attempts (
    entry_id bigint      NOT NULL REFERENCES consumer_ledger (id),
    -- The ledger's `tries`, from 1.
    try      integer     NOT NULL,
    at       timestamptz NOT NULL,
    -- What the entry became by it.
    state    text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'parked', 'unknown')),
    -- What the server answered, or why there was no answer; without personal data.
    answer   text        NOT NULL,
    CONSTRAINT consumer_attempts_try PRIMARY KEY (entry_id, try)
);

ALTER TABLE consumer_groups
    -- Under which names, and with how many partitions, its topics are; written at its start.
    ADD COLUMN kafka_prefix  text COLLATE "C",
    ADD COLUMN partitions    integer CHECK (partitions > 0),
    -- While it is paused its members stay in the group and take nothing.
    ADD COLUMN paused_at     timestamptz,
    ADD COLUMN paused_by     text COLLATE "C",
    ADD COLUMN pause_reason  text CHECK (char_length(pause_reason) <= 500),
    ADD CONSTRAINT consumer_groups_paused_by_somebody
        CHECK ((paused_at IS NULL) = (paused_by IS NULL) AND (paused_at IS NULL) = (pause_reason IS NULL));

-- Partitions that a person wants a group to be handed again. Whoever holds the partition goes back and deletes the row.
CREATE TABLE consumer_rewinds (
    consumer   text COLLATE "C" NOT NULL REFERENCES consumer_groups (consumer),
    topic      text COLLATE "C" NOT NULL,
    partition  integer     NOT NULL,
    -- Behind this position of the log.
    position   bigint      NOT NULL CHECK (position >= 0),
    ordered_at timestamptz NOT NULL,
    CONSTRAINT consumer_rewinds_partition PRIMARY KEY (consumer, topic, partition)
);

-- Who runs a consumer now: one row for each running program. What was not renewed for a while is gone.
CREATE TABLE consumer_members (
    consumer   text COLLATE "C" NOT NULL,
    -- Names this run of the program; as the ledger's `owner`.
    member     uuid        NOT NULL,
    -- Host and process id.
    instance   text        NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    state      text COLLATE "C" NOT NULL,
    -- Why it is in that state, without personal data.
    detail     text,
    -- The partitions that it holds: `[["orders.events", 0], …]`.
    holds      jsonb       NOT NULL,
    CONSTRAINT consumer_members_member PRIMARY KEY (consumer, member)
);

GRANT SELECT, INSERT, DELETE ON consumer_attempts TO orders_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON consumer_letters, consumer_rewinds, consumer_members TO orders_app;

-- What became of mails that jobs of the schedule sent, one row for each attempt; for a year. The address alone is kept as what nobody
-- can read back: its digest under a key of this database.
CREATE TABLE scheduled_mails (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task         text COLLATE "C" NOT NULL,
    job_key      text COLLATE "C" NOT NULL,
    address_hash bytea       NOT NULL CHECK (octet_length(address_hash) = 32),
    message_id   text        NOT NULL,
    -- sending: it was cut off there, so it arrived or not.
    state        text COLLATE "C" NOT NULL CHECK (state IN ('sending', 'sent', 'waiting', 'failed', 'unknown')),
    -- What the server answered, or why there was no answer; without personal data.
    answer       text,
    began_at     timestamptz NOT NULL,
    ended_at     timestamptz
);
CREATE INDEX scheduled_mails_address ON scheduled_mails (address_hash, id);
CREATE INDEX scheduled_mails_job ON scheduled_mails (task, job_key, id);
INSERT INTO signing_keys (name) VALUES ('mail_addresses');

GRANT SELECT, INSERT, UPDATE, DELETE ON scheduled_mails TO orders_app;
