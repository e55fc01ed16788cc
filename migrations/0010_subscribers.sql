-- Who gets the newsletter, and who asked for it and has yet to show that the address is theirs (double opt-in).
CREATE TABLE subscribers (
    id           uuid        PRIMARY KEY,
    email        text        NOT NULL,
    -- The address as it is compared: lower case throughout.
    email_key    text COLLATE "C" NOT NULL,
    -- In which language it is sent.
    lang         text COLLATE "C" NOT NULL,
    -- What the link holds that ends it. It lets nobody do anything else, and every issue bears it, so it is kept as it is.
    leave_key    bytea       NOT NULL CHECK (octet_length(leave_key) = 32),
    -- SHA-256 of what the link holds that confirms it; while it is awaited alone.
    token_hash   bytea       CHECK (octet_length(token_hash) = 32),
    expires_at   timestamptz,
    confirmed_at timestamptz,
    created_at   timestamptz NOT NULL,
    CONSTRAINT subscribers_email UNIQUE (email_key),
    CONSTRAINT subscribers_token UNIQUE (token_hash),
    CONSTRAINT subscribers_wait_or_are_confirmed
        CHECK ((confirmed_at IS NULL) = (token_hash IS NOT NULL) AND (token_hash IS NULL) = (expires_at IS NULL))
);
-- An issue goes through those who are confirmed, page by page.
CREATE INDEX subscribers_confirmed ON subscribers (id) WHERE confirmed_at IS NOT NULL;
CREATE INDEX subscribers_expires_at ON subscribers (expires_at) WHERE confirmed_at IS NULL;

-- What became of an issue for each of its subscribers. No personal data: it stays when they leave.
--
--   sending ──> sent
--      ├──────> waiting (tried again) ──> sending
--      ├──────> failed  (refused for good, or tried often enough)
--      └──────> unknown (the last reply was lost, or the program ended; not sent again)
CREATE TABLE issue_outcomes (
    issue_id      uuid        NOT NULL,
    subscriber_id uuid        NOT NULL,
    state         text COLLATE "C" NOT NULL CHECK (state IN ('sending', 'sent', 'waiting', 'failed', 'unknown')),
    attempts      integer     NOT NULL,
    -- What the last attempt came to, in words, without personal data.
    reason        text,
    changed_at    timestamptz NOT NULL,
    CONSTRAINT issue_outcomes_recipient PRIMARY KEY (issue_id, subscriber_id)
);
CREATE INDEX issue_outcomes_open ON issue_outcomes (issue_id, subscriber_id) WHERE state IN ('sending', 'waiting');

GRANT SELECT, INSERT, UPDATE ON issue_outcomes TO orders_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON subscribers TO orders_app;
