/* E39: a pager that fails. One incident in the end, the same key at every try, and words that are
 * true at each stage. Delete one and a page may be lost, doubled, or claimed before it happened. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

static const char late[] = "Page NOT confirmed for SB-1 (P4, the owner says no).";

static int64_t a_no(struct lab *l)
{
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "no");
	return id;
}

/* 500 three times, then it does what we ask but its answer is lost, then 202. */
static void failing_failing_lost_then_accepted(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "500", 3);
	a_fault(l, "pagerduty", "timeout", 1);
	int64_t id = a_no(l);
	bool truthful = true;
	const struct call *tries;
	for (int i = 0; i < 600 && calls(l, "pagerduty", &tries) < 5; i++) {
		const struct seen *hers = the_question_to(l, "alice");
		truthful = truthful && !says(hers, "was paged at") &&
			   (says(hers, "We are paging the person on call now.") ||
			    says(hers, "the pager has not confirmed it yet"));
		lab_pass(l, SECOND_MS);
	}
	QUOTE("E39.3", "user text 'not confirmed yet'", truthful);
	lab_pass(l, 30 * SECOND_MS);
	size_t n = calls(l, "pagerduty", &tries);
	assert_int_equal(n, 5);
	bool same = tries[0].marker[0] != '\0';
	for (size_t i = 1; i < n; i++)
		same = same && strcmp(tries[i].marker, tries[0].marker) == 0;
	QUOTE("E39.1", "the same dedup_key each try", same);
	QUOTE("E39.4", "one incident in the end",
	      incidents(l, id, "") == 1 && the_incident(l, id, "answered-no")->notified == 1);
	assert_int_equal(tries[4].status, 202);
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:0"));
	assert_int_equal(audits(l, "page.confirmed", ""), 1);
}

/* Refused for good: our own words in the channel, with <!here>; nothing claims a page. */
static void refused_for_good_alarms_the_channel(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "400", 100);
	int64_t id = a_no(l);
	lab_pass(l, 10 * SECOND_MS);
	const struct seen *alarm = message_with(l, CHANNEL, late);
	QUOTE("E39.5", "a page nobody confirmed raises an alarm to operations",
	      alarm && says(alarm, "<!here>") && says(alarm, "Invalid routing key"));
	assert_int_equal(incidents(l, id, ""), 0);
	assert_true(says(the_card_of(l, id), "Page (the owner says no): FAILED, "));
	const struct seen *hers = the_question_to(l, "alice");
	assert_true(says(hers, "The pager did not take our call. The security channel has been "
			       "alerted instead."));
	assert_false(says(hers, "was paged"));
	lab_pass(l, HOUR_MS);
	assert_int_equal(messages_with(l, CHANNEL, late), 1);
	const struct call *tries;
	assert_int_equal(calls(l, "pagerduty", &tries), 1);
}

static void not_confirmed_for_five_minutes_alarms_the_channel(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "500", 10000);
	int64_t id = a_no(l);
	lab_pass(l, inquiry_of(l, id)->answered_ms + 5 * MINUTE_MS - lab_now(l) - SECOND_MS);
	assert_int_equal(messages_with(l, CHANNEL, late), 0);
	lab_pass(l, 10 * SECOND_MS);
	const struct seen *alarm = message_with(l, CHANNEL, late);
	QUOTE("E39.5", "a page nobody confirmed raises an alarm to operations",
	      alarm && says(alarm, "<!here>"));
	const struct seen *hers = the_question_to(l, "alice");
	QUOTE("E39.3", "user text 'not confirmed yet'",
	      says(hers, "We called the person on call at 09:00, but the pager has not confirmed "
			 "it yet. We keep trying."));
	assert_true(says(the_card_of(l, id), "Page (the owner says no): not confirmed yet."));
	/* It goes on trying, alarms no second time, and says when it went through. */
	lab_pass(l, 30 * MINUTE_MS);
	assert_int_equal(messages_with(l, CHANNEL, late), 1);
	lab_must(l, "heal", "%s", "{}");
	lab_pass(l, 6 * MINUTE_MS);
	expect_incident(l, id, "answered-no");
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:"));
	assert_true(says(the_card_of(l, id), "Page (the owner says no): confirmed 15 Jan 08:"));
	assert_int_equal(messages_with(l, CHANNEL, late), 0); /* the alarm is taken back */
	assert_int_equal(messages_with(l, CHANNEL, "was confirmed after all"), 1);
}

/* A death between the pager's acceptance and our hearing of it. */
static void killed_while_the_pager_answers(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_doom(l, "send pagerduty after", 0, 5 * SECOND_MS);
	press(l, "alice", "no");
	assert_int_equal(lab_deaths(l), 1);
	assert_int_equal(incidents(l, id, ""), 1);
	lab_pass(l, MINUTE_MS);
	const struct call *tries;
	assert_int_equal(calls(l, "pagerduty", &tries), 2);
	QUOTE("E39.1", "the same dedup_key each try",
	      strcmp(tries[0].marker, tries[1].marker) == 0);
	QUOTE("E39.4", "one incident in the end",
	      incidents(l, id, "") == 1 && the_incident(l, id, "answered-no")->notified == 1);
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at"));
}

int stories_of_the_pager(void)
{
	const struct CMUnitTest tests[] = {
		STORY(failing_failing_lost_then_accepted),
		STORY(refused_for_good_alarms_the_channel),
		STORY(not_confirmed_for_five_minutes_alarms_the_channel),
		STORY(killed_while_the_pager_answers),
	};
	return cmocka_run_group_tests_name("E39 the pager", tests, NULL, NULL);
}
