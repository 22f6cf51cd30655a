/* test_config_playbooks: what a playbook file may say, and that its tests are run. */
#include "check.h"
#include "test_config_help.h"

typedef size_t checker(struct config *c, struct config_report *report, size_t *run);
static size_t run_checks(struct room *r, checker *check, size_t *run)
{
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	size_t failed = check(c, &r->report, run);
	config_free(c);
	return failed;
}

static void what_is_right_is_read(void **state)
{
	struct room *r = *state;
	struct config *c = room_load(r);
	if (!c)
		fail_msg("%s", r->first);
	const struct playbook *p = &config_policy(c)->playbooks[0];
	assert_string_equal(p->name, "one");
	assert_int_equal(p->priority, 3);
	assert_int_equal(p->wait_ms, 30 * 60 * 1000);
	assert_int_equal(p->on[ANSWER_YES], SETS_OFF_CLOSE);
	assert_int_equal(p->on[ANSWER_SILENCE], SETS_OFF_REVIEW);
	assert_int_equal(p->on[ANSWER_UNDELIVERABLE], SETS_OFF_PAGE); /* not said: a page */
	assert_int_equal(p->known_benign_n, 1);
	assert_true(p->known_benign[0].expires_ms == INT64_C(1896134400000)); /* 1 February 2030 */
	assert_true(p->asks);
	config_free(c);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct spoiled table[] = {
		{ "playbook: one", "playbook: two",
		  "one.yaml:1: playbook: wanted one, as the file is called" },
		{ "version: 1", "version: 2", "one.yaml:2: version: wanted a whole number" },
		{ "title: A program was started\n", "", "title is missing" },
		{ "goal: Notice when somebody else uses a laptop of ours.", "goal: tbd",
		  "one.yaml:4: goal says too little" },
		{ "blind_spots: Programs that were seen before are not reported at all.",
		  "blind_spots: none", "one.yaml:7: blind_spots says too little" },
		{ "false_positives: A new version of a known program looks like a new one.",
		  "false_positives:", "one.yaml:8: false_positives is empty" },
		{ "attack: [T1059]", "attack: []", "one.yaml:5: attack is empty" },
		{ "sources: [edr]", "sources: edr", "one.yaml:12: sources: wanted a list" },
		{ "priority: P3\n", "priority: P6\n", "one.yaml:11: priority: wanted P1" },
		{ "priority: P3\n", "", "priority is missing" },
		{ "match: '.type == \"process\"'", "match: '.type = = 1'", "one.yaml:13: match:" },
		{ "key: .id", "kay: .id",
		  "one.yaml:15: unknown key \"kay\": did you mean \"key\"?" },
		{ "subject: .user", "subject: .user | nope", "one.yaml:16: alert.subject:" },
		{ "2030-01-31", "2030-02-30", "one.yaml:22: expires: wanted a date" },
		{ "2030-01-31", "31.1.2030", "one.yaml:22: expires: wanted a date" },
		{ "    reason: the nightly backup\n", "", "reason is missing" },
		{ "wait: 30m", "wait: soon", "one.yaml:23: wait: wanted a span" },
		{ "wait: 30m", "wait: 30m, template: fancy",
		  "one.yaml:23: template: unknown word \"fancy\"" },
		{ "yes: [close]", "yes: [cloze]",
		  "one.yaml:24: yes: unknown word \"cloze\": did you mean \"close\"?" },
		{ "no: [page]", "no: [review]", "one.yaml:24: no: wanted page in it" },
		{ "silence: [review]", "silence: [close]",
		  "one.yaml:24: silence: close is for yes only" },
		{ "silence: [review]", "silence: []", "one.yaml:24: silence: wanted at least one" },
		{ "silence: [review]", "silense: [review]", "did you mean \"silence\"?" },
		{ "on: {", "an: {", "did you mean \"on\"?" },
		{ "ask: {question: '\"Was it you?\"', wait", "ask: {wait", "question is missing" },
	};
	struct room *r = *state;
	expect_complaints(r, &r->playbook, table, sizeof(table) / sizeof(table[0]));
}

static void the_tests_of_the_good_files_pass(void **state)
{
	struct room *r = *state;
	size_t run = 0;
	size_t failed = run_checks(r, check_all, &run);
	if (failed)
		fail_msg("%s", r->first);
	assert_int_equal(run, 3 + 1 + 1 + 12); /* playbook, connector, words, templates */
}

static void a_test_that_does_not_hold_is_said_with_its_line(void **state)
{
	static const struct spoiled table[] = {
		{ "subject: bob, key", "subject: ann, key",
		  "expected subject: ann, but it is bob" },
		{ "key: 17", "key: 18", "expected key: 18, but it is 17" },
		{ "v: nc}]}", "v: sh}]}",
		  "expected facts: [{\"k\":\"Program\",\"v\":\"sh\"}], but it is" },
		{ "priority: P3, facts", "priority: P1, facts", "expected priority: P1" },
		{ "match: true, benign", "match: false, benign",
		  "expected match: false, but it matches" },
		{ "match: true, subject", "match: false, subject", "expected match: false" },
		{ "{match: false}", "{match: true}",
		  "expected match: true, but it does not match" },
		{ "benign: true, ", "", "a known_benign rule takes it" },
		{ "expect: {match: false}", "expect: {match: maybe}",
		  "match: wanted true or false" },
		{ "expect: {match: false}", "expect: {mach: false}", "match is missing" },
		{ "input: {type: network}", "sample: nothere.json", "nothere.json: No such file" },
		{ "input: {type: network}", "name: x", "wanted either sample: FILE or input:" },
		{ "match: '.type == \"process\"'", "match: .what", "wanted true or false" },
		{ "match: '.type == \"process\"'", "match: 'now > 1'", "now is refused" },
		{ "facts: '[{k: \"Program\", v: .what}]'", "facts: .what",
		  "alert.facts: wanted an array or null" },
		{ "  - input: {type: network}\n    expect: {match: false}\n", "",
		  "one.yaml:1: tests: wanted one alert that matches and one that does not" },
	};
	struct room *r = *state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *text = spoil(GOOD_PLAYBOOK, table[i].old, table[i].new);
		size_t run = 0;
		r->playbook = text;
		size_t failed = run_checks(r, check_playbooks, &run);
		if (!failed || !strstr(r->first, table[i].says))
			fail_msg("\"%s\": wanted \"%s\", heard \"%s\"", table[i].new, table[i].says,
				 r->first);
		free(text);
	}
}

#define STORY(t) cmocka_unit_test_setup_teardown(t, room_set_up, room_tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_right_is_read),
		STORY(what_is_wrong_is_said_with_its_line),
		STORY(the_tests_of_the_good_files_pass),
		STORY(a_test_that_does_not_hold_is_said_with_its_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
