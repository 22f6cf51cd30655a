/* What goes wrong below: the process dies at any point, the disk is full, the disk fails. A script
 * of turns runs into each of these; what is in the file afterwards is a whole number of turns, none
 * that was promised is missing, and nothing is written by the dead. */
#include "test_store_help.h"

enum { TURNS = 6 };

/* --- the script ---------------------------------------------------------------------------------
 */

static struct change audit_of(const char *action)
{
	return (struct change){ .kind = CHANGE_AUDIT,
				.as.audit = { .actor = "bot",
					      .action = action,
					      .object = "inquiry 7",
					      .detail = "words" } };
}

static enum rc intake(struct bench *b, int64_t now_ms)
{
	const struct fact f = { .kind = FACT_ALERT, .key = "alert:okta:aa" };
	bool is_new;
	enum rc rc = store_fact(b->s, &f, now_ms, &is_new, &b->fail);
	struct change c = {
		.kind = CHANGE_ALERT_NEW,
		.as.alert = { .source = "okta", .digest = "aa", .key = "", .seen = 1, .body = "{}" }
	};

	c.as.alert.id = look_take_id(store_look(b->s), COUNTER_ALERT);
	return rc == RC_OK ? put(b, c, now_ms) : rc;
}

static enum rc opening(struct bench *b, int64_t now_ms)
{
	struct change page = effect_of("case 42, page, opened", OUT_PAGE, RANK_PAGE, "pagerduty");
	enum rc rc = put(b, case_of(42), now_ms);

	if (rc == RC_OK)
		rc = put(b, inquiry_of(7, 42), now_ms);
	if (rc == RC_OK)
		rc = put(b, page, now_ms);
	if (rc == RC_OK)
		rc = put(b, raise_of("inquiry 7, question", OUT_QUESTION, RANK_PERSON, "D01"),
			 now_ms);
	return rc == RC_OK ? put(b, audit_of("case.opened"), now_ms) : rc;
}

/* Rows under way have been answered. */
static enum rc results(struct bench *b, int64_t now_ms)
{
	int64_t ids[8];
	size_t n = 0;
	enum rc rc = store_in_flight(b->s, ids, 8, &n, &b->fail);

	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct outgoing *o = look_outgoing(store_look(b->s), ids[i]);
		rc = o ? put(b, done_of(o, now_ms), now_ms) : RC_BROKEN;
	}
	return rc;
}

static enum rc answer(struct bench *b, int64_t now_ms)
{
	const struct inquiry *q = look_inquiry(store_look(b->s), 7);
	struct change c = { .kind = CHANGE_INQUIRY };

	if (!q)
		return RC_BROKEN;
	c.as.inquiry.now = *q;
	c.as.inquiry.now.state = INQUIRY_NO;
	c.as.inquiry.now.due_ms = NEVER_MS;
	enum rc rc = put(b, c, now_ms);
	if (rc == RC_OK)
		rc = put(b, raise_of("inquiry 7, question", OUT_QUESTION, RANK_ANSWERED, "D01"),
			 now_ms);
	return rc == RC_OK ? put(b, audit_of("inquiry.answered"), now_ms) : rc;
}

/* An item that fails and is undone, beside one that stays. */
static enum rc poison(struct bench *b, int64_t now_ms)
{
	enum rc rc = put(b, audit_of("item.one"), now_ms);

	if (rc == RC_OK)
		rc = store_keep(b->s, &b->fail);
	if (rc == RC_OK)
		rc = store_mark(b->s, &b->fail);
	if (rc == RC_OK)
		rc = put(b, audit_of("item.two"), now_ms);
	if (rc == RC_OK)
		rc = store_undo(b->s, &b->fail);
	return rc == RC_OK ? store_mark(b->s, &b->fail) : rc;
}

static enum rc items(struct bench *b, int turn, int64_t now_ms)
{
	switch (turn) {
	case 0: return intake(b, now_ms);
	case 1: return opening(b, now_ms);
	case 2: return results(b, now_ms);
	case 3: return answer(b, now_ms);
	case 4: return poison(b, now_ms);
	default: return results(b, now_ms);
	}
}

static enum rc one_turn(struct bench *b, int turn)
{
	const int64_t now_ms = T0 + turn * 1000;
	const struct claim_terms terms = { .now_ms = now_ms, .pace_ms = 100, .limit = 4 };
	const struct outgoing *rows;
	size_t n;
	enum rc rc = store_begin(b->s, &b->arena, &b->fail);

	if (rc != RC_OK)
		return rc;
	rc = store_mark(b->s, &b->fail);
	if (rc == RC_OK)
		rc = items(b, turn, now_ms);
	if (rc == RC_OK)
		rc = store_keep(b->s, &b->fail);
	if (rc == RC_OK)
		rc = store_claim(b->s, &terms, &rows, &n, &b->fail);
	if (rc == RC_OK)
		rc = store_set_now(b->s, now_ms, &b->fail);
	if (rc == RC_OK)
		return store_commit(b->s, &b->fail);
	store_rollback(b->s);
	return rc;
}

/* --- what is in the file ------------------------------------------------------------------------
 */

static uint64_t mixed(uint64_t h, const char *z)
{
	for (; *z; z++)
		h = (h ^ (unsigned char)*z) * 1099511628211u;
	return (h ^ 0xffu) * 1099511628211u;
}

static uint64_t fingerprint(struct bench *b)
{
	static const char *const tables[] = { "meta",     "counter",      "fact",       "crumb",
					      "casefile", "alert",        "alert_raw",  "inquiry",
					      "person",   "outgoing",     "gate",       "lane",
					      "audit",    "audit_detail", "audit_head", "delivery",
					      "trouble" };
	uint64_t h = 14695981039346656037u;

	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'"),
			 (int64_t)(sizeof tables / sizeof tables[0]));
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		char sql[80];
		sqlite3_stmt *st = NULL;
		(void)snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1, 2", tables[i]);
		assert_int_equal(sqlite3_prepare_v2(b->s->db, sql, -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			for (int c = 0; c < sqlite3_column_count(st); c++) {
				const char *z = (const char *)sqlite3_column_text(st, c);
				h = mixed(h, z ? z : "NULL");
			}
		}
		sqlite3_finalize(st);
	}
	return h;
}

/* expected[n]: the file after n turns. */
static uint64_t expected[TURNS + 1];

static int set_up(void **state)
{
	struct bench *b = bench_new();

	bench_open(b, NULL);
	expected[0] = fingerprint(b);
	for (int turn = 0; turn < TURNS; turn++) {
		ok(b, one_turn(b, turn));
		expected[turn + 1] = fingerprint(b);
		assert_true(expected[turn + 1] != expected[turn]);
	}
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM outgoing WHERE shown = wanted"), 2);
	bench_close(b);
	bench_forget_file(b);
	*state = b;
	return 0;
}

/* --- death at every point ------------------------------------------------------------------------
 */

struct fuse {
	int left;
	char point[48];
};
static bool burns(void *self, const char *point)
{
	struct fuse *f = self;

	if (f->left-- > 0)
		return true;
	(void)snprintf(f->point, sizeof f->point, "%s", point);
	return false;
}

static void the_dead_write_nothing(struct bench *b)
{
	int64_t n;
	bool is_new;
	const struct fact f = { .kind = FACT_CLICK, .key = "envelope:ghost" };

	assert_int_equal(store_now(b->s, &n, &b->fail), RC_BROKEN);
	assert_int_equal(store_begin(b->s, &b->arena, &b->fail), RC_BROKEN);
	assert_int_equal(store_fact(b->s, &f, T0, &is_new, &b->fail), RC_BROKEN);
	assert_null(look_case(store_look(b->s), 42));
	assert_int_equal(look_take_id(store_look(b->s), COUNTER_CASE), 0);
	store_idle(b->s);
	assert_non_null(strstr(b->fail.why, "died at"));
}

static void death_at_any_point_leaves_whole_turns(void **state)
{
	struct bench *b = *state;
	int after_commit = 0, points = 0;

	for (int at = 0;; at++, points++) {
		struct fuse f = { .left = 1000000 };
		int promised = 0;
		arena_clear(&b->arena);
		bench_open(b, &(struct store_hook){ burns, &f });
		f.left = at;
		while (promised < TURNS && one_turn(b, promised) == RC_OK)
			promised++;
		if (promised == TURNS)
			break;
		the_dead_write_nothing(b);
		bench_close(b);
		bench_open(b, NULL);
		const uint64_t found = fingerprint(b);
		const bool is_after_commit = strcmp(f.point, "commit after") == 0;
		if (found != expected[promised + (is_after_commit ? 1 : 0)])
			fail_msg("death at point %d, %s, after %d turns", at, f.point, promised);
		after_commit += is_after_commit ? 1 : 0;
		bench_close(b);
		bench_forget_file(b);
	}
	assert_int_equal(after_commit, TURNS);
	assert_true(points > 200);
}

/* Closing after a death must not copy the log back: what a crash leaves is what the next life is
 * tested on. */
static void a_dead_process_leaves_its_log_where_it_lies(void **state)
{
	struct bench *b = *state;
	struct fuse f = { .left = 1000000 };
	struct stat at;
	char log[128];

	bench_open(b, &(struct store_hook){ burns, &f });
	ok(b, one_turn(b, 0));
	f.left = 0;
	assert_int_equal(one_turn(b, 1), RC_BROKEN);
	bench_close(b);
	(void)snprintf(log, sizeof log, "%s-wal", b->path);
	assert_int_equal(stat(log, &at), 0);
	assert_true(at.st_size > 0);
	bench_open(b, NULL);
	assert_true(fingerprint(b) == expected[1]);
	bench_close(b); /* the living copy it back and clear it away */
	assert_int_equal(stat(log, &at), -1);
}

/* --- a disk that refuses --- */

/* The real disk, but for one call. */
static struct {
	sqlite3_vfs vfs;
	sqlite3_io_methods methods[4];
	const sqlite3_io_methods *original[4];
	size_t n;
	int left; /* calls until the fault; 0 = none to come */
	int code; /* what it says; the disk is well again afterwards */
	bool fired;
} bad;

static int refuses(void)
{
	if (bad.left == 0 || --bad.left > 0)
		return SQLITE_OK;
	bad.fired = true;
	return bad.code;
}

static const sqlite3_io_methods *original_of(const sqlite3_file *f)
{
	for (size_t i = 0; i < bad.n; i++) {
		if (f->pMethods == &bad.methods[i])
			return bad.original[i];
	}
	abort();
}

static int bad_write(sqlite3_file *f, const void *at, int n, sqlite3_int64 offset)
{
	const int code = refuses();

	return code == SQLITE_OK ? original_of(f)->xWrite(f, at, n, offset) : code;
}

static int bad_sync(sqlite3_file *f, int flags)
{
	const int code = bad.code == SQLITE_FULL ? SQLITE_OK : refuses();

	return code == SQLITE_OK ? original_of(f)->xSync(f, flags) : code;
}

static int bad_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	sqlite3_vfs *real = v->pAppData;
	const int code = real->xOpen(real, name, f, flags, out);
	size_t i = 0;

	if (code != SQLITE_OK || !f->pMethods)
		return code;
	while (i < bad.n && bad.original[i] != f->pMethods)
		i++;
	assert_true(i < 4);
	if (i == bad.n) {
		bad.original[i] = f->pMethods;
		bad.methods[i] = *f->pMethods;
		bad.methods[i].xWrite = bad_write;
		bad.methods[i].xSync = bad_sync;
		bad.n++;
	}
	f->pMethods = &bad.methods[i];
	return SQLITE_OK;
}

static void bad_disk_new(void)
{
	sqlite3_vfs *real = sqlite3_vfs_find("unix");

	assert_non_null(real);
	if (sqlite3_vfs_find("bad"))
		return;
	bad.vfs = *real;
	bad.vfs.pNext = NULL;
	bad.vfs.zName = "bad";
	bad.vfs.pAppData = real;
	bad.vfs.xOpen = bad_open;
	assert_int_equal(sqlite3_vfs_register(&bad.vfs, 0), SQLITE_OK);
}

static void open_on_bad_disk(struct bench *b, int at, int code)
{
	char uri[128];

	bad_disk_new();
	bad.left = 0;
	bad.fired = false;
	(void)snprintf(uri, sizeof uri, "file:%s?vfs=bad", b->path);
	ok(b, store_open(uri, NULL, &b->s, &b->fail));
	bad.left = at;
	bad.code = code;
}

/* Full at any write: nothing is left of the turn, and the same turn goes well when there is room.
 */
static void a_full_disk_costs_a_turn_and_no_more(void **state)
{
	struct bench *b = *state;
	int refused = 0;

	for (int at = 1;; at++) {
		arena_clear(&b->arena);
		open_on_bad_disk(b, at, SQLITE_FULL);
		for (int turn = 0; turn < TURNS; turn++) {
			const enum rc rc = one_turn(b, turn);
			if (rc != RC_OK) {
				assert_int_equal(rc, RC_FULL);
				assert_true(fingerprint(b) == expected[turn]);
				refused++;
				ok(b, one_turn(b, turn));
			}
			assert_true(fingerprint(b) == expected[turn + 1]);
		}
		const bool fired = bad.fired;
		bad.left = 0;
		bench_close(b);
		bench_open(b, NULL);
		assert_true(fingerprint(b) == expected[TURNS]);
		bench_close(b);
		bench_forget_file(b);
		if (!fired)
			break;
	}
	assert_true(refused > 20);
}

/* A failed write or fsync: nobody knows what is on the disk, so this life is over; the next one
 * finds whole turns and none that was promised missing. */
static void a_failing_disk_ends_the_life_and_loses_no_promise(void **state)
{
	struct bench *b = *state;
	int broken = 0;

	for (int at = 1;; at++) {
		int promised = 0;
		enum rc rc = RC_OK;
		arena_clear(&b->arena);
		open_on_bad_disk(b, at, SQLITE_IOERR_FSYNC);
		while (promised < TURNS && (rc = one_turn(b, promised)) == RC_OK)
			promised++;
		bad.left = 0;
		if (promised == TURNS) {
			assert_false(bad.fired);
			break;
		}
		assert_int_equal(rc, RC_BROKEN);
		assert_int_equal(store_begin(b->s, &b->arena, &b->fail), RC_BROKEN);
		bench_close(b);
		bench_open(b, NULL);
		const uint64_t found = fingerprint(b);
		assert_true(found == expected[promised] || found == expected[promised + 1]);
		broken++;
		bench_close(b);
		bench_forget_file(b);
	}
	assert_true(broken > 20);
}

/* Full in the middle of an item: the whole turn is lost, later statements are not tried, and with
 * room again the store goes on. */
static void full_in_the_middle_of_an_item_dooms_the_turn(void **state)
{
	struct bench *b = *state;
	static char body[200000];
	struct change c = { .kind = CHANGE_ALERT_NEW,
			    .as.alert = { .id = 1,
					  .source = "okta",
					  .digest = "aa",
					  .key = "",
					  .seen = 1,
					  .body = body } };

	memset(body, 'x', sizeof body - 1);
	bench_open(b, NULL);
	ok(b, one_turn(b, 0));
	const int64_t pages = number_of(b, "PRAGMA page_count");
	char sql[64];
	(void)snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)pages + 4);
	(void)number_of(b, sql);
	c.as.alert.id = 2;
	c.as.alert.digest = "bb";
	begin(b);
	ok(b, put(b, case_of(1), T0));
	ok(b, store_mark(b->s, &b->fail));
	assert_int_equal(put(b, c, T0), RC_FULL);
	assert_int_equal(store_undo(b->s, &b->fail), RC_FULL);
	assert_int_equal(put(b, case_of(2), T0), RC_FULL);
	assert_null(look_case(store_look(b->s), 1));
	assert_int_equal(store_commit(b->s, &b->fail), RC_FULL);
	assert_non_null(strstr(b->fail.why, "full"));
	assert_null(look_case(store_look(b->s), 1));
	assert_true(fingerprint(b) == expected[1]);
	(void)number_of(b, "PRAGMA max_page_count = 1000000");
	ok(b, turn_with(b, c, T0));
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM alert"), 2);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		STORY(death_at_any_point_leaves_whole_turns),
		STORY(a_dead_process_leaves_its_log_where_it_lies),
		STORY(a_full_disk_costs_a_turn_and_no_more),
		STORY(a_failing_disk_ends_the_life_and_loses_no_promise),
		STORY(full_in_the_middle_of_an_item_dooms_the_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
