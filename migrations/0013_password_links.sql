-- Several links to set a new password are good at a time: one more that somebody else asks for does not make void the one that a
-- member has at hand.
ALTER TABLE password_resets DROP CONSTRAINT password_resets_pkey;
ALTER TABLE password_resets DROP CONSTRAINT password_resets_token;
ALTER TABLE password_resets ADD CONSTRAINT password_resets_token PRIMARY KEY (token_hash);
CREATE INDEX password_resets_member ON password_resets (member_id);
