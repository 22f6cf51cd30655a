/* E40: what Slack says no to, and what follows. A dead token stops the Slack side and nothing else;
 * one forbidden method or channel stops that alone; whoever can't be asked is passed on at once.
 * Delete one and a question waits for ever, or one refusal silences the whole bot. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

/* Calls to Slack's Web API since seq; the newest seq too. */
static size_t slack_calls(struct lab *l, int64_t *seq)
{
	const struct call *all;
	size_t n = calls(l, "", &all), found = 0;
	int64_t newest = *seq;
	for (size_t i = 0; i < n; i++) {
		bool is_new = all[i].seq > *seq;
		newest = is_new ? all[i].seq : newest;
		found += is_new && strcmp(all[i].method, "pagerduty") != 0 &&
			 strcmp(all[i].method, "response_url") != 0;
	}
	*seq = newest;
	return found;
}

/* --- the token --- */

static void a_revoked_token_is_loud_and_harms_nothing_else(void **state)
{
	struct lab *l = *state;
	int64_t asked = an_alert(l, "a1", "alice@duff.example", 4), seq = 0;
	int64_t due_ms = inquiry_of(l, asked)->answer_ms;
	lab_must(l, "tokens", "%s", "{\"bot\":\"token_revoked\"}");
	int64_t unasked = an_alert(l, "a2", "bob@duff.example", 4); /* 202, or this fails */
	lab_pass(l, 10 * SECOND_MS);
	int64_t id = trouble_case(l, "slack-token");
	QUOTE("E40.5", "token revoked: loud",
	      id && incidents(l, id, "trouble") == 1 &&
		      strstr(the_incident(l, id, "trouble")->details, "token_revoked"));
	/* Nothing but the probe; the alerts that page at once still do. */
	(void)slack_calls(l, &seq);
	int64_t high = an_alert(l, "a3", "mona@duff.example", 1);
	expect_incident(l, high, "opened");
	lab_pass(l, 10 * MINUTE_MS);
	assert_int_equal(slack_calls(l, &seq), 2);
	assert_int_equal(incidents(l, asked, ""), 0);
	assert_int_equal(incidents(l, unasked, ""), 0);
	/* No answer can be hoped for: a quarter of an hour, then the on-call has them. */
	lab_pass(l, 6 * MINUTE_MS);
	expect_incident(l, asked, "undeliverable");
	expect_incident(l, unasked, "undeliverable");
	assert_true(lab_now(l) < due_ms);
	assert_true(trouble_lasts(l, "slack-token"));
	/* It is good again: within a probe everything goes on, and the page was one. */
	lab_must(l, "tokens", "%s", "{}");
	lab_pass(l, 6 * MINUTE_MS);
	assert_false(trouble_lasts(l, "slack-token"));
	assert_int_equal(case_of(l, id)->state, CASE_CLOSED);
	assert_int_equal(incidents(l, id, "trouble"), 1);
	assert_int_equal(cards_of(l, high), 1);
	(void)an_alert(l, "a4", "bob@duff.example", 4);
	lab_pass(l, 30 * SECOND_MS);
	assert_int_equal(questions_to(l, "bob"), 1);
}

/* One that is good again in time: nobody is woken but for the token. */
static void a_token_that_comes_back_costs_no_question(void **state)
{
	struct lab *l = *state;
	int64_t asked = an_alert(l, "a1", "alice@duff.example", 4);
	lab_must(l, "tokens", "%s", "{\"bot\":\"account_inactive\"}");
	int64_t unasked = an_alert(l, "a2", "bob@duff.example", 4);
	lab_pass(l, 2 * MINUTE_MS);
	lab_must(l, "tokens", "%s", "{}");
	lab_pass(l, 5 * MINUTE_MS);
	assert_int_equal(questions_to(l, "bob"), 1);
	press(l, "alice", "yes");
	press(l, "bob", "yes");
	lab_pass(l, HOUR_MS);
	assert_int_equal(incidents(l, asked, ""), 0);
	assert_int_equal(incidents(l, unasked, ""), 0);
}

/* The same after a restart, and when it starts so. */
static void a_dead_token_survives_a_restart(void **state)
{
	struct lab *l = *state;
	int64_t asked = an_alert(l, "a1", "alice@duff.example", 4), seq = 0;
	lab_must(l, "tokens", "%s", "{\"bot\":\"token_expired\"}");
	(void)an_alert(l, "a2", "bob@duff.example", 4);
	lab_pass(l, MINUTE_MS);
	int64_t id = trouble_case(l, "slack-token");
	(void)slack_calls(l, &seq);
	lab_kill(l, 2 * SECOND_MS);
	lab_pass(l, 4 * MINUTE_MS);
	assert_int_equal(slack_calls(l, &seq), 1); /* auth.test */
	lab_pass(l, 11 * MINUTE_MS);
	expect_incident(l, asked, "undeliverable");
	assert_int_equal(incidents(l, id, "trouble"), 1);
	lab_must(l, "tokens", "%s", "{}");
	lab_pass(l, 6 * MINUTE_MS);
	assert_false(trouble_lasts(l, "slack-token"));
}

/* Said by one call only: auth.test is the judge, and it says that the token is good. */
static void a_doubt_about_the_token_is_not_the_end(void **state)
{
	struct lab *l = *state;
	a_fault(l, "chat.postMessage", "error:token_revoked", 1);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, MINUTE_MS);
	assert_int_equal(trouble_case(l, "slack-token"), 0);
	assert_int_equal(questions_to(l, "alice"), 1);
	assert_int_equal(cards_of(l, id), 1);
}

/* The app's token: nothing can be heard, but everything can be said. */
static void a_dead_app_token_is_loud_too(void **state)
{
	struct lab *l = *state;
	int64_t seq = 0;
	lab_must(l, "tokens", "%s", "{\"app\":\"invalid_auth\"}");
	lab_must(l, "drop", "%s", "{}");
	lab_pass(l, 10 * SECOND_MS);
	int64_t id = trouble_case(l, "slack-token");
	expect_incident(l, id, "trouble");
	int64_t asked = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(questions_to(l, "alice"), 1);
	(void)slack_calls(l, &seq);
	lab_pass(l, 14 * MINUTE_MS);
	assert_true(slack_calls(l, &seq) <= 3); /* a probe in five minutes */
	lab_pass(l, 2 * MINUTE_MS);
	expect_incident(l, asked, "undeliverable");
	lab_must(l, "tokens", "%s", "{}");
	lab_pass(l, 6 * MINUTE_MS);
	assert_false(trouble_lasts(l, "slack-token"));
	press(l, "alice", "no"); /* heard again, and it still counts */
	expect_incident(l, asked, "answered-no");
}

/* --- the setup --- */

static void a_missing_scope_stops_one_method(void **state)
{
	struct lab *l = *state;
	(void)an_alert(l, "a0", "alice@duff.example", 4); /* she is known */
	lab_must(
		l, "scopes", "%s",
		"{\"set\":[\"chat:write\",\"im:write\",\"im:history\",\"channels:history\",\"users:"
		"read\"]}");
	int64_t lost = an_alert(l, "a1", "bob@duff.example", 4);
	int64_t asked = an_alert(l, "a2", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, lost, "owner-unknown");
	assert_int_equal(inquiry_of(l, asked)->state, INQUIRY_OPEN);
	assert_int_equal(questions_to(l, "alice"), 2);
	int64_t id = trouble_case(l, "slack-setup");
	const char *details = the_incident(l, id, "trouble")->details;
	assert_non_null(strstr(details, "users.lookupByEmail"));
	assert_non_null(strstr(details, "users:read.email"));
	assert_int_equal(trouble_case(l, "slack-token"), 0);
	(void)an_alert(l, "a3", "eve@duff.example", 4);
	lab_pass(l, MINUTE_MS);
	assert_int_equal(incidents(l, id, "trouble"), 1);
	lab_must(l, "scopes", "%s", "{}");
	(void)an_alert(l, "a4", "dana@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	assert_false(trouble_lasts(l, "slack-setup"));
}

static void an_archived_channel_is_told_through_the_pager(void **state)
{
	struct lab *l = *state;
	lab_must(l, "channel", "%s", "{\"id\":\"" CHANNEL "\",\"is_archived\":true}");
	int64_t asked = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	int64_t id = trouble_case(l, "slack-setup");
	QUOTE("E40.10", "typed reaction: is_archived",
	      id && incidents(l, id, "trouble") == 1 && questions_to(l, "alice") == 1 &&
		      inquiry_of(l, asked)->state == INQUIRY_OPEN && incidents(l, asked, "") == 0);
	int64_t quiet = an_alert(l, "a2", "bob@duff.example", 4);
	press(l, "alice", "yes"); /* her direct message does not prove the channel */
	lab_pass(l, 10 * SECOND_MS);
	assert_true(trouble_lasts(l, "slack-setup"));
	lab_must(l, "channel", "%s", "{\"id\":\"" CHANNEL "\",\"is_archived\":false}");
	lab_pass(l, 6 * MINUTE_MS); /* what was refused meanwhile is said */
	assert_int_equal(cards_of(l, quiet), 1);
	assert_true(says(the_card_of(l, asked), "answered Yes"));
	assert_false(trouble_lasts(l, "slack-setup"));
}

/* --- one person --- */

/* Refused for good: whoever can't be asked is passed on at once, and nothing else is wrong. */
static bool is_passed_on(struct lab *l, const char *where, const char *error, int after)
{
	static int n;
	const char *kind = arena_f(story_arena(), "error:%s", error);
	const char *name = arena_f(story_arena(), "p%d", n++);
	a_fault_like(l, &(struct fault_plan){
				.where = where, .kind = kind, .count = 1, .after = after });
	int64_t id = an_alert(l, name, "bob@duff.example", 4);
	lab_pass(l, 5 * SECOND_MS);
	lab_must(l, "heal", "%s", "{}");
	return inquiry_of(l, id)->state == INQUIRY_UNREACHABLE &&
	       inquiry_of(l, id)->delivered_ms == 0 && incidents(l, id, "undeliverable") == 1 &&
	       incidents(l, id, "") == 1 && !trouble_case(l, "slack-setup");
}

static void who_cannot_be_reached_is_passed_on_at_once(void **state)
{
	struct lab *l = *state;
	QUOTE("E40.8", "typed reaction: user_not_found",
	      is_passed_on(l, "conversations.open", "user_not_found", 0));
	QUOTE("E40.9", "typed reaction: cannot_dm_bot",
	      is_passed_on(l, "conversations.open", "cannot_dm_bot", 0));
	assert_true(is_passed_on(l, "conversations.open", "user_disabled", 0));
	assert_true(is_passed_on(l, "conversations.open", "messages_tab_disabled", 0));
	QUOTE("E40.7", "typed reaction: channel_not_found",
	      is_passed_on(l, "chat.postMessage", "channel_not_found", 1));
	QUOTE("E40.3", "undeliverable: fallback at once",
	      is_passed_on(l, "chat.postMessage", "messages_tab_disabled", 1));
}

/* --- one message --- */

static void a_refused_layout_is_said_in_bare_words(void **state)
{
	struct lab *l = *state;
	(void)an_alert(l, "a0", "alice@duff.example", 4);
	a_fault_like(l, &(struct fault_plan){ .where = "chat.postMessage",
					      .kind = "error:invalid_blocks",
					      .count = 1,
					      .after = 1 });
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	assert_true(says(the_question_to(l, "alice"), "a question from security."));
	assert_int_equal(questions_to(l, "alice"), 2);
	press(l, "alice", "no");
	expect_incident(l, id, "answered-no");
	assert_true(says(the_question_to(l, "alice"), "You answered: No")); /* laid out again */
}

static void one_that_is_refused_twice_is_passed_on(void **state)
{
	struct lab *l = *state;
	(void)an_alert(l, "a0", "alice@duff.example", 4);
	a_fault_like(l, &(struct fault_plan){ .where = "chat.postMessage",
					      .kind = "error:msg_too_long",
					      .count = 2,
					      .after = 1 });
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, id, "undeliverable");
	assert_int_equal(questions_to(l, "alice"), 1);
}

/* What can't be changed is posted anew where that still helps, once a change and never in a loop.
 */
static void what_cannot_be_changed_is_never_posted_in_a_loop(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 10 * SECOND_MS);
	a_fault(l, "chat.update", "error:cant_update_message", 1000);
	size_t before = posts_in(l, CHANNEL);
	press(l, "alice", "yes");
	lab_pass(l, HOUR_MS);
	size_t posts = posts_in(l, CHANNEL) - before;
	QUOTE("E40.11", "typed reaction: cant_update_message",
	      posts >= 1 && posts <= 2 && questions_to(l, "alice") == 1 &&
		      says(the_card_of(l, id), "answered Yes"));
}

static void a_500_is_looked_for_and_repeated(void **state)
{
	struct lab *l = *state;
	lab_must(l, "dedupe", "%s", "{\"on\":false}");
	a_fault(l, "chat.postMessage", "500", 3);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	lab_pass(l, 2 * MINUTE_MS);
	QUOTE("E40.6", "typed reaction: 500",
	      questions_to(l, "alice") == 1 && cards_of(l, id) == 1 &&
		      inquiry_of(l, id)->delivered_ms > 0);
}

/* --- the pace --- */

/* A Retry-After closes one method, outlives the process, and is no reason to post nothing. */
static void a_retry_after_survives_a_restart(void **state)
{
	struct lab *l = *state;
	int64_t first = an_alert(l, "a1", "alice@duff.example", 4);
	const struct call *updates;
	lab_pass(l, 10 * SECOND_MS);
	size_t before = calls(l, "chat.update", &updates);
	a_fault_like(l, &(struct fault_plan){ .where = "chat.update",
					      .kind = "429",
					      .count = 1,
					      .ms = 10 * MINUTE_MS });
	press(l, "alice", "no");
	expect_incident(l, first, "answered-no"); /* a page waits for nothing of Slack's */
	int64_t closed_ms = lab_now(l);
	size_t sent = calls(l, "chat.update", &updates); /* of two at once one was refused */
	assert_in_range(sent, before + 1, before + 2);
	lab_kill(l, 2 * SECOND_MS);
	lab_pass(l, 3 * SECOND_MS);
	int64_t second = an_alert(l, "a2", "bob@duff.example", 4);
	lab_pass(l, 30 * SECOND_MS);
	assert_int_equal(questions_to(l, "bob"), 1);
	assert_int_equal(cards_of(l, second), 1);
	lab_pass(l, 9 * MINUTE_MS - 30 * SECOND_MS);
	assert_int_equal(calls(l, "chat.update", &updates), sent);
	lab_pass(l, 3 * MINUTE_MS);
	assert_true(calls(l, "chat.update", &updates) > sent);
	assert_true(updates[sent].at_ms >= closed_ms + 9 * MINUTE_MS);
	assert_true(says(the_card_of(l, first), "answered No"));
	assert_true(says(the_question_to(l, "alice"), "You answered: No"));
}

/* Seventy people asked at once, who all answer in one second: every tier of Slack's is kept, and
 * nobody waits longer than its pace makes it. */
static void a_crowd_keeps_every_tier(void **state)
{
	enum { PEOPLE = 70 };
	struct lab *l = story_begin(&(struct lab_options){ .seed = 11, .slack_limits = true });
	const char *name = "";
	const struct call *all;
	size_t n;
	(void)state;
	for (int i = 0; i < PEOPLE; i++) {
		name = arena_f(story_arena(), "crowd%d", i);
		lab_must(l, "person",
			 "{\"name\":\"%s\",\"email\":\"%s@duff.example\",\"quiet\":true}", name,
			 name);
		assert_int_equal(
			post(l,
			     "{\"type\":\"process\",\"id\":\"c%d\",\"user\":\"%s@duff.example\","
			     "\"what\":\"a crowd\",\"priority\":\"P4\"}",
			     i, name)
				.status,
			202);
	}
	lab_pass(l, 4 * MINUTE_MS);
	for (int i = 0; i < PEOPLE; i++) {
		name = arena_f(story_arena(), "crowd%d", i);
		assert_int_equal(questions_to(l, name), 1);
		(void)click(l, name, the_question_to(l, name), "yes");
	}
	lab_pass(l, 10 * MINUTE_MS);
	assert_true(says(the_question_to(l, name), "You answered: Yes"));
	n = calls(l, "", &all);
	for (size_t i = 0; i < n; i++)
		if (all[i].status == 429)
			fail_msg("%s was limited", all[i].method);
	assert_int_equal(number_in(l, "SELECT COUNT(*) FROM outgoing WHERE shown < wanted"), 0);
	story_end(l);
}

int stories_of_slacks_errors(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_revoked_token_is_loud_and_harms_nothing_else),
		STORY(a_token_that_comes_back_costs_no_question),
		STORY(a_dead_token_survives_a_restart),
		STORY(a_doubt_about_the_token_is_not_the_end),
		STORY(a_dead_app_token_is_loud_too),
		STORY(a_missing_scope_stops_one_method),
		STORY(an_archived_channel_is_told_through_the_pager),
		STORY(who_cannot_be_reached_is_passed_on_at_once),
		STORY(a_refused_layout_is_said_in_bare_words),
		STORY(one_that_is_refused_twice_is_passed_on),
		STORY(what_cannot_be_changed_is_never_posted_in_a_loop),
		STORY(a_500_is_looked_for_and_repeated),
		STORY(a_retry_after_survives_a_restart),
		cmocka_unit_test(a_crowd_keeps_every_tier),
	};
	return cmocka_run_group_tests_name("E40 Slack's errors", tests, NULL, NULL);
}
