/* What goes out, when and in which order: raising, claiming, settling, gates, ranks, deadlines. */
#include "test_store_help.h"

static const struct outgoing *row_of(struct bench *b, const char *key)
{
	return look_outgoing_key(store_look(b->s), key);
}

static size_t claim(struct bench *b, int64_t now_ms, size_t limit, const struct outgoing **rows)
{
	size_t n = 0;
	const struct claim_terms terms = { .now_ms = now_ms, .limit = limit };

	ok(b, store_claim(b->s, &terms, rows, &n, &b->fail));
	return n;
}

static int64_t next_due(struct bench *b, int64_t now_ms)
{
	int64_t at = -1;

	ok(b, store_next_due(b->s, now_ms, &at, &b->fail));
	return at;
}

/* The life of a message: the state of the moment of sending is what is shown in the end, and never
 * two requests at once, or an old text could win. */
static void a_message_is_sent_once_for_many_raises_and_again_after_a_later_one(void **state)
{
	struct bench *b = *state;
	const struct change raise =
		raise_of("inquiry 7, question", OUT_QUESTION, RANK_PERSON, "D01");
	const struct outgoing *rows;

	begin(b);
	ok(b, put(b, raise, T0));
	ok(b, put(b, raise, T0));
	ok(b, put(b, raise, T0));
	assert_int_equal(claim(b, T0, 8, &rows), 1);
	assert_int_equal(rows[0].wanted, 3);
	assert_int_equal(rows[0].flight, 3);
	assert_int_equal(rows[0].attempts, 1);
	assert_int_equal(rows[0].first_ms, T0);
	assert_string_equal(rows[0].channel, "D01");
	assert_int_equal(claim(b, T0, 8, &rows), 0);
	assert_int_equal(next_due(b, T0), NEVER_MS);
	commit(b);

	begin(b);
	const struct outgoing sent = *row_of(b, "inquiry 7, question");
	ok(b, put(b, raise, T0 + 5)); /* while revision 3 is under way */
	assert_int_equal(claim(b, T0 + 5, 8, &rows), 0);
	/* The decision was made on the row before the raise: the raise is not forgotten. */
	ok(b, put(b, done_of(&sent, T0 + 9), T0 + 9));
	assert_int_equal(row_of(b, "inquiry 7, question")->shown, 3);
	assert_int_equal(next_due(b, T0 + 9), T0 + 9);
	assert_int_equal(claim(b, T0 + 9, 8, &rows), 1);
	assert_int_equal(rows[0].flight, 4);
	assert_int_equal(rows[0].first_ms, T0);
	assert_string_equal(rows[0].ref, "1795600000.000100");
	/* An answer to the old request must not touch the new one. */
	assert_int_equal(put(b, done_of(&sent, T0 + 9), T0 + 9), RC_REFUSED);
	ok(b, put(b, done_of(&rows[0], T0 + 12), T0 + 12));
	assert_int_equal(claim(b, T0 + DAY_MS, 8, &rows), 0);
	assert_int_equal(next_due(b, T0 + DAY_MS), NEVER_MS);
	commit(b);
}

static void a_card_is_edited_at_most_once_per_gap(void **state)
{
	struct bench *b = *state;
	struct change raise = raise_of("case 42, card", OUT_CARD, RANK_CARD, "C01");
	const struct outgoing *rows;

	raise.as.out.gap_ms = 5000;
	begin(b);
	ok(b, put(b, raise, T0));
	assert_int_equal(claim(b, T0, 8, &rows), 1);
	ok(b, put(b, done_of(&rows[0], T0 + 100), T0 + 100));
	ok(b, put(b, raise, T0 + 200));
	assert_int_equal(row_of(b, "case 42, card")->due_ms, T0 + 5000);
	assert_int_equal(claim(b, T0 + 4999, 8, &rows), 0);
	assert_int_equal(next_due(b, T0 + 200), T0 + 5000);
	assert_int_equal(claim(b, T0 + 5000, 8, &rows), 1);
	commit(b);
}

/* A question may be raised before the channel is known; it goes when it is. */
static void a_message_without_a_channel_waits_for_one(void **state)
{
	struct bench *b = *state;
	struct change raise = raise_of("inquiry 7, question", OUT_QUESTION, RANK_PERSON, "");
	const struct outgoing *rows;

	begin(b);
	ok(b, put(b, raise, T0));
	ok(b, put(b, raise, T0));
	assert_int_equal(row_of(b, "inquiry 7, question")->due_ms, NEVER_MS);
	assert_int_equal(claim(b, T0 + DAY_MS, 8, &rows), 0);
	raise = raise_of("inquiry 7, question", OUT_QUESTION, RANK_ANSWERED, "D09");
	ok(b, put(b, raise, T0 + 7));
	assert_int_equal(claim(b, T0 + 7, 8, &rows), 1);
	assert_string_equal(rows[0].gate, "slack:D09");
	assert_string_equal(rows[0].channel, "D09");
	assert_int_equal(rows[0].rank, RANK_ANSWERED);
	assert_int_equal(rows[0].flight, 3);
	/* What is known stays. */
	ok(b, put(b, raise_of("inquiry 7, question", OUT_QUESTION, RANK_PERSON, "D77"), T0 + 8));
	assert_string_equal(row_of(b, "inquiry 7, question")->channel, "D09");
	commit(b);
	/* A due time without a channel can't be stored at all. */
	begin(b);
	ok(b, put(b, raise_of("inquiry 8, question", OUT_QUESTION, RANK_PERSON, ""), T0));
	struct change c = { .kind = CHANGE_OUTGOING };
	c.as.out.row = *row_of(b, "inquiry 8, question");
	c.as.out.row.due_ms = T0;
	assert_int_equal(put(b, c, T0), RC_REFUSED);
	store_rollback(b->s);
}

/* One page per reason: the key says what it is for, so deciding twice pages once. */
static void an_effect_exists_once_per_key(void **state)
{
	struct bench *b = *state;
	struct change page = effect_of("case 42, page, silence", OUT_PAGE, RANK_PAGE, "pagerduty");
	const struct outgoing *rows;

	page.as.out.row.deadline_ms = T0 + 5 * MINUTE_MS;
	begin(b);
	ok(b, put(b, page, T0));
	ok(b, put(b, page, T0 + 1));
	assert_int_equal(claim(b, T0 + 1, 8, &rows), 1);
	assert_string_equal(rows[0].target, "silence");
	ok(b, put(b, done_of(&rows[0], T0 + 2), T0 + 2));
	ok(b, put(b, page, T0 + 3));
	assert_int_equal(claim(b, T0 + DAY_MS, 8, &rows), 0);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM outgoing"), 1);
	assert_int_equal(number_of(b, "SELECT taken FROM counter WHERE name = 'outgoing'"), 1);
	/* An effect is not raised, and a message is no effect. */
	page.kind = CHANGE_RAISE;
	page.as.out.row.key = "case 43, page, silence";
	assert_int_equal(put(b, page, T0), RC_REFUSED);
	commit(b);
}

static void what_was_refused_for_good_is_not_raised_again(void **state)
{
	struct bench *b = *state;
	const struct change raise = raise_of("case 42, card", OUT_CARD, RANK_CARD, "C01");
	const struct outgoing *rows;

	begin(b);
	ok(b, put(b, raise, T0));
	assert_int_equal(claim(b, T0, 8, &rows), 1);
	struct change dead = done_of(&rows[0], T0);
	dead.as.out.row.state = OUT_DEAD;
	dead.as.out.row.shown = 0;
	dead.as.out.row.due_ms = NEVER_MS;
	dead.as.out.row.error = "channel_not_found";
	ok(b, put(b, dead, T0));
	ok(b, put(b, raise, T0 + 1));
	assert_int_equal(row_of(b, "case 42, card")->wanted, 1);
	assert_string_equal(row_of(b, "case 42, card")->error, "channel_not_found");
	assert_int_equal(claim(b, T0 + DAY_MS, 8, &rows), 0);
	commit(b);
}

/* Looking for an attempt too early finds nothing, and then posts twice. */
static void a_raise_does_not_hurry_a_search(void **state)
{
	struct bench *b = *state;
	const struct change raise = raise_of("case 42, card", OUT_CARD, RANK_CARD, "C01");
	const struct outgoing *rows;

	begin(b);
	ok(b, put(b, raise, T0));
	assert_int_equal(claim(b, T0, 8, &rows), 1);
	struct change unknown = done_of(&rows[0], T0);
	unknown.as.out.row.shown = 0;
	unknown.as.out.row.ref = "";
	unknown.as.out.row.phase = PHASE_FIND;
	unknown.as.out.row.due_ms = T0 + 5000;
	ok(b, put(b, unknown, T0));
	ok(b, put(b, raise, T0 + 10));
	assert_int_equal(row_of(b, "case 42, card")->due_ms, T0 + 5000);
	assert_int_equal(row_of(b, "case 42, card")->wanted, 2);
	commit(b);
}

/* The answer, raised again for her note, still stands before the page that came of it. */
static void a_raise_costs_no_place_in_the_line(void **state)
{
	struct bench *b = *state;
	const struct change answer =
		raise_of("case 42, thread, answer", OUT_THREAD, RANK_CARD, "C01");
	const struct change page = raise_of("case 42, thread, page", OUT_THREAD, RANK_CARD, "C01");
	const struct outgoing *rows;

	begin(b);
	ok(b, put(b, answer, T0));
	ok(b, put(b, page, T0 + 10));
	ok(b, put(b, answer, T0 + 20));
	assert_int_equal(claim(b, T0 + 30, 8, &rows), 1);
	assert_string_equal(rows[0].key, "case 42, thread, answer");
	assert_int_equal(rows[0].flight, 2);
	commit(b);
}

/* A page must not stand behind a hundred cards. */
static void ranks_go_before_due_times_and_due_times_before_ids(void **state)
{
	struct bench *b = *state;
	const struct outgoing *rows;

	begin(b);
	ok(b, put(b, raise_of("card late", OUT_CARD, RANK_CARD, "C1"), T0 + 9));
	ok(b, put(b, raise_of("card one", OUT_CARD, RANK_CARD, "C2"), T0));
	ok(b, put(b, raise_of("card two", OUT_CARD, RANK_CARD, "C3"), T0));
	ok(b, put(b, effect_of("page", OUT_PAGE, RANK_PAGE, "pagerduty"), T0 + 20));
	ok(b, put(b, raise_of("question", OUT_QUESTION, RANK_PERSON, "D1"), T0 + 30));
	assert_int_equal(claim(b, T0 + 30, 4, &rows), 4);
	assert_string_equal(rows[0].key, "page");
	assert_string_equal(rows[1].key, "question");
	assert_string_equal(rows[2].key, "card one");
	assert_string_equal(rows[3].key, "card two");
	assert_int_equal(next_due(b, T0 + 30), T0 + 30); /* one is left over */
	assert_int_equal(claim(b, T0 + 30, 4, &rows), 1);
	assert_int_equal(next_due(b, T0 + 30), NEVER_MS);
	commit(b);
}

static void a_gate_lets_one_through_and_stays_shut_while_it_is_under_way(void **state)
{
	struct bench *b = *state;
	int64_t flights[4];
	size_t n = 0;
	const struct outgoing *rows;

	begin(b);
	ok(b, put(b, raise_of("card 1", OUT_CARD, RANK_CARD, "C1"), T0));
	ok(b, put(b, raise_of("card 2", OUT_CARD, RANK_CARD, "C1"), T0));
	ok(b, put(b, raise_of("alarm", OUT_ALARM, RANK_PAGE, "C1"), T0 + 1));
	assert_int_equal(claim(b, T0 + 1, 8, &rows), 1);
	assert_string_equal(rows[0].key, "alarm");
	assert_int_equal(claim(b, T0 + 2, 8, &rows), 0);
	commit(b);
	bench_close(b);
	bench_open(b, NULL); /* it is still under way in the next life */
	begin(b);
	assert_int_equal(claim(b, T0 + 3, 8, &rows), 0);
	ok(b, store_in_flight(b->s, flights, 4, &n, &b->fail));
	assert_int_equal(n, 1);
	const struct outgoing *alarm = row_of(b, "alarm");
	assert_int_equal(flights[0], alarm->id);
	ok(b, put(b, done_of(alarm, T0 + 3), T0 + 3));
	assert_int_equal(claim(b, T0 + 3, 8, &rows), 1);
	assert_string_equal(rows[0].key, "card 1");
	commit(b);
}

/* The claim trusts no lane: one that is wrong sends nothing twice, and is put right. */
static void a_wrong_lane_claims_nothing_and_heals(void **state)
{
	struct bench *b = *state;
	const struct outgoing *rows;

	begin(b);
	ok(b, put(b, raise_of("card", OUT_CARD, RANK_CARD, "C1"), T0 + 100));
	ok(b, put(b, raise_of("shown", OUT_CARD, RANK_CARD, "C2"), T0));
	assert_int_equal(claim(b, T0, 8, &rows), 1);
	const int64_t flying = rows[0].id, early = row_of(b, "card")->id;
	ok(b, run(b->s, SQL_LANE_PUT, WITH(TXT("slack:C2"), NUM(RANK_CARD), NUM(T0), NUM(flying)),
		  NULL, &b->fail));
	ok(b, run(b->s, SQL_LANE_PUT, WITH(TXT("slack:C1"), NUM(RANK_CARD), NUM(T0), NUM(early)),
		  NULL, &b->fail));
	assert_int_equal(claim(b, T0 + 1, 8, &rows), 0);
	assert_int_equal(next_due(b, T0 + 1), T0 + 100);
	ok(b, put(b, done_of(look_outgoing(store_look(b->s), flying), T0 + 2), T0 + 2));
	ok(b, run(b->s, SQL_LANE_PUT, WITH(TXT("slack:C2"), NUM(RANK_CARD), NUM(T0), NUM(flying)),
		  NULL, &b->fail));
	assert_int_equal(claim(b, T0 + 3, 8, &rows), 0); /* shown: nothing to send */
	commit(b);
}

/* Retry-After closes a vendor, pacing closes a channel; pages have a gate of their own. */
static void a_closed_gate_opens_at_its_time_and_never_earlier(void **state)
{
	struct bench *b = *state;
	struct change gate = { .kind = CHANGE_GATE,
			       .as.gate = { .gate = "slack:C1", .open_ms = T0 + 100 } };
	const struct outgoing *rows;

	begin(b);
	ok(b, put(b, raise_of("card", OUT_CARD, RANK_CARD, "C1"), T0));
	ok(b, put(b, gate, T0));
	gate.as.gate.open_ms = T0 + 50;
	ok(b, put(b, gate, T0));
	gate.kind = CHANGE_BREAKER; /* what failed meanwhile knows a shorter time only */
	gate.as.gate.failures = 1;
	ok(b, put(b, gate, T0));
	assert_int_equal(next_due(b, T0), T0 + 100);
	assert_int_equal(claim(b, T0 + 99, 8, &rows), 0);
	ok(b, put(b, effect_of("page", OUT_PAGE, RANK_PAGE, "pagerduty"), T0));
	assert_int_equal(claim(b, T0 + 99, 8, &rows), 1);
	assert_string_equal(rows[0].key, "page");
	ok(b, put(b, raise_of("younger card", OUT_CARD, RANK_CARD, "C2"), T0 + 50));
	assert_int_equal(claim(b, T0 + 100, 8, &rows), 2);
	assert_string_equal(rows[0].key, "card"); /* by due time, whenever its gate opened */
	assert_string_equal(rows[1].key, "younger card");
	commit(b);
}

static void pacing_spaces_slack_and_nobody_else(void **state)
{
	struct bench *b = *state;
	const struct claim_terms terms = { .now_ms = T0, .pace_ms = 1000, .limit = 8 };
	const struct outgoing *rows;
	size_t n = 0;

	begin(b);
	ok(b, put(b, raise_of("card", OUT_CARD, RANK_CARD, "C1"), T0));
	ok(b, put(b, effect_of("page", OUT_PAGE, RANK_PAGE, "pagerduty"), T0));
	ok(b, store_claim(b->s, &terms, &rows, &n, &b->fail));
	assert_int_equal(n, 2);
	ok(b, put(b, done_of(&rows[0], T0 + 1), T0 + 1));
	ok(b, put(b, done_of(&rows[1], T0 + 1), T0 + 1));
	ok(b, put(b, effect_of("page 2", OUT_PAGE, RANK_PAGE, "pagerduty"), T0 + 1));
	ok(b, put(b, raise_of("card", OUT_CARD, RANK_CARD, "C1"), T0 + 1));
	assert_int_equal(claim(b, T0 + 1, 8, &rows), 1);
	assert_string_equal(rows[0].key, "page 2");
	assert_int_equal(next_due(b, T0 + 1), T0 + 1000);
	commit(b);
}

static void a_page_unconfirmed_at_its_deadline_is_named(void **state)
{
	struct bench *b = *state;
	struct change page = effect_of("page", OUT_PAGE, RANK_PAGE, "pagerduty");
	const struct outgoing *rows;
	int64_t due[4];
	size_t n = 9;

	begin(b);
	page.as.out.row.deadline_ms = T0 + 300;
	ok(b, put(b, page, T0));
	page.as.out.row.key = "page without a deadline";
	page.as.out.row.gate = "other";
	page.as.out.row.deadline_ms = 0;
	ok(b, put(b, page, T0));
	assert_int_equal(claim(b, T0, 8, &rows), 2);
	assert_int_equal(next_due(b, T0), T0 + 300);
	ok(b, store_due_deadlines(b->s, T0 + 299, due, 4, &n, &b->fail));
	assert_int_equal(n, 0);
	ok(b, store_due_deadlines(b->s, T0 + 300, due, 4, &n, &b->fail));
	assert_int_equal(n, 1);
	/* The deadline is cleared while the request is still under way. */
	struct change c = { .kind = CHANGE_OUTGOING };
	c.as.out.row = *look_outgoing(store_look(b->s), due[0]);
	c.as.out.was_flight = c.as.out.row.flight;
	c.as.out.row.deadline_ms = NEVER_MS;
	ok(b, put(b, c, T0 + 300));
	ok(b, store_due_deadlines(b->s, T0 + 300, due, 4, &n, &b->fail));
	assert_int_equal(n, 0);
	assert_int_equal(row_of(b, "page")->flight, 1);
	commit(b);
}

static void a_confirmed_page_has_no_deadline_left(void **state)
{
	struct bench *b = *state;
	struct change page = effect_of("page", OUT_PAGE, RANK_PAGE, "pagerduty");
	const struct outgoing *rows;
	int64_t due[4];
	size_t n = 9;

	begin(b);
	page.as.out.row.deadline_ms = T0 + 300;
	ok(b, put(b, page, T0));
	assert_int_equal(claim(b, T0, 8, &rows), 1);
	ok(b, put(b, done_of(&rows[0], T0 + 1), T0 + 1));
	ok(b, store_due_deadlines(b->s, T0 + 300, due, 4, &n, &b->fail));
	assert_int_equal(n, 0);
	assert_int_equal(next_due(b, T0 + 300), NEVER_MS);
	commit(b);
}

static void a_case_lists_its_rows_by_kind(void **state)
{
	struct bench *b = *state;
	struct change page = effect_of("case 42, page, opened", OUT_PAGE, RANK_PAGE, "pagerduty");
	struct change alarm = raise_of("outgoing 99, alarm", OUT_ALARM, RANK_PAGE, "C1");

	ok(b, turn_with(b, case_of(42), T0));
	begin(b);
	page.as.out.row.case_id = 42;
	page.as.out.row.id = look_take_id(store_look(b->s), COUNTER_OUTGOING);
	ok(b, put(b, page, T0));
	page.as.out.row.key = "case 42, page, silence";
	page.as.out.row.id = 0;
	ok(b, put(b, page, T0));
	alarm.as.out.row.case_id = 42;
	ok(b, put(b, alarm, T0));
	const struct look_list pages = look_case_outgoing(store_look(b->s), 42, OUT_PAGE);
	assert_int_equal(pages.n, 2);
	assert_string_equal(pages.at[0]->key, "case 42, page, opened");
	assert_int_equal(pages.at[0]->id, 1);
	assert_string_equal(pages.at[1]->key, "case 42, page, silence");
	assert_int_equal(look_case_outgoing(store_look(b->s), 42, OUT_ALARM).n, 1);
	assert_int_equal(look_case_outgoing(store_look(b->s), 43, OUT_PAGE).n, 0);
	page.as.out.row.key = "case 43, page, opened";
	page.as.out.row.case_id = 43;
	assert_int_equal(put(b, page, T0), RC_REFUSED); /* no such case */
	store_rollback(b->s);
}

/* A hanging vendor with a long line must not slow down a turn: a claim reads heads only. */
static void a_stuck_gate_costs_nothing_however_long_its_line(void **state)
{
	struct bench *b = *state;
	const struct outgoing *rows;
	char key[40];

	begin(b);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(key, sizeof key, "case %d, page, opened", i);
		ok(b, put(b, effect_of(key, OUT_PAGE, RANK_PAGE, "pagerduty"), T0));
	}
	assert_int_equal(claim(b, T0, 8, &rows), 1);
	ok(b, put(b, raise_of("card", OUT_CARD, RANK_CARD, "C1"), T0 + 1));
	commit(b);
	begin(b);
	(void)sqlite3_stmt_status(b->s->prepared[SQL_LANE_READY], SQLITE_STMTSTATUS_VM_STEP, 1);
	(void)sqlite3_stmt_status(b->s->prepared[SQL_GATE_HEADS], SQLITE_STMTSTATUS_VM_STEP, 1);
	assert_int_equal(claim(b, T0 + 1, 8, &rows), 1);
	assert_string_equal(rows[0].key, "card");
	assert_true(
		sqlite3_stmt_status(b->s->prepared[SQL_LANE_READY], SQLITE_STMTSTATUS_VM_STEP, 0) +
			sqlite3_stmt_status(b->s->prepared[SQL_GATE_HEADS],
					    SQLITE_STMTSTATUS_VM_STEP, 0) <
		2000);
	commit(b);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		STORY(a_message_is_sent_once_for_many_raises_and_again_after_a_later_one),
		STORY(a_card_is_edited_at_most_once_per_gap),
		STORY(a_message_without_a_channel_waits_for_one),
		STORY(an_effect_exists_once_per_key),
		STORY(what_was_refused_for_good_is_not_raised_again),
		STORY(a_raise_does_not_hurry_a_search),
		STORY(a_raise_costs_no_place_in_the_line),
		STORY(ranks_go_before_due_times_and_due_times_before_ids),
		STORY(a_gate_lets_one_through_and_stays_shut_while_it_is_under_way),
		STORY(a_wrong_lane_claims_nothing_and_heals),
		STORY(a_closed_gate_opens_at_its_time_and_never_earlier),
		STORY(pacing_spaces_slack_and_nobody_else),
		STORY(a_page_unconfirmed_at_its_deadline_is_named),
		STORY(a_confirmed_page_has_no_deadline_left),
		STORY(a_case_lists_its_rows_by_kind),
		STORY(a_stuck_gate_costs_nothing_however_long_its_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
