/* What a "yes" without proof is worth at each priority (design.md 5): P4 and P5 close on it, P3
 * stays open as claimed, P1 and P2 were paged before the question and stay with the on-call; and
 * the employee reads just that. Delete one and a thief's "yes" may close a case. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

struct yes {
	int priority;
	enum case_state state;
	const char *employee, *analyst, *never;
};

static const char paged_anyway[] = "This kind of alert goes to the person on call in any case";
static const char taken_over[] = "Your answer is with the security team";
static const char settled[] = "the case is closed on your word";

static int64_t say_yes(struct lab *l, const struct yes *y)
{
	int64_t id = an_alert(l, "a1", "alice@duff.example", y->priority);
	press(l, "alice", "yes");
	lab_pass(l, 10 * SECOND_MS);
	const struct seen *hers = the_question_to(l, "alice"), *card = the_card_of(l, id);
	assert_true(says(hers, "You answered: Yes, it was me (09:00)."));
	assert_true(says(hers, y->employee));
	assert_false(says(hers, y->never));
	assert_true(says(card, "Alice Archer answered Yes at 15 Jan 08:00 UTC: claimed, "
			       "unproven."));
	assert_true(says(card, y->analyst));
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNPROVEN);
	assert_int_equal(case_of(l, id)->state, y->state);
	assert_int_equal(case_of(l, id)->resolution,
			 y->state == CASE_CLOSED ? RESOLUTION_BENIGN_UNVERIFIED : RESOLUTION_NONE);
	assert_null(hers->yes);
	assert_non_null(hers->not_me);
	assert_string_not_equal(the_modal_of(l, "alice"), "");
	/* Nothing more happens by itself: the question's deadline is settled with it. */
	lab_pass(l, 2 * HOUR_MS);
	assert_int_equal(incidents(l, id, "silence"), 0);
	return id;
}

/* Where nobody was woken nothing says so, where somebody was it was before the question left. */
static void expect_paged_first(struct lab *l, int64_t id)
{
	const struct call *pages, *posts;
	expect_incident(l, id, "opened");
	assert_int_equal(incidents(l, id, ""), 1);
	assert_int_equal(calls(l, "pagerduty", &pages), 1);
	size_t n = calls(l, "chat.postMessage", &posts), asked = 0;
	for (size_t i = 0; i < n; i++)
		if (strcmp(posts[i].channel, the_question_to(l, "alice")->channel) == 0) {
			asked++;
			assert_true(pages[0].seq < posts[i].seq);
		}
	assert_int_equal(asked, 1);
}

static void p1_is_paged_before_the_question_and_stays_with_the_on_call(void **state)
{
	const struct yes y = { 1, CASE_OPEN, paged_anyway,
			       "Page (high priority): confirmed 15 Jan 08:00 UTC.", settled };
	expect_paged_first(*state, say_yes(*state, &y));
}

static void p2_is_paged_before_the_question_and_stays_with_the_on_call(void **state)
{
	const struct yes y = { 2, CASE_OPEN, paged_anyway,
			       "Page (high priority): confirmed 15 Jan 08:00 UTC.", settled };
	expect_paged_first(*state, say_yes(*state, &y));
}

static void p3_stays_open_as_claimed_unproven(void **state)
{
	const struct yes y = { 3, CASE_OPEN, taken_over, "SB-1 P3: claimed, unproven", settled };
	assert_int_equal(incidents(*state, say_yes(*state, &y), ""), 0);
}

static void p4_closes_on_her_word(void **state)
{
	const struct yes y = { 4, CASE_CLOSED, settled,
			       "Closed 15 Jan 08:00 UTC: benign, on the owner's unproven word",
			       "paged" };
	assert_int_equal(incidents(*state, say_yes(*state, &y), ""), 0);
}

static void p5_closes_on_her_word(void **state)
{
	const struct yes y = { 5, CASE_CLOSED, settled,
			       "Closed 15 Jan 08:00 UTC: benign, on the owner's unproven word",
			       "paged" };
	assert_int_equal(incidents(*state, say_yes(*state, &y), ""), 0);
}

/* The on-call has the case, and a no is another reason to call: two incidents, each once. */
static void a_no_to_a_p1_pages_once_more(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 1);
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, id, "opened");
	expect_incident(l, id, "answered-no");
	const struct seen *hers = the_question_to(l, "alice");
	assert_true(says(hers, "The person on call was paged at 09:00."));
	assert_int_equal(incidents(l, id, ""), 2);
}

int stories_of_priorities(void)
{
	const struct CMUnitTest tests[] = {
		STORY(p1_is_paged_before_the_question_and_stays_with_the_on_call),
		STORY(p2_is_paged_before_the_question_and_stays_with_the_on_call),
		STORY(p3_stays_open_as_claimed_unproven),
		STORY(p4_closes_on_her_word),
		STORY(p5_closes_on_her_word),
		STORY(a_no_to_a_p1_pages_once_more),
	};
	return cmocka_run_group_tests_name("priorities", tests, NULL, NULL);
}
