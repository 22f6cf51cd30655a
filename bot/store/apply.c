/* apply: turns a decision into rows, in its order. Called by turn only, inside an item's savepoint;
 * the only writer of what handlers decide. A lost compare-and-set is RC_REFUSED: the turn undoes
 * the item. */
#include "base/when.h"
#include "store/inside.h"
#include <assert.h>

/* An update that found nothing to update: somebody else was first, or the row never was. */
static enum rc changed_one(struct store *s, const char *what, int64_t id, struct fail *fail)
{
	if (s->changed == 1)
		return RC_OK;
	return FAIL(fail, RC_REFUSED, "%s %lld is not as the decision saw it", what, (long long)id);
}

static bool is_empty(const char *z) { return !z || !*z; }

/* --- alerts, cases, inquiries, people --- */

static enum rc alert_new(struct store *s, const struct alert *a, struct fail *fail)
{
	const enum rc rc =
		run(s, SQL_ALERT_NEW,
		    WITH(NUM(a->id), TXT(a->source), TXT(a->digest), TXT(a->key), NUM(a->state),
			 NUM(a->seen), NUM(a->first_ms), NUM(a->last_ms), REF(a->case_id)),
		    NULL, fail);

	if (rc != RC_OK)
		return rc;
	return run(s, SQL_ALERT_RAW, WITH(NUM(a->id), TXT(a->body)), NULL, fail);
}

static enum rc alert_set(struct store *s, const struct alert *a, struct fail *fail)
{
	enum rc rc = run(s, SQL_ALERT_SET,
			 WITH(NUM(a->id), NUM(a->state), TXT(a->key), NUM(a->seen), NUM(a->last_ms),
			      REF(a->case_id)),
			 NULL, fail);

	if (rc == RC_OK)
		rc = changed_one(s, "alert", a->id, fail);
	if (rc == RC_OK && !is_empty(a->body))
		rc = run(s, SQL_ALERT_RAW, WITH(NUM(a->id), TXT(a->body)), NULL, fail);
	return rc;
}

static enum rc case_new(struct store *s, const struct casefile *c, struct fail *fail)
{
	return run(s, SQL_CASE_NEW,
		   WITH(NUM(c->id), NUM(c->state), NUM(c->resolution), NUM(c->priority),
			TXT(c->held), TXT(c->playbook), TXT(c->source), TXT(c->subject),
			TXT(c->plan), NUM(c->alerts), NUM(c->opened_ms), NUM(c->closed_ms),
			NUM(c->is_drill)),
		   NULL, fail);
}

static enum rc case_set(struct store *s, const struct casefile *c, struct fail *fail)
{
	const enum rc rc = run(s, SQL_CASE_SET,
			       WITH(NUM(c->id), NUM(c->state), NUM(c->resolution), TXT(c->held),
				    NUM(c->alerts), NUM(c->closed_ms)),
			       NULL, fail);

	return rc == RC_OK ? changed_one(s, "case", c->id, fail) : rc;
}

static enum rc inquiry_new(struct store *s, const struct inquiry *q, struct fail *fail)
{
	return run(s, SQL_INQUIRY_NEW,
		   WITH(NUM(q->id), NUM(q->case_id), NUM(q->state), TXT(q->person),
			NUM(q->created_ms), NUM(q->wait_ms), NUM(q->undelivered_ms),
			NUM(q->delivered_ms), NUM(q->answer_ms), NUM(q->due_ms),
			NUM(q->answered_ms), TXT(q->late), NUM(q->late_ms), TXT(q->comment),
			TXT(q->tried)),
		   NULL, fail);
}

static enum rc inquiry_set(struct store *s, const struct inquiry *q, enum inquiry_state was,
			   struct fail *fail)
{
	const enum rc rc =
		run(s, SQL_INQUIRY_SET,
		    WITH(NUM(q->id), NUM(was), NUM(q->state), TXT(q->person), NUM(q->delivered_ms),
			 NUM(q->answer_ms), NUM(q->due_ms), NUM(q->answered_ms), TXT(q->late),
			 NUM(q->late_ms), TXT(q->comment), TXT(q->tried)),
		    NULL, fail);

	return rc == RC_OK ? changed_one(s, "inquiry", q->id, fail) : rc;
}

static enum rc person_put(struct store *s, const struct person *p, struct fail *fail)
{
	return run(s, SQL_PERSON_PUT,
		   WITH(TXT(p->user), TXT(p->email), TXT(p->name), TXT(p->tz), NUM(p->tz_offset_s),
			NUM(p->is_bot), NUM(p->is_deleted), NUM(p->is_guest), TXT(p->dm),
			NUM(p->fetched_ms), TXT(lower_ascii(s->arena, p->email))),
		   NULL, fail);
}

static enum rc trouble_put(struct store *s, const struct trouble *t, struct fail *fail)
{
	return run(s, SQL_TROUBLE_PUT,
		   WITH(TXT(t->name), NUM(t->case_id), NUM(t->since_ms), NUM(t->over_ms)), NULL,
		   fail);
}

static enum rc delivery_new(struct store *s, const struct change *c, int64_t now_ms,
			    struct fail *fail)
{
	return run(s, SQL_DELIVERY_NEW,
		   WITH(TXT(c->as.delivery.source), TXT(c->as.delivery.id),
			TXT(c->as.delivery.digest), NUM(now_ms)),
		   NULL, fail);
}

/* --- what goes out --- */

static enum rc out_new(struct store *s, const struct outgoing *o, int64_t now_ms, struct fail *fail)
{
	const bool lacks_channel = out_is_message(o->kind) && is_empty(o->channel);
	const int64_t due_ms = lacks_channel ? NEVER_MS : o->due_ms > now_ms ? o->due_ms : now_ms;
	int64_t id = o->id;
	enum rc rc = id ? RC_OK : take_id(s, COUNTER_OUTGOING, &id, fail);

	if (rc == RC_OK)
		rc = run(s, SQL_OUT_NEW,
			 WITH(NUM(id), TXT(o->key), NUM(o->kind), NUM(o->rank), TXT(o->gate),
			      REF(o->case_id), REF(o->inquiry_id), TXT(o->target), TXT(o->channel),
			      NUM(due_ms), NUM(o->deadline_ms > 0 ? o->deadline_ms : NEVER_MS),
			      NUM(now_ms)),
			 NULL, fail);
	return rc == RC_OK ? lane_refresh(s, o->gate, fail) : rc;
}

static enum rc raise_known(struct store *s, const struct outgoing *old, const struct outgoing *o,
			   int64_t due_ms, struct fail *fail)
{
	const bool moves = is_empty(old->channel) && !is_empty(o->channel);
	const char *gate = moves ? o->gate : old->gate;
	const char *channel = moves ? o->channel : old->channel;

	if (is_empty(channel))
		due_ms = NEVER_MS;
	/* One that waits keeps its place in the line; and a search for an attempt of unknown
	 * outcome its own time: too early finds nothing, and nothing found posts twice. */
	else if (old->due_ms < due_ms || (old->phase == PHASE_FIND && old->due_ms != NEVER_MS))
		due_ms = old->due_ms;
	/* A message refused for good stays as it is: no row changes. */
	const enum rc rc = run(
		s, SQL_OUT_RAISE,
		WITH(NUM(old->id), NUM(o->rank), TXT(gate), TXT(channel), NUM(due_ms)), NULL, fail);
	return rc == RC_OK ? lane_refresh(s, gate, fail) : rc;
}

static enum rc out_raise(struct store *s, const struct change *c, int64_t now_ms, struct fail *fail)
{
	const struct outgoing *o = &c->as.out.row, *old;
	enum rc rc = out_by_key(s, o->key, &old, fail);

	if (rc != RC_OK)
		return rc;
	if (!out_is_message(o->kind))
		return FAIL(fail, RC_REFUSED, "%s: only a message is raised", o->key);
	if (!old)
		return out_new(s, o, now_ms, fail);
	const int64_t next_ms = old->last_ms + c->as.out.gap_ms;
	return raise_known(s, old, o, next_ms > now_ms ? next_ms : now_ms, fail);
}

static enum rc out_effect(struct store *s, const struct outgoing *o, int64_t now_ms,
			  struct fail *fail)
{
	const struct outgoing *old;
	const enum rc rc = out_by_key(s, o->key, &old, fail);

	if (rc != RC_OK || old)
		return rc;
	if (out_is_message(o->kind))
		return FAIL(fail, RC_REFUSED, "%s: a message is raised", o->key);
	return out_new(s, o, now_ms, fail);
}

static enum rc out_set(struct store *s, const struct change *c, int64_t now_ms, struct fail *fail)
{
	const struct outgoing *o = &c->as.out.row;
	const char *gate = "";
	enum rc rc = run(s, SQL_OUT_SET,
			 WITH(NUM(o->id), NUM(c->as.out.was_flight), NUM(o->state), NUM(o->phase),
			      NUM(o->rank), TXT(o->channel), TXT(o->ref), NUM(o->shown),
			      NUM(o->flight), NUM(o->attempts), NUM(o->misses), NUM(o->deadline_ms),
			      NUM(o->first_ms), NUM(o->last_ms), NUM(o->done_ms), TXT(o->error),
			      NUM(o->due_ms), NUM(o->wanted), NUM(now_ms)),
			 &(struct rows){ row_text, &gate }, fail);

	if (rc == RC_OK)
		rc = changed_one(s, "outgoing", o->id, fail);
	return rc == RC_OK ? lane_refresh(s, gate, fail) : rc;
}

static enum rc gate_close(struct store *s, const char *gate, int64_t open_ms, struct fail *fail)
{
	const enum rc rc = run(s, SQL_GATE_CLOSE, WITH(TXT(gate), NUM(open_ms)), NULL, fail);

	return rc == RC_OK ? lane_refresh(s, gate, fail) : rc;
}

static enum rc gate_failed(struct store *s, const struct change *c, struct fail *fail)
{
	const enum rc rc =
		run(s, SQL_GATE_FAILED,
		    WITH(TXT(c->as.gate.gate), NUM(c->as.gate.open_ms), NUM(c->as.gate.failures)),
		    NULL, fail);

	return rc == RC_OK ? lane_refresh(s, c->as.gate.gate, fail) : rc;
}

static enum rc apply_one(struct store *s, const struct change *c, int64_t now_ms, struct fail *fail)
{
	switch (c->kind) {
	case CHANGE_ALERT_NEW: return alert_new(s, &c->as.alert, fail);
	case CHANGE_ALERT: return alert_set(s, &c->as.alert, fail);
	case CHANGE_CASE_NEW: return case_new(s, &c->as.kase, fail);
	case CHANGE_CASE: return case_set(s, &c->as.kase, fail);
	case CHANGE_INQUIRY_NEW: return inquiry_new(s, &c->as.inquiry.now, fail);
	case CHANGE_INQUIRY: return inquiry_set(s, &c->as.inquiry.now, c->as.inquiry.was, fail);
	case CHANGE_PERSON: return person_put(s, &c->as.person, fail);
	case CHANGE_RAISE: return out_raise(s, c, now_ms, fail);
	case CHANGE_EFFECT: return out_effect(s, &c->as.out.row, now_ms, fail);
	case CHANGE_OUTGOING: return out_set(s, c, now_ms, fail);
	case CHANGE_GATE: return gate_close(s, c->as.gate.gate, c->as.gate.open_ms, fail);
	case CHANGE_BREAKER: return gate_failed(s, c, fail);
	case CHANGE_AUDIT: return audit_append(s, c, now_ms, fail);
	case CHANGE_TROUBLE: return trouble_put(s, &c->as.trouble, fail);
	case CHANGE_DELIVERY: return delivery_new(s, c, now_ms, fail);
	}
	assert(!"no such change");
	return RC_BROKEN;
}

enum rc store_apply(struct store *s, const struct decision *d, int64_t now_ms, struct fail *fail)
{
	enum rc rc = RC_OK;

	assert(s->in_turn);
	for (const struct change *c = d->first; c && rc == RC_OK; c = c->next)
		rc = apply_one(s, c, now_ms, fail);
	return rc;
}
