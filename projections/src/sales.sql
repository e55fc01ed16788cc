-- What was sold, by the shop's day and currency: in all, by product and by city. Rewritten many times a second on a busy day,
-- hence the room for it in each page.
CREATE TABLE sold (
    kind           text COLLATE "C" NOT NULL CHECK (kind IN ('all', 'product', 'city')),
    day            date             NOT NULL,
    currency       text COLLATE "C" NOT NULL,
    -- A sku, or a place in lower case; empty for all, and for what is sent nowhere.
    key            text COLLATE "C" NOT NULL,
    -- What people call it: as it was first written on that day.
    label          text             NOT NULL,
    -- Orders; of a product, pieces.
    placed_count   bigint           NOT NULL,
    placed_revenue numeric          NOT NULL,
    paid_count     bigint           NOT NULL,
    paid_revenue   numeric          NOT NULL,
    -- Payments that were taken back by their provider. Of a product or a place they are not told.
    taken_back_count  bigint        NOT NULL,
    taken_back_amount numeric       NOT NULL,
    PRIMARY KEY (kind, day, currency, key)
) WITH (fillfactor = 50);

-- How long after they were placed orders were paid, by the day of placing.
CREATE TABLE payment_times (
    day       date     NOT NULL,
    -- Which span: the first of those that it is within.
    span      smallint NOT NULL,
    orders    bigint   NOT NULL,
    waited_ms bigint   NOT NULL,
    PRIMARY KEY (day, span)
) WITH (fillfactor = 50);

-- What of each order its later events count by.
CREATE TABLE placed_orders (
    order_id  uuid PRIMARY KEY,
    day       date        NOT NULL,
    placed_at timestamptz NOT NULL,
    place     text        NOT NULL
);
