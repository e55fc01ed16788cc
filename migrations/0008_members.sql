-- Customers with an account. No history: it changes in place. Their orders name them by `id`, as the subject of their data.
CREATE TABLE members (
    id            uuid        PRIMARY KEY,
    email         text        NOT NULL,
    -- The address as it is compared: lower case throughout.
    email_key     text COLLATE "C" NOT NULL,
    first_name    text        NOT NULL,
    last_name     text        NOT NULL,
    -- In the PHC string format, with algorithm, parameters and salt.
    password_hash text        NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    -- Rises with each new password: what was let in by an older one is let in no longer.
    credentials   bigint      NOT NULL DEFAULT 1 CHECK (credentials > 0),
    -- In which language they are written to.
    lang          text COLLATE "C" NOT NULL,
    -- Where orders go; all three or none.
    address       text,
    postal_code   text,
    city          text,
    created_at    timestamptz NOT NULL,
    changed_at    timestamptz NOT NULL,
    CONSTRAINT members_email UNIQUE (email_key),
    CONSTRAINT members_address_is_whole CHECK (num_nonnulls(address, postal_code, city) IN (0, 3))
);

-- Who asked for an account and has yet to show that the address is theirs. Several may ask for one address; the first who shows it
-- gets it.
CREATE TABLE sign_ups (
    id            uuid        PRIMARY KEY,
    email         text        NOT NULL,
    email_key     text COLLATE "C" NOT NULL,
    first_name    text        NOT NULL,
    last_name     text        NOT NULL,
    password_hash text        NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    lang          text COLLATE "C" NOT NULL,
    -- SHA-256 of what the mail's link holds; made when the mail is written.
    token_hash    bytea       CHECK (octet_length(token_hash) = 32),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    CONSTRAINT sign_ups_token UNIQUE (token_hash)
);
CREATE INDEX sign_ups_expires_at ON sign_ups (expires_at);
CREATE INDEX sign_ups_email ON sign_ups (email_key);

-- Who may set a new password by a link. One at a time: the newest.
CREATE TABLE password_resets (
    member_id  uuid        NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    token_hash bytea       NOT NULL CHECK (octet_length(token_hash) = 32),
    expires_at timestamptz NOT NULL,
    -- Several of one member are good at a time: one more that somebody else asks for does not make void the one at hand.
    CONSTRAINT password_resets_token PRIMARY KEY (token_hash)
);
CREATE INDEX password_resets_member ON password_resets (member_id);
CREATE INDEX password_resets_expires_at ON password_resets (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON members, sign_ups, password_resets TO orders_app;
