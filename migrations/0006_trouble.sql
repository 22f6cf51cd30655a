-- What is wrong with the bot itself: one row a kind, kept when it is over so that what comes and goes wakes nobody twice.
CREATE TABLE trouble (
	name     TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 40),
	case_id  BIGINT NOT NULL REFERENCES casefile (id),
	since_ms BIGINT NOT NULL,
	over_ms  BIGINT NOT NULL
);
