/* Connections that Slack counts and we don't have: clicks go there and nobody gets them. */
#include "tests/unit/test_slack_link.h"

static void say_hello(uint64_t socket, int64_t connections)
{
	char dial[32];

	(void)snprintf(dial, sizeof(dial), "dial %d", (int)socket);
	EXPECT(EV(.kind = LINK_URL, .url = URL), dial);
	EXPECT(EV(.kind = LINK_UP, .socket = socket), "");
	EXPECT(EV(.kind = LINK_HELLO, .socket = socket, .connections = connections), "");
}

/* Alive until the link asks for a URL. */
static void live_until_it_asks(uint64_t socket)
{
	const struct link_event heard = on(LINK_HEARD, socket);

	while (strstr(wait_due(), "ask") == NULL)
		(void)step(&heard);
}

/* Our own death left one; Slack forgets it in minutes: no alarm, and one replacement. */
static void a_ghost_of_ours_fades(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	say_hello(1, 2);
	assert_int_equal(link_ghosts(w.l), GHOSTS_SUSPECTED);
	const int64_t from_ms = w.now_ms;
	live_until_it_asks(1);
	assert_int_equal(w.now_ms, from_ms + 600000);
	say_hello(2, 2); /* the old one and this */
	assert_int_equal(link_ghosts(w.l), GHOSTS_NONE);
	w.now_ms += 3000;
	EXPECT(TIMER, "hang 1");
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "");
	const int said_n = w.said_n;
	live_for(2, 3600000);
	assert_int_equal(w.said_n, said_n);
}

/* They stay: told once, nothing is churned, and over when a later hello counts none. */
static void ghosts_that_stay_are_told_once(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	say_hello(1, 4);
	live_until_it_asks(1);
	say_hello(2, 5);
	assert_int_equal(link_ghosts(w.l), GHOSTS_SURE);
	w.now_ms += 3000;
	EXPECT(TIMER, "hang 1");
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "");
	const int said_n = w.said_n;
	live_for(2, 6 * 3600000);
	assert_int_equal(w.said_n, said_n);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 2, .reason = "warning"), "ask");
	say_hello(3, 5);
	assert_int_equal(link_ghosts(w.l), GHOSTS_SURE);
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 2), "");
	live_for(3, 61000);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 3, .reason = "warning"), "ask");
	say_hello(4, 2);
	assert_int_equal(link_ghosts(w.l), GHOSTS_NONE);
}

/* Ten are all that Slack takes: another socket would only be refused. */
static void a_full_house_is_not_counted_again(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	say_hello(1, 10);
	live_for(1, 599999);
	assert_int_equal(link_ghosts(w.l), GHOSTS_SUSPECTED);
	live_for(1, 20000);
	assert_int_equal(link_ghosts(w.l), GHOSTS_SURE);
	assert_string_equal(w.said,
			    "Slack counts 9 sockets that are not ours: clicks may get lost there");
	assert_true(link_is_up(w.l));
}

/* No second hello comes: the suspicion does not wait for ever. */
static void a_recount_that_fails_is_an_answer(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	say_hello(1, 3);
	live_until_it_asks(1);
	for (int i = 0; i < 200 && link_ghosts(w.l) != GHOSTS_SURE; i++) {
		EXPECT(EV(.kind = LINK_NO_URL), "");
		live_until_it_asks(1);
	}
	assert_int_equal(link_ghosts(w.l), GHOSTS_SURE);
	assert_true(link_is_up(w.l));
}

static void the_two_sockets_of_a_replacement_are_no_ghosts(void **state)
{
	(void)state;
	EXPECT(EV(.kind = LINK_START), "ask");
	get_up(1, 0);
	live_for(1, 61000);
	EXPECT(EV(.kind = LINK_DISCONNECT, .socket = 1, .reason = "warning"), "ask");
	EXPECT(EV(.kind = LINK_URL, .url = URL), "dial 2");
	EXPECT(EV(.kind = LINK_UP, .socket = 2), "");
	EXPECT(EV(.kind = LINK_HELLO, .socket = 2, .connections = 2), "");
	EXPECT(EV(.kind = LINK_CLOSED, .socket = 1), "");
	const int said_n = w.said_n;
	live_for(2, 3600000);
	assert_int_equal(w.said_n, said_n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_ghost_of_ours_fades),
		STORY(ghosts_that_stay_are_told_once),
		STORY(a_full_house_is_not_counted_again),
		STORY(a_recount_that_fails_is_an_answer),
		STORY(the_two_sockets_of_a_replacement_are_no_ghosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
