/* F62: accepted is not paged. A pager that takes a page and makes no incident of it, where it can
 * be asked. Delete one and a page that wakes nobody may pass for one that did. */
#include <string.h>

#include "base/when.h"
#include "model/policy.h"
#include "scenario.h"

static const char late[] = "Page NOT confirmed for SB-1 (P4, the owner says no).";

static int64_t a_no(struct lab *l)
{
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "no");
	return id;
}

static size_t called(struct lab *l, const char *pager)
{
	const struct call *all;
	return calls(l, pager, &all);
}

static size_t looked(struct lab *l) { return called(l, "pagerduty-rest"); }

static void the_incident_is_seen_before_anybody_says_paged(void **state)
{
	struct lab *l = *state;
	int64_t id = a_no(l);
	lab_pass(l, 3 * SECOND_MS);
	assert_int_equal(incidents(l, id, ""), 1); /* it is there, but nobody has seen it yet */
	assert_int_equal(audits(l, "page.accepted", ""), 1);
	assert_int_equal(audits(l, "page.confirmed", ""), 0);
	assert_true(says(the_question_to(l, "alice"), "We are paging the person on call now."));
	assert_true(says(the_card_of(l, id), "Page (the owner says no): not confirmed yet."));
	lab_pass(l, 7 * SECOND_MS);
	const struct call *asked;
	assert_int_equal(calls(l, "pagerduty-rest", &asked), 1);
	assert_string_equal(asked[0].marker, the_incident(l, id, "answered-no")->key);
	assert_int_equal(audits(l, "page.confirmed", ""), 1);
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:0"));
	lab_pass(l, HOUR_MS);
	assert_int_equal(looked(l), 1);
	assert_int_equal(called(l, "pagerduty"), 1);
	assert_int_equal(called(l, "pagerduty-eu"), 0);
	assert_int_equal(messages_with(l, CHANNEL, late), 0);
}

/* Four looks, nothing there: the channel hears what is so, and the next pager is called. */
static void accepted_without_an_incident_calls_the_next_pager(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "accepted_no_incident", 1);
	a_fault_like(l, &(struct fault_plan){
				.where = "pagerduty-eu", .kind = "slow", .count = 1, .ms = 9000 });
	int64_t id = a_no(l);
	bool truthful = true;
	for (int i = 0; i < 120 && called(l, "pagerduty-eu") == 0; i++) {
		const struct seen *hers = the_question_to(l, "alice");
		truthful = truthful && says(hers, "We are paging the person on call now.");
		lab_pass(l, SECOND_MS);
	}
	assert_true(truthful);
	assert_int_equal(looked(l), 4);
	assert_int_equal(called(l, "pagerduty"), 1);
	lab_pass(l, 4 * SECOND_MS);
	const struct seen *alarm = message_with(l, CHANNEL, late);
	assert_true(alarm && says(alarm, "<!here>") &&
		    says(alarm, "accepted, but no incident was opened"));
	assert_false(says(the_question_to(l, "alice"), "was paged"));
	assert_true(says(the_card_of(l, id), "not confirmed yet; pagerduty-eu was called, too."));
	lab_pass(l, 20 * SECOND_MS);
	assert_string_equal(the_incident(l, id, "answered-no")->pager, "pagerduty-eu");
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:0"));
	assert_int_equal(messages_with(l, CHANNEL, "was confirmed after all by pagerduty-eu"), 1);
	assert_int_equal(audits(l, "page.no_incident", ""), 1);
	lab_pass(l, HOUR_MS);
	assert_int_equal(incidents(l, id, ""), 1);
	assert_int_equal(looked(l), 4);
}

/* Nobody makes an incident of it: shouted, and a trouble of the bot's own. */
static void accepted_by_all_without_an_incident_is_a_dead_letter(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "accepted_no_incident", 100);
	a_fault(l, "pagerduty-eu", "accepted_no_incident", 100);
	(void)a_no(l);
	lab_pass(l, 4 * MINUTE_MS);
	const struct seen *hers = the_question_to(l, "alice");
	assert_true(says(hers, "The pager took our call, but it seems to have woken nobody. The "
			       "security channel has been alerted instead."));
	assert_int_equal(messages_with(l, CHANNEL, late), 1);
	assert_int_equal(audits(l, "trouble.began", ""), 1);
	assert_true(says(the_card_of(l, 2), "pagerduty-eu accepted, without an incident, the "
					    "page"));
	lab_pass(l, HOUR_MS);
	assert_int_equal(cases(l), 2);
}

/* The look-up is down: that says nothing about the page, and holds up no other one. */
static void a_look_up_that_fails_is_no_missing_incident(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty-rest", "500", 10000);
	int64_t id = a_no(l);
	lab_pass(l, 2 * MINUTE_MS + 50 * SECOND_MS);
	assert_true(looked(l) >= 4);
	assert_int_equal(audits(l, "page.confirmed", ""), 0);
	int64_t other = an_alert(l, "a2", "bob@duff.example", 1);
	lab_pass(l, 3 * SECOND_MS);
	expect_incident(l, other, "opened"); /* pages do not wait for look-ups */
	lab_pass(l, 15 * SECOND_MS);
	assert_int_equal(audits(l, "page.not_looked_up", ""), 1);
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:0"));
	lab_pass(l, HOUR_MS);
	assert_int_equal(incidents(l, id, ""), 1);
	assert_int_equal(called(l, "pagerduty-eu"), 0);
	assert_int_equal(messages_with(l, CHANNEL, late), 0);
}

static void a_look_up_that_comes_round_confirms(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty-rest", "500", 1);
	a_fault(l, "pagerduty-rest", "timeout", 1);
	(void)a_no(l);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(looked(l), 3);
	assert_int_equal(audits(l, "page.confirmed", ""), 1);
	assert_int_equal(audits(l, "page.not_looked_up", ""), 0);
}

/* A token that is not good: the acceptance counts, and one case says why. */
static void a_refused_token_is_a_trouble(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty-rest", "401", 10000);
	(void)a_no(l);
	lab_pass(l, 30 * SECOND_MS);
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:0"));
	assert_int_equal(audits(l, "page.not_looked_up", ""), 2); /* and the trouble's own page */
	assert_true(says(the_card_of(l, 2), "SecurityBot can't see whether its pages wake"));
	assert_int_equal(audits(l, "trouble.began", ""), 1);
	assert_int_equal(called(l, "pagerduty-eu"), 0);
	lab_must(l, "heal", "%s", "{}");
	(void)an_alert(l, "a2", "bob@duff.example", 1);
	lab_pass(l, 15 * SECOND_MS);
	assert_int_equal(audits(l, "trouble.over", ""), 1);
}

/* A death while the pager says what it knows: asked again, and nothing is paged twice. */
static void killed_while_the_incident_is_looked_for(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_doom(l, "send rest/incidents after", 0, 5 * SECOND_MS);
	press(l, "alice", "no");
	lab_pass(l, MINUTE_MS);
	assert_int_equal(lab_deaths(l), 1);
	assert_int_equal(looked(l), 2);
	assert_int_equal(called(l, "pagerduty"), 1);
	expect_incident(l, id, "answered-no");
	assert_int_equal(audits(l, "page.confirmed", ""), 1);
	lab_doom(l, "send rest/incidents before", 0, 5 * SECOND_MS);
	a_fault(l, "pagerduty", "accepted_no_incident", 1);
	int64_t lost = an_alert(l, "a2", "bob@duff.example", 1);
	lab_pass(l, 3 * MINUTE_MS);
	assert_int_equal(lab_deaths(l), 2);
	assert_string_equal(the_incident(l, lost, "opened")->pager, "pagerduty-eu");
}

/* Between two lives the configuration changes: whoever can't be asked any more, or never took the
 * page, is not asked what became of it. */
static void who_did_not_take_it_is_not_asked(void **state)
{
	struct lab *l = *state;
	struct pager *first = &((struct policy *)(uintptr_t)lab_policy())->pagers[0];
	const struct pager was = *first;
	for (int i = 1; i <= 2; i++) {
		(void)an_alert(l, i == 1 ? "a1" : "a2",
			       i == 1 ? "bob@duff.example" : "alice@duff.example", 1);
		for (int tries = 0; tries < 50 && audits(l, "page.accepted", "") < i; tries++)
			lab_pass(l, 100);
		assert_int_equal(audits(l, "page.accepted", ""), i);
		lab_kill(l, SECOND_MS);
		if (i == 1)
			first->confirms = false;
		else
			first->name = "another";
		lab_pass(l, MINUTE_MS);
		assert_int_equal(looked(l), 0);
		assert_int_equal(audits(l, "page.not_looked_up", ""), i);
		assert_int_equal(audits(l, "page.confirmed", ""), i);
		*first = was; /* each life has a copy of its own */
		lab_kill(l, SECOND_MS);
		lab_pass(l, 5 * SECOND_MS);
	}
	assert_int_equal(called(l, "pagerduty-eu"), 0);
}

static int asked_pagers(void **state)
{
	(void)state;
	story_configure("tests/lib/lab-confirm.yaml");
	return 0;
}

int stories_of_confirming(void)
{
	const struct CMUnitTest asked[] = {
		STORY(the_incident_is_seen_before_anybody_says_paged),
		STORY(accepted_without_an_incident_calls_the_next_pager),
		STORY(accepted_by_all_without_an_incident_is_a_dead_letter),
		STORY(a_look_up_that_fails_is_no_missing_incident),
		STORY(a_look_up_that_comes_round_confirms),
		STORY(a_refused_token_is_a_trouble),
		STORY(killed_while_the_incident_is_looked_for),
		STORY(who_did_not_take_it_is_not_asked),
	};
	return cmocka_run_group_tests_name("F62 asked pagers", asked, asked_pagers,
					   story_one_pager);
}
