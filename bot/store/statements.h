/* statements: all SQL the program runs, by name; prepared at open, so a typo fails there. Read by
 * store/ and its tests only. Rules: parameters ?1 ?2, an ORDER BY wherever several rows may come
 * back, no clock, no chance, nothing that PostgreSQL 15 would not run, no full scan (tested). */
#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

#define NEVER_SQL "9223372036854775807"

/* Columns in the order in which look.c reads them. */
#define ALERT_COLUMNS                                                                              \
	"a.id, a.source, a.digest, a.alert_key, a.state, a.seen, a.first_ms, a.last_ms, "          \
	"COALESCE(a.case_id, 0)"
#define ALERT_BODY    "COALESCE(r.body, '') FROM alert a LEFT JOIN alert_raw r ON r.alert_id = a.id"
#define ALERT_NO_BODY "'' FROM alert a"
#define CASE_COLUMNS                                                                               \
	"id, state, resolution, priority, held, playbook, source, subject, plan, alerts, "         \
	"opened_ms, closed_ms, drill"
#define INQUIRY_COLUMNS                                                                            \
	"id, case_id, state, person, created_ms, wait_ms, undelivered_ms, delivered_ms, "          \
	"answer_ms, due_ms, answered_ms, late, late_ms, comment, tried"
#define PERSON_COLUMNS                                                                             \
	"user_id, email, name, tz, tz_offset_s, is_bot, is_deleted, is_guest, dm, fetched_ms"
#define OUT_COLUMNS                                                                                \
	"id, out_key, kind, state, phase, rank, gate, COALESCE(case_id, 0), "                      \
	"COALESCE(inquiry_id, 0), target, channel, ref, wanted, shown, flight, attempts, misses, " \
	"due_ms, deadline_ms, created_ms, first_ms, last_ms, done_ms, error"

/* A row that wants to go out; the very words of the index outgoing_waiting. */
#define OUT_WAITING "state = 0 AND flight = 0 AND shown < wanted AND due_ms < " NEVER_SQL
#define OUT_LATE    "state = 0 AND shown < wanted AND deadline_ms < " NEVER_SQL

/* The head of one lane, and the earliest wake of one rank. */
#define HEAD(r)                                                                                    \
	"SELECT * FROM (SELECT rank, due_ms, id FROM outgoing WHERE gate = ?1 AND rank = " #r      \
	" AND " OUT_WAITING " ORDER BY due_ms, id LIMIT 1) AS head"
#define WAKE(r)                                                                                    \
	"COALESCE((SELECT wake_ms FROM lane WHERE rank = " #r                                      \
	" AND " UNHELD("?1") " ORDER BY wake_ms, head LIMIT 1), " NEVER_SQL ")"
/* With 1, all but the gates of what goes to Slack. */
#define UNHELD(n) "(" n " = 0 OR gate < 'slack:' OR gate >= 'slack;')"

/* The transaction. Their names are lower-case: a turn, not a table. */
#define CONTROLS(X)                                                                                \
	X(begin, "BEGIN IMMEDIATE")                                                                \
	X(commit, "COMMIT")                                                                        \
	X(rollback, "ROLLBACK")                                                                    \
	X(mark, "SAVEPOINT item")                                                                  \
	X(undo, "ROLLBACK TO SAVEPOINT item")                                                      \
	X(keep, "RELEASE SAVEPOINT item")

/* clang-format off */
/* What a copy is verified with; prepared for a resting database too. */
#define READINGS(X) \
	X(AUDIT_HEAD, "SELECT first_seq, last_seq, digest, mac FROM audit_head WHERE id = 1") \
	X(AUDIT_AT, "SELECT digest FROM audit WHERE seq = ?1") \
	X(AUDIT_LAST, "SELECT seq, digest FROM audit WHERE seq > 0 ORDER BY seq DESC LIMIT 1") \
	X(AUDIT_READ, "SELECT a.seq, a.at_ms, a.actor, a.action, a.object, a.detail_digest, a.previous, a.digest, " \
		"d.salt, d.detail FROM audit a LEFT JOIN audit_detail d ON d.seq = a.seq " \
		"WHERE a.seq > ?1 ORDER BY a.seq LIMIT ?2") \
	/* The || keeps it in the order of the record, without a sort. */ \
	X(AUDIT_OF_CASE, "SELECT a.seq, a.at_ms, a.actor, a.action, a.object, COALESCE(d.detail, '') " \
		"FROM audit a LEFT JOIN audit_detail d ON d.seq = a.seq WHERE a.seq > ?2 AND a.object || '' IN (" \
		"SELECT 'case ' || CAST(k.id AS TEXT) FROM casefile k WHERE k.id = ?1 " \
		"UNION ALL SELECT 'alert ' || CAST(l.id AS TEXT) FROM alert l WHERE l.case_id = ?1 " \
		"UNION ALL SELECT 'inquiry ' || CAST(q.id AS TEXT) FROM inquiry q WHERE q.case_id = ?1 " \
		"UNION ALL SELECT 'outgoing ' || CAST(o.id AS TEXT) FROM outgoing o WHERE o.case_id = ?1) " \
		"ORDER BY a.seq LIMIT ?3")

#define STATEMENTS(X) \
	X(META_GET, "SELECT value FROM meta WHERE name = ?1") \
	X(META_SET, "INSERT INTO meta (name, value) VALUES (?1, ?2) " \
		"ON CONFLICT (name) DO UPDATE SET value = excluded.value") \
	X(COUNTER_TAKE, "UPDATE counter SET taken = taken + 1 WHERE name = ?1 RETURNING taken") \
	\
	X(FACT_NEW, "INSERT INTO fact (fact_key, kind, at_ms) VALUES (?1, ?2, ?3) " \
		"ON CONFLICT (fact_key) DO NOTHING") \
	X(FACT_FORGET, "DELETE FROM fact WHERE at_ms < ?1 AND fact_key IN " \
		"(SELECT fact_key FROM fact WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)") \
	X(DELIVERY_NEW, "INSERT INTO delivery (delivery_key, digest, at_ms) VALUES (?1 || ':' || ?2, ?3, ?4)") \
	X(DELIVERY_GET, "SELECT digest FROM delivery WHERE delivery_key = ?1 || ':' || ?2") \
	X(DELIVERY_FORGET, "DELETE FROM delivery WHERE at_ms < ?1 AND delivery_key IN " \
		"(SELECT delivery_key FROM delivery WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)") \
	X(CRUMB_COUNT, "INSERT INTO crumb (item_key, deaths, last_ms) VALUES (?1, 1, ?2) " \
		"ON CONFLICT (item_key) DO UPDATE SET deaths = crumb.deaths + 1, last_ms = excluded.last_ms") \
	X(CRUMB_DEATHS, "SELECT deaths FROM crumb WHERE item_key = ?1") \
	X(CRUMB_ANY, "SELECT 1 FROM crumb WHERE last_ms >= 0 ORDER BY last_ms LIMIT 1") \
	X(CRUMB_FORGET, "DELETE FROM crumb WHERE last_ms < ?1 AND item_key IN " \
		"(SELECT item_key FROM crumb WHERE last_ms < ?1 ORDER BY last_ms LIMIT ?2)") \
	\
	X(ALERT_NEW, "INSERT INTO alert (id, source, digest, alert_key, state, seen, first_ms, last_ms, " \
		"case_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)") \
	X(ALERT_SET, "UPDATE alert SET state = ?2, alert_key = ?3, seen = ?4, last_ms = ?5, case_id = ?6 " \
		"WHERE id = ?1") \
	X(ALERT_RAW, "INSERT INTO alert_raw (alert_id, body) VALUES (?1, ?2) " \
		"ON CONFLICT (alert_id) DO UPDATE SET body = excluded.body") \
	X(ALERT_GET, "SELECT " ALERT_COLUMNS ", " ALERT_BODY " WHERE a.id = ?1") \
	X(ALERT_BY_DIGEST, "SELECT " ALERT_COLUMNS ", " ALERT_NO_BODY \
		" WHERE a.source = ?1 AND a.digest = ?2") \
	X(ALERT_BY_KEY, "SELECT " ALERT_COLUMNS ", " ALERT_NO_BODY " WHERE a.source = ?1 " \
		"AND a.alert_key = ?2 AND a.alert_key <> '' AND a.state <> 3 ORDER BY a.id LIMIT 1") \
	X(ALERT_DUE, "SELECT id FROM alert WHERE state = 0 AND id > 0 ORDER BY id LIMIT ?1") \
	\
	X(CASE_NEW, "INSERT INTO casefile (" CASE_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, " \
		"?11, ?12, ?13)") \
	X(CASE_SET, "UPDATE casefile SET state = ?2, resolution = ?3, held = ?4, alerts = ?5, closed_ms = ?6 " \
		"WHERE id = ?1") \
	X(CASE_GET, "SELECT " CASE_COLUMNS " FROM casefile WHERE id = ?1") \
	X(CASE_DRILLS, "SELECT " CASE_COLUMNS " FROM casefile WHERE subject = ?1 AND drill = 1 " \
		"ORDER BY id DESC LIMIT ?2") \
	X(CASE_OPEN, "SELECT id, opened_ms, CASE WHEN held <> '' THEN -2 ELSE COALESCE((SELECT q.state FROM " \
		"inquiry q WHERE q.case_id = casefile.id ORDER BY q.id DESC LIMIT 1), -1) END FROM casefile " \
		"WHERE state = 0 AND drill = 0 AND opened_ms >= 0 ORDER BY opened_ms, id LIMIT ?1") \
	\
	X(INQUIRY_NEW, "INSERT INTO inquiry (" INQUIRY_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, " \
		"?9, ?10, ?11, ?12, ?13, ?14, ?15)") \
	X(INQUIRY_SET, "UPDATE inquiry SET state = ?3, person = ?4, delivered_ms = ?5, answer_ms = ?6, " \
		"due_ms = ?7, answered_ms = ?8, late = ?9, late_ms = ?10, comment = ?11, tried = ?12 " \
		"WHERE id = ?1 AND state = ?2") \
	X(INQUIRY_GET, "SELECT " INQUIRY_COLUMNS " FROM inquiry WHERE id = ?1") \
	X(INQUIRY_OF_CASE, "SELECT " INQUIRY_COLUMNS \
		" FROM inquiry WHERE case_id = ?1 ORDER BY id DESC LIMIT 1") \
	X(INQUIRY_OF_PERSON, "SELECT " INQUIRY_COLUMNS \
		" FROM inquiry WHERE person = ?1 AND state = 0 ORDER BY id LIMIT ?2") \
	X(INQUIRY_NEWEST, "SELECT " INQUIRY_COLUMNS " FROM inquiry WHERE person = ?1 AND person <> '' " \
		"ORDER BY id DESC LIMIT ?2") \
	X(INQUIRY_OLD, "SELECT id FROM inquiry WHERE state = 0 AND created_ms <= ?1 AND person >= '' " \
		"AND due_ms < " NEVER_SQL " ORDER BY person, id LIMIT ?2") \
	X(INQUIRY_COUNT, "SELECT COUNT(*) FROM inquiry WHERE state = 0 AND person >= ''") \
	X(INQUIRY_DUE, "SELECT id FROM inquiry WHERE due_ms <= ?1 AND due_ms < " NEVER_SQL \
		" ORDER BY due_ms, id LIMIT ?2") \
	\
	X(PERSON_PUT, "INSERT INTO person (" PERSON_COLUMNS ", email_lower) " \
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (user_id) DO UPDATE SET " \
		"email = excluded.email, name = excluded.name, tz = excluded.tz, " \
		"tz_offset_s = excluded.tz_offset_s, is_bot = excluded.is_bot, " \
		"is_deleted = excluded.is_deleted, is_guest = excluded.is_guest, " \
		"dm = CASE WHEN excluded.dm = '' THEN person.dm ELSE excluded.dm END, " \
		"fetched_ms = excluded.fetched_ms, email_lower = excluded.email_lower") \
	X(PERSON_GET, "SELECT " PERSON_COLUMNS " FROM person WHERE user_id = ?1") \
	X(TROUBLE_PUT, "INSERT INTO trouble (name, case_id, since_ms, over_ms) VALUES (?1, ?2, ?3, ?4) " \
		"ON CONFLICT (name) DO UPDATE SET case_id = excluded.case_id, since_ms = excluded.since_ms, " \
		"over_ms = excluded.over_ms") \
	X(TROUBLE_GET, "SELECT name, case_id, since_ms, over_ms FROM trouble WHERE name = ?1") \
	\
	X(PERSON_BY_EMAIL, "SELECT " PERSON_COLUMNS " FROM person WHERE email_lower = ?1 " \
		"AND email_lower <> '' ORDER BY user_id LIMIT ?2") \
	\
	X(OUT_NEW, "INSERT INTO outgoing (id, out_key, kind, state, phase, rank, gate, case_id, inquiry_id, " \
		"target, channel, ref, wanted, shown, flight, attempts, misses, due_ms, deadline_ms, created_ms, " \
		"first_ms, last_ms, done_ms, error) VALUES " \
		"(?1, ?2, ?3, 0, 0, ?4, ?5, ?6, ?7, ?8, ?9, '', 1, 0, 0, 0, 0, ?10, ?11, ?12, 0, 0, 0, '')") \
	X(OUT_RAISE, "UPDATE outgoing SET wanted = wanted + 1, rank = ?2, gate = ?3, channel = ?4, due_ms = ?5 " \
		"WHERE id = ?1 AND state = 0") \
	/* wanted belongs to OUT_RAISE alone; if it moved since the decision looked, the row stays due. */ \
	X(OUT_SET, "UPDATE outgoing SET state = CAST(?3 AS SMALLINT), phase = ?4, rank = ?5, channel = ?6, ref = ?7, shown = ?8, " \
		"flight = ?9, attempts = ?10, misses = ?11, deadline_ms = ?12, first_ms = ?13, last_ms = ?14, " \
		"done_ms = ?15, error = ?16, due_ms = CASE WHEN wanted <> ?18 AND CAST(?3 AS SMALLINT) = 0 AND ?17 = " NEVER_SQL \
		" THEN ?19 ELSE ?17 END WHERE id = ?1 AND flight = ?2 RETURNING gate") \
	X(OUT_CLAIM, "UPDATE outgoing SET flight = wanted, attempts = attempts + 1, last_ms = ?2, " \
		"first_ms = CASE WHEN first_ms = 0 THEN ?2 ELSE first_ms END " \
		"WHERE id = ?1 AND due_ms <= ?2 AND " OUT_WAITING) \
	X(OUT_LATER, "UPDATE outgoing SET due_ms = ?2 WHERE id = ?1 AND due_ms < ?2 AND " OUT_WAITING) \
	X(OUT_GET, "SELECT " OUT_COLUMNS " FROM outgoing WHERE id = ?1") \
	X(OUT_BY_KEY, "SELECT " OUT_COLUMNS " FROM outgoing WHERE out_key = ?1") \
	X(OUT_OF_CASE, "SELECT " OUT_COLUMNS " FROM outgoing WHERE case_id = ?1 AND kind = ?2 " \
		"ORDER BY id LIMIT ?3") \
	X(OUT_IN_FLIGHT, "SELECT id FROM outgoing WHERE flight > 0 AND gate > '' ORDER BY gate LIMIT ?1") \
	X(OUT_DEADLINE, "SELECT id FROM outgoing WHERE deadline_ms <= ?1 AND " OUT_LATE \
		" ORDER BY deadline_ms, id LIMIT ?2") \
	\
	X(GATE_CLOSE, "INSERT INTO gate (name, open_ms) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET " \
		"open_ms = excluded.open_ms WHERE gate.open_ms < excluded.open_ms") \
	X(GATE_FAILED, "INSERT INTO gate (name, open_ms, failures) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET " \
		"failures = excluded.failures, open_ms = CASE WHEN gate.open_ms < excluded.open_ms " \
		"THEN excluded.open_ms ELSE gate.open_ms END") \
	X(GATE_LOOK, "SELECT open_ms, failures FROM gate WHERE name = ?1") \
	X(GATE_GET, "SELECT COALESCE((SELECT open_ms FROM gate WHERE name = ?1), 0), " \
		"COALESCE((SELECT id FROM outgoing WHERE gate = ?1 AND flight > 0), 0)") \
	X(GATE_HEADS, HEAD(0) " UNION ALL " HEAD(1) " UNION ALL " HEAD(2) " UNION ALL " HEAD(3) \
		" UNION ALL " HEAD(4)) \
	X(LANE_OF_GATE, "SELECT rank, wake_ms, head FROM lane WHERE gate = ?1 ORDER BY rank") \
	X(LANE_PUT, "INSERT INTO lane (gate, rank, wake_ms, head) VALUES (?1, ?2, ?3, ?4) " \
		"ON CONFLICT (gate, rank) DO UPDATE SET wake_ms = excluded.wake_ms, head = excluded.head") \
	X(LANE_DROP, "DELETE FROM lane WHERE gate = ?1 AND rank = ?2") \
	X(LANE_DROP_ALL, "DELETE FROM lane WHERE gate = ?1") \
	X(LANE_READY, "SELECT gate, head FROM lane WHERE rank = ?1 AND wake_ms <= ?2 AND " UNHELD("?4") \
		" ORDER BY wake_ms, head LIMIT ?3") \
	\
	X(AUDIT_NEW, "INSERT INTO audit (seq, at_ms, actor, action, object, detail_digest, previous, digest) " \
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)") \
	X(AUDIT_DETAIL, "INSERT INTO audit_detail (seq, detail, salt) VALUES (?1, ?2, ?3)") \
	X(AUDIT_HEAD_PUT, "INSERT INTO audit_head (id, first_seq, last_seq, digest, mac) VALUES (1, ?1, ?2, ?3, ?4) " \
		"ON CONFLICT (id) DO UPDATE SET first_seq = excluded.first_seq, last_seq = excluded.last_seq, " \
		"digest = excluded.digest, mac = excluded.mac") \
	X(AUDIT_OF_OBJECT, "SELECT a.seq, a.at_ms, a.actor, a.action, COALESCE(d.detail, '') FROM audit a " \
		"LEFT JOIN audit_detail d ON d.seq = a.seq WHERE a.object = ?1 ORDER BY a.seq DESC LIMIT ?2") \
	READINGS(X) \
	\
	X(OLDEST, "SELECT " \
		"COALESCE((SELECT first_ms FROM alert WHERE state = 0 AND id > 0 ORDER BY id LIMIT 1), " \
		NEVER_SQL "), " \
		"COALESCE((SELECT created_ms FROM outgoing WHERE kind = 4 AND state = 0 AND shown < wanted " \
		"AND created_ms > 0 ORDER BY created_ms, id LIMIT 1), " NEVER_SQL ")") \
	X(NEXT_DUE, "SELECT " \
		"COALESCE((SELECT 0 FROM alert WHERE state = 0 AND id > 0 ORDER BY id LIMIT 1), " NEVER_SQL "), " \
		"COALESCE((SELECT due_ms FROM inquiry WHERE due_ms < " NEVER_SQL \
		" ORDER BY due_ms, id LIMIT 1), " NEVER_SQL "), " \
		"COALESCE((SELECT deadline_ms FROM outgoing WHERE " OUT_LATE \
		" ORDER BY deadline_ms, id LIMIT 1), " NEVER_SQL "), " \
		WAKE(0) ", " WAKE(1) ", " WAKE(2) ", " WAKE(3) ", " WAKE(4))
/* clang-format on */
#endif
