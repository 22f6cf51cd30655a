/* judge: what must be true of a database that was found after a power cut, whatever was going on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "disk_test.h"
#include "model/policy.h"
#include "store/inside.h"

static char said[600];

static uint64_t mixed(uint64_t h, const void *at, size_t n)
{
	for (const unsigned char *p = at; n--; p++)
		h = (h ^ *p) * UINT64_C(1099511628211); /* FNV-1a */
	return h;
}

static uint64_t mixed_cell(uint64_t h, sqlite3_stmt *st, int column)
{
	const int kind = sqlite3_column_type(st, column);
	const unsigned char *text = sqlite3_column_text(st, column);

	h = mixed(h, &kind, sizeof kind);
	return mixed(h, text ? text : (const unsigned char *)"",
		     (size_t)sqlite3_column_bytes(st, column));
}

static uint64_t mixed_table(uint64_t h, sqlite3 *db, const char *name)
{
	char sql[120];
	sqlite3_stmt *st = NULL;

	(void)snprintf(sql, sizeof sql, "SELECT * FROM \"%s\" ORDER BY 1, 2", name);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		return 0;
	h = mixed(h, name, strlen(name));
	while (sqlite3_step(st) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(st); i++)
			h = mixed_cell(h, st, i);
	sqlite3_finalize(st);
	return h;
}

uint64_t judge_print(struct store *s)
{
	uint64_t h = UINT64_C(14695981039346656037);
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(s->db,
			       "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
			       -1, &st, NULL) != SQLITE_OK)
		return 0;
	while (sqlite3_step(st) == SQLITE_ROW)
		h = mixed_table(h, s->db, (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return h;
}

/* --- rows that are written together --- */

static const struct {
	const char *says, *sql;
} together[] = {
	{ "an alert without its body",
	  "SELECT COUNT(*) FROM alert WHERE id NOT IN (SELECT alert_id FROM alert_raw)" },
	{ "an alert without its record",
	  "SELECT COUNT(*) FROM alert WHERE 'alert ' || id NOT IN (SELECT object FROM audit WHERE "
	  "action = 'alert.received')" },
	{ "a case without its record", "SELECT COUNT(*) FROM casefile WHERE 'case ' || id NOT IN "
				       "(SELECT object FROM audit WHERE "
				       "action IN ('case.opened', 'case.held', 'trouble.began'))" },
	{ "a question without its record",
	  "SELECT COUNT(*) FROM inquiry WHERE 'inquiry ' || id NOT IN (SELECT object FROM audit "
	  "WHERE action IN ('inquiry.opened', 'inquiry.unreachable'))" },
	{ "an answer without its record",
	  "SELECT COUNT(*) FROM inquiry WHERE answered_ms > 0 AND 'inquiry ' || id NOT IN (SELECT "
	  "object FROM audit WHERE action = 'inquiry.answered')" },
	{ "a no without its page", "SELECT COUNT(*) FROM inquiry q JOIN casefile k ON k.id = "
				   "q.case_id WHERE q.state = 5 AND "
				   "k.drill = 0 AND 'case ' || q.case_id || ', page, answered-no' "
				   "NOT IN (SELECT out_key FROM "
				   "outgoing)" },
	{ "a counter behind its rows",
	  "SELECT (SELECT taken FROM counter WHERE name = 'audit') < (SELECT COALESCE(MAX(seq), 0) "
	  "FROM audit) OR (SELECT taken FROM counter WHERE name = 'alert') < (SELECT "
	  "COALESCE(MAX(id), 0) FROM alert)" },
	{ "a row that refers to none", "SELECT COUNT(*) FROM pragma_foreign_key_check" },
};

static bool is_together(struct store *s)
{
	for (size_t i = 0; i < sizeof together / sizeof together[0]; i++) {
		sqlite3_stmt *st = NULL;
		const bool is_good =
			sqlite3_prepare_v2(s->db, together[i].sql, -1, &st, NULL) == SQLITE_OK &&
			sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int64(st, 0) == 0;
		if (!is_good)
			(void)snprintf(said, sizeof said, "half a turn: %s (%s)", together[i].says,
				       sqlite3_errmsg(s->db));
		sqlite3_finalize(st);
		if (!is_good)
			return false;
	}
	return true;
}

static void say_finding(void *self, const char *line)
{
	(void)self;
	(void)snprintf(said, sizeof said, "the record: %s", line);
}

static bool is_chain_whole(struct store *s)
{
	struct audit_report report = { .say = say_finding };
	struct fail fail;

	store_audit_key(s, &lab_policy()->audit_key);
	if (store_audit_verify(s, NULL, &report, &fail) != RC_OK)
		say_finding(NULL, fail.why);
	return !said[0];
}

const char *judge_image(const char *path, uint64_t *print)
{
	struct store *s = NULL;
	struct fail fail = { 0 };

	said[0] = '\0';
	*print = 0;
	if (store_open(path, NULL, &s, &fail) != RC_OK) {
		(void)snprintf(said, sizeof said, "it does not open: %s", fail.why);
		return said;
	}
	*print = judge_print(s);
	if (store_is_whole(s, &fail) != RC_OK)
		(void)snprintf(said, sizeof said, "%s", fail.why);
	else if (is_together(s))
		(void)is_chain_whole(s);
	store_close(s);
	return said;
}
