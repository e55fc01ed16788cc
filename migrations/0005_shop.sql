-- What the shop keeps of its visitors and is no history: it changes in place, expires and is swept.

-- A visit that goes on over several requests. The browser's cookie holds the secret; whoever reads this table can't act as
-- anybody with it.
CREATE TABLE sessions (
    -- Stays when the secret is exchanged, so what belongs to the session need not move.
    id                uuid        PRIMARY KEY,
    -- SHA-256 of the secret.
    secret_hash       bytea       NOT NULL CHECK (octet_length(secret_hash) = 32),
    data              jsonb       NOT NULL DEFAULT '{}'
        CONSTRAINT sessions_data_is_small CHECK (jsonb_typeof(data) = 'object' AND octet_length(data::text) <= 8192),
    -- How long it lives after it was last seen.
    lasts_s           bigint      NOT NULL CHECK (lasts_s > 0),
    -- Whether the cookie goes when the browser is closed.
    ends_with_browser boolean     NOT NULL,
    created_at        timestamptz NOT NULL,
    last_seen_at      timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    CONSTRAINT sessions_secret UNIQUE (secret_hash)
);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- A cart is a session's, later a member's, or that of an API client, who knows its id.
CREATE TABLE carts (
    -- Of an API client's cart not to be guessed: 122 random bits.
    id         uuid        PRIMARY KEY,
    session_id uuid        REFERENCES sessions (id) ON DELETE CASCADE,
    member_id  uuid,
    -- Another random one after each change: what an order was placed of is known by it, and ordered once.
    content_id uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT carts_session UNIQUE (session_id),
    CONSTRAINT carts_member UNIQUE (member_id),
    CONSTRAINT carts_have_one_holder CHECK (num_nonnulls(session_id, member_id) <= 1)
);
-- The carts of API clients end by age; the others end with whom they belong to.
CREATE INDEX carts_of_clients ON carts (changed_at) WHERE session_id IS NULL AND member_id IS NULL;

-- No prices: what a line costs is what the catalogue says when one looks.
CREATE TABLE cart_lines (
    cart_id  uuid             NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
    sku      text COLLATE "C" NOT NULL CHECK (octet_length(sku) BETWEEN 1 AND 64),
    quantity integer          NOT NULL CHECK (quantity BETWEEN 1 AND 9999),
    added_at timestamptz      NOT NULL,
    CONSTRAINT cart_lines_sku PRIMARY KEY (cart_id, sku)
);

-- Holds a cart until the transaction ends, and counts its lines of other products than `wanted`; NULL where there is no such
-- cart.
--
-- VOLATILE, so that the count has a snapshot of its own, taken after the lock: it sees what the holder before committed,
-- although the calling statement's snapshot is older. That is what keeps two at once within the most lines of a cart.
CREATE FUNCTION cart_lock(cart uuid, of_client boolean, wanted text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE AS
$$
BEGIN
    PERFORM FROM carts AS c
      WHERE c.id = cart AND (c.session_id IS NULL AND c.member_id IS NULL) = of_client
        FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT count(*) FROM cart_lines AS l WHERE l.cart_id = cart AND l.sku <> wanted);
END
$$;

-- Which products a visitor looked at, and how often: the last few. A visitor is a session, later a member.
CREATE TABLE products_viewed (
    visitor_id uuid             NOT NULL,
    sku        text COLLATE "C" NOT NULL CHECK (octet_length(sku) BETWEEN 1 AND 64),
    views      integer          NOT NULL CHECK (views > 0),
    last_at    timestamptz      NOT NULL,
    CONSTRAINT products_viewed_sku PRIMARY KEY (visitor_id, sku)
);

-- What the program signs with, such as links that are sent to guests. Made once, here, so that all instances have the same.
CREATE TABLE signing_keys (
    name       text COLLATE "C" PRIMARY KEY,
    -- Two random UUIDs have 244 random bits between them; hashed, these are spread over 32 bytes.
    key        bytea            NOT NULL
        DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
        CHECK (octet_length(key) = 32),
    created_at timestamptz      NOT NULL DEFAULT now()
);
INSERT INTO signing_keys (name) VALUES ('order_links');

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, carts, cart_lines, products_viewed TO orders_app;
GRANT EXECUTE ON FUNCTION cart_lock(uuid, boolean, text) TO orders_app;
GRANT SELECT ON signing_keys TO orders_app;
