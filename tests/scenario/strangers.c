/* E45: buttons pressed by somebody else, or not where we put them: a group conversation, a shared
 * message, a forged value. Delete one and whoever sees a question can answer it. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

#define STRANGER                                                                                   \
	"Only the person this question was sent to can answer it. Nothing was changed. If you "    \
	"know something about it, please tell the security team."
#define GROUP "G0GROUP01"

static bool word_is(struct lab *l, const char *name, const char *words)
{
	return strcmp(the_private_word_to(l, name), words) == 0;
}

/* A copy of the question, buttons and all, in a conversation that others read too: what a share or
 * a copied block leaves there. Posted with our own token, for only then do its clicks come to us.
 */
static const struct seen *shared_in(struct lab *l, const char *channel, const struct seen *q)
{
	const char *body =
		arena_f(story_arena(), "{\"channel\":\"%s\",\"text\":\"shared\",\"blocks\":%s}",
			channel, q->json);
	struct world_request rq = { .method = STR("POST"),
				    .path = STR("/api/chat.postMessage"),
				    .authorization = STR("Bearer xoxb-T0SANDBOX-secret"),
				    .content_type = STR("application/json; charset=utf-8"),
				    .body = str_z(body) };
	struct world_reply out = { 0 };
	world_http(lab_world(l), &rq, lab_now(l), &out);
	assert_int_equal(out.status, 200);
	assert_non_null(strstr(buf_z(&out.body), "\"ok\":true"));
	buf_free(&out.body);
	return message_with(l, channel, "shared");
}

static void a_group(struct lab *l)
{
	lab_must(l, "channel",
		 "{\"id\":\"" GROUP "\",\"is_private\":true,\"members\":[\"%s\",\"%s\",\"%s\"]}",
		 id_of(l, "alice"), id_of(l, "eve"), id_of(l, "securitybot"));
}

static void expect_still_waiting(struct lab *l, int64_t id)
{
	QUOTE("E45.2", "still waiting",
	      inquiry_of(l, id)->state == INQUIRY_OPEN && the_question_to(l, "alice")->yes &&
		      the_question_to(l, "alice")->no && incidents(l, id, "") == 0);
}

/* Eve reads the conversation that the question was sent to, and presses. */
static void a_stranger_presses_under_the_question_itself(void **state)
{
	static const char *const buttons[] = { "yes", "no" };
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	for (size_t i = 0; i < 2; i++) {
		const char *envelope = click(l, "eve", the_question_to(l, "alice"), buttons[i]);
		lab_pass(l, 5 * SECOND_MS);
		assert_true(is_acked(l, envelope));
		QUOTE("E45.1", "private 'only she can answer'", word_is(l, "eve", STRANGER));
		expect_still_waiting(l, id);
		QUOTE("E45.3", "recorded",
		      audits(l, "inquiry.refused_stranger", "eve") == (int64_t)i + 1);
	}
	assert_int_equal(private_words_to(l, "eve"), 2);
	assert_int_equal(private_words_to(l, "alice"), 0);
	assert_string_equal(the_modal_of(l, "eve"), "");
	/* And hers still counts. */
	press(l, "alice", "no");
	expect_incident(l, id, "answered-no");
}

static void a_stranger_presses_in_a_group(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	a_group(l);
	const struct seen *copy = shared_in(l, GROUP, the_question_to(l, "alice"));
	lab_must(l, "click",
		 "{\"user\":\"%s\",\"channel\":\"" GROUP "\",\"ts\":\"%s\",\"action_id\":\"yes\"}",
		 id_of(l, "eve"), copy->ts);
	lab_pass(l, 5 * SECOND_MS);
	QUOTE("E45.1", "private 'only she can answer'", word_is(l, "eve", STRANGER));
	expect_still_waiting(l, id);
	QUOTE("E45.3", "recorded", audits(l, "inquiry.refused_stranger", "eve") == 1);
	/* The group reads nothing of it. */
	assert_int_equal(messages_with(l, GROUP, ""), 1);
}

/* Alice herself, but under the copy: there a click could be anybody's trap, so it does not count,
 * and she is told where to answer. */
static void the_copy_of_a_question_answers_nothing(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	a_group(l);
	const struct seen *copy = shared_in(l, GROUP, the_question_to(l, "alice"));
	click(l, "alice", copy, "yes");
	lab_pass(l, 5 * SECOND_MS);
	assert_non_null(strstr(the_private_word_to(l, "alice"),
			       "Please use the buttons in my own message to you"));
	expect_still_waiting(l, id);
	QUOTE("E45.3", "recorded", audits(l, "inquiry.refused_message", "alice") == 1);
}

/* A value that we never made: one digit of its mac is another. */
static void a_forged_value_answers_nothing(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	struct seen forged = *the_question_to(l, "alice");
	char value[128];
	size_t n = strlen(forged.yes);
	assert_true(n < sizeof(value));
	memcpy(value, forged.yes, n + 1);
	value[n - 1] = value[n - 1] == '0' ? '1' : '0';
	forged.yes = value;
	click(l, "eve", &forged, "yes");
	click(l, "alice", &forged, "yes");
	lab_pass(l, 5 * SECOND_MS);
	assert_non_null(strstr(the_private_word_to(l, "eve"), "does not belong to a question"));
	expect_still_waiting(l, id);
	QUOTE("E45.3", "recorded",
	      audits(l, "inquiry.refused_token", "eve") == 1 &&
		      audits(l, "inquiry.refused_token", "alice") == 1);
}

/* Settled or not, a stranger learns nothing of the answer and changes nothing. */
static void a_stranger_comes_after_the_answer(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	const struct seen *old = the_question_to(l, "alice");
	press(l, "alice", "yes");
	lab_pass(l, 10 * SECOND_MS);
	click(l, "eve", old, "no");
	click(l, "eve", the_question_to(l, "alice"), "not_me");
	lab_pass(l, 5 * SECOND_MS);
	QUOTE("E45.1", "private 'only she can answer'", word_is(l, "eve", STRANGER));
	QUOTE("E45.3", "recorded", audits(l, "inquiry.refused_stranger", "eve") == 2);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNPROVEN);
	assert_int_equal(case_of(l, id)->state, CASE_CLOSED);
	assert_int_equal(incidents(l, id, ""), 0);
}

int stories_of_strangers(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_stranger_presses_under_the_question_itself),
		STORY(a_stranger_presses_in_a_group),
		STORY(the_copy_of_a_question_answers_nothing),
		STORY(a_forged_value_answers_nothing),
		STORY(a_stranger_comes_after_the_answer),
	};
	return cmocka_run_group_tests_name("E45 strangers", tests, NULL, NULL);
}
