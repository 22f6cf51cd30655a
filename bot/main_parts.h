/* main_parts: what the files of the program itself share. main.c is the command line and `run`;
 * main_backup.c and main_audit.c are subcommands that read much, and the anchor of the record;
 * main_page.c is the page of a bot that can't run.
 * Nobody else includes it. */
#ifndef BOT_MAIN_PARTS_H
#define BOT_MAIN_PARTS_H
#include "base/secret.h"
#include "config/config.h"
#include "store/store.h"

enum { FILE_PATH_MAX = 4096 };

struct command_line {
	const char *config, *source, *socket, *file;
	bool wants_limits;
	const char *db, *anchor; /* audit: --db FILE, --anchor SEQ:DIGEST */
	const char *subject;     /* audit case: which */
	bool wants_json;
	bool may_replace; /* backup: --force */
};

int run_backup(const struct command_line *line); /* file: where to */
int run_audit(const struct command_line
		      *line); /* file: the word behind audit, subject: the one behind that */

/* The running bot copies its database to path (absolute), on the socket of the configuration: an
 * exit code, its sentence said; COPY_NOBODY: no bot listens there. */
enum { COPY_NOBODY = -1 };
int copy_by_bot(const char *socket, const char *path, bool may_replace);
/* "securitybot: …" on standard error; the exit code that suits. */
int say_failed(const struct fail *fail);
bool make_absolute(const char *path, char out[FILE_PATH_MAX]);
/* Told of configuration errors on standard error. */
void say_on_stderr(void *self, const char *line);

/* The database can't be used: calls the pagers until one takes it, then keeps the process a minute,
 * so that whoever starts it again does not call them without end; SIGTERM ends that. Nothing of the
 * bot may be open. Nobody is called if there never was such a file. */
void page_unusable(const struct config *config, const char *why);

/* The anchor: where the record was, in a small file beside the database and in the log, at most
 * every five minutes and at the end. */
struct anchor {
	char path[FILE_PATH_MAX];
	const struct secret *key;
	int64_t due_boot_ms;
	struct audit_mark newest;
	bool is_restored; /* the database is older: the anchor stays until that is accepted */
};
void anchor_open(struct anchor *a, const char *database, const struct secret *key);
/* The anchor that is there: RC_ABSENT: none; RC_MALFORMED: altered. */
MUST_CHECK enum rc anchor_load(const struct anchor *a, struct audit_mark *out, struct fail *fail);
/* What is wrong with the end of the record at a start, "" = nothing; each finding is logged. Sets
 * is_restored if nothing is wrong but that the anchor knows of a later record. */
void anchor_check(struct anchor *a, struct store *s, char *doubt, size_t room);
/* Between turns. Returns in how many ms to come again. */
int64_t anchor_keep(struct anchor *a, struct store *s, int64_t boot_ms, bool is_last);
#endif
