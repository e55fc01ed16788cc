-- Counts and sums by the shop's day. Rewritten many times a second on a busy day, hence the room for it in each page.
CREATE TABLE days (
    day            date             NOT NULL,
    currency       text COLLATE "C" NOT NULL,
    placed_orders  bigint           NOT NULL,
    placed_revenue numeric          NOT NULL,
    paid_orders    bigint           NOT NULL,
    paid_revenue   numeric          NOT NULL,
    PRIMARY KEY (day, currency)
) WITH (fillfactor = 50);

CREATE TABLE product_days (
    sku             text COLLATE "C" NOT NULL,
    currency        text COLLATE "C" NOT NULL,
    day             date             NOT NULL,
    placed_quantity bigint           NOT NULL,
    placed_revenue  numeric          NOT NULL,
    paid_quantity   bigint           NOT NULL,
    paid_revenue    numeric          NOT NULL,
    PRIMARY KEY (sku, currency, day)
) WITH (fillfactor = 50);

-- The day of each order, on which lines that are added later count too.
CREATE TABLE placed_orders (
    order_id uuid PRIMARY KEY,
    day      date NOT NULL
);
