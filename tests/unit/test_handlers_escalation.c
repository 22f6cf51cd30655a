/* Pages that nobody confirmed, and what could not be handled: doubt goes towards a human. */
#include "handlers_world.h"

#include "handlers/decide.h"
#include "handlers/escalation.h"

#define QUESTION "inquiry 1, question"
#define CARD     "case 1, card"
#define PAGE     "case 1, page, opened"

static void high(struct world *w)
{
	alert_due(w, "{\"type\":\"login\",\"p\":\"P2\",\"who\":\"ana@duff.example\"}");
}

/* --- pages -------------------------------------------------------------------------------------
 */

/* "The on-call was paged" may be written only now. */
static void a_confirmed_page_is_told(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	click(w, CLICK_NO);
	done(w, QUESTION);
	int64_t question = out(w, QUESTION)->wanted, card = out(w, CARD)->wanted;
	const struct outgoing *row = claim(w, "case 1, page, answered-no");
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .outcome = OUTCOME_DONE,
				   .ref = "dedup" });
	row = out(w, "case 1, page, answered-no");
	assert_string_equal(row->ref, "dedup");
	assert_true(row->deadline_ms == NEVER_MS);
	assert_true(row->due_ms == NEVER_MS);
	assert_int_equal(audited(w, "page.confirmed"), 1);
	assert_int_equal(out(w, QUESTION)->wanted, question + 1);
	assert_int_equal(out(w, CARD)->wanted, card + 1);
	pass(w, 5 * MINUTE_MS);
	due(w);
	assert_null(out(w, arena_f(&w->arena, "outgoing %lld, alarm", (long long)row->id)));
}

static const struct outgoing *alarm_of(struct world *w, const char *page)
{
	return out(w, arena_f(&w->arena, "outgoing %lld, alarm", (long long)out(w, page)->id));
}

static void an_unconfirmed_page_alarms_the_channel_after_five_minutes(void **state)
{
	struct world *w = *state;
	high(w);
	const struct outgoing *row = claim(w, PAGE); /* and no answer ever */
	pass(w, 5 * MINUTE_MS - 1);
	due(w);
	assert_null(alarm_of(w, PAGE));
	pass(w, 1);
	due(w);
	assert_int_equal(alarm_of(w, PAGE)->kind, OUT_ALARM);
	assert_int_equal(alarm_of(w, PAGE)->rank, RANK_PAGE);
	assert_int_equal(alarm_of(w, PAGE)->case_id, 1);
	assert_string_equal(alarm_of(w, PAGE)->channel, CHANNEL);
	assert_int_equal(audited(w, "page.unconfirmed"), 1);
	assert_true(out(w, PAGE)->deadline_ms == NEVER_MS);
	assert_int_equal(out(w, PAGE)->flight, row->flight); /* its request is still out */
	pass(w, MINUTE_MS);
	due(w);
	assert_int_equal(alarm_of(w, PAGE)->wanted, 1);
	/* it goes through after all: the alarm is rewritten */
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .outcome = OUTCOME_ALREADY,
				   .ref = "dedup" });
	assert_int_equal(out(w, PAGE)->shown, 1);
	assert_int_equal(alarm_of(w, PAGE)->wanted, 2);
}

static void a_refused_page_alarms_at_once(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	click(w, CLICK_NO);
	done(w, QUESTION);
	ends(w, "case 1, page, answered-no", OUTCOME_PERMANENT, "invalid routing key");
	assert_int_equal(out(w, "case 1, page, answered-no")->phase, PHASE_PLAIN);
	assert_int_equal(out(w, "case 1, page, answered-no")->due_ms,
			 T0); /* the least of it, now */
	assert_null(alarm_of(w, "case 1, page, answered-no"));
	claim(w, "case 1, page, answered-no");
	const struct outgoing *again = out(w, "case 1, page, answered-no");
	result(w, (struct result){ .outgoing_id = again->id,
				   .flight = again->flight,
				   .phase = PHASE_PLAIN,
				   .outcome = OUTCOME_PERMANENT,
				   .error = "invalid routing key" });
	assert_int_equal(out(w, "case 1, page, answered-no")->state, OUT_DEAD);
	assert_true(out(w, "case 1, page, answered-no")->deadline_ms == NEVER_MS);
	const struct outgoing *alarm = alarm_of(w, "case 1, page, answered-no");
	assert_int_equal(alarm->due_ms, T0);
	/* and when the channel has it, the employee's message may say so */
	done(w, QUESTION);
	int64_t wanted = out(w, QUESTION)->wanted;
	done(w, CARD); /* it was on its way through the same gate */
	done(w, alarm->key);
	assert_int_equal(out(w, QUESTION)->wanted, wanted + 1);
}

static const struct policy *two_pagers(const struct policy *p)
{
	static struct policy two;
	two = *p;
	two.pagers_n = 2;
	return &two;
}

/* After so many failures, and not before; the two are one reason, whoever takes it. */
static void the_next_pager_is_called_once(void **state)
{
	struct world *w = *state;
	const char *next = PAGE ", by other";
	w->act.policy = two_pagers(w->act.policy);
	high(w);
	for (int i = 1; i <= PAGE_FAILURES_MAX + 1; i++) {
		assert_true(!out(w, next) == (i <= PAGE_FAILURES_MAX));
		ends(w, PAGE, i % 2 ? OUTCOME_TRANSIENT : OUTCOME_UNKNOWN, "HTTP 500");
		assert_int_equal(audited(w, "page.handed_on"), i == PAGE_FAILURES_MAX);
		pass(w, 5 * MINUTE_MS);
	}
	assert_string_equal(out(w, next)->gate, "other");
	assert_string_equal(out(w, next)->target, "opened");
	assert_int_equal(out(w, next)->rank, RANK_PAGE);
	/* the other one takes it: nothing is left to be done, and nothing is in the way of a
	 * request that is out already */
	const struct outgoing *flying = claim(w, PAGE);
	done(w, next);
	assert_int_equal(audited(w, "page.confirmed"), 1);
	assert_int_equal(out(w, PAGE)->flight, flying->flight);
	result(w, (struct result){ .outgoing_id = flying->id,
				   .flight = flying->flight,
				   .outcome = OUTCOME_UNKNOWN,
				   .error = "timed out" });
	assert_int_equal(out(w, PAGE)->state, OUT_DEAD);
	assert_int_equal(audited(w, "page.stood_down"), 1);
	assert_string_equal(out(w, PAGE)->error, "not needed: other has accepted the page");
}

static void who_waits_is_not_needed_any_more(void **state)
{
	struct world *w = *state;
	w->act.policy = two_pagers(w->act.policy);
	high(w);
	const struct outgoing *row = claim(w, PAGE);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .outcome = OUTCOME_TRANSIENT,
				   .retry_after_ms = HOUR_MS,
				   .error = "HTTP 429" });
	pass(w, 5 * MINUTE_MS);
	due(w); /* the deadline: alarm, and the next one */
	assert_non_null(out(w, PAGE ", by other"));
	assert_non_null(alarm_of(w, PAGE));
	done(w, PAGE ", by other");
	assert_int_equal(out(w, PAGE)->state, OUT_DEAD);
	assert_true(out(w, PAGE)->due_ms == NEVER_MS);
	assert_int_equal(alarm_of(w, PAGE)->wanted, 2); /* rewritten: it is over */
	/* the last of them has nobody behind it */
	assert_null(out(w, arena_f(&w->arena, "outgoing %lld, alarm",
				   (long long)out(w, PAGE ", by other")->id)));
}

/* F63: it may have gone through, been seen and resolved; the case is closed: not again. */
static void a_closed_case_is_not_paged_again_late(void **state)
{
	struct world *w = *state;
	high(w);
	ends(w, PAGE, OUTCOME_UNKNOWN, "timed out");
	pass(w, 5 * MINUTE_MS);
	begin(w);
	struct decision d = decide_begin(&w->act);
	struct casefile k = *look_case(w->act.look, 1);
	k.state = CASE_CLOSED;
	k.closed_ms = w->act.at.now_ms;
	decide_case(&d, &k);
	keep(w, d);
	ends(w, PAGE, OUTCOME_UNKNOWN, "timed out"); /* within ten minutes: it joins the incident */
	assert_int_equal(out(w, PAGE)->state, OUT_LIVE);
	pass(w, 5 * MINUTE_MS);
	ends(w, PAGE, OUTCOME_UNKNOWN, "timed out");
	assert_int_equal(out(w, PAGE)->state, OUT_DEAD);
	assert_int_equal(audited(w, "page.stood_down"), 1);
}

static void one_reason_pages_once(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	pass(w, WAIT_MS);
	due(w);
	assert_int_equal(audited(w, "page.decided"), 1);
	click(w, CLICK_NO);
	assert_int_equal(audited(w, "page.decided"), 1); /* another reason */
	begin(w);
	struct look_list pages = look_case_outgoing(w->act.look, 1, OUT_PAGE);
	store_rollback(w->store);
	assert_int_equal(pages.n, 2);
	begin(w);
	struct decision d = decide_begin(&w->act);
	escalation_page(&w->act, &d, 1, 1, PAGE_SILENCE); /* the first reason again */
	keep(w, d);
	assert_int_equal(changes(w), 0);
}

/* The channel did not exist; the next change of the case tries again. */
static void a_refused_card_gets_another_chance(void **state)
{
	struct world *w = *state;
	high(w);
	ends(w, CARD, OUTCOME_PERMANENT, "not_in_channel");
	assert_int_equal(out(w, CARD)->state, OUT_DEAD);
	assert_int_equal(audited(w, "delivery.refused"), 1);
	pass(w, MINUTE_MS);
	done(w, PAGE);
	assert_int_equal(out(w, CARD)->state, OUT_LIVE);
	done(w, CARD);
}

/* --- held --------------------------------------------------------------------------------------
 */

static void held(struct world *w, const char *what)
{
	begin(w);
	keep(w, handle_held(&w->act, what, "it ended the process twice"));
}

static void a_held_alert_is_a_case_with_a_page(void **state)
{
	struct world *w = *state;
	alert_in(w, "okta", "{\"type\":\"login\"}");
	held(w, "alert 1");
	assert_int_equal(the_alert(w, 1)->state, ALERT_HELD);
	assert_int_equal(the_alert(w, 1)->case_id, 1);
	assert_string_equal(the_case(w, 1)->held, "it ended the process twice");
	assert_string_equal(the_case(w, 1)->source, "okta");
	assert_int_equal(the_case(w, 1)->priority, 2);
	assert_true(paged(w, 1, "held"));
	assert_non_null(out(w, CARD));
	due(w); /* it does not come due again */
	held(w, "alert 1");
	assert_int_equal(changes(w), 0);
}

static void whatever_is_held_stops_and_pages(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P1");
	held(w, "inquiry 1");
	assert_true(the_inquiry(w, 1)->due_ms == NEVER_MS);
	assert_int_equal(the_inquiry(w, 1)->state, INQUIRY_OPEN);
	assert_non_null(strstr(the_case(w, 2)->plan, "inquiry 1 of SB-1: it ended"));
	assert_true(paged(w, 2, "held"));

	int64_t page = claim(w, PAGE)->id;
	held(w, arena_f(&w->arena, "deadline %lld", (long long)page));
	assert_true(out(w, PAGE)->deadline_ms == NEVER_MS);
	assert_int_equal(out(w, PAGE)->state, OUT_LIVE); /* it is tried on */
	assert_true(out(w, PAGE)->flight > 0);
	assert_true(paged(w, 3, "held"));
	held(w, arena_f(&w->arena, "outgoing %lld", (long long)page));
	assert_int_equal(out(w, PAGE)->state, OUT_DEAD);
	assert_int_equal(out(w, PAGE)->flight, 0);
	assert_non_null(alarm_of(w, PAGE));

	static const char *const others[] = { "envelope:77", "alert 99",    "alert x",
					      "inquiry 99",  "outgoing 99", "" };
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		long long id = 5 + (long long)i;
		held(w, others[i]);
		assert_string_equal(the_case(w, id)->held, "it ended the process twice");
		assert_non_null(strstr(the_case(w, id)->plan, "Something could not be handled"));
		assert_true(paged(w, id, "held"));
	}
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_confirmed_page_is_told),
		STORY(an_unconfirmed_page_alarms_the_channel_after_five_minutes),
		STORY(a_refused_page_alarms_at_once),
		STORY(the_next_pager_is_called_once),
		STORY(who_waits_is_not_needed_any_more),
		STORY(a_closed_case_is_not_paged_again_late),
		STORY(one_reason_pages_once),
		STORY(a_refused_card_gets_another_chance),
		STORY(a_held_alert_is_a_case_with_a_page),
		STORY(whatever_is_held_stops_and_pages),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
