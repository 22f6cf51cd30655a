/* The record as a chain: whatever somebody with the file in his hands changes, it is named; what
 * retention deletes is not. The tampering is done as he would: another connection, no constraints.
 */
#include "test_store_help.h"

enum { RECORDS = 8 };

static const struct secret key = { "the key of the record, 32 characters", 36 };

static struct change record_of(const char *object, const char *detail)
{
	return (struct change){ .kind = CHANGE_AUDIT,
				.as.audit = { .actor = "slack:U0ANN0001",
					      .action = "inquiry.answered",
					      .object = object,
					      .detail = detail } };
}

static void open_with_key(struct bench *b)
{
	bench_open(b, NULL);
	store_audit_key(b->s, &key);
}

/* A turn a record, each with its chance; every other one has words. */
static void write_records(struct bench *b, int n)
{
	struct chance chance = { { 1 } };
	char object[32];

	for (int i = 0; i < n; i++) {
		chance.bytes[1]++;
		(void)snprintf(object, sizeof object, "inquiry %d", i);
		store_chance(b->s, &chance);
		ok(b, turn_with(b, record_of(object, i % 2 ? "" : "that was me"), T0 + i));
	}
}

static int with_records(void **state)
{
	(void)bench_set_up(state);
	struct bench *b = *state;

	store_audit_key(b->s, &key);
	write_records(b, RECORDS);
	bench_close(b);
	return 0;
}

static void tamper(struct bench *b, const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;

	assert_int_equal(sqlite3_open(b->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- what verify says, a line each --- */

struct said {
	struct audit_report report;
	char text[4096];
};

static void say(void *self, const char *line)
{
	struct said *said = self;
	const size_t n = strlen(said->text);

	(void)snprintf(said->text + n, sizeof said->text - n, "%s\n", line);
}

static struct said *verified(struct bench *b, const struct audit_mark *anchor)
{
	static struct said said;
	struct store *s = NULL;

	memset(&said, 0, sizeof said);
	said.report.say = say;
	said.report.self = &said;
	ok(b, store_open_resting(b->path, &s, &b->fail));
	store_audit_key(s, &key);
	ok(b, store_audit_verify(s, anchor, &said.report, &b->fail));
	store_close(s);
	return &said;
}

#define SAYS(b, anchor, text_) assert_string_equal(verified((b), (anchor))->text, (text_))

static struct audit_mark mark_of(struct bench *b)
{
	struct audit_mark mark;

	open_with_key(b);
	ok(b, store_audit_mark(b->s, &mark, &b->fail));
	bench_close(b);
	return mark;
}

/* --- the stories --- */

static void an_untouched_record_verifies(void **state)
{
	struct bench *b = *state;
	const struct audit_mark mark = mark_of(b);
	const struct said *said = verified(b, &mark);

	assert_string_equal(said->text, "");
	assert_int_equal(said->report.records, RECORDS);
	assert_int_equal(said->report.findings, 0);
	assert_int_equal(mark.seq, RECORDS);
}

static void each_change_of_a_record_is_named(void **state)
{
	static const char *const changes[] = {
		"actor = 'slack:U0EVE0001'",
		"action = 'inquiry.denied'",
		"object = object || ' '",
		"at_ms = at_ms + 1",
		"at_ms = at_ms + 0.5",
		"actor = CAST(actor AS BLOB)",
		"object = object || char(0) || 'x'",
		"detail_digest = lower(hex(zeroblob(32)))",
		"previous = digest",
		"digest = previous",
		"digest = ''",
		"detail_digest = ''",
	};
	struct bench *b = *state;
	char sql[256];

	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		(void)snprintf(sql, sizeof sql,
			       "CREATE TABLE kept AS SELECT * FROM audit;"
			       "UPDATE audit SET %s WHERE seq = 5",
			       changes[i]);
		tamper(b, sql);
		const char *text = verified(b, NULL)->text;
		if (strncmp(text, "record 5: altered\n", 18) != 0)
			fail_msg("%s: \"%s\"", changes[i], text);
		if (strstr(text, "record 4") || strstr(text, "record 6"))
			fail_msg("%s accuses others: \"%s\"", changes[i], text);
		tamper(b, "PRAGMA foreign_keys = OFF; DELETE FROM audit;"
			  "INSERT INTO audit SELECT * FROM kept; DROP TABLE kept");
		SAYS(b, NULL, "");
	}
}

static void swapped_records_are_both_named(void **state)
{
	struct bench *b = *state;

	tamper(b,
	       "UPDATE audit SET seq = 1000 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5;"
	       "UPDATE audit SET seq = 5 WHERE seq = 1000");
	SAYS(b, NULL, "record 4: altered\nrecord 5: altered\nrecord 5: a detail was added\n");
}

static void a_deleted_record_leaves_a_gap_with_two_sides(void **state)
{
	struct bench *b = *state;

	tamper(b, "DELETE FROM audit WHERE seq IN (4, 5)");
	SAYS(b, NULL, "records missing between 3 and 6\n");
}

static void the_first_record_is_missed(void **state)
{
	struct bench *b = *state;

	tamper(b, "DELETE FROM audit WHERE seq = 1");
	SAYS(b, NULL, "records missing between 0 and 2\n");
	tamper(b, "UPDATE audit_head SET first_seq = 2");
	SAYS(b, NULL,
	     "records missing before 2\n"
	     "the head does not match: it was altered, or made with another key\n");
}

/* The cheap one: cut the end off, then also turn the head back. */
static void a_cut_end_is_named_by_head_and_anchor(void **state)
{
	struct bench *b = *state;
	const struct audit_mark mark = mark_of(b);

	tamper(b, "CREATE TABLE old_head AS SELECT * FROM audit_head");
	open_with_key(b);
	write_records(b, 1);
	bench_close(b);
	const struct audit_mark later = mark_of(b);
	tamper(b, "DELETE FROM audit_detail WHERE seq = 9; DELETE FROM audit WHERE seq = 9");
	SAYS(b, NULL, "records missing at the end: the head is at 9, the last at 8\n");
	tamper(b, "UPDATE audit_head SET last_seq = 8, digest = (SELECT digest FROM audit WHERE "
		  "seq = 8)");
	SAYS(b, NULL, "the head does not match: it was altered, or made with another key\n");
	/* A head that is ours, kept from then: only what lies outside the database knows better. */
	tamper(b, "DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM old_head;"
		  "UPDATE counter SET taken = 8 WHERE name = 'audit'");
	SAYS(b, &mark, "");
	SAYS(b, &later, "shorter than the anchor: it was at 9, the last record is at 8\n");
}

static void a_lost_head_and_an_added_record_are_named(void **state)
{
	struct bench *b = *state;

	tamper(b, "INSERT INTO audit SELECT 9, at_ms, actor, action, object, detail_digest, "
		  "previous, digest "
		  "FROM audit WHERE seq = 8");
	SAYS(b, NULL,
	     "record 9: altered\n"
	     "the head does not match: it is at 8, the last record at 9\n");
	tamper(b, "DELETE FROM audit WHERE seq = 9; DELETE FROM audit_head");
	SAYS(b, NULL, "the head is missing\n");
}

/* Another end grown on an older copy, with the key: sound in itself, and not what was. */
static void a_rewritten_end_is_not_the_one_of_the_anchor(void **state)
{
	struct bench *b = *state;
	const struct audit_mark mark = mark_of(b);

	tamper(b, "DELETE FROM audit_detail; DELETE FROM audit; DELETE FROM audit_head;"
		  "UPDATE counter SET taken = 0 WHERE name = 'audit'");
	open_with_key(b);
	write_records(b, RECORDS - 1);
	ok(b, turn_with(b, record_of("inquiry 99", "somebody else's"), T0));
	bench_close(b);
	SAYS(b, NULL, "");
	SAYS(b, &mark, "record 8: not the one of the anchor\n");
}

static void retention_may_delete_words_and_nobody_may_change_them(void **state)
{
	struct bench *b = *state;

	tamper(b, "UPDATE audit_detail SET detail = 'that was not me' WHERE seq = 3");
	SAYS(b, NULL, "record 3: its detail was altered\n");
	tamper(b, "DELETE FROM audit_detail WHERE seq = 3");
	SAYS(b, NULL, "");
	tamper(b,
	       "UPDATE audit_detail SET salt = '00000000000000000000000000000000' WHERE seq = 5");
	SAYS(b, NULL, "record 5: its detail was altered\n");
	tamper(b, "DELETE FROM audit_detail");
	SAYS(b, NULL, "");
	tamper(b, "INSERT INTO audit_detail (seq, detail, salt) VALUES (2, 'words', '')");
	SAYS(b, NULL, "record 2: a detail was added\n");
}

/* The same words twice must not show as the same digest. */
static void every_detail_has_a_salt_of_its_own(void **state)
{
	struct bench *b = *state;

	bench_open(b, NULL);
	assert_int_equal(number_of(b, "SELECT COUNT(DISTINCT detail_digest) FROM audit "
				      "WHERE detail_digest <> ''"),
			 RECORDS / 2);
	assert_int_equal(number_of(b, "SELECT COUNT(DISTINCT salt) FROM audit_detail"),
			 RECORDS / 2);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM audit_detail WHERE length(salt) = 32"),
			 RECORDS / 2);
	bench_close(b);
}

static void another_key_finds_everything_altered(void **state)
{
	struct bench *b = *state;
	const struct secret other = { "another key of the record, 32 chars.", 36 };
	struct said said = { .report = { .say = say, .self = &said } };
	struct store *s = NULL;

	ok(b, store_open_resting(b->path, &s, &b->fail));
	store_audit_key(s, &other);
	ok(b, store_audit_verify(s, NULL, &said.report, &b->fail));
	store_close(s);
	assert_int_equal(said.report.findings, RECORDS + 1);
}

static void findings_are_counted_beyond_what_is_said(void **state)
{
	struct bench *b = *state;

	open_with_key(b);
	write_records(b, 700); /* more than one page of the stream */
	bench_close(b);
	tamper(b, "UPDATE audit SET actor = 'eve' WHERE seq > 8");
	const struct said *said = verified(b, NULL);
	assert_int_equal(said->report.findings, 700);
	assert_int_equal(said->report.records, 708);
	size_t lines = 0;
	for (const char *z = said->text; *z; z++)
		lines += *z == '\n' ? 1 : 0;
	assert_int_equal(lines, AUDIT_FINDINGS_MAX);
}

/* Records of before the chain are told apart; the chain says itself where it begins. */
static void older_records_stay_unchained_and_that_is_recorded(void **state)
{
	struct bench *b = *state;

	tamper(b, "UPDATE audit SET digest = '', previous = '', detail_digest = '';"
		  "UPDATE audit_detail SET salt = ''; DELETE FROM audit_detail; DELETE FROM "
		  "audit_head");
	open_with_key(b);
	write_records(b, 2);
	bench_close(b);
	const struct said *said = verified(b, NULL);
	assert_string_equal(said->text, "");
	assert_int_equal(said->report.unchained, RECORDS);
	assert_int_equal(said->report.records, RECORDS + 3);
	open_with_key(b);
	assert_int_equal(number_of(b,
				   "SELECT COUNT(*) FROM audit WHERE seq = 9 AND "
				   "action = 'audit.chain_started' AND object = 'records up to 8'"),
			 1);
	bench_close(b);
	tamper(b, "UPDATE audit_head SET first_seq = 11; DELETE FROM audit WHERE seq IN (9, 10)");
	assert_non_null(strstr(verified(b, NULL)->text, "records missing before 11\n"));
}

/* The start of a bot asks about the ends only, and sees what was done while it was down. */
static void a_start_sees_a_cut_end(void **state)
{
	struct bench *b = *state;
	const struct audit_mark mark = mark_of(b);
	struct said said = { .report = { .say = say, .self = &said } };

	tamper(b, "DELETE FROM audit_detail; DELETE FROM audit WHERE seq = 8");
	open_with_key(b);
	ok(b, store_audit_ends(b->s, &mark, &said.report, &b->fail));
	assert_int_equal(said.report.findings, 2);
	bench_close(b);
}

static void an_anchor_is_one_line_under_the_key(void **state)
{
	struct bench *b = *state;
	const struct audit_mark mark = mark_of(b);
	const struct secret other = { "another key of the record, 32 chars.", 36 };
	struct audit_mark read = { .seq = 0 };
	char text[ANCHOR_MAX];

	anchor_make(&key, &mark, text);
	ok(b, anchor_read(&key, str_z(text), &read, &b->fail));
	assert_int_equal(read.seq, mark.seq);
	assert_string_equal(read.digest, mark.digest);
	assert_int_equal(anchor_read(&other, str_z(text), &read, &b->fail), RC_MALFORMED);
	text[0] = '7';
	assert_int_equal(anchor_read(&key, str_z(text), &read, &b->fail), RC_MALFORMED);
	assert_int_equal(anchor_read(&key, str_z(""), &read, &b->fail), RC_MALFORMED);
	assert_int_equal(anchor_read(&key, str_z("8 12 34"), &read, &b->fail), RC_MALFORMED);
}

static void a_copy_of_another_schema_is_refused_untouched(void **state)
{
	struct bench *b = *state;
	struct store *s = NULL;

	tamper(b, "UPDATE meta SET value = 1 WHERE name = 'schema'");
	assert_int_equal(store_open_resting(b->path, &s, &b->fail), RC_REFUSED);
	assert_non_null(strstr(b->fail.why, "schema 1"));
	assert_int_equal(store_open_resting("/nowhere/bot.db", &s, &b->fail), RC_ABSENT);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, with_records, bench_tear_down)
	const struct CMUnitTest tests[] = {
		STORY(an_untouched_record_verifies),
		STORY(each_change_of_a_record_is_named),
		STORY(swapped_records_are_both_named),
		STORY(a_deleted_record_leaves_a_gap_with_two_sides),
		STORY(the_first_record_is_missed),
		STORY(a_cut_end_is_named_by_head_and_anchor),
		STORY(a_lost_head_and_an_added_record_are_named),
		STORY(a_rewritten_end_is_not_the_one_of_the_anchor),
		STORY(retention_may_delete_words_and_nobody_may_change_them),
		STORY(every_detail_has_a_salt_of_its_own),
		STORY(another_key_finds_everything_altered),
		STORY(findings_are_counted_beyond_what_is_said),
		STORY(older_records_stay_unchained_and_that_is_recorded),
		STORY(a_start_sees_a_cut_end),
		STORY(an_anchor_is_one_line_under_the_key),
		STORY(a_copy_of_another_schema_is_refused_untouched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
