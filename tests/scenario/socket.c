/* The way answers come: Socket Mode when it fails (F23 to F40). What is pressed is heard or its
 * person is told, the bot comes back by itself, and what only people can mend is told to them.
 * Delete one and the bot can be deaf for hours and look alive. */
#include <stdio.h>
#include <string.h>

#include "base/when.h"
#include "scenario.h"

/* Sockets of ours that Slack knows: those that live, and the ghosts. */
static size_t sockets(struct lab *l, bool ghosts)
{
	CLEANUP(json_done) struct cJSON *state = lab_do(l, "state", "%s", "{}");
	size_t n = 0;
	for (const struct cJSON *s = json_first(json_key(state, "sockets")); s; s = json_next(s))
		n += json_true(json_key(s, "ghost")) == ghosts;
	return n;
}

/* What a correct client never does, by rule. */
static int64_t refusals(struct lab *l, const char *rule)
{
	CLEANUP(json_done) struct cJSON *ledger = lab_do(l, "ledger", "%s", "{}");
	int64_t n = 0;
	(void)json_int(json_key(json_key(ledger, "refusals"), rule), &n);
	return n;
}

static size_t urls_asked(struct lab *l)
{
	const struct call *all;
	return calls(l, "apps.connections.open", &all);
}

/* --- told to go --- */

static void a_refresh_loses_no_click(void **state)
{
	static const char *const reasons[] = { "warning", "refresh_requested" };
	struct lab *l = *state;
	char name[16];
	for (int i = 0; i < 10; i++) {
		(void)snprintf(name, sizeof(name), "r%d", i);
		int64_t id = an_alert(l, name, "alice@duff.example", 4);
		const struct seen *q = the_question_to(l, "alice");
		lab_must(l, "disconnect", "{\"reason\":\"%s\"}", reasons[i % 2]);
		lab_pass(l, i * 60);
		const char *envelope = click(l, "alice", q, "yes");
		lab_pass(l, 2 * MINUTE_MS);
		assert_true(envelope[0] && is_acked(l, envelope));
		assert_int_equal(inquiry_of(l, id)->state, INQUIRY_UNPROVEN);
	}
	assert_int_equal(sockets(l, false), 1);
	assert_int_equal(sockets(l, true), 0); /* every old one ended with a Close frame */
	assert_int_equal(refusals(l, "ack_missing"), 0);
}

/* Its socket is gone before it is acknowledged, and so is every other: the acknowledgement waits.
 */
static void an_acknowledgement_waits_for_a_socket(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	const struct seen *q = the_question_to(l, "alice");
	const char *envelope = click(l, "alice", q, "no");
	lab_busy(l, 300);
	lab_must(l, "drop", "%s", "{}");
	lab_pass(l, 4 * SECOND_MS);
	assert_true(is_acked(l, envelope));
	assert_int_equal(refusals(l, "ack_late"), 0);
	expect_incident(l, id, "answered-no");
}

/* Eleven registrations: the new socket is refused, the live one is kept, and nothing is hurried. */
static void a_crowd_costs_no_live_socket(void **state)
{
	struct lab *l = *state;
	for (int i = 0; i < 10; i++) { /* ghosts of ten deaths */
		lab_kill(l, SECOND_MS);
		lab_pass(l, 3 * SECOND_MS);
	}
	lab_pass(l, 20 * SECOND_MS);
	size_t before = urls_asked(l);
	lab_pass(l, 5 * MINUTE_MS);
	assert_true(urls_asked(l) - before <= 6); /* at least a minute between two */
	assert_true(refusals(l, "too_many_websockets") > 0);
	lab_pass(l, 10 * MINUTE_MS); /* Slack has forgotten them */
	assert_int_equal(sockets(l, false), 1);
	assert_int_equal(sockets(l, true), 0);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "no");
	expect_incident(l, id, "answered-no");
}

static void socket_mode_switched_off_is_told(void **state)
{
	struct lab *l = *state;
	lab_must(l, "socket_mode", "%s", "{\"on\":false}");
	lab_pass(l, 10 * SECOND_MS);
	int64_t id = trouble_case(l, "link-disabled");
	expect_incident(l, id, "trouble");
	size_t before = urls_asked(l);
	int64_t asked = an_alert(l, "a1", "alice@duff.example", 4); /* everything else goes on */
	assert_int_equal(questions_to(l, "alice"), 1);
	lab_pass(l, 16 * MINUTE_MS);
	assert_in_range(urls_asked(l) - before, 1, 4); /* one in five minutes */
	assert_int_equal(incidents(l, id, "trouble"), 1);
	lab_must(l, "socket_mode", "%s", "{\"on\":true}");
	lab_pass(l, 6 * MINUTE_MS);
	assert_false(trouble_lasts(l, "link-disabled"));
	press(l, "alice", "no");
	expect_incident(l, asked, "answered-no");
}

/* --- silent --- */

static void a_half_open_socket_is_noticed(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	a_fault(l, "socket", "half_open", 1);
	lab_must(l, "click",
		 "{\"user\":\"%s\",\"channel\":\"%s\",\"ts\":\"%s\",\"action_id\":\"no\"}",
		 id_of(l, "alice"), the_question_to(l, "alice")->channel,
		 the_question_to(l, "alice")->ts);
	lab_pass(l, 75 * SECOND_MS);
	assert_int_equal(inquiry_of(l, id)->state, INQUIRY_OPEN); /* that one was lost */
	press(l, "alice", "no");
	expect_incident(l, id, "answered-no");
}

static void a_socket_without_a_greeting_is_given_up(void **state)
{
	struct lab *l = *state;
	a_fault(l, "socket", "no_hello", 2);
	lab_must(l, "drop", "%s", "{}");
	lab_pass(l, 45 * SECOND_MS);
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	press(l, "alice", "no");
	expect_incident(l, id, "answered-no");
	assert_int_equal(sockets(l, false), 1);
	assert_int_equal(sockets(l, true), 0);
}

/* No URL for an hour, whatever the reason: it is asked for again and again, never in a hurry. */
static void a_url_is_asked_for_without_end(void **state)
{
	static const char *const kinds[] = { "refuse", "429", "500", "html",
					     "error:internal_error" };
	struct lab *l = *state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t before = urls_asked(l);
		a_fault_like(l, &(struct fault_plan){ .where = "apps.connections.open",
						      .kind = kinds[i],
						      .count = 100000,
						      .ms = 20 * SECOND_MS });
		lab_must(l, "drop", "%s", "{}");
		lab_pass(l, HOUR_MS);
		assert_in_range(urls_asked(l) - before, 30, 240);
		lab_must(l, "heal", "%s", "{}");
		lab_pass(l, 2 * MINUTE_MS);
		assert_int_equal(sockets(l, false), 1);
	}
	assert_int_equal(trouble_case(l, "slack-token"), 0);
}

/* --- ghosts --- */

/* Another program with our token, or connections that never ended: told once, nothing is churned.
 */
static void ghosts_that_stay_are_told(void **state)
{
	struct lab *l = *state;
	a_fault(l, "socket", "stay", 1); /* the next ghost does not fade */
	lab_kill(l, 2 * SECOND_MS);
	lab_pass(l, 9 * MINUTE_MS);
	assert_int_equal(trouble_case(l, "ghost-sockets"), 0);
	lab_pass(l, 2 * MINUTE_MS);
	int64_t id = trouble_case(l, "ghost-sockets");
	expect_incident(l, id, "trouble");
	size_t before = urls_asked(l);
	lab_pass(l, 3 * HOUR_MS);
	assert_int_equal(urls_asked(l), before);
	assert_int_equal(incidents(l, id, "trouble"), 1);
	lab_must(l, "heal", "%s", "{}"); /* and the ghost is gone */
	lab_must(l, "disconnect", "%s", "{\"reason\":\"refresh_requested\"}");
	lab_pass(l, MINUTE_MS);
	assert_false(trouble_lasts(l, "ghost-sockets"));
}

/* Ten that stay: Slack takes no socket at all. Tried once in a minute or two, told once. */
static void a_house_full_of_ghosts_is_told(void **state)
{
	struct lab *l = *state;
	a_fault(l, "socket", "stay", 10);
	for (int i = 0; i < 10; i++) {
		lab_kill(l, SECOND_MS);
		lab_pass(l, 3 * SECOND_MS);
	}
	lab_pass(l, 9 * MINUTE_MS);
	assert_int_equal(trouble_case(l, "ghost-sockets"), 0);
	lab_pass(l, 3 * MINUTE_MS);
	int64_t id = trouble_case(l, "ghost-sockets");
	expect_incident(l, id, "trouble");
	size_t before = urls_asked(l);
	lab_pass(l, HOUR_MS);
	assert_in_range(urls_asked(l) - before, 20, 60);
	assert_int_equal(incidents(l, id, "trouble"), 1);
	lab_must(l, "heal", "%s", "{}");
	lab_pass(l, 3 * MINUTE_MS);
	assert_false(trouble_lasts(l, "ghost-sockets"));
	assert_int_equal(sockets(l, false), 1);
}

/* A death leaves one that fades: nobody is woken for it. */
static void our_own_ghost_wakes_nobody(void **state)
{
	struct lab *l = *state;
	lab_kill(l, 2 * SECOND_MS);
	lab_pass(l, 20 * MINUTE_MS);
	assert_int_equal(trouble_case(l, "ghost-sockets"), 0);
}

/* --- what comes over it --- */

static void odd_frames_harm_nothing(void **state)
{
	struct lab *l = *state;
	int64_t id = an_alert(l, "a1", "alice@duff.example", 4);
	a_fault(l, "socket", "garbage", 1);
	a_fault(l, "socket", "large", 1);
	press(l, "alice", "no");
	expect_incident(l, id, "answered-no");
	assert_int_equal(refusals(l, "ack_missing"), 0); /* the large one of no known type, too */
	assert_true(number_in(l, "SELECT COUNT(*) FROM casefile WHERE held <> ''") == 0);
}

/* The window for a note does not open: the answer counts, and she is told not to wait. */
static void a_window_that_does_not_open_is_told(void **state)
{
	static const char *const errors[] = { "error:expired_trigger_id",
					      "error:invalid_trigger_id", "429" };
	struct lab *l = *state;
	char name[16];
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		(void)snprintf(name, sizeof(name), "m%zu", i);
		int64_t id = an_alert(l, name, "alice@duff.example", 4);
		a_fault(l, "views.open", errors[i], 1);
		press(l, "alice", "no");
		expect_incident(l, id, "answered-no");
		assert_non_null(
			strstr(the_private_word_to(l, "alice"), "Your answer is recorded."));
		assert_int_equal(private_words_to(l, "alice"), i + 1);
	}
}

/* --- out of reach for hours --- */

/* Each question that nobody answered pages by itself, in time; beside them one page says why. */
static void an_outage_is_one_page_beside_the_others(void **state)
{
	struct lab *l = *state;
	int64_t ids[12];
	char name[16];
	for (int i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof(name), "o%d", i);
		ids[i] = an_alert(l, name, i % 2 ? "alice@duff.example" : "bob@duff.example", 4);
	}
	lab_pass(l, 30 * SECOND_MS);
	a_fault(l, "api", "refuse", 1000000);
	lab_must(l, "drop", "%s", "{}");
	lab_pass(l, 3 * HOUR_MS);
	for (int i = 0; i < 12; i++)
		assert_int_equal(inquiry_of(l, ids[i])->state, INQUIRY_SILENT);
	lab_must(l, "heal", "%s", "{}");
	lab_pass(l, 10 * MINUTE_MS);
	for (int i = 0; i < 12; i++)
		expect_incident(l, ids[i], "silence");
	int64_t id = trouble_case(l, "slack-down");
	assert_int_equal(incidents(l, id, ""), 1);
	assert_false(trouble_lasts(l, "slack-down"));
}

int stories_of_the_socket(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_refresh_loses_no_click),
		STORY(an_acknowledgement_waits_for_a_socket),
		STORY(a_crowd_costs_no_live_socket),
		STORY(socket_mode_switched_off_is_told),
		STORY(a_half_open_socket_is_noticed),
		STORY(a_socket_without_a_greeting_is_given_up),
		STORY(a_url_is_asked_for_without_end),
		STORY(ghosts_that_stay_are_told),
		STORY(a_house_full_of_ghosts_is_told),
		STORY(our_own_ghost_wakes_nobody),
		STORY(odd_frames_harm_nothing),
		STORY(a_window_that_does_not_open_is_told),
		STORY(an_outage_is_one_page_beside_the_others),
	};
	return cmocka_run_group_tests_name("the socket", tests, NULL, NULL);
}
