/* E44: two answers where one was expected: double clicks, Slack repeating itself, phone and laptop
 * that disagree, old renderings. Delete one and a thief may silence an owner by being quicker. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

static const char no_else_first[] = "'no' if any was no, else the first";
static const char accurate[] = "the others get an accurate private text";
static const char one_row[] = "one audit row per attempt";

#define ALREADY_NO                                                                                 \
	"You already answered this: No, it wasn't me, at 09:00. The security team is on it; that " \
	"can't be undone with a button. If it was a mistake, please tell them."
#define ALREADY_YES "You already answered this: Yes, it was me, at 09:00. Nothing was changed."
#define LATE_YES                                                                                   \
	"Thank you. The deadline has passed and the security team has the case, so your Yes is "   \
	"recorded for them but closes nothing."

static bool private_word_is(struct lab *l, const char *words)
{
	const char *word = the_private_word_to(l, "alice");
	if (strcmp(word, words) != 0)
		print_error("the private word is \"%s\"\n", word);
	return strcmp(word, words) == 0;
}

/* Attempts of Alice's that were written down, whatever became of them. */
static int64_t attempts(struct lab *l)
{
	return audits(l, "inquiry.answered", "alice") + audits(l, "inquiry.repeated", "alice") +
	       audits(l, "inquiry.late", "alice") + audits(l, "inquiry.refused_message", "alice");
}

static void a_double_click_is_one_answer(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 3);
	const struct seen *q = the_question_to(l, "alice");
	click(l, "alice", q, "yes");
	click(l, "alice", q, "yes");
	lab_pass(l, 10 * SECOND_MS);
	QUOTE("E44.1", "a double click: the first counts",
	      inquiry_of(l, id)->state == INQUIRY_UNPROVEN && incidents(l, id, "") == 0);
	QUOTE("E44.8", accurate, private_word_is(l, ALREADY_YES));
	QUOTE("E44.9", one_row, attempts(l) == 2 && audits(l, "inquiry.answered", "alice") == 1);
	assert_int_equal(questions_to(l, "alice"), 1);
}

static void a_double_no_pages_once(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 3);
	const struct seen *q = the_question_to(l, "alice");
	click(l, "alice", q, "no");
	click(l, "alice", q, "no");
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, id, "answered-no");
	assert_int_equal(the_incident(l, id, "answered-no")->triggers, 1);
	QUOTE("E44.8", accurate, private_word_is(l, ALREADY_NO));
	QUOTE("E44.9", one_row, attempts(l) == 2 && audits(l, "inquiry.answered", "alice") == 1);
}

/* The same envelope is the same click: it is acknowledged again, and is no attempt. */
static void slack_repeats_the_envelope(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 3);
	const struct seen *q = the_question_to(l, "alice");
	const char *envelope = click(l, "alice", q, "no");
	lab_must(l, "resend", "{\"envelope_id\":\"%s\",\"same_id\":true}", envelope);
	lab_pass(l, 5 * SECOND_MS);
	lab_must(l, "resend", "{\"envelope_id\":\"%s\",\"same_id\":true}", envelope);
	lab_pass(l, 5 * SECOND_MS);
	QUOTE("E44.2", "Slack re-sends the envelope: nothing happens twice",
	      inquiry_of(l, id)->state == INQUIRY_NO && incidents(l, id, "") == 1 &&
		      the_incident(l, id, "")->triggers == 1 && attempts(l) == 1);
	CLEANUP(json_done) struct cJSON *ledger = lab_do(l, "ledger", "%s", "{}");
	size_t acks = 0;
	for (const struct cJSON *a = json_first(json_key(ledger, "acks")); a; a = json_next(a))
		acks += strcmp(json_text_at(a, "envelope_id"), envelope) == 0;
	assert_int_equal(acks, 3);
	assert_int_equal(questions_to(l, "alice"), 1);
	/* Told as at the first time, not scolded for a click she never made. */
	assert_string_equal(the_private_word_to(l, "alice"), "");
}

static void it_repeats_it_under_another_id(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 3);
	const char *envelope = click(l, "alice", the_question_to(l, "alice"), "yes");
	lab_pass(l, 5 * SECOND_MS);
	lab_must(l, "resend", "{\"envelope_id\":\"%s\",\"same_id\":false}", envelope);
	lab_pass(l, 5 * SECOND_MS);
	QUOTE("E44.2", "Slack re-sends the envelope: nothing happens twice",
	      inquiry_of(l, id)->state == INQUIRY_UNPROVEN && incidents(l, id, "") == 0 &&
		      audits(l, "inquiry.answered", "alice") == 1);
}

/* Phone and laptop: both orders, in one batch and apart. */
struct quarrel {
	const char *first, *second;
	int64_t apart_ms;
};

static void quarrel(struct lab *l, const struct quarrel *q)
{
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	const struct seen *message = the_question_to(l, "alice");
	click(l, "alice", message, q->first);
	lab_pass(l, q->apart_ms);
	click(l, "alice", message, q->second);
	lab_pass(l, 15 * SECOND_MS);
	QUOTE("E44.3", "phone and laptop click opposite answers: no",
	      inquiry_of(l, id)->state == INQUIRY_NO);
	QUOTE("E44.7", no_else_first, inquiry_of(l, id)->state == INQUIRY_NO);
	expect_incident(l, id, "answered-no");
	assert_int_equal(case_of(l, id)->state, CASE_OPEN);
	QUOTE("E44.9", one_row, attempts(l) == 2);
	if (strcmp(q->second, "yes") == 0)
		QUOTE("E44.8", accurate, private_word_is(l, ALREADY_NO));
	const struct seen *after = the_question_to(l, "alice");
	assert_true(says(after, "You answered: No, it wasn't me"));
	assert_false(says(after, "You answered: Yes"));
	assert_null(after->not_me);
}

static void yes_then_no_in_one_moment(void **state)
{
	quarrel(*state, &(struct quarrel){ "yes", "no", 0 });
}
static void no_then_yes_in_one_moment(void **state)
{
	quarrel(*state, &(struct quarrel){ "no", "yes", 0 });
}
static void yes_then_no_apart(void **state)
{
	quarrel(*state, &(struct quarrel){ "yes", "no", 5 * SECOND_MS });
}
static void no_then_yes_apart(void **state)
{
	quarrel(*state, &(struct quarrel){ "no", "yes", 5 * SECOND_MS });
}

static const char same_moment[] =
	"SELECT COUNT(DISTINCT at_ms) FROM audit WHERE actor LIKE 'slack:%'";

/* The very same batch: the process was busy while both came, so one turn takes both. */
static void opposite_answers_in_one_batch(void **state)
{
	static const char *const orders[2][2] = { { "yes", "no" }, { "no", "yes" } };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct lab *l = story_begin(&(struct lab_options){ .seed = 8, .latency_ms = 20 });
		int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
		const struct seen *q = the_question_to(l, "alice");
		lab_busy(l, SECOND_MS);
		click(l, "alice", q, orders[i][0]);
		click(l, "alice", q, orders[i][1]);
		lab_pass(l, 10 * SECOND_MS);
		assert_int_equal(number_in(l, same_moment), 1);
		QUOTE("E44.7", no_else_first, inquiry_of(l, id)->state == INQUIRY_NO);
		expect_incident(l, id, "answered-no");
		assert_int_equal(attempts(l), 2);
		story_end(l);
	}
}

static void a_yes_after_expiry_is_recorded_and_closes_nothing(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 31 * MINUTE_MS);
	expect_incident(l, id, "silence");
	press(l, "alice", "yes");
	lab_pass(l, 10 * SECOND_MS);
	const struct inquiry *q = inquiry_of(l, id);
	QUOTE("E44.4", "a click after expiry: a yes is recorded and the on-call decides",
	      q->state == INQUIRY_SILENT && strcmp(q->late, "yes") == 0 &&
		      case_of(l, id)->state == CASE_OPEN);
	QUOTE("E44.8", accurate, private_word_is(l, LATE_YES));
	assert_int_equal(audits(l, "inquiry.late", "alice"), 1);
	assert_true(says(the_card_of(l, id), "Alice Archer answered Yes at 15 Jan 08:31 UTC, after "
					     "the deadline: unproven, yours to decide."));
	assert_true(says(the_question_to(l, "alice"), "You answered after the deadline: Yes"));
	assert_int_equal(incidents(l, id, ""), 1);
}

static void a_no_after_expiry_pages_for_a_reason_of_its_own(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 31 * MINUTE_MS);
	expect_incident(l, id, "silence");
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	QUOTE("E44.5", "a click after expiry: a no pages for a reason of its own",
	      inquiry_of(l, id)->state == INQUIRY_NO && incidents(l, id, "answered-no") == 1);
	assert_int_equal(incidents(l, id, ""), 2);
	QUOTE("E44.9", one_row, attempts(l) == 1);
}

/* Her phone still shows the buttons of a message that has long said "you answered yes". */
static void a_click_on_a_superseded_rendering(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	const struct seen *old = the_question_to(l, "alice");
	press(l, "alice", "yes");
	lab_pass(l, 10 * SECOND_MS);
	assert_null(the_question_to(l, "alice")->yes);
	click(l, "alice", old, "yes");
	lab_pass(l, 5 * SECOND_MS);
	QUOTE("E44.8", accurate, private_word_is(l, ALREADY_YES));
	assert_int_equal(attempts(l), 2);
	click(l, "alice", old, "no");
	lab_pass(l, 10 * SECOND_MS);
	QUOTE("E44.6", "a click on a superseded rendering counts as what it says",
	      inquiry_of(l, id)->state == INQUIRY_NO && incidents(l, id, "answered-no") == 1);
	QUOTE("E44.9", one_row, attempts(l) == 3);
	click(l, "alice", old, "yes");
	lab_pass(l, 5 * SECOND_MS);
	QUOTE("E44.8", accurate, private_word_is(l, ALREADY_NO));
	assert_int_equal(incidents(l, id, ""), 1);
}

/* Two renderings carry the question's buttons: the one she was first sent, and the one that says
 * she is late. Whichever she presses, it is one inquiry. */
static void buttons_of_two_renderings(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	const struct seen *first = the_question_to(l, "alice");
	lab_pass(l, 31 * MINUTE_MS);
	const struct seen *second = the_question_to(l, "alice");
	assert_true(says(second, "We had no answer by 09:30."));
	assert_string_not_equal(first->words, second->words);
	click(l, "alice", second, "yes");
	click(l, "alice", first, "yes");
	lab_pass(l, 5 * SECOND_MS);
	assert_int_equal(audits(l, "inquiry.late", "alice"), 1);
	click(l, "alice", first, "no");
	lab_pass(l, 10 * SECOND_MS);
	QUOTE("E44.10", "the buttons of two renderings are one question: no if any was no",
	      inquiry_of(l, id)->state == INQUIRY_NO && incidents(l, id, "answered-no") == 1 &&
		      questions_to(l, "alice") == 1);
	QUOTE("E44.9", one_row, attempts(l) == 3);
}

/* Slack's answer to the post was lost, and so were those to the searches: the question stands there
 * twice, and we know of the newer one only. Either is answered. */
static void a_message_that_was_posted_anew(void **state)
{
	static const char *const buttons[] = { "no", "yes" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct lab *l = story_begin(&(struct lab_options){ .seed = 7 });
		lab_must(l, "dedupe", "%s", "{\"on\":false}");
		(void)an_alert(l, "before", "alice@duff.example", 4); /* the way to her is known */
		a_fault_like(l, &(struct fault_plan){ .where = "chat.postMessage",
						      .kind = "timeout",
						      .count = 2,
						      .ms = 3000 });
		a_fault(l, "conversations.history", "error:invalid_cursor", 4);
		int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
		const struct seen *old = the_question_to(l, "alice");
		assert_int_equal(questions_to(l, "alice"), 2);
		lab_pass(l, MINUTE_MS);
		assert_int_equal(questions_to(l, "alice"), 3);
		assert_string_not_equal(the_question_to(l, "alice")->ts, old->ts);
		click(l, "alice", old, buttons[i]);
		lab_pass(l, 10 * SECOND_MS);
		QUOTE("E44.11", "a click on a superseded message counts as what it says",
		      inquiry_of(l, id)->state == (i ? INQUIRY_UNPROVEN : INQUIRY_NO) &&
			      incidents(l, id, "answered-no") == (i ? 0 : 1));
		assert_true(says(the_question_to(l, "alice"), "You answered: "));
		/* And under the other one, as it stood on her second phone. */
		click(l, "alice", old, "no");
		lab_pass(l, 10 * SECOND_MS);
		QUOTE("E44.7", no_else_first, inquiry_of(l, id)->state == INQUIRY_NO);
		if (i == 0)
			QUOTE("E44.8", accurate,
			      strstr(the_private_word_to(l, "alice"),
				     "You already answered this: No, it wasn't me, at 09:01. ") !=
				      NULL);
		QUOTE("E44.9", one_row, attempts(l) == 2);
		story_end(l);
	}
}

/* The question came, but Slack confirmed it to us too late: its time was over when she pressed. */
static void clicks_after_nobody_could_be_asked(void **state)
{
	static const char *const buttons[] = { "yes", "no" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct lab *l = story_begin(&(struct lab_options){ .seed = 7 });
		a_fault(l, "chat.postMessage", "internal_error_done", 2); /* done, and unknown */
		a_fault(l, "conversations.history", "500", 1000);
		int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
		lab_pass(l, 16 * MINUTE_MS);
		expect_incident(l, id, "undeliverable");
		click(l, "alice", the_question_to(l, "alice"), buttons[i]);
		lab_pass(l, 10 * SECOND_MS);
		if (i == 0) {
			QUOTE("E44.4",
			      "a click after expiry: a yes is recorded and the on-call decides",
			      inquiry_of(l, id)->state == INQUIRY_UNREACHABLE &&
				      strcmp(inquiry_of(l, id)->late, "yes") == 0 &&
				      case_of(l, id)->state == CASE_OPEN);
			QUOTE("E44.8", accurate,
			      private_word_is(l, "Thank you. Your answer is recorded for the "
						 "security team."));
		} else
			QUOTE("E44.5", "a click after expiry: a no pages for a reason of its own",
			      inquiry_of(l, id)->state == INQUIRY_NO &&
				      incidents(l, id, "answered-no") == 1);
		assert_int_equal(incidents(l, id, ""), 1 + i);
		QUOTE("E44.9", one_row, attempts(l) == 1);
		story_end(l);
	}
}

int stories_of_races(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_double_click_is_one_answer),
		STORY(a_double_no_pages_once),
		STORY(slack_repeats_the_envelope),
		STORY(it_repeats_it_under_another_id),
		STORY(yes_then_no_in_one_moment),
		STORY(no_then_yes_in_one_moment),
		STORY(yes_then_no_apart),
		STORY(no_then_yes_apart),
		cmocka_unit_test(opposite_answers_in_one_batch),
		STORY(a_yes_after_expiry_is_recorded_and_closes_nothing),
		STORY(a_no_after_expiry_pages_for_a_reason_of_its_own),
		STORY(a_click_on_a_superseded_rendering),
		STORY(buttons_of_two_renderings),
		cmocka_unit_test(a_message_that_was_posted_anew),
		cmocka_unit_test(clicks_after_nobody_could_be_asked),
	};
	return cmocka_run_group_tests_name("E44 races", tests, NULL, NULL);
}
