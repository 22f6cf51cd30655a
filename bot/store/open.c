/* open: the connection and its settings. Called by main, the simulator and tests; the only file
 * that opens or closes a database. Never touches a row. */
#include "store/inside.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The log is copied back when idle; a busy hour may not let it grow past WAL_PAGES_MAX (16 MiB). No
 * reader can hold it longer: there is one connection, run() steps each statement to its end, and a
 * backup reads within its step only. So it needs no alarm. */
enum { WAL_PAGES_IDLE = 256, WAL_PAGES_MAX = 4096 };

static int after_commit(void *self, sqlite3 *db, const char *name, int pages)
{
	struct store *s = self;

	s->wal_pages = pages;
	/* The commit stands whatever becomes of this; the next one tries again. */
	if (pages >= WAL_PAGES_MAX &&
	    sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK)
		s->wal_pages = 0;
	return SQLITE_OK;
}

void store_idle(struct store *s)
{
	struct fail ignored;

	if (s->in_turn || s->wal_pages < WAL_PAGES_IDLE ||
	    run_alive(s, "checkpoint before", &ignored) != RC_OK)
		return;
	/* A failed checkpoint loses nothing: the log stays and the next moment tries again. */
	if (sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
	    SQLITE_OK)
		s->wal_pages = 0;
	if (run_alive(s, "checkpoint after", &ignored) != RC_OK)
		return;
}

/* --- settings --- */

static enum rc damaged(struct fail *fail, const char *how)
{
	return FAIL(
		fail, RC_MALFORMED,
		"the file is damaged (%.120s). It was left as it is: move it away together with "
		"its -wal, put the newest backup in its place and start again",
		how);
}

static enum rc opening_failed(struct store *s, const char *what, int code, struct fail *fail)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
		return FAIL(fail, RC_REFUSED,
			    "another process has it; only one bot may run on a database");
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return damaged(fail, sqlite3_errmsg(s->db));
	default: break;
	}
	const enum rc rc = run_failed(s, what, code, fail);
	return rc == RC_REFUSED ? RC_BROKEN : rc;
}

/* The first row's text must be `wanted` (NULL: anything, also no row). */
static enum rc pragma(struct store *s, const char *sql, const char *wanted, struct fail *fail)
{
	sqlite3_stmt *st = NULL;
	enum rc rc = RC_OK;
	int code = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (code == SQLITE_OK) {
		code = sqlite3_step(st);
		const char *got =
			code == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : "";
		if ((code == SQLITE_ROW || code == SQLITE_DONE) && wanted &&
		    (!got || strcmp(got, wanted) != 0))
			rc = FAIL(fail, RC_BROKEN, "%s said \"%s\", not \"%s\"", sql,
				  got ? got : "", wanted);
	}
	if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
		rc = opening_failed(s, sql, code, fail);
	sqlite3_finalize(st);
	return rc;
}

static enum rc switches(struct store *s, struct fail *fail)
{
	static const struct {
		int option, on;
	} all[] = {
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		/* Plans do not follow the values bound: SQLite would compile such a statement
		 * anew for each. */
		{ SQLITE_DBCONFIG_ENABLE_QPSG, 1 },
	};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		int now = -1;
		const int code = sqlite3_db_config(s->db, all[i].option, all[i].on, &now);
		if (code != SQLITE_OK || now != all[i].on)
			return FAIL(fail, RC_BROKEN, "SQLite refuses the setting %d",
				    all[i].option);
	}
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	return RC_OK;
}

struct setting {
	const char *sql, *wanted;
};

static enum rc settings(struct store *s, const struct setting *all, size_t n, struct fail *fail)
{
	sqlite3_busy_timeout(s->db, 0);
	sqlite3_extended_result_codes(s->db, 1);
	enum rc rc = switches(s, fail);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		rc = pragma(s, all[i].sql, all[i].wanted, fail);
	return rc;
}

/* locking_mode comes first: the log of an EXCLUSIVE connection needs no shared memory, and the
 * first look at the file takes the lock that keeps a second bot out. */
static const struct setting at_work[] = {
	{ "PRAGMA locking_mode = EXCLUSIVE", "exclusive" },
	{ "PRAGMA journal_mode = WAL", "wal" },
	{ "PRAGMA synchronous = FULL", NULL },
	{ "PRAGMA cell_size_check = ON", NULL },
	{ "PRAGMA temp_store = MEMORY", NULL },
	{ "PRAGMA mmap_size = 0", NULL },
	{ "PRAGMA journal_size_limit = 67108864", NULL },
};
static const struct setting at_rest[] = {
	{ "PRAGMA locking_mode = EXCLUSIVE", "exclusive" },
	{ "PRAGMA query_only = ON", NULL },
	{ "PRAGMA cell_size_check = ON", NULL },
	{ "PRAGMA temp_store = MEMORY", NULL },
	{ "PRAGMA mmap_size = 0", NULL },
	{ "PRAGMA schema_version", NULL }, /* the first look at the file takes the lock */
};

static enum rc prepare(struct store *s, enum sql first, enum sql end, struct fail *fail)
{
	for (enum sql sql = first; sql < end; sql++) {
		const int code =
			sqlite3_prepare_v3(s->db, sql_text(sql), -1, SQLITE_PREPARE_PERSISTENT,
					   &s->prepared[sql], NULL);
		if (code != SQLITE_OK)
			return opening_failed(s, sql_name(sql), code, fail);
	}
	return RC_OK;
}

/* What is damaged is not worked on: each write could damage more. SQLite calls a page that could
 * not be read damaged, too: a second look tells a disk that failed for a moment from a file that
 * would be thrown away. */
static enum rc check_quickly(struct store *s, struct fail *fail)
{
	static const char sql[] = "PRAGMA quick_check(1)";
	struct fail why;
	const enum rc rc = pragma(s, sql, "ok", &why);

	if (rc == RC_BROKEN && s->sick == RC_OK) { /* it was answered, and not with ok */
		if (pragma(s, sql, "ok", fail) == RC_OK)
			return FAIL(fail, RC_BROKEN, "%s, but ok when asked again: a read failed",
				    why.why);
		return damaged(fail, why.why);
	}
	*fail = why;
	return rc;
}

static enum rc open_all(struct store *s, const char *path, struct fail *fail)
{
	const int flags =
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
	const int code = sqlite3_open_v2(path, &s->db, flags, NULL);

	if (code != SQLITE_OK)
		return opening_failed(s, "open", code, fail);
	/* Nothing can be promised then: main pages, and whoever starts us tries again. */
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return FAIL(fail, RC_BROKEN,
			    "it can't be written: the file, or its disk, is read-only for us");
	enum rc rc = settings(s, at_work, sizeof at_work / sizeof at_work[0], fail);
	sqlite3_wal_hook(s->db, after_commit, s);
	if (rc == RC_OK)
		rc = check_quickly(s, fail);
	if (rc == RC_OK)
		rc = prepare(s, SQL_begin, SQL_FIRST_NAMED, fail);
	if (rc == RC_OK)
		rc = migrate(s, embedded_files, embedded_files_n, fail);
	if (rc == RC_OK)
		rc = prepare(s, SQL_FIRST_NAMED, SQL_COUNT, fail);
	return rc;
}

enum rc store_open(const char *path, const struct store_hook *hook, struct store **out,
		   struct fail *fail)
{
	struct store *s = mem_new(sizeof *s);

	s->look.store = s;
	if (hook)
		s->hook = *hook;
	/* Alerts and names are nobody else's business: the file and its log are 0600. */
	const mode_t before = umask(077);
	const enum rc rc = open_all(s, path, fail);
	umask(before);
	if (rc != RC_OK) {
		fail_wrap(fail, "%s", path);
		store_close(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

/* --- one that rests --- */

static enum rc open_rest(struct store *s, const char *path, struct fail *fail)
{
	struct stat at;
	if (stat(path, &at) != 0)
		return FAIL(fail, RC_ABSENT, "%s", strerror(errno));
	const int code =
		sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code != SQLITE_OK)
		return opening_failed(s, "open", code, fail);
	enum rc rc = settings(s, at_rest, sizeof at_rest / sizeof at_rest[0], fail);
	if (rc == RC_OK)
		rc = migrated(s, embedded_files, embedded_files_n, fail);
	if (rc == RC_OK)
		rc = prepare(s, SQL_FIRST_READING, SQL_END_READINGS, fail);
	return rc;
}

enum rc store_open_resting(const char *path, struct store **out, struct fail *fail)
{
	struct store *s = mem_new(sizeof *s);
	const enum rc rc = open_rest(s, path, fail);

	if (rc != RC_OK) {
		fail_wrap(fail, "%s", path);
		store_close(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

enum rc store_is_whole(struct store *s, struct fail *fail)
{
	struct fail why;

	if (pragma(s, "PRAGMA integrity_check(1)", "ok", &why) == RC_OK)
		return RC_OK;
	return FAIL(fail, RC_MALFORMED, "the file is damaged: %s", why.why);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_backup_drop(s); /* its connection reads ours */
	secret_wipe(&s->audit_key);
	/* After a death the log is left as it lies: the next life recovers from it. */
	if (s->sick == RC_BROKEN && s->db)
		(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->prepared[i]);
	sqlite3_close(s->db); /* rolls back what is open */
	free(s);
}
