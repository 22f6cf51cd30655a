/* The record of the real bot: a story with alerts and answers, a backup while it runs, and a verify
 * that names what somebody changed in the file. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/live.h"

enum { SAID_MAX = 1 << 20 };

static int set_up(void **state)
{
	const struct live_options none = { 0 };
	*state = live_open(&none);
	if (!*state)
		return -1;
	live_playbook(*state, "process", NULL, 0);
	live_bot_start(*state);
	live_bot_ready(*state);
	return 0;
}

static int tear_down(void **state)
{
	live_close(*state);
	return 0;
}

/* Three alerts, one answered, so that there are records with words of people. */
static void tell_a_story(struct live *l)
{
	const char *body = live_alert(l, "process", "a1", "homer.simpson@duff.example", 3);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
	LIVE_UNTIL(l, LIVE_PATIENCE,
		   live_button(live_message(live_state(l), "D0HOMER01", "the program a1"), "no"));
	const struct cJSON *m = live_message(live_state(l), "D0HOMER01", "the program a1");
	const char *envelope = live_click(l, "U0HOMER01", "D0HOMER01", m, "no");
	LIVE_UNTIL(l, LIVE_PATIENCE, live_ack(live_ledger(l), envelope));
	LIVE_UNTIL(l, LIVE_PATIENCE, live_incidents(live_state(l), "SB-1") > 0);
	body = live_alert(l, "process", "a2", "nobody@duff.example", 4);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
}

/* securitybot COMMAND WORD --config … MORE, with what it said in *said. */
static int program(struct live *l, const char *command, const char *word, const char *more,
		   const char *value, struct buf *said)
{
	const char *const args[] = { command, word,  "--config", live_file(l, "securitybot.yaml"),
				     more,    value, NULL };
	buf_clear(said);
	return live_run(l, args, said);
}

static void must_say(struct buf *said, const char *words)
{
	if (!strstr(buf_z(said), words))
		fail_msg("\"%s\" is not in \"%s\"", words, buf_z(said));
}

static bool is_there(const char *path)
{
	struct stat at;
	return stat(path, &at) == 0;
}

static void tamper(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_copy_of_the_running_bot_verifies_and_shows_what_was_changed(void **state)
{
	struct live *l = *state;
	CLEANUP(buf_free) struct buf said = BUF(SAID_MAX);
	const char *copy = live_file(l, "copy.db");
	tell_a_story(l);
	assert_int_equal(program(l, "backup", copy, NULL, NULL, &said), EX_OK);
	must_say(&said, "whole");
	assert_true(live_bot_is_alive(l));
	assert_int_equal(program(l, "audit", "verify", NULL, NULL, &said), EX_OK);
	must_say(&said, " records, ok\n");
	assert_null(strstr(buf_z(&said), "no anchor"));
	assert_false(is_there(live_file(l, "securitybot.db.verify")));
	assert_int_equal(program(l, "audit", "verify", "--db", copy, &said), EX_OK);
	must_say(&said, " records, ok\n");

	/* E60: the record of one case, whole, without stopping the bot. */
	assert_int_equal(program(l, "audit", "case", "SB-1", NULL, &said), EX_OK);
	must_say(&said, "  alert 1  alert.received  source:edr");
	must_say(&said, "  case 1  case.opened  bot");
	must_say(&said, "  inquiry 1  inquiry.delivered  bot");
	must_say(&said, "  inquiry 1  inquiry.answered  slack:U0HOMER01");
	assert_null(strstr(buf_z(&said), "case 2"));
	assert_int_equal(program(l, "audit", "case", "sb1", "--json", &said), EX_OK);
	must_say(&said, "\"action\":\"inquiry.answered\"");
	assert_int_equal(program(l, "audit", "case", "SB-99", NULL, &said), EX_NOINPUT);
	must_say(&said, "no record");
	assert_int_equal(program(l, "audit", "case", "the last one", NULL, &said), EX_USAGE);

	assert_int_equal(program(l, "backup", copy, NULL, NULL, &said), EX_CANTCREAT);
	must_say(&said, "is there");
	assert_int_equal(program(l, "backup", copy, "--force", NULL, &said), EX_OK);

	tamper(copy, "UPDATE audit SET actor = 'slack:U0EVE0001' WHERE seq = 4");
	assert_int_equal(program(l, "audit", "verify", "--db", copy, &said), EX_DATAERR);
	must_say(&said, "record 4: altered\n");
	must_say(&said, ", 1 findings\n");
	tamper(copy, "PRAGMA foreign_keys = OFF; DELETE FROM audit WHERE seq = 4");
	assert_int_equal(program(l, "audit", "verify", "--db", copy, &said), EX_DATAERR);
	must_say(&said, "records missing between 3 and 5\n");
	live_passed(l);
}

static void when_no_bot_runs_the_same_is_done_on_the_file_itself(void **state)
{
	struct live *l = *state;
	CLEANUP(buf_free) struct buf said = BUF(SAID_MAX);
	const char *copy = live_file(l, "copy.db"), *database = live_file(l, "securitybot.db");
	tell_a_story(l);
	assert_int_equal(live_bot_stop(l), EX_OK);
	assert_true(is_there(live_file(l, "securitybot.db.anchor")));
	assert_int_equal(program(l, "audit", "verify", NULL, NULL, &said), EX_OK);
	must_say(&said, " records, ok\n");
	assert_int_equal(program(l, "backup", copy, NULL, NULL, &said), EX_OK);
	assert_int_equal(program(l, "audit", "verify", "--db", copy, &said), EX_OK);

	/* The end cut off, and all that the database holds about it put right: the anchor knows. */
	tamper(database, "PRAGMA foreign_keys = OFF;"
			 "DELETE FROM audit WHERE seq = (SELECT last_seq FROM audit_head)");
	assert_int_equal(program(l, "audit", "verify", NULL, NULL, &said), EX_DATAERR);
	must_say(&said, "shorter than the anchor: ");
	must_say(&said, "records missing at the end: ");

	/* And the next start tells a person. */
	live_bot_start(l);
	live_bot_ready(l);
	LIVE_UNTIL(l, LIVE_PATIENCE, live_incidents(live_state(l), "audit record") > 0);
	assert_true(live_log_count(l, "event=audit.doubt") > 0);
	live_passed(l);
}

static void copy_file(const char *from, const char *to)
{
	char piece[65536];
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	const int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;
	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, piece, sizeof(piece))) > 0)
		assert_int_equal(write(out, piece, (size_t)n), n);
	assert_int_equal(n, 0);
	assert_true(close(in) == 0 && close(out) == 0);
}

/* F16: yesterday's file in today's place. One page, the bot works, and only an admin's word, on
 * record, ends it. */
static void an_older_database_is_told_until_it_is_accepted(void **state)
{
	struct live *l = *state;
	CLEANUP(buf_free) struct buf said = BUF(SAID_MAX);
	const char *database = live_file(l, "securitybot.db"), *old = live_file(l, "old.db");
	assert_int_equal(program(l, "audit", "accept-restore", NULL, NULL, &said), EX_DATAERR);
	must_say(&said, "nothing to accept");
	assert_int_equal(live_bot_stop(l), EX_OK);
	copy_file(database, old);
	live_bot_start(l);
	live_bot_ready(l);
	tell_a_story(l);
	assert_int_equal(live_bot_stop(l), EX_OK);
	assert_int_equal(program(l, "audit", "accept-restore", NULL, NULL, &said), EX_UNAVAILABLE);
	copy_file(old, database);

	for (int life = 0; life < 2; life++) { /* once more: it is not forgotten, nor told again */
		live_bot_start(l);
		live_bot_ready(l);
		LIVE_UNTIL(l, LIVE_PATIENCE, live_incidents(live_state(l), "older database") == 1);
		const char *body = live_alert(l, "process", life ? "b2" : "b1",
					      "homer.simpson@duff.example", 3);
		assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
		LIVE_UNTIL(l, LIVE_PATIENCE,
			   live_message(live_state(l), "D0HOMER01",
					life ? "the program b2" : "the program b1"));
		if (life == 0)
			assert_int_equal(live_bot_stop(l), EX_OK);
	}
	assert_int_equal(program(l, "audit", "verify", NULL, NULL, &said), EX_DATAERR);
	assert_int_equal(program(l, "audit", "accept-restore", NULL, NULL, &said), EX_OK);
	assert_int_equal(live_bot_stop(l), EX_OK);
	assert_int_equal(program(l, "audit", "verify", NULL, NULL, &said), EX_OK);
	const size_t doubts = live_log_count(l, "event=audit.doubt");
	live_bot_start(l);
	live_bot_ready(l);
	assert_int_equal(live_log_count(l, "event=audit.doubt"), doubts);
	assert_int_equal(program(l, "audit", "accept-restore", NULL, NULL, &said), EX_DATAERR);
	assert_int_equal(live_bot_stop(l), EX_OK);
	assert_int_equal(program(l, "audit", "case", "SB-1", NULL, &said), EX_OK);
	must_say(&said, "restore.accepted  local");
	live_passed(l);
}

static void kill_mid_life_then_verify(void **state)
{
	struct live *l = *state;
	CLEANUP(buf_free) struct buf said = BUF(SAID_MAX);
	tell_a_story(l);
	live_bot_kill(l);
	assert_int_equal(program(l, "audit", "verify", NULL, NULL, &said), EX_OK);
	must_say(&said, " records, ok\n");
	live_bot_start(l);
	live_bot_ready(l);
	assert_int_equal(live_log_count(l, "event=audit.doubt"), 0);
	assert_int_equal(program(l, "audit", "verify", NULL, NULL, &said), EX_OK);
	live_passed(l);
}

static void wrong_words_are_refused(void **state)
{
	struct live *l = *state;
	CLEANUP(buf_free) struct buf said = BUF(SAID_MAX);
	assert_int_equal(program(l, "audit", "everything", NULL, NULL, &said), EX_USAGE);
	assert_int_equal(program(l, "audit", "verify", "--anchor", "7", &said), EX_USAGE);
	assert_int_equal(program(l, "audit", "verify", "--db", "/nowhere/x.db", &said), EX_NOINPUT);
	assert_int_equal(program(l, "backup", "/nowhere/at/all.db", NULL, NULL, &said),
			 EX_CANTCREAT);
	assert_int_equal(
		program(l, "backup", live_file(l, "securitybot.db"), "--force", NULL, &said),
		EX_CANTCREAT);
	must_say(&said, "the database itself");
	live_passed(l);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(a_copy_of_the_running_bot_verifies_and_shows_what_was_changed),
		STORY(when_no_bot_runs_the_same_is_done_on_the_file_itself),
		STORY(an_older_database_is_told_until_it_is_accepted),
		STORY(kill_mid_life_then_verify),
		STORY(wrong_words_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
