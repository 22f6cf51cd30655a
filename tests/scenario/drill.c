/* E67: the drill that somebody asks for himself: like a real question in everything but that it
 * says so and wakes nobody. Delete one of these and a practice may page, or teach a wrong thing. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

#define LABELLED "labelled drill in every place"
#define TEACHES  "answering teaches the flow"

static void test(struct lab *l, const char *name)
{
	lab_must(l, "slash", "{\"user\":\"%s\",\"text\":\"test\"}", id_of(l, name));
	lab_pass(l, 12 * SECOND_MS); /* the card is edited every five */
}

static int64_t newest_case(struct lab *l) { return number_in(l, "SELECT MAX(id) FROM casefile"); }

static void expect_quiet(struct lab *l, int64_t id)
{
	lab_settle(l, MINUTE_MS, HOUR_MS);
	assert_int_equal(incidents(l, id, ""), 0);
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM outgoing WHERE kind = 4"), 0);
	assert_int_equal(case_of(l, id)->resolution, RESOLUTION_DRILL);
}

static void a_drill_is_labelled_everywhere(void **state)
{
	struct lab *l = *state;
	test(l, "alice");
	int64_t id = newest_case(l);
	const struct seen *q = the_question_to(l, "alice"), *card = the_card_of(l, id);
	QUOTE("E67.1", LABELLED, says(q, "DRILL: a practice security question."));
	QUOTE("E67.1", LABELLED, says(q, "DRILL: a practice question that you asked for."));
	QUOTE("E67.1", LABELLED, says(card, "DRILL SB-1") && says(card, "DRILL \xc2\xb7 "));
	QUOTE("E67.1", LABELLED,
	      strncmp(the_private_word_to(l, "alice"), "DRILL: ", 7) == 0 &&
		      private_words_to(l, "alice") == 1);
	assert_non_null(q->yes);
	assert_non_null(q->no);
	assert_false(says(q, "we wake") || says(q, "being told right now"));
	assert_true(says(card, "A drill that Alice Archer asked for."));
	assert_true(case_of(l, id)->is_drill);
}

static void a_no_teaches_what_it_would_do(void **state)
{
	struct lab *l = *state;
	test(l, "alice");
	int64_t id = newest_case(l);
	press(l, "alice", "no");
	const struct seen *q = the_question_to(l, "alice");
	QUOTE("E67.2", TEACHES,
	      says(q, "You answered: No, it wasn't me (09:00).") &&
		      says(q, "In a real case the person on call would now be paged"));
	assert_false(says(q, "We are paging"));
	/* the note of a drill says what it is, too */
	CLEANUP(json_done) struct cJSON *world = lab_do(l, "state", "%s", "{}");
	const struct cJSON *modal = json_at(json_key(world, "views"), 0);
	QUOTE("E67.1", LABELLED,
	      strstr(json_print_arena(modal, story_arena()), "This is a drill.") != NULL);
	expect_quiet(l, id);
}

static void a_yes_teaches_and_can_be_taken_back(void **state)
{
	struct lab *l = *state;
	test(l, "alice");
	int64_t id = newest_case(l);
	press(l, "alice", "yes");
	lab_pass(l, 5 * SECOND_MS);
	const struct seen *q = the_question_to(l, "alice");
	QUOTE("E67.2", TEACHES,
	      says(q, "You answered: Yes, it was me (09:00).") &&
		      says(q, "In a real case this would be noted as your word"));
	press(l, "alice", "not_me");
	QUOTE("E67.2", TEACHES,
	      says(the_question_to(l, "alice"),
		   "In a real case the person on call would now be paged"));
	expect_quiet(l, id);
}

static void a_typed_answer_does_too(void **state)
{
	struct lab *l = *state;
	test(l, "alice");
	lab_must(l, "say", "{\"user\":\"%s\",\"text\":\"No!\"}", id_of(l, "alice"));
	lab_pass(l, 5 * SECOND_MS);
	assert_int_equal(inquiry_of(l, newest_case(l))->state, INQUIRY_NO);
	expect_quiet(l, newest_case(l));
}

static void silence_teaches_too(void **state)
{
	struct lab *l = *state;
	test(l, "alice");
	int64_t id = newest_case(l);
	lab_pass(l, 31 * MINUTE_MS);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_SILENT);
	QUOTE("E67.2", TEACHES, says(the_question_to(l, "alice"), "because nobody answered."));
	expect_quiet(l, id);
	press(l, "alice", "yes"); /* late: true words about it */
	assert_true(strstr(the_private_word_to(l, "alice"), "this practice question is over"));
	expect_quiet(l, id);
}

/* Nobody's day is filled with practice, and no number counts it. */
static void drills_are_few_and_count_nowhere(void **state)
{
	struct lab *l = *state;
	test(l, "alice");
	test(l, "alice");
	assert_true(strstr(the_private_word_to(l, "alice"), "is still open"));
	assert_int_equal(questions_to(l, "alice"), 1);
	for (int i = 0; i < 4; i++) {
		press(l, "alice", "yes");
		test(l, "alice");
	}
	press(l, "alice", "yes");
	assert_int_equal(questions_to(l, "alice"), 5);
	test(l, "alice");
	assert_true(strstr(the_private_word_to(l, "alice"), "five practice questions in a day"));
	assert_int_equal(questions_to(l, "alice"), 5);
	lab_pass(l, DAY_MS);
	test(l, "alice");
	assert_int_equal(questions_to(l, "alice"), 6);
	lab_must(l, "slash", "{\"user\":\"%s\",\"text\":\"status\"}", id_of(l, "mona"));
	lab_pass(l, SECOND_MS);
	CLEANUP(json_done) struct cJSON *world = lab_do(l, "state", "%s", "{}");
	assert_non_null(strstr(json_print_arena(json_key(world, "ephemerals"), story_arena()),
			       "No case is open."));
}

int stories_of_drills(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_drill_is_labelled_everywhere),
		STORY(a_no_teaches_what_it_would_do),
		STORY(a_yes_teaches_and_can_be_taken_back),
		STORY(a_typed_answer_does_too),
		STORY(silence_teaches_too),
		STORY(drills_are_few_and_count_nowhere),
	};
	return cmocka_run_group_tests_name("E67 drills", tests, NULL, NULL);
}
