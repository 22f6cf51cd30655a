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
	/* All of it, then the least; so for the case, and for the trouble that this is. */
	assert_int_equal(calls(l, "pagerduty", &tries), 4);
	assert_string_equal(tries[0].marker, tries[1].marker);
}

/* F61: the vendor dislikes something in it. What can still wake somebody is short and our own. */
static void refused_once_the_least_of_it_is_sent(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "400", 1);
	int64_t id = a_no(l);
	lab_pass(l, 10 * SECOND_MS);
	const struct woken *woken = NULL;
	const struct call *tries;
	assert_int_equal(all_incidents(l, &woken), 1);
	assert_string_equal(woken->summary,
			    "SB-1 needs you (answered-no). What it is about stands in Slack.");
	assert_string_equal(woken->details, "{}");
	assert_int_equal(calls(l, "pagerduty", &tries), 2);
	assert_string_equal(tries[0].marker, tries[1].marker);
	assert_int_equal(messages_with(l, CHANNEL, late), 0);
	assert_true(says(the_card_of(l, id), "Page (the owner says no): confirmed 15 Jan 08:"));
	assert_int_equal(audits(l, "delivery.plain", ""), 1);
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

/* --- a second pager ----------------------------------------------------------------------------
 */

static size_t called(struct lab *l, const char *pager)
{
	const struct call *all;
	return calls(l, pager, &all);
}

/* The first pager is down: five failures, and the next is called; nobody is told more than is so,
 * and when the first one is back it has nothing to say any more. */
static void five_failures_call_the_next_pager(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "500", 10000);
	int64_t id = a_no(l);
	bool truthful = true, in_time = true;
	for (int i = 0; i < 300 && called(l, "pagerduty-eu") == 0; i++) {
		const struct seen *hers = the_question_to(l, "alice");
		truthful = truthful && !says(hers, "was paged at") &&
			   (says(hers, "We are paging the person on call now.") ||
			    says(hers, "the pager has not confirmed it yet"));
		in_time = in_time && called(l, "pagerduty") <= 5;
		lab_pass(l, SECOND_MS);
	}
	QUOTE("E39.3", "user text 'not confirmed yet'", truthful);
	QUOTE("E39.2", "fallback route after N failures",
	      in_time && called(l, "pagerduty") == 5 && called(l, "pagerduty-eu") == 1);
	lab_pass(l, 10 * SECOND_MS);
	const struct woken *woken = the_incident(l, id, "answered-no");
	const struct call *tries;
	assert_string_equal(woken->pager, "pagerduty-eu");
	assert_int_equal(calls(l, "pagerduty", &tries), 5);
	assert_string_equal(woken->key, tries[0].marker); /* one reason, one key */
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:0"));
	assert_true(says(the_card_of(l, id), "Page (the owner says no): confirmed 15 Jan 08:"));
	assert_true(says(the_card_of(l, id), " UTC by pagerduty-eu."));
	assert_int_equal(audits(l, "page.handed_on", ""), 1);
	lab_must(l, "heal", "%s", "{}");
	lab_pass(l, HOUR_MS);
	QUOTE("E39.4", "one incident in the end", incidents(l, id, "") == 1);
	assert_int_equal(called(l, "pagerduty"), 5);
	assert_int_equal(messages_with(l, CHANNEL, late), 0); /* it was confirmed in time */
}

/* What the scenario says to the letter: four failures are not enough for a second pager. */
static void one_that_comes_round_keeps_the_page(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "500", 3);
	a_fault(l, "pagerduty", "timeout", 1);
	int64_t id = a_no(l);
	lab_pass(l, 4 * MINUTE_MS);
	assert_int_equal(called(l, "pagerduty"), 5);
	assert_int_equal(called(l, "pagerduty-eu"), 0);
	QUOTE("E39.4", "one incident in the end",
	      incidents(l, id, "") == 1 && the_incident(l, id, "answered-no")->notified == 1);
}

/* It asks for patience for longer than a page has: the channel and the next pager hear of it. */
static void five_minutes_call_the_next_pager(void **state)
{
	struct lab *l = *state;
	a_fault_like(l, &(struct fault_plan){ .where = "pagerduty",
					      .kind = "429",
					      .count = 10000,
					      .ms = 20 * MINUTE_MS });
	a_fault(l, "pagerduty-eu", "500", 2);
	int64_t id = a_no(l);
	lab_pass(l, inquiry_of(l, id)->answered_ms + 5 * MINUTE_MS - lab_now(l) - SECOND_MS);
	assert_int_equal(called(l, "pagerduty"), 1);
	assert_int_equal(called(l, "pagerduty-eu"), 0);
	lab_pass(l, 4 * SECOND_MS);
	assert_int_equal(called(l, "pagerduty-eu"), 1);
	const struct seen *alarm = message_with(l, CHANNEL, late);
	QUOTE("E39.5", "a page nobody confirmed raises an alarm to operations",
	      alarm && says(alarm, "<!here>") && says(alarm, "pagerduty: ") &&
		      says(alarm, "HTTP 429"));
	assert_true(says(the_card_of(l, id), "not confirmed yet; pagerduty-eu was called, too."));
	QUOTE("E39.3", "user text 'not confirmed yet'",
	      says(the_question_to(l, "alice"), "the pager has not confirmed it yet"));
	lab_pass(l, MINUTE_MS);
	assert_string_equal(the_incident(l, id, "answered-no")->pager, "pagerduty-eu");
	assert_int_equal(messages_with(l, CHANNEL, late), 0);
	assert_int_equal(messages_with(l, CHANNEL, "was confirmed after all by pagerduty-eu"), 1);
	lab_pass(l, HOUR_MS);
	assert_int_equal(incidents(l, id, ""), 1);
}

/* F61: refused, refused in short, then the next one and the channel at once. */
static void refused_for_good_calls_the_next_pager(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "400", 100);
	a_fault_like(l, &(struct fault_plan){
				.where = "pagerduty-eu", .kind = "slow", .count = 1, .ms = 9000 });
	int64_t id = a_no(l);
	lab_pass(l, 4 * SECOND_MS);
	assert_int_equal(called(l, "pagerduty"), 2);
	assert_int_equal(called(l, "pagerduty-eu"), 1);
	const struct seen *alarm = message_with(l, CHANNEL, late);
	assert_true(alarm && says(alarm, "<!here>") && says(alarm, "Invalid routing key"));
	assert_false(says(the_question_to(l, "alice"), "was paged"));
	lab_pass(l, 20 * SECOND_MS);
	expect_incident(l, id, "answered-no");
	assert_int_equal(messages_with(l, CHANNEL, "was confirmed after all by pagerduty-eu"), 1);
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:0"));
}

/* Nobody takes it: the dead letter is shouted, and nothing claims a page. */
static void refused_by_all_is_a_dead_letter(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "400", 100);
	a_fault(l, "pagerduty-eu", "400", 100);
	int64_t id = a_no(l);
	lab_pass(l, 20 * SECOND_MS);
	const struct seen *alarm = message_with(l, CHANNEL, late);
	QUOTE("E39.5", "a page nobody confirmed raises an alarm to operations",
	      alarm && says(alarm, "<!here>") && says(alarm, "pagerduty-eu: ") &&
		      says(alarm, "HTTP 400"));
	assert_true(says(the_card_of(l, id), "Page (the owner says no): FAILED, HTTP 400"));
	assert_true(says(the_question_to(l, "alice"),
			 "The pager did not take our call. The security channel has been alerted "
			 "instead."));
	/* It is a trouble of the bot's own: one case, whose page is refused as well and raises
	 * nothing more; the first page that goes through ends it. */
	QUOTE("E39.6", "dead letter raises an alert to operations",
	      audits(l, "trouble.began", "") == 1 &&
		      says(the_card_of(l, 2), "The pager refuses SecurityBot's pages") &&
		      says(the_card_of(l, 2),
			   "Nobody can be woken: pagerduty-eu refused the page"));
	lab_pass(l, HOUR_MS);
	assert_int_equal(messages_with(l, CHANNEL, late), 1);
	assert_int_equal(cases(l), 2);
	lab_must(l, "heal", "%s", "{}");
	int64_t second = an_alert(l, "a2", "alice@duff.example", 4);
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, second, "answered-no");
	assert_int_equal(audits(l, "trouble.over", ""), 1);
	assert_true(says(the_card_of(l, 2), "The bot has closed this case."));
}

/* Known to be down: who is paged now waits for one more failure, not for five. */
static void a_pager_known_to_be_down_is_not_waited_for(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "500", 10000);
	(void)a_no(l);
	lab_pass(l, 4 * MINUTE_MS);
	size_t before = called(l, "pagerduty");
	int64_t id = an_alert(l, "a2", "bob@duff.example", 1);
	lab_pass(l, 3 * SECOND_MS);
	assert_string_equal(the_incident(l, id, "opened")->pager, "pagerduty-eu");
	assert_true(called(l, "pagerduty") <= before + 1);
	lab_must(l, "heal", "%s", "{}");
	lab_pass(l, 10 * MINUTE_MS);
	int64_t next = an_alert(l, "a3", "bob@duff.example", 1); /* alive again: one is enough */
	lab_pass(l, 3 * SECOND_MS);
	assert_string_equal(the_incident(l, next, "opened")->pager, "pagerduty");
}

/* The second pager accepts, we die before we hear of it, and the first one is back meanwhile. */
static void killed_while_the_next_pager_answers(void **state)
{
	struct lab *l = *state;
	a_fault(l, "pagerduty", "500", 5);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_doom(l, "send pagerduty-eu after", 0, 5 * SECOND_MS);
	press(l, "alice", "no");
	lab_pass(l, 10 * MINUTE_MS);
	assert_int_equal(lab_deaths(l), 1);
	const struct call *first, *next;
	assert_true(calls(l, "pagerduty", &first) >= 5);
	assert_int_equal(calls(l, "pagerduty-eu", &next), 2);
	QUOTE("E39.1", "the same dedup_key each try",
	      strcmp(next[0].marker, next[1].marker) == 0 &&
		      strcmp(next[0].marker, first[0].marker) == 0);
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:0"));
	assert_int_equal(audits(l, "page.decided", ""), 1);
	assert_in_range(incidents(l, id, ""), 1, 1);
}

static int two_pagers(void **state)
{
	(void)state;
	story_configure("tests/lib/lab-pagers.yaml");
	return 0;
}

int stories_of_the_pager(void)
{
	const struct CMUnitTest tests[] = {
		STORY(failing_failing_lost_then_accepted),
		STORY(refused_for_good_alarms_the_channel),
		STORY(refused_once_the_least_of_it_is_sent),
		STORY(not_confirmed_for_five_minutes_alarms_the_channel),
		STORY(killed_while_the_pager_answers),
	};
	const struct CMUnitTest with_two[] = {
		STORY(five_failures_call_the_next_pager),
		STORY(one_that_comes_round_keeps_the_page),
		STORY(five_minutes_call_the_next_pager),
		STORY(refused_for_good_calls_the_next_pager),
		STORY(refused_by_all_is_a_dead_letter),
		STORY(a_pager_known_to_be_down_is_not_waited_for),
		STORY(killed_while_the_next_pager_answers),
	};
	return cmocka_run_group_tests_name("E39 the pager", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("E39 two pagers", with_two, two_pagers, story_one_pager);
}
