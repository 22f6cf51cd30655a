/* The breaker of a gate: a vendor that is down is asked now and then, by one row, and whoever waits
 * behind it is not counted against. Delete one and an outage becomes a storm, or a page is stuck.
 */
#include "handlers_world.h"

#include "handlers/escalation.h"

static size_t ready(struct world *w)
{
	const struct outgoing *rows;
	size_t n = 0, pages = 0;
	begin(w);
	MUST(store_claim(w->store,
			 &(struct claim_terms){ .now_ms = w->act.at.now_ms, .limit = ROWS_MAX },
			 &rows, &n, fail));
	for (size_t i = 0; i < n; i++)
		pages += rows[i].kind == OUT_PAGE;
	store_rollback(w->store);
	return pages;
}

static int64_t failures_at(struct world *w, const char *gate)
{
	begin(w);
	struct look_gate g = look_gate(w->act.look, gate);
	store_rollback(w->store);
	return g.failures;
}

static int64_t closed_for(struct world *w, const char *gate)
{
	begin(w);
	struct look_gate g = look_gate(w->act.look, gate);
	store_rollback(w->store);
	return g.open_ms > w->act.at.now_ms ? g.open_ms - w->act.at.now_ms : 0;
}

static void page_ends(struct world *w, enum outcome outcome, int64_t retry_after_ms)
{
	const struct outgoing *rows, *page = NULL;
	size_t n = 0;
	begin(w);
	MUST(store_claim(w->store, &(struct claim_terms){ .now_ms = w->act.at.now_ms, .limit = 1 },
			 &rows, &n, fail));
	commit(w);
	assert_int_equal(n, 1);
	page = rows;
	assert_int_equal(page->kind, OUT_PAGE);
	result(w, (struct result){ .outgoing_id = page->id,
				   .flight = page->flight,
				   .phase = page->phase,
				   .outcome = outcome,
				   .retry_after_ms = retry_after_ms,
				   .error = "HTTP 500" });
}

/* Five failures of whatever rows close it, growing, with one row that tries; not those who name a
 * time or a reason; and what is closed stays closed over a restart. */
static void a_gate_that_fails_has_a_breaker(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 8; i++)
		alert_due(w, arena_f(&w->arena, "{\"type\":\"note\",\"p\":\"P1\",\"n\":%d}", i));
	for (int i = 1; i < GATE_FAILURES_MAX; i++)
		page_ends(w, i % 2 ? OUTCOME_UNKNOWN : OUTCOME_TRANSIENT, 0);
	assert_int_equal(closed_for(w, "pagerduty"), 0);
	assert_int_equal(failures_at(w, "pagerduty"), GATE_FAILURES_MAX - 1);
	assert_int_equal(ready(w), 1); /* another row, at once */
	int64_t wait = 5 * SECOND_MS, differs = 0;
	for (int i = 0; i < 8; i++) {
		memset(w->act.at.chance.bytes, i, sizeof(w->act.at.chance.bytes));
		page_ends(w, OUTCOME_UNKNOWN, 0);
		int64_t closed = closed_for(w, "pagerduty");
		assert_in_range(closed, wait / 2, wait);
		differs += closed != wait;
		pass(w, closed - 1);
		assert_int_equal(ready(w), 0); /* of eight that are due */
		pass(w, 1);
		assert_int_equal(ready(w), 1);
		wait = wait * 2 < MINUTE_MS ? wait * 2 : MINUTE_MS;
	}
	assert_true(differs > 4);
	assert_int_equal(failures_at(w, "slack:" CHANNEL), 0); /* nobody else's business */

	page_ends(w, OUTCOME_UNKNOWN, 0);
	int64_t closed = closed_for(w, "pagerduty");
	char path[96];
	struct fail fail = { 0 };
	snprintf(path, sizeof(path), "%s/db", w->folder);
	store_close(w->store); /* a restart */
	assert_int_equal(store_open(path, NULL, &w->store, &fail), RC_OK);
	w->act.look = store_look(w->store);
	assert_int_equal(closed_for(w, "pagerduty"), closed);
	assert_int_equal(failures_at(w, "pagerduty"), GATE_FAILURES_MAX + 8);
	assert_int_equal(ready(w), 0);

	pass(w, closed);
	page_ends(w, OUTCOME_DONE, 0); /* alive: all others may go, one after the other */
	assert_int_equal(failures_at(w, "pagerduty"), 0);
	assert_int_equal(ready(w), 1);
	page_ends(w, OUTCOME_TRANSIENT, 0);
	assert_int_equal(failures_at(w, "pagerduty"), 1);
	page_ends(w, OUTCOME_PERMANENT, 0); /* it said why */
	assert_int_equal(failures_at(w, "pagerduty"), 0);
}

static void who_names_a_time_is_alive(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"note\",\"p\":\"P1\"}");
	page_ends(w, OUTCOME_TRANSIENT, 0);
	assert_int_equal(failures_at(w, "pagerduty"), 1);
	pass(w, MINUTE_MS);
	page_ends(w, OUTCOME_TRANSIENT, 7 * MINUTE_MS);
	assert_int_equal(failures_at(w, "pagerduty"), 0);
	assert_int_equal(closed_for(w, "pagerduty"), 7 * MINUTE_MS);
}

/* A page that is decided while the pager's gate is closed is not left to wait behind it. */
static void a_page_at_a_closed_gate_goes_to_the_next_pager(void **state)
{
	struct world *w = *state;
	struct policy two = *w->act.policy;
	two.pagers_n = 2;
	w->act.policy = &two;
	for (int i = 0; i <= GATE_FAILURES_MAX; i++)
		alert_due(w, arena_f(&w->arena, "{\"type\":\"note\",\"p\":\"P1\",\"n\":%d}", i));
	for (int i = 0; i < GATE_FAILURES_MAX; i++)
		page_ends(w, OUTCOME_UNKNOWN, 0);
	assert_non_null(
		out(w, "case 5, page, opened, by other")); /* the fifth failure of the gate */
	assert_null(out(w, "case 4, page, opened, by other"));
	assert_null(out(w, "case 6, page, opened, by other"));
	alert_due(w, "{\"type\":\"note\",\"p\":\"P1\",\"n\":7}");
	assert_non_null(out(w, "case 7, page, opened"));
	assert_non_null(out(w, "case 7, page, opened, by other"));
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_gate_that_fails_has_a_breaker),
		STORY(who_names_a_time_is_alive),
		STORY(a_page_at_a_closed_gate_goes_to_the_next_pager),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
