/* run: one statement, one transaction. The only file that steps a statement or knows what an SQLite
 * code means; called by the rest of store/. Never decides anything. */
#include "store/inside.h"
#include <assert.h>
#include <string.h>

static const struct {
	const char *name, *text, *before, *after;
} sqls[] = {
#define X(name, text) { #name, text, #name " before", #name " after" },
	CONTROLS(X) STATEMENTS(X)
#undef X
};

const char *sql_text(enum sql sql) { return sqls[sql].text; }
const char *sql_name(enum sql sql) { return sqls[sql].name; }

static enum rc still_sick(const struct store *s, struct fail *fail)
{
	if (s->sick == RC_FULL)
		return FAIL(fail, RC_FULL, "%s", s->illness.why);
	return FAIL(fail, RC_BROKEN, "%s", s->illness.why);
}

enum rc run_alive(struct store *s, const char *point, struct fail *fail)
{
	if (s->sick == RC_BROKEN)
		return still_sick(s, fail);
	if (!s->hook.alive || s->hook.alive(s->hook.self, point))
		return RC_OK;
	s->sick = RC_BROKEN;
	fail_set(&s->illness, RC_BROKEN, "the process died at %s", point);
	return still_sick(s, fail);
}

/* A constraint or a text too long is the item's fault; a full disk dooms the transaction; anything
 * else leaves an unknown outcome behind, and a restart is the only cure. */
enum rc run_failed(struct store *s, const char *what, int code, struct fail *fail)
{
	const int primary = code & 0xff;

	if (primary == SQLITE_CONSTRAINT || primary == SQLITE_TOOBIG)
		return FAIL(fail, RC_REFUSED, "%s: %s", what, sqlite3_errmsg(s->db));
	s->sick = primary == SQLITE_FULL ? RC_FULL : RC_BROKEN;
	fail_set(&s->illness, s->sick, "%s: %s (SQLite %d)", what, sqlite3_errmsg(s->db), code);
	return still_sick(s, fail);
}

static enum rc bind_all(struct store *s, enum sql sql, const struct value *v, struct fail *fail)
{
	sqlite3_stmt *st = s->prepared[sql];
	int n = 0, code = SQLITE_OK;

	for (; v && v->kind != VALUE_END && code == SQLITE_OK; v++) {
		const struct str text = str_z(v->text);
		n++;
		if (v->kind == VALUE_TEXT && !utf8_valid(text))
			return FAIL(fail, RC_REFUSED, "%s: parameter %d is not UTF-8",
				    sql_name(sql), n);
		if (v->kind == VALUE_TEXT)
			code = sqlite3_bind_text64(st, n, text.n ? text.at : "", text.n,
						   SQLITE_STATIC, SQLITE_UTF8);
		else if (v->kind == VALUE_REFERENCE && v->number == 0)
			code = sqlite3_bind_null(st, n);
		else
			code = sqlite3_bind_int64(st, n, v->number);
	}
	assert(n == sqlite3_bind_parameter_count(st)); /* so that no old value is left */
	return code == SQLITE_OK ? RC_OK : run_failed(s, sql_name(sql), code, fail);
}

static enum rc step_all(struct store *s, enum sql sql, const struct rows *rows, struct fail *fail)
{
	sqlite3_stmt *st = s->prepared[sql];
	int code;

	while ((code = sqlite3_step(st)) == SQLITE_ROW) {
		if (rows)
			rows->row(s, st, rows->into);
	}
	if (code != SQLITE_DONE)
		return run_failed(s, sql_name(sql), code, fail);
	if (sql >= SQL_FIRST_NAMED && !sqlite3_stmt_readonly(st))
		s->changed = sqlite3_changes64(s->db);
	return RC_OK;
}

enum rc run(struct store *s, enum sql sql, const struct value *values, const struct rows *rows,
	    struct fail *fail)
{
	sqlite3_stmt *st = s->prepared[sql];

	if (s->sick != RC_OK)
		return still_sick(s, fail);
	assert(s->in_turn || sql == SQL_begin || sqlite3_stmt_readonly(st));
	enum rc rc = run_alive(s, sqls[sql].before, fail);
	if (rc != RC_OK)
		return rc;
	s->changed = 0;
	rc = bind_all(s, sql, values, fail);
	if (rc == RC_OK)
		rc = step_all(s, sql, rows, fail);
	s->wrote = s->wrote || s->changed > 0;
	s->knows_next = s->knows_next && s->changed == 0;
	sqlite3_reset(st); /* its code is the step's again */
	const enum rc alive = run_alive(s, sqls[sql].after, fail);
	return alive == RC_OK ? rc : alive;
}

/* --- the transaction --- */

enum rc store_begin(struct store *s, struct arena *arena, struct fail *fail)
{
	assert(!s->in_turn);
	s->arena = arena;
	s->wrote = s->wrote_at_mark = false;
	const enum rc rc = run(s, SQL_begin, NULL, NULL, fail);
	if (rc == RC_OK)
		s->in_turn = true;
	else if (rc == RC_FULL)
		s->sick = RC_OK;
	return rc;
}

void store_rollback(struct store *s)
{
	if (s->sick == RC_FULL)
		s->sick = RC_OK;
	/* SQLite may have rolled back by itself when the disk was full. */
	if (s->sick == RC_OK && !sqlite3_get_autocommit(s->db)) {
		struct fail ignored; /* a failure stays in s->illness and meets the next call */
		const enum rc rc = run(s, SQL_rollback, NULL, NULL, &ignored);
		if (rc == RC_FULL || rc == RC_REFUSED)
			s->sick = RC_BROKEN;
	}
	s->in_turn = false;
	s->wrote = false;
}

enum rc store_commit(struct store *s, struct fail *fail)
{
	assert(s->in_turn);
	enum rc rc = s->sick == RC_OK ? RC_OK : still_sick(s, fail);

	if (rc == RC_OK && s->wrote) {
		rc = run(s, SQL_commit, NULL, NULL, fail);
		if (rc == RC_OK) {
			s->in_turn = false;
			s->wrote = false;
			return RC_OK;
		}
	}
	if (rc == RC_REFUSED) { /* no constraint of ours is checked this late */
		s->sick = RC_BROKEN;
		rc = RC_BROKEN;
	}
	store_rollback(s);
	return rc == RC_OK && s->sick != RC_OK ? still_sick(s, fail) : rc;
}

bool store_wrote(const struct store *s) { return s->wrote; }

enum rc store_mark(struct store *s, struct fail *fail)
{
	s->wrote_at_mark = s->wrote;
	return run(s, SQL_mark, NULL, NULL, fail);
}

enum rc store_keep(struct store *s, struct fail *fail)
{
	return run(s, SQL_keep, NULL, NULL, fail);
}

enum rc store_undo(struct store *s, struct fail *fail)
{
	enum rc rc = run(s, SQL_undo, NULL, NULL, fail);
	if (rc == RC_OK)
		rc = run(s, SQL_keep, NULL, NULL, fail);
	if (rc == RC_OK)
		s->wrote = s->wrote_at_mark;
	return rc;
}

/* --- rows --- */

const char *column_text(struct store *s, sqlite3_stmt *st, int column)
{
	const unsigned char *at = sqlite3_column_text(st, column);
	const int n = sqlite3_column_bytes(st, column);

	if (!at || n <= 0)
		return "";
	assert(s->arena);
	return arena_str(s->arena, (struct str){ (const char *)at, (size_t)n });
}

void row_number(struct store *s, sqlite3_stmt *st, void *into)
{
	(void)s;
	*(int64_t *)into = sqlite3_column_int64(st, 0);
}

void row_id(struct store *s, sqlite3_stmt *st, void *into)
{
	struct id_list *list = into;

	(void)s;
	if (list->n < list->limit)
		list->at[list->n++] = sqlite3_column_int64(st, 0);
}

void row_text(struct store *s, sqlite3_stmt *st, void *into)
{
	*(const char **)into = column_text(s, st, 0);
}
