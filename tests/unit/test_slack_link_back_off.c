/* How long the link waits after what, and when it may start afresh. */
#include "tests/unit/test_slack_link.h"

/* Full jitter under a ceiling that doubles from 1 s to 60 s and is reached. */
static void failures_back_off(void **state)
{
	int64_t longest[12] = { 0 };

	for (int i = 0; i < 250; i++) {
		(void)begin(state);
		w.chance.bytes[1] = (uint8_t)i;
		EXPECT(EV(.kind = LINK_START), "ask");
		for (int n = 0; n < 12; n++) {
			EXPECT(EV(.kind = LINK_NO_URL), "");
			const int64_t wait_ms = link_due_ms(w.l) - w.now_ms;
			const int64_t cap_ms = n < 6 ? INT64_C(1000) << n : 60000;
			assert_true(wait_ms >= 1 && wait_ms <= cap_ms);
			if (wait_ms > longest[n])
				longest[n] = wait_ms;
			w.now_ms += wait_ms - 1;
			EXPECT(TIMER, "");
			w.now_ms += 1;
			EXPECT(TIMER, "ask");
		}
		(void)end(state);
	}
	for (int n = 0; n < 12; n++)
		assert_true(longest[n] > (n < 6 ? INT64_C(1000) << n : 60000) * 9 / 10);
	(void)begin(state);
}

/* How long after ev until the link asks for a URL again. */
static int64_t wait_of(const struct link_event *ev, const char *words)
{
	const int64_t from_ms = w.now_ms;

	EXPECT(ev, words);
	const struct link_event closed = on(LINK_CLOSED, ev->socket);
	if (words[0] != '\0') /* hung up: io reports the close */
		EXPECT(&closed, "");
	while (strstr(wait_due(), "ask") == NULL)
		;
	return w.now_ms - from_ms;
}

/* Each reason has its least wait; none is retried in a tight loop. */
static void some_failures_wait_longer(void **state)
{
	static const struct {
		struct link_event ev;
		int64_t least_ms, most_ms;
		const char *said;
	} cases[] = {
		{ { .kind = LINK_DISCONNECT, .socket = 1, .reason = "too_many_websockets" },
		  60000,
		  120000,
		  "Slack closes socket 1 (too_many_websockets); again in " },
		{ { .kind = LINK_DISCONNECT, .socket = 1, .reason = "link_disabled" },
		  300000,
		  300000,
		  "Slack closes socket 1 (link_disabled); again in 300000 ms" },
		{ { .kind = LINK_CLOSED, .socket = 1 }, 1, 2000, "socket 1 is gone; again in " },
		/* Told to go right after hello, again and again: that is a storm. */
		{ { .kind = LINK_DISCONNECT, .socket = 1, .reason = "refresh_requested" },
		  1,
		  2000,
		  "socket 1 is up" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)begin(state);
		(void)step(EV(.kind = LINK_START));
		get_up(1, 0);
		const bool hangs = cases[i].least_ms >= 60000;
		const int64_t wait_ms = wait_of(&cases[i].ev, hangs ? "hang 1" : "");
		assert_true(wait_ms >= cases[i].least_ms && wait_ms <= cases[i].most_ms);
		assert_non_null(strstr(w.said, cases[i].said));
		(void)end(state);
	}
	(void)begin(state);
}

static void no_url_waits_as_slack_wishes(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	EXPECT(EV(.kind = LINK_NO_URL, .retry_ms = 30000), "");
	assert_int_equal(link_due_ms(w.l), w.now_ms + 30000);
	assert_string_equal(wait_due(), "ask");
	EXPECT(EV(.kind = LINK_NO_URL, .is_fatal = true), "");
	assert_int_equal(link_due_ms(w.l), w.now_ms + 300000);
	assert_string_equal(w.said, "no URL until somebody acts; again in 300000 ms");
	/* It never gives up. */
	for (int i = 0; i < 1000; i++) {
		assert_string_equal(wait_due(), "ask");
		EXPECT(EV(.kind = LINK_NO_URL, .is_fatal = true, .retry_ms = 400000), "");
		assert_int_equal(link_due_ms(w.l), w.now_ms + 400000);
	}
}

/* java-slack-sdk 1223: a hello alone proves nothing. A session that lived for a minute does. */
static void only_a_session_that_lasts_resets_the_back_off(void **state)
{
	int64_t longest_ms = 0;

	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	for (uint64_t i = 1; i <= 40; i++) {
		get_up(i, 0);
		w.now_ms += 9000;
		const int64_t wait_ms = wait_of(EV(.kind = LINK_CLOSED, .socket = i), "");
		longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
	}
	assert_true(longest_ms > 40000 && longest_ms <= 60000);
	get_up(41, 0);
	live_for(41, 60000);
	assert_true(wait_of(EV(.kind = LINK_CLOSED, .socket = 41), "") <= 1000);
}

/* A good old session must not make the failures of its replacement look like the first ones. */
static void a_standing_session_resets_once(void **state)
{
	int64_t longest_ms = 0;

	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	get_up(1, 0);
	live_for(1, 61000);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "warning"), "ask");
	for (int i = 0; i < 30; i++) {
		EXPECT(EV(.kind = LINK_NO_URL), "");
		const int64_t failed_ms = w.now_ms;
		while (strstr(wait_due(), "ask") == NULL)
			EXPECT(EV(.kind = LINK_HEARD, .socket = 1), "");
		if (w.now_ms - failed_ms > longest_ms)
			longest_ms = w.now_ms - failed_ms;
		EXPECT(EV(.kind = LINK_HEARD, .socket = 1), "");
	}
	assert_true(link_is_up(w.l));
	assert_true(longest_ms > 40000);
}

/* The socket that leaves dies while the crowd is waited for: no reason to come back earlier. */
static void an_agreed_wait_is_never_shortened(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	get_up(1, 0);
	live_for(1, 61000);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "warning"), "ask");
	get_up(2, 0);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 2, .reason = "too_many_websockets"), "hang 2");
	const int64_t crowded_ms = w.now_ms;
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 2), "");
	while (link_is_up(w.l)) /* 30 s of silence */
		(void)wait_due();
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "");
	assert_string_equal(wait_due(), "ask");
	assert_true(w.now_ms >= crowded_ms + 60000);
}

/* Told to go five times: still one failure. */
static void a_repeated_warning_counts_once(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	get_up(1, 0);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "warning"), "");
	const int64_t due_ms = link_due_ms(w.l);
	for (int i = 0; i < 5; i++) {
		EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "warning"), "");
		assert_int_equal(link_due_ms(w.l), due_ms);
	}
}

/* Slack replaces its containers one after the other, and we are always on the next one to go: the
 * back-off must not grow beyond the ten seconds that Slack gives. */
static void a_row_of_warnings_leaves_nobody_deaf(void **state)
{
	char hang[16];

	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	get_up(1, 0);
	for (uint64_t i = 1; i <= 40; i++) {
		const int64_t from_ms = w.now_ms;
		EXPECT(EV(.kind = LINK_DISCONNECT, .socket = i, .reason = "warning"), "");
		while (strstr(wait_due(), "ask") == NULL)
			;
		assert_true(w.now_ms - from_ms <= 2000);
		get_up(i + 1, 0);
		(void)snprintf(hang, sizeof(hang), "hang %d", (int)i);
		while (strcmp(wait_due(), hang) != 0)
			;
		EXPECT(EV(.kind = LINK_CLOSED, .socket = i), "");
		assert_true(link_is_up(w.l));
	}
	/* One that is lost is not taken for the fortieth. */
	assert_true(wait_of(EV(.kind = LINK_CLOSED, .socket = 41), "") <= 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(failures_back_off, end),
		cmocka_unit_test_teardown(some_failures_wait_longer, end),
		STORY(no_url_waits_as_slack_wishes),
		STORY(only_a_session_that_lasts_resets_the_back_off),
		STORY(an_agreed_wait_is_never_shortened),
		STORY(a_repeated_warning_counts_once),
		STORY(a_standing_session_resets_once),
		STORY(a_row_of_warnings_leaves_nobody_deaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
