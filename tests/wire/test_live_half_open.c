/* A socket that looks well and carries nothing any more, as behind a router that forgot it: the bot
 * notices by its own pings within thirty seconds, says goodbye all the same, and what is clicked
 * then counts. The real bot against the real sandbox. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/live.h"

enum { NOTICED_MS_MAX = 45 * 1000 }; /* 30 s of silence, a ping's distance, and the new socket */

static int set_up(void **state)
{
	*state = live_open(&(struct live_options){ 0 });
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	live_close(*state);
	return 0;
}

static int64_t sockets(struct live *l, const char *what)
{
	int64_t n = -1;
	CLEANUP(json_done) struct cJSON *j = live_control(l, "sockets", NULL);
	assert_true(json_int(json_key(j, what), &n));
	return n;
}

static void fault(struct live *l, const char *kind)
{
	struct cJSON *args = json_object();
	json_put_text(args, "where", "socket");
	json_put_text(args, "kind", kind);
	json_put_num(args, "count", 1);
	json_free(live_control(l, "fault", args));
}

static void test_half_open(void **state)
{
	struct live *l = *state;
	live_playbook(l, "process", NULL, 0);
	live_bot_start(l);
	live_bot_ready(l);
	const char *body = live_alert(l, "process", "tool-1", "alice@duff.example", 4);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
	LIVE_UNTIL(l, LIVE_PATIENCE,
		   live_button(live_message(live_state(l), "D0ALICE01", "tool-1"), "yes"));
	const struct cJSON *m = live_message(live_state(l), "D0ALICE01", "tool-1");

	fault(l, "half_open");
	const int64_t begun_ms = live_now_ms();
	const char *lost = live_click(l, "U0ALICE01", "D0ALICE01", m, "yes");
	assert_string_not_equal(lost, "");
	LIVE_UNTIL(l, NOTICED_MS_MAX, sockets(l, "greeted") == 2);
	const int64_t took_ms = live_now_ms() - begun_ms;
	print_message("another socket stood after %" PRId64 " ms, %" PRId64 " ms of them deaf\n",
		      took_ms, sockets(l, "deaf_ms"));
	assert_non_null(strstr(live_log(l), "no sign of life for 30 s"));
	assert_null(live_ack(live_ledger(l), lost));

	/* The way is free again: behind the silence lay a Close frame. */
	json_free(live_control(l, "heal", NULL));
	LIVE_UNTIL(l, LIVE_PATIENCE, sockets(l, "closed") == 1);
	assert_int_equal(sockets(l, "lost"), 0);
	m = live_message(live_state(l), "D0ALICE01", "tool-1");
	const char *again = live_click(l, "U0ALICE01", "D0ALICE01", m, "yes");
	LIVE_UNTIL(l, LIVE_PATIENCE, live_ack(live_ledger(l), again));
	LIVE_UNTIL(l, LIVE_PATIENCE, live_message(live_state(l), LIVE_CHANNEL, "P4: closed"));
	assert_int_equal(live_bot_stop(l), 0);
	assert_int_equal(sockets(l, "closed"), 2);
	live_passed(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_half_open, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
