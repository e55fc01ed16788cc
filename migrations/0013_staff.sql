-- Who works behind the counter. No history: accounts change in place. Events name whoever acted as `staff:<id>`.
CREATE TABLE staff_accounts (
    id             uuid        PRIMARY KEY,
    email          text        NOT NULL,
    -- The address as it is compared: lower case throughout.
    email_key      text COLLATE "C" NOT NULL,
    name           text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    role           text COLLATE "C" NOT NULL CHECK (role IN ('owner', 'manager', 'clerk')),
    -- In the PHC string format; none until the first link was followed.
    password_hash  text        CHECK (password_hash LIKE '$argon2id$%'),
    -- Rises with each new password: what was let in by an older one is let in no longer.
    credentials    bigint      NOT NULL DEFAULT 1 CHECK (credentials > 0),
    -- Who is disabled is let in no longer; what they did keeps its name.
    disabled_at    timestamptz,
    last_log_in_at timestamptz,
    created_at     timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    CONSTRAINT staff_accounts_email UNIQUE (email_key)
);

-- Who may set a password by a link. One at a time: the newest.
CREATE TABLE staff_links (
    account_id uuid        PRIMARY KEY REFERENCES staff_accounts (id) ON DELETE CASCADE,
    -- SHA-256 of what the link holds.
    token_hash bytea       NOT NULL CHECK (octet_length(token_hash) = 32),
    expires_at timestamptz NOT NULL,
    CONSTRAINT staff_links_token UNIQUE (token_hash)
);
CREATE INDEX staff_links_expires_at ON staff_links (expires_at);

-- Apart from those of shoppers: another cookie, another life, and nothing of a cart.
CREATE TABLE staff_sessions (
    id           uuid        PRIMARY KEY,
    account_id   uuid        NOT NULL REFERENCES staff_accounts (id) ON DELETE CASCADE,
    -- SHA-256 of what the cookie holds.
    secret_hash  bytea       NOT NULL CHECK (octet_length(secret_hash) = 32),
    -- Of the account, when it was let in.
    credentials  bigint      NOT NULL,
    -- What the next page tells.
    notices      jsonb       CHECK (octet_length(notices::text) <= 65536),
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    CONSTRAINT staff_sessions_secret UNIQUE (secret_hash)
);
CREATE INDEX staff_sessions_account ON staff_sessions (account_id);
CREATE INDEX staff_sessions_expires_at ON staff_sessions (expires_at);

-- What staff note about an order among themselves.
CREATE TABLE order_notes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id   uuid        NOT NULL,
    -- Whose account it was; the name stays readable when the account is disabled.
    account_id uuid        NOT NULL REFERENCES staff_accounts (id),
    body       text        NOT NULL CHECK (char_length(body) BETWEEN 1 AND 2000),
    written_at timestamptz NOT NULL
);
CREATE INDEX order_notes_of_order ON order_notes (order_id, id);

-- Which customers wait for an answer is asked of the newest of their messages.
CREATE INDEX order_messages_of_customers ON order_messages (id) WHERE author = 'customer';

GRANT SELECT, INSERT, UPDATE ON staff_accounts TO orders_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON staff_links, staff_sessions TO orders_app;
GRANT SELECT, INSERT ON order_notes TO orders_app;
