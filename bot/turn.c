/* turn: the one law. The order of what follows is the safety argument:
 *   1 read what came (pure)      2 decide each, in a savepoint, behind a crumb
 *   3 decide what is due         4 claim what may go out, and write the attempt
 *   5 commit once                6 only now speak
 * Due rows come after the arrivals, so that an answer beats its deadline. */
#include "turn.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/when.h"
#include "model/policy.h"
#include "turn_parts.h"

enum { IDLE_MS = 20 };

void crumb_set(struct turn *t, const char *what)
{
	memset(t->o.crumb, 0, CRUMB_BYTES);
	memcpy(t->o.crumb, what, strnlen(what, CRUMB_BYTES - 1));
}

void crumb_clear(struct turn *t) { t->o.crumb[0] = '\0'; }

/* The name under which deaths are counted is what fits into the crumb. */
const char *crumb_name(struct turn *t, const char *what)
{
	return arena_str(&t->work, (struct str){ what, strnlen(what, CRUMB_BYTES - 1) });
}

/* --- one item in its savepoint --- */

/* What an item is decided by; `what` names it for the crumb and for people. */
struct task {
	const char *what;
	struct decision (*decide)(struct turn *t, const struct act *a, const struct task *k);
	struct decision (*by_id)(const struct act *a, int64_t id); /* in its place */
	struct item *item;
	int64_t id;
	bool is_new;
};

static enum rc decide_and_apply(struct turn *t, struct task *k, struct fail *fail)
{
	enum rc rc;
	struct act a = turn_act(t, k->what);
	if (k->item && k->item->kind == ITEM_FACT) {
		rc = store_fact(t->o.store, &k->item->fact, t->now_ms, &k->is_new, fail);
		if (rc != RC_OK)
			return rc;
	}
	struct decision d = k->by_id ? k->by_id(&a, k->id) : k->decide(t, &a, k);
	rc = store_apply(t->o.store, &d, t->now_ms, fail);
	if (rc != RC_OK)
		return rc;
	if (k->item && k->item->kind == ITEM_FACT) {
		k->item->reply = d.reply;
		turn_render_reply(t, k->item);
	}
	return RC_OK;
}

/* In a savepoint of its own, which it ends. The last resort: a case of its own with a page. If even
 * that is refused the line in the log is all there is, and the others still go on. */
static enum rc hold(struct turn *t, const char *what, const char *why, struct fail *fail)
{
	log_line(LOG_LEVEL_ERROR, "item.held", "what=\"%s\" why=\"%s\"", what, why);
	struct act a = turn_act(t, what);
	struct decision d = handle_held(&a, what, why);
	enum rc rc = store_apply(t->o.store, &d, t->now_ms, fail);
	if (rc == RC_OK)
		return store_keep(t->o.store, fail);
	if (rc == RC_BROKEN || rc == RC_FULL)
		return rc;
	log_line(LOG_LEVEL_ERROR, "item.lost", "what=\"%s\" why=\"%s\"", what, fail->why);
	return store_undo(t->o.store, fail);
}

/* A sender tries again for hours: what is held once is not held, nor paged, again. */
static enum rc hold_task(struct turn *t, const struct task *k, const char *why, struct fail *fail)
{
	bool is_new = true;
	enum rc rc = store_mark(t->o.store, fail);
	if (k->item)
		k->item->is_refused = true;
	if (rc == RC_OK && k->item && k->item->kind == ITEM_FACT)
		rc = store_fact(t->o.store, &k->item->fact, t->now_ms, &is_new, fail);
	if (rc != RC_OK)
		return rc;
	return is_new ? hold(t, k->what, why, fail) : store_keep(t->o.store, fail);
}

/* Bookkeeping that fails is ours, not the item's: the turn ends. What the database refuses loses
 * its savepoint and is held for a person: doubt goes towards a human. */
static enum rc run_task(struct turn *t, struct task *k, struct fail *fail)
{
	int64_t deaths = 0;
	enum rc rc = t->any_deaths ? store_deaths(t->o.store, k->what, &deaths, fail) : RC_OK;
	if (rc != RC_OK)
		return rc;
	if (deaths >= DEATHS_MAX)
		return hold_task(t, k, "handling it ended the process twice", fail);
	rc = store_mark(t->o.store, fail);
	if (rc != RC_OK)
		return rc;
	crumb_set(t, k->what);
	rc = decide_and_apply(t, k, fail);
	crumb_clear(t);
	if (rc == RC_OK)
		return store_keep(t->o.store, fail);
	if (rc == RC_BROKEN || rc == RC_FULL)
		return rc;
	char why[sizeof(fail->why)];
	memcpy(why, fail->why, sizeof(why));
	rc = store_undo(t->o.store, fail);
	if (rc != RC_OK)
		return rc;
	return hold_task(t, k, why, fail);
}

static struct decision decide_item(struct turn *t, const struct act *a, const struct task *k)
{
	(void)t;
	switch (k->item->kind) {
	case ITEM_FACT: return handle_fact(a, &k->item->fact, k->is_new);
	case ITEM_RESULT: return handle_result(a, &k->item->result);
	case ITEM_PERSON: return handle_person(a, k->item->person);
	}
	assert(!"no such item");
	return (struct decision){ .arena = a->arena };
}

static struct decision decide_trouble(struct turn *t, const struct act *a, const struct task *k)
{
	return decide_trouble_task(t, a, (size_t)k->id);
}

static const char *item_name(struct turn *t, const struct item *it)
{
	switch (it->kind) {
	case ITEM_FACT: return crumb_name(t, it->fact.key);
	case ITEM_RESULT:
		return arena_f(&t->work, "outgoing %lld", (long long)it->result.outgoing_id);
	case ITEM_PERSON: return crumb_name(t, arena_f(&t->work, "person:%s", it->person->user));
	}
	assert(!"no such item");
	return "";
}

static enum rc run_items(struct turn *t, struct fail *fail)
{
	for (struct item *it = t->first; it; it = it->next) {
		struct task k = { .decide = decide_item, .item = it };
		k.what = item_name(t, it);
		it->is_refused = false;
		enum rc rc = run_task(t, &k, fail);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc run_troubles(struct turn *t, struct fail *fail)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < t->troubles_n; i++)
		rc = run_task(t,
			      &(struct task){
				      .what = arena_f(&t->work, "trouble %s", t->troubles[i].name),
				      .decide = decide_trouble,
				      .id = (int64_t)i },
			      fail);
	return rc;
}

/* Which alerts to look at is read before the arrivals: a raw alert is committed as received before
 * any expression sees it, so that the one that kills us is still there, under the same id, when we
 * come back and count. */
struct received {
	int64_t ids[TURN_DUE_MAX];
	size_t n;
};

/* What is decided about each of them, in its savepoint. */
struct each {
	const char *noun; /* with its id the name for the crumb and for people */
	struct decision (*by_id)(const struct act *a, int64_t id);
	const int64_t *ids;
	size_t n;
};

static enum rc run_each(struct turn *t, const struct each *e, struct fail *fail)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < e->n; i++)
		rc = run_task(t,
			      &(struct task){ .what = arena_f(&t->work, "%s %lld", e->noun,
							      (long long)e->ids[i]),
					      .by_id = e->by_id,
					      .id = e->ids[i] },
			      fail);
	return rc;
}

/* No answer can be hoped for: the open questions that had their time are given up. */
static enum rc run_cut_off(struct turn *t, struct fail *fail)
{
	int64_t ids[TURN_DUE_MAX];
	size_t n = 0;
	if (!turn_slack_sweeps(t))
		return RC_OK;
	enum rc rc = store_old_inquiries(t->o.store, t->now_ms - TURN_CUT_OFF_MS, ids, TURN_DUE_MAX,
					 &n, fail);
	if (rc == RC_OK)
		rc = run_each(t, &(struct each){ "inquiry", handle_inquiry_cut_off, ids, n }, fail);
	turn_slack_swept(t, n == TURN_DUE_MAX);
	return rc;
}

static enum rc run_due(struct turn *t, const struct received *alerts, struct fail *fail)
{
	struct store *s = t->o.store;
	int64_t ids[TURN_DUE_MAX];
	size_t n = 0, allowed = 0;
	enum rc rc = run_each(
		t, &(struct each){ "alert", handle_alert_due, alerts->ids, alerts->n }, fail);
	if (rc == RC_OK)
		rc = turn_due_allowed(t, &allowed, fail);
	if (rc == RC_OK && allowed)
		rc = store_due_inquiries(s, t->now_ms, ids, allowed, &n, fail);
	turn_due_used(t, n);
	if (rc == RC_OK)
		rc = run_each(t, &(struct each){ "inquiry", handle_inquiry_due, ids, n }, fail);
	if (rc == RC_OK)
		rc = store_due_deadlines(s, t->now_ms, ids, TURN_DUE_MAX, &n, fail);
	if (rc == RC_OK)
		rc = run_each(t, &(struct each){ "deadline", handle_deadline, ids, n }, fail);
	return rc == RC_OK ? run_cut_off(t, fail) : rc;
}

/* --- the transaction --- */

static enum rc claim(struct turn *t, struct fail *fail)
{
	size_t taken = t->flights_n + OWN_ROOM;
	size_t room = taken < FLIGHTS_MAX ? FLIGHTS_MAX - taken : 0;
	size_t for_all = room > PAGES_ROOM ? room - PAGES_ROOM : 0;
	struct claim_terms terms = { .now_ms = t->now_ms,
				     .pace_ms = t->o.policy->pacing ? SECOND_MS : 0,
				     .limit = for_all < TURN_CLAIMS_MAX ? for_all : TURN_CLAIMS_MAX,
				     .more = room - for_all,
				     .later = turn_slack_later,
				     .self = t };
	const struct outgoing *rows = NULL;
	size_t n = 0;
	if (t->stopping || !room)
		return RC_OK;
	enum rc rc = store_claim(t->o.store, &terms, &rows, &n, fail);
	if (rc == RC_OK)
		turn_build(t, rows, n);
	return rc;
}

static enum rc transact(struct turn *t, struct item **last_seen, struct fail *fail)
{
	struct store *s = t->o.store;
	arena_clear(&t->work);
	struct received alerts = { .n = 0 };
	store_chance(s, &t->clocks.chance);
	enum rc rc = store_begin(s, &t->work, fail);
	if (rc == RC_OK && t->doubt[0])
		rc = hold_task(t, &(struct task){ .what = "the audit record" }, t->doubt, fail);
	if (rc == RC_OK)
		rc = run_troubles(t, fail);
	if (rc == RC_OK)
		rc = store_due_alerts(s, alerts.ids, TURN_DUE_MAX, &alerts.n, fail);
	if (rc == RC_OK)
		rc = run_items(t, fail);
	*last_seen = t->last;
	if (rc == RC_OK)
		rc = run_due(t, &alerts, fail);
	if (rc == RC_OK)
		rc = turn_forget(t, fail);
	if (rc == RC_OK)
		rc = claim(t, fail);
	if (rc == RC_OK && (store_wrote(s) || t->is_full))
		rc = store_set_now(s, t->now_ms, fail);
	if (rc != RC_OK) {
		store_rollback(s);
		return rc;
	}
	return store_commit(s, fail);
}

/* --- what a failed commit leaves --- */

/* Everything that was promised in the transaction is taken back: flights of claims, results of
 * builds. Senders at the door are told to come again; Slack's items stay and are tried again. */
static void take_back(struct turn *t, size_t spoken_n, size_t flights_n)
{
	struct item *it = t->first;
	t->spoken_n = spoken_n;
	t->flights_n = flights_n;
	t->first = t->last = NULL;
	t->items_n = 0;
	for (struct item *next; it; it = next) {
		next = it->next;
		it->next = NULL;
		json_free(it->say);
		it->say = NULL;
		if (!it->from_door) {
			turn_add(t, it);
			continue;
		}
		if (!it->fact.as.alert.is_last) /* one answer a body */
			continue;
		struct spoken *s = turn_say(t, SPOKEN_ANSWER, it->ticket);
		s->code = 503;
		s->text = door_problem(&t->batch, 503, "the disk is full; nothing was stored");
		s->retry_after_s = 30;
	}
}

/* Items up to last_seen have been answered; what the transaction itself added waits for the next
 * turn. */
static void drop_answered(struct turn *t, const struct item *last_seen)
{
	while (t->first && last_seen) {
		struct item *it = t->first;
		json_free(it->say);
		t->first = it->next;
		t->items_n--;
		if (it == last_seen)
			break;
	}
	if (!t->first)
		t->last = NULL;
}

static bool hears_heartbeat(const struct turn *t)
{
	return t->o.policy->heartbeat_url && t->o.policy->heartbeat_url[0] && !t->stopping;
}

/* Said after a turn that finished, and only then: silence pages whoever listens. */
static void beat(struct turn *t)
{
	if (t->now_ms < t->heartbeat_ms || !hears_heartbeat(t))
		return;
	t->heartbeat_ms = t->now_ms + HEARTBEAT_MS;
	turn_ask(t, FLIGHT_HEARTBEAT,
		 &(struct request){ .method = "GET",
				    .url = t->o.policy->heartbeat_url,
				    .timeout_ms = HEARTBEAT_WAIT_MS,
				    .reply_bytes_max = 64 * 1024 });
}

/* What is remembered in memory only. */
static int64_t own_due(const struct turn *t)
{
	int64_t due = when_earlier(turn_link_due(t), turn_slack_due(t));
	due = when_earlier(when_earlier(due, t->auth_due_ms), t->room.due_ms);
	if (t->jump.calm_ms)
		due = when_earlier(due, t->jump.calm_ms);
	if (t->forgets_more)
		due = when_earlier(due, t->forget_ms);
	if (hears_heartbeat(t))
		due = when_earlier(due, t->heartbeat_ms);
	return due;
}

static int64_t wake_at(struct turn *t)
{
	struct fail fail;
	int64_t due = NEVER_MS;
	if (store_next_due(t->o.store, t->now_ms, &due, &fail) != RC_OK)
		return TURN_BROKEN;
	if (t->flights_n + OWN_ROOM + PAGES_ROOM >= FLIGHTS_MAX && due < t->now_ms + 50)
		due = t->now_ms + 50; /* no room to claim: an answer wakes us sooner */
	if (due <= t->now_ms && t->now_ms < t->jump.spread_until_ms)
		due = t->now_ms + 100; /* what waits for the next second's allowance */
	due = when_earlier(due, own_due(t));
	if (t->first || t->troubles_n || t->backup.state == BACKUP_RUNNING)
		due = t->now_ms;
	if (t->stopping && !t->first) /* nothing is claimed any more: what is due stays due */
		due = t->now_ms + 100;
	if (due == NEVER_MS)
		return NEVER_MS;
	return t->clocks.wall_ms + (due > t->now_ms ? due - t->now_ms : 0);
}

static void own_timers(struct turn *t)
{
	if (!t->stopping && t->auth_due_ms <= t->now_ms) {
		struct request rq;
		struct slack_api api = turn_api(t);
		t->auth_due_ms = NEVER_MS;
		slack_auth_test(&api, &t->batch, &rq);
		turn_ask(t, FLIGHT_AUTH, &rq);
	}
	if (turn_link_due(t) <= t->now_ms)
		turn_link(t, &(struct link_event){ .kind = LINK_TIMER });
	turn_slack_tick(t);
}

/* Nothing to decide and no row due: most turns of a quiet hour only hear pongs. A sign of life is
 * said only after the database was asked. */
static enum rc is_quiet(struct turn *t, bool *quiet, struct fail *fail)
{
	int64_t due = NEVER_MS;
	enum rc rc = store_next_due(t->o.store, t->now_ms, &due, fail);
	*quiet = !t->first && !t->troubles_n && !t->doubt[0] && !t->is_full && t->now_ms < due &&
		 !turn_slack_sweeps(t) && t->now_ms < t->forget_ms &&
		 (t->now_ms < t->heartbeat_ms || !hears_heartbeat(t));
	return rc;
}

int64_t turn_run(struct turn *t, const struct clocks *c)
{
	struct fail fail = { 0 };
	struct item *last_seen = NULL;
	turn_tell_time(t, c);
	turn_room(t);
	turn_read(t);
	own_timers(t);
	size_t spoken_n = t->spoken_n, flights_n = t->flights_n;
	bool quiet;
	enum rc rc = is_quiet(t, &quiet, &fail);
	if (rc == RC_OK && !quiet)
		rc = transact(t, &last_seen, &fail);
	if (rc == RC_FULL && !t->is_full)
		log_line(LOG_LEVEL_ERROR, "store.full", "why=\"%s\"", fail.why);
	t->is_full = rc == RC_FULL;
	if (t->is_full) {
		take_back(t, spoken_n, flights_n);
		turn_release(t);
		return t->clocks.wall_ms + (turn_room_gained(t) ? 0 : SECOND_MS);
	}
	if (rc != RC_OK) {
		log_line(LOG_LEVEL_ERROR, "store.broken", "why=\"%s\"", fail.why);
		return TURN_BROKEN;
	}
	t->committed_ms = t->now_ms;
	t->committed_boot_ms = c->boot_ms;
	t->doubt[0] = '\0';
	t->troubles_n = 0;
	turn_restore_ends(t);
	turn_answer_items(t);
	rc = turn_backup(t, &fail);
	beat(t);
	turn_release(t);
	if (rc != RC_OK) {
		log_line(LOG_LEVEL_ERROR, "store.broken", "why=\"%s\"", fail.why);
		return TURN_BROKEN;
	}
	drop_answered(t, last_seen);
	if (!t->first)
		arena_clear(&t->batch);
	if (t->stopping &&
	    ((t->flights_n == 0 && link_is_over(t->link)) || t->now_ms >= t->stop_by_ms))
		return TURN_STOPPED;
	int64_t wake = wake_at(t);
	if (wake >
	    t->clocks.wall_ms + IDLE_MS) /* nothing is waiting: the moment for a checkpoint */
		store_idle(t->o.store);
	return wake;
}
