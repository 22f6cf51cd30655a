/* Drills: a question that somebody asks for himself. It wakes nobody, it is labelled, there are few
 * of them, and no number counts it. Delete one of these and a practice may page. */
#include "handlers/command.h"
#include "handlers_world.h"

#define MONA "U0MONA1LONG"

static struct reply slash_as(struct world *w, const char *user, const char *text)
{
	struct fact f = { .kind = FACT_COMMAND, .key = "envelope:9" };
	f.as.command.user = user;
	f.as.command.channel = CHANNEL;
	f.as.command.text = text;
	return fact(w, f, true);
}

static bool is_text(struct reply r, const char *key)
{
	return r.kind == REPLY_TEXT && strcmp(r.text_key, key) == 0;
}

#define STATE(w, n, wanted) assert_int_equal(the_inquiry((w), (n))->state, INQUIRY_##wanted)

/* An id as long as Slack's are, which names nobody by chance. */
#define HOMER    "U0HOMER1"
#define HOMER_DM "D0HOMER1"

static struct person homer(void)
{
	struct person p = ana();
	p.user = HOMER;
	p.email = "homer@duff.example";
	return p;
}

/* Homer asks for a drill: case n, its question posted. */
static void a_drill(struct world *w, int n)
{
	assert_true(is_text(slash_as(w, HOMER, "test"), TEXT_DRILL_STARTED));
	if (n == 1) {
		found(w, "case 1, lookup, " HOMER, homer());
		dm_opened(w, "case 1, open dm, " HOMER, HOMER_DM);
	}
	done(w, arena_f(&w->arena, "inquiry %d, question", n));
}

static struct reply press(struct world *w, int64_t inquiry_id, enum click what)
{
	struct fact f = { .kind = FACT_CLICK, .key = "envelope:1" };
	f.as.click.user = HOMER;
	f.as.click.channel = HOMER_DM;
	f.as.click.ts = "1764063001.000100";
	f.as.click.what = what;
	f.as.click.inquiry_id = inquiry_id;
	return fact(w, f, true);
}

static void expect_over(struct world *w, int64_t case_id)
{
	static const char *const reasons[] = { "opened",  "answered-no",   "answered-yes",
					       "silence", "undeliverable", "owner-unknown" };
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		assert_false(paged(w, case_id, reasons[i]));
	assert_int_equal(the_case(w, case_id)->state, CASE_CLOSED);
	assert_int_equal(the_case(w, case_id)->resolution, RESOLUTION_DRILL);
}

static void a_drill_wakes_nobody_however_it_ends(void **state)
{
	struct world *w = *state;
	a_drill(w, 1);
	const struct casefile *k = the_case(w, 1);
	assert_true(k->is_drill && k->priority == 5 && k->state == CASE_OPEN);
	assert_string_equal(k->source, "drill");
	assert_int_equal(press(w, 1, CLICK_NO).kind, REPLY_MODAL);
	STATE(w, 1, NO);
	expect_over(w, 1);

	a_drill(w, 2); /* yes, and then not */
	press(w, 2, CLICK_YES);
	STATE(w, 2, UNPROVEN);
	expect_over(w, 2);
	press(w, 2, CLICK_NOT_ME);
	STATE(w, 2, NO);
	expect_over(w, 2);
	assert_true(is_text(press(w, 2, CLICK_YES), "drill_over")); /* not: "security is on it" */

	a_drill(w, 3); /* silence, and a late answer */
	pass(w, 30 * MINUTE_MS);
	due(w);
	STATE(w, 3, SILENT);
	expect_over(w, 3);
	assert_true(is_text(press(w, 3, CLICK_YES), "drill_over"));
	press(w, 3, CLICK_NO);
	expect_over(w, 3);

	assert_true(is_text(slash_as(w, HOMER, "test"), TEXT_DRILL_STARTED)); /* refused by Slack */
	ends(w, "inquiry 4, question", OUTCOME_PERMANENT, "channel_not_found");
	STATE(w, 4, UNREACHABLE);
	expect_over(w, 4);
}

static void one_drill_at_a_time_and_five_a_day(void **state)
{
	struct world *w = *state;
	a_drill(w, 1);
	assert_true(is_text(slash_as(w, HOMER, "test"), TEXT_DRILL_RUNNING));
	assert_int_equal(changes(w), 0);
	assert_true(is_text(slash_as(w, MONA, "test"), TEXT_DRILL_STARTED)); /* her own */
	press(w, 1, CLICK_YES);
	for (int i = 3; i <= 6; i++) {
		a_drill(w, i);
		press(w, i, CLICK_YES);
	}
	assert_true(is_text(slash_as(w, HOMER, "test"), TEXT_DRILL_ENOUGH));
	assert_int_equal(changes(w), 0);
	pass(w, DAY_MS);
	assert_true(is_text(slash_as(w, HOMER, "test"), TEXT_DRILL_STARTED));
}

/* Slack repeats the message "test": one drill. */
static void a_repeated_test_starts_one(void **state)
{
	struct world *w = *state;
	struct fact f = { .kind = FACT_MESSAGE, .key = "event:Ev1" };
	f.as.message.user = HOMER;
	f.as.message.channel = HOMER_DM;
	f.as.message.text = "test";
	f.as.message.ts = "1764063009.000000";
	f.as.message.thread_ts = "";
	fact(w, f, true);
	assert_true(changes(w) > 0);
	struct reply r = fact(w, f, false);
	assert_true(is_text(r, TEXT_DRILL_STARTED));
	assert_int_equal(changes(w), 0);
}

static void a_guest_gets_no_drill(void **state)
{
	struct world *w = *state;
	a_drill(w, 1);
	press(w, 1, CLICK_YES);
	struct person guest = homer();
	guest.is_guest = true;
	begin(w);
	keep(w, handle_person(&w->act, &guest));
	assert_true(is_text(slash_as(w, HOMER, "test"), TEXT_DRILL_NOBODY));
	assert_int_equal(changes(w), 0);
}

/* A drill is a practice, not work: no number counts it. */
static void a_drill_counts_nowhere(void **state)
{
	struct world *w = *state;
	a_drill(w, 1);
	alert_due(w,
		  "{\"type\":\"note\",\"p\":\"P5\",\"id\":\"n1\",\"who\":\"\",\"summary\":\"x\"}");
	begin(w);
	struct look_open open = look_open_cases(w->act.look, 10);
	store_rollback(w->store);
	assert_int_equal(open.cases, 1);
	assert_int_equal(open.unasked, 1);
	assert_int_equal(open.by_state[INQUIRY_OPEN], 0);
	assert_int_equal(open.oldest_id, 2);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
	const struct CMUnitTest tests[] = {
		STORY(a_drill_wakes_nobody_however_it_ends),
		STORY(one_drill_at_a_time_and_five_a_day),
		STORY(a_repeated_test_starts_one),
		STORY(a_guest_gets_no_drill),
		STORY(a_drill_counts_nowhere),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
