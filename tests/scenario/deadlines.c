/* Deadlines: an answer is due a fixed time after Slack has confirmed the question, and never later;
 * whatever ends without one wakes somebody. Delete one and a silent owner, or a restart at the
 * wrong moment, costs the alert. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

#define WAIT_MS (30 * MINUTE_MS)

static void silence_pages_at_the_deadline(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	int64_t due_ms = inquiry_of(l, id)->answer_ms;
	assert_int_equal(due_ms, inquiry_of(l, id)->delivered_ms + WAIT_MS);
	assert_true(says(the_question_to(l, "alice"), "Please answer by 09:30."));
	lab_pass(l, due_ms - lab_now(l) - 1);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_OPEN);
	assert_int_equal(incidents(l, id, ""), 0);
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_SILENT);
	expect_incident(l, id, "silence");
	int64_t late_ms = the_incident(l, id, "silence")->first_ms - due_ms;
	assert_true(late_ms >= 0 && late_ms <= SECOND_MS);
	const struct seen *hers = the_question_to(l, "alice");
	assert_true(says(hers, "We had no answer by 09:30."));
	assert_true(says(hers, "You can still answer"));
	assert_true(says(hers, "The person on call was paged at 09:30."));
	assert_true(says(the_card_of(l, id), "Alice Archer did not answer by 15 Jan 08:30 UTC."));
	assert_int_equal(questions_to(l, "alice"), 1);
	assert_int_equal(audits(l, "inquiry.silent", ""), 1);
}

/* D19: the clock starts when the question stands in her Slack, not when the alert came. */
static void the_clock_starts_at_confirmed_delivery(void **state)
{
	struct lab *l = *state;
	a_fault(l, "chat.postMessage", "error:fatal_error", 1);
	a_fault(l, "conversations.open", "500", 3);
	int64_t posted_ms = lab_now(l), id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 2 * MINUTE_MS);
	const struct inquiry *q = inquiry_of(l, id);
	const struct call *posts;
	size_t n = calls(l, "chat.postMessage", &posts);
	int64_t stood_ms = 0;
	for (size_t i = 0; i < n; i++)
		if (strcmp(posts[i].ts, the_question_to(l, "alice")->ts) == 0)
			stood_ms = posts[i].at_ms;
	assert_true(stood_ms > posted_ms);
	QUOTE("E40.2", "the answer clock starts at confirmed delivery",
	      q->delivered_ms >= stood_ms && q->delivered_ms <= stood_ms + SECOND_MS &&
		      q->answer_ms == q->delivered_ms + WAIT_MS);
}

static void an_answer_beats_its_deadline_in_one_batch(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	int64_t due_ms = inquiry_of(l, id)->answer_ms;
	lab_pass(l, due_ms - lab_now(l) - 200);
	lab_busy(l, SECOND_MS); /* both have come when the turn begins */
	click(l, "alice", the_question_to(l, "alice"), "yes");
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNPROVEN);
	assert_int_equal(incidents(l, id, ""), 0);
}

/* Neither a restart, nor a death just before it, nor the raising of the message moves it. */
static void a_restart_moves_no_deadline(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	int64_t due_ms = inquiry_of(l, id)->answer_ms;
	for (int i = 0; i < 5; i++) {
		lab_pass(l, 5 * MINUTE_MS);
		lab_kill(l, 10 * SECOND_MS);
		lab_pass(l, 20 * SECOND_MS);
		assert_int_equal(inquiry_of(l, id)->answer_ms, due_ms);
		assert_int_equal(inquiry_of(l, id)->due_ms, due_ms);
	}
	lab_pass(l, due_ms - lab_now(l) - SECOND_MS);
	assert_int_equal(incidents(l, id, ""), 0);
	lab_pass(l, 5 * SECOND_MS);
	expect_incident(l, id, "silence");
	assert_int_equal(questions_to(l, "alice"), 1);
}

/* The page of a P1 is confirmed late, so her message is rewritten while it waits: the update is
 * confirmed too, and is no second delivery. */
static void a_rewritten_message_moves_no_deadline(void **state)
{
	struct lab *l = *state;
	a_fault_like(l, &(struct fault_plan){
				.where = "pagerduty", .kind = "slow", .count = 1, .ms = 9000 });
	int64_t id = an_alert(l, "a1", "alice@duff.example", 1);
	int64_t due_ms = inquiry_of(l, id)->answer_ms;
	assert_true(due_ms > 0);
	lab_pass(l, 30 * SECOND_MS);
	assert_true(number_in(l, "SELECT shown FROM outgoing WHERE kind = 1") > 1);
	assert_int_equal(inquiry_of(l, id)->answer_ms, due_ms);
	assert_int_equal(inquiry_of(l, id)->due_ms, due_ms);
}

static void a_deadline_that_passed_while_dead_fires_at_birth(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_kill(l, 3 * HOUR_MS);
	lab_pass(l, 3 * HOUR_MS + 10 * SECOND_MS);
	expect_incident(l, id, "silence");
	lab_kill(l, SECOND_MS);
	lab_pass(l, HOUR_MS);
	expect_incident(l, id, "silence");
	assert_int_equal(the_incident(l, id, "silence")->triggers, 1);
}

/* Slack takes nothing for a quarter of an hour: the owner is known, and cannot be reached. */
static void undeliverable_pages_after_fifteen_minutes(void **state)
{
	struct lab *l = *state;
	a_fault(l, "conversations.open", "500", 10000);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	int64_t due_ms = inquiry_of(l, id)->undelivered_ms;
	assert_int_equal(due_ms, inquiry_of(l, id)->created_ms + 15 * MINUTE_MS);
	lab_pass(l, due_ms - lab_now(l) - 1);
	assert_int_equal(incidents(l, id, ""), 0);
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNREACHABLE);
	expect_incident(l, id, "undeliverable");
	const struct seen *card = the_card_of(l, id);
	assert_true(says(card, "Slack confirmed no message within 15"));
	/* Nobody is asked about what others have been woken for. */
	lab_must(l, "heal", "%s", "{}");
	lab_pass(l, HOUR_MS);
	assert_int_equal(questions_to(l, "alice"), 0);
	expect_incident(l, id, "undeliverable");
	assert_int_equal(incidents(l, id, ""), 1);
}

/* The look-up itself never came back: nobody was found, but that says nothing about the owner. */
static void a_directory_that_never_answers_is_undeliverable_too(void **state)
{
	struct lab *l = *state;
	a_fault(l, "users.lookupByEmail", "500", 10000);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 5);
	lab_pass(l, 14 * MINUTE_MS);
	lab_kill(l, SECOND_MS);
	lab_pass(l, 2 * MINUTE_MS);
	expect_incident(l, id, "undeliverable");
	assert_int_equal(incidents(l, id, ""), 1);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNREACHABLE);
}

int stories_of_deadlines(void)
{
	const struct CMUnitTest tests[] = {
		STORY(silence_pages_at_the_deadline),
		STORY(the_clock_starts_at_confirmed_delivery),
		STORY(an_answer_beats_its_deadline_in_one_batch),
		STORY(a_restart_moves_no_deadline),
		STORY(a_rewritten_message_moves_no_deadline),
		STORY(a_deadline_that_passed_while_dead_fires_at_birth),
		STORY(undeliverable_pages_after_fifteen_minutes),
		STORY(a_directory_that_never_answers_is_undeliverable_too),
	};
	return cmocka_run_group_tests_name("deadlines", tests, NULL, NULL);
}
