CREATE TABLE newsletters (
    -- Made when it was written, so that the newest has the highest.
    id          uuid        PRIMARY KEY,
    subject     text        NOT NULL,
    version     bigint      NOT NULL,
    written_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    released_at timestamptz
);
