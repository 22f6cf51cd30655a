/* turn_restore: the database is older than its anchor: somebody has put a backup in its place. That
 * is a trouble until an admin says at the local socket that it was meant; all else goes on. Called
 * by main, turn.c and turn_read.c. */
#include "base/log.h"
#include "turn_parts.h"

void turn_restored(struct turn *t, const char *why)
{
	t->restored.is_on = true;
	turn_trouble(t, "restored", why);
}

bool turn_is_restored(const struct turn *t) { return t->restored.is_on; }

static void answer(struct turn *t, uint64_t ticket, int status, const char *text)
{
	struct spoken *s = turn_say(t, SPOKEN_ANSWER, ticket);

	s->code = status;
	s->text = status == 200 ? text : door_problem(&t->batch, status, text);
	if (status == 503)
		s->retry_after_s = 1;
}

void turn_restore_asked(struct turn *t, uint64_t ticket)
{
	if (!t->restored.is_on)
		answer(t, ticket, 409,
		       "the database is not an older one: there is nothing to accept");
	else if (t->restored.is_asked)
		answer(t, ticket, 503, "somebody else accepts it just now");
	else {
		t->restored.is_asked = true;
		t->restored.ticket = ticket;
		turn_trouble_over(t, "restored");
	}
}

void turn_restore_ends(struct turn *t)
{
	if (!t->restored.is_asked)
		return;
	t->restored.is_asked = false;
	t->restored.is_on = false;
	log_line(LOG_LEVEL_NOTICE, "audit.restore_accepted", "by=local");
	answer(t, t->restored.ticket, 200, "{\"status\":\"accepted\"}");
}
