/* crash_world: fifty alerts, their senders, the people who are asked, and the killer. For
 * test_crash_kill.c only. */
#ifndef CRASH_WORLD_H
#define CRASH_WORLD_H
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/time.h>

#include "lib/live.h"
#include "model/nouns.h"

enum {
	TASKS = 50,
	LIVES = 36,
	CLICK_MS = 3500, /* after that Slack tells the person that nobody answered */
	LOOK_MS = 30,
	CLICKS_MAX = 1000,
};

/* --- who does what --- */

struct member {
	const char *user, *email, *dm;
};
static const struct member persons[] = {
	{ "U0ALICE01", "alice@duff.example", "D0ALICE01" },
	{ "U0BOB0001", "bob@duff.example", "D0BOB0001" },
	{ "U0DANA001", "dana@duff.example", "D0DANA001" },
	{ "U0MONA001", "mona@duff.example", "D0MONA001" },
	{ "U0EVE0001", "eve@duff.example", "D0EVE0001" },
	{ "U0HOMER01", "homer.simpson@duff.example", "D0HOMER01" },
	{ "U0CAROL01", "carol@duff.example", "D0CAROL01" }, /* deactivated */
};
enum { PERSONS = sizeof(persons) / sizeof(persons[0]), NOBODY = PERSONS - 1 };

/* What the person does, click by click; each is repeated until Slack got an answer. */
struct script {
	const char *clicks[3];
	bool waits_for_silence, is_mute, is_nobody; /* mute: never answers */
	enum inquiry_state end;
	const char *late;
};
/* clang-format off */
static const struct script scripts[] = {
	{ .clicks = { "yes" },           .end = INQUIRY_UNPROVEN,    .late = "" },
	{ .clicks = { "no" },            .end = INQUIRY_NO,          .late = "" },
	{ .clicks = { "yes", "yes" },    .end = INQUIRY_UNPROVEN,    .late = "" },
	{ .clicks = { "yes", "no" },     .end = INQUIRY_NO,          .late = "" },
	{ .clicks = { "no", "yes" },     .end = INQUIRY_NO,          .late = "" },
	{ .clicks = { "yes", "not_me" }, .end = INQUIRY_NO,          .late = "" },
	{ .clicks = { "no", "no" },      .end = INQUIRY_NO,          .late = "" },
	{ .clicks = { "yes" },           .end = INQUIRY_UNPROVEN,    .late = "" },
	{ .is_mute = true,               .end = INQUIRY_SILENT,      .late = "" },
	{ .clicks = { "yes" }, .waits_for_silence = true, .end = INQUIRY_SILENT, .late = "yes" },
	{ .clicks = { "no" },  .waits_for_silence = true, .end = INQUIRY_NO,     .late = "" },
	{ .is_nobody = true,             .end = INQUIRY_UNREACHABLE, .late = "" },
};
/* clang-format on */
enum { SCRIPTS = sizeof(scripts) / sizeof(scripts[0]) };

struct task {
	char id[16];
	const struct member *whom;
	const struct script *script;
	int priority, status;
	int64_t alert_id;
	size_t step;              /* clicks that were acknowledged */
	const char *click, *note; /* envelopes under way, NULL = none */
	int click_life, note_life;
	int64_t click_ms, note_ms;
	const char *token, *ts; /* of the question's buttons; where it stands */
	bool is_noted, was_aimed_at;
};

/* What a life waits for before it is ended. */
enum aim { AIM_START, AIM_CALL, AIM_CLICK, AIM_POST, AIMS };
struct crash {
	struct live *live;
	uint64_t random;
	struct task tasks[TASKS];
	size_t posted; /* alerts with a 2xx */
	int life;      /* LIVES and more: nobody is killed any more */
	enum aim aim;
	int64_t delay_us; /* from what it waited for to the blow */
	bool is_armed;
	int64_t looked_ms; /* when people looked at their screens */
	struct sent {
		const char *envelope;
		size_t task;
		bool is_note;
	} sent[CLICKS_MAX];
	size_t sent_n;
	const char *crumbs[LIVES]; /* what was being handled at a death */
	size_t crumbs_n;
};

static uint64_t chance(struct crash *c, uint64_t n)
{
	uint64_t z = (c->random += UINT64_C(0x9E3779B97F4A7C15)); /* splitmix64 */
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (z ^ (z >> 31)) % n;
}

/* --- the killer: a timer of this process, so that it strikes in the middle of anything --- */

static volatile sig_atomic_t victim = -1;

static void strike(int signal)
{
	(void)signal;
	if (victim >= 0)
		(void)pidfd_send_signal(victim, SIGKILL, NULL, 0);
}

static void arm(struct crash *c)
{
	const int64_t us = c->delay_us > 0 ? c->delay_us : 1;
	const struct itimerval at = { .it_value = { us / 1000000, us % 1000000 } };
	if (c->is_armed)
		return;
	c->is_armed = true;
	victim = live_bot_pidfd(c->live);
	(void)setitimer(ITIMER_REAL, &at, NULL);
}

/* --- senders: each alert until it is accepted --- */

static void send_alerts(struct crash *c, size_t up_to)
{
	CLEANUP(buf_free) struct buf reply = BUF(4096);
	struct live *l = c->live;
	if (c->posted >= up_to || c->posted == TASKS || !live_bot_listens(l))
		return;
	struct task *t = &c->tasks[c->posted];
	const bool is_brief = t->script->is_mute || t->script->waits_for_silence;
	const char *body =
		live_alert(l, is_brief ? "brief" : "process", t->id, t->whom->email, t->priority);
	/* At most one blow at one alert: the second death of one thing means that it is broken. */
	if (c->aim == AIM_POST && !t->was_aimed_at && c->life < LIVES) {
		t->was_aimed_at = true;
		arm(c);
	}
	const int status = live_post(l, LIVE_ALERTS_AT, LIVE_BEARER, body, &reply);
	if (status != 202 && status != 200)
		return;
	t->status = status;
	const char *at = strstr(buf_z(&reply), "\"alert-");
	assert_non_null(at);
	t->alert_id = strtoll(at + strlen("\"alert-"), NULL, 10);
	c->posted++;
}

/* --- people --- */

static void remember(struct crash *c, const char *envelope, const struct task *t, bool is_note)
{
	assert_true(c->sent_n < CLICKS_MAX);
	c->sent[c->sent_n].envelope = envelope;
	c->sent[c->sent_n].task = (size_t)(t - c->tasks);
	c->sent[c->sent_n++].is_note = is_note;
}

static bool is_silent_now(const struct cJSON *state, const struct task *t)
{
	const struct cJSON *all = json_key(state, "incidents");
	for (const struct cJSON *i = json_first(all); i; i = json_next(i))
		if (strcmp(json_text_at(i, "details.reason"), "silence") == 0 && live_has(i, t->id))
			return true;
	return false;
}

static void click(struct crash *c, struct task *t)
{
	struct cJSON *args = json_object();
	json_put_text(args, "user", t->whom->user);
	json_put_text(args, "channel", t->whom->dm);
	json_put_text(args, "ts", t->ts);
	json_put_text(args, "action_id", t->script->clicks[t->step]);
	json_put_text(args, "block_id", "answer");
	json_put_text(args, "value", t->token);
	json_put_bool(args, "force", true); /* the screen showed the button a moment ago */
	CLEANUP(json_done) struct cJSON *said = live_control(c->live, "click", args);
	if (!json_true(json_key(said, "delivered")))
		return;
	if (c->aim == AIM_CLICK && c->life < LIVES)
		arm(c);
	t->click = live_keep(c->live, json_text_at(said, "envelope_id"));
	t->click_life = c->life;
	t->click_ms = live_now_ms();
	remember(c, t->click, t, false);
}

enum { NOTE_BYTES = 64 };
static const char *note_of(const struct task *t, char words[NOTE_BYTES])
{
	(void)snprintf(words, NOTE_BYTES, "my note on %s", t->id);
	return words;
}

/* A note, if the modal is open. */
static void write_note(struct crash *c, const struct cJSON *state, struct task *t)
{
	const struct cJSON *views = json_key(state, "views"), *v = json_first(views);
	for (; v; v = json_next(v))
		if (strcmp(json_text_at(v, "view.private_metadata"), t->token) == 0)
			break;
	if (!v)
		return;
	char words[NOTE_BYTES];
	struct cJSON *args = json_object(), *block = json_object(), *text = json_object();
	json_put_text(text, "text", note_of(t, words));
	json_put(block, "note", text);
	json_put_text(args, "user", t->whom->user);
	json_put_text(args, "view_id", json_text_at(v, "id"));
	json_put(args, "values", block);
	CLEANUP(json_done) struct cJSON *said = live_control(c->live, "submit", args);
	if (!json_true(json_key(said, "delivered")))
		return;
	t->note = live_keep(c->live, json_text_at(said, "envelope_id"));
	t->note_life = c->life;
	t->note_ms = live_now_ms();
	remember(c, t->note, t, true);
}

/* True if what was sent is no longer under way; *is_done: because it was acknowledged. */
static bool is_over(const struct crash *c, const struct cJSON *ledger, const struct task *t,
		    bool is_note, bool *is_done)
{
	const char *envelope = is_note ? t->note : t->click;
	const int64_t since_ms = is_note ? t->note_ms : t->click_ms;
	*is_done = envelope && live_ack(ledger, envelope);
	return *is_done || !envelope || (is_note ? t->note_life : t->click_life) != c->life ||
	       live_now_ms() - since_ms > CLICK_MS;
}

static bool has_said_all(const struct task *t) { return !t->script->clicks[t->step]; }

static void person_acts(struct crash *c, const struct cJSON *state, const struct cJSON *ledger,
			struct task *t)
{
	bool is_done;
	if (!t->token || !is_over(c, ledger, t, false, &is_done))
		return;
	t->click = NULL;
	t->step += is_done;
	if (!has_said_all(t)) {
		if (!t->script->waits_for_silence || is_silent_now(state, t))
			click(c, t);
		return;
	}
	if (!t->step || t->is_noted || !is_over(c, ledger, t, true, &is_done))
		return;
	t->note = NULL;
	t->is_noted = is_done;
	if (!is_done)
		write_note(c, state, t);
}

/* Reads the new questions of all. */
static void questions_read(struct crash *c, const struct cJSON *state)
{
	for (size_t i = 0; i < c->posted; i++) {
		struct task *t = &c->tasks[i];
		if (t->token)
			continue;
		const struct cJSON *m = live_message(state, t->whom->dm, t->id);
		if (!m)
			continue;
		const struct cJSON *button = live_button(m, "yes");
		t->ts = live_keep(c->live, json_text_at(m, "ts"));
		t->token = button ? live_keep(c->live, json_text_at(button, "value")) : NULL;
	}
}

/* Looks at everything and acts; not more often than people would. */
static void people_act(struct crash *c)
{
	if (live_now_ms() - c->looked_ms < LOOK_MS) {
		(void)poll(NULL, 0, 3);
		return;
	}
	c->looked_ms = live_now_ms();
	const struct cJSON *state = live_state(c->live), *ledger = live_ledger(c->live);
	questions_read(c, state);
	for (size_t i = 0; i < c->posted; i++)
		person_acts(c, state, ledger, &c->tasks[i]);
}

/* Time is over: whose alert or answer was lost. */
static void say_who_waits(const struct crash *c)
{
	for (size_t i = 0; i < TASKS; i++) {
		const struct task *t = &c->tasks[i];
		if (!t->status || !has_said_all(t))
			print_error("%s: answered %d, alert %" PRId64 ", %s, %zu clicks "
				    "acknowledged\n",
				    t->id, t->status, t->alert_id,
				    t->token ? "asked" : "never asked", t->step);
	}
}

/* A blow in the middle of an item counts as that item's death, and after a second one it is held as
 * broken, with a page: test_live_inquiry has that story. Here no item is at fault, so the second
 * one's crumb is wiped away. */
static void crumb_spare(struct crash *c)
{
	char what[64] = "";
	FILE *f = fopen(live_file(c->live, "securitybot.db.crumb"), "r+e");
	bool is_second = false;
	if (!f)
		return;
	const size_t n = fread(what, 1, sizeof(what) - 1, f);
	for (size_t i = 0; n && what[0] && i < c->crumbs_n; i++)
		is_second = is_second || strcmp(c->crumbs[i], what) == 0;
	if (n && what[0] && !is_second)
		c->crumbs[c->crumbs_n++] = live_keep(c->live, what);
	if (is_second) {
		rewind(f);
		(void)fputc('\0', f);
	}
	assert_int_equal(fclose(f), 0);
}

static void tasks_make(struct crash *c)
{
	for (size_t i = 0; i < TASKS; i++) {
		struct task *t = &c->tasks[i];
		(void)snprintf(t->id, sizeof(t->id), "kill-%02zu", i);
		t->script = &scripts[i % SCRIPTS];
		t->whom = &persons[t->script->is_nobody ? NOBODY : chance(c, NOBODY)];
		t->priority = 1 + (int)chance(c, 5);
	}
}
#endif
