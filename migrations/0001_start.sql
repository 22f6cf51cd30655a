-- What survives. Forward only: never edit a migration that has been released, add the next number.
-- In the subset that SQLite 3.40 and PostgreSQL 15 run alike: BIGINT, SMALLINT and TEXT only, ids always
-- supplied (counter), no clock and no chance in SQL. 9223372036854775807 in a time means never; a reference
-- that is absent is NULL. Lengths are the last line of defence: whoever writes cuts first.

-- Single numbers: schema (written by the migrator), now_ms (the last committed turn).
CREATE TABLE meta (
	name  TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 40),
	value BIGINT NOT NULL
);

-- The last id given out.
CREATE TABLE counter (
	name  TEXT NOT NULL PRIMARY KEY,
	taken BIGINT NOT NULL CHECK (taken >= 0)
);
INSERT INTO counter (name, taken)
VALUES ('alert', 0), ('case', 0), ('inquiry', 0), ('outgoing', 0), ('audit', 0);

-- FACTs by key: the same one again is known. Forgotten after some days.
CREATE TABLE fact (
	fact_key TEXT NOT NULL PRIMARY KEY CHECK (length(fact_key) BETWEEN 1 AND 300),
	kind     SMALLINT NOT NULL,
	at_ms    BIGINT NOT NULL
);
CREATE INDEX fact_age ON fact (at_ms);

-- How often handling this item has killed the process.
CREATE TABLE crumb (
	item_key TEXT NOT NULL PRIMARY KEY CHECK (length(item_key) BETWEEN 1 AND 300),
	deaths   BIGINT NOT NULL,
	last_ms  BIGINT NOT NULL
);
CREATE INDEX crumb_age ON crumb (last_ms);

CREATE TABLE casefile (
	id         BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),
	state      SMALLINT NOT NULL CHECK (state BETWEEN 0 AND 9),
	resolution SMALLINT NOT NULL CHECK (resolution BETWEEN 0 AND 99),
	priority   SMALLINT NOT NULL CHECK (priority BETWEEN 1 AND 5),
	held       TEXT NOT NULL CHECK (length(held) <= 1000),
	playbook   TEXT NOT NULL CHECK (length(playbook) <= 200),
	source     TEXT NOT NULL CHECK (length(source) <= 100),
	subject    TEXT NOT NULL CHECK (length(subject) <= 320),
	plan       TEXT NOT NULL CHECK (length(plan) <= 262144),
	alerts     BIGINT NOT NULL CHECK (alerts >= 0),
	opened_ms  BIGINT NOT NULL,
	closed_ms  BIGINT NOT NULL
);

CREATE TABLE alert (
	id        BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),
	source    TEXT NOT NULL CHECK (length(source) BETWEEN 1 AND 100),
	digest    TEXT NOT NULL CHECK (length(digest) BETWEEN 1 AND 64),
	alert_key TEXT NOT NULL CHECK (length(alert_key) <= 300),
	state     SMALLINT NOT NULL CHECK (state BETWEEN 0 AND 9),
	seen      BIGINT NOT NULL CHECK (seen >= 1),
	first_ms  BIGINT NOT NULL,
	last_ms   BIGINT NOT NULL,
	case_id   BIGINT REFERENCES casefile (id)
);
CREATE UNIQUE INDEX alert_digest ON alert (source, digest);
CREATE INDEX alert_by_key ON alert (source, alert_key, id) WHERE alert_key <> '' AND state <> 3;
CREATE INDEX alert_case ON alert (case_id, id) WHERE case_id IS NOT NULL;
CREATE INDEX alert_due ON alert (id) WHERE state = 0;

-- The newest body of an alert, apart: retention may delete it.
CREATE TABLE alert_raw (
	alert_id BIGINT NOT NULL PRIMARY KEY REFERENCES alert (id),
	body     TEXT NOT NULL CHECK (length(body) <= 262144)
);

CREATE TABLE inquiry (
	id             BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),
	case_id        BIGINT NOT NULL REFERENCES casefile (id),
	state          SMALLINT NOT NULL CHECK (state BETWEEN 0 AND 9),
	person         TEXT NOT NULL CHECK (length(person) <= 64),
	created_ms     BIGINT NOT NULL,
	wait_ms        BIGINT NOT NULL,
	undelivered_ms BIGINT NOT NULL,
	delivered_ms   BIGINT NOT NULL,
	answer_ms      BIGINT NOT NULL,
	due_ms         BIGINT NOT NULL,
	answered_ms    BIGINT NOT NULL,
	late           TEXT NOT NULL CHECK (length(late) <= 20),
	late_ms        BIGINT NOT NULL,
	comment        TEXT NOT NULL CHECK (length(comment) <= 500),
	tried          TEXT NOT NULL CHECK (length(tried) <= 2000)
);
CREATE INDEX inquiry_case ON inquiry (case_id, id);
CREATE INDEX inquiry_due ON inquiry (due_ms, id) WHERE due_ms < 9223372036854775807;

-- What Slack's directory said.
CREATE TABLE person (
	user_id     TEXT NOT NULL PRIMARY KEY CHECK (length(user_id) BETWEEN 1 AND 64),
	email       TEXT NOT NULL CHECK (length(email) <= 320),
	email_lower TEXT NOT NULL CHECK (length(email_lower) <= 320),
	name        TEXT NOT NULL CHECK (length(name) <= 300),
	tz          TEXT NOT NULL CHECK (length(tz) <= 100),
	tz_offset_s BIGINT NOT NULL,
	is_bot      SMALLINT NOT NULL CHECK (is_bot IN (0, 1)),
	is_deleted  SMALLINT NOT NULL CHECK (is_deleted IN (0, 1)),
	is_guest    SMALLINT NOT NULL CHECK (is_guest IN (0, 1)),
	dm          TEXT NOT NULL CHECK (length(dm) <= 64),
	fetched_ms  BIGINT NOT NULL
);
CREATE INDEX person_email ON person (email_lower, user_id) WHERE email_lower <> '';

-- Messages (kinds 1 to 3: they need a channel) and effects on their way out.
CREATE TABLE outgoing (
	id          BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),
	out_key     TEXT NOT NULL CHECK (length(out_key) BETWEEN 1 AND 400),
	kind        SMALLINT NOT NULL CHECK (kind BETWEEN 1 AND 99),
	state       SMALLINT NOT NULL CHECK (state BETWEEN 0 AND 9),
	phase       SMALLINT NOT NULL CHECK (phase BETWEEN 0 AND 9),
	rank        SMALLINT NOT NULL CHECK (rank BETWEEN 0 AND 4),
	gate        TEXT NOT NULL CHECK (length(gate) BETWEEN 1 AND 200),
	case_id     BIGINT REFERENCES casefile (id),
	inquiry_id  BIGINT REFERENCES inquiry (id),
	target      TEXT NOT NULL CHECK (length(target) <= 400),
	channel     TEXT NOT NULL CHECK (length(channel) <= 64),
	ref         TEXT NOT NULL CHECK (length(ref) <= 300),
	wanted      BIGINT NOT NULL CHECK (wanted >= 1),
	shown       BIGINT NOT NULL CHECK (shown >= 0),
	flight      BIGINT NOT NULL CHECK (flight BETWEEN 0 AND wanted),
	attempts    BIGINT NOT NULL CHECK (attempts >= 0),
	misses      BIGINT NOT NULL CHECK (misses >= 0),
	due_ms      BIGINT NOT NULL,
	deadline_ms BIGINT NOT NULL,
	created_ms  BIGINT NOT NULL,
	first_ms    BIGINT NOT NULL,
	last_ms     BIGINT NOT NULL,
	done_ms     BIGINT NOT NULL,
	error       TEXT NOT NULL CHECK (length(error) <= 1000),
	CHECK (due_ms = 9223372036854775807 OR channel <> '' OR kind NOT IN (1, 2, 3))
);
CREATE UNIQUE INDEX outgoing_by_key ON outgoing (out_key);
CREATE INDEX outgoing_case ON outgoing (case_id, kind, id) WHERE case_id IS NOT NULL;
-- Never two requests in flight through one gate.
CREATE UNIQUE INDEX outgoing_flight ON outgoing (gate) WHERE flight > 0;
CREATE INDEX outgoing_waiting ON outgoing (gate, rank, due_ms, id)
	WHERE state = 0 AND flight = 0 AND shown < wanted AND due_ms < 9223372036854775807;
CREATE INDEX outgoing_deadline ON outgoing (deadline_ms, id)
	WHERE state = 0 AND shown < wanted AND deadline_ms < 9223372036854775807;

-- Gates that are, or were, closed until open_ms.
CREATE TABLE gate (
	name    TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 200),
	open_ms BIGINT NOT NULL
);

-- Who is first in line at a gate, a rank: derived from outgoing and gate, so that a claim reads heads only and a
-- stuck gate costs nothing however long its line. wake_ms is when the head may go; a gate with a request in
-- flight has no lanes.
CREATE TABLE lane (
	gate    TEXT NOT NULL,
	rank    SMALLINT NOT NULL,
	wake_ms BIGINT NOT NULL,
	head    BIGINT NOT NULL,
	PRIMARY KEY (gate, rank)
);
CREATE INDEX lane_wake ON lane (rank, wake_ms, head);

-- Who did what, written with the change itself. The words may hold personal data and lie apart.
CREATE TABLE audit (
	seq    BIGINT NOT NULL PRIMARY KEY CHECK (seq > 0),
	at_ms  BIGINT NOT NULL,
	actor  TEXT NOT NULL CHECK (length(actor) BETWEEN 1 AND 200),
	action TEXT NOT NULL CHECK (length(action) BETWEEN 1 AND 100),
	object TEXT NOT NULL CHECK (length(object) <= 500)
);
CREATE TABLE audit_detail (
	seq    BIGINT NOT NULL PRIMARY KEY REFERENCES audit (seq),
	detail TEXT NOT NULL CHECK (length(detail) <= 4000)
);
