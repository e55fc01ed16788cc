CREATE UNIQUE INDEX orders_number ON orders (number);
CREATE INDEX orders_email ON orders (email_key, placed_position);
-- A member's own, newest first.
CREATE INDEX orders_subject ON orders (subject_id, placed_position);
-- Newest first, also within a range of times, and for paid and unpaid orders alike.
CREATE INDEX orders_placed ON orders (placed_recorded_at, placed_position);
CREATE INDEX orders_paid ON orders (paid, placed_recorded_at, placed_position);
-- For the few that changed lately among many old ones.
CREATE INDEX orders_updated ON orders (updated_at);
-- The few that somebody has to look at.
CREATE INDEX orders_review ON orders (placed_recorded_at, placed_position) WHERE needs_review;
-- Words that begin a word of a name or an address. The reads say exactly the same expression.
CREATE INDEX orders_words ON orders USING gin (to_tsvector('simple', first_name || ' ' || last_name || ' ' || email || ' '
    || replace(email, '@', ' ') || ' ' || coalesce(address || ' ' || postal_code || ' ' || city, '')));
-- No plan is made by them.
ALTER INDEX orders_words ALTER COLUMN 1 SET STATISTICS 0;
