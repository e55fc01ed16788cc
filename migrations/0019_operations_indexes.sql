-- Which issues of the newsletter somebody got. The only index of these migrations on a table that may be large, so it has a transaction
-- of its own: while it is made, outcomes of the newsletter wait to be written, and nothing else does.
--
-- Not CONCURRENTLY: that waits for all older snapshots, and a second program that waits for its turn to migrate holds one. And one that
-- is cut off leaves an index that is not valid, which IF NOT EXISTS would take for made.
CREATE INDEX issue_outcomes_subscriber ON issue_outcomes (subscriber_id);
