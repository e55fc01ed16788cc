CREATE UNIQUE INDEX orders_number ON orders (number);
CREATE INDEX orders_email ON orders (email_key, placed_position);
-- A member's own, newest first.
CREATE INDEX orders_subject ON orders (subject_id, placed_position);
-- Newest first, also within a range of times, and for paid and unpaid orders alike.
CREATE INDEX orders_placed ON orders (placed_recorded_at, placed_position);
CREATE INDEX orders_paid ON orders (paid, placed_recorded_at, placed_position);
-- For the few that changed lately among many old ones.
CREATE INDEX orders_updated ON orders (updated_at);
