/* The thread under a card: what is written there, when, and what becomes of it while the card is
 * late, deleted, or can't be replied to. The stories with a whole Slack are in tests/scenario. */
#include "handlers_world.h"

#define CARD    "case 1, card"
#define ANSWER  "case 1, thread, answer"
#define CHANGED "case 1, thread, correction"

static bool waits(struct world *w, const char *key)
{
	const struct outgoing *row = out(w, key);
	return row->state == OUT_LIVE && !row->channel[0] && row->due_ms == NEVER_MS;
}

static void note(struct world *w, const char *text)
{
	struct fact f = { .kind = FACT_COMMENT, .key = "envelope:2" };
	f.as.comment.user = ANA;
	f.as.comment.inquiry_id = 1;
	f.as.comment.text = text;
	fact(w, f, true);
}

static void it_is_due_when_the_card_stands(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	assert_string_equal(out(w, CARD)->ref, "");
	click(w, CLICK_NO);
	assert_true(waits(w, ANSWER));
	assert_string_equal(out(w, ANSWER)->gate, "slack:" CHANNEL);
	assert_int_equal(out(w, ANSWER)->rank, RANK_CARD);
	note(w, "while it waits");
	assert_true(waits(w, ANSWER));
	done(w, CARD);
	const struct outgoing *row = out(w, ANSWER);
	assert_string_equal(row->channel, CHANNEL);
	assert_int_equal(row->due_ms, T0);
	assert_int_equal(row->wanted, 2); /* with the note */
	assert_string_equal(row->target, "no");
}

static void a_card_that_stands_needs_no_waiting(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	done(w, CARD);
	click(w, CLICK_YES);
	assert_string_equal(out(w, ANSWER)->channel, CHANNEL);
	assert_string_equal(out(w, ANSWER)->target, "yes");
	assert_null(out(w, CHANGED));
	click(w, CLICK_NOT_ME);
	assert_string_equal(out(w, CHANGED)->target, "took_back");
	assert_int_equal(out(w, ANSWER)->wanted, 1); /* what it told stays told */
	note(w, "not me at all");
	assert_int_equal(out(w, ANSWER)->wanted, 1);
	assert_int_equal(out(w, CHANGED)->wanted, 2);
}

/* Slack says that the card is not there: the reply waits, the card finds out, and both come. */
static void a_card_that_is_gone_is_waited_for(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	done(w, CARD);
	click(w, CLICK_NO);
	ends(w, ANSWER, OUTCOME_NOT_FOUND, "thread_not_found");
	assert_true(waits(w, ANSWER));
	pass(w, 5 * SECOND_MS);
	ends(w, CARD, OUTCOME_NOT_FOUND, "message_not_found");
	assert_true(waits(w, ANSWER));
	done(w, CARD);
	assert_false(waits(w, ANSWER));
	done(w, ANSWER);
	assert_int_equal(out(w, ANSWER)->shown, 1);
	ends(w, "case 1, page, answered-no", OUTCOME_DONE, "");
	note(w, "x"); /* somebody deleted the reply meanwhile: it has told its news */
	ends(w, ANSWER, OUTCOME_NOT_FOUND, "message_not_found");
	assert_int_equal(out(w, ANSWER)->shown, out(w, ANSWER)->wanted);
	assert_true(out(w, ANSWER)->due_ms == NEVER_MS);
}

/* A Slack that shows the card and denies it has the last word after five tries. */
static void a_card_that_is_there_and_is_not(void **state)
{
	struct world *w = *state;
	int tries = 0;
	asked(w, "login", "P3");
	done(w, CARD);
	click(w, CLICK_NO);
	for (; out(w, ANSWER)->state == OUT_LIVE; tries++) {
		assert_true(tries < 10);
		ends(w, ANSWER, OUTCOME_NOT_FOUND, "thread_not_found");
		pass(w, 5 * SECOND_MS);
		if (out(w, ANSWER)->state == OUT_LIVE)
			done(w, CARD);
	}
	assert_int_equal(tries, 5);
	assert_int_equal(audited(w, "delivery.refused"), 1);
	note(w, "once more"); /* as with every message: the next thing to show is another chance */
	assert_int_equal(out(w, ANSWER)->state, OUT_LIVE);
}

static void a_page_has_one_message_whatever_becomes_of_it(void **state)
{
	static const char page[] = "case 1, page, opened", told[] = "case 1, thread, page opened";
	struct world *w = *state;
	asked(w, "login", "P2");
	done(w, CARD);
	assert_null(out(w, told)); /* deciding is no news: the card says it */
	pass(w, 5 * MINUTE_MS);
	due(w);
	assert_string_equal(out(w, told)->target, "page opened");
	assert_int_equal(out(w, told)->wanted, 1);
	ends(w, page, OUTCOME_DONE, "");
	assert_int_equal(out(w, told)->wanted, 2);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(it_is_due_when_the_card_stands),
		STORY(a_card_that_stands_needs_no_waiting),
		STORY(a_card_that_is_gone_is_waited_for),
		STORY(a_card_that_is_there_and_is_not),
		STORY(a_page_has_one_message_whatever_becomes_of_it),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
