/* The loop is never deaf: while name look-ups hang, clicks are acknowledged at once; and the
 * environment's proxies lead nowhere. The real bot against the real sandbox. */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/live.h"

enum { CLICKS = 50, ACK_MS_MAX = 100, PERSONS = 5, LOOKUPS_MIN = 2 };

#ifdef __SANITIZE_ADDRESS__
static const bool has_sanitizer = true;
#else
static const bool has_sanitizer = false;
#endif

struct world {
	struct live *live;
	char preload[4096];
	const char *env[8];
	int dead_fd;
};

static int tear_down(void **state)
{
	struct world *w = *state;
	live_close(w->live);
	if (w->dead_fd >= 0)
		(void)close(w->dead_fd);
	free(w);
	return 0;
}

static int open_with(struct world *w, const struct live_options *o, void **state)
{
	w->live = live_open(o);
	*state = w;
	if (w->live)
		return 0;
	(void)tear_down(state);
	return -1;
}

static int set_up_slow(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char self[3900];
	w->dead_fd = -1;
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	(void)snprintf(w->preload, sizeof(w->preload), "LD_PRELOAD=%s/preload_lookup.so", self);
	w->env[0] = w->preload;
	/* The pager has a name, too, and nobody knows it. */
	const struct live_options o = { .api_host = "localhost",
					.pager_url = "https://pager.slow.test/v2",
					.env = has_sanitizer ? NULL : w->env };
	return open_with(w, &o, state);
}

static void ask(struct live *l, const char *id, const char *user, const char *channel)
{
	const char *body = live_alert(l, "process", id, user, 3);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
	LIVE_UNTIL(l, LIVE_PATIENCE, live_button(live_message(live_state(l), channel, id), "no"));
}

/* Slack asks for a new socket, or, where there are two already, one is lost: either way an address
 * is looked up. */
static void new_socket(struct live *l)
{
	struct cJSON *args = json_object();
	const struct cJSON *sockets = json_key(live_state(l), "sockets"), *first = NULL;
	size_t up = 0;
	for (const struct cJSON *s = json_first(sockets); s; s = json_next(s))
		if (json_true(json_key(s, "up"))) {
			first = up++ ? first : s;
		}
	if (up == 2)
		json_put(args, "socket", json_copy(json_key(first, "id")));
	else
		json_put_text(args, "reason", "warning");
	json_free(live_control(l, up == 2 ? "drop" : "disconnect", args));
}

/* A lost socket is dialled anew after a pause that chance makes long or short: the clicks wait for
 * their share of look-ups. */
static bool has_share(struct live *l, size_t before, size_t share)
{
	if (live_log_count(l, "preload.lookup name=127.0.0.1") - before >= share)
		return true;
	new_socket(l);
	(void)poll(NULL, 0, 100);
	return false;
}

/* "While a resolver sleeps 800 ms, 50 clicks are acknowledged in under 100 ms each": sockets are
 * replaced and pages are sent all the while, and each needs a look-up. */
static void test_slow_resolver(void **state)
{
	static const char *const persons[PERSONS][3] = {
		{ "U0ALICE01", "alice@duff.example", "D0ALICE01" },
		{ "U0BOB0001", "bob@duff.example", "D0BOB0001" },
		{ "U0DANA001", "dana@duff.example", "D0DANA001" },
		{ "U0MONA001", "mona@duff.example", "D0MONA001" },
		{ "U0EVE0001", "eve@duff.example", "D0EVE0001" },
	};
	struct world *w = *state;
	struct live *l = w->live;
	char words[CLICKS][20];
	if (has_sanitizer) {
		print_message("SKIP: the sanitizer's own preload has to come first\n");
		live_passed(l);
		skip();
	}
	live_playbook(l, "process", NULL, 0);
	live_bot_start(l);
	live_bot_ready(l);
	for (int i = 0; i < CLICKS; i++) {
		(void)snprintf(words[i], sizeof(words[i]), "tool-%02d", i);
		ask(l, words[i], persons[i % PERSONS][1], persons[i % PERSONS][2]);
	}
	const size_t before_ws = live_log_count(l, "preload.lookup name=127.0.0.1"),
		     before_http = live_log_count(l, "preload.lookup name=pager.slow.test");
	int64_t most_ms = 0;
	for (int i = 0; i < CLICKS; i++) {
		const char *const *p = persons[i % PERSONS];
		int64_t ms = 0;
		if (i % 5 == 0)
			new_socket(l);
		LIVE_UNTIL(l, LIVE_PATIENCE,
			   has_share(l, before_ws, (size_t)i * LOOKUPS_MIN / (CLICKS - 1)));
		const struct cJSON *m = live_message(live_state(l), p[2], words[i]);
		const char *envelope = live_click(l, p[0], p[2], m, "no");
		assert_string_not_equal(envelope, "");
		LIVE_UNTIL(l, LIVE_PATIENCE, live_ack(live_ledger(l), envelope));
		assert_true(json_int(json_key(live_ack(live_ledger(l), envelope), "ms"), &ms));
		most_ms = ms > most_ms ? ms : most_ms;
		(void)poll(NULL, 0, 60); /* so that look-ups come and go */
	}
	const size_t ws = live_log_count(l, "preload.lookup name=127.0.0.1") - before_ws,
		     http = live_log_count(l, "preload.lookup name=pager.slow.test") - before_http;
	print_message("%d clicks, the slowest acknowledged in %lld ms; look-ups of 800 ms "
		      "meanwhile: %zu for sockets, %zu for pages\n",
		      CLICKS, (long long)most_ms, ws, http);
	assert_true(most_ms < ACK_MS_MAX * live_slow());
	assert_true(ws >= LOOKUPS_MIN);
	assert_true(http >= LOOKUPS_MIN);
	live_passed(l);
}

/* --- proxies --- */

static int set_up_proxy(void **state)
{
	static char text[6][64];
	static const char *const names[6] = { "http_proxy",  "https_proxy", "all_proxy",
					      "HTTPS_PROXY", "ALL_PROXY",   "HTTP_PROXY" };
	struct world *w = calloc(1, sizeof(*w));
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	*state = w;
	/* Bound and never listened on: nobody else gets the port, and it refuses. */
	w->dead_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(w->dead_fd, (struct sockaddr *)&at, n) != 0 ||
	    getsockname(w->dead_fd, (struct sockaddr *)&at, &n) != 0) {
		(void)tear_down(state);
		return -1;
	}
	for (size_t i = 0; i < 6; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%s=http://127.0.0.1:%d", names[i],
			       ntohs(at.sin_port));
		w->env[i] = text[i];
	}
	const struct live_options o = { .env = w->env };
	return open_with(w, &o, state);
}

/* "`http_proxy` pointing at a dead port changes nothing": a whole inquiry, to the page. */
static void test_dead_proxy(void **state)
{
	struct world *w = *state;
	struct live *l = w->live;
	live_playbook(l, "process", NULL, 0);
	live_bot_start(l);
	live_bot_ready(l);
	ask(l, "tool-1", "bob@duff.example", "D0BOB0001");
	const struct cJSON *m = live_message(live_state(l), "D0BOB0001", "tool-1");
	const char *envelope = live_click(l, "U0BOB0001", "D0BOB0001", m, "no");
	LIVE_UNTIL(l, LIVE_PATIENCE, live_ack(live_ledger(l), envelope));
	LIVE_UNTIL(l, LIVE_PATIENCE, live_incidents(live_state(l), "answered-no") == 1);
	LIVE_UNTIL(l, LIVE_PATIENCE, live_message(live_state(l), "D0BOB0001", "was paged at"));
	assert_int_equal(live_bot_stop(l), 0);
	live_passed(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_slow_resolver, set_up_slow, tear_down),
		cmocka_unit_test_setup_teardown(test_dead_proxy, set_up_proxy, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
