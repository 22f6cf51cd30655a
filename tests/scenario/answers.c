/* Answers: a "no" from the click to the page (E02), the note that goes with it, two people with one
 * rule (E20), "that wasn't me" after a "yes". Delete one of these and an answer may reach nobody,
 * or an employee may read that somebody was woken who was not. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

static void a_no_pages_within_a_second(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	assert_int_equal(incidents(l, id, ""), 0);
	int64_t clicked_ms = lab_now(l);
	press(l, "alice", "no");
	expect_incident(l, id, "answered-no");
	const struct woken *page = the_incident(l, id, "answered-no");
	QUOTE("E02.1", "page within 1 s of the click", page->first_ms - clicked_ms <= SECOND_MS);
	lab_settle(l, MINUTE_MS, HOUR_MS);
	const struct seen *card = the_card_of(l, id);
	QUOTE("E02.2", "the channel card gets the answer",
	      says(card, "Alice Archer answered No at 15 Jan 08:00 UTC."));
	assert_true(says(card, "Page (the owner says no): confirmed 15 Jan 08:00 UTC."));
	assert_non_null(strstr(page->details, "no (unproven, by Slack button)"));
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_NO);
	assert_int_equal(case_of(l, id)->state, CASE_OPEN);
	assert_int_equal(audits(l, "inquiry.answered", "alice"), 1);
	assert_int_equal(incidents(l, id, ""), 1);
}

/* The pager holds its answer back for eight seconds: the employee must not read in the past tense
 * what has not happened yet. */
static void she_reads_paged_only_after_the_pager_accepted(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	a_fault_like(l, &(struct fault_plan){
				.where = "pagerduty", .kind = "slow", .count = 1, .ms = 8000 });
	press(l, "alice", "no");
	lab_pass(l, 4 * SECOND_MS);
	const struct seen *before = the_question_to(l, "alice");
	bool held =
		says(before, "We are paging the person on call now.") && !says(before, "was paged");
	assert_true(says(before, "You answered: No, it wasn't me (09:00)."));
	assert_true(says(the_card_of(l, id), "Page (the owner says no): not confirmed yet."));
	lab_pass(l, 10 * SECOND_MS);
	const struct seen *after = the_question_to(l, "alice");
	QUOTE("E02.5", "she is told 'paged at' only after the pager accepted",
	      held && says(after, "The person on call was paged at 09:00.") &&
		      !says(after, "We are paging"));
	assert_null(after->yes);
	assert_null(after->no);
	assert_int_equal(questions_to(l, "alice"), 1);
}

static void her_note_reaches_the_channel(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 3);
	press(l, "alice", "no");
	const char *modal = the_modal_of(l, "alice");
	assert_string_not_equal(modal, "");
	expect_incident(l, id, "answered-no"); /* woken before she has typed a word */
	lab_must(l, "submit",
		 "{\"user\":\"%s\",\"view_id\":\"%s\",\"values\":{\"note\":{\"text\":\"I am on "
		 "holiday <!channel> *since* Friday.\"}}}",
		 id_of(l, "alice"), modal);
	lab_pass(l, 10 * SECOND_MS);
	const struct seen *card = the_card_of(l, id);
	assert_true(says(card, "Note from Alice Archer: "));
	assert_true(says(card, "I am on holiday <!channel> *since* Friday."));
	assert_null(strstr(card->json, "mrkdwn"));
	assert_true(says(the_question_to(l, "alice"), "I am on holiday"));
	assert_int_equal(audits(l, "inquiry.commented", "alice"), 1);
	assert_int_equal(incidents(l, id, ""), 1);
}

static void the_same_rule_asks_both_of_two_people(void **state)
{
	struct lab *l = *state;
	int64_t hers = an_alert(l, "a1", "alice@duff.example", 3);
	lab_pass(l, 10 * MINUTE_MS);
	int64_t his = an_alert(l, "a2", "bob@duff.example", 3);
	assert_int_not_equal(hers, his);
	QUOTE("E20.1", "both are asked",
	      the_question_to(l, "alice")->no && the_question_to(l, "bob")->no);
	press(l, "alice", "yes");
	press(l, "bob", "no");
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(inquiry_of(l, hers)->state, INQUIRY_UNPROVEN);
	assert_int_equal(inquiry_of(l, his)->state, INQUIRY_NO);
	assert_int_equal(incidents(l, hers, ""), 0);
	expect_incident(l, his, "answered-no");
	/* One person's message tells nothing about the other. */
	assert_false(says(the_question_to(l, "alice"), "Bob"));
	assert_false(says(the_question_to(l, "bob"), "Alice"));
}

static void that_wasnt_me_reopens_and_pages(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "yes");
	assert_int_equal(case_of(l, id)->state, CASE_CLOSED);
	lab_pass(l, 6 * DAY_MS + 23 * HOUR_MS);
	press(l, "alice", "not_me");
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(case_of(l, id)->state, CASE_OPEN);
	assert_int_equal(case_of(l, id)->resolution, RESOLUTION_NONE);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_NO);
	expect_incident(l, id, "answered-no");
	assert_int_equal(audits(l, "case.reopened", "alice"), 1);
	assert_true(says(the_card_of(l, id), "Alice Archer answered No at 22 Jan"));
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at"));
}

/* Nobody rewrites the message on the eighth day, so the button may still stand there: "no" always
 * counts. */
static void that_wasnt_me_counts_even_later(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 5);
	press(l, "alice", "yes");
	const struct seen *old = the_question_to(l, "alice");
	lab_pass(l, 9 * DAY_MS);
	click(l, "alice", old, "not_me");
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, id, "answered-no");
	assert_int_equal(case_of(l, id)->state, CASE_OPEN);
}

int stories_of_answers(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_no_pages_within_a_second),
		STORY(she_reads_paged_only_after_the_pager_accepted),
		STORY(her_note_reaches_the_channel),
		STORY(the_same_rule_asks_both_of_two_people),
		STORY(that_wasnt_me_reopens_and_pages),
		STORY(that_wasnt_me_counts_even_later),
	};
	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
