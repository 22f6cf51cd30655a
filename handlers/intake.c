/* intake: what comes in is stored first and understood later. Called by turn through handlers.h; it
 * asks playbook what an alert means and opens what follows from it. */
#include "handlers/intake.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "handlers/answer.h"
#include "handlers/command.h"
#include "handlers/decide.h"
#include "handlers/escalation.h"
#include "handlers/inquiry.h"
#include "handlers/notification.h"
#include "handlers/plan.h"
#include "handlers/playbook.h"

enum { UNMAPPED_PRIORITY = 4 };

struct decision handle_fact(const struct act *a, const struct fact *f, bool is_new)
{
	switch (f->kind) {
	case FACT_ALERT: return intake_alert(a, f); /* it counts, however often it comes */
	case FACT_CLICK: return answer_click(a, f, is_new);
	case FACT_COMMENT: return answer_comment(a, f, is_new);
	case FACT_COMMAND: return command_slash(a, f, is_new);
	case FACT_MESSAGE: return answer_message(a, f, is_new);
	}
	assert(!"no such fact");
	return decide_begin(a);
}

/* The same id for another body: a mistake of the sender, or somebody who has its key. It is
 * refused, and the record says so once a delivery. */
static struct decision conflict(const struct act *a, const struct fact *f, const char *known)
{
	struct decision d = decide_begin(a);
	d.reply.kind = REPLY_HTTP;
	d.reply.status = 409;
	if (f->as.alert.is_last)
		decide_audit(&d, arena_f(a->arena, "source:%s", f->as.alert.source),
			     "delivery.conflict",
			     arena_f(a->arena, "delivery %s", f->as.alert.delivery),
			     arena_f(a->arena, "refused: came with sha256 %s before, now with %s",
				     known, f->as.alert.delivery_digest));
	return d;
}

static void again(const struct act *a, struct decision *d, const struct alert *old)
{
	struct alert counted = *old;
	counted.seen++;
	counted.last_ms = a->at.now_ms;
	counted.body = ""; /* the same digest: the same body */
	decide_alert(d, &counted);
}

static int64_t received(const struct act *a, struct decision *d, const struct fact *f)
{
	const char *doubt = f->as.alert.doubt;
	struct alert alert = {
		.id = look_take_id(a->look, COUNTER_ALERT),
		.source = f->as.alert.source,
		.digest = f->as.alert.digest,
		.key = "",
		.state = ALERT_RECEIVED,
		.seen = 1,
		.first_ms = a->at.now_ms,
		.last_ms = a->at.now_ms,
		.body = f->as.alert.body,
	};
	decide_alert_new(d, &alert);
	decide_audit(d, arena_f(a->arena, "source:%s", alert.source), "alert.received",
		     decide_name(a->arena, "alert", alert.id),
		     arena_f(a->arena, "sha256 %s%s%s", alert.digest, doubt ? "; " : "",
			     doubt ? doubt : ""));
	return alert.id;
}

/* A delivery that was here before (its id is signed) is a replay: it changes nothing, not even a
 * counter. */
struct decision intake_alert(const struct act *a, const struct fact *f)
{
	const char *source = f->as.alert.source, *delivery = f->as.alert.delivery;
	const char *known = delivery ? look_delivery(a->look, source, delivery) : NULL;
	if (known && strcmp(known, f->as.alert.delivery_digest) != 0)
		return conflict(a, f, known);
	struct decision d = decide_begin(a);
	const struct alert *old = look_alert_digest(a->look, source, f->as.alert.digest);
	d.reply.kind = REPLY_HTTP;
	d.reply.status = old ? 200 : 202;
	d.reply.alert_id = old ? old->id : received(a, &d, f);
	if (old && !known)
		again(a, &d, old);
	if (delivery && !known && f->as.alert.is_last)
		decide_delivery(&d, source, delivery, f->as.alert.delivery_digest);
	return d;
}

/* --- what it means --- */

static void settle_alert(const struct act *a, struct decision *d, const struct alert *alert,
			 const char *detail)
{
	struct alert settled = *alert;
	settled.body = ""; /* stays as it is */
	decide_alert(d, &settled);
	const char *action = alert->state == ALERT_MAPPED      ? "alert.mapped"
			     : alert->state == ALERT_UNMAPPED  ? "alert.unmapped"
			     : alert->state == ALERT_DUPLICATE ? "alert.duplicate"
							       : "alert.benign";
	decide_audit(d, "bot", action, decide_name(a->arena, "alert", alert->id), detail);
}

static struct casefile new_case(const struct act *a, const struct alert *alert)
{
	return (struct casefile){
		.id = look_take_id(a->look, COUNTER_CASE),
		.state = CASE_OPEN,
		.resolution = RESOLUTION_NONE,
		.held = "",
		.playbook = "",
		.source = alert->source,
		.subject = "",
		.alerts = 1,
		.opened_ms = a->at.now_ms,
	};
}

static void open_case(const struct act *a, struct decision *d, const struct casefile *k)
{
	decide_case_new(d, k);
	decide_audit(d, "bot", "case.opened", decide_name(a->arena, "case", k->id),
		     k->playbook[0] ? k->playbook : "no playbook");
	notification_card(a, d, k->id);
}

static void unmapped(const struct act *a, struct decision *d, const struct alert *alert)
{
	struct casefile k = new_case(a, alert);
	struct plan plan = {
		.title = arena_f(a->arena, "Alert without a playbook from %s", alert->source),
		.summary = "",
		.question = "",
	};
	struct alert settled = *alert;
	k.priority = UNMAPPED_PRIORITY;
	k.plan = plan_text(a->arena, &plan);
	open_case(a, d, &k);
	settled.state = ALERT_UNMAPPED;
	settled.case_id = k.id;
	settle_alert(a, d, &settled, arena_f(a->arena, "SB-%lld", (long long)k.id));
}

/* Folded into the older alert's case: counted, its newest body kept, and nobody is asked twice. */
static void duplicate(const struct act *a, struct decision *d, const struct alert *alert,
		      const struct alert *older)
{
	struct alert first = *older, settled = *alert;
	first.seen += alert->seen;
	first.last_ms = a->at.now_ms;
	first.body = alert->body;
	decide_alert(d, &first);
	settled.state = ALERT_DUPLICATE;
	settled.case_id = older->case_id;
	settle_alert(a, d, &settled,
		     arena_f(a->arena, "the same key as alert %lld", (long long)older->id));
	const struct casefile *k = look_case(a->look, older->case_id);
	if (!k)
		return;
	struct casefile counted = *k;
	counted.alerts++;
	decide_case(d, &counted);
	notification_card(a, d, k->id);
}

static void mapped(const struct act *a, struct decision *d, const struct alert *alert,
		   const struct mapping *m)
{
	struct casefile k = new_case(a, alert);
	struct alert settled = *alert;
	k.priority = m->priority;
	k.playbook = m->playbook->name;
	k.subject = m->subject;
	k.plan = m->plan;
	open_case(a, d, &k);
	settled.state = ALERT_MAPPED;
	settled.case_id = k.id;
	settle_alert(a, d, &settled,
		     arena_f(a->arena, "SB-%lld by %s", (long long)k.id, k.playbook));
	if (plan_pages_at_opening(k.priority)) /* before anybody is asked */
		escalation_page(a, d, k.id, 0, PAGE_OPENED);
	if (m->playbook->asks)
		inquiry_open(a, d, &k, m->playbook->wait_ms);
	if (m->playbook->notifies)
		notification_notify(a, d, &k);
}

struct decision handle_alert_due(const struct act *a, int64_t alert_id)
{
	struct decision d = decide_begin(a);
	struct fail fail = { 0 };
	struct mapping m;
	const struct alert *alert = look_alert(a->look, alert_id);
	if (!alert || alert->state != ALERT_RECEIVED)
		return d;
	if (playbook_map(a, alert, &m, &fail) != RC_OK) {
		escalation_hold_alert(a, &d, alert, arena_z(a->arena, fail.why));
		return d;
	}
	if (!m.playbook) {
		unmapped(a, &d, alert);
		return d;
	}
	struct alert keyed = *alert;
	if (m.benign[0]) {
		/* Without its key: a rule that has expired must not go on as "seen before". */
		keyed.state = ALERT_BENIGN;
		settle_alert(a, &d, &keyed,
			     arena_f(a->arena, "%s: %s", m.playbook->name, m.benign));
		return d;
	}
	keyed.key = m.key;
	const struct alert *older = m.key[0] ? look_alert_key(a->look, alert->source, m.key) : NULL;
	if (older && older->case_id)
		duplicate(a, &d, &keyed, older);
	else
		mapped(a, &d, &keyed, &m);
	return d;
}
