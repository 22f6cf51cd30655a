/* What kills the process each time it is touched is held at the third, with a page and a card, and
 * everything else goes on. Delete one and a single row stops the paging for ever. */
#include <string.h>

#include "base/when.h"
#include "lib/lab_inside.h"
#include "scenario.h"

/* Dies at that point in two lives, one after the other. */
static void dies_twice_at(struct lab *l, const char *point)
{
	unsigned begun = lab_deaths(l);
	for (unsigned n = 1; n <= 2; n++) {
		lab_doom(l, point, 0, 2 * SECOND_MS);
		for (int i = 0; i < 60000 && lab_deaths(l) < begun + n; i++)
			lab_pass(l, 100);
		assert_int_equal(lab_deaths(l), begun + n);
	}
	lab_pass(l, MINUTE_MS);
	assert_int_equal(lab_deaths(l), begun + 2);
}

static void an_alert_that_kills_twice_is_held(void **state)
{
	struct lab *l = *state;
	struct lab_post bad, good;
	lab_post(l, "edr",
		 "{\"type\":\"process\",\"id\":\"bad\",\"user\":\"alice\",\"what\":\"x\","
		 "\"priority\":\"P4\"}",
		 &bad);
	lab_doom(l, "CASE_NEW before", 0, 2 * SECOND_MS);
	lab_pass(l, 500);
	assert_true(lab_is_dead(l));
	assert_int_equal(bad.status, 202); /* it was stored before anything looked into it */
	lab_doom(l, "CASE_NEW before", 0, 2 * SECOND_MS);
	lab_pass(l, 3 * SECOND_MS);
	assert_int_equal(lab_deaths(l), 2);
	lab_pass(l, 5 * SECOND_MS);
	lab_post(l, "edr",
		 "{\"type\":\"process\",\"id\":\"good\",\"user\":\"bob\",\"what\":\"x\","
		 "\"priority\":"
		 "\"P4\"}",
		 &good);
	lab_pass(l, MINUTE_MS);
	const struct alert *a = look_alert(lab_look(l), bad.alert_id);
	assert_int_equal(a->state, ALERT_HELD);
	expect_incident(l, a->case_id, "held");
	assert_true(says(the_card_of(l, a->case_id), "An alert could not be handled"));
	assert_true(says(the_card_of(l, a->case_id), "handling it ended the process twice"));
	/* And the others go on. */
	assert_int_equal(good.status, 202);
	assert_int_equal(look_alert(lab_look(l), good.alert_id)->state, ALERT_MAPPED);
	assert_int_equal(questions_to(l, "bob"), 1);
	assert_int_equal(questions_to(l, "alice"), 0);
	assert_int_equal(lab_deaths(l), 2);
}

static void a_deadline_that_kills_twice_is_held(void **state)
{
	struct lab *l = *state;
	int64_t hers = an_alert(l, "a1", "alice@duff.example", 4);
	int64_t his = an_alert(l, "a2", "bob@duff.example", 4);
	lab_pass(l, MINUTE_MS);
	lab_pass(l, inquiry_of(l, hers)->answer_ms - lab_now(l) - SECOND_MS);
	dies_twice_at(l, "INQUIRY_SET before");
	int64_t held = number_in(l, "SELECT id FROM casefile WHERE held <> ''");
	expect_incident(l, held, "held");
	assert_true(says(the_card_of(l, held), "Something could not be handled"));
	assert_true(says(the_card_of(l, held), "inquiry 1 of SB-1"));
	assert_int_equal(inquiry_of(l, hers)->due_ms, NEVER_MS);
	/* His deadline is one second later and pages as ever. */
	expect_incident(l, his, "silence");
	assert_int_equal(inquiry_of(l, his)->state, INQUIRY_SILENT);
	/* And her answer still counts. */
	press(l, "alice", "no");
	expect_incident(l, hers, "answered-no");
}

/* What two who died while they built that left behind. */
static void killed_two(struct lab *l, const char *row)
{
	for (int i = 0; i < 2; i++) {
		memcpy(l->crumb, row, strlen(row) + 1);
		lab_kill(l, 100);
		lab_pass(l, 200);
	}
}

/* Building the page's request kills; its least words hold nothing that could. */
static void a_page_that_kills_twice_goes_out_in_its_least_words(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	a_fault(l, "pagerduty", "500", 2);
	press(l, "alice", "no");
	killed_two(l, arena_f(story_arena(), "case %lld, page, answered-no", (long long)id));
	lab_pass(l, MINUTE_MS);
	const struct woken *w = NULL;
	assert_int_equal(all_incidents(l, &w), 1);
	assert_string_equal(w->summary,
			    "SB-1 needs you (answered-no). What it is about stands in Slack.");
	assert_null(message_with(l, CHANNEL, "Page NOT confirmed"));
	assert_true(says(the_question_to(l, "alice"), "was paged"));
	assert_int_equal(lab_deaths(l), 2);
}

/* And if they kill, too, the channel is told. */
static void a_page_that_kills_in_all_words_alarms_the_channel(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	a_fault(l, "pagerduty", "500", 2);
	press(l, "alice", "no");
	const char *row = arena_f(story_arena(), "case %lld, page, answered-no", (long long)id);
	killed_two(l, arena_f(story_arena(), "plain %s", row));
	killed_two(l, row);
	lab_pass(l, MINUTE_MS);
	const struct seen *alarm = message_with(l, CHANNEL, "Page NOT confirmed for SB-1");
	assert_non_null(alarm);
	assert_true(says(alarm, "<!here>"));
	assert_true(says(the_card_of(l, id), "FAILED, "));
	const struct seen *hers = the_question_to(l, "alice");
	assert_false(says(hers, "was paged"));
	assert_false(says(hers, "We are paging"));
	assert_true(says(hers, "The security channel has been alerted instead."));
	assert_int_equal(lab_deaths(l), 4);
}

/* Settling what Slack said of the card's post kills, so nobody knows that it stands: it is held,
 * which pages once, and not posted again with the next change. */
static void a_card_whose_answer_kills_twice_stands_once(void **state)
{
	struct lab *l = *state;
	a_fault_like(l,
		     &(struct fault_plan){
			     .where = "chat.postMessage", .kind = "slow", .count = 2, .ms = 9000 });
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	const int64_t card =
		number_in(l, "SELECT id FROM outgoing WHERE out_key LIKE '%, card' AND flight > 0");
	killed_two(l, arena_f(story_arena(), "outgoing %lld", (long long)card));
	lab_pass(l, MINUTE_MS);
	press(l, "alice", "no");
	lab_pass(l, MINUTE_MS);
	assert_int_equal(cards_of(l, id), 1);
	const struct woken *w;
	assert_int_equal(all_incidents(l, &w), 2); /* held, and her no */
	expect_incident(l, id, "answered-no");
	assert_int_equal(lab_deaths(l), 2);
}

/* One death is bad luck, not poison. */
static void one_death_holds_nothing(void **state)
{
	struct lab *l = *state;
	struct lab_post p;
	lab_post(l, "edr",
		 "{\"type\":\"process\",\"id\":\"a1\",\"user\":\"alice\",\"what\":\"x\","
		 "\"priority\":\"P4\"}",
		 &p);
	lab_doom(l, "CASE_NEW before", 0, 2 * SECOND_MS);
	lab_pass(l, 30 * SECOND_MS);
	assert_int_equal(lab_deaths(l), 1);
	assert_int_equal(look_alert(lab_look(l), p.alert_id)->state, ALERT_MAPPED);
	assert_int_equal(questions_to(l, "alice"), 1);
}

int stories_of_poison(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_alert_that_kills_twice_is_held),
		STORY(a_deadline_that_kills_twice_is_held),
		STORY(a_page_that_kills_twice_goes_out_in_its_least_words),
		STORY(a_page_that_kills_in_all_words_alarms_the_channel),
		STORY(a_card_whose_answer_kills_twice_stands_once),
		STORY(one_death_holds_nothing),
	};
	return cmocka_run_group_tests_name("poison", tests, NULL, NULL);
}
