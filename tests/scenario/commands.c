/* E64, as far as the commands exist: what people type, after the slash and in a direct message. The
 * forerunner's loop died of an empty message (D9), and its "yes" went to whatever was asked last
 * (D7). Delete one of these and a word may answer the wrong question, or a case be read by
 * everybody. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

/* The newest private word to a person, with its blocks. */
static const struct seen *the_sheet_to(struct lab *l, const char *name)
{
	CLEANUP(json_done) struct cJSON *state = lab_do(l, "state", "%s", "{}");
	const char *user = id_of(l, name);
	const struct seen *newest = NULL;
	for (const struct cJSON *e = json_first(json_key(state, "ephemerals")); e; e = json_next(e))
		if (strcmp(json_text_at(e, "user"), user) == 0)
			newest = story_seen(json_text_at(e, "channel"), e);
	if (!newest)
		fail_msg("nobody told %s anything", name);
	return newest;
}

/* `text` is the inside of a JSON string. Returns the envelope's id; a second passes. */
static const char *typed(struct lab *l, const char *verb, const char *name, const char *text)
{
	CLEANUP(json_done)
	struct cJSON *out =
		lab_do(l, verb, "{\"user\":\"%s\",\"text\":\"%s\"}", id_of(l, name), text);
	if (!json_true(json_key(out, "ok")))
		fail_msg("%s: %s", verb, json_text_at(out, "error"));
	const char *id = arena_z(story_arena(), json_text_at(out, "envelope_id"));
	lab_pass(l, SECOND_MS);
	return id;
}

static const struct seen *say(struct lab *l, const char *name, const char *text)
{
	size_t before = private_words_to(l, name);
	QUOTE("E64.1", "3-s ack", is_acked(l, typed(l, "say", name, text)));
	assert_int_equal(private_words_to(l, name), before + 1);
	return the_sheet_to(l, name);
}

static const struct seen *slash(struct lab *l, const char *name, const char *text)
{
	size_t before = private_words_to(l, name);
	QUOTE("E64.1", "3-s ack", is_acked(l, typed(l, "slash", name, text)));
	assert_int_equal(private_words_to(l, name), before + 1);
	return the_sheet_to(l, name);
}

static void commands_work_however_they_are_written(void **state)
{
	static const char *const table[][2] = {
		{ "help", "What you can ask me." },
		{ "HELP.", "What you can ask me." },
		{ "\xe2\x80\x9cstatus\xe2\x80\x9d", "Status" },
		{ "Status!", "Status" },
		{ "mine\xe2\x80\xa6", "My questions to you" },
		{ "`Mine`", "My questions to you" },
		{ "show sb\xe2\x80\x93"
		  "7",
		  "I know no such case, or none that you may see." },
	};
	struct lab *l = *state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_true(says(slash(l, "alice", table[i][0]), table[i][1]));
		assert_true(says(say(l, "alice", table[i][0]), table[i][1]));
	}
	assert_int_equal(questions_to(l, "alice"), 0); /* a private word leaves nothing behind */
}

static void what_is_unknown_gets_the_list(void **state)
{
	struct lab *l = *state;
	const struct seen *sheet = slash(l, "alice", "frobnicate <!channel> now");
	QUOTE("E64.2", "unknown → help",
	      says(sheet, "I don't know that. This is what you can ask me.") &&
		      says(sheet, "frobnicate") && says(sheet, "mine: my questions to you"));
	assert_true(says(slash(l, "alice", ""), "What you can ask me."));
	assert_true(says(say(l, "alice", "hello, are you there?"), "I don't know that."));
}

static void nothing_that_is_typed_ends_the_process(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		".",
		"\\u0001\\ufffd",
		"\xe2\x80\x9c\xe2\x80\x9d",
		"\xf0\x9f\x91\xbb\xf0\x9f\x91\xbb",
		"show SB-99999999999999999999999",
		"show SB-9223372036854775807",
		"\\u202eelbisrever",
		"yes no yes no yes no yes no",
	};
	struct lab *l = *state;
	char *longest = arena_many(story_arena(), char, 2001);
	memset(longest, 'x', 2000);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		slash(l, "alice", texts[i]);
		if (i) /* Slack sends no empty message */
			say(l, "alice", texts[i]);
	}
	assert_true(says(slash(l, "alice", longest), "I don't know that."));
	assert_true(says(say(l, "alice", longest), "I don't know that."));
	QUOTE("E64.3", "no crash", lab_deaths(l) == 0 && !lab_is_dead(l));
	assert_int_equal(audits(l, "inquiry.answered", ""), 0);
}

static void status_counts_for_analysts_only(void **state)
{
	struct lab *l = *state;
	const struct seen *sheet = slash(l, "mona", "status");
	assert_true(says(sheet, "I am connected to Slack") && says(sheet, "No case is open."));
	an_alert(l, "a1", "alice@duff.example", 3);
	an_alert(l, "a2", "bob@duff.example", 3);
	an_alert(l, "a3", "bob@duff.example", 3);
	press(l, "alice", "yes");
	sheet = slash(l, "mona", "status");
	assert_true(says(sheet, "Open cases: 3") && says(sheet, "asking the owner: 2") &&
		    says(sheet, "claimed, unproven: 1"));
	assert_true(says(sheet, "The oldest is SB-1, opened 15 Jan 08:00 UTC."));
	sheet = slash(l, "bob", "status");
	assert_true(says(sheet, "wait for your answer: 2"));
	assert_false(says(sheet, "Open cases"));
	assert_true(says(slash(l, "alice", "status"), "No question of mine waits"));
}

static void mine_lists_ones_own(void **state)
{
	struct lab *l = *state;
	assert_true(says(say(l, "alice", "mine"), "I have asked you nothing"));
	an_alert(l, "a1", "alice@duff.example", 4);
	an_alert(l, "a2", "bob@duff.example", 4);
	press(l, "alice", "yes");
	an_alert(l, "a3", "alice@duff.example", 3);
	const struct seen *sheet = say(l, "alice", "mine");
	assert_true(says(sheet, "SB-3: ") && says(sheet, "Waits for your answer, by 09:30."));
	assert_true(says(sheet, "SB-1: ") && says(sheet, "You answered: Yes, it was me (09:00)."));
	assert_false(says(sheet, "SB-2"));
}

static void a_case_is_shown_to_whom_it_may_be(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 3);
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	const struct seen *sheet = slash(l, "mona", "show SB-1");
	assert_true(says(sheet, "Unusual process on a laptop") && says(sheet, "laptop: "));
	assert_true(says(sheet, "Playbook: ") && says(sheet, "edr-process"));
	assert_true(says(sheet, "slack:U0ALICE01 \xc2\xb7 inquiry.answered"));
	assert_true(says(sheet, "page.confirmed") && says(sheet, "case.opened"));
	assert_int_equal(audits(l, "case.shown", "mona"), 1);
	sheet = say(l, "alice", "show 1");
	assert_true(says(sheet, "You answered: No, it wasn't me (09:00)."));
	assert_false(says(sheet, "edr-process") || says(sheet, "inquiry.answered"));
	const char *nothing = slash(l, "eve", "show SB-1")->words;
	assert_string_equal(nothing, slash(l, "eve", "show SB-2")->words);
	assert_int_equal(audits(l, "case.shown", ""), 1);
	expect_incident(l, id, "answered-no");
}

/* --- typed answers --- */

static void a_typed_no_is_a_no(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	const struct seen *word = say(l, "alice", "No, that wasn\xe2\x80\x99t me.");
	assert_true(says(word, "Your answer was recorded at 09:00."));
	lab_pass(l, 5 * SECOND_MS);
	expect_incident(l, id, "answered-no");
	assert_true(says(the_question_to(l, "alice"), "You answered: No, it wasn't me (09:00)."));
	assert_null(the_question_to(l, "alice")->yes);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_NO);
	assert_string_equal(text_in(l,
				    "SELECT d.detail FROM audit a JOIN audit_detail d ON d.seq = "
				    "a.seq WHERE a.action = 'inquiry.answered'"),
			    "no, typed: OPEN to NO");
	assert_string_equal(the_modal_of(l, "alice"), "");
}

static void a_typed_yes_is_worth_a_button(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	say(l, "alice", "Yes, that was me");
	lab_pass(l, 5 * SECOND_MS);
	assert_int_equal(case_of(l, id)->state, CASE_CLOSED);
	assert_non_null(the_question_to(l, "alice")->not_me);
	assert_true(says(say(l, "alice", "yes"), "No question of mine waits for your answer"));
	assert_true(says(say(l, "bob", "yes"), "No question of mine waits for your answer"));
	assert_int_equal(audits(l, "inquiry.answered", ""), 1);
}

/* D7: words are for one question only. */
static void with_two_questions_words_answer_none(void **state)
{
	struct lab *l = *state;
	int64_t first = an_alert(l, "a1", "alice@duff.example", 4);
	int64_t second = an_alert(l, "a2", "alice@duff.example", 4);
	const struct seen *word = say(l, "alice", "yes");
	assert_true(says(word, "please use the buttons") && says(word, "SB-1: ") &&
		    says(word, "SB-2: "));
	assert_int_equal(inquiry_of(l, first)->state, INQUIRY_OPEN);
	assert_int_equal(inquiry_of(l, second)->state, INQUIRY_OPEN);
	press(l, "alice", "yes"); /* the newest: now one is left */
	say(l, "alice", "no");
	assert_int_equal(inquiry_of(l, second)->state, INQUIRY_UNPROVEN);
	assert_int_equal(inquiry_of(l, first)->state, INQUIRY_NO);
}

/* Slack says again what it thinks was not heard; by then it could be taken for another question's.
 */
static void a_repeated_yes_answers_no_other_question(void **state)
{
	struct lab *l = *state;
	an_alert(l, "a1", "alice@duff.example", 4);
	const char *envelope = typed(l, "say", "alice", "yes");
	int64_t second = an_alert(l, "a2", "alice@duff.example", 4);
	lab_must(l, "resend", "{\"envelope_id\":\"%s\"}", envelope);
	lab_pass(l, 5 * SECOND_MS);
	assert_int_equal(inquiry_of(l, second)->state, INQUIRY_OPEN);
	assert_int_equal(audits(l, "inquiry.answered", ""), 1);
	assert_int_equal(private_words_to(l, "alice"), 1);
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM fact WHERE kind = 5"), 1);
}

/* Slack sends the bot its own words too. */
static void the_bot_does_not_hear_itself(void **state)
{
	struct lab *l = *state;
	lab_must(l, "echo", "{\"on\":true}");
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(private_words_to(l, "alice"), 0);
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM fact WHERE kind = 5"), 0);
	expect_incident(l, id, "answered-no");
}

/* --- notices --- */

static int64_t a_notice(struct lab *l, const char *user, const char *what)
{
	struct said told =
		post(l, "{\"type\":\"notice\",\"id\":\"%s\",\"user\":\"%s\",\"what\":\"%s\"}", user,
		     user, what);
	assert_int_equal(told.status, 202);
	lab_pass(l, 12 * SECOND_MS);
	return look_alert(lab_look(l), told.alert_id)->case_id;
}

static void a_notice_tells_and_asks_nothing(void **state)
{
	struct lab *l = *state;
	int64_t id = a_notice(l, "alice@duff.example", "an update waits.");
	const struct seen *m = the_question_to(l, "alice");
	assert_true(says(m, "Please restart your laptop today: an update waits.") &&
		    says(m, "You need not answer."));
	assert_null(m->yes);
	assert_null(m->no);
	assert_int_equal(questions_to(l, "alice"), 1);
	assert_true(says(the_card_of(l, id), "Told Alice Archer at 15 Jan 08:00 UTC: "));
	lab_pass(l, DAY_MS);
	assert_int_equal(incidents(l, id, ""), 0);
	assert_int_equal(questions_to(l, "alice"), 1);
	/* the same alert again tells nobody twice */
	a_notice(l, "alice@duff.example", "it still waits.");
	assert_int_equal(questions_to(l, "alice"), 1);
}

static void a_notice_that_reaches_nobody_is_on_the_card(void **state)
{
	struct lab *l = *state;
	int64_t unknown = a_notice(l, "nobody@duff.example", "x");
	assert_true(says(the_card_of(l, unknown), "nobody@duff.example could NOT be told: "));
	assert_true(says(the_card_of(l, unknown), "users_not_found"));
	int64_t gone = a_notice(l, "carol@duff.example", "x");
	assert_true(says(the_card_of(l, gone), "could NOT be told: "));
	assert_int_equal(incidents(l, unknown, "") + incidents(l, gone, ""), 0);
}

int stories_of_commands(void)
{
	const struct CMUnitTest tests[] = {
		STORY(commands_work_however_they_are_written),
		STORY(what_is_unknown_gets_the_list),
		STORY(nothing_that_is_typed_ends_the_process),
		STORY(status_counts_for_analysts_only),
		STORY(mine_lists_ones_own),
		STORY(a_case_is_shown_to_whom_it_may_be),
		STORY(a_typed_no_is_a_no),
		STORY(a_typed_yes_is_worth_a_button),
		STORY(with_two_questions_words_answer_none),
		STORY(a_repeated_yes_answers_no_other_question),
		STORY(the_bot_does_not_hear_itself),
		STORY(a_notice_tells_and_asks_nothing),
		STORY(a_notice_that_reaches_nobody_is_on_the_card),
	};
	return cmocka_run_group_tests_name("E64 commands", tests, NULL, NULL);
}
