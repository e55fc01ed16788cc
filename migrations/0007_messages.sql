-- What customers and staff write to each other about orders. No history: nothing is decided on it, and it may be deleted.

-- The one row that every message is written behind, so that ids are in the order of commits: whoever has read up to an id has
-- read all up to it, for ever.
CREATE TABLE order_messages_head (
    lockable boolean PRIMARY KEY DEFAULT true CHECK (lockable)
);
INSERT INTO order_messages_head DEFAULT VALUES;

CREATE TABLE order_messages (
    id       bigint GENERATED ALWAYS AS IDENTITY,
    order_id uuid             NOT NULL,
    author   text COLLATE "C" NOT NULL CHECK (author IN ('customer', 'staff')),
    -- Who of the staff wrote it: an API key's id. Of a customer the order tells.
    actor    text COLLATE "C" CHECK ((actor IS NULL) = (author = 'customer')),
    -- SHA-256 of what makes two requests the same message; without, each request is another one.
    key      bytea            CHECK (octet_length(key) = 32),
    body     text             NOT NULL CHECK (char_length(body) BETWEEN 1 AND 1000),
    sent_at  timestamptz      NOT NULL,
    CONSTRAINT order_messages_id PRIMARY KEY (id),
    CONSTRAINT order_messages_key UNIQUE (order_id, author, key)
);
CREATE INDEX order_messages_of_order ON order_messages (order_id, id);

-- Holds the place of the next message until the transaction ends, and gives the one that was written under this key before and
-- how many its author has written about the order.
--
-- VOLATILE, so that both have a snapshot of their own, taken after the lock: they see what the holder before committed, although
-- the calling statement's snapshot is older. The id is taken behind the lock for the same reason.
CREATE FUNCTION order_messages_lock(wanted_order uuid, wanted_author text, wanted_key bytea)
    RETURNS TABLE (known_id bigint, known_body text, known_sent_at timestamptz, written bigint)
    LANGUAGE plpgsql VOLATILE AS
$$
BEGIN
    PERFORM FROM order_messages_head FOR NO KEY UPDATE;
    RETURN QUERY
        SELECT known.id, known.body, known.sent_at,
               (SELECT count(*) FROM order_messages AS m
                 WHERE m.order_id = wanted_order AND m.author = wanted_author)
          FROM (SELECT 1) AS always
          LEFT JOIN order_messages AS known
                 ON known.order_id = wanted_order AND known.author = wanted_author AND known.key = wanted_key;
END
$$;

GRANT SELECT, UPDATE ON order_messages_head TO orders_app;
GRANT SELECT, INSERT ON order_messages TO orders_app;
GRANT EXECUTE ON FUNCTION order_messages_lock(uuid, text, bytea) TO orders_app;
