-- Who is kept out by staff: their log-in is refused, and what they ordered stays.
ALTER TABLE members
    ADD COLUMN disabled_at timestamptz,
    -- By whom, as events name it.
    ADD COLUMN disabled_by text,
    ADD CONSTRAINT members_disabled_by_somebody CHECK ((disabled_at IS NULL) = (disabled_by IS NULL));

-- Staff look for members by how an address or a name begins.
CREATE INDEX members_first_name ON members (lower(first_name) text_pattern_ops);
CREATE INDEX members_last_name ON members (lower(last_name) text_pattern_ops);
