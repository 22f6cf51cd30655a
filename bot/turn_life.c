/* turn_life: how a turn comes to be, takes arrivals into its batch, and ends. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "model/policy.h"
#include "turn_parts.h"

static struct str keep(struct turn *t, struct str s)
{
	return (struct str){ arena_str(&t->batch, s), s.n };
}

static const struct header *keep_headers(struct turn *t, const struct arrival *a)
{
	struct header *kept = arena_many(&t->batch, struct header, a->asked.headers_n);
	for (size_t i = 0; i < a->asked.headers_n; i++)
		kept[i] = (struct header){ arena_z(&t->batch, a->asked.headers[i].name),
					   arena_z(&t->batch, a->asked.headers[i].value) };
	return kept;
}

bool turn_take(struct turn *t, const struct arrival *a)
{
	/* Items kept by a failed commit count too: a full disk must not fill the memory. Answers to
	 * our own requests and the end are always heard; the first are bounded by FLIGHTS_MAX. */
	bool is_ours = a->kind == ARRIVAL_REPLY || a->kind == ARRIVAL_STOP;
	if (t->arrivals_n == ARRIVALS_MAX ||
	    (!is_ours && t->arrivals_n + t->items_n >= TURN_BATCH_MAX))
		return false;
	struct arrival *b = &t->arrivals[t->arrivals_n++];
	*b = *a;
	if (a->kind == ARRIVAL_ASKED) {
		b->asked.method = arena_z(&t->batch, a->asked.method);
		b->asked.path = arena_z(&t->batch, a->asked.path);
		b->asked.query = arena_z(&t->batch, a->asked.query);
		b->asked.headers = keep_headers(t, a);
		b->asked.body = keep(t, a->asked.body);
	} else if (a->kind == ARRIVAL_REPLY) {
		b->reply.body = keep(t, a->reply.body);
		b->reply.error = arena_z(&t->batch, a->reply.error);
	}
	b->frame = keep(t, a->frame);
	return true;
}

size_t turn_waiting(const struct turn *t) { return t->arrivals_n; }

/* Requests of an earlier life: whether they happened is unknown. Each becomes a result of the first
 * turn, decided in its savepoint and behind its crumb like any other. */
static enum rc recover_flights(struct turn *t, struct fail *fail)
{
	int64_t ids[FLIGHTS_MAX];
	size_t n = 0;
	enum rc rc = store_in_flight(t->o.store, ids, FLIGHTS_MAX, &n, fail);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct outgoing *row = look_outgoing(store_look(t->o.store), ids[i]);
		if (!row)
			return FAIL(fail, RC_BROKEN, "outgoing %lld: gone", (long long)ids[i]);
		struct item *it = turn_item(t);
		it->kind = ITEM_RESULT;
		it->result = (struct result){
			.outgoing_id = row->id,
			.flight = row->flight,
			.phase = row->phase,
			.outcome = OUTCOME_UNKNOWN,
			.error = "the process ended while the request was under way",
			.channel = "",
			.ref = "",
		};
	}
	return rc;
}

static enum rc recover(struct turn *t, struct fail *fail)
{
	struct store *s = t->o.store;
	enum rc rc = store_begin(s, &t->work, fail);
	if (rc == RC_OK && t->o.crumb[0]) {
		t->o.crumb[CRUMB_BYTES - 1] = '\0';
		log_line(LOG_LEVEL_ERROR, "crumb.found", "what=\"%s\"", t->o.crumb);
		rc = store_death_count(s, t->o.crumb, t->now_ms, fail);
		/* Before the commit: one that says it failed and is on the disk all the same would
		 * count one death twice, and hold what is sound. Lost, the next death counts. */
		crumb_clear(t);
	}
	if (rc == RC_OK)
		rc = store_any_deaths(s, &t->any_deaths, fail);
	if (rc == RC_OK)
		rc = recover_flights(t, fail);
	if (rc == RC_OK)
		rc = turn_slack_recall(t, fail);
	/* Committed before anything else is tried, which may end the process again. */
	if (rc == RC_OK)
		rc = store_commit(s, fail);
	return rc;
}

/* "xapp-1-A0123-…": the app's id is in its token. */
static void read_app_id(struct turn *t)
{
	struct str s = secret_str(&t->o.policy->app_token), id = { 0 };
	for (int part = 0; part < 3; part++)
		str_cut(s, '-', &id, &s);
	if (id.n < sizeof(t->app_id))
		memcpy(t->app_id, id.at, id.n);
}

struct turn *turn_new(const struct turn_options *o, const struct clocks *c, struct fail *fail)
{
	struct turn *t = mem_new(sizeof(*t));
	t->o = *o;
	t->batch = ARENA(256u << 20); /* TURN_BATCH_MAX bodies of 256 KiB, copied a few times */
	t->work = ARENA(256u << 20);
	t->link = link_new();
	t->down_ms = 1; /* for ever: not ready before the first socket is up */
	t->clocks = *c;
	read_app_id(t);
	t->committed_boot_ms = c->boot_ms;
	store_audit_key(o->store, &o->policy->audit_key);
	enum rc rc = store_now(o->store, &t->committed_ms, fail);
	t->now_ms = c->wall_ms > t->committed_ms ? c->wall_ms : t->committed_ms;
	turn_compare_clocks(t);
	if (rc == RC_OK)
		rc = recover(t, fail);
	if (rc == RC_FULL && turn_room_gained(t)) {
		t->first = t->last = NULL;
		t->items_n = 0;
		rc = recover(t, fail);
	}
	if (rc != RC_OK) {
		turn_free(t);
		return NULL;
	}
	return t;
}

void turn_doubt(struct turn *t, const char *why)
{
	memset(t->doubt, 0, sizeof(t->doubt));
	memcpy(t->doubt, why, strnlen(why, sizeof(t->doubt) - 1));
}

const char *turn_unready(struct turn *t)
{
	struct store_oldest oldest;
	struct fail fail;
	if (store_oldest(t->o.store, &oldest, &fail) != RC_OK)
		return "the database does not answer"; /* and this turn will end the process */
	return door_unready(
		&(struct door_signs){ .now_ms = t->now_ms,
				      .down_ms = t->down_ms,
				      .heard_ms = turn_link_heard(t),
				      .is_full = t->is_full || t->room.level == ROOM_NONE,
				      .alert_ms = oldest.alert_ms,
				      .page_ms = oldest.page_ms });
}

void turn_free(struct turn *t)
{
	if (!t)
		return;
	for (struct item *it = t->first; it; it = it->next)
		json_free(it->say);
	turn_forget_acks(t);
	link_free(t->link);
	arena_clear(&t->batch);
	arena_clear(&t->work);
	free(t);
}
