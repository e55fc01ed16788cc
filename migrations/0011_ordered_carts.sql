-- What an order was placed of, where that was a cart: kept with the answer, in the order's own transaction. A process may end
-- between placing the order and taking that out of the cart, and the cart may have changed by then: whoever looks next takes out
-- these lines, and leaves what came later.
ALTER TABLE idempotency_keys
    -- Nothing once they are taken out.
    ADD COLUMN cart_id    uuid,
    -- How many of each product, by its number.
    ADD COLUMN cart_lines jsonb;
-- Few are in it at any time: each is taken out as soon as the order is placed.
CREATE INDEX idempotency_keys_cart ON idempotency_keys (cart_id) WHERE cart_id IS NOT NULL;
GRANT UPDATE (cart_id) ON idempotency_keys TO orders_app;
