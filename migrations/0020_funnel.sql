-- How many purchases were begun: kept apart from carts, which end with their visit, and from requests for payment, of which an order
-- may have several. What is here tells neither whose it was nor what was in it, is never changed, and is swept after 800 days: a
-- little more than the longest range that figures are told of.

-- One row for each time that a cart without a purchase in it got its first line. Rows and no counter: that would be one row which
-- every customer waits for.
CREATE TABLE carts_begun (
    at timestamptz NOT NULL
);
CREATE INDEX carts_begun_at ON carts_begun (at);

-- Orders whose customers were led to a payment provider: when that was the first time.
CREATE TABLE payments_begun (
    order_id uuid        PRIMARY KEY,
    at       timestamptz NOT NULL
);
CREATE INDEX payments_begun_at ON payments_begun (at);
INSERT INTO payments_begun (order_id, at) SELECT order_id, min(created_at) FROM payment_intents GROUP BY order_id;

-- Which purchase is in the cart: another one after each order of it, none before its first line. Carts of before have none: what is
-- in them counts with the next line.
ALTER TABLE carts ADD COLUMN purchase_id uuid;

GRANT SELECT, INSERT, DELETE ON carts_begun, payments_begun TO orders_app;

-- What was paid is gross: this is what is to be taken from it.
CREATE VIEW analytics.payments_taken_back AS
SELECT flagged.aggregate_id AS order_id,
       flagged.payload #>> '{PaymentFlagged,conflict}' AS reason,
       (flagged.payload #>> '{PaymentFlagged,amount,amount}')::numeric AS amount,
       flagged.payload #>> '{PaymentFlagged,amount,currency}' AS currency,
       (flagged.metadata ->> 'occurred_at')::timestamptz AS occurred_at,
       flagged.recorded_at,
       flagged.position
  FROM public.events AS flagged
 WHERE flagged.aggregate_type = 'order' AND flagged.event_type = 'PaymentFlagged'
   AND flagged.payload #>> '{PaymentFlagged,conflict}' IN ('refunded', 'reversed', 'denied');
COMMENT ON VIEW analytics.payments_taken_back IS
    'What payment providers took back, each time a row: a payment that was refunded in parts is in several. orders.paid_amount does not take it off.';
COMMENT ON COLUMN analytics.payments_taken_back.order_id IS 'The order''s id, a UUID as text. Indexed.';
COMMENT ON COLUMN analytics.payments_taken_back.reason IS 'refunded, reversed or denied.';
COMMENT ON COLUMN analytics.payments_taken_back.amount IS 'How much was taken back, as the provider says.';
COMMENT ON COLUMN analytics.payments_taken_back.currency IS 'Of the amount, by ISO 4217.';
COMMENT ON COLUMN analytics.payments_taken_back.occurred_at IS 'When the provider said so.';
COMMENT ON COLUMN analytics.payments_taken_back.recorded_at IS 'When that was written down. See analytics.position_at.';
COMMENT ON COLUMN analytics.payments_taken_back.position IS 'Where that stands in the log. Indexed.';
COMMENT ON COLUMN analytics.orders.paid_amount IS
    'All payments, also those that were taken back later (see payments_taken_back); 0 where there is none.';
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'orders_analyst') THEN
        GRANT SELECT ON analytics.payments_taken_back TO orders_analyst;
    END IF;
END
$$;
