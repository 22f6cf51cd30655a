/* turn_room: what the turn does about the room on the disk. Facts that Slack can't repeat any more
 * are deleted. Nearly full: a trouble, and sources that can wait are told to come again. Full: the
 * ballast is given back, no new alert is taken, and what it held carries answers and pages. Called
 * by turn.c and turn_read.c. */
#include <stdio.h>

#include "base/log.h"
#include "base/when.h"
#include "turn_parts.h"

#define FINE_MS MINUTE_MS
#define SOON_MS (5 * SECOND_MS)
enum { MIB = 1024 * 1024, FACT_DAYS = 3, FORGET_ROWS = 200 };

static enum room_level level_of(const struct turn *t, const struct store_room *r)
{
	/* A quarter more, so that it does not come and go with every write. */
	const int64_t enough = t->room.level == ROOM_FINE ? r->low : r->low + r->low / 4;

	if (!r->has_ballast)
		return ROOM_NONE;
	return r->left < enough ? ROOM_LOW : ROOM_FINE;
}

static void tell(struct turn *t, enum room_level level, int64_t left)
{
	char why[200];

	t->room.level = level;
	t->room.is_told = true;
	switch (level) {
	case ROOM_FINE: turn_trouble_over(t, "disk"); return;
	case ROOM_LOW:
		(void)snprintf(why, sizeof(why),
			       "%lld MiB are left on the disk of the database. Sources that can "
			       "wait are told to come again.",
			       (long long)(left / MIB));
		break;
	case ROOM_NONE:
		(void)snprintf(why, sizeof(why),
			       "The disk of the database is full. New alerts are refused (503) "
			       "until there is room; answers and pages go on while the last "
			       "reserve lasts.");
		break;
	}
	log_line(LOG_LEVEL_ERROR, "disk.room", "level=%s left_mib=%lld",
		 level == ROOM_LOW ? "low" : "none", (long long)(left / MIB));
	turn_trouble(t, "disk", why);
}

void turn_room(struct turn *t)
{
	struct store_room r;

	if (t->now_ms < t->room.due_ms)
		return;
	store_room(t->o.store, &r);
	t->room.due_ms = NEVER_MS;
	if (r.all == 0) /* nobody knows */
		return;
	const enum room_level level = level_of(t, &r);
	t->room.due_ms = t->now_ms + (level == ROOM_FINE ? FINE_MS : SOON_MS);
	if (level != t->room.level || !t->room.is_told)
		tell(t, level, r.left);
}

bool turn_room_gained(struct turn *t)
{
	if (!store_give_ballast(t->o.store))
		return false;
	t->room.due_ms = t->now_ms + SOON_MS;
	tell(t, ROOM_NONE, 0);
	return true;
}

bool turn_room_refuses(struct turn *t, uint64_t ticket, bool can_wait)
{
	const bool is_full = t->room.level == ROOM_NONE;

	if (!is_full && (t->room.level == ROOM_FINE || !can_wait))
		return false;
	struct spoken *s = turn_say(t, SPOKEN_ANSWER, ticket);
	s->code = 503;
	s->text = door_problem(&t->batch, 503,
			       is_full ? "the disk is full; nothing was stored"
				       : "the disk is nearly full, and this source can wait; "
					 "nothing was stored");
	s->retry_after_s = is_full ? 30 : 60;
	return true;
}

enum rc turn_forget(struct turn *t, struct fail *fail)
{
	if (t->now_ms < t->forget_ms)
		return RC_OK;
	size_t n = 0;
	enum rc rc =
		store_forget(t->o.store, t->now_ms - FACT_DAYS * DAY_MS, FORGET_ROWS, &n, fail);
	/* More than an hour's worth is there: forgetting must not fall behind what comes. */
	t->forgets_more = n == FORGET_ROWS;
	t->forget_ms = t->now_ms + (t->forgets_more ? SECOND_MS : HOUR_MS);
	return rc;
}
