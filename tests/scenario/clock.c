/* Stories of clocks: set back, set forward, stopped. A deadline goes by the time that has really
 * passed; a jump is told once, and what it makes due does not fall upon people at once. */
#include <stdio.h>

#include "base/when.h"
#include "scenario.h"

static const char steps_back[] = "SELECT COUNT(*) FROM audit a JOIN audit b ON b.seq = a.seq + 1 "
				 "WHERE b.at_ms < a.at_ms";

static void a_clock_set_back_a_day_delays_no_deadline(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	int64_t due_ms = inquiry_of(l, id)->answer_ms;
	lab_pass(l, 5 * MINUTE_MS);
	lab_shift_wall(l, -DAY_MS);
	lab_pass(l, due_ms - lab_now(l) - SECOND_MS);
	assert_int_equal(incidents(l, id, ""), 0);
	assert_int_equal(inquiry_of(l, id)->answer_ms, due_ms);
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, id, "silence");
	int64_t next = an_alert(l, "a2", "bob@duff.example", 4);
	lab_pass(l, 31 * MINUTE_MS);
	expect_incident(l, next, "silence");
	lab_pass(l, 2 * DAY_MS); /* the same hours once more */
	assert_int_equal(incidents(l, id, ""), 1);
	assert_int_equal(incidents(l, next, ""), 1);
	assert_int_equal(number_in(l, steps_back), 0);
}

static void a_clock_set_forward_a_day_fires_once(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 5 * MINUTE_MS);
	lab_shift_wall(l, DAY_MS);
	lab_pass(l, 2 * MINUTE_MS);
	expect_incident(l, id, "silence");
	lab_shift_wall(l, -DAY_MS); /* and put right again */
	lab_pass(l, MINUTE_MS);
	int64_t next = an_alert(l, "a2", "bob@duff.example", 4);
	lab_pass(l, 29 * MINUTE_MS);
	assert_int_equal(incidents(l, next, ""), 0);
	lab_pass(l, 2 * MINUTE_MS);
	expect_incident(l, next, "silence");
	lab_pass(l, 2 * DAY_MS);
	expect_incident(l, id, "silence");
	assert_int_equal(incidents(l, id, ""), 1);
	assert_int_equal(questions_to(l, "alice"), 1);
	assert_int_equal(number_in(l, steps_back), 0);
}

static void a_restart_with_a_clock_set_back(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	int64_t due_ms = inquiry_of(l, id)->answer_ms;
	lab_kill(l, SECOND_MS);
	lab_shift_wall(l, -DAY_MS);
	lab_pass(l, 32 * MINUTE_MS);
	assert_int_equal(inquiry_of(l, id)->answer_ms, due_ms);
	expect_incident(l, id, "silence");
	assert_int_equal(questions_to(l, "alice"), 1);
	assert_int_equal(number_in(l, steps_back), 0);
}

static const char woken[] = "SELECT COUNT(*) FROM outgoing WHERE kind = 4 AND target = 'trouble' "
			    "AND shown = 1";

static void a_jump_pages_once_and_is_over_in_the_end(void **state)
{
	struct lab *l = *state;
	lab_pass(l, MINUTE_MS);
	lab_shift_wall(l, HOUR_MS);
	lab_pass(l, MINUTE_MS);
	int64_t id = trouble_case(l, "clock");
	assert_int_not_equal(id, 0);
	expect_incident(l, id, "trouble");
	assert_true(says(the_card_of(l, id), "The clock of SecurityBot's machine has jumped"));
	lab_shift_wall(l, HOUR_MS); /* and again, while it lasts */
	lab_pass(l, 9 * MINUTE_MS);
	assert_int_equal(look_case(lab_look(l), id)->state, CASE_OPEN);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(look_case(lab_look(l), id)->state, CASE_CLOSED);
	assert_true(says(the_card_of(l, id), "Over since"));
	lab_shift_wall(l, -10 * MINUTE_MS); /* within the hour: the same, nobody woken anew */
	lab_pass(l, MINUTE_MS);
	assert_int_equal(trouble_case(l, "clock"), id);
	assert_int_equal(look_case(lab_look(l), id)->state, CASE_OPEN);
	assert_int_equal(number_in(l, woken), 1);
	lab_shift_wall(l, 10 * MINUTE_MS);
	lab_pass(l, 12 * MINUTE_MS);
	assert_int_equal(look_case(lab_look(l), id)->state, CASE_CLOSED);
	lab_pass(l, 2 * HOUR_MS);
	lab_shift_wall(l, HOUR_MS); /* long after: another one */
	lab_pass(l, MINUTE_MS);
	assert_int_not_equal(trouble_case(l, "clock"), id);
	assert_int_equal(number_in(l, woken), 2);
}

static void the_trouble_survives_a_restart(void **state)
{
	struct lab *l = *state;
	lab_shift_wall(l, -HOUR_MS);
	lab_pass(l, MINUTE_MS);
	int64_t id = trouble_case(l, "clock");
	lab_kill(l, SECOND_MS);
	lab_pass(l, 20 * MINUTE_MS);
	assert_int_equal(trouble_case(l, "clock"), id);
	assert_int_equal(number_in(l, woken), 1);
	assert_int_equal(look_case(lab_look(l), id)->state, CASE_OPEN); /* it is still behind */
	lab_shift_wall(l, HOUR_MS);
	lab_pass(l, 11 * MINUTE_MS);
	assert_int_equal(look_case(lab_look(l), id)->state, CASE_CLOSED);
}

/* A hundred and twenty people are asked, then the clock goes forward by a year. */
static void what_a_jump_makes_due_is_spread_over_a_minute(void **state)
{
	struct lab *l = *state;
	enum { MANY = 120 };
	for (int i = 0; i < MANY; i++) {
		char id[16];
		snprintf(id, sizeof(id), "a%d", i);
		assert_int_equal(post(l,
				      "{\"type\":\"process\",\"id\":\"%s\",\"user\":\"%s@duff."
				      "example\",\"what\":\"x\","
				      "\"priority\":\"P4\"}",
				      id, i % 2 ? "alice" : "bob")
					 .status,
				 202);
	}
	lab_pass(l, 4 * MINUTE_MS); /* one message a second and person */
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM inquiry WHERE delivered_ms > 0"), MANY);
	lab_shift_wall(l, 365 * DAY_MS);
	lab_pass(l, 10 * SECOND_MS);
	int64_t soon = number_in(l, "SELECT COUNT(*) FROM inquiry WHERE state = 7");
	assert_in_range(soon, 10, 60);
	lab_pass(l, 55 * SECOND_MS);
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM inquiry WHERE state = 7"), MANY);
}

/* SIGSTOP, or the machine asleep: BOOTTIME counts it, so it is no jump. What is overdue fires once.
 */
static void sleeping_is_no_jump(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_busy(l, 40 * MINUTE_MS);
	lab_pass(l, 41 * MINUTE_MS);
	expect_incident(l, id, "silence");
	assert_int_equal(incidents(l, id, ""), 1);
	assert_int_equal(trouble_case(l, "clock"), 0);
}

int stories_of_clocks(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_clock_set_back_a_day_delays_no_deadline),
		STORY(a_clock_set_forward_a_day_fires_once),
		STORY(a_restart_with_a_clock_set_back),
		STORY(a_jump_pages_once_and_is_over_in_the_end),
		STORY(the_trouble_survives_a_restart),
		STORY(what_a_jump_makes_due_is_spread_over_a_minute),
		STORY(sleeping_is_no_jump),
	};
	return cmocka_run_group_tests_name("clocks", tests, NULL, NULL);
}
