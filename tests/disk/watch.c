/* watch: what one scenario committed and what it let go, and whether every power cut leaves a whole
 * number of turns, none missing of which a word had left the process. */
#include <assert.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk_test.h"
#include "store/inside.h"

/* Under the sanitizers, which look for bad memory, a few will do. */
#ifdef __SANITIZE_ADDRESS__
struct effort effort = { .seed = 1, .share = 8 };
#else
struct effort effort = { .seed = 1, .share = 20 };
#endif
struct tally tally;
enum { COMMITS_MAX = 150 };

/* The database behind one COMMIT, and at which crash point that had returned. */
struct state {
	size_t step;
	uint64_t print;
};
/* From that crash point on, no state before this one may be found. */
struct promise {
	size_t step, state;
};
static struct {
	struct state *states;
	size_t n, room;
	struct promise *promises;
	size_t promises_n, promises_room;
	const char *leak; /* what left inside a transaction; NULL = nothing */
	bool is_over;     /* a long story, and only its beginning is looked at */
	size_t end;       /* of the newest life: what comes behind it is by somebody else's hand */
} seen;

/* --- while it runs --- */

static void begun(struct lab *l)
{
	free(seen.states);
	free(seen.promises);
	memset(&seen, 0, sizeof seen);
	disk_plug(); /* a story may have brought a disk of its own */
	disk_record(lab_database(l));
}

static void committed(struct lab *l)
{
	struct store *s = lab_store(l);

	if (seen.is_over || !sqlite3_get_autocommit(s->db)) /* it failed, and the turn rolls back */
		return;
	if (!effort.is_whole && seen.n == COMMITS_MAX) {
		seen.is_over = true;
		seen.end = disk_steps();
		disk_record_no_more();
		return;
	}
	if (seen.n == seen.room) {
		seen.room = seen.room ? 2 * seen.room : 256;
		seen.states = mem_grow(seen.states, seen.room * sizeof *seen.states);
	}
	seen.states[seen.n++] = (struct state){ .step = disk_steps(), .print = judge_print(s) };
}

static void released(struct lab *l, const char *what)
{
	assert(seen.n > 0);
	if (seen.is_over)
		return;
	if (!sqlite3_get_autocommit(lab_store(l)->db))
		seen.leak = what;
	if (seen.promises_n && seen.promises[seen.promises_n - 1].state == seen.n - 1)
		return;
	if (seen.promises_n == seen.promises_room) {
		seen.promises_room = seen.promises_room ? 2 * seen.promises_room : 256;
		seen.promises = mem_grow(seen.promises, seen.promises_room * sizeof *seen.promises);
	}
	seen.promises[seen.promises_n++] = (struct promise){ disk_steps(), seen.n - 1 };
}

static void died(struct lab *l)
{
	(void)l;
	if (!seen.is_over)
		seen.end = disk_steps();
}

/* --- when it is over --- */

static const char *const losses[] = { [DISK_LOSES_ALL] = "all is lost",
				      [DISK_LOSES_HALF] = "half is lost",
				      [DISK_TEARS_LAST] = "the last write is torn" };

static void remove_image(const char *path)
{
	static const char *const tails[] = { "", "-wal", "-journal", "-shm" };

	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		char name[192];
		(void)snprintf(name, sizeof name, "%s%s", path, tails[i]);
		(void)unlink(name);
	}
}

/* The newest state that may not be missing, and the newest that can be there: the one whose COMMIT
 * had begun. */
static size_t promised_at(size_t step)
{
	size_t state = 0;

	for (size_t i = 0; i < seen.promises_n && seen.promises[i].step <= step; i++)
		state = seen.promises[i].state;
	return state;
}
static size_t possible_at(size_t step)
{
	size_t n = 0;

	while (n < seen.n && seen.states[n].step <= step)
		n++;
	return n < seen.n ? n : seen.n - 1;
}

static const struct state *state_like(uint64_t print, size_t from, size_t to)
{
	for (size_t i = to + 1; i-- > from;)
		if (seen.states[i].print == print)
			return &seen.states[i];
	return NULL;
}

/* Of files seen before, in this scenario or another, it is known what is in them. Open addressing;
 * only sound ones are kept. */
static struct {
	struct known {
		uint64_t cut, print;
	} * at;
	size_t n, room;
} known;

static struct known *known_place(struct known *at, size_t room, uint64_t cut)
{
	size_t i = cut & (room - 1);

	while (at[i].cut && at[i].cut != cut)
		i = (i + 1) & (room - 1);
	return &at[i];
}

static void know(uint64_t cut, uint64_t print)
{
	if (2 * known.n >= known.room) {
		const size_t room = known.room ? 2 * known.room : 1 << 12;
		struct known *at = mem_new(room * sizeof *at);
		for (size_t i = 0; i < known.room; i++)
			if (known.at[i].cut)
				*known_place(at, room, known.at[i].cut) = known.at[i];
		free(known.at);
		known.at = at;
		known.room = room;
	}
	*known_place(known.at, known.room, cut) = (struct known){ cut, print };
	known.n++;
}

static const char *look_into(uint64_t cut, const char *path, uint64_t *print)
{
	struct known *k = known.room ? known_place(known.at, known.room, cut) : NULL;

	if (k && k->cut) {
		*print = k->print;
		return "";
	}
	disk_write_cut(path);
	const char *wrong = judge_image(path, print);
	remove_image(path);
	tally.opened++;
	if (!wrong[0])
		know(cut, *print);
	return wrong;
}

static const char *judge(size_t step, enum disk_loss loss, const char *path)
{
	static char why[800];
	const size_t from = promised_at(step), to = possible_at(step);
	const uint64_t cut = disk_cut(step, loss, effort.seed + step * DISK_LOSSES + loss);
	uint64_t print;
	const char *wrong = look_into(cut, path, &print);
	const struct state *found = wrong[0] ? NULL : state_like(print, from, to);
	why[0] = '\0';
	if (wrong[0])
		(void)snprintf(why, sizeof why, "%s", wrong);
	else if (!found && from > 0 && state_like(print, 0, from - 1))
		(void)snprintf(why, sizeof why,
			       "%zu commits are lost of which a word had left the process",
			       from - (size_t)(state_like(print, 0, from - 1) - seen.states));
	else if (!found)
		(void)snprintf(why, sizeof why, "no whole number of turns is in it");
	return why;
}

/* All crash points, or a part drawn from the seed, more of them where something became durable. */
static bool is_drawn(size_t step, size_t steps)
{
	const uint64_t h =
		(effort.seed + step + tally.labs * UINT64_C(7919)) * UINT64_C(0x9E3779B97F4A7C15);
	const bool is_brink = disk_is_sync(step) || disk_is_sync(step + 1);
	const uint64_t wanted = is_brink ? effort.share : effort.share / 4;

	return effort.is_whole || (h >> 33) % (steps + 1) < wanted;
}

static void ended(struct lab *l)
{
	char path[160];
	const size_t steps = seen.end;

	disk_heal();
	tally.labs++;
	tally.commits += seen.n;
	tally.releases += seen.promises_n;
	(void)snprintf(path, sizeof path, "%s.image", lab_database(l));
	if (seen.leak)
		fail_msg("released inside a transaction: %s", seen.leak);
	if (seen.n == 0)
		return;
	tally.points += steps + 1;
	for (size_t step = 0; step <= steps; step++) {
		if (!is_drawn(step, steps))
			continue;
		const int n = disk_is_at_risk(step) ? DISK_LOSSES : 1;
		tally.seen++;
		for (int loss = 0; loss < n; loss++) {
			const char *why = judge(step, (enum disk_loss)loss, path);
			tally.images++;
			if (!why[0])
				continue;
			tally.failed++;
			fail_msg("disk: scenario %zu, crash point %zu of %zu, %s: %s", tally.labs,
				 step, steps, losses[loss], why);
		}
	}
}

void watch_all(void)
{
	static const struct lab_watcher watcher = { .begun = begun,
						    .born = committed,
						    .committed = committed,
						    .released = released,
						    .died = died,
						    .ended = ended };

	lab_watch(&watcher);
}
