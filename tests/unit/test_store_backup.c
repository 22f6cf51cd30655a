/* A backup: made between the commits, on the bot's own connection, and never half under its name.
 */
#include "test_store_help.h"

enum { ALERTS = 60, STEPS_MAX = 10000 };

static const char *copy_path(struct bench *b, const char *end)
{
	return arena_f(&b->changes, "%s/copy.db%s", b->folder, end);
}

static bool is_there(const char *path)
{
	struct stat at;
	return stat(path, &at) == 0;
}

static void write_alert(struct bench *b, int id)
{
	static char body[20000];
	struct change c = { .kind = CHANGE_ALERT_NEW };
	char digest[16];

	memset(body, 'a' + id % 26, sizeof body - 1);
	(void)snprintf(digest, sizeof digest, "d%d", id);
	c.as.alert = (struct alert){
		.id = id, .source = "okta", .digest = digest, .key = "", .seen = 1, .body = body
	};
	ok(b, turn_with(b, c, T0 + id));
}

static int with_alerts(void **state)
{
	(void)bench_set_up(state);
	for (int i = 1; i <= ALERTS; i++)
		write_alert(*state, i);
	return 0;
}

static int clear_away(void **state)
{
	struct bench *b = *state;
	static const char *const ends[] = { "",         ".tmp",     "-wal",
					    "-journal", ".tmp-wal", ".tmp-journal" };

	bench_close(b);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
		(void)unlink(copy_path(b, ends[i]));
	return bench_tear_down(state);
}

static enum rc start(struct bench *b, const char *path, bool may_replace)
{
	return store_backup_start(b->s, &(struct backup_terms){ path, may_replace }, &b->fail);
}

/* To its end: how many steps. */
static int finish(struct bench *b)
{
	struct backup_progress p = { 0 };
	enum rc rc;
	int n = 0;

	do {
		rc = store_backup_step(b->s, &p, &b->fail);
		n++;
	} while (rc == RC_AGAIN && n < STEPS_MAX);
	ok(b, rc);
	assert_int_equal(p.done, p.pages);
	return n;
}

static int64_t number_in(struct bench *b, const char *path, const char *sql)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;

	(void)b;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	const int64_t n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void must_be_whole(struct bench *b, const char *path)
{
	struct store *s = NULL;

	ok(b, store_open_resting(path, &s, &b->fail));
	ok(b, store_is_whole(s, &b->fail));
	store_close(s);
}

static void a_copy_is_whole_private_and_one_file(void **state)
{
	struct bench *b = *state;
	const char *path = copy_path(b, "");
	struct stat at;

	ok(b, start(b, path, false));
	assert_int_equal(stat(copy_path(b, ".tmp"), &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
	assert_false(is_there(path));
	assert_true(finish(b) > 3);
	assert_int_equal(stat(path, &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
	assert_false(is_there(copy_path(b, ".tmp")));
	must_be_whole(b, path);
	assert_int_equal(number_in(b, path, "SELECT COUNT(*) FROM alert"), ALERTS);
	assert_false(is_there(copy_path(b, "-wal")));
	assert_false(is_there(copy_path(b, ".tmp-wal")));
	assert_false(is_there(copy_path(b, ".tmp-journal")));
}

/* Every commit of before its start is in it; those made meanwhile are, too, and cost no new start.
 */
static void what_is_committed_meanwhile_is_in_it(void **state)
{
	struct bench *b = *state;
	const char *path = copy_path(b, "");
	struct backup_progress p = { 0 };
	int id = ALERTS, steps = 0;
	enum rc rc;

	ok(b, start(b, path, false));
	do {
		const struct change again = { .kind = CHANGE_PERSON,
					      .as.person = { .user = "U0ANN0001",
							     .email = "",
							     .name = "Ann",
							     .tz = "",
							     .dm = "" } };
		write_alert(b, ++id);
		ok(b, turn_with(b, again, T0)); /* a page that has been copied */
		store_idle(b->s);
		b->s->wal_pages = 100000; /* checkpoints do not disturb it */
		rc = store_backup_step(b->s, &p, &b->fail);
		steps++;
	} while (rc == RC_AGAIN && steps < STEPS_MAX);
	ok(b, rc);
	assert_true(steps < 2 * (int)p.pages / BACKUP_PAGES + 2);
	must_be_whole(b, path);
	assert_int_equal(number_in(b, path, "SELECT COUNT(*) FROM alert"), id);
	assert_int_equal(number_in(b, path, "SELECT COUNT(*) FROM person"), 1);
	write_alert(b, id + 1);
	assert_int_equal(number_in(b, path, "SELECT COUNT(*) FROM alert"), id);
}

/* A turn that is rolled back while it goes on leaves nothing in it. */
static void what_is_rolled_back_is_not_in_it(void **state)
{
	struct bench *b = *state;
	struct backup_progress p;

	ok(b, start(b, copy_path(b, ""), false));
	assert_int_equal(store_backup_step(b->s, &p, &b->fail), RC_AGAIN);
	begin(b);
	ok(b, put(b, case_of(7), T0));
	store_rollback(b->s);
	(void)finish(b);
	must_be_whole(b, copy_path(b, ""));
	assert_int_equal(number_in(b, copy_path(b, ""), "SELECT COUNT(*) FROM casefile"), 0);
}

static void a_file_that_is_there_stays_unless_forced(void **state)
{
	struct bench *b = *state;
	const char *path = copy_path(b, "");
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	(void)fputs("precious", f);
	(void)fclose(f);
	assert_int_equal(start(b, path, false), RC_REFUSED);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM alert"), ALERTS);
	ok(b, start(b, path, true));
	store_backup_drop(b->s);
	f = fopen(path, "re");
	char word[16] = "";
	assert_non_null(f);
	assert_non_null(fgets(word, sizeof word, f));
	(void)fclose(f);
	assert_string_equal(word, "precious");
	ok(b, start(b, path, true));
	(void)finish(b);
	must_be_whole(b, path);
}

/* Somebody else's file that comes into being while it goes on. */
static void a_file_that_came_meanwhile_is_not_replaced(void **state)
{
	struct bench *b = *state;
	struct backup_progress p;
	enum rc rc;

	ok(b, start(b, copy_path(b, ""), false));
	FILE *f = fopen(copy_path(b, ""), "we");
	assert_non_null(f);
	(void)fclose(f);
	while ((rc = store_backup_step(b->s, &p, &b->fail)) == RC_AGAIN) {
	}
	assert_int_equal(rc, RC_REFUSED);
	assert_false(is_there(copy_path(b, ".tmp")));
	ok(b, start(b, copy_path(b, ""), true)); /* the store is well */
}

static void the_database_is_no_place_for_its_backup(void **state)
{
	struct bench *b = *state;
	const char *odd = arena_f(&b->changes, "%s/./bot.db", b->folder);
	const char *log = arena_f(&b->changes, "%s-wal", b->path);

	assert_int_equal(start(b, b->path, true), RC_REFUSED);
	assert_int_equal(start(b, odd, true), RC_REFUSED);
	assert_int_equal(start(b, log, true), RC_REFUSED);
	assert_int_equal(start(b, b->folder, true), RC_REFUSED);
	assert_int_equal(start(b, "copy.db", true), RC_ABSENT);
	assert_int_equal(start(b, "/nowhere/copy.db", true), RC_ABSENT);
	assert_int_equal(start(b, arena_f(&b->changes, "/tmp/%01100d", 7), true), RC_ABSENT);
	write_alert(b, ALERTS + 1);
}

/* The process dies at each of its points: nothing is at the path unless it is whole, the database
 * has lost nothing, and the next backup clears away what lies there. */
struct fuse {
	int left;
};
static bool burns(void *self, const char *point)
{
	struct fuse *f = self;
	(void)point;
	return f->left-- > 0;
}

static void killed_at_any_step_it_leaves_no_half_file(void **state)
{
	struct bench *b = *state;
	const char *path = copy_path(b, "");
	int deaths = 0, whole = 0;

	bench_close(b);
	for (int at = 0;; at++) {
		struct fuse f = { .left = 1000000 };
		struct backup_progress p;
		bench_open(b, &(struct store_hook){ burns, &f });
		f.left = at;
		enum rc rc = start(b, path, false);
		while (rc == RC_OK || rc == RC_AGAIN) {
			rc = store_backup_step(b->s, &p, &b->fail);
			if (rc == RC_OK)
				break;
		}
		bench_close(b);
		if (rc == RC_OK)
			break;
		assert_int_equal(rc, RC_BROKEN);
		deaths++;
		if (is_there(path)) {
			must_be_whole(b, path);
			whole++;
			assert_int_equal(unlink(path), 0);
		}
	}
	assert_true(deaths > 8);
	assert_int_equal(whole, 1); /* after the last step */
	must_be_whole(b, path);
	assert_false(is_there(copy_path(b, ".tmp")));
	bench_open(b, NULL);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM alert"), ALERTS);
}

static void closing_ends_a_backup_that_goes_on(void **state)
{
	struct bench *b = *state;
	struct backup_progress p;

	ok(b, start(b, copy_path(b, ""), false));
	assert_int_equal(store_backup_step(b->s, &p, &b->fail), RC_AGAIN);
	bench_close(b);
	assert_false(is_there(copy_path(b, ".tmp")));
	assert_false(is_there(copy_path(b, "")));
	bench_open(b, NULL); /* the lock is free */
}

/* Without a bot the subcommand does the same under the bot's lock, and changes nothing. */
static void a_resting_database_is_copied_under_its_lock(void **state)
{
	struct bench *b = *state;
	struct store *bot = NULL, *rest = NULL;

	assert_int_equal(store_open_resting(b->path, &rest, &b->fail), RC_REFUSED);
	bench_close(b);
	ok(b, store_open_resting(b->path, &b->s, &b->fail));
	assert_int_equal(store_open(b->path, NULL, &bot, &b->fail), RC_REFUSED);
	assert_true(b->s &&
		    sqlite3_exec(b->s->db, "DELETE FROM alert", NULL, NULL, NULL) != SQLITE_OK);
	ok(b, start(b, copy_path(b, ""), false));
	(void)finish(b);
	must_be_whole(b, copy_path(b, ""));
}

static void damage_is_said(void **state)
{
	struct bench *b = *state;
	struct store *s = NULL;
	const char *path = copy_path(b, "");
	char junk[512];

	ok(b, start(b, path, false));
	(void)finish(b);
	FILE *f = fopen(path, "r+e");
	assert_non_null(f);
	memset(junk, 0x5a, sizeof junk);
	assert_int_equal(fseek(f, 40 * 4096, SEEK_SET), 0);
	assert_int_equal(fwrite(junk, 1, sizeof junk, f), sizeof junk);
	(void)fclose(f);
	ok(b, store_open_resting(path, &s, &b->fail));
	assert_int_equal(store_is_whole(s, &b->fail), RC_MALFORMED);
	assert_non_null(strstr(b->fail.why, "damaged"));
	store_close(s);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, with_alerts, clear_away)
	const struct CMUnitTest tests[] = {
		STORY(a_copy_is_whole_private_and_one_file),
		STORY(what_is_committed_meanwhile_is_in_it),
		STORY(what_is_rolled_back_is_not_in_it),
		STORY(a_file_that_is_there_stays_unless_forced),
		STORY(a_file_that_came_meanwhile_is_not_replaced),
		STORY(the_database_is_no_place_for_its_backup),
		STORY(killed_at_any_step_it_leaves_no_half_file),
		STORY(closing_ends_a_backup_that_goes_on),
		STORY(a_resting_database_is_copied_under_its_lock),
		STORY(damage_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
