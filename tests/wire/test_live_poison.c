/* Alerts whose evaluation goes wrong in the real program, by what they say or by what the playbook
 * does with it: a time that jq's own clock can't break down, and a program that eats memory without
 * end (one that never ends: test_live_inquiry). Delete a test and one alert can stop the paging. */
#include <sys/resource.h>

#include "lib/live.h"

#ifdef __SANITIZE_ADDRESS__
static const bool has_sanitizer = true;
#else
static const bool has_sanitizer = false;
#endif

enum { MEMORY_MAX = 1 << 30 }; /* what a small host gives the whole program */

static int set_up(void **state)
{
	const struct live_options none = { 0 };
	*state = live_open(&none);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	live_close(*state);
	return 0;
}

static void poison(struct live *l)
{
	static const char body[] =
		"{\"type\":\"process\",\"id\":\"poison\",\"user\":\"bob@duff.example\","
		"\"what\":\"0123456789abcdef\",\"priority\":\"P4\",\"time\":1e18}";
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
}

static void expect_held_and_paged(struct live *l)
{
	LIVE_UNTIL(l, LIVE_PATIENCE, live_incidents(live_state(l), "\"held\"") == 1);
	LIVE_UNTIL(l, LIVE_PATIENCE, live_messages(live_state(l), LIVE_CHANNEL, "SB-1") >= 1);
}

static void expect_others_go_on(struct live *l)
{
	const char *body = live_alert(l, "process", "fine", "alice@duff.example", 3);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
	LIVE_UNTIL(l, LIVE_PATIENCE, live_message(live_state(l), "D0ALICE01", "the program fine"));
	assert_int_equal(live_incidents(live_state(l), "\"held\""), 1);
	assert_int_equal(live_bot_stop(l), 0);
}

/* In jq 1.6 this is an abort(); ours says no, and the process lives. */
static void test_a_time_out_of_range(void **state)
{
	struct live *l = *state;
	const struct live_change change = { "summary: .what",
					    "summary: '(.time // 0 | todate) as $t | .what'" };
	live_playbook(l, "process", &change, 1);
	live_bot_start(l);
	live_bot_ready(l);
	poison(l);
	expect_held_and_paged(l);
	assert_true(live_bot_is_alive(l)); /* the one that was started */
	expect_others_go_on(l);
	live_passed(l);
}

static void limit_memory(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

/* A text that doubles: the process dies of it, twice, and the third leaves it alone. */
static void test_a_program_that_eats_memory(void **state)
{
	struct live *l = *state;
	const struct live_change change = {
		"summary: .what",
		"summary: 'if .id == \"poison\" then .what | (def f: . + . | f; f) else .what end'"
	};
	if (has_sanitizer)
		skip(); /* its shadow needs more than any limit */
	live_playbook(l, "process", &change, 1);
	limit_memory(MEMORY_MAX); /* the bot's, who inherits it */
	live_bot_start(l);
	live_bot_ready(l);
	poison(l);
	assert_true(live_bot_wait(l, LIVE_PATIENCE) < 0);
	live_bot_start(l);
	assert_true(live_bot_wait(l, LIVE_PATIENCE) < 0);
	live_bot_start(l);
	limit_memory(RLIM_INFINITY);
	live_bot_ready(l);
	expect_held_and_paged(l);
	expect_others_go_on(l);
	live_passed(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_time_out_of_range, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_program_that_eats_memory, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
