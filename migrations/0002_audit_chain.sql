-- The record becomes a chain: each row carries a MAC over its own fields and the MAC of the row before it. The key is
-- not in this file's database (AUDIT_KEY). What words a row has lies apart with a salt of its own; the row holds their
-- digest only, so that retention can delete words and the chain still verifies. Rows that were written before have no
-- MAC ('') and are told apart by that.
ALTER TABLE audit ADD COLUMN detail_digest TEXT NOT NULL DEFAULT '' CHECK (length(detail_digest) IN (0, 64));
ALTER TABLE audit ADD COLUMN previous TEXT NOT NULL DEFAULT '' CHECK (length(previous) IN (0, 64));
ALTER TABLE audit ADD COLUMN digest TEXT NOT NULL DEFAULT '' CHECK (length(digest) IN (0, 64));
ALTER TABLE audit_detail ADD COLUMN salt TEXT NOT NULL DEFAULT '' CHECK (length(salt) IN (0, 32));

-- Where the chain begins and ends, under a MAC of its own: rows cut off its end are missed.
CREATE TABLE audit_head (
	id        SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
	first_seq BIGINT NOT NULL CHECK (first_seq > 0),
	last_seq  BIGINT NOT NULL CHECK (last_seq >= first_seq),
	digest    TEXT NOT NULL CHECK (length(digest) = 64),
	mac       TEXT NOT NULL CHECK (length(mac) = 64)
);
