/* migrate: numbered steps, forward only, each in one transaction with its number. Called by
 * store_open and the tests. Never edits a file it does not know. */
#include "store/inside.h"
#include <stdio.h>
#include <string.h>

/* One number from one statement; *out keeps its value where no row comes. For the time before the
 * named statements can be prepared. */
static enum rc ask(struct store *s, const char *sql, int64_t *out, struct fail *fail)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (code == SQLITE_OK) {
		code = sqlite3_step(st);
		if (code == SQLITE_ROW) {
			*out = sqlite3_column_int64(st, 0);
			code = SQLITE_DONE;
		}
	}
	const enum rc rc = code == SQLITE_DONE ? RC_OK : run_failed(s, "schema", code, fail);
	sqlite3_finalize(st);
	return rc;
}

static enum rc schema_of(struct store *s, int64_t *schema, struct fail *fail)
{
	int64_t tables = 0, metas = 0;
	enum rc rc = ask(s, "SELECT COUNT(*) FROM sqlite_schema", &tables, fail);

	*schema = 0;
	if (rc == RC_OK)
		rc = ask(s,
			 "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name IN "
			 "('meta', 'casefile')",
			 &metas, fail);
	if (rc != RC_OK || tables == 0)
		return rc;
	if (metas != 2)
		return FAIL(fail, RC_REFUSED, "the file is a database of another program");
	return ask(s, "SELECT value FROM meta WHERE name = 'schema'", schema, fail);
}

/* "migrations/0007_words.sql" must be the seventh: a gap would let a step be skipped. */
static bool numbered(const char *name, int64_t number)
{
	char wanted[40];

	(void)snprintf(wanted, sizeof wanted, "migrations/%04lld_", (long long)number);
	return strncmp(name, wanted, strlen(wanted)) == 0;
}

static enum rc script(struct store *s, const struct embedded_file *f, int64_t number,
		      struct fail *fail)
{
	char stamp[160];

	(void)snprintf(stamp, sizeof stamp,
		       "INSERT INTO meta (name, value) VALUES ('schema', %lld) "
		       "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		       (long long)number);
	enum rc rc = run_alive(s, "migration before", fail);
	if (rc != RC_OK)
		return rc;
	int code = sqlite3_exec(s->db, (const char *)f->at, NULL, NULL, NULL);
	if (code == SQLITE_OK && sqlite3_get_autocommit(s->db))
		code = SQLITE_MISUSE; /* the script ended our transaction */
	if (code == SQLITE_OK)
		code = sqlite3_exec(s->db, stamp, NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		rc = run_failed(s, f->name, code, fail);
		return rc == RC_REFUSED ? RC_BROKEN : rc;
	}
	return run_alive(s, "migration after", fail);
}

static enum rc one_step(struct store *s, const struct embedded_file *f, int64_t number,
			struct fail *fail)
{
	if (!numbered(f->name, number))
		return FAIL(fail, RC_BROKEN, "%s: migration %lld was wanted here", f->name,
			    (long long)number);
	enum rc rc = store_begin(s, NULL, fail);
	if (rc != RC_OK)
		return rc;
	rc = script(s, f, number, fail);
	if (rc == RC_OK) {
		s->wrote = true;
		return store_commit(s, fail);
	}
	store_rollback(s);
	return rc;
}

/* The steps among the files: the first, and how many. */
static size_t steps_of(const struct embedded_file *files, size_t n, size_t *first)
{
	size_t last;

	*first = 0;
	while (*first < n && strncmp(files[*first].name, "migrations/", 11) != 0)
		(*first)++;
	for (last = *first; last < n && strncmp(files[last].name, "migrations/", 11) == 0; last++) {
	}
	return last - *first;
}

enum rc migrated(struct store *s, const struct embedded_file *files, size_t n, struct fail *fail)
{
	int64_t schema = 0;
	size_t first;
	const int64_t newest = (int64_t)steps_of(files, n, &first);
	const enum rc rc = schema_of(s, &schema, fail);

	if (rc != RC_OK || schema == newest)
		return rc;
	return FAIL(fail, RC_REFUSED,
		    "the file has schema %lld, and this program reads %lld only: use the program "
		    "that wrote it",
		    (long long)schema, (long long)newest);
}

enum rc migrate(struct store *s, const struct embedded_file *files, size_t n, struct fail *fail)
{
	int64_t schema = 0;
	size_t first;
	const int64_t newest = (int64_t)steps_of(files, n, &first);
	enum rc rc = schema_of(s, &schema, fail);
	if (rc != RC_OK)
		return rc;
	if (schema > newest)
		return FAIL(fail, RC_REFUSED,
			    "the file has schema %lld, and this program knows %lld at most: start "
			    "the newer program",
			    (long long)schema, (long long)newest);
	for (int64_t at = schema; rc == RC_OK && at < newest; at++)
		rc = one_step(s, &files[first + (size_t)at], at + 1, fail);
	return rc;
}
