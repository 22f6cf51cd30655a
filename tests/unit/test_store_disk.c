/* The disk under the store: every call that fails, once or from then on; a file that can't be
 * written, can't be opened, can't be read; power cuts in a migration; a backup whose disk is full.
 * What was promised is there afterwards, and nothing half. */
#include "lib/disk.h"
#include "test_store_help.h"

enum { TURNS = 3 };

static int set_up(void **state)
{
	disk_plug();
	*state = bench_new();
	return 0;
}

static int tear_down(void **state)
{
	disk_heal();
	bench_free(*state);
	disk_unplug();
	return 0;
}

/* One alert with its record: what is half of it would show. */
static enum rc one_turn(struct bench *b, int n)
{
	char digest[16], object[24];
	struct change record = { .kind = CHANGE_AUDIT,
				 .as.audit = { "source:okta", "alert.received", object, "words" } };
	struct change alert = { .kind = CHANGE_ALERT_NEW,
				.as.alert = { .id = n + 1,
					      .source = "okta",
					      .digest = digest,
					      .key = "",
					      .seen = 1,
					      .body = "{}" },
				.next = &record };
	const struct decision d = { .first = &alert };

	(void)snprintf(digest, sizeof digest, "%d", n);
	(void)snprintf(object, sizeof object, "alert %d", n + 1);
	enum rc rc = store_begin(b->s, &b->arena, &b->fail);
	if (rc == RC_OK)
		rc = store_apply(b->s, &d, T0 + n, &b->fail);
	if (rc == RC_OK)
		return store_commit(b->s, &b->fail);
	store_rollback(b->s);
	return rc;
}

/* How many whole turns are in it; everything else in it is sound. */
static int64_t turns_in(struct bench *b)
{
	struct audit_report report = { .say = NULL };

	ok(b, store_is_whole(b->s, &b->fail));
	ok(b, store_audit_verify(b->s, NULL, &report, &b->fail));
	assert_int_equal(report.findings, 0);
	const int64_t n = number_of(b, "SELECT COUNT(*) FROM alert");
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM audit"), n);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM alert_raw"), n);
	return n;
}

/* --- I-45: an error says nothing about what is on the disk --- */

static int run_into(struct bench *b, struct disk_fault f, int *kept_although_it_failed)
{
	int promised = 0, tries = 0;
	enum rc rc = RC_OK;

	bench_open(b, NULL);
	disk_fail(&f);
	while (promised < TURNS && tries++ < 3 * TURNS) {
		rc = one_turn(b, promised);
		promised += rc == RC_OK;
		if (rc == RC_BROKEN)
			break;
		assert_true(rc == RC_OK || rc == RC_FULL);
	}
	const int refused = (int)disk_refused();
	disk_heal();
	bench_close(b);
	arena_clear(&b->arena);
	bench_open(b, NULL);
	const int64_t found = turns_in(b);
	assert_true(found == promised || (rc != RC_OK && found == promised + 1));
	*kept_although_it_failed += found > promised;
	/* The same turn again does it once: it is repeatable by key. */
	for (int64_t n = promised; n < TURNS; n++)
		assert_int_equal(one_turn(b, (int)n), n < found ? RC_REFUSED : RC_OK);
	assert_int_equal(turns_in(b), TURNS);
	bench_close(b);
	bench_forget_file(b);
	return refused;
}

static void whatever_fails_no_promise_is_broken(void **state)
{
	static const struct disk_fault faults[] = {
		{ .calls = DISK_WRITE, .code = SQLITE_IOERR_WRITE },
		{ .calls = DISK_WRITE, .code = SQLITE_IOERR_WRITE, .is_short = true },
		{ .calls = DISK_WRITE, .code = SQLITE_FULL, .is_short = true },
		{ .calls = DISK_WRITE, .code = SQLITE_READONLY },
		{ .calls = DISK_SYNC, .code = SQLITE_IOERR_FSYNC },
		{ .calls = DISK_SYNC, .code = SQLITE_IOERR_FSYNC, .is_secret = true },
		{ .calls = DISK_READ, .code = SQLITE_IOERR_READ },
	};
	struct bench *b = *state;
	int kept = 0, points = 0;

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		for (int for_ever = 0; for_ever < 2; for_ever++)
			for (int at = 0;; at++, points++) {
				struct disk_fault f = faults[i];
				f.after = at;
				f.count = for_ever ? 0 : 1;
				if (run_into(b, f, &kept) == 0)
					break;
			}
	assert_true(points > 100);
	assert_true(kept > 0); /* else "unknown" would be no more than a word */
}

/* --- what can't be opened --- */

/* F17: nothing can be promised, so it does not begin, and says why. */
static void a_read_only_disk_is_said_so(void **state)
{
	struct bench *b = *state;
	struct store *s = NULL;

	bench_open(b, NULL);
	ok(b, one_turn(b, 0));
	bench_close(b);
	disk_fail(&(struct disk_fault){ .calls = DISK_OPEN, .code = SQLITE_READONLY });
	assert_int_equal(store_open(b->path, NULL, &s, &b->fail), RC_BROKEN);
	assert_non_null(strstr(b->fail.why, b->path));
	assert_non_null(strstr(b->fail.why, "read-only"));
	disk_heal();
	bench_open(b, NULL);
	assert_int_equal(turns_in(b), 1);
}

/* Each call of the opening fails in turn: it opens rightly or not at all, and changes nothing. */
static void an_opening_that_fails_changes_nothing(void **state)
{
	static const int codes[] = { SQLITE_CANTOPEN, SQLITE_IOERR_READ, SQLITE_FULL };
	struct bench *b = *state;
	int refused = 0;

	bench_open(b, NULL);
	ok(b, one_turn(b, 0));
	bench_close(b);
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		for (int at = 0;; at++) {
			struct store *s = NULL;
			disk_fail(&(struct disk_fault){ .calls = DISK_OPEN | DISK_READ | DISK_WRITE,
							.after = at,
							.code = codes[i] });
			const enum rc rc = store_open(b->path, NULL, &s, &b->fail);
			const bool is_over = disk_refused() == 0;
			disk_heal();
			assert_true(rc == RC_OK || strstr(b->fail.why, b->path));
			store_close(s);
			bench_open(b, NULL);
			assert_int_equal(turns_in(b), 1);
			bench_close(b);
			refused += rc != RC_OK;
			if (is_over)
				break;
		}
	assert_true(refused > 10);
}

/* F13: a disk that can't be read for a moment is no reason to put yesterday's file in its place. */
static void a_read_that_fails_once_is_not_called_damage(void **state)
{
	struct bench *b = *state;
	int refused = 0;

	bench_open(b, NULL);
	for (int i = 0; i < TURNS; i++)
		ok(b, one_turn(b, i));
	bench_close(b);
	for (int at = 0;; at++) {
		struct store *s = NULL;
		disk_fail(&(struct disk_fault){
			.calls = DISK_READ, .after = at, .count = 1, .code = SQLITE_IOERR_READ });
		const enum rc rc = store_open(b->path, NULL, &s, &b->fail);
		const bool is_over = disk_refused() == 0;
		disk_heal();
		assert_true(rc == RC_OK || rc == RC_BROKEN);
		store_close(s);
		refused += rc != RC_OK;
		if (is_over)
			break;
	}
	assert_true(refused > 10);
}

/* F13: it says which file, that it was left alone, and what to do. */
static void a_damaged_file_is_left_as_it_is(void **state)
{
	struct bench *b = *state;
	struct store *s = NULL;
	struct stat before, after;

	bench_open(b, NULL);
	for (int i = 0; i < TURNS; i++)
		ok(b, one_turn(b, i));
	bench_close(b);
	FILE *f = fopen(b->path, "r+e");
	assert_non_null(f);
	for (long page = 3; page < 20; page++) {
		assert_int_equal(fseek(f, page * 4096, SEEK_SET), 0);
		assert_int_equal(fputs("damaged!", f) >= 0, 1);
	}
	assert_int_equal(fclose(f), 0);
	assert_int_equal(stat(b->path, &before), 0);
	assert_int_equal(store_open(b->path, NULL, &s, &b->fail), RC_MALFORMED);
	assert_non_null(strstr(b->fail.why, b->path));
	assert_non_null(strstr(b->fail.why, "put the newest backup in its place"));
	assert_int_equal(stat(b->path, &after), 0);
	assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
		    before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
}

/* --- F19 --- */

static int64_t value_in(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	const int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void remove_all(const char *path)
{
	static const char *const tails[] = { "", "-wal", "-journal", "-shm" };
	char name[160];

	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		(void)snprintf(name, sizeof name, "%s%s", path, tails[i]);
		(void)unlink(name);
	}
}

/* The power fails at every moment of the very first start. */
static void a_first_start_cut_off_anywhere_is_finished_by_the_next(void **state)
{
	struct bench *b = *state;
	char image[128];
	int images = 0;

	(void)snprintf(image, sizeof image, "%s.image", b->path);
	disk_record(b->path);
	bench_open(b, NULL);
	const int64_t schema = number_of(b, "SELECT value FROM meta WHERE name = 'schema'");
	bench_close(b);
	for (size_t step = 0; step <= disk_steps(); step++)
		for (int loss = 0; loss < (disk_is_at_risk(step) ? DISK_LOSSES : 1); loss++) {
			struct store *s = NULL;
			(void)disk_cut(step, (enum disk_loss)loss, step * DISK_LOSSES);
			disk_write_cut(image);
			ok(b, store_open(image, NULL, &s, &b->fail));
			ok(b, store_is_whole(s, &b->fail));
			store_close(s);
			assert_int_equal(
				value_in(image, "SELECT value FROM meta WHERE name = 'schema'"),
				schema);
			remove_all(image);
			images++;
		}
	assert_true(images > 100);
}

/* And of a later step, over rows: all of it or nothing of it; and the old program does not take the
 * new file for its own. */
static void a_step_cut_off_anywhere_is_whole_or_not_there(void **state)
{
	struct bench *b = *state;
	char image[128], names[16][40];
	struct embedded_file files[16];
	size_t n = 0;
	int64_t done = 0, undone = 0;

	(void)snprintf(image, sizeof image, "%s.image", b->path);
	disk_record(b->path);
	bench_open(b, NULL);
	for (int i = 0; i < TURNS; i++)
		ok(b, one_turn(b, i));
	const int64_t schema = number_of(b, "SELECT value FROM meta WHERE name = 'schema'");
	assert_true(schema + 1 < 16);
	static const char text[] = "CREATE TABLE note (id BIGINT, words TEXT);"
				   "INSERT INTO note SELECT id, digest FROM alert;"
				   "UPDATE alert SET seen = 7;";
	for (; n <= (size_t)schema; n++) {
		(void)snprintf(names[n], sizeof names[n], "migrations/%04zu_step.sql", n + 1);
		files[n] = (struct embedded_file){ names[n], (const unsigned char *)text,
						   sizeof text - 1 };
	}
	const size_t from = disk_steps();
	ok(b, migrate(b->s, files, n, &b->fail));
	bench_close(b);
	for (size_t step = from; step <= disk_steps(); step++)
		for (int loss = 0; loss < (disk_is_at_risk(step) ? DISK_LOSSES : 1); loss++) {
			struct store *s = NULL;
			(void)disk_cut(step, (enum disk_loss)loss, step * DISK_LOSSES);
			disk_write_cut(image);
			const enum rc rc = store_open(image, NULL, &s, &b->fail);
			store_close(s);
			const int64_t notes = value_in(
				image, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'note'");
			assert_int_equal(rc, notes ? RC_REFUSED : RC_OK);
			assert_int_equal(
				value_in(image, "SELECT COUNT(*) FROM alert WHERE seen = 7"),
				notes ? TURNS : 0);
			assert_true(!notes || strstr(b->fail.why, "start the newer program"));
			remove_all(image);
			done += notes;
			undone += !notes;
		}
	assert_true(done > 0 && undone > 0);
}

/* --- F18 --- */

static void a_backup_on_a_full_disk_fails_alone(void **state)
{
	struct bench *b = *state;
	char path[128], tmp[140];
	struct backup_progress p;
	struct stat at;
	enum rc rc;

	(void)snprintf(path, sizeof path, "%s/copy", b->folder);
	(void)snprintf(tmp, sizeof tmp, "%s.tmp", path);
	bench_open(b, NULL);
	ok(b, one_turn(b, 0));
	disk_fail(&(struct disk_fault){
		.calls = DISK_WRITE, .tail = ".tmp", .after = 3, .code = SQLITE_FULL });
	ok(b, store_backup_start(b->s, &(struct backup_terms){ .path = path }, &b->fail));
	for (int turn = 1; (rc = store_backup_step(b->s, &p, &b->fail)) == RC_AGAIN; turn++)
		ok(b, one_turn(b, turn));
	assert_int_equal(rc, RC_REFUSED);
	assert_non_null(strstr(b->fail.why, "full"));
	assert_int_equal(stat(path, &at), -1);
	assert_int_equal(stat(tmp, &at), -1);
	ok(b, one_turn(b, TURNS));
	bench_close(b);
	bench_open(b, NULL);
	assert_true(turns_in(b) >= 2);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(whatever_fails_no_promise_is_broken),
		STORY(a_read_only_disk_is_said_so),
		STORY(an_opening_that_fails_changes_nothing),
		STORY(a_read_that_fails_once_is_not_called_damage),
		STORY(a_damaged_file_is_left_as_it_is),
		STORY(a_first_start_cut_off_anywhere_is_finished_by_the_next),
		STORY(a_step_cut_off_anywhere_is_whole_or_not_there),
		STORY(a_backup_on_a_full_disk_fails_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
