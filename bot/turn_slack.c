/* turn_slack: the Slack side as a whole: whether it may speak, at what pace, and what is wrong with
 * it. Called by the other files of the turn; it decides nothing about a row, an inquiry or a case.
 *
 * A token that is refused holds back everything that goes to Slack's Web API but one slow probe;
 * rows keep their place, alerts still come in, pages still go out, and after CUT_OFF_MS the open
 * questions are passed to the on-call, for no answer can be hoped for. What only one method or
 * channel refuses stops that alone. */
#include "turn_parts.h"

#include <string.h>

#include "base/log.h"
#include "base/when.h"
#include "model/policy.h"

#define PROBE_MS      (5 * MINUTE_MS) /* between two auth.test with a token that was refused */
#define SETUP_CALM_MS HOUR_MS         /* what an earlier life saw is over when nothing repeats it */
#define DOWN_MS       (15 * MINUTE_MS)
#define SWEEP_MS      MINUTE_MS
#define CROWDED_MS    (10 * MINUTE_MS)
enum { SLACK_DOWN_MANY = 10 }; /* open questions that make an outage worth a page of its own */
#define SETUP_EARLIER (UINT32_C(1) << 31)

/* Slack's tiers (slack.md 2.2), a little below: one each `every`, `burst` at once. Together they
 * stay within what a minute allows: 50 for tier 3, 100 for tier 4, several hundred posts. */
static const struct {
	int64_t every_ms, burst;
} paces[SLACK_METHODS_N] = {
	[SLACK_POST] = { 250, 40 },        [SLACK_UPDATE] = { 1500, 10 },
	[SLACK_HISTORY] = { 1500, 10 },    [SLACK_LOOKUP_EMAIL] = { 1250, 2 },
	[SLACK_LOOKUP_USER] = { 700, 10 }, [SLACK_OPEN_DM] = { 1250, 2 },
	[SLACK_REPLIES] = { 1500, 10 },
};

static void hold(struct turn *t, bool holds)
{
	t->slack.is_held = holds;
	store_hold_slack(t->o.store, holds);
}

static bool lasts(struct turn *t, const char *name, int64_t *since_ms)
{
	const struct trouble *found = look_trouble(store_look(t->o.store), name);

	*since_ms = found && found->over_ms == NEVER_MS ? found->since_ms : 0;
	return *since_ms != 0;
}

enum rc turn_slack_recall(struct turn *t, struct fail *fail)
{
	struct turn_slack *s = &t->slack;
	int64_t since_ms;

	if (lasts(t, "slack-token", &s->refused_ms)) {
		s->is_bot_refused = s->is_app_refused = true;
		s->sweep_ms = s->refused_ms + TURN_CUT_OFF_MS;
		hold(t, true);
	}
	if (lasts(t, "slack-setup", &since_ms)) {
		s->setup = SETUP_EARLIER;
		s->setup_calm_ms = t->now_ms + SETUP_CALM_MS;
	}
	s->is_disabled = lasts(t, "link-disabled", &since_ms);
	s->has_ghosts = lasts(t, "ghost-sockets", &since_ms);
	s->is_down_told = lasts(t, "slack-down", &since_ms);
	s->born_ms = t->now_ms;
	for (enum slack_method m = 0; m < SLACK_METHODS_N; m++) {
		const char *gate = arena_f(&t->work, SLACK_GATE "%s", slack_method_name(m));
		enum rc rc = store_gate(t->o.store, gate, &s->pace[m].closed_ms, fail);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* --- the tokens --- */

void turn_slack_doubt(struct turn *t, const char *why)
{
	if (t->slack.is_held)
		return;
	log_line(LOG_LEVEL_ERROR, "slack.doubt", "why=\"%s\"", why);
	hold(t, true);
	t->auth_due_ms = t->now_ms; /* auth.test is the judge */
}

static void refused(struct turn *t, const char *which, const char *why)
{
	struct turn_slack *s = &t->slack;

	if (!s->refused_ms) {
		s->refused_ms = t->now_ms;
		s->sweep_ms = t->now_ms + TURN_CUT_OFF_MS;
	}
	turn_trouble(t, "slack-token",
		     arena_f(&t->batch,
			     "Slack refuses %s: %s. %s. Until then nobody can be asked or answer; "
			     "open questions are passed to you.",
			     which, why, slack_token_fix(why)));
}

static void token_good(struct turn *t)
{
	struct turn_slack *s = &t->slack;

	if (!s->refused_ms || s->is_bot_refused || s->is_app_refused)
		return;
	s->refused_ms = 0;
	turn_trouble_over(t, "slack-token");
}

int64_t turn_slack_auth(struct turn *t, enum rc rc, const char *why)
{
	if (rc == RC_REFUSED) {
		t->slack.is_bot_refused = true;
		hold(t, true);
		refused(t, "SLACK_BOT_TOKEN (auth.test)", why);
		return PROBE_MS;
	}
	if (rc == RC_OK) {
		t->slack.is_bot_refused = false;
		hold(t, false);
		token_good(t);
	}
	return 0;
}

void turn_slack_app(struct turn *t, enum rc rc, const char *why)
{
	if (rc == RC_REFUSED) {
		t->slack.is_app_refused = true;
		refused(t, "SLACK_APP_TOKEN (apps.connections.open)", why);
	} else if (rc == RC_OK) {
		t->slack.is_app_refused = false;
		token_good(t);
	}
}

bool turn_slack_sweeps(const struct turn *t)
{
	return t->slack.refused_ms && t->now_ms >= t->slack.sweep_ms;
}

void turn_slack_swept(struct turn *t, bool is_more)
{
	t->slack.sweep_ms = is_more ? t->now_ms : t->now_ms + SWEEP_MS;
}

/* --- the setup --- */

/* A bit for each method, and for each once more where the analysts' channel is what it is about. */
static uint32_t setup_bit(const struct slack_asked *asked)
{
	const bool is_channel =
		asked->kind == OUT_CARD || asked->kind == OUT_ALARM || asked->kind == OUT_THREAD;

	return UINT32_C(1) << ((unsigned)slack_method(asked) + (is_channel ? SLACK_METHODS_N : 0));
}

static void setup_good(struct turn *t, uint32_t bits)
{
	if (!(t->slack.setup & bits))
		return;
	t->slack.setup &= ~bits;
	if (!t->slack.setup)
		turn_trouble_over(t, "slack-setup");
}

static void look_for_setup(struct turn *t, const struct slack_asked *asked, const struct result *r)
{
	const char *setup = slack_setup(asked, r->error, &t->batch);

	if (!setup)
		return;
	t->slack.setup |= setup_bit(asked);
	t->slack.setup_calm_ms = t->now_ms + SETUP_CALM_MS;
	turn_trouble(t, "slack-setup", setup);
}

void turn_slack_told(struct turn *t, const struct slack_asked *asked, const struct result *r)
{
	struct turn_pace *p = &t->slack.pace[slack_method(asked)];

	switch (r->outcome) {
	case OUTCOME_REAUTH: turn_slack_doubt(t, r->error); return;
	case OUTCOME_DONE: setup_good(t, setup_bit(asked)); return;
	case OUTCOME_TRANSIENT:
		if (r->gate && p->closed_ms < t->now_ms + r->retry_after_ms)
			p->closed_ms = t->now_ms + r->retry_after_ms;
		look_for_setup(t, asked, r);
		return;
	case OUTCOME_PERMANENT: look_for_setup(t, asked, r); return;
	case OUTCOME_ALREADY:
	case OUTCOME_NOT_FOUND:
	case OUTCOME_AMBIGUOUS:
	case OUTCOME_PENDING:
	case OUTCOME_CONFLICT:
	case OUTCOME_UNKNOWN: return;
	}
}

/* --- the pace --- */

void turn_slack_spend(struct turn *t, enum slack_method m)
{
	struct turn_pace *p = &t->slack.pace[m];
	p->spent_ms = (p->spent_ms > t->now_ms ? p->spent_ms : t->now_ms) + paces[m].every_ms;
}

/* A token bucket as one number: spent_ms is when all tokens will be back. What is put off gets
 * times apart from each other, the first in rank the first, so that it is not looked at again and
 * again. */
int64_t turn_slack_later(void *self, const struct outgoing *row)
{
	struct turn *t = self;
	const struct slack_asked asked = { row->kind, row->phase, row->ref[0] != '\0', "" };
	const enum slack_method m = slack_method(&asked);

	if (m == SLACK_METHODS_N)
		return 0;
	struct turn_pace *p = &t->slack.pace[m];
	if (t->slack.claim_ms != t->now_ms) {
		t->slack.claim_ms = t->now_ms;
		memset(t->slack.put_off, 0, sizeof(t->slack.put_off));
	}
	int64_t open_ms = p->spent_ms - (paces[m].burst - 1) * paces[m].every_ms;
	if (!t->o.policy->pacing)
		open_ms = 0;
	if (open_ms < p->closed_ms)
		open_ms = p->closed_ms;
	if (open_ms > t->now_ms)
		return open_ms + t->slack.put_off[m]++ * paces[m].every_ms;
	turn_slack_spend(t, m);
	return 0;
}

/* --- the link --- */

void turn_slack_told_to_go(struct turn *t, const char *reason)
{
	struct turn_slack *s = &t->slack;

	if (strcmp(reason, "too_many_websockets") == 0 && !s->crowded_ms)
		s->crowded_ms = t->now_ms;
	if (strcmp(reason, "link_disabled") != 0)
		return;
	s->is_disabled = true;
	turn_trouble(t, "link-disabled",
		     "Socket Mode is switched off in the settings of the Slack app: no answer can "
		     "reach the bot. Switch it on again; the bot tries every five minutes.");
}

void turn_slack_hello(struct turn *t)
{
	t->slack.crowded_ms = 0;
	if (t->slack.is_disabled)
		turn_trouble_over(t, "link-disabled");
	t->slack.is_disabled = false;
	if (t->slack.has_ghosts && link_ghosts(t->link) == GHOSTS_NONE) {
		t->slack.has_ghosts = false;
		turn_trouble_over(t, "ghost-sockets");
	}
}

/* What a death of ours left behind fades in minutes, and wakes nobody. */
static void look_for_ghosts(struct turn *t)
{
	const struct turn_slack *s = &t->slack;
	const bool is_crowded = s->crowded_ms && t->now_ms - s->crowded_ms >= CROWDED_MS;

	if (s->has_ghosts || (!is_crowded && link_ghosts(t->link) != GHOSTS_SURE))
		return;
	t->slack.has_ghosts = true;
	turn_trouble(t, "ghost-sockets",
		     is_crowded
			     ? "Slack takes no connection of the bot, for it counts ten of this "
			       "app already: no answer can reach the bot. Look for other "
			       "programs with the same SLACK_APP_TOKEN; connections that were cut "
			       "off fade by themselves in hours."
			     : "Slack counts more connections of this app than the bot has: what "
			       "people press may go to one that nobody reads. Look for a second "
			       "bot with the same SLACK_APP_TOKEN; connections that were cut off "
			       "fade by themselves in hours.");
}

/* --- an outage --- */

void turn_slack_heard(struct turn *t, int status)
{
	if (status > 0 && status < 500)
		t->slack.mute_ms = 0;
	else if (!t->slack.mute_ms)
		t->slack.mute_ms = t->now_ms;
}

/* Since when Slack can't be reached or does not reach us; 0 = it works. */
static int64_t out_since_ms(const struct turn *t)
{
	int64_t deaf_ms =
		t->down_ms && t->down_ms < t->slack.born_ms ? t->slack.born_ms : t->down_ms;
	int64_t mute_ms = t->slack.mute_ms;

	if (!deaf_ms || !mute_ms)
		return deaf_ms + mute_ms;
	return deaf_ms < mute_ms ? deaf_ms : mute_ms;
}

static void look_for_outage(struct turn *t)
{
	const int64_t since_ms = out_since_ms(t);
	int64_t open = 0;
	struct fail fail;

	if (!since_ms && t->slack.is_down_told) {
		t->slack.is_down_told = false;
		turn_trouble_over(t, "slack-down");
	}
	if (!since_ms || t->slack.is_down_told || t->slack.refused_ms ||
	    t->now_ms - since_ms < DOWN_MS || t->now_ms < t->slack.count_ms)
		return;
	t->slack.count_ms = t->now_ms + MINUTE_MS;
	if (store_count_open(t->o.store, &open, &fail) != RC_OK || open < SLACK_DOWN_MANY)
		return; /* a store that fails ends this very turn */
	t->slack.is_down_told = true;
	turn_trouble(t, "slack-down",
		     arena_f(&t->batch,
			     "Slack has been out of reach for %s. %lld questions are open; each "
			     "pages by itself when its time is up, beside this one.",
			     when_span(t->now_ms - since_ms).text, (long long)open));
}

/* --- time --- */

void turn_slack_tick(struct turn *t)
{
	if (t->now_ms >= t->slack.setup_calm_ms)
		setup_good(t, SETUP_EARLIER);
	look_for_ghosts(t);
	look_for_outage(t);
}

int64_t turn_slack_due(const struct turn *t)
{
	const struct turn_slack *s = &t->slack;
	const int64_t since_ms = out_since_ms(t);
	int64_t due_ms = NEVER_MS;

	if (s->refused_ms)
		due_ms = when_earlier(due_ms, s->sweep_ms);
	if (s->setup & SETUP_EARLIER)
		due_ms = when_earlier(due_ms, s->setup_calm_ms);
	if (since_ms && !s->is_down_told && !s->refused_ms)
		due_ms =
			when_earlier(due_ms, s->count_ms > since_ms + DOWN_MS ? s->count_ms
									      : since_ms + DOWN_MS);
	return due_ms;
}
