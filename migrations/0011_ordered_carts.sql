-- What an order was placed of, where that was a cart: both or neither. A process may end between placing the order and emptying
-- the cart; as long as the cart holds just that, the answer is kept beyond its time, and leads to the order that there is.
ALTER TABLE idempotency_keys
    ADD COLUMN cart_id    uuid,
    ADD COLUMN content_id uuid;
