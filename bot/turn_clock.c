/* turn_clock: the time by which a turn decides, and what a jump of the wall clock does to it.
 * now_ms never goes back: the wall clock, but at least the last committed now_ms plus the BOOTTIME
 * passed since. A wall clock set back therefore delays nothing; one set forward makes much due at
 * once, and that is let through over a minute. Suspend is no jump: BOOTTIME counts it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/when.h"
#include "turn_parts.h"

enum {
	CLOCK_JUMP_MS = 5 * 60 * 1000,
	CLOCK_CALM_MS = 10 * 60 * 1000,
	SPREAD_S = 60,
	COUNT_MAX = 20000
};

static int64_t magnitude(int64_t ms) { return ms < 0 ? -ms : ms; }

/* What to do about it is the operator's; people are told why times may look wrong. */
static void jumped(struct turn *t, int64_t by_ms)
{
	char why[TROUBLE_WHY_MAX];
	snprintf(why, sizeof(why),
		 "The machine's clock jumped %s by %s. Deadlines go by the time that has really "
		 "passed, or end early, never late; times in messages may be wrong. Look at what "
		 "keeps the clock right (timedatectl, chronyc tracking).",
		 by_ms < 0 ? "back" : "forward", when_span(magnitude(by_ms)).text);
	log_line(LOG_LEVEL_ERROR, "clock.jumped", "by_ms=%" PRId64, by_ms);
	turn_trouble(t, "clock", why);
	t->jump.calm_ms = t->now_ms + CLOCK_CALM_MS;
	if (by_ms > 0)
		t->jump.spread_until_ms = t->now_ms + SPREAD_S * SECOND_MS;
	t->jump.per_s = 0;
}

void turn_tell_time(struct turn *t, const struct clocks *c)
{
	int64_t least = t->committed_ms + (c->boot_ms - t->committed_boot_ms);
	int64_t now = c->wall_ms > least ? c->wall_ms : least;
	int64_t by = (c->wall_ms - t->clocks.wall_ms) - (c->boot_ms - t->clocks.boot_ms);
	t->clocks = *c;
	if (now > t->now_ms)
		t->now_ms = now;
	if (magnitude(by) > CLOCK_JUMP_MS)
		jumped(t, by);
	/* Set back, it stays behind until somebody mends it or time catches up. */
	else if (t->jump.calm_ms && magnitude(t->now_ms - c->wall_ms) > CLOCK_JUMP_MS)
		t->jump.calm_ms = t->now_ms + CLOCK_CALM_MS;
	else if (t->jump.calm_ms && t->now_ms >= t->jump.calm_ms) {
		t->jump.calm_ms = 0;
		turn_trouble_over(t, "clock");
	}
}

/* A life that begins before the last one ended: the clock was set back between them. */
void turn_compare_clocks(struct turn *t)
{
	if (t->committed_ms - t->clocks.wall_ms > CLOCK_JUMP_MS)
		jumped(t, t->clocks.wall_ms - t->committed_ms);
}

/* --- after a jump forward: a sixtieth a second of what it has made due --- */

enum rc turn_due_allowed(struct turn *t, size_t *allowed, struct fail *fail)
{
	*allowed = TURN_DUE_MAX;
	if (t->now_ms >= t->jump.spread_until_ms)
		return RC_OK;
	if (!t->jump.per_s) {
		int64_t *ids = arena_many(&t->work, int64_t, COUNT_MAX);
		size_t n = 0;
		enum rc rc = store_due_inquiries(t->o.store, t->now_ms, ids, COUNT_MAX, &n, fail);
		if (rc != RC_OK)
			return rc;
		t->jump.per_s = 1 + n / SPREAD_S;
		t->jump.second_ms = 0;
	}
	if (t->now_ms - t->jump.second_ms >= SECOND_MS) {
		t->jump.second_ms = t->now_ms;
		t->jump.left = t->jump.per_s;
	}
	if (t->jump.left < *allowed)
		*allowed = t->jump.left;
	return RC_OK;
}

void turn_due_used(struct turn *t, size_t n)
{
	t->jump.left -= n < t->jump.left ? n : t->jump.left;
}
