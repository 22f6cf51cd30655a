/* E46 and E60: what strangers send changes nothing, and what somebody changes in the record is
 * named. Delete one and a forged alert could wake people, or a quiet edit of the file could hide
 * who said what. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/policy.h"
#include "scenario.h"

/* --- E46 --- */

static const char *deep(void)
{
	enum { DEPTH = 10000 };
	char *text = arena_many(story_arena(), char, 2 * DEPTH + 1);
	memset(text, '[', DEPTH);
	memset(text + DEPTH, ']', DEPTH);
	return text;
}

static void forged_input_changes_nothing(void **state)
{
	struct lab *l = *state;
	const char *const broken[] = { "{\"type\":\"process\",", deep(),
				       "{\"a\":1,\"a\":2}",      "{\"a\":\"\\u0000\"}",
				       "{\"a\":\"\xff\"}",       "\"only a text\"" };
	bool refused = true;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct lab_post told;
		lab_post(l, "edr", broken[i], &told);
		lab_pass(l, 1000);
		refused = refused && told.status == 400;
	}
	for (size_t i = 0; i < 2;
	     i++) { /* a secret that is wrong, a source that is none: the same */
		struct lab_post told;
		lab_forge(l, i ? "nobody" : "edr", "{\"type\":\"process\",\"user\":\"alice\"}",
			  &told);
		lab_pass(l, 1000);
		refused = refused && told.status == 401;
	}
	QUOTE("E46.1", "4xx", refused);
	struct look *look = lab_look(l);
	QUOTE("E46.3", "no state change",
	      !look_alert(look, 1) && !look_case(look, 1) && !look_outgoing(look, 1));
}

/* Both secrets differ in their first byte; the last byte of one lies on a page that may not be
 * read. A comparison that stops early never gets there; one in constant time dies of it. */
static void secrets_are_compared_to_the_end(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *two =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)state;
	assert_true(two != MAP_FAILED);
	char guess[32];
	memset(guess, 'a', sizeof(guess));
	memset(two, 'b', page);
	assert_int_equal(mprotect(two + page, page, PROT_NONE), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the tests */
		(void)close(STDERR_FILENO);     /* a sanitizer would tell of it */
		bool same = str_same_secret(
			(struct str){ guess, sizeof(guess) },
			(struct str){ two + page - sizeof(guess) + 1, sizeof(guess) });
		_exit(same ? 1 : 0);
	}
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	QUOTE("E46.2", "constant-time compare",
	      WIFSIGNALED(how) || (WIFEXITED(how) && WEXITSTATUS(how) != 0));
	(void)munmap(two, 2 * page);
}

/* --- E60 --- */

struct heard {
	char findings[2000];
	size_t opened, asked, answered, paged, others;
};

static void hear(void *self, const char *line)
{
	struct heard *h = self;
	size_t n = strlen(h->findings);
	(void)snprintf(h->findings + n, sizeof(h->findings) - n, "%s\n", line);
}

static void hear_record(void *self, const struct audit_record *r)
{
	struct heard *h = self;
	h->opened += strcmp(r->action, "case.opened") == 0;
	h->asked += strcmp(r->action, "inquiry.delivered") == 0;
	h->answered +=
		strcmp(r->action, "inquiry.answered") == 0 && strstr(r->actor, "U0ALICE01") != NULL;
	h->paged += strcmp(r->action, "page.confirmed") == 0;
	h->others += strcmp(r->object, "case 1") != 0 && strcmp(r->object, "inquiry 1") != 0 &&
		     strcmp(r->object, "alert 1") != 0 && strncmp(r->object, "outgoing ", 9) != 0;
}

static struct store *resting(struct lab *l)
{
	struct store *s = NULL;
	struct fail fail;
	assert_int_equal(store_open_resting(lab_database(l), &s, &fail), RC_OK);
	store_audit_key(s, &lab_policy()->audit_key);
	return s;
}

static bool verified(struct lab *l, struct heard *h)
{
	struct store *s = resting(l);
	struct audit_report report = { .say = hear, .self = h };
	struct fail fail;
	assert_int_equal(store_audit_verify(s, NULL, &report, &fail), RC_OK);
	store_close(s);
	return report.findings == 0 && report.records > 5;
}

static void the_record_names_what_was_changed(void **state)
{
	struct lab *l = *state;
	struct heard before = { .opened = 0 }, after = { .opened = 0 };
	struct fail fail;
	for (int i = 0; i < 2; i++)
		assert_int_equal(post(l,
				      "{\"type\":\"process\",\"id\":\"k%d\",\"user\":\"%s\","
				      "\"what\":\"nc\",\"priority\":\"P3\"}",
				      i, i ? "bob" : "alice")
					 .status,
				 202);
	lab_pass(l, 10000);
	press(l, "alice", "no");
	lab_pass(l, 10000);
	lab_kill(l, DAY_MS);
	assert_true(verified(l, &before));

	struct store *s = resting(l);
	const struct audit_teller teller = { hear_record, &before };
	assert_int_equal(store_audit_case(s, 1, &teller, &fail), RC_OK);
	QUOTE("E60.2", "case export gives full timeline",
	      before.opened == 1 && before.asked == 1 && before.answered == 1 &&
		      before.paged == 1 && before.others == 0);
	assert_int_equal(store_audit_case(s, 99, &teller, &fail), RC_ABSENT);
	store_close(s);

	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(lab_database(l), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "UPDATE audit SET action = 'inquiry.silent' WHERE seq = 5",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	QUOTE("E60.1", "'audit verify' names the row",
	      !verified(l, &after) && strstr(after.findings, "record 5: altered"));
}

int stories_of_the_record(void)
{
	const struct CMUnitTest tests[] = {
		STORY(forged_input_changes_nothing),
		STORY(secrets_are_compared_to_the_end),
		STORY(the_record_names_what_was_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
