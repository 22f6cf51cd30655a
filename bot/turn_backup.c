/* turn_backup: a copy of the database for whoever asked at the local socket. It goes on between the
 * commits, a bounded step a turn, and everything else goes on with it. A request is answered within
 * io's patience: "running", and who wants the end asks again. Called by turn.c and turn_read.c. */
#include <string.h>

#include "turn_parts.h"

static void answer(struct turn *t, uint64_t ticket, int status, const char *body)
{
	struct spoken *s = turn_say(t, SPOKEN_ANSWER, ticket);

	s->code = status;
	s->text = body;
	if (status == 503)
		s->retry_after_s = 1;
}

static void refuse(struct turn *t, uint64_t ticket, int status, const char *detail)
{
	answer(t, ticket, status, door_problem(&t->batch, status, detail));
}

static bool is_known(const struct turn *t, const char *path)
{
	return t->backup.state != BACKUP_NONE && strcmp(path, t->backup.path) == 0;
}

static int status_of(enum rc rc) { return rc == RC_ABSENT ? 400 : rc == RC_REFUSED ? 409 : 500; }

/* The store is not in a transaction while arrivals are read, and this writes no row. */
static bool start(struct turn *t, uint64_t ticket, const struct door *d)
{
	struct fail fail = { .rc = RC_OK };
	const struct backup_terms terms = { d->backup.path, d->backup.may_replace };

	if (t->stopping) {
		refuse(t, ticket, 503, "the bot is stopping");
		return false;
	}
	const enum rc rc = store_backup_start(t->o.store, &terms, &fail);
	if (rc != RC_OK) {
		refuse(t, ticket, status_of(rc), fail.why);
		return false;
	}
	memset(&t->backup, 0, sizeof(t->backup));
	t->backup.state = BACKUP_RUNNING;
	memcpy(t->backup.path, d->backup.path, strlen(d->backup.path));
	return true;
}

void turn_backup_asked(struct turn *t, uint64_t ticket, const struct door *d)
{
	const bool is_running = t->backup.state == BACKUP_RUNNING;

	if (d->backup.is_waiting && !is_known(t, d->backup.path)) {
		refuse(t, ticket, 404, "no backup to that path was asked for");
		return;
	}
	if (!d->backup.is_waiting && is_running) {
		refuse(t, ticket, 503, "another backup is under way");
		return;
	}
	if (!d->backup.is_waiting && !start(t, ticket, d))
		return;
	if (t->backup.is_asked)
		refuse(t, t->backup.ticket, 503, "somebody else asked as well");
	t->backup.is_asked = true;
	t->backup.ticket = ticket;
	t->backup.answer_ms = t->now_ms + BACKUP_SAY_MS;
}

static void tell(struct turn *t)
{
	const struct backup_progress p = t->backup.progress;
	const bool is_running = t->backup.state == BACKUP_RUNNING;

	if (!t->backup.is_asked || (is_running && t->now_ms < t->backup.answer_ms))
		return;
	t->backup.is_asked = false;
	if (t->backup.state == BACKUP_FAILED)
		refuse(t, t->backup.ticket, 500, t->backup.fail.why);
	else
		answer(t, t->backup.ticket, is_running ? 202 : 200,
		       door_backup(&t->batch, !is_running, p.done, p.pages));
	if (!is_running)
		t->backup.state = BACKUP_NONE;
}

enum rc turn_backup(struct turn *t, struct fail *fail)
{
	enum rc rc = RC_AGAIN;

	if (t->backup.state == BACKUP_RUNNING && t->stopping) {
		store_backup_drop(t->o.store);
		rc = FAIL(fail, RC_REFUSED, "the bot is stopping");
	} else if (t->backup.state == BACKUP_RUNNING) {
		rc = store_backup_step(t->o.store, &t->backup.progress, fail);
	}
	if (rc == RC_BROKEN)
		return rc;
	if (rc == RC_OK)
		t->backup.state = BACKUP_DONE;
	if (rc == RC_REFUSED) {
		t->backup.state = BACKUP_FAILED;
		t->backup.fail = *fail;
	}
	tell(t);
	return RC_OK;
}
