/* decide: builders for decisions. Called by handlers only; no rule lives here. */
#include "handlers/decide.h"

#include <string.h>

#include "base/words.h"

struct decision decide_begin(const struct act *a)
{
	return (struct decision){ .arena = a->arena, .reply = { .kind = REPLY_NONE } };
}

/* `end` is NULL in an empty decision, so that an empty one may be copied freely. */
static struct change *append(struct decision *d, enum change_kind kind)
{
	struct change *c = arena_new(d->arena, struct change);
	c->kind = kind;
	if (d->end)
		*d->end = c;
	else
		d->first = c;
	d->end = &c->next;
	return c;
}

void decide_alert_new(struct decision *d, const struct alert *alert)
{
	append(d, CHANGE_ALERT_NEW)->as.alert = *alert;
}

void decide_alert(struct decision *d, const struct alert *alert)
{
	append(d, CHANGE_ALERT)->as.alert = *alert;
}

void decide_case_new(struct decision *d, const struct casefile *k)
{
	append(d, CHANGE_CASE_NEW)->as.kase = *k;
}

void decide_case(struct decision *d, const struct casefile *k)
{
	append(d, CHANGE_CASE)->as.kase = *k;
}

void decide_inquiry_new(struct decision *d, const struct inquiry *q)
{
	append(d, CHANGE_INQUIRY_NEW)->as.inquiry.now = *q;
}

void decide_inquiry(struct decision *d, const struct inquiry *now, enum inquiry_state was)
{
	struct change *c = append(d, CHANGE_INQUIRY);
	c->as.inquiry.now = *now;
	c->as.inquiry.was = was;
}

void decide_trouble(struct decision *d, const struct trouble *trouble)
{
	append(d, CHANGE_TROUBLE)->as.trouble = *trouble;
}

void decide_person(struct decision *d, const struct person *p)
{
	append(d, CHANGE_PERSON)->as.person = *p;
}

void decide_raise(struct decision *d, const struct outgoing *row, int64_t gap_ms)
{
	for (const struct change *c = d->first; c; c = c->next)
		if (c->kind == CHANGE_RAISE && strcmp(c->as.out.row.key, row->key) == 0)
			return;
	struct change *c = append(d, CHANGE_RAISE);
	c->as.out.row = *row;
	c->as.out.gap_ms = gap_ms;
}

void decide_effect(struct decision *d, const struct outgoing *row)
{
	append(d, CHANGE_EFFECT)->as.out.row = *row;
}

void decide_outgoing(struct decision *d, const struct outgoing *row, int64_t was_flight)
{
	struct change *c = append(d, CHANGE_OUTGOING);
	c->as.out.row = *row;
	c->as.out.was_flight = was_flight;
}

void decide_gate(struct decision *d, const char *gate, int64_t open_ms)
{
	struct change *c = append(d, CHANGE_GATE);
	c->as.gate.gate = gate;
	c->as.gate.open_ms = open_ms;
}

void decide_breaker(struct decision *d, const char *gate, int64_t failures, int64_t open_ms)
{
	struct change *c = append(d, CHANGE_BREAKER);
	c->as.gate.gate = gate;
	c->as.gate.open_ms = open_ms;
	c->as.gate.failures = failures;
}

void decide_delivery(struct decision *d, const char *source, const char *id, const char *digest)
{
	struct change *c = append(d, CHANGE_DELIVERY);
	c->as.delivery.source = source;
	c->as.delivery.id = id;
	c->as.delivery.digest = digest;
}

void decide_audit(struct decision *d, const char *actor, const char *action, const char *object,
		  const char *detail)
{
	struct change *c = append(d, CHANGE_AUDIT);
	c->as.audit.actor = actor;
	c->as.audit.action = action;
	c->as.audit.object = object;
	c->as.audit.detail = detail;
}

const char *decide_name(struct arena *arena, const char *noun, int64_t id)
{
	return arena_f(arena, "%s %lld", noun, (long long)id);
}

const char *decide_clip(struct arena *arena, const char *z, size_t points)
{
	return words_clean(arena, str_z(z), points, NULL);
}
