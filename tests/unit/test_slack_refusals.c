/* What follows from a refusal of Slack's, and who has to mend it. */
#include "tests/unit/test_slack_answer.h"

/* Only the words of a message can be said more plainly. */
static void a_layout_that_is_refused_may_pass_in_bare_words(void **state)
{
	static const struct {
		const char *code;
		bool may_pass;
	} cases[] = { { "invalid_blocks", true },
		      { "invalid_blocks_format", true },
		      { "msg_too_long", true },
		      { "msg_blocks_too_long", true },
		      { "no_text", true },
		      { "invalid_auth", false },
		      { "invalid_arguments", false },
		      { "metadata_too_large", false },
		      { "channel_not_found", false } };
	static const struct slack_asked plain = { OUT_QUESTION, PHASE_PLAIN, false, "out:9:ab" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *body =
			arena_f(&arena, "{\"ok\":false,\"error\":\"%s\"}", cases[i].code);
		assert_int_equal(answer(&POST, 200, body).wants_plain, cases[i].may_pass);
		assert_int_equal(answer(&UPDATE, 200, body).wants_plain, cases[i].may_pass);
		assert_false(answer(&EMAIL, 200, body).wants_plain);
		assert_false(answer(&FIND, 200, body).wants_plain);
	}
	assert_int_equal(answer(&plain, 200, "").outcome, OUTCOME_UNKNOWN); /* a post, too */
}

/* One that can't be edited any more is said again, but never asked again: it can be answered. */
static void a_question_that_is_fixed_stays_the_only_one(void **state)
{
	static const char *const codes[] = { "cant_update_message", "edit_window_closed" };
	static const struct slack_asked question = { OUT_QUESTION, PHASE_SEND, true, "out:9:ab" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *body = arena_f(&arena, "{\"ok\":false,\"error\":\"%s\"}", codes[i]);
		assert_int_equal(answer(&question, 200, body).outcome, OUTCOME_PERMANENT);
		assert_int_equal(answer(&UPDATE, 200, body).outcome, OUTCOME_NOT_FOUND);
	}
	assert_int_equal(
		answer(&question, 200, "{\"ok\":false,\"error\":\"message_not_found\"}").outcome,
		OUTCOME_NOT_FOUND);
}

/* 429 is about a method, everywhere; rate_limited about one channel. */
static void a_wait_has_its_gate(void **state)
{
	static const struct {
		const struct slack_asked *asked;
		const char *gate;
	} cases[] = { { &UPDATE, "slack:chat.update" }, { &FIND, "slack:conversations.history" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(answer(cases[i].asked, 429, "").gate, cases[i].gate);
		assert_string_equal(
			answer(cases[i].asked, 200, "{\"ok\":false,\"error\":\"ratelimited\"}")
				.gate,
			cases[i].gate);
		assert_null(answer(cases[i].asked, 200, "{\"ok\":false,\"error\":\"rate_limited\"}")
				    .gate);
		assert_null(answer(cases[i].asked, 200, "{\"ok\":false,\"error\":\"is_archived\"}")
				    .gate);
	}
	assert_null(answer(&POST, 429, "").gate);  /* of posts it is one channel that is full */
	assert_null(answer(&REPLY, 429, "").gate); /* nobody keeps it */
}

/* What is only to be shown waits for whoever mends it: the method, or the one channel. */
static void what_is_shown_waits_until_it_is_mended(void **state)
{
	static const struct slack_asked card = { OUT_CARD, PHASE_SEND, false, "out:9:ab" };
	static const struct slack_asked thread = { OUT_THREAD, PHASE_SEND, false, "out:9:ab" };
	static const char scope[] = "{\"ok\":false,\"error\":\"missing_scope\"}";
	static const char archived[] = "{\"ok\":false,\"error\":\"is_archived\"}";

	(void)state;
	assert_int_equal(answer(&card, 200, archived).outcome, OUTCOME_TRANSIENT);
	assert_int_equal(answer(&card, 200, archived).retry_after_ms, 300000);
	assert_null(answer(&card, 200, archived).gate);
	assert_null(answer(&card, 200, scope).gate); /* others are to find out by themselves */
	assert_null(answer(&UPDATE, 200, archived).gate);
	assert_string_equal(answer(&UPDATE, 200, scope).gate, "slack:chat.update");
	assert_int_equal(answer(&thread, 200, archived).outcome, OUTCOME_PERMANENT);
	assert_int_equal(answer(&POST, 200, scope).outcome, OUTCOME_PERMANENT);
	assert_int_equal(answer(&FIND, 200, scope).outcome, OUTCOME_PERMANENT);
}

/* What somebody has to do is said; what is about one person is not for him. */
static void a_fault_of_the_setup_names_its_cure(void **state)
{
	static const struct slack_asked card = { OUT_CARD, PHASE_SEND, false, "out:9:ab" };
	static const char *const nobodys[] = { "channel_not_found",
					       "user_not_found",
					       "msg_too_long",
					       "token_revoked",
					       "ratelimited",
					       "internal_error",
					       "" };

	(void)state;
	assert_string_equal(slack_setup(&EMAIL, "missing_scope (needed: users:read.email)", &arena),
			    "Slack refuses users.lookupByEmail: missing_scope (needed: "
			    "users:read.email). Add the "
			    "scope to the app as in deploy/manifest.json and install it again.");
	assert_string_equal(
		slack_setup(&card, "channel_not_found", &arena),
		"Slack refuses chat.postMessage: channel_not_found. Invite the bot to the "
		"channel, or correct slack.channel.");
	assert_non_null(slack_setup(&card, "is_archived", &arena));
	assert_non_null(slack_setup(&POST, "restricted_action", &arena));
	assert_null(slack_setup(&POST, "restricted_action_thread_locked", &arena));
	assert_non_null(slack_setup(&POST, "ekm_access_denied", &arena));
	for (size_t i = 0; i < sizeof(nobodys) / sizeof(nobodys[0]); i++)
		assert_null(slack_setup(&POST, nobodys[i], &arena));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_layout_that_is_refused_may_pass_in_bare_words, forget),
		cmocka_unit_test_teardown(a_question_that_is_fixed_stays_the_only_one, forget),
		cmocka_unit_test_teardown(a_wait_has_its_gate, forget),
		cmocka_unit_test_teardown(what_is_shown_waits_until_it_is_mended, forget),
		cmocka_unit_test_teardown(a_fault_of_the_setup_names_its_cure, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
