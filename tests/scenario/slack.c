/* E40: a Slack that fails. Exactly one question whatever becomes of the answers to our posts, with
 * Slack's own (undocumented) deduplication switched off; and its pace is kept. Delete one and
 * people are asked twice, or we run into a 429 for ever. */
#include <string.h>

#include "base/when.h"
#include "scenario.h"

/* The question's post, not the card's, meets the fault: the card is posted first. */
static void lose_the_question(struct lab *l, const char *kind)
{
	int64_t id;
	lab_must(l, "dedupe", "%s", "{\"on\":false}");
	(void)an_alert(l, "before", "alice@duff.example", 5); /* the way to her is known */
	assert_int_equal(questions_to(l, "alice"), 1);
	a_fault_like(l,
		     &(struct fault_plan){
			     .where = "chat.postMessage", .kind = kind, .count = 2, .ms = 3000 });
	id = an_alert(l, "a1", "alice@duff.example", 5);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(questions_to(l, "alice"), 2);
	QUOTE("E40.4", "a post whose answer was lost stands exactly once",
	      posts_in(l, the_question_to(l, "alice")->channel) == 2 && cards_of(l, id) == 1);
	assert_true(inquiry_of(l, id)->delivered_ms > 0);
	press(l, "alice", "yes");
	lab_pass(l, 10 * SECOND_MS);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNPROVEN);
	assert_true(says(the_question_to(l, "alice"), "You answered: Yes"));
	assert_int_equal(questions_to(l, "alice"), 2);
}

static void its_answer_to_a_post_is_lost(void **state) { lose_the_question(*state, "timeout"); }
static void it_says_error_and_has_done_it(void **state)
{
	lose_the_question(*state, "internal_error_done");
}
static void its_answer_is_cut_in_half(void **state) { lose_the_question(*state, "truncated"); }

static void lunch(struct lab *l, int n)
{
	for (int i = 0; i < n; i++)
		lab_must(l, "say", "{\"user\":\"%s\",\"channel\":\"%s\",\"text\":\"lunch? %d\"}",
			 id_of(l, "mona"), CHANNEL, i);
}

/* By the time it is looked for, more stands above it in the channel than Slack tells at once. */
static void a_lost_card_is_found_under_many_messages(void **state)
{
	struct lab *l = *state;
	const struct call *looks;
	lab_must(l, "dedupe", "%s", "{\"on\":false}");
	a_fault(l, "chat.postMessage", "timeout", 1);
	const int64_t id = an_alert(l, "a1", "alice@duff.example", 5);
	lunch(l, 150);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(calls(l, "conversations.history", &looks), 2);
	assert_int_equal(cards_of(l, id), 1);
	assert_int_equal(posts_in(l, CHANNEL), 1);
}

/* Two pages from when it was sent, three from the newest on, and then it is absent. */
static void what_is_absent_costs_few_looks(void **state)
{
	struct lab *l = *state;
	const struct call *looks;
	lunch(l, 450);
	lab_pass(l, 5 * MINUTE_MS);
	a_fault(l, "chat.postMessage", "refuse", 1);
	const int64_t id = an_alert(l, "a1", "alice@duff.example", 5);
	lunch(l, 150);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(calls(l, "conversations.history", &looks), 5);
	assert_int_equal(cards_of(l, id), 1);
}

/* Not done, but it looks the same from here: it is looked for, not found, and posted. */
static void a_post_that_never_happened_happens_later(void **state)
{
	struct lab *l = *state;
	lab_must(l, "dedupe", "%s", "{\"on\":false}");
	a_fault(l, "chat.postMessage", "refuse", 2);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 5);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(questions_to(l, "alice"), 1);
	assert_int_equal(cards_of(l, id), 1);
}

/* Answered before Slack has confirmed the post: the click is the better proof of delivery. */
static void she_answers_before_slack_confirms(void **state)
{
	struct lab *l = *state;
	int64_t before = an_alert(l, "before", "alice@duff.example", 5);
	(void)before;
	a_fault_like(l,
		     &(struct fault_plan){
			     .where = "chat.postMessage", .kind = "slow", .count = 2, .ms = 9000 });
	int64_t id = an_alert(l, "a1", "alice@duff.example", 5);
	assert_int_equal(inquiry_of(l, id)->delivered_ms, 0);
	press(l, "alice", "no");
	expect_incident(l, id, "answered-no");
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_NO);
	lab_pass(l, MINUTE_MS);
	assert_true(says(the_question_to(l, "alice"), "The person on call was paged at 09:00."));
	assert_int_equal(questions_to(l, "alice"), 2);
	lab_pass(l, HOUR_MS);
	assert_int_equal(incidents(l, id, ""), 1);
}

static void a_deleted_question_is_asked_again(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 5);
	int64_t due_ms = inquiry_of(l, id)->answer_ms;
	const struct seen *old = the_question_to(l, "alice");
	/* Nothing tells us that it is gone, until we want to change it: deleted by an admin. */
	a_fault(l, "chat.update", "error:message_not_found", 1);
	press(l, "alice", "yes");
	lab_pass(l, 30 * SECOND_MS);
	/* Settled: there is nothing to ask any more. */
	assert_int_equal(questions_to(l, "alice"), 1);
	assert_string_equal(the_question_to(l, "alice")->ts, old->ts);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNPROVEN);
	assert_int_equal(inquiry_of(l, id)->answer_ms, due_ms);
}

static void a_deleted_card_is_posted_anew(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 3);
	lab_pass(l, 10 * SECOND_MS);
	const struct seen *card = the_card_of(l, id);
	const char *body =
		arena_f(story_arena(), "{\"channel\":\"" CHANNEL "\",\"ts\":\"%s\"}", card->ts);
	struct world_request rq = { .method = STR("POST"),
				    .path = STR("/api/chat.delete"),
				    .authorization = STR("Bearer xoxb-T0SANDBOX-secret"),
				    .content_type = STR("application/json; charset=utf-8"),
				    .body = str_z(body) };
	struct world_reply out = { 0 };
	world_http(lab_world(l), &rq, lab_now(l), &out);
	assert_non_null(strstr(buf_z(&out.body), "\"ok\":true"));
	buf_free(&out.body);
	assert_int_equal(cards_of(l, id), 0);
	press(l, "alice", "no");
	lab_pass(l, 30 * SECOND_MS);
	assert_int_equal(cards_of(l, id), 1);
	assert_true(says(the_card_of(l, id), "Alice Archer answered No"));
}

/* 429 with Retry-After: nothing goes to that place before its time, and it comes then. */
static void its_429_is_honoured(void **state)
{
	struct lab *l = *state;
	a_fault_like(l, &(struct fault_plan){ .where = "users.lookupByEmail",
					      .kind = "429",
					      .count = 1,
					      .ms = 45000 });
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	(void)an_alert(l, "a2", "bob@duff.example", 4);
	lab_pass(l, 2 * MINUTE_MS);
	const struct call *lookups;
	size_t n = calls(l, "users.lookupByEmail", &lookups);
	assert_int_equal(n, 3);
	assert_int_equal(lookups[0].status, 429);
	QUOTE("E40.1", "typed reaction: 429 and Retry-After",
	      lookups[1].at_ms >= lookups[0].at_ms + 45000 &&
		      lookups[1].at_ms <= lookups[0].at_ms + 50000);
	assert_int_equal(questions_to(l, "alice"), 1);
	assert_int_equal(questions_to(l, "bob"), 1);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_OPEN);
	assert_int_equal(incidents(l, id, ""), 0);
}

/* Slack's real pace: a burst of alerts for one person costs no 429 in her direct messages. */
static void a_burst_keeps_slacks_pace(void **state)
{
	struct lab *l = story_begin(&(struct lab_options){ .seed = 9, .slack_limits = true });
	(void)state;
	for (int i = 0; i < 8; i++)
		assert_int_equal(post(l,
				      "{\"type\":\"process\",\"id\":\"b%d\",\"user\":\"alice@duff."
				      "example\",\"what\":\"burst\",\"priority\":\"P4\"}",
				      i)
					 .status,
				 202);
	lab_pass(l, 2 * MINUTE_MS);
	assert_int_equal(questions_to(l, "alice"), 8);
	const struct call *posts;
	size_t n = calls(l, "chat.postMessage", &posts);
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(posts[i].status, 429);
	story_end(l);
}

/* The socket breaks while she presses: her client says so, she presses again, and it counts. */
static void the_socket_is_gone_when_she_presses(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	const struct seen *q = the_question_to(l, "alice");
	lab_must(l, "drop", "%s", "{}");
	click(l, "alice", q, "no");
	lab_pass(l, MINUTE_MS);
	if (inquiry_of(l, id)->state == INQUIRY_OPEN)
		press(l, "alice", "no");
	lab_pass(l, 10 * SECOND_MS);
	expect_incident(l, id, "answered-no");
}

int stories_of_slack(void)
{
	const struct CMUnitTest tests[] = {
		STORY(its_answer_to_a_post_is_lost),
		STORY(it_says_error_and_has_done_it),
		STORY(its_answer_is_cut_in_half),
		STORY(a_lost_card_is_found_under_many_messages),
		STORY(what_is_absent_costs_few_looks),
		STORY(a_post_that_never_happened_happens_later),
		STORY(she_answers_before_slack_confirms),
		STORY(a_deleted_question_is_asked_again),
		STORY(a_deleted_card_is_posted_anew),
		STORY(its_429_is_honoured),
		cmocka_unit_test(a_burst_keeps_slacks_pace),
		STORY(the_socket_is_gone_when_she_presses),
	};
	return cmocka_run_group_tests_name("E40 Slack", tests, NULL, NULL);
}
