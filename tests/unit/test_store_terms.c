/* What a statement that changes rows must not touch, term by term: each row here differs in one
 * thing only from one that it takes. What keeps such rows away from it today (a lane, a decision)
 * is tested elsewhere; this is the last line. */
#include "test_store_help.h"

static void set(struct bench *b, const char *sql)
{
	assert_int_equal(sqlite3_exec(b->s->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Two rows that wait, at two gates: 1 and 2. */
static void two_rows(struct bench *b)
{
	begin(b);
	ok(b, put(b, raise_of("one", OUT_CARD, RANK_CARD, "C1"), T0));
	ok(b, put(b, raise_of("two", OUT_CARD, RANK_CARD, "C2"), T0));
}

static const char *const unfit[] = {
	"UPDATE outgoing SET state = 1 WHERE id = 1",
	"UPDATE outgoing SET flight = 1 WHERE id = 1",
	"UPDATE outgoing SET shown = 1 WHERE id = 1",
};
static const char fit[] =
	"UPDATE outgoing SET state = 0, flight = 0, shown = 0, due_ms = 1 WHERE id = 1";

static void a_claim_takes_what_waits_and_is_due(void **state)
{
	struct bench *b = *state;
	two_rows(b);
	for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		set(b, fit);
		set(b, unfit[i]);
		ok(b, run(b->s, SQL_OUT_CLAIM, WITH(NUM(1), NUM(T0)), NULL, &b->fail));
		assert_int_equal(b->s->changed, 0);
	}
	set(b, fit);
	set(b, "UPDATE outgoing SET due_ms = due_ms + 1, first_ms = 7 WHERE id = 1");
	ok(b, run(b->s, SQL_OUT_CLAIM, WITH(NUM(1), NUM(1)), NULL, &b->fail));
	assert_int_equal(b->s->changed, 0);
	ok(b, run(b->s, SQL_OUT_CLAIM, WITH(NUM(1), NUM(2)), NULL, &b->fail));
	assert_int_equal(b->s->changed, 1);
	assert_int_equal(number_of(b, "SELECT first_ms FROM outgoing WHERE id = 1"), 7);
	assert_int_equal(number_of(b, "SELECT flight FROM outgoing WHERE id = 2"), 0);
	store_rollback(b->s);
}

static void what_is_put_off_waits_already(void **state)
{
	struct bench *b = *state;
	two_rows(b);
	for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		set(b, fit);
		set(b, unfit[i]);
		ok(b, run(b->s, SQL_OUT_LATER, WITH(NUM(1), NUM(T0)), NULL, &b->fail));
		assert_int_equal(b->s->changed, 0);
	}
	set(b, fit);
	set(b, "UPDATE outgoing SET due_ms = 5 WHERE id = 2");
	ok(b, run(b->s, SQL_OUT_LATER, WITH(NUM(1), NUM(T0)), NULL, &b->fail));
	assert_int_equal(b->s->changed, 1);
	ok(b, run(b->s, SQL_OUT_LATER, WITH(NUM(1), NUM(T0 - 1)), NULL, &b->fail));
	assert_int_equal(b->s->changed, 0); /* never earlier */
	store_rollback(b->s);
}

/* A row that was raised while its result was decided is due at once; one that is dead, or has a
 * time of its own, is not. */
static void a_result_keeps_its_time(void **state)
{
	static const struct {
		enum out_state state;
		int64_t due_ms, wanted, expected_ms;
	} cases[] = {
		{ OUT_LIVE, NEVER_MS, 1, NEVER_MS },     { OUT_LIVE, NEVER_MS, 9, T0 + 5 },
		{ OUT_DEAD, NEVER_MS, 9, NEVER_MS },     { OUT_LIVE, T0 + 60000, 9, T0 + 60000 },
		{ OUT_LIVE, T0 + 60000, 1, T0 + 60000 },
	};
	struct bench *b = *state;
	two_rows(b);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct outgoing *row;
		ok(b, out_by_key(b->s, "one", &row, &b->fail));
		struct change c = { .kind = CHANGE_OUTGOING };
		c.as.out.row = *row;
		c.as.out.row.state = cases[i].state;
		c.as.out.row.due_ms = cases[i].due_ms;
		c.as.out.row.wanted = cases[i].wanted; /* what the decision saw */
		ok(b, put(b, c, T0 + 5));
		assert_int_equal(number_of(b, "SELECT due_ms FROM outgoing WHERE id = 1"),
				 cases[i].expected_ms);
		assert_int_equal(number_of(b, "SELECT due_ms FROM outgoing WHERE id = 2"), T0);
	}
	store_rollback(b->s);
}

/* A lane is dropped, and a gate is read, by its own name. */
static void a_gate_is_no_other(void **state)
{
	static const char lanes[] = "SELECT COUNT(*) FROM lane";
	struct bench *b = *state;
	two_rows(b);
	ok(b, put(b, raise_of("three", OUT_QUESTION, RANK_PERSON, "C1"), T0));
	assert_int_equal(number_of(b, lanes), 3);
	ok(b, run(b->s, SQL_LANE_DROP, WITH(TXT("slack:C1"), NUM(RANK_PERSON)), NULL, &b->fail));
	assert_int_equal(number_of(b, lanes), 2);
	ok(b, run(b->s, SQL_LANE_DROP, WITH(TXT("slack:C3"), NUM(RANK_CARD)), NULL, &b->fail));
	assert_int_equal(number_of(b, lanes), 2);
	ok(b, run(b->s, SQL_LANE_DROP_ALL, WITH(TXT("slack:C1")), NULL, &b->fail));
	assert_int_equal(number_of(b, lanes), 1);
	store_rollback(b->s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_claim_takes_what_waits_and_is_due, bench_set_up,
						bench_tear_down),
		cmocka_unit_test_setup_teardown(what_is_put_off_waits_already, bench_set_up,
						bench_tear_down),
		cmocka_unit_test_setup_teardown(a_result_keeps_its_time, bench_set_up,
						bench_tear_down),
		cmocka_unit_test_setup_teardown(a_gate_is_no_other, bench_set_up, bench_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
