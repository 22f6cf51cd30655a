/* What became of a page that a pager accepted: seen, not there, or not to be learnt. */
#include "handlers_world.h"

#include "handlers/confirm.h"
#include "handlers/decide.h"
#include "handlers/escalation.h"
#include "handlers/trouble.h"

#define PAGE   "case 1, page, opened"
#define ASKING PAGE ", confirm"
#define NEXT   PAGE ", by other"

/* Two pagers; the first one can be asked. */
static int world_of_two(void **state)
{
	static struct policy two;
	if (world_up(state) != 0)
		return -1;
	struct world *w = *state;
	two = *w->act.policy;
	two.pagers_n = 2;
	two.pagers[0].confirms = true;
	w->act.policy = &two;
	return 0;
}

static void accepted(struct world *w)
{
	alert_due(w, "{\"type\":\"login\",\"p\":\"P2\",\"who\":\"ana@duff.example\"}");
	done(w, PAGE);
}

static void looks(struct world *w, enum outcome outcome, const char *error)
{
	pass(w, out(w, ASKING)->due_ms - w->act.at.now_ms);
	ends(w, ASKING, outcome, error);
}

/* It rests, its key and its deadline kept, and a row of its own, at a gate of its own, asks. */
static void an_accepted_page_is_not_a_confirmed_one(void **state)
{
	struct world *w = *state;
	accepted(w);
	assert_int_equal(audited(w, "page.accepted"), 1);
	assert_int_equal(audited(w, "page.confirmed"), 0);
	assert_int_equal(out(w, PAGE)->shown, 0);
	assert_int_equal(out(w, PAGE)->phase, PHASE_FIND);
	assert_true(out(w, PAGE)->due_ms == NEVER_MS);
	assert_true(out(w, PAGE)->deadline_ms == T0 + CONFIRM_PATIENCE_MS);
	assert_int_equal(out(w, ASKING)->kind, OUT_CONFIRM);
	assert_string_equal(out(w, ASKING)->target, PAGE);
	assert_string_not_equal(out(w, ASKING)->gate, out(w, PAGE)->gate);
	assert_true(out(w, ASKING)->rank > RANK_PAGE);
	assert_true(out(w, ASKING)->due_ms == T0 + CONFIRM_WAIT_MS);
	looks(w, OUTCOME_DONE, "");
	assert_int_equal(audited(w, "page.confirmed"), 1);
	assert_int_equal(out(w, PAGE)->shown, 1);
	assert_true(out(w, PAGE)->deadline_ms == NEVER_MS);
	assert_true(out(w, PAGE)->done_ms == w->act.at.now_ms);
	assert_true(out(w, ASKING)->due_ms == NEVER_MS);
	assert_null(out(w, NEXT));
}

/* After 5, 15, 35 and 75 seconds, and never before the last one. */
static void four_looks_at_nothing_call_the_next(void **state)
{
	static const int64_t after_s[CONFIRM_LOOKS_MAX] = { 5, 15, 35, 75 };
	struct world *w = *state;
	accepted(w);
	for (int i = 0; i < CONFIRM_LOOKS_MAX; i++) {
		assert_null(out(w, NEXT));
		assert_true(out(w, ASKING)->due_ms == T0 + after_s[i] * SECOND_MS);
		looks(w, OUTCOME_NOT_FOUND, "");
	}
	assert_int_equal(audited(w, "page.no_incident"), 1);
	assert_int_equal(audited(w, "page.handed_on"), 1);
	assert_int_equal(out(w, PAGE)->state, OUT_DEAD);
	assert_string_equal(out(w, PAGE)->error, "accepted, but no incident was opened");
	assert_non_null(
		out(w, arena_f(&w->arena, "outgoing %lld, alarm", (long long)out(w, PAGE)->id)));
	assert_true(out(w, ASKING)->due_ms == NEVER_MS);
	done(w, NEXT); /* it can't be asked: its word has to do */
	assert_int_equal(out(w, NEXT)->shown, 1);
	assert_int_equal(audited(w, "page.confirmed"), 1);
}

/* Failures are no misses: only time ends them, and then the acceptance counts. */
static void failures_are_not_a_missing_incident(void **state)
{
	struct world *w = *state;
	accepted(w);
	for (int i = 0; out(w, ASKING)->due_ms < T0 + CONFIRM_PATIENCE_MS; i++)
		looks(w, i % 2 ? OUTCOME_TRANSIENT : OUTCOME_UNKNOWN, "HTTP 500");
	assert_int_equal(out(w, ASKING)->misses, 0);
	assert_int_equal(out(w, PAGE)->shown, 0);
	pass(w, T0 + CONFIRM_PATIENCE_MS - w->act.at.now_ms - 1);
	due(w);
	assert_int_equal(out(w, PAGE)->shown, 0);
	pass(w, 1);
	due(w);
	assert_int_equal(audited(w, "page.not_looked_up"), 1);
	assert_int_equal(audited(w, "page.confirmed"), 1);
	assert_int_equal(out(w, PAGE)->shown, 1);
	assert_true(out(w, PAGE)->done_ms == T0); /* when it was accepted */
	assert_null(out(w, NEXT));
	assert_null(
		out(w, arena_f(&w->arena, "outgoing %lld, alarm", (long long)out(w, PAGE)->id)));
	looks(w, OUTCOME_NOT_FOUND, ""); /* too late to change anything */
	assert_int_equal(audited(w, "page.no_incident"), 0);
	assert_true(out(w, ASKING)->due_ms == NEVER_MS);
}

/* Taken after four and a half minutes: five are five, and what is seen later ends the alarm. */
static void looking_does_not_move_the_deadline(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"p\":\"P2\",\"who\":\"ana@duff.example\"}");
	pass(w, PAGE_CONFIRM_MS - 30 * SECOND_MS);
	done(w, PAGE);
	const char *alarm = arena_f(&w->arena, "outgoing %lld, alarm", (long long)out(w, PAGE)->id);
	looks(w, OUTCOME_TRANSIENT, "HTTP 500");
	pass(w, T0 + PAGE_CONFIRM_MS - w->act.at.now_ms - 1);
	due(w);
	assert_null(out(w, alarm));
	pass(w, 1);
	due(w);
	assert_non_null(out(w, alarm));
	assert_non_null(out(w, NEXT));
	assert_int_equal(audited(w, "page.unconfirmed"), 1);
	assert_int_equal(out(w, PAGE)->phase, PHASE_FIND); /* it is still asked */
	assert_true(out(w, PAGE)->deadline_ms == confirm_ends_ms(out(w, PAGE)));
	pass(w, CONFIRM_PATIENCE_MS - 30 * SECOND_MS);
	due(w);
	assert_int_equal(audited(w, "page.not_looked_up"), 1);
	assert_int_equal(out(w, alarm)->wanted, 2);
}

/* Retry-After closes the gate of look-ups, not the pager's. */
static void patience_is_asked_of_look_ups_alone(void **state)
{
	struct world *w = *state;
	accepted(w);
	pass(w, CONFIRM_WAIT_MS);
	const struct outgoing *row = claim(w, ASKING);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .outcome = OUTCOME_TRANSIENT,
				   .retry_after_ms = 50 * SECOND_MS });
	assert_true(out(w, ASKING)->due_ms == w->act.at.now_ms + 50 * SECOND_MS);
	const char *gate = out(w, ASKING)->gate;
	begin(w);
	assert_true(look_gate(w->act.look, gate).open_ms == w->act.at.now_ms + 50 * SECOND_MS);
	assert_true(look_gate(w->act.look, "pagerduty").open_ms <= w->act.at.now_ms);
	store_rollback(w->store);
}

static void a_refused_token_is_a_trouble_until_it_works(void **state)
{
	struct world *w = *state;
	accepted(w);
	looks(w, OUTCOME_REAUTH, "HTTP 401");
	assert_int_equal(audited(w, "trouble.began"), 1);
	assert_int_equal(audited(w, "page.not_looked_up"), 1);
	assert_int_equal(out(w, PAGE)->shown, 1);
	assert_null(out(w, NEXT));
	done(w, "case 2, page, trouble");
	pass(w, CONFIRM_WAIT_MS);
	ends(w, "case 2, page, trouble, confirm", OUTCOME_DONE, "");
	assert_int_equal(audited(w, "trouble.over"), 1);
}

static void what_can_not_be_asked_counts_as_accepted(void **state)
{
	struct world *w = *state;
	accepted(w);
	looks(w, OUTCOME_PERMANENT, "pagerduty can't be asked any more");
	assert_int_equal(audited(w, "page.not_looked_up"), 1);
	assert_int_equal(audited(w, "trouble.began"), 0);
	assert_int_equal(out(w, PAGE)->shown, 1);
}

/* Its case is closed while it is looked for: that is no reason to say that the page failed. */
static void a_closed_case_does_not_end_the_looking(void **state)
{
	struct world *w = *state;
	accepted(w);
	pass(w, SECOND_MS);
	begin(w);
	struct decision d = decide_begin(&w->act);
	escalation_case_closed(&w->act, &d, 1);
	keep(w, d);
	assert_int_equal(out(w, PAGE)->state, OUT_LIVE);
	looks(w, OUTCOME_DONE, "");
	assert_int_equal(out(w, PAGE)->shown, 1);
}

#define STORY(t) cmocka_unit_test_setup_teardown(t, world_of_two, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_accepted_page_is_not_a_confirmed_one),
		STORY(four_looks_at_nothing_call_the_next),
		STORY(failures_are_not_a_missing_incident),
		STORY(looking_does_not_move_the_deadline),
		STORY(patience_is_asked_of_look_ups_alone),
		STORY(a_refused_token_is_a_trouble_until_it_works),
		STORY(what_can_not_be_asked_counts_as_accepted),
		STORY(a_closed_case_does_not_end_the_looking),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
