/* The life of the socket to Slack, story by story: how a session begins, is watched, replaced and
 * ended. */
#include "tests/unit/test_slack_link.h"

static void a_session_begins(void **state)
{
	(void)state;
	assert_int_equal(link_due_ms(w.l), NEVER_MS);
	EXPECT(TIMER, "");
	EXPECT(EV(.kind = LINK_START), "ask");
	EXPECT(EV(.kind = LINK_START), "");
	EXPECT(EV(.kind = LINK_URL, .url = URL), "dial 1");
	assert_int_equal(link_due_ms(w.l), w.now_ms + 20000);
	EXPECT(EV(.kind = LINK_UP, .socket = 1), "");
	assert_int_equal(link_due_ms(w.l), w.now_ms + 10000);
	assert_false(link_is_up(w.l));
	EXPECT(EV(.kind = LINK_HELLO, .socket = 1, .lives_s = 3600, .connections = 1), "");
	assert_true(link_is_up(w.l));
	assert_string_equal(w.said, "socket 1 is up, 1 counted by Slack, for 3600 s");
	assert_int_equal(link_heard_ms(w.l), w.now_ms);
	assert_int_equal(link_ack_socket(w.l, 1), 1);
	assert_int_equal(link_ack_socket(w.l, 99), 1);
}

/* A quiet workspace is no reason to reconnect; a peer that answers no ping for 30 s is. */
static void silence_is_noticed_by_our_own_pings(void **state)
{
	(void)state;
	(void)step(EV(.kind = LINK_START));
	get_up(1, 0);
	for (int i = 0; i < 100; i++) {
		assert_string_equal(wait_due(), "ping 1");
		EXPECT(EV(.kind = LINK_HEARD, .socket = 1), "");
	}
	const int64_t heard_ms = w.now_ms;
	assert_int_equal(link_heard_ms(w.l), heard_ms);
	assert_string_equal(wait_due(), "ping 1");
	assert_string_equal(wait_due(), "ping 1");
	assert_string_equal(wait_due(), "hang 1");
	assert_int_equal(w.now_ms, heard_ms + 30000);
	assert_false(link_is_up(w.l));
	assert_int_equal(link_heard_ms(w.l), 0);
	assert_int_equal(link_ack_socket(w.l, 1), 0);
	assert_non_null(strstr(w.said, "socket 1: no sign of life for 30 s; again in "));
	assert_string_equal(wait_due(), "ask");
}

/* The loop stood still for a minute: what arrived meanwhile is looked at before the clock is. */
static void a_late_pong_beats_its_deadline(void **state)
{
	(void)state;
	(void)step(EV(.kind = LINK_START));
	get_up(1, 0);
	w.now_ms += 60000;
	EXPECT(EV(.kind = LINK_HEARD, .socket = 77), "");
	EXPECT(EV(.kind = LINK_HEARD, .socket = 1), "");
	EXPECT(TIMER, "ping 1");
	assert_true(link_is_up(w.l));
}

/* Ten minutes of suspend. What lies in the kernel's buffers is from before: it proves nothing, and
 * the socket is replaced; with nothing there it is given up. */
static void who_was_asleep_trusts_no_old_socket(void **state)
{
	(void)state;
	(void)step(EV(.kind = LINK_START));
	get_up(1, 0);
	live_for(1, 61000);
	w.now_ms += 600000;
	EXPECT(EV(.kind = LINK_HEARD, .socket = 1), "");
	EXPECT(TIMER, "ping 1, ask");
	get_up(2, 0);
	w.now_ms += 3000;
	EXPECT(TIMER, "hang 1");
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "");
	live_for(2, 61000);
	w.now_ms += 600000;
	EXPECT(TIMER, "hang 2");
	assert_false(link_is_up(w.l));
}

/* slack.md 1.8: the new socket first, then the old one goes; no deaf moment. */
static void a_refresh_makes_before_it_breaks(void **state)
{
	static const char *const reasons[] = { "warning", "refresh_requested", "from next year" };

	(void)state;
	(void)step(EV(.kind = LINK_START));
	get_up(1, 0);
	for (uint64_t i = 0; i < 3; i++) {
		const uint64_t old = i + 1, new = i + 2;
		live_for(old, 61000);
		EXPECT(EV(.kind = LINK_DISCONNECT, .socket = old, .reason = reasons[i]), "ask");
		EXPECT(EV(.kind = LINK_DISCONNECT, .socket = old, .reason = reasons[i]), "");
		assert_true(link_is_up(w.l));
		get_up(new, 0);
		/* What the old one still brings is acknowledged there, for as long as Slack waits.
		 */
		assert_int_equal(link_ack_socket(w.l, old), old);
		assert_int_equal(link_ack_socket(w.l, 99), new);
		w.now_ms += 2999;
		EXPECT(TIMER, "");
		assert_int_equal(link_due_ms(w.l), w.now_ms + 1);
		w.now_ms += 1;
		EXPECT(TIMER, i == 0 ? "hang 1" : i == 1 ? "hang 2" : "hang 3");
		assert_int_equal(link_ack_socket(w.l, old), new);
		EXPECT(EV(.kind = LINK_CLOSED, .socket = old), "");
		assert_true(link_is_up(w.l));
	}
}

static void slack_may_drop_the_old_socket_itself(void **state)
{
	(void)state;
	(void)step(EV(.kind = LINK_START));
	get_up(1, 0);
	live_for(1, 61000);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "warning"), "ask");
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "");
	assert_false(link_is_up(w.l));
	get_up(2, 0);
	assert_string_equal(wait_due(), "ping 2");
}

/* The replacement dies within the moment in which the old one lingers: the old one stays. */
static void the_old_socket_stays_when_the_new_one_dies(void **state)
{
	(void)state;
	(void)step(EV(.kind = LINK_START));
	get_up(1, 0);
	live_for(1, 61000);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "warning"), "ask");
	get_up(2, 0);
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 2), "");
	assert_true(link_is_up(w.l));
	assert_string_equal(wait_due(), "ask");
	w.now_ms += 3000;
	EXPECT(TIMER, "");
	assert_true(link_is_up(w.l));
	get_up(3, 0);
	w.now_ms += 3000;
	EXPECT(TIMER, "hang 1");
}

/* Both are told to go before the old one has gone: it goes in time and makes room for a third. */
static void two_that_leave_do_not_block_a_third(void **state)
{
	(void)state;
	(void)step(EV(.kind = LINK_START));
	get_up(1, 0);
	live_for(1, 61000);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "warning"), "ask");
	get_up(2, 0);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 2, .reason = "warning"), "");
	w.now_ms += 3000;
	EXPECT(TIMER, "hang 1");
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "ask");
	get_up(3, 0);
}

static void we_replace_it_ourselves_at_nine_tenths(void **state)
{
	int64_t earliest = INT64_MAX, latest = 0;

	for (int i = 0; i < 200; i++) {
		(void)begin(state);
		w.chance.bytes[1] = (uint8_t)i;
		(void)step(EV(.kind = LINK_START));
		get_up(1, 1000);
		const int64_t up_ms = w.now_ms;
		const char *words = "";
		while (strstr(words, "ask") == NULL) {
			words = wait_due();
			const struct link_event heard = on(LINK_HEARD, 1);
			if (strstr(words, "ask") == NULL)
				(void)step(&heard);
		}
		const int64_t lived_ms = w.now_ms - up_ms;
		earliest = lived_ms < earliest ? lived_ms : earliest;
		latest = lived_ms > latest ? lived_ms : latest;
		assert_true(link_is_up(w.l));
		(void)end(state);
	}
	assert_true(earliest >= 850000 && earliest < 870000);
	assert_true(latest <= 950000 && latest > 930000);
	(void)begin(state);
}

/* "Lives 1 s" must not become a reconnect a second. */
static void a_session_is_never_replaced_in_its_first_minute(void **state)
{
	(void)state;
	(void)step(EV(.kind = LINK_START));
	get_up(1, 1);
	for (int i = 0; i < 5; i++) {
		assert_string_equal(wait_due(), "ping 1");
		EXPECT(EV(.kind = LINK_HEARD, .socket = 1), "");
	}
	assert_string_equal(wait_due(), "ping 1, ask");
}

static void what_we_wait_for_is_bounded(void **state)
{
	(void)state;
	(void)step(EV(.kind = LINK_START));
	EXPECT(EV(.kind = LINK_URL, .url = URL), "dial 1");
	w.now_ms += 19999;
	EXPECT(TIMER, "");
	w.now_ms += 1;
	EXPECT(TIMER, "hang 1");
	assert_non_null(strstr(w.said, "socket 1: not connected within 20 s"));
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "");
	assert_string_equal(wait_due(), "ask");

	EXPECT(EV(.kind = LINK_URL, .url = URL), "dial 2");
	EXPECT(EV(.kind = LINK_UP, .socket = 2), "");
	w.now_ms += 5000;
	EXPECT(EV(.kind = LINK_HEARD, .socket = 2), ""); /* a ping of Slack's is no hello */
	w.now_ms += 5000;
	EXPECT(TIMER, "hang 2");
	assert_non_null(strstr(w.said, "socket 2: no hello within 10 s"));

	/* Nobody reports the close: after 5 s the slot is ours again. */
	while (strstr(wait_due(), "ask") == NULL)
		;
	assert_true(w.now_ms <= 60000);
	/* The answer to the question is lost: after a minute we ask again. */
	const int64_t asked_ms = w.now_ms;
	while (strstr(wait_due(), "ask") == NULL)
		;
	assert_true(w.now_ms >= asked_ms + 60000 && w.now_ms < asked_ms + 70000);
}

static void what_comes_from_the_past_changes_nothing(void **state)
{
	static const enum link_event_kind kinds[] = { LINK_UP, LINK_HELLO, LINK_HEARD,
						      LINK_DISCONNECT, LINK_CLOSED };

	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	get_up(1, 0);
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "");
	assert_string_equal(wait_due(), "ask");
	get_up(2, 0);
	w.now_ms += 5000;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (uint64_t socket = 0; socket <= 3; socket += socket == 1 ? 2 : 1) {
			struct link_event ev = on(kinds[i], socket);
			const int64_t due_ms = link_due_ms(w.l), heard_ms = link_heard_ms(w.l);
			ev.reason = "too_many_websockets";
			EXPECT(&ev, "");
			assert_true(link_is_up(w.l));
			assert_int_equal(link_due_ms(w.l), due_ms);
			assert_int_equal(link_heard_ms(w.l), heard_ms);
		}
	}
	/* An answer nobody asked for (ours was given up) dials nothing and delays nothing. */
	EXPECT(EV(.kind = LINK_URL, .url = URL), "");
	EXPECT(EV(.kind = LINK_NO_URL, .is_fatal = true), "");
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 2), "");
	assert_true(link_due_ms(w.l) <= w.now_ms + 2000);
}

/* Frames of a socket may still be in the batch when it has been hung up. */
static void a_socket_that_was_hung_up_is_past(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	get_up(1, 0);
	const int said_n = w.said_n;
	EXPECT(EV(.kind = LINK_UP, .socket = 1), "");
	EXPECT(EV(.kind = LINK_HELLO, .socket = 1, .connections = 1), "");
	assert_true(link_is_up(w.l));
	assert_int_equal(w.said_n, said_n);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "link_disabled"), "hang 1");
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "link_disabled"), "");
	EXPECT(EV(.kind = LINK_UP, .socket = 1), "");
	EXPECT(EV(.kind = LINK_HELLO, .socket = 1, .connections = 1), "");
	assert_false(link_is_up(w.l));
	assert_int_equal(link_ack_socket(w.l, 1), 0);
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "");
	assert_int_equal(link_due_ms(w.l), w.now_ms + 300000);
}

static void a_url_we_cannot_hold_is_a_failure(void **state)
{
	char url[1025];

	(void)state;
	memset(url, 'x', sizeof(url));
	url[1024] = '\0';
	EXPECT(EV(.kind = LINK_START), "ask");
	EXPECT(EV(.kind = LINK_URL, .url = url), "");
	assert_string_equal(wait_due(), "ask");
	EXPECT(EV(.kind = LINK_URL, .url = ""), "");
	assert_string_equal(wait_due(), "ask");
	url[1023] = '\0';
	link_step(w.l, EV(.kind = LINK_URL, .url = url), w.now_ms, &w.chance, &w.acts);
	assert_int_equal(w.acts.n, 1);
	assert_string_equal(w.acts.at[0].url, url);
}

static void the_end_says_goodbye_to_all(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	get_up(1, 0);
	live_for(1, 61000);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "warning"), "ask");
	EXPECT(EV(.kind = LINK_URL, .url = URL), "dial 2");
	assert_false(link_is_over(w.l));
	EXPECT(EV(.kind = LINK_STOP), "hang 1, hang 2");
	EXPECT(EV(.kind = LINK_STOP), "");
	assert_false(link_is_over(w.l));
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 2), "");
	assert_false(link_is_over(w.l));
	assert_string_equal(wait_due(), ""); /* nobody reports the other */
	assert_true(link_is_over(w.l));
	EXPECT(EV(.kind = LINK_START), "");
	assert_int_equal(link_due_ms(w.l), NEVER_MS);
}

static void an_answer_after_the_end_is_not_dialled(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	EXPECT(EV(.kind = LINK_STOP), "");
	assert_true(link_is_over(w.l));
	EXPECT(EV(.kind = LINK_URL, .url = URL), "");
	EXPECT(TIMER, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_session_begins),
		STORY(silence_is_noticed_by_our_own_pings),
		STORY(a_late_pong_beats_its_deadline),
		STORY(who_was_asleep_trusts_no_old_socket),
		STORY(a_refresh_makes_before_it_breaks),
		STORY(slack_may_drop_the_old_socket_itself),
		STORY(the_old_socket_stays_when_the_new_one_dies),
		STORY(two_that_leave_do_not_block_a_third),
		cmocka_unit_test_teardown(we_replace_it_ourselves_at_nine_tenths, end),
		STORY(a_session_is_never_replaced_in_its_first_minute),
		STORY(what_we_wait_for_is_bounded),
		STORY(what_comes_from_the_past_changes_nothing),
		STORY(a_socket_that_was_hung_up_is_past),
		STORY(a_url_we_cannot_hold_is_a_failure),
		STORY(the_end_says_goodbye_to_all),
		STORY(an_answer_after_the_end_is_not_dialled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
