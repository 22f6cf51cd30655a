/* The conversation: each row of inquiry's rule table as a story, what a "yes" without proof is
 * worth, and whose click counts. */
#include "handlers_world.h"

#define IS(w, wanted) assert_int_equal(the_inquiry((w), 1)->state, INQUIRY_##wanted)

/* Without the first row an owner's "no" would be lost: E02. */
static void a_no_pages_and_is_final(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	int64_t wanted = out(w, "inquiry 1, question")->wanted;
	int64_t card = out(w, "case 1, card")->wanted;
	pass(w, MINUTE_MS);
	struct reply r = click(w, CLICK_NO);
	IS(w, NO);
	assert_int_equal(r.kind, REPLY_MODAL);
	assert_int_equal(r.inquiry_id, 1);
	assert_true(paged(w, 1, "answered-no"));
	assert_int_equal(audited(w, "inquiry.answered"), 1);
	assert_int_equal(audited(w, "page.decided"), 1);
	assert_int_equal(the_inquiry(w, 1)->answered_ms, T0 + MINUTE_MS);
	assert_true(the_inquiry(w, 1)->due_ms == NEVER_MS);
	/* the employee's message and the card are rewritten, hers before the analysts' */
	assert_int_equal(out(w, "inquiry 1, question")->wanted, wanted + 1);
	assert_int_equal(out(w, "inquiry 1, question")->rank, RANK_ANSWERED);
	assert_int_equal(out(w, "case 1, card")->rank, RANK_CARD);
	assert_int_equal(out(w, "case 1, card")->wanted, card + 1);

	/* and a later "yes" does not take it back */
	r = click(w, CLICK_YES);
	IS(w, NO);
	assert_int_equal(r.kind, REPLY_TEXT);
	assert_string_equal(r.text_key, "already_no");
	assert_int_equal(r.at_ms, T0 + MINUTE_MS);
	assert_int_equal(audited(w, "inquiry.repeated"), 1);
	assert_int_equal(changes(w), 1);
}

static void a_yes_is_worth_what_its_priority_says(void **state)
{
	static const struct {
		const char *type, *priority;
		bool closes, pages_at_opening, pages_on_yes;
	} table[] = {
		{ "login", "P5", true, false, false },  { "login", "P4", true, false, false },
		{ "login", "P3", false, false, false }, { "login", "P2", false, true, false },
		{ "login", "P1", false, true, false },  { "strict", "P4", false, false, true },
		{ "look", "P4", false, false, false },  { "bare", "P4", true, false, false },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct world *w = *state;
		asked(w, table[i].type, table[i].priority);
		assert_true(paged(w, 1, "opened") == table[i].pages_at_opening);
		struct reply r = click(w, CLICK_YES);
		IS(w, UNPROVEN);
		assert_int_equal(r.kind, REPLY_MODAL);
		const struct casefile *k = the_case(w, 1);
		assert_int_equal(k->state, table[i].closes ? CASE_CLOSED : CASE_OPEN);
		assert_int_equal(k->resolution,
				 table[i].closes ? RESOLUTION_BENIGN_UNVERIFIED : RESOLUTION_NONE);
		assert_int_equal(k->closed_ms, table[i].closes ? T0 : 0);
		assert_int_equal(audited(w, "case.closed"), table[i].closes);
		assert_true(paged(w, 1, "answered-yes") == table[i].pages_on_yes);
		assert_false(paged(w, 1, "answered-no"));
		assert_true(the_inquiry(w, 1)->due_ms == NEVER_MS);
		world_down(state);
		world_up(state);
	}
}

/* A thief's quick "yes" must not silence the owner. */
static void a_no_after_a_yes_pages_and_reopens(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	click(w, CLICK_YES);
	assert_int_equal(the_case(w, 1)->state, CASE_CLOSED);
	pass(w, 3 * DAY_MS);
	struct reply r = click(w, CLICK_NOT_ME);
	IS(w, NO);
	assert_int_equal(r.kind, REPLY_MODAL);
	assert_true(paged(w, 1, "answered-no"));
	assert_int_equal(the_case(w, 1)->state, CASE_OPEN);
	assert_int_equal(the_case(w, 1)->resolution, RESOLUTION_NONE);
	assert_int_equal(the_case(w, 1)->closed_ms, 0);
	assert_int_equal(audited(w, "case.reopened"), 1);
	assert_int_equal(the_inquiry(w, 1)->answered_ms, T0 + 3 * DAY_MS);
}

static void a_second_yes_is_told_the_first(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	click(w, CLICK_YES);
	pass(w, MINUTE_MS);
	struct reply r = click(w, CLICK_YES);
	assert_string_equal(r.text_key, "already_yes");
	assert_int_equal(r.at_ms, T0);
	assert_int_equal(audited(w, "inquiry.repeated"), 1);
	assert_int_equal(changes(w), 1);
}

/* Slack repeats an envelope: the same reply, and nothing else, not even an audit row. */
static void the_same_fact_gets_the_same_reply(void **state)
{
	struct world *w = *state;
	struct fact f = { .kind = FACT_CLICK, .key = "envelope:1" };
	asked(w, "login", "P3");
	f.as.click.user = ANA;
	f.as.click.channel = ANA_DM;
	f.as.click.ts = "1764063001.000100";
	f.as.click.what = CLICK_YES;
	f.as.click.inquiry_id = 1;
	assert_int_equal(fact(w, f, true).kind, REPLY_MODAL);
	assert_int_equal(fact(w, f, false).kind, REPLY_MODAL);
	assert_int_equal(changes(w), 0);
	f.as.click.user = "U0BOB1";
	assert_string_equal(fact(w, f, false).text_key, "stranger");
	assert_int_equal(changes(w), 0);
	f.as.click.user = ANA;
	f.as.click.what = CLICK_NO;
	fact(w, f, true);
	f.as.click.what = CLICK_YES; /* the older envelope comes once more */
	assert_string_equal(fact(w, f, false).text_key, "already_no");
	assert_int_equal(changes(w), 0);
}

static void silence_pages_at_the_answer_deadline(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	assert_int_equal(the_inquiry(w, 1)->answer_ms, T0 + WAIT_MS);
	assert_int_equal(the_inquiry(w, 1)->due_ms, T0 + WAIT_MS);
	pass(w, WAIT_MS - 1);
	due(w);
	IS(w, OPEN);
	pass(w, 1);
	due(w);
	IS(w, SILENT);
	assert_true(paged(w, 1, "silence"));
	assert_true(the_inquiry(w, 1)->due_ms == NEVER_MS);
	assert_int_equal(audited(w, "inquiry.silent"), 1);
	assert_int_equal(the_case(w, 1)->state, CASE_OPEN);
}

static void a_playbook_may_leave_silence_to_the_analysts(void **state)
{
	struct world *w = *state;
	asked(w, "strict", "P3");
	pass(w, WAIT_MS);
	due(w);
	IS(w, SILENT);
	assert_false(paged(w, 1, "silence"));
	assert_int_equal(the_case(w, 1)->state, CASE_OPEN);
}

static void a_late_yes_is_kept_and_settles_nothing(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	pass(w, WAIT_MS);
	due(w);
	pass(w, MINUTE_MS);
	struct reply r = click(w, CLICK_YES);
	IS(w, SILENT);
	assert_string_equal(the_inquiry(w, 1)->late, "yes");
	assert_int_equal(the_inquiry(w, 1)->late_ms, T0 + WAIT_MS + MINUTE_MS);
	assert_int_equal(the_inquiry(w, 1)->answered_ms, 0);
	assert_int_equal(r.kind, REPLY_TEXT);
	assert_string_equal(r.text_key, "late_recorded");
	assert_int_equal(audited(w, "inquiry.late"), 1);
	assert_int_equal(the_case(w, 1)->state, CASE_OPEN);
	pass(w, MINUTE_MS);
	r = click(w, CLICK_YES); /* the first one's time stays */
	assert_string_equal(r.text_key, "already_yes");
	assert_int_equal(r.at_ms, T0 + WAIT_MS + MINUTE_MS);
	assert_int_equal(the_inquiry(w, 1)->late_ms, T0 + WAIT_MS + MINUTE_MS);
}

static void a_late_no_still_pages(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P4");
	pass(w, WAIT_MS);
	due(w);
	assert_true(paged(w, 1, "silence"));
	pass(w, 20 * DAY_MS);
	assert_int_equal(click(w, CLICK_NO).kind, REPLY_MODAL);
	IS(w, NO);
	assert_true(paged(w, 1, "answered-no"));
}

/* Slack was away for a while: after 15 minutes somebody else must know, and the question may still
 * come through; its answer counts as one after the end. */
static void an_undelivered_question_pages_after_15_minutes(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"p\":\"P3\",\"who\":\"ana@duff.example\"}");
	found(w, "case 1, lookup, ana@duff.example", ana());
	dm_opened(w, "case 1, open dm, " ANA, ANA_DM);
	ends(w, "inquiry 1, question", OUTCOME_TRANSIENT, "ratelimited");
	pass(w, 15 * MINUTE_MS - 1);
	due(w);
	IS(w, OPEN);
	pass(w, 1);
	due(w);
	IS(w, UNREACHABLE);
	assert_true(paged(w, 1, "undeliverable"));
	assert_false(paged(w, 1, "owner-unknown"));
	assert_non_null(strstr(the_inquiry(w, 1)->tried, "15 minutes (ratelimited)"));
	assert_true(the_inquiry(w, 1)->due_ms == NEVER_MS);

	done(w, "inquiry 1, question");
	IS(w, UNREACHABLE);
	assert_int_equal(the_inquiry(w, 1)->delivered_ms, T0 + 15 * MINUTE_MS);
	assert_true(the_inquiry(w, 1)->due_ms == NEVER_MS);
	assert_string_equal(click(w, CLICK_YES).text_key, "unreachable_answer");
	IS(w, UNREACHABLE);
	assert_string_equal(the_inquiry(w, 1)->late, "yes");
	assert_int_equal(click(w, CLICK_NO).kind, REPLY_MODAL);
	IS(w, NO);
	assert_true(paged(w, 1, "answered-no"));
}

/* A playbook can't switch the page off down to P3; below, it can. */
static void undeliverable_pages_by_priority_and_plan(void **state)
{
	static const struct {
		const char *type, *priority;
		bool pages;
	} table[] = { { "strict", "P1", true },  { "strict", "P2", true },
		      { "strict", "P3", true },  { "strict", "P4", false },
		      { "strict", "P5", false }, { "login", "P4", true },
		      { "login", "P5", true },   { "bare", "P5", true } };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct world *w = *state;
		alert_due(w, arena_f(&w->arena, "{\"type\":\"%s\",\"p\":\"%s\",\"who\":null}",
				     table[i].type, table[i].priority));
		IS(w, UNREACHABLE);
		assert_true(paged(w, 1, "owner-unknown") == table[i].pages);
		world_down(state);
		world_up(state);
	}
}

static void delivery_starts_the_clock_once(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"who\":\"ana@duff.example\"}");
	assert_int_equal(the_inquiry(w, 1)->due_ms, T0 + 15 * MINUTE_MS);
	assert_int_equal(the_inquiry(w, 1)->undelivered_ms, T0 + 15 * MINUTE_MS);
	found(w, "case 1, lookup, ana@duff.example", ana());
	dm_opened(w, "case 1, open dm, " ANA, ANA_DM);
	pass(w, 10 * MINUTE_MS);
	done(w, "inquiry 1, question");
	int64_t answer_ms = T0 + 10 * MINUTE_MS + WAIT_MS;
	assert_int_equal(the_inquiry(w, 1)->delivered_ms, T0 + 10 * MINUTE_MS);
	assert_int_equal(the_inquiry(w, 1)->answer_ms, answer_ms);
	/* a comment rewrites the message; the deadline does not move */
	struct fact f = { .kind = FACT_COMMENT, .key = "envelope:2" };
	f.as.comment.user = ANA;
	f.as.comment.inquiry_id = 1;
	f.as.comment.text = "wait";
	fact(w, f, true);
	pass(w, MINUTE_MS);
	done(w, "inquiry 1, question");
	assert_int_equal(the_inquiry(w, 1)->answer_ms, answer_ms);
	assert_int_equal(the_inquiry(w, 1)->due_ms, answer_ms);
	/* past the 15 minutes it is no longer undeliverable */
	pass(w, 5 * MINUTE_MS);
	due(w);
	IS(w, OPEN);
}

/* F35: the click is faster than Slack's answer to our post. */
static void an_answer_before_the_posts_result_counts(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"who\":\"ana@duff.example\"}");
	found(w, "case 1, lookup, ana@duff.example", ana());
	dm_opened(w, "case 1, open dm, " ANA, ANA_DM);
	const struct outgoing *row = claim(w, "inquiry 1, question");
	click(w, CLICK_YES);
	IS(w, UNPROVEN);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .outcome = OUTCOME_DONE,
				   .channel = ANA_DM,
				   .ref = "1764063001.000100" });
	IS(w, UNPROVEN);
	assert_true(the_inquiry(w, 1)->due_ms == NEVER_MS);
	assert_int_equal(the_inquiry(w, 1)->answer_ms, 0);
	/* what was posted is the older revision: the message is still due */
	assert_int_equal(out(w, "inquiry 1, question")->shown, 1);
	assert_int_equal(out(w, "inquiry 1, question")->due_ms, T0);
	claim(w, "inquiry 1, question");
}

/* E45, T8 */
static void only_the_addressee_on_the_own_message_counts(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	struct reply r = click_as(w, "U0BOB1", CLICK_YES);
	assert_string_equal(r.text_key, "stranger");
	assert_int_equal(r.inquiry_id, 1);
	assert_int_equal(audited(w, "inquiry.refused_stranger"), 1);
	assert_int_equal(changes(w), 1);

	struct fact f = { .kind = FACT_CLICK, .key = "envelope:9" };
	f.as.click.user = ANA;
	f.as.click.channel = "C0OTHER"; /* shared into another channel */
	f.as.click.ts = "1764063001.000100";
	f.as.click.what = CLICK_YES;
	f.as.click.inquiry_id = 1;
	assert_string_equal(fact(w, f, true).text_key, "not_ours");
	assert_int_equal(audited(w, "inquiry.refused_message"), 1);
	f.as.click.channel = ANA_DM;
	f.as.click.ts = "1764063001.000101"; /* younger than the question */
	assert_string_equal(fact(w, f, true).text_key, "not_ours");
	f.as.click.ts = "1764063001.000100";
	f.as.click.what = CLICK_UNKNOWN;
	assert_string_equal(fact(w, f, true).text_key, "not_ours");
	f.as.click.what = CLICK_YES;
	f.as.click.inquiry_id = 0; /* a forged token */
	assert_string_equal(fact(w, f, true).text_key, "not_ours");
	assert_int_equal(audited(w, "inquiry.refused_token"), 1);
	f.as.click.inquiry_id = 99; /* of another life */
	assert_string_equal(fact(w, f, true).text_key, "not_ours");
	assert_int_equal(changes(w), 1);
	IS(w, OPEN);
	assert_int_equal(the_case(w, 1)->state, CASE_OPEN);
}

static void a_question_without_a_person_takes_no_click(void **state)
{
	struct world *w = *state;
	alert_due(w, "{\"type\":\"login\",\"who\":\"ana@duff.example\"}");
	assert_string_equal(click_as(w, ANA, CLICK_YES).text_key, "stranger");
	IS(w, OPEN);
}

static void a_comment_is_the_addressees_and_is_cut(void **state)
{
	struct world *w = *state;
	struct fact f = { .kind = FACT_COMMENT, .key = "envelope:3" };
	char text[2 * 600 + 1];
	for (size_t i = 0; i < 600; i++)
		memcpy(text + 2 * i, "é", 2);
	text[sizeof(text) - 1] = '\0';
	asked(w, "login", "P3");
	click(w, CLICK_NO);
	f.as.comment.user = "U0BOB1";
	f.as.comment.inquiry_id = 1;
	f.as.comment.text = text;
	fact(w, f, true);
	assert_string_equal(the_inquiry(w, 1)->comment, "");
	assert_int_equal(audited(w, "inquiry.refused_stranger"), 1);
	f.as.comment.user = ANA;
	assert_int_equal(fact(w, f, true).kind, REPLY_NONE);
	assert_int_equal(audited(w, "inquiry.commented"), 1);
	assert_int_equal(utf8_points(str_z(the_inquiry(w, 1)->comment)), 500);
	f.as.comment.text = " I was on a train \n";
	fact(w, f, true);
	assert_string_equal(the_inquiry(w, 1)->comment, "I was on a train");
	IS(w, NO);
	f.as.comment.text = " ";
	fact(w, f, true);
	assert_string_equal(the_inquiry(w, 1)->comment, "I was on a train");
	f.as.comment.text = "again";
	fact(w, f, false);
	assert_int_equal(changes(w), 0);
	f.as.comment.inquiry_id = 0;
	fact(w, f, true);
	assert_int_equal(audited(w, "inquiry.refused_token"), 1);
}

static void a_command_gets_help(void **state)
{
	struct world *w = *state;
	struct fact f = { .kind = FACT_COMMAND, .key = "envelope:4" };
	f.as.command.user = ANA;
	f.as.command.channel = CHANNEL;
	f.as.command.text = "";
	struct reply r = fact(w, f, true);
	assert_int_equal(r.kind, REPLY_SHEET);
	assert_string_equal(r.sheet.template, "help");
	assert_int_equal(changes(w), 0);
}

/* The turn takes what is due in a loop: a timer that stays due would spin it. */
static void nothing_settled_stays_due(void **state)
{
	struct world *w = *state;
	asked(w, "login", "P3");
	begin(w);
	struct inquiry q = *look_inquiry(w->act.look, 1);
	struct change c = { .kind = CHANGE_INQUIRY };
	struct decision d = { .arena = &w->arena, .first = &c };
	q.due_ms = T0; /* woken too early, for whatever reason */
	c.as.inquiry.now = q;
	c.as.inquiry.was = INQUIRY_OPEN;
	keep(w, d);
	due(w);
	IS(w, OPEN);
	assert_int_equal(the_inquiry(w, 1)->due_ms, T0 + WAIT_MS);
	click(w, CLICK_NO);
	begin(w);
	c.as.inquiry.now = *look_inquiry(w->act.look, 1);
	c.as.inquiry.now.due_ms = T0;
	c.as.inquiry.was = INQUIRY_NO;
	keep(w, d);
	due(w);
	IS(w, NO);
	assert_true(the_inquiry(w, 1)->due_ms == NEVER_MS);
	begin(w);
	keep(w, handle_inquiry_due(&w->act, 99));
	assert_int_equal(changes(w), 0);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, world_up, world_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_no_pages_and_is_final),
		STORY(a_yes_is_worth_what_its_priority_says),
		STORY(a_no_after_a_yes_pages_and_reopens),
		STORY(a_second_yes_is_told_the_first),
		STORY(the_same_fact_gets_the_same_reply),
		STORY(silence_pages_at_the_answer_deadline),
		STORY(a_playbook_may_leave_silence_to_the_analysts),
		STORY(a_late_yes_is_kept_and_settles_nothing),
		STORY(a_late_no_still_pages),
		STORY(an_undelivered_question_pages_after_15_minutes),
		STORY(undeliverable_pages_by_priority_and_plan),
		STORY(delivery_starts_the_clock_once),
		STORY(an_answer_before_the_posts_result_counts),
		STORY(only_the_addressee_on_the_own_message_counts),
		STORY(a_question_without_a_person_takes_no_click),
		STORY(a_comment_is_the_addressees_and_is_cut),
		STORY(a_command_gets_help),
		STORY(nothing_settled_stays_due),
	};
	return cmocka_run_group_tests(tests, program_up, program_down);
}
