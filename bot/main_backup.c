/* main_backup: `securitybot backup`. The running bot makes the copy; when none runs, we take its
 * lock and make it ourselves. The copy is checked here, for the bot's loop runs no statement
 * without a bound. */
#include "main_parts.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/json.h"
#include "io/io.h"

enum { ANSWER_MAX = 64 * 1024 };

void say_on_stderr(void *self, const char *line)
{
	(void)self;
	(void)fprintf(stderr, "securitybot: %s\n", line);
}

int say_failed(const struct fail *fail)
{
	say_on_stderr(NULL, fail->why);
	switch (fail->rc) {
	case RC_ABSENT: return EX_NOINPUT;
	case RC_AGAIN:
	case RC_FULL: return EX_TEMPFAIL;
	case RC_OK:
	case RC_REFUSED:
	case RC_MALFORMED:
	case RC_TOO_BIG:
	case RC_BROKEN: return EX_DATAERR;
	}
	return EX_SOFTWARE;
}

bool make_absolute(const char *path, char out[FILE_PATH_MAX])
{
	char here[FILE_PATH_MAX] = "";
	const bool is_absolute = path[0] == '/';

	if (!is_absolute && getcwd(here, sizeof(here)) == NULL)
		return false;
	const int n = snprintf(out, FILE_PATH_MAX, "%s%s%s", here, is_absolute ? "" : "/", path);
	return n > 0 && n < FILE_PATH_MAX;
}

static int exit_of(int status)
{
	return status == 400 || status == 409 ? EX_CANTCREAT
	       : status >= 500                ? EX_TEMPFAIL
					      : EX_DATAERR;
}

struct wish {
	const char *socket, *path;
	bool may_replace, is_waiting;
};

static enum rc ask(const struct wish *w, int *status, struct buf *reply, struct fail *fail)
{
	CLEANUP(json_done) struct cJSON *j = json_object();
	CLEANUP(buf_free) struct buf body = BUF(ANSWER_MAX);

	json_put_text(j, "path", w->path);
	json_put_bool(j, "force", w->may_replace);
	json_put_bool(j, "wait", w->is_waiting);
	json_print(j, &body);
	buf_clear(reply);
	return local_post(&(struct local_call){ .socket_path = w->socket,
						.path = "/v1/local/backup",
						.content_type = "application/json",
						.body = buf_str(&body) },
			  status, reply, fail);
}

/* 202: it goes on; we ask for its end, which is answered after a few seconds at most. */
int copy_by_bot(const char *socket, const char *path, bool may_replace)
{
	CLEANUP(buf_free) struct buf reply = BUF(ANSWER_MAX);
	struct wish w = { .socket = socket, .path = path, .may_replace = may_replace };
	struct fail fail = { .rc = RC_OK };
	int status = 0;
	enum rc rc = ask(&w, &status, &reply, &fail);

	if (rc == RC_ABSENT)
		return COPY_NOBODY;
	w.is_waiting = true;
	while (rc == RC_OK && status == 202)
		rc = ask(&w, &status, &reply, &fail);
	if (rc != RC_OK)
		return say_failed(&fail);
	if (status == 200)
		return EX_OK;
	CLEANUP(json_done) struct cJSON *j = json_parse(buf_str(&reply), &fail);
	say_on_stderr(NULL, j != NULL ? json_text_at(j, "detail") : "the bot refuses");
	return exit_of(status);
}

static int copy_by_us(const char *database, const char *path, bool may_replace)
{
	struct fail fail = { .rc = RC_OK };
	struct backup_progress progress;
	struct store *s = NULL;
	enum rc rc = store_open_resting(database, &s, &fail);

	if (rc != RC_OK)
		return say_failed(&fail);
	rc = store_backup_start(s, &(struct backup_terms){ path, may_replace }, &fail);
	if (rc == RC_OK)
		do
			rc = store_backup_step(s, &progress, &fail);
		while (rc == RC_AGAIN);
	store_close(s);
	if (rc != RC_OK)
		say_on_stderr(NULL, fail.why);
	return rc == RC_OK ? EX_OK : EX_CANTCREAT;
}

/* A copy that is not whole says that the database isn't: it must not pass for a backup. */
static int check_copy(const char *path)
{
	char aside[FILE_PATH_MAX + 16];
	struct fail fail = { .rc = RC_OK };
	struct store *s = NULL;
	enum rc rc = store_open_resting(path, &s, &fail);

	if (rc == RC_OK)
		rc = store_is_whole(s, &fail);
	store_close(s);
	if (rc == RC_OK)
		return EX_OK;
	(void)snprintf(aside, sizeof(aside), "%s.damaged", path);
	if (rename(path, aside) == 0)
		(void)fprintf(stderr, "securitybot: the copy lies at %s\n", aside);
	(void)say_failed(&fail);
	return EX_DATAERR;
}

int run_backup(const struct command_line *line)
{
	struct config_report report = { .say = say_on_stderr };
	char path[FILE_PATH_MAX];

	if (line->file == NULL || !make_absolute(line->file, path)) {
		(void)fputs("securitybot: backup needs FILE\n", stderr);
		return EX_USAGE;
	}
	struct config *c = config_load(line->config, false, &report);
	if (c == NULL)
		return EX_CONFIG;
	const struct config_place place = config_place(c);
	int code = copy_by_bot(line->socket != NULL ? line->socket : place.socket, path,
			       line->may_replace);
	if (code == COPY_NOBODY)
		code = copy_by_us(place.database, path, line->may_replace);
	config_free(c);
	if (code == EX_OK)
		code = check_copy(path);
	if (code == EX_OK)
		(void)printf("backup: %s, whole\n", path);
	return code;
}
