/* I-34: whatever waits or hangs, a page leaves in the turn that decides it. Delete it and two
 * hundred unanswered messages keep the on-call asleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/when.h"
#include "lib/lab.h"
#include "model/policy.h"
#include "store/store.h"
#include "turn.h"

#define T0 INT64_C(1800000000000)
enum { GATES = 300 };

struct scene {
	struct arena arena;
	char folder[64], path[96], crumb[CRUMB_BYTES];
	struct store *store;
	struct turn *turn;
	struct net net;
	int64_t now_ms;
	size_t requests;
	bool has_pool;
};

/* Nobody ever answers. */
static void net_http(void *self, uint64_t ticket, const struct request *rq)
{
	struct scene *s = self;
	(void)ticket;
	if (!strstr(rq->url, "pagerduty"))
		return; /* Slack's own */
	s->requests++;
	s->has_pool = rq->is_page;
}

static int64_t run(struct scene *s)
{
	const struct clocks c = { .wall_ms = s->now_ms, .boot_ms = s->now_ms - T0 + 5000 };
	const int64_t due = turn_run(s->turn, &c);
	s->now_ms += 20;
	return due;
}

static void put(struct scene *s, struct change *c)
{
	const struct decision d = { .first = c };
	struct fail fail = { 0 };
	if (store_apply(s->store, &d, s->now_ms, &fail) != RC_OK)
		fail_msg("%s", fail.why);
}

static void put_case(struct scene *s, int64_t id)
{
	struct change c = { .kind = CHANGE_CASE_NEW,
			    .as.kase = { .id = id,
					 .priority = 3,
					 .held = "",
					 .playbook = "",
					 .source = "edr",
					 .subject = "",
					 .plan = "{\"title\":\"x\",\"summary\":\"y\"}",
					 .alerts = 1,
					 .opened_ms = T0 } };
	put(s, &c);
}

static void put_row(struct scene *s, const struct outgoing *row)
{
	struct change c = { .kind = CHANGE_EFFECT, .as.out.row = *row };
	c.as.out.row.kind = OUT_PAGE;
	c.as.out.row.target = "silence";
	c.as.out.row.channel = c.as.out.row.ref = c.as.out.row.error = "";
	c.as.out.row.wanted = 1;
	c.as.out.row.deadline_ms = NEVER_MS;
	c.as.out.row.case_id = 1;
	put(s, &c);
}

static int set_up(void **state)
{
	struct scene *s = mem_new(sizeof(*s));
	struct fail fail = { 0 };
	s->arena = ARENA(64 << 20);
	s->now_ms = T0;
	s->net = (struct net){ .self = s, .http = net_http }; /* nothing else is said here */
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/turn-ranks-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	(void)snprintf(s->path, sizeof(s->path), "%s/db", s->folder);
	assert_int_equal(store_open(s->path, NULL, &s->store, &fail), RC_OK);
	const struct clocks c = { .wall_ms = T0, .boot_ms = 5000 };
	const struct turn_options o = {
		.policy = lab_policy(), .store = s->store, .net = &s->net, .crumb = s->crumb
	};
	s->turn = turn_new(&o, &c, &fail);
	assert_non_null(s->turn);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	char wal[128];
	turn_free(s->turn);
	store_close(s->store);
	(void)snprintf(wal, sizeof(wal), "%s-wal", s->path);
	(void)unlink(wal);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(rmdir(s->folder), 0);
	arena_clear(&s->arena);
	free(s);
	return 0;
}

/* What a rank is of is of no importance: these stand for three hundred channels and methods. */
static void put_low_ones(struct scene *s)
{
	struct fail fail = { 0 };
	assert_int_equal(store_begin(s->store, &s->arena, &fail), RC_OK);
	put_case(s, 1);
	for (int i = 0; i < GATES; i++)
		put_row(s, &(struct outgoing){ .key = arena_f(&s->arena, "low %d", i),
					       .rank = (enum rank)(RANK_PROOF + i % 4),
					       .gate = arena_f(&s->arena, "gate %d", i) });
	assert_int_equal(store_commit(s->store, &fail), RC_OK);
}

static void a_page_leaves_though_everything_hangs(void **state)
{
	struct scene *s = *state;
	struct fail fail = { 0 };
	put_low_ones(s);
	for (int i = 0; i < 50; i++)
		assert_true(run(s) > 0);
	const size_t before = s->requests;
	assert_in_range(before, 150, GATES - 1); /* no room for the others */
	assert_true(run(s) >= s->now_ms);        /* and it does not spin */
	assert_int_equal(store_begin(s->store, &s->arena, &fail), RC_OK);
	for (int i = 0; i < 3; i++)
		put_row(s, &(struct outgoing){ .key = arena_f(&s->arena, "case 1, page, %d", i),
					       .rank = RANK_PAGE,
					       .gate = i ? "pagerduty" : "another" });
	assert_int_equal(store_commit(s->store, &fail), RC_OK);
	(void)run(s);
	assert_int_equal(s->requests, before + 2); /* one a gate */
	assert_true(s->has_pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_page_leaves_though_everything_hangs, set_up,
						tear_down),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	lab_done();
	return failed;
}
