/* Alerts: repeats (E19, D16), bodies that no playbook knows, benign ones, hostile ones (E47).
 * Delete one and a repeat asks somebody twice, a null key hides an alert behind another, or a
 * command line shouts <!channel>. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

#define BODY(id, what)                                                                             \
	"{\"type\":\"process\",\"id\":" id ",\"user\":\"alice@duff.example\",\"what\":\"" what     \
	"\",\"priority\":\"P4\"}"

static void the_same_body_twice_is_one_alert(void **state)
{
	struct lab *l = *state;
	struct said first = post(l, "%s", BODY("\"k1\"", "nc was started"));
	struct said again = post(l, "%s", BODY("\"k1\"", "nc was started"));
	lab_pass(l, 5 * SECOND_MS);
	struct said later = post(l, "%s", BODY("\"k1\"", "nc was started"));
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(first.status, 202);
	assert_int_equal(again.status, 200);
	assert_int_equal(later.status, 200);
	assert_int_equal(again.alert_id, first.alert_id);
	assert_int_equal(later.alert_id, first.alert_id);
	assert_int_equal(look_alert(lab_look(l), first.alert_id)->seen, 3);
	assert_int_equal(cases(l), 1);
	QUOTE("E19.1", "one inquiry", questions_to(l, "alice") == 1);
}

static void a_newer_body_with_the_same_key_is_folded_in(void **state)
{
	struct lab *l = *state;
	struct said first = post(l, "%s", BODY("\"k1\"", "nc was started"));
	lab_pass(l, 20 * SECOND_MS);
	struct said second = post(l, "%s", BODY("\"k1\"", "nc was started again"));
	assert_int_equal(second.status, 202);
	lab_pass(l, 20 * SECOND_MS);
	const struct alert *a = look_alert(lab_look(l), first.alert_id);
	assert_int_equal(a->seen, 2);
	assert_non_null(strstr(a->body, "started again"));
	assert_int_equal(look_alert(lab_look(l), second.alert_id)->state, ALERT_DUPLICATE);
	assert_int_equal(cases(l), 1);
	QUOTE("E19.1", "one inquiry", questions_to(l, "alice") == 1);
	assert_true(says(the_card_of(l, 1), "Seen 2 times."));
}

/* Fifty copies in a burst: the card counts them at its own pace. */
static void fifty_copies_edit_the_card_at_its_pace(void **state)
{
	struct lab *l = *state;
	for (int i = 0; i < 50; i++)
		(void)post(l,
			   "{\"type\":\"process\",\"id\":\"k1\",\"user\":\"alice@duff.example\","
			   "\"what\":\"nc\",\"priority\":\"P4\",\"facts\":{\"n\":%d}}",
			   i);
	lab_pass(l, MINUTE_MS);
	assert_true(says(the_card_of(l, 1), "Seen 50 times."));
	QUOTE("E19.1", "one inquiry", questions_to(l, "alice") == 1);
	const struct call *edits;
	size_t n = calls(l, "chat.update", &edits);
	bool paced = true;
	int64_t last_ms = 0;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(edits[i].channel, CHANNEL) != 0)
			continue;
		paced = paced && edits[i].at_ms - last_ms >= 4900;
		last_ms = edits[i].at_ms;
	}
	QUOTE("E19.2", "the counter is edited at most once in 5 s", paced && last_ms > 0);
}

static void without_a_key_nothing_is_a_duplicate(void **state)
{
	struct lab *l = *state;
	static const char *const bodies[] = { BODY("null", "one"), BODY("null", "two"),
					      BODY("\"\"", "three"), BODY("\"\"", "four") };
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(post(l, "%s", bodies[i]).status, 202);
	assert_int_equal(post(l, "%s", bodies[0]).status, 200); /* the very same body */
	lab_pass(l, 30 * SECOND_MS);
	QUOTE("E19.3", "null ids never merge with each other",
	      cases(l) == 4 && questions_to(l, "alice") == 4);
}

static void the_same_key_of_another_source_is_another_alert(void **state)
{
	struct lab *l = *state;
	(void)post(l, "%s", BODY("\"k1\"", "nc was started"));
	struct lab_post other;
	lab_post(l, "okta", BODY("\"k1\"", "nc was started"), &other);
	lab_pass(l, 5 * SECOND_MS);
	assert_int_equal(other.status, 202);
	assert_int_equal(cases(l), 2); /* the other one is without a playbook */
}

static void an_alert_without_a_playbook_gets_a_card(void **state)
{
	struct lab *l = *state;
	struct said told = post(l, "%s", "{\"type\":\"unheard-of\",\"user\":\"alice\"}");
	lab_pass(l, 10 * SECOND_MS);
	const struct alert *a = look_alert(lab_look(l), told.alert_id);
	assert_int_equal(a->state, ALERT_UNMAPPED);
	assert_true(says(the_card_of(l, a->case_id), "Alert without a playbook from edr"));
	assert_true(says(the_card_of(l, a->case_id), "Nobody is asked about this one."));
	assert_int_equal(incidents(l, a->case_id, ""), 0);
}

static void a_known_benign_one_is_written_down_and_no_more(void **state)
{
	struct lab *l = *state;
	struct said told = post(l, "%s", BODY("\"k1\"", "backup agent"));
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(look_alert(lab_look(l), told.alert_id)->state, ALERT_BENIGN);
	assert_int_equal(cases(l), 0);
	assert_int_equal(audits(l, "alert.benign", ""), 1);
	const struct call *posts;
	assert_int_equal(calls(l, "chat.postMessage", &posts), 0);
}

/* An expression that fails on it: a person looks at it, for it might have been a P1. */
static void one_that_breaks_its_playbook_is_held_with_a_page(void **state)
{
	struct lab *l = *state;
	struct said told = post(l, "%s",
				"{\"type\":\"process\",\"id\":\"k1\",\"user\":{\"x\":1},\"what\":"
				"\"nc\",\"priority\":\"P4\"}");
	assert_int_equal(told.status, 202);
	lab_pass(l, 15 * SECOND_MS);
	const struct alert *a = look_alert(lab_look(l), told.alert_id);
	assert_int_equal(a->state, ALERT_HELD);
	expect_incident(l, a->case_id, "held");
	assert_true(says(the_card_of(l, a->case_id), "On hold: "));
}

/* --- E47 --- */

#define HOSTILE "<!channel> <@U0BOB0001> `x` *bold* <http://evil.example|login> :tada: &amp;"

/* Everywhere it stands it stands in an element whose type is "text" or "plain_text": Slack parses
 * nothing there. True if no other string holds it. */
static bool is_inert(const struct cJSON *j)
{
	const char *own = json_text_at(j, "type");
	bool plain = strcmp(own, "text") == 0 || strcmp(own, "plain_text") == 0;
	for (const struct cJSON *c = json_first(j); c; c = json_next(c)) {
		if (json_is_string(c) && strstr(json_text(c), "<!channel>") && !plain)
			return false;
		if (!is_inert(c))
			return false;
	}
	return true;
}

static bool message_is_inert(const struct seen *m)
{
	CLEANUP(json_done) struct cJSON *blocks = json_parse(str_z(m->json), NULL);
	struct str fallback, rest;
	str_cut(str_z(m->words), '\n', &fallback, &rest);
	bool quiet = !strstr(arena_str(story_arena(), fallback), "<!channel>");
	return blocks && quiet && says(m, "<!channel> <@U0BOB0001>") && is_inert(blocks);
}

static void hostile_text_stays_text(void **state)
{
	struct lab *l = *state;
	struct said told = post(l, "%s",
				"{\"type\":\"process\",\"id\":\"" HOSTILE "\",\"user\":\"alice\","
				"\"what\":\"" HOSTILE "\",\"priority\":\"P3\",\"facts\":{"
				"\"" HOSTILE "\":\"" HOSTILE "\",\"null\":\"a\\u202eb\\u200bc\"}}");
	assert_int_equal(told.status, 202);
	lab_pass(l, 10 * SECOND_MS);
	QUOTE("E47.1", "inert",
	      message_is_inert(the_question_to(l, "alice")) && message_is_inert(the_card_of(l, 1)));
	press(l, "alice", "no");
	lab_pass(l, 15 * SECOND_MS);
	QUOTE("E47.1", "inert",
	      message_is_inert(the_question_to(l, "alice")) && message_is_inert(the_card_of(l, 1)));
	assert_non_null(strstr(the_incident(l, 1, "answered-no")->details, "<!channel>"));
}

/* A command line of 100 KB, in letters of three bytes: cut by letters, never in the middle. */
static void an_endless_command_line_is_cut(void **state)
{
	struct lab *l = *state;
	enum { LETTERS = 34000 };
	char *what = arena_many(story_arena(), char, LETTERS * 3 + 1);
	for (size_t i = 0; i < LETTERS; i++)
		for (size_t j = 0; j < 3; j++)
			what[3 * i + j] = "\xe2\x82\xac"[j]; /* the euro sign */
	struct said told =
		post(l,
		     "{\"type\":\"process\",\"id\":\"k1\",\"user\":\"alice\",\"what\":\"%s\","
		     "\"priority\":\"P4\",\"facts\":{\"cmdline\":\"%s\"}}",
		     what, what);
	assert_int_equal(told.status, 202);
	lab_pass(l, 10 * SECOND_MS);
	QUOTE("E47.2", "truncated",
	      strlen(the_question_to(l, "alice")->words) < 3 * (300 + 500 + 400) &&
		      says(the_question_to(l, "alice"), "€…"));
	assert_int_equal(look_alert(lab_look(l), told.alert_id)->state, ALERT_MAPPED);
}

static void what_is_no_alert_is_refused(void **state)
{
	struct lab *l = *state;
	assert_int_equal(post(l, "%s", "{\"type\":").status, 400);
	assert_int_equal(post(l, "%s", "{\"a\":\"\xff\"}").status, 400);
	assert_int_equal(cases(l), 0);
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM alert"), 0);
}

int stories_of_alerts(void)
{
	const struct CMUnitTest tests[] = {
		STORY(the_same_body_twice_is_one_alert),
		STORY(a_newer_body_with_the_same_key_is_folded_in),
		STORY(fifty_copies_edit_the_card_at_its_pace),
		STORY(without_a_key_nothing_is_a_duplicate),
		STORY(the_same_key_of_another_source_is_another_alert),
		STORY(an_alert_without_a_playbook_gets_a_card),
		STORY(a_known_benign_one_is_written_down_and_no_more),
		STORY(one_that_breaks_its_playbook_is_held_with_a_page),
		STORY(hostile_text_stays_text),
		STORY(an_endless_command_line_is_cut),
		STORY(what_is_no_alert_is_refused),
	};
	return cmocka_run_group_tests_name("alerts", tests, NULL, NULL);
}
