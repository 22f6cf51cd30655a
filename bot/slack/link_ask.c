/* link_ask: what the turn asks of slack/link (declared in link.h). It changes nothing. */
#include "base/when.h"
#include "slack/link_inside.h"

bool link_is_open(const struct slot *t) { return t->state == SLOT_GREETING || t->state == SLOT_UP; }

size_t link_count(const struct link *l, enum slot_state state, size_t *first)
{
	size_t n = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		if (l->slots[i].state == state && n++ == 0 && first != NULL)
			*first = i;
	}
	return n;
}

/* Nothing is missing, asked for or on its way: true. */
static bool has_session(const struct link *l)
{
	for (size_t i = 0; i < SLOTS; i++) {
		const struct slot *t = &l->slots[i];
		if (t->state == SLOT_DIALLED || t->state == SLOT_GREETING ||
		    (t->state == SLOT_UP && !t->is_leaving))
			return true;
	}
	return false;
}

bool link_wants_url(const struct link *l)
{
	return l->is_started && !l->is_stopping && !l->is_asking && !has_session(l) &&
	       link_count(l, SLOT_FREE, NULL) > 0;
}

static int64_t slot_due_ms(const struct link *l, const struct slot *t)
{
	int64_t due_ms = NEVER_MS;

	switch (t->state) {
	case SLOT_FREE: break;
	case SLOT_DIALLED:
	case SLOT_GREETING:
	case SLOT_CLOSING: return t->by_ms;
	case SLOT_UP:
		due_ms = when_earlier(t->ping_ms, t->heard_ms + DEAF_MS);
		if (!t->is_leaving)
			due_ms = when_earlier(due_ms, t->leave_ms);
		if (link_count(l, SLOT_UP, NULL) > 1)
			due_ms = when_earlier(due_ms, t->by_ms);
	}
	return due_ms;
}

int64_t link_due_ms(const struct link *l)
{
	int64_t due_ms = NEVER_MS;

	for (size_t i = 0; i < SLOTS; i++)
		due_ms = when_earlier(due_ms, slot_due_ms(l, &l->slots[i]));
	if (l->is_asking)
		due_ms = when_earlier(due_ms, l->asked_by_ms);
	if (link_wants_url(l))
		due_ms = when_earlier(due_ms, l->ask_ms);
	if (l->ghosts > 0 && !l->has_said_ghosts)
		due_ms = when_earlier(due_ms, l->ghosts_ms + GHOSTS_MS);
	return due_ms;
}

uint64_t link_ack_socket(const struct link *l, uint64_t asked)
{
	uint64_t found = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		const struct slot *t = &l->slots[i];
		if (link_is_open(t) && t->socket == asked)
			return asked;
		/* The one that stays, before the one that leaves. */
		if (t->state == SLOT_UP && (found == 0 || !t->is_leaving))
			found = t->socket;
	}
	return found;
}

bool link_is_up(const struct link *l) { return link_count(l, SLOT_UP, NULL) > 0; }

int64_t link_heard_ms(const struct link *l)
{
	int64_t heard_ms = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		if (link_is_open(&l->slots[i]) && l->slots[i].heard_ms > heard_ms)
			heard_ms = l->slots[i].heard_ms;
	}
	return heard_ms;
}

enum link_ghosts link_ghosts(const struct link *l)
{
	if (l->ghosts == 0)
		return GHOSTS_NONE;
	return l->has_said_ghosts ? GHOSTS_SURE : GHOSTS_SUSPECTED;
}

bool link_is_over(const struct link *l)
{
	return l->is_stopping && link_count(l, SLOT_FREE, NULL) == SLOTS;
}
