-- A payment that its provider makes up its mind about is asked for again, in growing steps, for as long as that takes: should
-- the notice of what came of it be lost, the payment is found all the same.
--
--   pending ──> pending (looked at again) ──> paid | declined
--
-- settling: when it is tried again. pending: when it is looked at again. All others: infinity.
COMMENT ON COLUMN payment_intents.due_at IS 'settling, pending: when it is taken up again';

-- Counts the claims, and what was taken down without one. Whoever writes what came of a claim names the number that it had: what
-- comes late, after the lease, does not undo what another found since.
ALTER TABLE payment_intents ADD COLUMN fence bigint NOT NULL DEFAULT 0;

DROP INDEX payment_intents_due;
CREATE INDEX payment_intents_due ON payment_intents (due_at) WHERE state IN ('settling', 'pending');
-- What a person may have to look at.
CREATE INDEX payment_intents_open ON payment_intents (state, created_at) WHERE state IN ('settling', 'pending', 'failed');

UPDATE payment_intents SET due_at = now() WHERE state = 'pending';
