/* The program as its users have it: the real bot against the real sandbox, over loopback. One
 * inquiry from the alert to the page, how the bot ends, what it refuses to start on, and an alert
 * that kills it. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "lib/live.h"

static int set_up(void **state)
{
	const struct live_options none = { 0 };
	*state = live_open(&none);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	live_close(*state);
	return 0;
}

static void an_alert(struct live *l, const char *id, const char *user, int priority)
{
	CLEANUP(buf_free) struct buf reply = BUF(4096);
	const char *body = live_alert(l, "process", id, user, priority);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, &reply), 202);
	assert_non_null(strstr(buf_z(&reply), "alert-"));
}

/* Clicks and waits for the acknowledgement. */
static void press(struct live *l, const char *user, const char *channel, const char *words,
		  const char *action_id)
{
	const struct cJSON *m = live_message(live_state(l), channel, words);
	const char *envelope = live_click(l, user, channel, m, action_id);
	assert_string_not_equal(envelope, "");
	LIVE_UNTIL(l, LIVE_PATIENCE, live_ack(live_ledger(l), envelope));
}

static const struct cJSON *the_view_of(const struct cJSON *state, const char *user)
{
	const struct cJSON *views = json_key(state, "views");
	for (const struct cJSON *v = json_first(views); v; v = json_next(v))
		if (strcmp(json_text_at(v, "user"), user) == 0)
			return v;
	return NULL;
}

static void write_note(struct live *l, const char *user, const char *words)
{
	struct cJSON *text = json_object(), *block = json_object(), *args = json_object();
	LIVE_UNTIL(l, LIVE_PATIENCE, the_view_of(live_state(l), user));
	json_put_text(text, "text", words);
	json_put(block, "note", text);
	json_put_text(args, "user", user);
	json_put_text(args, "view_id", json_text_at(the_view_of(live_state(l), user), "id"));
	json_put(args, "values", block);
	json_free(live_control(l, "submit", args));
}

static void asked(struct live *l, const char *channel, const char *words)
{
	LIVE_UNTIL(l, LIVE_PATIENCE,
		   live_button(live_message(live_state(l), channel, words), "yes"));
}

static void refusals_none(struct live *l)
{
	const struct cJSON *refusals = json_key(live_ledger(l), "refusals");
	for (const struct cJSON *r = json_first(refusals); r; r = json_next(r))
		print_error("refused by the sandbox: %s\n", json_name(r));
	assert_int_equal(json_count(refusals), 0);
}

/* --- an inquiry --- */

static void by_the_local_socket(struct live *l)
{
	CLEANUP(buf_free) struct buf out = BUF(65536);
	const char *file = live_file(l, "alert.json"), *config = live_file(l, "securitybot.yaml");
	const char *body = live_alert(l, "process", "by-file", "mona@duff.example", 3);
	FILE *f = fopen(file, "we");
	assert_non_null(f);
	assert_true(fputs(body, f) >= 0);
	assert_int_equal(fclose(f), 0);
	const char *good[] = { "alert", file, "--source", "edr", "--config", config, NULL };
	assert_int_equal(live_run(l, good, &out), EX_OK);
	assert_non_null(strstr(buf_z(&out), "\"alert-"));
	asked(l, "D0MONA001", "the program by-file");
	const char *unknown[] = { "alert", file, "--source", "nobody", "--config", config, NULL };
	assert_int_equal(live_run(l, unknown, &out), EX_DATAERR);
	const char *missing[] = {
		"alert", "/no/such", "--source", "edr", "--config", config, NULL
	};
	assert_int_equal(live_run(l, missing, &out), EX_NOINPUT);
}

/* Everything a person can do to a question, and what everybody sees of it. */
static void test_inquiry(void **state)
{
	struct live *l = *state;
	const char *alice = "D0ALICE01", *bob = "D0BOB0001";
	live_playbook(l, "process", NULL, 0);
	live_bot_start(l);
	live_bot_ready(l);
	const char *body = live_alert(l, "process", "x", "bob@duff.example", 3);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, "wrong", body, NULL), 401);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, NULL, body, NULL), 401);
	an_alert(l, "nc", "bob@duff.example", 3);
	an_alert(l, "backup", "alice@duff.example", 4);
	asked(l, bob, "the program nc");
	asked(l, alice, "the program backup");

	const struct cJSON *m = live_message(live_state(l), bob, "the program nc");
	struct cJSON *args = json_object();
	json_put_text(args, "user", "U0EVE0001");
	json_put_text(args, "channel", bob);
	json_put_text(args, "ts", json_text_at(m, "ts"));
	json_put_text(args, "action_id", "yes");
	json_put_bool(args, "force", true);
	CLEANUP(json_done) struct cJSON *said = live_control(l, "click", args);
	LIVE_UNTIL(l, LIVE_PATIENCE,
		   live_has(json_key(live_state(l), "ephemerals"),
			    "Only the person this question was sent to can answer it"));
	m = live_message(live_state(l), bob, "the program nc");
	assert_non_null(live_button(m, "yes")); /* nothing was changed */

	press(l, "U0ALICE01", alice, "the program backup", "yes");
	LIVE_UNTIL(l, LIVE_PATIENCE, live_message(live_state(l), LIVE_CHANNEL, "P4: closed"));
	assert_int_equal(live_incidents(live_state(l), "the program"), 0);

	press(l, "U0BOB0001", bob, "the program nc", "no");
	LIVE_UNTIL(l, LIVE_PATIENCE, live_incidents(live_state(l), "answered-no") == 1);
	write_note(l, "U0BOB0001", "I was on a plane.");
	LIVE_UNTIL(l, LIVE_PATIENCE, live_message(live_state(l), bob, "I was on a plane."));
	LIVE_UNTIL(l, LIVE_PATIENCE,
		   live_message(live_state(l), LIVE_CHANNEL, "I was on a plane."));
	LIVE_UNTIL(l, LIVE_PATIENCE, live_message(live_state(l), bob, "was paged at"));
	m = live_message(live_state(l), bob, "the program nc");
	assert_null(live_button(m, "yes"));
	assert_null(live_button(m, "no"));
	by_the_local_socket(l);
	refusals_none(l);
	assert_int_equal(live_bot_stop(l), EX_OK);
	live_passed(l);
}

/* --- how it ends --- */

/* Asked to end, it says goodbye: no registration stays behind at Slack, none is a ghost. */
static void test_end(void **state)
{
	struct live *l = *state;
	live_playbook(l, "process", NULL, 0);
	for (int life = 0; life < 3; life++) {
		live_bot_start(l);
		live_bot_ready(l);
		assert_int_equal(live_bot_stop(l), EX_OK);
		assert_int_equal(json_count(json_key(live_state(l), "sockets")), 0);
	}
	refusals_none(l);
	/* Before it is connected, too. */
	live_bot_start(l);
	live_bot_listen(l);
	assert_int_equal(live_bot_stop(l), EX_OK);
	assert_int_equal(json_count(json_key(live_state(l), "sockets")), 0);
	live_passed(l);
}

/* --- what it does not start on --- */

static void sql(struct live *l, const char *statement)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(live_file(l, "securitybot.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, statement, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The database has one owner; a second one says who is in its way and leaves everything alone. */
static void test_second_bot(void **state)
{
	struct live *l = *state;
	CLEANUP(buf_free) struct buf out = BUF(65536);
	live_playbook(l, "process", NULL, 0);
	live_bot_start(l);
	live_bot_ready(l);
	const char *run[] = { "run", "--config", live_file(l, "securitybot.yaml"), NULL };
	assert_int_equal(live_run(l, run, &out), EX_CONFIG);
	assert_non_null(strstr(buf_z(&out), "event=bot.failed"));
	assert_non_null(strstr(buf_z(&out), "only one bot may run on a database"));
	assert_null(strstr(buf_z(&out), "door.listening"));
	/* The first has not noticed; its local socket is still its own. */
	by_the_local_socket(l);
	assert_int_equal(live_bot_stop(l), EX_OK);

	/* A file that a newer version has written. */
	sql(l, "UPDATE meta SET value = 999 WHERE name = 'schema'");
	buf_clear(&out);
	assert_int_equal(live_run(l, run, &out), EX_CONFIG);
	assert_non_null(strstr(buf_z(&out), "event=bot.failed"));
	assert_non_null(strstr(buf_z(&out), "start the newer program"));
	const char *no_bot[] = { "alert",    live_file(l, "alert.json"),       "--source", "edr",
				 "--config", live_file(l, "securitybot.yaml"), NULL };
	assert_int_equal(live_run(l, no_bot, &out), EX_UNAVAILABLE);
	live_passed(l);
}

/* --- poison --- */

/* An alert whose evaluation never ends: the process dies of its CPU limit, twice; then that alert
 * is held with a page, and the others go on. */
static void test_poison(void **state)
{
	struct live *l = *state;
	const struct live_change hang = {
		"summary: .what",
		"summary: 'if .id == \"poison\" then (def f: f; f) else .what end'"
	};
	live_playbook(l, "process", &hang, 1);
	live_bot_start(l);
	live_bot_ready(l);
	an_alert(l, "poison", "bob@duff.example", 3);
	const int first = live_bot_wait(l, LIVE_PATIENCE);
	assert_int_equal(first, -SIGXCPU);
	live_bot_start(l);
	const int second = live_bot_wait(l, LIVE_PATIENCE);
	assert_int_equal(second, -SIGXCPU);
	live_bot_start(l);
	live_bot_ready(l);
	LIVE_UNTIL(l, LIVE_PATIENCE, live_incidents(live_state(l), "\"held\"") == 1);
	LIVE_UNTIL(l, LIVE_PATIENCE,
		   live_message(live_state(l), LIVE_CHANNEL, "ended the process twice"));
	an_alert(l, "fine", "alice@duff.example", 3);
	asked(l, "D0ALICE01", "the program fine");
	/* The same body again is the same alert: known, and not looked at. */
	const char *body = live_alert(l, "process", "poison", "bob@duff.example", 3);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 200);
	an_alert(l, "also-fine", "alice@duff.example", 3);
	asked(l, "D0ALICE01", "the program also-fine");
	assert_int_equal(live_incidents(live_state(l), "\"held\""), 1);
	assert_int_equal(live_bot_stop(l), EX_OK);
	live_passed(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_inquiry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_second_bot, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_poison, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
