-- Who may use the API. A key's secret is kept as its SHA-256 alone.
CREATE TABLE api_keys (
    id          uuid             PRIMARY KEY,
    -- What people call it.
    name        text             NOT NULL CHECK (name <> ''),
    -- The part of the key that may be shown and logged, and by which it is found.
    prefix      text COLLATE "C" NOT NULL,
    secret_hash bytea            NOT NULL CHECK (octet_length(secret_hash) = 32),
    scopes      text[]           NOT NULL CHECK (cardinality(scopes) > 0),
    created_at  timestamptz      NOT NULL DEFAULT now(),
    revoked_at  timestamptz,
    CONSTRAINT api_keys_prefix UNIQUE (prefix)
);

GRANT SELECT, INSERT, UPDATE (revoked_at) ON api_keys TO orders_app;
