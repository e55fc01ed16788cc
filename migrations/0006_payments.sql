-- What is asked of payment providers, and what they say. The payments themselves are events; this is the way there.

-- One row for each time that a customer is asked to pay: so much, for an order, by a provider.
--
--   new ──> open ──> settling ──> paid
--    │       ├──> cancelled │ ├──> pending (the provider has it, and has not made up its mind) ──> paid | declined
--    │       └──> expired   │ └──> declined
--    └──> failed            └────> failed (asked in vain, time and again)
--
-- A fact is taken down whatever the state is: `paid` can be reached from each.
CREATE TABLE payment_intents (
    -- Random: it stands in addresses, and whoever knows it may see how the payment goes. The provider knows the request by it,
    -- so that what is asked twice is one.
    id           uuid             PRIMARY KEY,
    order_id     uuid             NOT NULL,
    provider     text COLLATE "C" NOT NULL CHECK (provider <> ''),
    amount       numeric          NOT NULL CHECK (amount > 0),
    currency     text COLLATE "C" NOT NULL CHECK (octet_length(currency) = 3),
    -- The customer's language: that of the mails which the payment leads to.
    locale       text,
    state        text COLLATE "C" NOT NULL
        CHECK (state IN ('new', 'open', 'settling', 'pending', 'paid', 'declined', 'cancelled', 'expired', 'failed')),
    -- What the provider knows the payment by, and where the customer agrees to it.
    reference    text COLLATE "C" CHECK (octet_length(reference) BETWEEN 1 AND 100),
    approve_url  text             CHECK (octet_length(approve_url) <= 2000),
    -- Why it is as it is, in words of the provider, without personal data.
    reason       text             CHECK (octet_length(reason) <= 500),
    attempts     integer          NOT NULL DEFAULT 0,
    -- settling: when it is tried again. All others: infinity.
    due_at       timestamptz      NOT NULL DEFAULT 'infinity',
    -- The customer has until then to agree.
    expires_at   timestamptz      NOT NULL,
    created_at   timestamptz      NOT NULL,
    changed_at   timestamptz      NOT NULL
);
-- The same is asked for once at a time, however often the button is pressed.
CREATE UNIQUE INDEX payment_intents_asked ON payment_intents (order_id, provider, amount, currency)
    WHERE state IN ('new', 'open');
CREATE UNIQUE INDEX payment_intents_reference ON payment_intents (provider, reference) WHERE reference IS NOT NULL;
CREATE INDEX payment_intents_order ON payment_intents (order_id, created_at);
CREATE INDEX payment_intents_due ON payment_intents (due_at) WHERE state = 'settling';

-- What providers told by webhook, each notice once. It is here before the provider is told that it arrived.
--
--   waiting ──> done | ignored | unmatched (of no order of ours) | stuck (tried in vain, time and again)
CREATE TABLE payment_notices (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider    text COLLATE "C" NOT NULL CHECK (provider <> ''),
    -- The provider's own id of it: the same notice comes again until it is acknowledged, and sometimes afterwards.
    notice_id   text COLLATE "C" NOT NULL CHECK (octet_length(notice_id) BETWEEN 1 AND 200),
    kind        text COLLATE "C" NOT NULL CHECK (octet_length(kind) <= 200),
    -- The headers that its signature was checked by.
    headers     jsonb            NOT NULL CHECK (octet_length(headers::text) <= 8192),
    -- As it came, to the byte.
    body        bytea            NOT NULL CHECK (octet_length(body) <= 131072),
    state       text COLLATE "C" NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'done', 'ignored', 'unmatched', 'stuck')),
    -- What came of it, or why nothing did.
    outcome     text             CHECK (octet_length(outcome) <= 500),
    attempts    integer          NOT NULL DEFAULT 0,
    -- waiting: when it is taken up, or taken up again if whoever did is gone. All others: infinity.
    due_at      timestamptz      NOT NULL,
    received_at timestamptz      NOT NULL,
    handled_at  timestamptz,
    CONSTRAINT payment_notices_once UNIQUE (provider, notice_id)
);
CREATE INDEX payment_notices_due ON payment_notices (due_at) WHERE state = 'waiting';
-- What a person has to look at.
CREATE INDEX payment_notices_open ON payment_notices (id) WHERE state IN ('unmatched', 'stuck');
CREATE INDEX payment_notices_old ON payment_notices (handled_at) WHERE state IN ('done', 'ignored');

-- The built-in provider's own book: what was decided on its test page. A real provider has this on its side.
CREATE TABLE sandbox_payments (
    intent_id  uuid        PRIMARY KEY,
    paid       boolean     NOT NULL,
    decided_at timestamptz NOT NULL
);

INSERT INTO signing_keys (name) VALUES ('sandbox_notices');

GRANT SELECT, INSERT, UPDATE ON payment_intents TO orders_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON payment_notices TO orders_app;
GRANT SELECT, INSERT, UPDATE ON sandbox_payments TO orders_app;
