/* What the commands list: the newest questions to a person, his drills, the open cases by what goes
 * on in them, and the record of one object; each no longer than its limit. */
#include "test_store_help.h"

static void the_newest_questions_come_first_and_only_ones_own(void **state)
{
	struct bench *b = *state;
	begin(b);
	for (int64_t i = 1; i <= 5; i++) {
		struct change q = inquiry_of(i, i);
		ok(b, put(b, case_of(i), T0));
		if (i == 3)
			q.as.inquiry.now.person = "U0BOB0001";
		if (i == 4)
			q.as.inquiry.now.state = INQUIRY_UNPROVEN;
		ok(b, put(b, q, T0));
	}
	struct inquiry_list all = look_newest_inquiries(store_look(b->s), "U0ANN0001", 10);
	assert_int_equal(all.n, 4);
	assert_int_equal(all.at[0]->id, 5);
	assert_int_equal(all.at[1]->state, INQUIRY_UNPROVEN); /* answered ones too */
	assert_int_equal(all.at[3]->id, 1);
	assert_int_equal(look_newest_inquiries(store_look(b->s), "U0ANN0001", 2).n, 2);
	assert_int_equal(look_newest_inquiries(store_look(b->s), "", 10).n, 0);
	commit(b);
}

static struct change drill_of(int64_t id, const char *user)
{
	struct change c = case_of(id);
	c.as.kase.is_drill = true;
	c.as.kase.subject = user;
	return c;
}

static void drills_are_told_from_cases(void **state)
{
	struct bench *b = *state;
	begin(b);
	ok(b, put(b, drill_of(1, "U0ANN0001"), T0));
	ok(b, put(b, drill_of(2, "U0BOB0001"), T0));
	ok(b, put(b, drill_of(3, "U0ANN0001"), T0));
	struct change real = case_of(4);
	real.as.kase.subject = "U0ANN0001";
	ok(b, put(b, real, T0));
	struct look_cases drills = look_drills(store_look(b->s), "U0ANN0001", 5);
	assert_int_equal(drills.n, 2);
	assert_int_equal(drills.at[0]->id, 3);
	assert_true(drills.at[1]->is_drill);
	assert_int_equal(look_drills(store_look(b->s), "U0ANN0001", 1).n, 1);
	assert_false(look_case(store_look(b->s), 4)->is_drill);
	commit(b);
}

static void open_cases_are_counted_by_what_goes_on_in_them(void **state)
{
	struct bench *b = *state;
	begin(b);
	for (int64_t i = 1; i <= 6; i++) {
		struct change k = case_of(i), q = inquiry_of(i, i);
		k.as.kase.opened_ms = T0 - i; /* the newest id is the oldest */
		k.as.kase.is_drill = i == 6;
		k.as.kase.state = i == 5 ? CASE_CLOSED : CASE_OPEN;
		k.as.kase.held = i == 4 ? "ouch" : "";
		ok(b, put(b, k, T0));
		q.as.inquiry.now.state = i == 2 ? INQUIRY_SILENT : INQUIRY_OPEN;
		if (i != 1)
			ok(b, put(b, q, T0));
	}
	struct look_open open = look_open_cases(store_look(b->s), 10);
	assert_int_equal(open.cases, 4); /* neither the closed one nor the drill */
	assert_int_equal(open.unasked, 1);
	assert_int_equal(open.by_state[INQUIRY_SILENT], 1);
	assert_int_equal(open.by_state[INQUIRY_OPEN], 1);
	assert_int_equal(open.held, 1); /* whatever its question does */
	assert_int_equal(open.oldest_id, 4);
	assert_int_equal(open.oldest_ms, T0 - 4);
	assert_int_equal(look_open_cases(store_look(b->s), 2).cases, 2);
	commit(b);
}

static void the_record_of_an_object_comes_newest_first(void **state)
{
	struct bench *b = *state;
	static const char *const objects[] = { "case 1", "case 11", "case 1" };
	begin(b);
	for (size_t i = 0; i < 3; i++) {
		struct change c = { .kind = CHANGE_AUDIT };
		c.as.audit.actor = "bot";
		c.as.audit.action = i ? "case.closed" : "case.opened";
		c.as.audit.object = objects[i];
		c.as.audit.detail = i ? NULL : "words";
		ok(b, put(b, c, T0 + (int64_t)i));
	}
	struct look_audit lines = look_object_audit(store_look(b->s), "case 1", 5);
	assert_int_equal(lines.n, 2);
	assert_string_equal(lines.at[0].action, "case.closed");
	assert_string_equal(lines.at[0].detail, "");
	assert_string_equal(lines.at[1].detail, "words");
	assert_int_equal(lines.at[1].at_ms, T0);
	assert_true(lines.at[0].seq > lines.at[1].seq);
	assert_int_equal(look_object_audit(store_look(b->s), "case 1", 1).n, 1);
	commit(b);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		STORY(the_newest_questions_come_first_and_only_ones_own),
		STORY(drills_are_told_from_cases),
		STORY(open_cases_are_counted_by_what_goes_on_in_them),
		STORY(the_record_of_an_object_comes_newest_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
