-- What consumer groups have done with the events that Kafka handed to them. Never purged: a group that is set back to
-- the beginning finds everything here, and does nothing twice.

-- A consumer is known from its first start on.
CREATE TABLE consumer_groups (
    consumer       text COLLATE "C" PRIMARY KEY,
    -- Events up to here came before its time: they are passed over.
    started_after  bigint      NOT NULL CHECK (started_after >= 0),
    -- Everything up to here is in the ledger, or not for this consumer. Kept by the relay into an embedded broker, which
    -- forgets all when it ends; a real one keeps the group's offsets itself.
    finished_up_to bigint      NOT NULL CHECK (finished_up_to >= 0),
    created_at     timestamptz NOT NULL DEFAULT now()
);

-- How far each group is in each partition: written in the statement that notes the events, so never ahead of them.
CREATE TABLE consumer_progress (
    consumer   text COLLATE "C" NOT NULL,
    topic      text COLLATE "C" NOT NULL,
    partition  integer     NOT NULL,
    -- The log position of the last event noted, or passed over, of this partition.
    position   bigint      NOT NULL,
    -- Its offset in Kafka.
    log_offset bigint      NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT consumer_progress_partition PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);

-- One row for each effect that an event calls for. No personal data: the recipient is the subject's id.
--
--   claimed ──> sending ──> sent
--      │           ├──────> waiting (tried again when due) ──> claimed
--      │           ├──────> parked  (needs a person)  ──> waiting | discarded
--      └─ the same └──────> unknown (the last reply was lost; needs a person, holds nothing up) ──> waiting | discarded
CREATE TABLE consumer_ledger (
    id             bigint GENERATED ALWAYS AS IDENTITY,
    consumer       text COLLATE "C" NOT NULL,
    event_id       uuid        NOT NULL,
    -- Whom the effect reaches: the subject's id, or the nil UUID where there is no such person.
    recipient      uuid        NOT NULL,
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id   text COLLATE "C" NOT NULL,
    sequence       bigint      NOT NULL,
    position       bigint      NOT NULL,
    event_type     text COLLATE "C" NOT NULL,
    state          text COLLATE "C" NOT NULL
        CHECK (state IN ('claimed', 'sending', 'sent', 'waiting', 'parked', 'unknown', 'discarded')),
    -- Which run of the program moved it last. Only that one may move what is claimed or sending.
    owner          uuid,
    -- claimed, sending: when the lease ends. waiting: when it is due, infinity while an earlier entry of its aggregate
    -- holds it. All others: infinity.
    due_at         timestamptz NOT NULL,
    attempts       integer     NOT NULL DEFAULT 0,
    -- What the last attempt came to, in words, without personal data.
    reason         text,
    message_id     text,
    -- Who discarded it, or asked for another attempt.
    decided_by     text,
    noted_at       timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    CONSTRAINT consumer_ledger_id PRIMARY KEY (id),
    CONSTRAINT consumer_ledger_cause UNIQUE (consumer, event_id, recipient)
);

-- What holds later entries of its aggregate.
CREATE INDEX consumer_ledger_open ON consumer_ledger (consumer, aggregate_type, aggregate_id, sequence)
    WHERE state IN ('claimed', 'sending', 'waiting', 'parked');
-- What the clock moves.
CREATE INDEX consumer_ledger_due ON consumer_ledger (consumer, due_at)
    WHERE state IN ('claimed', 'sending', 'waiting');
-- What a person has to look at.
CREATE INDEX consumer_ledger_parked ON consumer_ledger (id) WHERE state IN ('parked', 'unknown');

GRANT SELECT, INSERT, UPDATE ON consumer_groups TO orders_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON consumer_progress TO orders_app;
GRANT SELECT, INSERT, UPDATE ON consumer_ledger TO orders_app;
