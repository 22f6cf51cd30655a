/* crash_world: the alerts, their senders, the people who are asked, and the killer. People see what
 * is new since they looked last: the whole of it is too much to read thirty times a second. For
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
	TASKS_MAX = 400,
	LIVES_MAX = 200,
	CLICK_MS = 3500, /* after that Slack tells the person that nobody answered */
	LOOK_MS = 30,
	CLICKS_MAX = 8000,
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
#define TASK_NAME "kill-"
enum { SCRIPTS = sizeof(scripts) / sizeof(scripts[0]) };

struct task {
	char id[32];
	const struct member *whom;
	const struct script *script;
	int priority, status;
	int64_t alert_id;
	size_t step;               /* clicks that were acknowledged */
	struct sent *click, *note; /* under way, NULL = nothing */
	const char *token, *ts;    /* of the question's buttons; where it stands */
	bool is_noted, is_silent, was_aimed_at;
};
struct sent {
	const char *envelope;
	size_t task;
	int life;
	int64_t at_ms;
	bool is_note, is_acked;
};

/* What a life waits for before it is ended. */
#define AIMS_OF(X)                                                                                 \
	X(MIGRATION, "at a start, no database yet")                                                \
	X(START, "at a start")                                                                     \
	X(CALL, "after a request")                                                                 \
	X(PAGE, "after a page went out")                                                           \
	X(CLICK, "at a click")                                                                     \
	X(POST, "at an alert")                                                                     \
	X(ACCEPTED, "after an alert was accepted")                                                 \
	X(REFRESH, "while the socket is replaced")
enum aim {
#define X(name, words) AIM_##name,
	AIMS_OF(X)
#undef X
		AIMS
};
struct crash {
	struct live *live;
	uint64_t random;
	struct task tasks[TASKS_MAX];
	size_t tasks_n, posted; /* posted: alerts with a 2xx */
	int lives, life;        /* life = lives and more: nobody is killed any more */
	enum aim aim;
	int64_t delay_us; /* from what it waited for to the blow */
	bool is_armed;
	int64_t looked_ms, state_ms; /* when people looked at their screens: our clock, Slack's */
	int64_t seq, calls;          /* of the ledger; calls that were seen */
	struct sent sent[CLICKS_MAX];
	size_t sent_n;
	const char *crumbs[LIVES_MAX]; /* what was being handled at a death */
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
	if (c->posted >= up_to || c->posted == c->tasks_n || !live_bot_listens(l))
		return;
	struct task *t = &c->tasks[c->posted];
	const bool is_brief = t->script->is_mute || t->script->waits_for_silence;
	const char *body =
		live_alert(l, is_brief ? "brief" : "process", t->id, t->whom->email, t->priority);
	/* At most one blow at one alert: the second death of one thing means that it is broken. */
	if (c->aim == AIM_POST && !t->was_aimed_at && c->life < c->lives) {
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
	if (c->aim == AIM_ACCEPTED && !t->was_aimed_at && c->life < c->lives) {
		t->was_aimed_at = true;
		arm(c);
	}
}

/* --- people --- */

static struct sent *remember(struct crash *c, const char *envelope, const struct task *t,
			     bool is_note)
{
	assert_true(c->sent_n < CLICKS_MAX);
	struct sent *s = &c->sent[c->sent_n++];
	s->envelope = live_keep(c->live, envelope);
	s->task = (size_t)(t - c->tasks);
	s->is_note = is_note;
	s->life = c->life;
	s->at_ms = live_now_ms();
	return s;
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
	if (c->aim == AIM_CLICK && c->life < c->lives)
		arm(c);
	t->click = remember(c, json_text_at(said, "envelope_id"), t, false);
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
	t->note = remember(c, json_text_at(said, "envelope_id"), t, true);
}

/* True if what was sent is no longer under way; *is_done: because it was acknowledged. */
static bool is_over(const struct crash *c, const struct sent *s, bool *is_done)
{
	*is_done = s && s->is_acked;
	return !s || s->is_acked || s->life != c->life || live_now_ms() - s->at_ms > CLICK_MS;
}

static bool has_said_all(const struct task *t) { return !t->script->clicks[t->step]; }

static void person_acts(struct crash *c, const struct cJSON *state, struct task *t)
{
	bool is_done;
	if (!t->token || !is_over(c, t->click, &is_done))
		return;
	t->click = NULL;
	t->step += is_done;
	if (!has_said_all(t)) {
		if (!t->script->waits_for_silence || t->is_silent)
			click(c, t);
		return;
	}
	if (!t->step || t->is_noted || !is_over(c, t->note, &is_done))
		return;
	t->note = NULL;
	t->is_noted = is_done;
	if (!is_done)
		write_note(c, state, t);
}

static int64_t number(const struct cJSON *j, const char *path)
{
	int64_t v = 0;
	(void)json_int(json_get(j, path), &v);
	return v;
}

static struct task *task_in(struct crash *c, const struct cJSON *j)
{
	CLEANUP(buf_free) struct buf b = BUF(1 << 20);
	json_print(j, &b);
	const char *at = strstr(buf_z(&b), TASK_NAME);
	const size_t i = at ? strtoul(at + strlen(TASK_NAME), NULL, 10) : TASKS_MAX;
	return i < c->tasks_n ? &c->tasks[i] : NULL;
}

/* A question that somebody sees for the first time. */
static void message_read(struct crash *c, const char *channel, const struct cJSON *m)
{
	struct task *t = task_in(c, m);
	const struct cJSON *button = live_button(m, "yes");
	if (!t || t->token || !button || strcmp(channel, t->whom->dm) != 0)
		return;
	t->ts = live_keep(c->live, json_text_at(m, "ts"));
	t->token = live_keep(c->live, json_text_at(button, "value"));
}

static void state_read(struct crash *c, const struct cJSON *state)
{
	const struct cJSON *channels = json_key(state, "channels");
	const struct cJSON *incidents = json_key(state, "incidents");
	for (const struct cJSON *i = json_first(channels); i; i = json_next(i)) {
		const struct cJSON *all = json_key(i, "messages");
		for (const struct cJSON *m = json_first(all); m; m = json_next(m))
			message_read(c, json_text_at(i, "id"), m);
	}
	for (const struct cJSON *i = json_first(incidents); i; i = json_next(i)) {
		struct task *t = strcmp(json_text_at(i, "details.reason"), "silence") == 0
					 ? task_in(c, i)
					 : NULL;
		if (t)
			t->is_silent = true;
	}
	c->state_ms = number(state, "now_ms");
}

static void acks_read(struct crash *c, const struct cJSON *ledger)
{
	const struct cJSON *acks = json_key(ledger, "acks");
	for (const struct cJSON *a = json_first(acks); a; a = json_next(a))
		for (size_t i = c->sent_n; i-- > 0;)
			if (strcmp(c->sent[i].envelope, json_text_at(a, "envelope_id")) == 0) {
				c->sent[i].is_acked = true;
				break;
			}
}

/* The ledger's calls after `seq`, and acks not seen before; json_free() it. */
static struct cJSON *ledger_since(struct crash *c, int64_t seq)
{
	struct cJSON *args = json_object();
	json_put_num(args, "since", (double)seq);
	json_put_num(args, "since_ms", (double)c->state_ms);
	return live_control(c->live, "ledger", args);
}

/* Looks at everything that is new and acts; not more often than people would. */
static void people_act(struct crash *c)
{
	if (live_now_ms() - c->looked_ms < LOOK_MS) {
		(void)poll(NULL, 0, 3);
		return;
	}
	c->looked_ms = live_now_ms();
	struct cJSON *args = json_object();
	json_put_num(args, "since_ms", (double)c->state_ms);
	CLEANUP(json_done) struct cJSON *state = live_control(c->live, "state", args);
	CLEANUP(json_done) struct cJSON *ledger = ledger_since(c, c->seq); /* the later one */
	c->seq = number(ledger, "seq");
	c->calls += (int64_t)json_count(json_key(ledger, "calls"));
	acks_read(c, ledger);
	state_read(c, state);
	for (size_t i = 0; i < c->posted; i++)
		person_acts(c, state, &c->tasks[i]);
}

/* Time is over: whose alert or answer was lost. */
static void say_who_waits(const struct crash *c)
{
	for (size_t i = 0; i < c->tasks_n; i++) {
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

static void tasks_make(struct crash *c, size_t n)
{
	assert_true(n <= TASKS_MAX);
	c->tasks_n = n;
	for (size_t i = 0; i < c->tasks_n; i++) {
		struct task *t = &c->tasks[i];
		(void)snprintf(t->id, sizeof(t->id), TASK_NAME "%03zu", i);
		t->script = &scripts[i % SCRIPTS];
		t->whom = &persons[t->script->is_nobody ? NOBODY : chance(c, NOBODY)];
		t->priority = 1 + (int)chance(c, 5);
	}
}
#endif
