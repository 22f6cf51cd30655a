/* test_store_help: a real database file in a folder of its own, and the shortest ways to say what a
 * test of the store wants. Included by tests/unit/test_store_*.c only. */
#ifndef TEST_STORE_HELP_H
#define TEST_STORE_HELP_H
#include "base/when.h"
#include "store/inside.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define T0 INT64_C(1795600000000)

struct bench {
	char folder[64], path[96];
	struct store *s;
	struct arena arena, changes; /* reads of the turn; decisions */
	struct fail fail;
};

/* A failure says its sentence. */
#define ok(b, call)                                                                                \
	do {                                                                                       \
		const enum rc ok_rc = (call);                                                      \
		if (ok_rc != RC_OK)                                                                \
			fail_msg("%s: %s", rc_name(ok_rc), (b)->fail.why);                         \
	} while (0)

static inline struct bench *bench_new(void)
{
	struct bench *b = mem_new(sizeof *b);

	b->arena = ARENA(64u << 20);
	b->changes = ARENA(64u << 20);
	(void)snprintf(b->folder, sizeof b->folder, "%s/store-test-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(b->folder));
	(void)snprintf(b->path, sizeof b->path, "%s/bot.db", b->folder);
	return b;
}

static inline void bench_open(struct bench *b, const struct store_hook *hook)
{
	ok(b, store_open(b->path, hook, &b->s, &b->fail));
}

static inline void bench_close(struct bench *b)
{
	store_close(b->s);
	b->s = NULL;
}

static inline void bench_forget_file(const struct bench *b)
{
	static const char *const ends[] = { "", "-wal", "-journal", "-shm" };
	char name[128];

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		(void)snprintf(name, sizeof name, "%s%s", b->path, ends[i]);
		(void)unlink(name);
	}
}

static inline void bench_free(struct bench *b)
{
	store_close(b->s);
	arena_clear(&b->arena);
	arena_clear(&b->changes);
	bench_forget_file(b);
	assert_int_equal(rmdir(b->folder), 0);
	free(b);
}

static inline int bench_set_up(void **state)
{
	struct bench *b = bench_new();

	bench_open(b, NULL);
	*state = b;
	return 0;
}

static inline int bench_tear_down(void **state)
{
	bench_free(*state);
	return 0;
}

/* --- decisions --- */

static inline struct change *add(struct bench *b, struct decision *d, enum change_kind kind)
{
	struct change *c = arena_new(&b->changes, struct change);

	c->kind = kind;
	if (!d->end)
		d->end = &d->first;
	*d->end = c;
	d->end = &c->next;
	return c;
}

/* Applies one change in a turn already begun. */
static inline enum rc put(struct bench *b, struct change c, int64_t now_ms)
{
	struct decision d = { .first = &c };

	c.next = NULL;
	return store_apply(b->s, &d, now_ms, &b->fail);
}

static inline void begin(struct bench *b) { ok(b, store_begin(b->s, &b->arena, &b->fail)); }
static inline void commit(struct bench *b) { ok(b, store_commit(b->s, &b->fail)); }

/* One change, one turn. */
static inline enum rc turn_with(struct bench *b, struct change c, int64_t now_ms)
{
	begin(b);
	const enum rc rc = put(b, c, now_ms);
	if (rc == RC_OK)
		commit(b);
	else
		store_rollback(b->s);
	return rc;
}

static inline struct change case_of(int64_t id)
{
	return (struct change){ .kind = CHANGE_CASE_NEW,
				.as.kase = { .id = id,
					     .priority = 3,
					     .held = "",
					     .playbook = "login",
					     .source = "okta",
					     .subject = "ann@example.test",
					     .plan = "{}",
					     .alerts = 1,
					     .opened_ms = T0 } };
}

static inline struct change inquiry_of(int64_t id, int64_t case_id)
{
	return (struct change){ .kind = CHANGE_INQUIRY_NEW,
				.as.inquiry.now = { .id = id,
						    .case_id = case_id,
						    .person = "U0ANN0001",
						    .created_ms = T0,
						    .wait_ms = 30 * MINUTE_MS,
						    .undelivered_ms = T0 + 15 * MINUTE_MS,
						    .due_ms = T0 + 15 * MINUTE_MS } };
}

static inline struct change raise_of(const char *key, enum out_kind kind, enum rank rank,
				     const char *channel)
{
	static char gates[16][48];
	static unsigned next;
	char *gate = gates[next++ % 16];

	(void)snprintf(gate, sizeof gates[0], "slack:%s", channel);
	return (struct change){ .kind = CHANGE_RAISE,
				.as.out.row = { .key = key,
						.kind = kind,
						.rank = rank,
						.gate = gate,
						.channel = channel } };
}

static inline struct change effect_of(const char *key, enum out_kind kind, enum rank rank,
				      const char *gate)
{
	return (struct change){ .kind = CHANGE_EFFECT,
				.as.out.row = { .key = key,
						.kind = kind,
						.rank = rank,
						.gate = gate,
						.target = "silence" } };
}

/* The vendor said ok to the revision in flight. */
static inline struct change done_of(const struct outgoing *o, int64_t now_ms)
{
	struct change c = { .kind = CHANGE_OUTGOING };

	c.as.out.row = *o;
	c.as.out.was_flight = o->flight;
	c.as.out.row.shown = o->flight;
	c.as.out.row.flight = 0;
	c.as.out.row.attempts = 0;
	c.as.out.row.done_ms = now_ms;
	c.as.out.row.ref = "1795600000.000100";
	c.as.out.row.due_ms = o->flight == o->wanted ? NEVER_MS : now_ms;
	return c;
}

/* One number straight from the file, whatever the store thinks of it. */
static inline int64_t number_of(struct bench *b, const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (!b->s)
		abort();
	assert_int_equal(sqlite3_prepare_v2(b->s->db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	const int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}
#endif
