/* The real bot on a disk that is slow, that says EIO after it has done its work, or that has
 * damaged the file. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/live.h"

#ifdef __SANITIZE_ADDRESS__
static const bool has_sanitizer = true;
#else
static const bool has_sanitizer = false;
#endif

static char preload[4096], fault[128], fault_env[160];

static int set_up(void **state)
{
	char self[3900];
	const char *env[] = { preload, fault_env, NULL };
	const struct live_options o = { .env = has_sanitizer ? NULL : env };
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	char *slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/preload_sync.so", self);
	(void)snprintf(fault, sizeof(fault), "/tmp/securitybot-sync-%ld", (long)getpid());
	(void)snprintf(fault_env, sizeof(fault_env), "SYNC_FAULT=%s", fault);
	*state = live_open(&o);
	if (!*state)
		return -1;
	live_playbook(*state, "process", NULL, 0);
	live_bot_start(*state);
	live_bot_ready(*state);
	return 0;
}

static int tear_down(void **state)
{
	(void)unlink(fault);
	live_close(*state);
	return 0;
}

static void arm(const char *word)
{
	FILE *f = fopen(fault, "we");
	assert_non_null(f);
	(void)fputs(word, f);
	assert_int_equal(fclose(f), 0);
}

static void needs_preload(struct live *l)
{
	if (!has_sanitizer)
		return;
	print_message("SKIP: the sanitizer's own preload has to come first\n");
	live_passed(l);
	skip();
}

static void ask_homer(struct live *l)
{
	const char *body = live_alert(l, "process", "a1", "homer.simpson@duff.example", 3);
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
	LIVE_UNTIL(l, LIVE_PATIENCE,
		   live_button(live_message(live_state(l), "D0HOMER01", "the program a1"), "no"));
}

/* Late, logged, counted, and nothing is lost. */
static void a_slow_sync_costs_time_only(void **state)
{
	struct live *l = *state;
	needs_preload(l);
	const char *body = live_alert(l, "process", "a1", "homer.simpson@duff.example", 3);
	assert_int_equal(live_log_count(l, "event=turn.slow"), 0);
	arm("slow");
	const int64_t begun = live_now_ms();
	assert_int_equal(live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, NULL), 202);
	assert_true(live_now_ms() - begun >= 1000); /* not before it is on the disk */
	assert_int_equal(unlink(fault), 0);
	LIVE_UNTIL(l, LIVE_PATIENCE, live_message(live_state(l), "D0HOMER01", "the program a1"));
	assert_true(live_log_count(l, "event=turn.slow") > 0);
	assert_true(live_log_count(l, "so_far=1") > 0);
	live_passed(l);
}

/* F10: the COMMIT of a "no" fails, and what it wrote is on the disk. The process ends; the next one
 * reads it, and there is one page. */
static void a_commit_that_failed_and_is_there_has_one_effect(void **state)
{
	struct live *l = *state;
	needs_preload(l);
	ask_homer(l);
	/* The card is written anew when the question stands there; then nothing more is due. */
	LIVE_UNTIL(l, LIVE_PATIENCE, live_has(live_ledger(l), "chat.update"));
	const int64_t quiet_ms = live_now_ms() + 500;
	LIVE_UNTIL(l, LIVE_PATIENCE, live_now_ms() >= quiet_ms);
	const struct cJSON *m = live_message(live_state(l), "D0HOMER01", "the program a1");
	arm("eio");
	const char *envelope = live_click(l, "U0HOMER01", "D0HOMER01", m, "no");
	assert_int_equal(live_bot_wait(l, LIVE_PATIENCE), EX_TEMPFAIL);
	assert_true(live_log_count(l, "event=store.broken") > 0);
	assert_null(live_ack(live_ledger(l), envelope));
	assert_int_equal(live_incidents(live_state(l), "SB-1"), 0);
	live_bot_start(l);
	live_bot_ready(l);
	LIVE_UNTIL(l, LIVE_PATIENCE, live_incidents(live_state(l), "SB-1") == 1);
	LIVE_UNTIL(l, LIVE_PATIENCE,
		   !live_button(live_message(live_state(l), "D0HOMER01", "the program a1"), "no"));
	/* A restart more repeats nothing either. */
	assert_int_equal(live_bot_stop(l), EX_OK);
	live_bot_start(l);
	live_bot_ready(l);
	assert_int_equal(live_incidents(live_state(l), "SB-1"), 1);
	assert_int_equal(live_messages(live_state(l), "D0HOMER01", "the program a1"), 1);
	live_passed(l);
}

/* A start that can't use the database: it calls the on-call, and waits a minute lest the next one
 * calls at once. It is told to end instead. */
static void fails_to_start(struct live *l, int code, const char *why)
{
	const size_t taken = live_log_count(l, "event=page.taken");
	live_bot_start(l);
	LIVE_UNTIL(l, LIVE_PATIENCE, live_log_count(l, "event=page.taken") > taken);
	assert_true(live_log_count(l, why) > 0);
	assert_int_equal(live_incidents(live_state(l), "can't use its database"), 1);
	assert_true(live_bot_is_alive(l));
	assert_int_equal(live_bot_stop(l), code);
}

/* F13. Two starts, one incident; when the file is whole again everything goes on. */
static void a_damaged_file_is_refused_with_what_to_do(void **state)
{
	static char whole[17][8];
	struct live *l = *state;
	const char *database = live_file(l, "securitybot.db");
	ask_homer(l);
	assert_int_equal(live_bot_stop(l), EX_OK);
	const int fd = open(database, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (off_t page = 3; page < 20; page++) {
		assert_int_equal(pread(fd, whole[page - 3], 8, page * 4096), 8);
		assert_int_equal(pwrite(fd, "damaged!", 8, page * 4096), 8);
	}
	fails_to_start(l, EX_DATAERR, "the file is damaged");
	fails_to_start(l, EX_DATAERR, "put the newest backup in its place");
	for (off_t page = 3; page < 20; page++)
		assert_int_equal(pwrite(fd, whole[page - 3], 8, page * 4096), 8);
	assert_int_equal(close(fd), 0);
	live_bot_start(l);
	live_bot_ready(l);
	const struct cJSON *m = live_message(live_state(l), "D0HOMER01", "the program a1");
	const char *envelope = live_click(l, "U0HOMER01", "D0HOMER01", m, "yes");
	LIVE_UNTIL(l, LIVE_PATIENCE, live_ack(live_ledger(l), envelope));
	live_passed(l);
}

/* F17, and whatever else can't be opened; a path that never was wakes nobody. */
static void what_cant_be_opened_pages_if_it_was_there(void **state)
{
	struct live *l = *state;
	const char *database = live_file(l, "securitybot.db"), *away = live_file(l, "away.db");
	assert_int_equal(live_bot_stop(l), EX_OK);
	assert_int_equal(rename(database, away), 0);
	assert_int_equal(mkdir(database, 0700), 0);
	fails_to_start(l, EX_TEMPFAIL, "unable to open database file");
	assert_int_equal(rmdir(database), 0);
	assert_int_equal(symlink("/nowhere/at/all.db", database), 0);
	const size_t pages = live_log_count(l, "event=page.");
	live_bot_start(l);
	assert_int_equal(live_bot_wait(l, LIVE_PATIENCE), EX_TEMPFAIL);
	assert_int_equal(live_log_count(l, "event=page."), pages);
	live_passed(l);
}

int main(void)
{
#define STORY(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		STORY(a_slow_sync_costs_time_only),
		STORY(a_commit_that_failed_and_is_there_has_one_effect),
		STORY(a_damaged_file_is_refused_with_what_to_do),
		STORY(what_cant_be_opened_pages_if_it_was_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
