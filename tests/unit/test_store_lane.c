/* The table lane is derived: after any mixture of raises, claims, results, closings and undone
 * items it must say what the rows themselves say, or a page would wait in a line nobody looks at.
 */
#include "test_store_help.h"

/* A second gate: closed until then for rows of odd ids; 0 = open. */
static int64_t put_off_ms;
static int64_t later(void *self, const struct outgoing *row)
{
	(void)self;
	return row->id % 2 ? put_off_ms : 0;
}

static size_t claim(struct bench *b, int64_t now_ms, size_t limit, const struct outgoing **rows)
{
	size_t n = 0;
	const struct claim_terms terms = { .now_ms = now_ms, .limit = limit, .later = later };

	ok(b, store_claim(b->s, &terms, rows, &n, &b->fail));
	return n;
}

/* --- against a model that reads everything ------------------------------------------------------
 */

static uint64_t chance(uint64_t *seed, uint64_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % n;
}

/* Which row is first at (gate, rank) by the definition, not by the lanes. */
#define MODEL_WRONG                                                                                \
	"WITH want AS (SELECT o.gate AS gate, o.rank AS rank, o.id AS head, "                      \
	"MAX(o.due_ms, COALESCE((SELECT open_ms FROM gate g WHERE g.name = o.gate), 0)) AS wake "  \
	"FROM outgoing o WHERE o.state = 0 AND o.flight = 0 AND o.shown < o.wanted "               \
	"AND o.due_ms < 9223372036854775807 "                                                      \
	"AND NOT EXISTS (SELECT 1 FROM outgoing f WHERE f.gate = o.gate AND f.flight > 0) "        \
	"AND NOT EXISTS (SELECT 1 FROM outgoing p WHERE p.gate = o.gate AND p.rank = o.rank "      \
	"AND p.state = 0 AND p.flight = 0 AND p.shown < p.wanted "                                 \
	"AND (p.due_ms < o.due_ms OR (p.due_ms = o.due_ms AND p.id < o.id)))) "                    \
	"SELECT (SELECT COUNT(*) FROM (SELECT gate, rank, head, wake FROM want "                   \
	"EXCEPT SELECT gate, rank, head, wake_ms FROM lane)) + "                                   \
	"(SELECT COUNT(*) FROM (SELECT gate, rank, head, wake_ms FROM lane "                       \
	"EXCEPT SELECT gate, rank, head, wake FROM want))"

static void settle_one(struct bench *b, uint64_t *seed, int64_t now_ms)
{
	int64_t ids[8];
	size_t n = 0;

	ok(b, store_in_flight(b->s, ids, 8, &n, &b->fail));
	if (n == 0)
		return;
	struct change c = done_of(look_outgoing(store_look(b->s), ids[chance(seed, n)]), now_ms);
	switch (chance(seed, 4)) {
	case 0:
		c.as.out.row.shown = 0;
		c.as.out.row.due_ms = now_ms + 20;
		break; /* again */
	case 1:
		c.as.out.row.state = OUT_DEAD;
		c.as.out.row.due_ms = NEVER_MS;
		break;
	default: break;
	}
	ok(b, put(b, c, now_ms));
}

static void one_random_step(struct bench *b, uint64_t *seed, int64_t now_ms)
{
	static const char *const channels[] = { "C1", "C2", "D3", "D4" };
	char key[32];
	const struct outgoing *rows;
	const char *channel = channels[chance(seed, 4)];
	const enum rank rank = (enum rank)chance(seed, 5);

	(void)snprintf(key, sizeof key, "row %d", (int)chance(seed, 60));
	struct change c = raise_of(key, OUT_CARD, rank, channel);
	switch (chance(seed, 6)) {
	case 0:
	case 1:
		c.as.out.gap_ms = (int64_t)chance(seed, 30);
		ok(b, put(b, c, now_ms));
		break;
	case 2:
		put_off_ms = chance(seed, 2) ? now_ms + (int64_t)chance(seed, 30) : 0;
		(void)claim(b, now_ms, chance(seed, 3), &rows);
		put_off_ms = 0;
		break;
	case 3: settle_one(b, seed, now_ms); break;
	case 4:
		ok(b, put(b,
			  (struct change){
				  .kind = CHANGE_GATE,
				  .as.gate = { .gate = c.as.out.row.gate,
					       .open_ms = now_ms + (int64_t)chance(seed, 40) } },
			  now_ms));
		break;
	default: /* an item that is undone */
		ok(b, store_mark(b->s, &b->fail));
		ok(b, put(b, c, now_ms));
		ok(b, store_undo(b->s, &b->fail));
		break;
	}
}

static void the_lanes_always_say_what_the_rows_say(void **state)
{
	struct bench *b = *state;
	uint64_t seed = 88172645463325252u;

	for (int turn = 0; turn < 60; turn++) {
		arena_clear(&b->arena);
		begin(b);
		for (int i = 0; i < 25; i++) {
			one_random_step(b, &seed, T0 + turn * 10 + i / 3);
			assert_int_equal(number_of(b, MODEL_WRONG), 0);
		}
		if (chance(&seed, 4) == 0)
			store_rollback(b->s);
		else
			commit(b);
		assert_int_equal(number_of(b, MODEL_WRONG), 0);
	}
	assert_true(number_of(b, "SELECT COUNT(*) FROM outgoing WHERE shown > 0") > 10);
	assert_true(number_of(b, "SELECT COUNT(*) FROM lane") > 0);
}

/* What is put off lets the next of its line go first, and comes when its time has come. */
static void who_is_put_off_stops_nobody(void **state)
{
	struct bench *b = *state;
	const struct outgoing *rows;

	begin(b);
	for (int i = 0; i < 3; i++) {
		char key[16];
		(void)snprintf(key, sizeof key, "row %d", i);
		ok(b, put(b, raise_of(key, OUT_CARD, RANK_CARD, "C1"), T0 + i));
	}
	put_off_ms = T0 + 5000;
	assert_int_equal(claim(b, T0 + 10, 8, &rows), 0); /* the first is put off */
	assert_int_equal(claim(b, T0 + 10, 8, &rows), 1);
	assert_string_equal(rows[0].key, "row 1");
	ok(b, put(b, done_of(&rows[0], T0 + 11), T0 + 11));
	assert_int_equal(claim(b, T0 + 12, 8, &rows), 0); /* the third, too */
	int64_t due_ms = 0;
	ok(b, store_next_due(b->s, T0 + 12, &due_ms, &b->fail));
	assert_int_equal(due_ms, T0 + 5000);
	put_off_ms = 0;
	assert_int_equal(claim(b, T0 + 4999, 8, &rows), 0);
	assert_int_equal(claim(b, T0 + 5000, 8, &rows), 1);
	assert_string_equal(rows[0].key, "row 0");
	commit(b);
}

/* Slack's side is held: its rows wait and wake nobody; the pager's go. */
static void what_is_held_wakes_nobody(void **state)
{
	struct bench *b = *state;
	const struct outgoing *rows;
	int64_t due_ms = 0, open_ms = -1;

	begin(b);
	ok(b, put(b, raise_of("card", OUT_CARD, RANK_CARD, "C1"), T0));
	ok(b, put(b,
		  (struct change){ .kind = CHANGE_GATE,
				   .as.gate = { .gate = "slack:chat.update", .open_ms = T0 + 9 } },
		  T0));
	store_hold_slack(b->s, true);
	assert_int_equal(claim(b, T0 + 10, 8, &rows), 0);
	ok(b, store_next_due(b->s, T0 + 10, &due_ms, &b->fail));
	assert_int_equal(due_ms, NEVER_MS);
	store_hold_slack(b->s, false);
	ok(b, store_next_due(b->s, T0 + 10, &due_ms, &b->fail));
	assert_int_equal(due_ms, T0 + 10);
	assert_int_equal(claim(b, T0 + 10, 8, &rows), 1);
	ok(b, store_gate(b->s, "slack:chat.update", &open_ms, &b->fail));
	assert_int_equal(open_ms, T0 + 9);
	ok(b, store_gate(b->s, "slack:nothing", &open_ms, &b->fail));
	assert_int_equal(open_ms, 0);
	commit(b);
}

/* I-34: ten thousand cards wait, each of five hundred channels has a request or could have one. */
static void a_page_waits_for_nothing_else(void **state)
{
	struct bench *b = *state;
	const struct outgoing *rows;
	char key[32], channel[16];

	begin(b);
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(key, sizeof key, "row %d", i);
		(void)snprintf(channel, sizeof channel, "C%d", i % 500);
		ok(b, put(b, raise_of(key, OUT_CARD, (enum rank)(1 + i % 4), channel), T0));
		if (i % 1000 == 0) {
			commit(b);
			arena_clear(&b->arena);
			begin(b);
		}
	}
	commit(b);
	arena_clear(&b->arena);
	begin(b);
	ok(b, put(b, effect_of("case 1, page, silence", OUT_PAGE, RANK_PAGE, "pagerduty"), T0 + 9));
	ok(b, put(b, effect_of("case 2, page, silence", OUT_PAGE, RANK_PAGE, "other"), T0 + 9));
	size_t n = claim(b, T0 + 9, 64, &rows);
	assert_int_equal(n, 64);
	assert_int_equal(rows[0].kind, OUT_PAGE);
	assert_int_equal(rows[1].kind, OUT_PAGE);
	assert_int_equal(rows[2].rank, RANK_PROOF);
	store_rollback(b->s);

	/* No room is left but what is kept for pages. */
	struct claim_terms terms = { .now_ms = T0 + 9, .limit = 0, .more = 16 };
	begin(b);
	ok(b, put(b, effect_of("case 1, page, silence", OUT_PAGE, RANK_PAGE, "pagerduty"), T0 + 9));
	ok(b, store_claim(b->s, &terms, &rows, &n, &b->fail));
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].kind, OUT_PAGE);
	ok(b, store_claim(b->s, &terms, &rows, &n, &b->fail));
	assert_int_equal(n, 0); /* cards never take it */
	commit(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_lanes_always_say_what_the_rows_say,
						bench_set_up, bench_tear_down),
		cmocka_unit_test_setup_teardown(who_is_put_off_stops_nobody, bench_set_up,
						bench_tear_down),
		cmocka_unit_test_setup_teardown(what_is_held_wakes_nobody, bench_set_up,
						bench_tear_down),
		cmocka_unit_test_setup_teardown(a_page_waits_for_nothing_else, bench_set_up,
						bench_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
