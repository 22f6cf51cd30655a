/* /healthz and /readyz through the real turn, under a clock of the test: a bot that Slack can't
 * reach, or that can't store, or that leaves work lying about, says so; and takes it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/when.h"
#include "lib/lab.h"
#include "model/policy.h"
#include "store/inside.h"
#include "turn.h"

#define T0 INT64_C(1800000000000)

struct scene {
	char folder[64], path[96], crumb[CRUMB_BYTES];
	struct policy policy;
	struct source sources[1];
	struct store *store;
	struct turn *turn;
	struct net net;
	int64_t now_ms;
	uint64_t asked, answered;
	int status, retry_after_s;
	char body[1024];
	bool is_slack_up, is_slack_silent;
	/* What Slack says to what the turn asked; handed over before the next turn. */
	uint64_t auth, url, dialed, pinged;
};

static void net_http(void *self, uint64_t ticket, const struct request *rq)
{
	struct scene *s = self;
	if (strstr(rq->url, "auth.test"))
		s->auth = ticket;
	if (strstr(rq->url, "apps.connections.open"))
		s->url = ticket;
}
static void net_answer(void *self, uint64_t ticket, int status, struct str body, int retry_after_s)
{
	struct scene *s = self;
	s->answered = ticket;
	s->status = status;
	s->retry_after_s = retry_after_s;
	(void)snprintf(s->body, sizeof(s->body), "%.*s", STR_ARG(body));
}
static void net_dial(void *self, uint64_t socket, const char *url)
{
	(void)url;
	((struct scene *)self)->dialed = socket;
}
static void net_frame(void *self, uint64_t socket, struct str text)
{
	(void)self;
	(void)socket;
	(void)text;
}
static void net_ping(void *self, uint64_t socket) { ((struct scene *)self)->pinged = socket; }
static void net_hang_up(void *self, uint64_t socket, int code)
{
	(void)self;
	(void)socket;
	(void)code;
}

static void take(struct scene *s, struct arrival a) { assert_true(turn_take(s->turn, &a)); }

static void reply(struct scene *s, uint64_t *ticket, const char *body)
{
	struct arrival a = { .kind = ARRIVAL_REPLY, .ticket = *ticket };
	if (*ticket == 0)
		return;
	a.reply.status = s->is_slack_up ? 200 : 0;
	a.reply.retry_after_s = -1;
	a.reply.body = s->is_slack_up ? str_z(body) : STR("");
	a.reply.error = s->is_slack_up ? "" : "connection refused";
	*ticket = 0;
	take(s, a);
}

static void slack_answers(struct scene *s)
{
	static const char hello[] = "{\"type\":\"hello\",\"num_connections\":1,\"debug_info\":"
				    "{\"approximate_connection_time\":18060},"
				    "\"connection_info\":{\"app_id\":\"A0SANDBOX\"}}";
	reply(s, &s->auth,
	      "{\"ok\":true,\"team_id\":\"T0SANDBOX\",\"user_id\":\"U0BOT\",\"bot_id\":\"B0\"}");
	reply(s, &s->url, "{\"ok\":true,\"url\":\"ws://127.0.0.1:1/link\"}");
	if (s->dialed && s->is_slack_up) {
		take(s, (struct arrival){ .kind = ARRIVAL_OPENED, .ticket = s->dialed });
		take(s, (struct arrival){ .kind = ARRIVAL_FRAME,
					  .ticket = s->dialed,
					  .frame = str_z(hello) });
	} else if (s->dialed)
		take(s, (struct arrival){ .kind = ARRIVAL_CLOSED, .ticket = s->dialed });
	s->dialed = 0;
	if (s->pinged && !s->is_slack_silent)
		take(s, (struct arrival){ .kind = ARRIVAL_HEARD, .ticket = s->pinged });
	s->pinged = 0;
}

static int64_t live_on(struct scene *s)
{
	const struct clocks c = { .wall_ms = s->now_ms, .boot_ms = s->now_ms - T0 + 5000 };
	slack_answers(s);
	const int64_t due = turn_run(s->turn, &c);
	assert_true(due >= 0);
	return s->auth || s->url || s->dialed || s->pinged ? s->now_ms : due;
}

static void pass(struct scene *s, int64_t ms)
{
	const int64_t end_ms = s->now_ms + ms;
	for (int64_t due; (due = live_on(s)) <= end_ms;)
		s->now_ms = due > s->now_ms ? due : s->now_ms + 1;
	s->now_ms = end_ms;
}

static void ask(struct scene *s, const char *method, const char *path, const char *body)
{
	take(s, (struct arrival){ .kind = ARRIVAL_ASKED,
				  .ticket = ++s->asked,
				  .asked = { .method = method,
					     .path = path,
					     .query = "",
					     .body = str_z(body),
					     .is_local = true } });
	s->status = 0;
	(void)live_on(s);
	assert_int_equal(s->answered, s->asked);
}

static void assert_unready(struct scene *s, const char *why)
{
	ask(s, "GET", "/readyz", "");
	assert_int_equal(s->status, 503);
	assert_non_null(strstr(s->body, "\"title\":\"Service Unavailable\""));
	if (!strstr(s->body, why))
		fail_msg("wanted \"%s\": %s", why, s->body);
	ask(s, "GET", "/healthz", ""); /* a turn that finishes is healthy all the same */
	assert_int_equal(s->status, 200);
}

static void assert_ready(struct scene *s)
{
	ask(s, "GET", "/readyz", "");
	if (s->status != 200)
		fail_msg("%s", s->body);
}

static int set_up(void **state)
{
	struct scene *s = mem_new(sizeof(*s));
	struct fail fail = { 0 };
	s->now_ms = T0;
	s->is_slack_up = true;
	s->policy = *lab_policy();
	s->sources[0] = (struct source){ .name = "edr", .each = "events" };
	s->policy.sources = s->sources;
	s->policy.sources_n = 1;
	s->net = (struct net){ .self = s,
			       .http = net_http,
			       .answer = net_answer,
			       .dial = net_dial,
			       .frame = net_frame,
			       .ping = net_ping,
			       .hang_up = net_hang_up };
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/turn-ready-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	(void)snprintf(s->path, sizeof(s->path), "%s/db", s->folder);
	assert_int_equal(store_open(s->path, NULL, &s->store, &fail), RC_OK);
	const struct clocks c = { .wall_ms = s->now_ms, .boot_ms = 5000 };
	const struct turn_options o = {
		.policy = &s->policy, .store = s->store, .net = &s->net, .crumb = s->crumb
	};
	s->turn = turn_new(&o, &c, &fail);
	assert_non_null(s->turn);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	char log[128];
	turn_free(s->turn);
	store_close(s->store);
	(void)unlink(s->path);
	(void)snprintf(log, sizeof(log), "%s-wal", s->path);
	(void)unlink(log);
	assert_int_equal(rmdir(s->folder), 0);
	free(s);
	return 0;
}

static void not_before_slack_said_hello(void **state)
{
	struct scene *s = *state;
	s->is_slack_up = false;
	pass(s, 10 * SECOND_MS);
	assert_unready(s, "no live socket to Slack");
	s->is_slack_up = true;
	pass(s, 5 * MINUTE_MS);
	assert_ready(s);
}

/* A socket that is replaced is no reason; one that stays away for a minute is. */
static void a_deaf_bot_says_so_after_a_minute(void **state)
{
	struct scene *s = *state;
	pass(s, 10 * SECOND_MS);
	assert_ready(s);
	s->is_slack_up = false;
	take(s, (struct arrival){ .kind = ARRIVAL_CLOSED, .ticket = 1 });
	pass(s, 59 * SECOND_MS);
	assert_ready(s);
	pass(s, 2 * SECOND_MS);
	assert_unready(s, "no live socket to Slack for over a minute");
	s->is_slack_up = true;
	pass(s, 5 * MINUTE_MS);
	assert_ready(s);
}

/* The socket is open and nothing comes: half-open TCP. */
static void silence_is_deafness(void **state)
{
	struct scene *s = *state;
	pass(s, 10 * SECOND_MS);
	assert_ready(s);
	s->is_slack_silent = true;
	s->is_slack_up = false; /* and no other one is to be had */
	pass(s, 3 * MINUTE_MS);
	assert_unready(s, "deaf: no ");
}

/* The log of the database, which takes no write while the disk is full. */
static const sqlite3_io_methods *real_methods;
static bool disk_is_full;

static int write_log(sqlite3_file *f, const void *at, int n, sqlite3_int64 offset)
{
	return disk_is_full ? SQLITE_FULL : real_methods->xWrite(f, at, n, offset);
}

static void fill_disk(struct scene *s)
{
	static sqlite3_io_methods methods;
	sqlite3_file *log = NULL;
	assert_int_equal(
		sqlite3_file_control(s->store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log),
		SQLITE_OK);
	real_methods = log->pMethods;
	methods = *real_methods;
	methods.xWrite = write_log;
	log->pMethods = &methods;
	disk_is_full = true;
}

/* Nobody has to send anything for it: a bot that nobody sends to because it is not ready would
 * never be again. */
static void a_full_disk_is_not_ready_until_it_writes_again(void **state)
{
	struct scene *s = *state;
	pass(s, 10 * SECOND_MS);
	fill_disk(s);
	ask(s, "POST", "/v1/alerts/edr", "{}");
	assert_int_equal(s->status, 503);
	assert_int_equal(s->retry_after_s, 30);
	assert_non_null(strstr(s->body, "the disk is full; nothing was stored"));
	assert_unready(s, "the newest commit failed");
	pass(s, 30 * SECOND_MS);
	assert_unready(s, "the newest commit failed");
	disk_is_full = false;
	pass(s, 2 * SECOND_MS);
	assert_ready(s);
	ask(s, "POST", "/v1/alerts/edr", "{}");
	assert_int_equal(s->status, 202);
}

static void put(struct scene *s, struct change c, int64_t at_ms)
{
	struct arena arena = ARENA(1 << 20);
	struct fail fail = { 0 };
	const struct decision d = { .first = &c };
	assert_int_equal(store_begin(s->store, &arena, &fail), RC_OK);
	if (store_apply(s->store, &d, at_ms, &fail) != RC_OK)
		fail_msg("%s", fail.why);
	assert_int_equal(store_commit(s->store, &fail), RC_OK);
	arena_clear(&arena);
}

static void work_that_lies_about(void **state)
{
	struct scene *s = *state;
	struct change alert = { .kind = CHANGE_ALERT_NEW }, page = { .kind = CHANGE_EFFECT };
	pass(s, 10 * SECOND_MS);
	alert.as.alert = (struct alert){ .id = 90,
					 .source = "edr",
					 .digest = "d",
					 .key = "",
					 .seen = 1,
					 .first_ms = s->now_ms - 61 * SECOND_MS,
					 .body = "{}" };
	put(s, alert, s->now_ms);
	assert_unready(s, "an alert has been waiting for over a minute");
	pass(s, SECOND_MS);
	assert_ready(s);
	page.as.out.row = (struct outgoing){ .key = "a page",
					     .kind = OUT_PAGE,
					     .rank = RANK_PAGE,
					     .gate = "pagerduty",
					     .target = "silence",
					     .due_ms = s->now_ms + HOUR_MS };
	put(s, page, s->now_ms - 5 * MINUTE_MS - 1);
	assert_unready(s, "a page has not been confirmed for over five minutes");
}

/* --- several alerts in one body ------------------------------------------------------------- */

static void one_transaction_and_all_ids(void **state)
{
	struct scene *s = *state;
	const char *body = "{\"events\":[{\"n\":1},{\"n\":2},{\"n\":1}]}";
	ask(s, "POST", "/v1/alerts/edr", body);
	assert_int_equal(s->status, 202);
	assert_string_equal(s->body, "{\"id\":\"alert-1\",\"ids\":[\"alert-1\",\"alert-2\","
				     "\"alert-1\"],\"status\":\"accepted\"}");
	ask(s, "POST", "/v1/alerts/edr", "{\"events\":[{\"n\":2},{\"n\":3}]}");
	assert_int_equal(s->status, 202); /* one of them is new */
	assert_non_null(strstr(s->body, "[\"alert-2\",\"alert-3\"]"));
	ask(s, "POST", "/v1/alerts/edr", body);
	assert_int_equal(s->status, 200);
	assert_non_null(strstr(s->body, "\"status\":\"duplicate\""));
}

/* Bodies of a hundred do not make a turn without end: the sixth comes again. */
static void a_turn_takes_a_bounded_number(void **state)
{
	struct scene *s = *state;
	struct buf CLEANUP(buf_free) b = BUF(1 << 16);
	for (int k = 0; k < 6; k++) {
		buf_clear(&b);
		buf_addz(&b, "{\"events\":[");
		for (int i = 0; i < 100; i++)
			buf_addf(&b, "%s{\"n\":%d}", i ? "," : "", 100 * k + i);
		buf_addz(&b, "]}");
		take(s, (struct arrival){ .kind = ARRIVAL_ASKED,
					  .ticket = ++s->asked,
					  .asked = { .method = "POST",
						     .path = "/v1/alerts/edr",
						     .query = "",
						     .body = buf_str(&b),
						     .is_local = true } });
	}
	(void)live_on(s);
	const int64_t stored = 500;
	struct arena arena = ARENA(4 << 20);
	struct fail fail;
	assert_int_equal(store_begin(s->store, &arena, &fail), RC_OK);
	assert_non_null(look_alert(store_look(s->store), stored));
	assert_null(look_alert(store_look(s->store), stored + 1));
	store_rollback(s->store);
	arena_clear(&arena);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(not_before_slack_said_hello),
		STORY(a_deaf_bot_says_so_after_a_minute),
		STORY(silence_is_deafness),
		STORY(a_full_disk_is_not_ready_until_it_writes_again),
		STORY(work_that_lies_about),
		STORY(one_transaction_and_all_ids),
		STORY(a_turn_takes_a_bounded_number),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	lab_done();
	return failed;
}
