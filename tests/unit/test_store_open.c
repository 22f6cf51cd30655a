/* Opening a database: whose it is, who may have it, which schema it has, and what a bad file says.
 */
#include "test_store_help.h"
#include <fcntl.h>
#include <sys/wait.h>

static int folder_only(void **state)
{
	*state = bench_new();
	return 0;
}

/* Alert bodies and names must not be readable by other users of the host. */
static void a_new_database_is_for_its_owner_only(void **state)
{
	struct bench *b = *state;
	struct stat at;
	char log[128];

	umask(0);
	bench_open(b, NULL);
	assert_int_equal(stat(b->path, &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
	(void)snprintf(log, sizeof log, "%s-wal", b->path);
	assert_int_equal(stat(log, &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
	assert_int_equal(umask(022), 0); /* and the process has its own umask back */
}

/* Two bots on one file would each claim the same rows: one page twice, one answer lost. */
static void a_second_process_is_told_that_another_has_it(void **state)
{
	struct bench *b = *state;

	bench_open(b, NULL);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store *other = NULL;
		struct fail fail = { 0 };
		const enum rc rc = store_open(b->path, NULL, &other, &fail);
		_exit(rc == RC_REFUSED && strstr(fail.why, "another process has it") &&
				      strstr(fail.why, b->path)
			      ? 0
			      : 1);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);

	struct store *twin = NULL;
	assert_int_equal(store_open(b->path, NULL, &twin, &b->fail), RC_REFUSED);
	assert_null(twin);
	begin(b); /* the first one is not disturbed */
	commit(b);
}

/* An old program on a new file would misread what it does not know. */
static void a_newer_file_is_refused_with_both_numbers(void **state)
{
	struct bench *b = *state;
	struct store *old = NULL;

	bench_open(b, NULL);
	begin(b);
	ok(b, run(b->s, SQL_META_SET, WITH(TXT("schema"), NUM(4711)), NULL, &b->fail));
	commit(b);
	bench_close(b);
	assert_int_equal(store_open(b->path, NULL, &old, &b->fail), RC_REFUSED);
	assert_non_null(strstr(b->fail.why, "schema 4711"));
	assert_non_null(strstr(b->fail.why, "start the newer program"));
}

/* A path typed wrong must not grow our tables in somebody else's file. */
static void another_programs_database_is_left_alone(void **state)
{
	struct bench *b = *state;
	struct store *s = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE song (name TEXT)", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(store_open(b->path, NULL, &s, &b->fail), RC_REFUSED);
	assert_non_null(strstr(b->fail.why, "another program"));
}

static void what_is_no_database_and_what_is_damaged_are_said_so(void **state)
{
	struct bench *b = *state;
	struct store *s = NULL;

	FILE *f = fopen(b->path, "w");
	assert_non_null(f);
	for (int i = 0; i < 500; i++)
		(void)fputs("this is a diary, not a database. ", f);
	(void)fclose(f);
	assert_int_equal(store_open(b->path, NULL, &s, &b->fail), RC_MALFORMED);
	assert_non_null(strstr(b->fail.why, "not a database"));
	bench_forget_file(b);

	bench_open(b, NULL);
	bench_close(b);
	const int fd = open(b->path, O_WRONLY);
	assert_true(fd >= 0);
	for (off_t page = 2; page < 12; page++)
		assert_int_equal(pwrite(fd, "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f", 8, page * 4096), 8);
	close(fd);
	assert_int_equal(store_open(b->path, NULL, &s, &b->fail), RC_MALFORMED);

	assert_int_equal(store_open("/nowhere/at/all.db", NULL, &s, &b->fail), RC_BROKEN);
	assert_non_null(strstr(b->fail.why, "/nowhere/at/all.db"));
}

/* The settings that every promise of durability stands on. */
static void the_settings_hold(void **state)
{
	struct bench *b = *state;

	bench_open(b, NULL);
	assert_int_equal(number_of(b, "PRAGMA synchronous"), 2);
	assert_int_equal(number_of(b, "PRAGMA foreign_keys"), 1);
	assert_int_equal(number_of(b, "PRAGMA trusted_schema"), 0);
	assert_int_equal(number_of(b, "PRAGMA cell_size_check"), 1);
	assert_int_equal(number_of(b, "PRAGMA secure_delete"), 1);
	assert_int_equal(number_of(b, "SELECT value > 1 FROM meta WHERE name = 'schema'"), 1);
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_prepare_v2(b->s->db, "PRAGMA journal_mode", -1, &st, NULL), 0);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(st, 0), "wal");
	sqlite3_finalize(st);
	assert_int_not_equal(sqlite3_exec(b->s->db, "ATTACH ':memory:' AS x", NULL, NULL, NULL), 0);
	assert_int_not_equal(sqlite3_exec(b->s->db, "SELECT load_extension('x')", NULL, NULL, NULL),
			     0);
}

/* A URI names the disk: the simulator brings its own. */
static void a_uri_may_name_a_vfs(void **state)
{
	struct bench *b = *state;
	char uri[160];

	(void)snprintf(uri, sizeof uri, "file:%s?vfs=unix", b->path);
	ok(b, store_open(uri, NULL, &b->s, &b->fail));
	bench_close(b);
	(void)snprintf(uri, sizeof uri, "file:%s?vfs=none-such", b->path);
	assert_int_equal(store_open(uri, NULL, &b->s, &b->fail), RC_BROKEN);
	assert_non_null(strstr(b->fail.why, "none-such"));
}

/* --- later migrations --- */

/* Steps that follow those of this program, which have run and are not run again. */
struct later {
	struct embedded_file files[24];
	char names[24][48];
	size_t n;
};
static int64_t schema_of_file(struct bench *b)
{
	return number_of(b, "SELECT value FROM meta WHERE name = 'schema'");
}
static void add_file(struct later *l, const char *name, const char *text)
{
	assert_true(l->n < 24);
	(void)snprintf(l->names[l->n], sizeof l->names[l->n], "%s", name);
	l->files[l->n] =
		(struct embedded_file){ l->names[l->n], (const unsigned char *)text, strlen(text) };
	l->n++;
}
static void add_step(struct later *l, int64_t number, const char *text)
{
	char name[48];

	(void)snprintf(name, sizeof name, "migrations/%04lld_step.sql", (long long)number);
	add_file(l, name, text);
}
static struct later steps_of_this_program(struct bench *b)
{
	struct later l = { .n = 0 };
	const int64_t schema = schema_of_file(b);

	for (int64_t i = 1; i <= schema; i++)
		add_step(&l, i, "this one has run");
	return l;
}
static void name_them(struct later *l) /* after a copy of the whole */
{
	for (size_t i = 0; i < l->n; i++)
		l->files[i].name = l->names[i];
}

static void later_steps_run_once_and_in_order(void **state)
{
	struct bench *b = *state;

	bench_open(b, NULL);
	const int64_t schema = schema_of_file(b);
	struct later l = { .n = 0 };
	add_file(&l, "elsewhere/0001_other.txt", "not SQL");
	for (int64_t i = 1; i <= schema; i++)
		add_step(&l, i, "this one has run");
	add_step(&l, schema + 1, "CREATE TABLE note (id BIGINT); INSERT INTO note VALUES (7);");
	add_step(&l, schema + 2, "ALTER TABLE note ADD COLUMN words TEXT;");
	add_file(&l, "templates/x.jq", ".");
	ok(b, migrate(b->s, l.files, l.n, &b->fail));
	assert_int_equal(schema_of_file(b), schema + 2);
	ok(b, migrate(b->s, l.files, l.n, &b->fail));
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM note WHERE words IS NULL"), 1);
}

static void a_broken_step_leaves_the_schema_before_it(void **state)
{
	struct bench *b = *state;

	bench_open(b, NULL);
	const int64_t schema = schema_of_file(b);
	struct later gap = steps_of_this_program(b), broken = gap, leaky = gap;
	name_them(&gap);
	name_them(&broken);
	name_them(&leaky);
	add_step(&gap, schema + 2, "CREATE TABLE note (id BIGINT);");
	add_step(&broken, schema + 1, "CREATE TABLE note (id BIGINT); CREATE TABEL x;");
	add_step(&leaky, schema + 1, "CREATE TABLE note (id BIGINT); COMMIT;");
	assert_int_equal(migrate(b->s, gap.files, gap.n, &b->fail), RC_BROKEN);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'note'"), 0);
	assert_int_equal(migrate(b->s, broken.files, broken.n, &b->fail), RC_BROKEN);
	assert_non_null(strstr(b->fail.why, broken.names[broken.n - 1]));
	bench_close(b);
	bench_open(b, NULL);
	assert_int_equal(schema_of_file(b), schema);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'note'"), 0);
	assert_int_equal(migrate(b->s, leaky.files, leaky.n, &b->fail), RC_BROKEN);
	assert_non_null(strstr(b->fail.why, leaky.names[leaky.n - 1]));
	bench_close(b);
	bench_open(b, NULL);
	assert_int_equal(schema_of_file(b), schema);
}

struct fuse {
	int left;
	int asked;
};
static bool burns(void *self, const char *point)
{
	struct fuse *f = self;

	(void)point;
	f->asked++;
	return f->left-- > 0;
}

/* The process dies at each point of the very first start; the next start finishes the work. */
static void an_interrupted_first_start_is_finished_by_the_next(void **state)
{
	struct bench *b = *state;
	int died = 0;

	for (int at = 0;; at++) {
		struct fuse f = { .left = at };
		const enum rc rc =
			store_open(b->path, &(struct store_hook){ burns, &f }, &b->s, &b->fail);
		if (rc == RC_OK) {
			bench_close(b);
			break;
		}
		assert_int_equal(rc, RC_BROKEN);
		died++;
		bench_open(b, NULL);
		assert_int_equal(number_of(b, "SELECT COUNT(*) FROM counter"), 5);
		bench_close(b);
		bench_forget_file(b);
	}
	assert_true(died >= 6); /* begin, migration, commit: before and after each */
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, folder_only, bench_tear_down)
	const struct CMUnitTest tests[] = {
		STORY(a_new_database_is_for_its_owner_only),
		STORY(a_second_process_is_told_that_another_has_it),
		STORY(a_newer_file_is_refused_with_both_numbers),
		STORY(another_programs_database_is_left_alone),
		STORY(what_is_no_database_and_what_is_damaged_are_said_so),
		STORY(the_settings_hold),
		STORY(a_uri_may_name_a_vfs),
		STORY(later_steps_run_once_and_in_order),
		STORY(a_broken_step_leaves_the_schema_before_it),
		STORY(an_interrupted_first_start_is_finished_by_the_next),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
