/* What a turn does beside the alerts, under a clock of the test: the heartbeat, a backup that goes
 * on a step a turn, and a doubt about the record that ends with a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/when.h"
#include "lib/lab.h"
#include "model/policy.h"
#include "store/store.h"
#include "turn.h"

#define HEARTBEAT "http://127.0.0.1:1/alive"
#define T0        INT64_C(1800000000000)

struct scene {
	char folder[64], path[96], copy[96], crumb[CRUMB_BYTES];
	struct policy policy;
	struct store *store;
	struct turn *turn;
	struct net net;
	int64_t now_ms;
	uint8_t chance;
	/* what the turn said to the world */
	unsigned beats, answers;
	uint64_t beat_ticket, asked;
	int status;
	char body[1024];
};

static void net_http(void *self, uint64_t ticket, const struct request *rq)
{
	struct scene *s = self;
	if (strcmp(rq->url, HEARTBEAT) != 0)
		return;
	assert_string_equal(rq->method, "GET");
	assert_int_equal(rq->timeout_ms, 10 * SECOND_MS);
	s->beats++;
	s->beat_ticket = ticket;
}
static void net_answer(void *self, uint64_t ticket, int status, struct str body, int retry_after_s)
{
	struct scene *s = self;
	(void)retry_after_s;
	assert_int_equal(ticket, s->asked);
	s->answers++;
	s->status = status;
	(void)snprintf(s->body, sizeof(s->body), "%.*s", STR_ARG(body));
}
static void net_dial(void *self, uint64_t socket, const char *url)
{
	(void)self;
	(void)socket;
	(void)url;
}
static void net_frame(void *self, uint64_t socket, struct str text)
{
	(void)self;
	(void)socket;
	(void)text;
}
static void net_ping(void *self, uint64_t socket)
{
	(void)self;
	(void)socket;
}
static void net_hang_up(void *self, uint64_t socket, int code)
{
	(void)self;
	(void)socket;
	(void)code;
}

static struct clocks clocks_of(struct scene *s)
{
	struct clocks c = { .wall_ms = s->now_ms, .boot_ms = s->now_ms - T0 + 5000 };
	c.chance.bytes[0] = ++s->chance;
	return c;
}

static int64_t run(struct scene *s)
{
	const struct clocks c = clocks_of(s);
	return turn_run(s->turn, &c);
}

/* Time passes; a turn whenever the last one wished for it. */
static void pass(struct scene *s, int64_t ms)
{
	const int64_t end_ms = s->now_ms + ms;
	for (int64_t due; (due = run(s)) <= end_ms;) {
		assert_true(due >= 0);
		s->now_ms = due > s->now_ms ? due : s->now_ms + 1;
	}
	s->now_ms = end_ms;
}

/* So much that a backup takes several steps. */
static void fill(struct store *store)
{
	static char body[20000];
	struct arena arena = ARENA(8 << 20);
	struct fail fail = { 0 };
	memset(body, 'x', sizeof(body) - 1);
	assert_int_equal(store_begin(store, &arena, &fail), RC_OK);
	for (int i = 1; i <= 60; i++) {
		struct change c = { .kind = CHANGE_ALERT_NEW };
		c.as.alert = (struct alert){ .id = look_take_id(store_look(store), COUNTER_ALERT),
					     .source = "edr",
					     .digest = arena_f(&arena, "d%d", i),
					     .key = "",
					     .state = ALERT_BENIGN,
					     .seen = 1,
					     .body = body };
		const struct decision d = { .first = &c };
		assert_int_equal(store_apply(store, &d, T0, &fail), RC_OK);
	}
	assert_int_equal(store_commit(store, &fail), RC_OK);
	arena_clear(&arena);
}

static int set_up(void **state)
{
	struct scene *s = mem_new(sizeof(*s));
	struct fail fail = { 0 };
	s->now_ms = T0;
	s->policy = *lab_policy();
	s->policy.heartbeat_url = HEARTBEAT;
	s->net = (struct net){ .self = s,
			       .http = net_http,
			       .answer = net_answer,
			       .dial = net_dial,
			       .frame = net_frame,
			       .ping = net_ping,
			       .hang_up = net_hang_up };
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/turn-minute-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	(void)snprintf(s->path, sizeof(s->path), "%s/db", s->folder);
	(void)snprintf(s->copy, sizeof(s->copy), "%s/copy", s->folder);
	assert_int_equal(store_open(s->path, NULL, &s->store, &fail), RC_OK);
	fill(s->store);
	const struct clocks c = clocks_of(s);
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
	static const char *const names[] = { "db", "db-wal", "copy", "copy.tmp" };
	turn_free(s->turn);
	store_close(s->store);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", s->folder, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(s->folder), 0);
	free(s);
	return 0;
}

/* --- the heartbeat --- */

static void a_turn_that_finished_is_told_once_a_minute(void **state)
{
	struct scene *s = *state;
	pass(s, 59 * SECOND_MS);
	assert_int_equal(s->beats, 1);
	pass(s, 2 * SECOND_MS);
	assert_int_equal(s->beats, 2);
	pass(s, 10 * MINUTE_MS);
	assert_int_equal(s->beats, 12);
}

static void a_heartbeat_nobody_hears_is_one_line_and_comes_again(void **state)
{
	struct scene *s = *state;
	(void)run(s);
	assert_int_equal(s->beats, 1);
	const struct arrival lost = { .kind = ARRIVAL_REPLY,
				      .ticket = s->beat_ticket,
				      .reply = { .error = "connection refused",
						 .retry_after_s = -1 } };
	assert_true(turn_take(s->turn, &lost));
	pass(s, 61 * SECOND_MS);
	assert_int_equal(s->beats, 2);
}

static void without_a_url_nobody_is_told(void **state)
{
	struct scene *s = *state;
	s->policy.heartbeat_url = "";
	pass(s, 10 * MINUTE_MS);
	s->policy.heartbeat_url = NULL;
	pass(s, 10 * MINUTE_MS);
	assert_int_equal(s->beats, 0);
}

/* --- the backup --- */

static void ask(struct scene *s, bool is_local, const char *body)
{
	const struct arrival a = { .kind = ARRIVAL_ASKED,
				   .ticket = ++s->asked,
				   .asked = { .method = "POST",
					      .path = "/v1/local/backup",
					      .query = "",
					      .body = str_z(body),
					      .is_local = is_local } };
	assert_true(turn_take(s->turn, &a));
	s->status = 0;
	(void)run(s);
}

static const char *wish(struct scene *s, const char *more)
{
	static char text[256];
	(void)snprintf(text, sizeof(text), "{\"path\":\"%s\"%s}", s->copy, more);
	return text;
}

static bool is_there(const char *path)
{
	struct stat at;
	return stat(path, &at) == 0;
}

static void a_backup_goes_on_a_step_a_turn_and_is_answered_when_done(void **state)
{
	struct scene *s = *state;
	int turns = 0;
	ask(s, true, wish(s, ""));
	for (; s->status == 0 && turns < 1000; turns++) {
		s->now_ms++;
		(void)run(s);
	}
	assert_int_equal(s->status, 200);
	assert_non_null(strstr(s->body, "\"status\":\"done\""));
	assert_true(is_there(s->copy));
	ask(s, true, wish(s, ""));
	assert_int_equal(s->status, 409);
	ask(s, true, wish(s, ",\"wait\":true"));
	assert_int_equal(s->status, 404);
}

static void a_stranger_at_the_tcp_door_finds_no_such_path(void **state)
{
	struct scene *s = *state;
	ask(s, false, wish(s, ""));
	assert_int_equal(s->status, 404);
	assert_false(is_there(s->copy));
	ask(s, true, "{\"path\":\"copy\"}");
	assert_int_equal(s->status, 400);
	ask(s, true, "{\"path\":\"/nowhere/at/all\"}");
	assert_int_equal(s->status, 400);
	ask(s, true, wish(s, ",\"force\":1"));
	assert_int_equal(s->status, 400);
	ask(s, true, "{}");
	assert_int_equal(s->status, 400);
}

/* A large one: who asked hears in time that it goes on, and asks again. */
static void a_long_backup_is_answered_within_the_doors_patience(void **state)
{
	struct scene *s = *state;
	ask(s, true, wish(s, ""));
	assert_int_equal(s->status, 0); /* more than one step */
	s->now_ms += 6 * SECOND_MS;
	(void)run(s);
	assert_true(s->status == 202 || s->status == 200);
	assert_int_equal(s->answers, 1);
	const bool is_done = s->status == 200;
	ask(s, true, wish(s, ",\"wait\":true"));
	while (s->status == 0)
		(void)run(s);
	assert_int_equal(s->status, is_done ? 404 : 200);
}

static void a_stop_ends_it_and_clears_it_away(void **state)
{
	struct scene *s = *state;
	ask(s, true, wish(s, ""));
	assert_int_equal(s->status, 0);
	assert_true(turn_take(s->turn, &(struct arrival){ .kind = ARRIVAL_STOP }));
	(void)run(s);
	assert_int_equal(s->status, 500);
	assert_false(is_there(s->copy));
	ask(s, true, wish(s, ""));
	assert_int_equal(s->status, 503);
}

/* --- doubt --- */

static void a_doubt_about_the_record_becomes_a_case_with_a_page(void **state)
{
	struct scene *s = *state;
	struct arena arena = ARENA(1 << 20);
	struct fail fail;
	turn_doubt(s->turn, "shorter than the anchor");
	(void)run(s);
	(void)run(s);
	assert_int_equal(store_begin(s->store, &arena, &fail), RC_OK);
	const struct casefile *c = look_case(store_look(s->store), 1);
	assert_non_null(c);
	assert_non_null(strstr(c->held, "shorter than the anchor"));
	assert_null(look_case(store_look(s->store), 2));
	struct audit_mark mark;
	assert_int_equal(store_audit_mark(s->store, &mark, &fail), RC_OK);
	assert_true(mark.seq > 0);
	store_rollback(s->store);
	arena_clear(&arena);
}

/* A busy day leaves more facts than one turn forgets: the rest goes in the next seconds, and not in
 * the next hours, or the table would grow for ever. */
static void old_facts_go_as_fast_as_they_came(void **state)
{
	struct scene *s = *state;
	struct arena arena = ARENA(8 << 20);
	struct fail fail = { 0 };
	size_t left = 1;
	bool is_new;
	assert_int_equal(store_begin(s->store, &arena, &fail), RC_OK);
	for (int i = 0; i < 1000; i++) {
		const struct fact f = { .kind = FACT_CLICK, .key = arena_f(&arena, "old:%d", i) };
		assert_int_equal(store_fact(s->store, &f, T0 - 4 * DAY_MS, &is_new, &fail), RC_OK);
	}
	assert_int_equal(store_commit(s->store, &fail), RC_OK);
	pass(s, 30 * SECOND_MS);
	assert_int_equal(store_begin(s->store, &arena, &fail), RC_OK);
	assert_int_equal(store_forget(s->store, T0 - 3 * DAY_MS, 1000, &left, &fail), RC_OK);
	store_rollback(s->store);
	assert_int_equal(left, 0);
	arena_clear(&arena);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(a_turn_that_finished_is_told_once_a_minute),
		STORY(a_heartbeat_nobody_hears_is_one_line_and_comes_again),
		STORY(without_a_url_nobody_is_told),
		STORY(a_backup_goes_on_a_step_a_turn_and_is_answered_when_done),
		STORY(a_stranger_at_the_tcp_door_finds_no_such_path),
		STORY(a_long_backup_is_answered_within_the_doors_patience),
		STORY(a_stop_ends_it_and_clears_it_away),
		STORY(a_doubt_about_the_record_becomes_a_case_with_a_page),
		STORY(old_facts_go_as_fast_as_they_came),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	lab_done();
	return failed;
}
