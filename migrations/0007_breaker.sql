-- How many requests in a row have failed at a gate without an answer that says why: from some number on it stays
-- closed for a while after each, for a vendor that is down is asked now and then, not by every row that waits.
ALTER TABLE gate ADD COLUMN failures BIGINT NOT NULL DEFAULT 0 CHECK (failures >= 0);
