/* backup: a copy of the whole database, some pages a step, on our own connection, so that what is
 * committed meanwhile is in it. Called by the turn between transactions, and by main's subcommands
 * on a resting database. Nothing ever lies at the path that is not whole. */
#include "store/inside.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is written goes to the disk every so many steps (4 MiB): one fsync at the end would stall
 * the loop. */
enum { STEPS_A_SYNC = 16, NAME_MAX_ = BACKUP_PATH_MAX + 8 };

struct copy {
	char path[BACKUP_PATH_MAX + 1], tmp[NAME_MAX_];
	bool may_replace;
	sqlite3 *db;
	sqlite3_backup *backup;
	int fd; /* of tmp */
	int64_t steps;
	struct backup_progress progress;
};

/* False: it is not there. */
static bool is_same_file(const char *a, const char *b)
{
	struct stat one, two;

	return stat(a, &one) == 0 && stat(b, &two) == 0 && one.st_dev == two.st_dev &&
	       one.st_ino == two.st_ino;
}

static bool is_ours(const struct store *s, const char *path)
{
	const char *own = sqlite3_db_filename(s->db, "main");
	char wal[4096];

	(void)snprintf(wal, sizeof wal, "%s-wal", own);
	return is_same_file(own, path) || is_same_file(wal, path);
}

static enum rc check_path(const struct store *s, const struct backup_terms *terms,
			  struct fail *fail)
{
	struct stat at;
	const size_t n = strlen(terms->path);

	if (n > BACKUP_PATH_MAX || terms->path[0] != '/' || terms->path[n - 1] == '/')
		return FAIL(fail, RC_ABSENT, "wanted an absolute path of a file, %d bytes at most",
			    BACKUP_PATH_MAX);
	if (is_ours(s, terms->path))
		return FAIL(fail, RC_REFUSED, "%s is the database itself", terms->path);
	if (lstat(terms->path, &at) != 0)
		return RC_OK;
	if (!S_ISREG(at.st_mode))
		return FAIL(fail, RC_REFUSED, "%s is there and is no file", terms->path);
	return terms->may_replace ? RC_OK : FAIL(fail, RC_REFUSED, "%s is there", terms->path);
}

/* What an earlier, killed backup left is cleared away; the new one is nobody else's to read. */
static enum rc make_tmp(struct copy *c, struct fail *fail)
{
	struct stat at;

	if (lstat(c->tmp, &at) == 0 && S_ISREG(at.st_mode))
		(void)unlink(c->tmp);
	c->fd = open(c->tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return c->fd >= 0 ? RC_OK : FAIL(fail, RC_ABSENT, "%s: %s", c->tmp, strerror(errno));
}

/* No journal and no sync of SQLite's own: a copy that is not finished is thrown away. */
static enum rc open_copy(struct store *s, struct copy *c, struct fail *fail)
{
	static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
				       "PRAGMA synchronous = OFF; PRAGMA cache_size = -512";
	int code =
		sqlite3_open_v2(c->tmp, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(c->db, settings, NULL, NULL, NULL);
	if (code == SQLITE_OK) {
		c->backup = sqlite3_backup_init(c->db, "main", s->db, "main");
		code = c->backup ? SQLITE_OK : sqlite3_errcode(c->db);
	}
	return code == SQLITE_OK ? RC_OK
				 : FAIL(fail, RC_ABSENT, "%s: %s", c->tmp, sqlite3_errmsg(c->db));
}

enum rc store_backup_start(struct store *s, const struct backup_terms *terms, struct fail *fail)
{
	assert(!s->in_turn && !s->copy);
	enum rc rc = check_path(s, terms, fail);
	if (rc == RC_OK)
		rc = run_alive(s, "backup start before", fail);
	if (rc != RC_OK)
		return rc;
	struct copy *c = s->copy = mem_new(sizeof *c);
	c->may_replace = terms->may_replace;
	c->fd = -1;
	(void)snprintf(c->path, sizeof c->path, "%s", terms->path);
	(void)snprintf(c->tmp, sizeof c->tmp, "%s.tmp", terms->path);
	rc = make_tmp(c, fail);
	if (rc == RC_OK)
		rc = open_copy(s, c, fail);
	if (rc != RC_OK) {
		store_backup_drop(s);
		return rc;
	}
	return run_alive(s, "backup start after", fail);
}

/* --- the end of it --- */

static enum rc close_copy(struct copy *c, struct fail *fail)
{
	int code = sqlite3_backup_finish(c->backup);

	c->backup = NULL;
	/* The copy says "WAL" like its source; as one plain file it can be read from anywhere. */
	if (code == SQLITE_OK)
		code = sqlite3_exec(c->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	const enum rc rc =
		code == SQLITE_OK ? RC_OK
				  : FAIL(fail, RC_REFUSED, "%s: %s", c->tmp, sqlite3_errmsg(c->db));
	(void)sqlite3_close(c->db);
	c->db = NULL;
	return rc;
}

static bool sync_folder(const char *path)
{
	char folder[BACKUP_PATH_MAX + 1];

	(void)snprintf(folder, sizeof folder, "%s", path);
	strrchr(folder, '/')[1] = '\0';
	const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const bool is_done = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		(void)close(fd);
	return is_done;
}

/* Whole, on the disk, under its name, and the name on the disk: in this order. */
static enum rc publish(struct copy *c, struct fail *fail)
{
	enum rc rc = close_copy(c, fail);

	if (rc == RC_OK && fsync(c->fd) != 0)
		rc = FAIL(fail, RC_REFUSED, "%s: %s", c->tmp, strerror(errno));
	if (rc == RC_OK && renameat2(AT_FDCWD, c->tmp, AT_FDCWD, c->path,
				     c->may_replace ? 0 : RENAME_NOREPLACE) != 0)
		rc = FAIL(fail, RC_REFUSED, "%s: %s", c->path, strerror(errno));
	if (rc == RC_OK && !sync_folder(c->path))
		rc = FAIL(fail, RC_REFUSED, "%s: %s", c->path, strerror(errno));
	return rc;
}

void store_backup_drop(struct store *s)
{
	struct copy *c = s->copy;

	if (!c)
		return;
	s->copy = NULL;
	if (c->backup)
		(void)sqlite3_backup_finish(c->backup);
	(void)sqlite3_close(c->db); /* NULL is fine */
	if (c->fd >= 0) {
		(void)close(c->fd);
		/* The dead clear nothing away, as in a real death; what is published has no tmp. */
		if (s->sick != RC_BROKEN)
			(void)unlink(c->tmp);
	}
	free(c);
}

/* --- a step --- */

static enum rc some_pages(struct copy *c, struct fail *fail)
{
	const int code = sqlite3_backup_step(c->backup, BACKUP_PAGES);

	c->progress.pages = sqlite3_backup_pagecount(c->backup);
	c->progress.done = c->progress.pages - sqlite3_backup_remaining(c->backup);
	if (code != SQLITE_OK && code != SQLITE_DONE)
		return FAIL(fail, RC_REFUSED, "%s: %s", c->tmp, sqlite3_errstr(code));
	if (++c->steps % STEPS_A_SYNC == 0 && fdatasync(c->fd) != 0)
		return FAIL(fail, RC_REFUSED, "%s: %s", c->tmp, strerror(errno));
	return code == SQLITE_DONE ? publish(c, fail) : RC_AGAIN;
}

enum rc store_backup_step(struct store *s, struct backup_progress *out, struct fail *fail)
{
	assert(!s->in_turn && s->copy);
	enum rc rc = run_alive(s, "backup step before", fail);
	if (rc != RC_OK)
		return rc;
	rc = some_pages(s->copy, fail);
	*out = s->copy->progress;
	const enum rc alive = run_alive(s, "backup step after", fail);
	if (alive != RC_OK)
		return alive;
	if (rc != RC_AGAIN)
		store_backup_drop(s);
	return rc;
}
