/* live: the real bot and the real sandbox as child processes of a test, on free ports, in a folder
 * of their own under the temporary one; the programs are those beside the test's own binary. For
 * tests/wire only. It ends only processes that it started, and they die with the test. A thing
 * that should happen and does not fails the test. What is returned is borrowed until live_close,
 * unless it says otherwise.
 * Environment: UNDER, a command to run each securitybot with (`make valgrind`), which says by exit
 * code 99 that it found something; TEST_SLOW, how many times slower all is with it. */
#ifndef TESTS_LIVE_H
#define TESTS_LIVE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"

struct live;

#define LIVE_CHANNEL   "C0SECALRT"
#define LIVE_BEARER    "a-bearer-of-the-live-tests"
#define LIVE_SOURCE    "edr"
#define LIVE_PATIENCE  10000 /* ms for anything that should happen soon */
#define LIVE_ALERTS_AT "/v1/alerts/" LIVE_SOURCE

struct live_options {
	const char *api_host;   /* how the bot names the sandbox for Slack; NULL = 127.0.0.1 */
	const char *pager_url;  /* NULL = the sandbox's PagerDuty */
	const char *const *env; /* more variables for the bot, "NAME=value"; NULL = none */
	unsigned files;         /* that it may have open; 0 = as we */
};
/* The sandbox runs and the configuration is written; the bot is not started, and there is no
 * playbook yet. NULL and a line on standard error if that fails. */
struct live *live_open(const struct live_options *o);
/* Ends what runs and removes the folder (LIVE_KEEP=1 in the environment: keeps it). Shows the end
 * of both logs unless live_passed() was said. NULL is fine. */
/* Fails the test if UNDER found something. */
void live_close(struct live *l);
void live_passed(struct live *l);

/* Writes playbooks/NAME.yaml: tests/lib/playbooks/edr-process.yaml under that name, for alerts of
 * that type, with each `from` in it replaced (it must be there). */
struct live_change {
	const char *from, *to;
};
void live_playbook(struct live *l, const char *name, const struct live_change *changes, size_t n);
const char *live_file(struct live *l, const char *name); /* its path in the folder */
const char *live_keep(struct live *l, const char *z);    /* a copy */

/* --- the bot --- */

void live_bot_start(struct live *l);
void live_bot_listen(struct live *l);   /* waits until its door is open */
bool live_bot_listens(struct live *l);  /* is it open now? False too if the bot has ended */
void live_bot_ready(struct live *l);    /* waits until Slack's socket is up */
bool live_bot_is_alive(struct live *l); /* false: it ended, and was buried */
int live_bot_pidfd(struct live *l);
pid_t live_bot_pid(const struct live *l); /* 0 = does not run */
pid_t live_sandbox_pid(const struct live *l);
void live_bot_kill(struct live *l); /* SIGKILL, and waits */
/* Waits for its end, at most so long: the exit code, or minus the signal. */
int live_bot_wait(struct live *l, int64_t patience_ms);
int live_bot_stop(struct live *l); /* SIGTERM; 5 s; as live_bot_wait */
/* What it has written since the test began. */
const char *live_log(struct live *l);
size_t live_log_count(struct live *l, const char *words);
/* Another securitybot with these arguments (NULL at the end), to its end: the exit code. What it
 * wrote to both outputs goes into out. */
int live_run(struct live *l, const char *const *args, struct buf *out);
int live_run_for(struct live *l, int64_t patience_ms, const char *const *args, struct buf *out);

/* --- outside --- */

/* POST to the bot's door: the status, 0 = no answer. bearer NULL = none; reply NULL = not wanted */
int live_post(struct live *l, const char *path, const char *bearer, const char *body,
	      struct buf *reply);
/* The body of an alert for a playbook of live_playbook. */
const char *live_alert(struct live *l, const char *type, const char *id, const char *user,
		       int priority);
/* A verb of the sandbox (docs/SANDBOX.md). Takes over args (NULL = none); json_free() the result,
 * which says ok unless the caller looks itself: live_try. */
struct cJSON *live_control(struct live *l, const char *verb, struct cJSON *args);
struct cJSON *live_try(struct live *l, const char *verb, struct cJSON *args);
struct cJSON *live_ask(struct live *l, const char *verb, struct cJSON *args); /* NULL: no answer */
const struct cJSON *live_state(struct live *l);  /* asked anew; until the next live_state */
const struct cJSON *live_ledger(struct live *l); /* the same */

/* --- people --- */

/* In a state: the newest message in that channel whose JSON has those words, and how many (what
 * stands in a thread does not count). */
const struct cJSON *live_message(const struct cJSON *state, const char *channel, const char *words);
size_t live_messages(const struct cJSON *state, const char *channel, const char *words);
bool live_has(const struct cJSON *j, const char *words); /* somewhere in its text */
const struct cJSON *live_button(const struct cJSON *message, const char *action_id);
/* Presses a button of a message as it stands: the envelope's id, "" = Slack had no socket. */
const char *live_click(struct live *l, const char *user, const char *channel,
		       const struct cJSON *message, const char *action_id);
const struct cJSON *live_ack(const struct cJSON *ledger, const char *envelope_id); /* or NULL */
size_t live_incidents(const struct cJSON *state, const char *words);

/* --- time --- */

int64_t live_now_ms(void); /* monotonic */
int64_t live_slow(void);   /* TEST_SLOW, else 1 */
/* Looks again every few milliseconds until it holds. */
#define LIVE_UNTIL(l, patience_ms, condition)                                                      \
	for (const int64_t until_ms = live_now_ms() + (patience_ms)*live_slow(); !(condition);)    \
	live_pause((l), until_ms, #condition, __FILE__, __LINE__)
void live_pause(struct live *l, int64_t until_ms, const char *what, const char *file, int line);
/* An assertion that quotes a sentence of tests/scenario/SENTENCES (tools/check-scenarios.sh). */
#define QUOTE(id, words, holds) assert_true(holds)
#endif
