/* What is kept, and how it is found again: facts, alerts, cases, inquiries, people, the record, the
 * book of deaths; and that no statement ever reads a whole table. */
#include "test_store_help.h"

static struct fact fact_of(const char *key)
{
	return (struct fact){ .kind = FACT_CLICK, .key = key };
}

/* Slack sends an envelope again when an ack is late: the click must not count twice. */
static void the_same_fact_is_known_in_the_turn_and_after_it(void **state)
{
	struct bench *b = *state;
	const struct fact f = fact_of("envelope:E1"), g = fact_of("envelope:E2");
	bool is_new = false;

	begin(b);
	ok(b, store_fact(b->s, &f, T0, &is_new, &b->fail));
	assert_true(is_new);
	ok(b, store_fact(b->s, &f, T0, &is_new, &b->fail));
	assert_false(is_new);
	commit(b);
	begin(b);
	ok(b, store_fact(b->s, &f, T0, &is_new, &b->fail));
	assert_false(is_new);
	assert_false(store_wrote(b->s));
	ok(b, store_fact(b->s, &g, T0, &is_new, &b->fail));
	assert_true(is_new);
	assert_true(store_wrote(b->s));
	commit(b);
}

/* One poison item costs itself, not the batch it came in. */
static void an_undone_item_takes_nothing_along(void **state)
{
	struct bench *b = *state;
	const struct fact good = fact_of("envelope:good"), bad = fact_of("envelope:bad");
	bool is_new;

	begin(b);
	ok(b, store_mark(b->s, &b->fail));
	ok(b, store_fact(b->s, &bad, T0, &is_new, &b->fail));
	assert_int_equal(look_take_id(store_look(b->s), COUNTER_CASE), 1);
	ok(b, store_undo(b->s, &b->fail));
	assert_false(store_wrote(b->s));
	ok(b, store_mark(b->s, &b->fail));
	ok(b, store_fact(b->s, &good, T0, &is_new, &b->fail));
	ok(b, store_keep(b->s, &b->fail));
	assert_true(store_wrote(b->s));
	commit(b);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM fact WHERE fact_key = 'envelope:good'"),
			 1);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM fact"), 1);
	begin(b);
	assert_int_equal(look_take_id(store_look(b->s), COUNTER_CASE), 1);
	assert_int_equal(look_take_id(store_look(b->s), COUNTER_CASE), 2);
	assert_int_equal(look_take_id(store_look(b->s), COUNTER_ALERT), 1);
	commit(b);
}

static struct change alert_of(int64_t id, const char *digest, const char *body)
{
	return (struct change){ .kind = CHANGE_ALERT_NEW,
				.as.alert = { .id = id,
					      .source = "okta",
					      .digest = digest,
					      .key = "",
					      .state = ALERT_RECEIVED,
					      .seen = 1,
					      .first_ms = T0,
					      .last_ms = T0,
					      .body = body } };
}

static void an_alert_is_found_by_digest_key_and_case(void **state)
{
	struct bench *b = *state;
	struct look *l = store_look(b->s);
	int64_t due[4];
	size_t n = 0;

	ok(b, turn_with(b, alert_of(1, "aa", "{\"one\":1}"), T0));
	ok(b, turn_with(b, alert_of(2, "bb", "{\"two\":2}"), T0));
	assert_int_equal(turn_with(b, alert_of(3, "aa", "{}"), T0), RC_REFUSED); /* digest known */
	ok(b, turn_with(b, case_of(42), T0));

	begin(b);
	ok(b, store_due_alerts(b->s, due, 4, &n, &b->fail));
	assert_int_equal(n, 2);
	assert_int_equal(due[0], 1);
	assert_string_equal(look_alert(l, 1)->body, "{\"one\":1}");
	assert_string_equal(look_alert_digest(l, "okta", "bb")->body, "");
	assert_int_equal(look_alert_digest(l, "okta", "bb")->id, 2);
	assert_null(look_alert_digest(l, "sentry", "bb"));
	assert_null(look_alert_key(l, "okta", "")); /* an empty key matches nothing */

	struct change c = { .kind = CHANGE_ALERT, .as.alert = *look_alert(l, 1) };
	c.as.alert.state = ALERT_MAPPED;
	c.as.alert.key = "evt-9";
	c.as.alert.case_id = 42;
	c.as.alert.body = "";
	ok(b, put(b, c, T0 + 5));
	c.as.alert = *look_alert(l, 2);
	c.as.alert.state = ALERT_DUPLICATE;
	c.as.alert.key = "evt-9";
	c.as.alert.case_id = 42;
	c.as.alert.seen = 3;
	c.as.alert.body = "{\"newest\":true}";
	ok(b, put(b, c, T0 + 5));
	ok(b, store_due_alerts(b->s, due, 4, &n, &b->fail));
	assert_int_equal(n, 0);
	assert_int_equal(look_alert_key(l, "okta", "evt-9")->id, 1);
	assert_int_equal(look_alert(l, 1)->case_id, 42);
	assert_string_equal(look_alert(l, 1)->body, "{\"one\":1}"); /* "" kept the old */
	assert_string_equal(look_alert(l, 2)->body, "{\"newest\":true}");
	assert_int_equal(look_alert(l, 2)->seen, 3);
	assert_null(look_alert(l, 99));
	c.as.alert.id = 99;
	assert_int_equal(put(b, c, T0), RC_REFUSED);
	commit(b);
}

/* A first answer and a deadline meet in one turn: only one of them may move the inquiry. */
static void the_second_to_move_an_inquiry_is_refused(void **state)
{
	struct bench *b = *state;
	struct look *l = store_look(b->s);

	ok(b, turn_with(b, case_of(42), T0));
	ok(b, turn_with(b, inquiry_of(7, 42), T0));
	begin(b);
	const struct inquiry *seen = look_inquiry(l, 7);
	struct change yes = { .kind = CHANGE_INQUIRY }, silent = yes;
	yes.as.inquiry.now = silent.as.inquiry.now = *seen;
	yes.as.inquiry.was = silent.as.inquiry.was = INQUIRY_OPEN;
	yes.as.inquiry.now.state = INQUIRY_UNPROVEN;
	yes.as.inquiry.now.answered_ms = T0 + 60;
	yes.as.inquiry.now.due_ms = NEVER_MS;
	yes.as.inquiry.now.comment = "that was me, in the train";
	silent.as.inquiry.now.state = INQUIRY_SILENT;
	ok(b, put(b, yes, T0 + 60));
	assert_int_equal(put(b, silent, T0 + 61), RC_REFUSED);
	assert_non_null(strstr(b->fail.why, "inquiry 7"));
	commit(b);
	begin(b);
	const struct inquiry *q = look_case_inquiry(l, 42);
	assert_int_equal(q->state, INQUIRY_UNPROVEN);
	assert_string_equal(q->comment, "that was me, in the train");
	assert_int_equal(q->answered_ms, T0 + 60);
	assert_int_equal(q->wait_ms, 30 * MINUTE_MS);
	assert_int_equal(q->undelivered_ms, T0 + 15 * MINUTE_MS);
	commit(b);
}

static void inquiries_are_due_at_their_time_and_oldest_first(void **state)
{
	struct bench *b = *state;
	int64_t due[2], at = 0;
	size_t n = 0;

	ok(b, turn_with(b, case_of(42), T0));
	for (int64_t id = 1; id <= 4; id++) {
		struct change c = inquiry_of(id, 42);
		c.as.inquiry.now.due_ms = id == 4 ? NEVER_MS : T0 + 100 - id * 10;
		ok(b, turn_with(b, c, T0));
	}
	ok(b, store_next_due(b->s, T0, &at, &b->fail));
	assert_int_equal(at, T0 + 70);
	ok(b, store_due_inquiries(b->s, T0 + 69, due, 2, &n, &b->fail));
	assert_int_equal(n, 0);
	ok(b, store_due_inquiries(b->s, T0 + 200, due, 2, &n, &b->fail));
	assert_int_equal(n, 2);
	assert_int_equal(due[0], 3);
	assert_int_equal(due[1], 2);
	ok(b, store_next_due(b->s, T0 + 200, &at, &b->fail));
	assert_int_equal(at, T0 + 200); /* work is left over: at once */
}

static void what_the_database_refuses_is_the_items_fault_only(void **state)
{
	struct bench *b = *state;
	static char long_comment[502];
	struct change c = inquiry_of(1, 77);

	assert_int_equal(turn_with(b, c, T0), RC_REFUSED); /* no such case */
	ok(b, turn_with(b, case_of(77), T0));
	memset(long_comment, 'x', sizeof long_comment - 1);
	c.as.inquiry.now.comment = long_comment;
	assert_int_equal(turn_with(b, c, T0), RC_REFUSED);
	c.as.inquiry.now.comment = "\xff\xfe";
	assert_int_equal(turn_with(b, c, T0), RC_REFUSED);
	assert_non_null(strstr(b->fail.why, "UTF-8"));
	c.as.inquiry.now.comment = "fine";
	ok(b, turn_with(b, c, T0));
	c = case_of(78);
	c.as.kase.priority = 6;
	assert_int_equal(turn_with(b, c, T0), RC_REFUSED);
}

static void a_case_changes_in_what_may_change(void **state)
{
	struct bench *b = *state;
	struct change c = case_of(5);

	ok(b, turn_with(b, c, T0));
	c.kind = CHANGE_CASE;
	c.as.kase.state = CASE_CLOSED;
	c.as.kase.resolution = RESOLUTION_BENIGN_UNVERIFIED;
	c.as.kase.held = "why";
	c.as.kase.alerts = 9;
	c.as.kase.closed_ms = T0 + 1;
	c.as.kase.plan = "{\"changed\":true}";
	ok(b, turn_with(b, c, T0));
	begin(b);
	const struct casefile *k = look_case(store_look(b->s), 5);
	assert_int_equal(k->state, CASE_CLOSED);
	assert_int_equal(k->resolution, RESOLUTION_BENIGN_UNVERIFIED);
	assert_string_equal(k->held, "why");
	assert_int_equal(k->alerts, 9);
	assert_int_equal(k->closed_ms, T0 + 1);
	assert_string_equal(k->plan, "{}"); /* evaluated once, never again */
	assert_string_equal(k->subject, "ann@example.test");
	commit(b);
	c.as.kase.id = 6;
	assert_int_equal(turn_with(b, c, T0), RC_REFUSED);
}

static struct change person_of(const char *user, const char *email, const char *dm)
{
	return (struct change){ .kind = CHANGE_PERSON,
				.as.person = { .user = user,
					       .email = email,
					       .name = "Ann",
					       .tz = "Europe/Berlin",
					       .tz_offset_s = -3600,
					       .is_guest = true,
					       .dm = dm,
					       .fetched_ms = T0 } };
}

/* All who have it: whoever asks must not guess between two. */
static void people_are_found_by_address(void **state)
{
	struct bench *b = *state;
	struct look *l = store_look(b->s);

	ok(b, turn_with(b, person_of("U0ANN0001", "Ann@Example.TEST", "D01"), T0));
	ok(b, turn_with(b, person_of("U0NOMAIL1", "", ""), T0));
	ok(b, turn_with(b, person_of("U0ANN0001", "Ann@Example.TEST", ""), T0));
	begin(b);
	assert_int_equal(look_people_email(l, "aNN@example.test").n, 1);
	const struct person *p = look_people_email(l, "aNN@example.test").at[0];
	assert_string_equal(p->user, "U0ANN0001");
	assert_string_equal(p->email, "Ann@Example.TEST");
	assert_string_equal(p->dm, "D01"); /* "" kept the known one */
	assert_int_equal(p->tz_offset_s, -3600);
	assert_true(p->is_guest);
	assert_false(p->is_bot);
	assert_int_equal(look_people_email(l, "").n, 0);
	assert_null(look_person(l, "U0NOBODY1"));
	ok(b, put(b, person_of("U0TWIN001", "ann@example.test", ""), T0));
	assert_int_equal(look_people_email(l, "ann@example.test").n, 2);
	assert_string_equal(look_people_email(l, "ann@example.test").at[0]->user, "U0ANN0001");
	assert_string_equal(look_people_email(l, "ann@example.test").at[1]->user, "U0TWIN001");
	assert_non_null(look_person(l, "U0TWIN001"));
	ok(b, put(b, person_of("U0TWIN001", "twin@example.test", "D02"), T0));
	assert_int_equal(look_people_email(l, "ann@example.test").n, 1);
	assert_string_equal(look_person(l, "U0TWIN001")->dm, "D02");
	commit(b);
}

/* No change without its record: both or neither. */
static void the_record_is_numbered_without_gaps_and_dies_with_its_item(void **state)
{
	struct bench *b = *state;
	const struct change c = { .kind = CHANGE_AUDIT,
				  .as.audit = { .actor = "slack:U0ANN0001",
						.action = "inquiry.answered",
						.object = "inquiry 7",
						.detail = "yes" } };
	struct change bare = c;

	bare.as.audit.detail = NULL;
	begin(b);
	ok(b, put(b, c, T0));
	ok(b, store_mark(b->s, &b->fail));
	ok(b, put(b, c, T0));
	ok(b, store_undo(b->s, &b->fail));
	ok(b, put(b, bare, T0));
	commit(b);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM audit"), 2);
	assert_int_equal(number_of(b, "SELECT MAX(seq) FROM audit"), 2);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM audit_detail WHERE detail = 'yes' "
				      "AND seq = 1"),
			 1);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM audit_detail"), 1);
	assert_int_equal(number_of(b, "SELECT at_ms FROM audit WHERE seq = 2"), T0);
}

static void deaths_are_counted_and_old_ones_forgotten(void **state)
{
	struct bench *b = *state;
	const struct fact old = fact_of("envelope:old"), young = fact_of("envelope:young");
	bool any = true, is_new;
	int64_t n = -1;

	ok(b, store_any_deaths(b->s, &any, &b->fail));
	assert_false(any);
	begin(b);
	ok(b, store_death_count(b->s, "alert 7", T0, &b->fail));
	ok(b, store_death_count(b->s, "alert 7", T0 + 10, &b->fail));
	ok(b, store_death_count(b->s, "alert 8", T0 - DAY_MS, &b->fail));
	ok(b, store_fact(b->s, &old, T0 - DAY_MS, &is_new, &b->fail));
	ok(b, store_fact(b->s, &young, T0, &is_new, &b->fail));
	commit(b);
	ok(b, store_any_deaths(b->s, &any, &b->fail));
	assert_true(any);
	ok(b, store_deaths(b->s, "alert 7", &n, &b->fail));
	assert_int_equal(n, 2);
	ok(b, store_deaths(b->s, "alert 9", &n, &b->fail));
	assert_int_equal(n, 0);

	begin(b);
	size_t gone = 0;
	ok(b, store_forget(b->s, T0, 1, &gone, &b->fail)); /* one row: the old fact */
	assert_int_equal(gone, 1);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM fact"), 1);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM crumb"), 2);
	ok(b, store_forget(b->s, T0, 100, &gone, &b->fail));
	assert_int_equal(gone, 1); /* a crumb: there is no more */
	commit(b);
	assert_int_equal(
		number_of(b, "SELECT COUNT(*) FROM fact WHERE fact_key = 'envelope:young'"), 1);
	ok(b, store_deaths(b->s, "alert 8", &n, &b->fail));
	assert_int_equal(n, 0);
	ok(b, store_deaths(b->s, "alert 7", &n, &b->fail));
	assert_int_equal(n, 2);
}

/* A turn forgets a bounded number, however much has grown old. */
static void forgetting_is_bounded(void **state)
{
	struct bench *b = *state;
	size_t gone = 0;
	bool is_new;

	begin(b);
	for (int i = 0; i < 5; i++) {
		const struct fact f = fact_of(arena_f(&b->arena, "envelope:%d", i));
		ok(b, store_fact(b->s, &f, T0 - DAY_MS, &is_new, &b->fail));
	}
	ok(b, store_forget(b->s, T0, 2, &gone, &b->fail));
	assert_int_equal(gone, 2);
	assert_int_equal(number_of(b, "SELECT COUNT(*) FROM fact"), 3);
	commit(b);
}

static void the_last_committed_moment_survives(void **state)
{
	struct bench *b = *state;
	int64_t at = -1;

	ok(b, store_now(b->s, &at, &b->fail));
	assert_int_equal(at, 0);
	begin(b);
	ok(b, store_set_now(b->s, T0, &b->fail));
	commit(b);
	begin(b);
	ok(b, store_set_now(b->s, T0 + 1, &b->fail));
	store_rollback(b->s);
	bench_close(b);
	bench_open(b, NULL);
	ok(b, store_now(b->s, &at, &b->fail));
	assert_int_equal(at, T0);
}

/* A turn that wrote nothing must not cost an fsync, and its reads live on for the replies. */
static void a_turn_that_wrote_nothing_is_not_committed(void **state)
{
	struct bench *b = *state;

	ok(b, turn_with(b, case_of(1), T0));
	const int pages = b->s->wal_pages;
	begin(b);
	assert_non_null(look_case(store_look(b->s), 1));
	commit(b);
	assert_int_equal(b->s->wal_pages, pages);
	assert_non_null(look_case(store_look(b->s), 1)); /* after the commit, before the next */
	assert_true(pages > 0);
	b->s->wal_pages = 100000;
	store_idle(b->s);
	assert_int_equal(b->s->wal_pages, 0);
}

/* --- the plan of every statement ---------------------------------------------------------------
 */

/* "SCAN x" reads a whole table or index; so does a range of a primary key without a LIMIT, and a
 * sort reads all it sorts. Only what is no table may be scanned: the heads of five lanes, a SELECT
 * without FROM. */
static bool is_bounded(const char *step, const char *sql)
{
	if (strcmp(step, "SCAN CONSTANT ROW") == 0 || strcmp(step, "SCAN head") == 0)
		return true;
	return strncmp(step, "SCAN ", 5) != 0 && strncmp(step, "USE TEMP B-TREE", 15) != 0 &&
	       !(strstr(step, "autoindex") && (strstr(step, ">?") || strstr(step, "<?")) &&
		 !strstr(sql, " LIMIT "));
}

static void no_statement_reads_a_whole_table(void **state)
{
	struct bench *b = *state;
	int steps = 0;

	assert_false(is_bounded("SCAN outgoing USING INDEX outgoing_case", " LIMIT 1"));
	for (enum sql sql = SQL_FIRST_NAMED; sql < (enum sql)SQL_COUNT; sql++) {
		sqlite3_stmt *st = NULL;
		char text[4096];
		(void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql_text(sql));
		assert_int_equal(sqlite3_prepare_v2(b->s->db, text, -1, &st, NULL), SQLITE_OK);
		for (; sqlite3_step(st) == SQLITE_ROW; steps++) {
			const char *step = (const char *)sqlite3_column_text(st, 3);
			if (!is_bounded(step, text))
				fail_msg("%s: %s", sql_name(sql), step);
		}
		sqlite3_finalize(st);
	}
	assert_true(steps > 50);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
		STORY(the_same_fact_is_known_in_the_turn_and_after_it),
		STORY(an_undone_item_takes_nothing_along),
		STORY(an_alert_is_found_by_digest_key_and_case),
		STORY(the_second_to_move_an_inquiry_is_refused),
		STORY(inquiries_are_due_at_their_time_and_oldest_first),
		STORY(what_the_database_refuses_is_the_items_fault_only),
		STORY(a_case_changes_in_what_may_change),
		STORY(people_are_found_by_address),
		STORY(the_record_is_numbered_without_gaps_and_dies_with_its_item),
		STORY(forgetting_is_bounded),
		STORY(deaths_are_counted_and_old_ones_forgotten),
		STORY(the_last_committed_moment_survives),
		STORY(a_turn_that_wrote_nothing_is_not_committed),
		STORY(no_statement_reads_a_whole_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
