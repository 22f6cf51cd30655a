/* Troubles of the bot itself: each one that the program can name opens one case with one page,
 * ends, and comes back without waking anybody again. */
#include "handlers/trouble.h"

#include "handlers_world.h"

static void raise(struct world *w, const char *name, const char *why)
{
	begin(w);
	keep(w, handle_trouble(&w->act, name, why));
}

static int64_t case_of(struct world *w, const char *name)
{
	begin(w);
	const struct trouble *t = look_trouble(w->act.look, name);
	store_rollback(w->store);
	return t ? t->case_id : 0;
}

static void each_trouble_wakes_somebody_once(void **state)
{
	static const char *const names[] = { "slack-token",  "slack-setup",   "slack-down",
					     "clock",        "link-disabled", "ghost-sockets",
					     "disk",         "restored",      "pager",
					     "pager-confirm" };
	struct world *w = *state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		raise(w, names[i], "why it is so");
		int64_t id = case_of(w, names[i]);
		if (!id)
			fail_msg("%s opens no case", names[i]);
		assert_int_equal(the_case(w, id)->priority, 2);
		assert_non_null(strstr(the_case(w, id)->plan, "why it is so"));
		assert_true(paged(w, id, "trouble"));
		raise(w, names[i], "again");
		assert_int_equal(changes(w), 0); /* while it lasts nothing more is said */
		begin(w);
		keep(w, handle_trouble_over(&w->act, names[i]));
		assert_int_equal(the_case(w, id)->state, CASE_CLOSED);
		pass(w, 59 * MINUTE_MS);
		raise(w, names[i], "again");
		assert_int_equal(case_of(w, names[i]), id); /* the same one, back within the hour */
		assert_int_equal(the_case(w, id)->state, CASE_OPEN);
		assert_int_equal(audited(w, "page.decided"), 0);
	}
	raise(w, "a trouble nobody has heard of", "why");
	assert_int_equal(changes(w), 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(each_trouble_wakes_somebody_once),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
