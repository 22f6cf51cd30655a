/* escalation: pages, pages nobody confirmed, and held things. Called by handlers and, through
 * handlers.h, by turn; it never asks a person anything. */
#include "handlers/escalation.h"

#include <string.h>

#include "base/when.h"
#include "handlers/decide.h"
#include "handlers/notification.h"
#include "handlers/plan.h"

enum { HELD_PRIORITY = 2, HELD_WHY_MAX = 300, HELD_WHAT_MAX = 120 };

void escalation_page(const struct act *a, struct decision *d, int64_t case_id, int64_t inquiry_id,
		     const char *reason)
{
	struct outgoing row = {
		.key = arena_f(a->arena, "case %lld, page, %s", (long long)case_id, reason),
		.kind = OUT_PAGE,
		.state = OUT_LIVE,
		.phase = PHASE_SEND,
		.rank = RANK_PAGE,
		.gate = "pagerduty",
		.case_id = case_id,
		.inquiry_id = inquiry_id,
		.target = reason,
		.channel = "",
		.ref = "",
		.wanted = 1,
		.due_ms = a->at.now_ms,
		.deadline_ms = a->at.now_ms + PAGE_CONFIRM_MS,
		.created_ms = a->at.now_ms,
		.error = "",
	};
	if (look_outgoing_key(a->look, row.key))
		return;
	decide_effect(d, &row);
	decide_audit(d, "bot", "page.decided", decide_name(a->arena, "case", case_id),
		     arena_f(a->arena, "The on-call is to be woken: %s.", reason));
	notification_card(a, d, case_id);
}

struct decision handle_deadline(const struct act *a, int64_t outgoing_id)
{
	struct decision d = decide_begin(a);
	const struct outgoing *row = look_outgoing(a->look, outgoing_id);
	if (!row)
		return d;
	struct outgoing now = *row;
	now.deadline_ms = NEVER_MS;
	decide_outgoing(&d, &now, row->flight); /* it may be in flight: that goes on */
	if (row->kind != OUT_PAGE || row->state != OUT_LIVE || row->shown == row->wanted)
		return d;
	notification_alarm(a, &d, row);
	notification_card(a, &d, row->case_id);
	notification_case_question(a, &d, row->case_id);
	decide_audit(
		&d, "bot", "page.unconfirmed", decide_name(a->arena, "case", row->case_id),
		arena_f(a->arena,
			"The pager has not accepted the page \"%s\" in %s; newest failure: %s.",
			row->target, when_span(PAGE_CONFIRM_MS).text,
			row->error[0] ? row->error : "no answer"));
	return d;
}

/* --- held --- */

struct held {
	const char *what, *why, *title, *source;
};

/* A case of its own, with a page: whatever broke, a person looks at it. */
static int64_t hold_case(const struct act *a, struct decision *d, const struct held *h)
{
	int64_t id = look_take_id(a->look, COUNTER_CASE);
	const char *why = decide_clip(a->arena, h->why, HELD_WHY_MAX);
	struct plan plan = {
		.title = h->title,
		.summary = arena_f(a->arena, "%s: %s", h->what, why),
		.question = "",
	};
	struct casefile k = {
		.id = id,
		.state = CASE_OPEN,
		.resolution = RESOLUTION_NONE,
		.priority = HELD_PRIORITY,
		.held = why[0] ? why : "no reason was given",
		.playbook = "",
		.source = h->source,
		.subject = "",
		.plan = plan_text(a->arena, &plan),
		.alerts = 1,
		.opened_ms = a->at.now_ms,
	};
	decide_case_new(d, &k);
	decide_audit(d, "bot", "case.held", decide_name(a->arena, "case", id), plan.summary);
	escalation_page(a, d, id, 0, PAGE_HELD);
	return id;
}

void escalation_hold_alert(const struct act *a, struct decision *d, const struct alert *alert,
			   const char *why)
{
	const char *what = decide_name(a->arena, "alert", alert->id);
	struct held h = { what, why, "An alert could not be handled", alert->source };
	struct alert held = *alert;
	held.case_id = hold_case(a, d, &h);
	held.state = ALERT_HELD;
	held.body = "";
	decide_alert(d, &held);
	decide_audit(d, "bot", "alert.held", what, decide_clip(a->arena, why, HELD_WHY_MAX));
}

/* "noun 17": its number, if what begins with that noun; 0 if not. */
static int64_t number_of(const char *what, const char *noun)
{
	struct str head, tail;
	int64_t id = 0;
	if (!str_cut(str_z(what), ' ', &head, &tail) || !str_is(head, noun) || !str_int(tail, &id))
		return 0;
	return id;
}

/* What is held must not come due again, or it would be tried, and kill us, for ever. */
static void stop_outgoing(const struct act *a, struct decision *d, int64_t id, const char *why)
{
	const struct outgoing *row = id ? look_outgoing(a->look, id) : NULL;
	if (!row)
		return;
	struct outgoing now = *row;
	now.state = OUT_DEAD;
	now.flight = 0;
	now.due_ms = now.deadline_ms = NEVER_MS;
	now.error = decide_clip(a->arena, why, HELD_WHY_MAX);
	decide_outgoing(d, &now, row->flight);
	if (row->kind != OUT_PAGE)
		return;
	notification_alarm(a, d, row);
	notification_card(a, d, row->case_id);
	notification_case_question(a, d, row->case_id); /* "we are paging" is true no longer */
}

static void stop_deadline(const struct act *a, struct decision *d, int64_t id)
{
	const struct outgoing *row = id ? look_outgoing(a->look, id) : NULL;
	if (!row)
		return;
	struct outgoing now = *row;
	now.deadline_ms = NEVER_MS; /* the page itself goes on */
	decide_outgoing(d, &now, row->flight);
}

static const char *stop_inquiry(const struct act *a, struct decision *d, int64_t id,
				const char *what)
{
	const struct inquiry *q = id ? look_inquiry(a->look, id) : NULL;
	if (!q)
		return what;
	struct inquiry rests = *q;
	rests.due_ms = NEVER_MS;
	decide_inquiry(d, &rests, q->state);
	return arena_f(a->arena, "%s of SB-%lld", what, (long long)q->case_id);
}

struct decision handle_held(const struct act *a, const char *what, const char *why)
{
	struct decision d = decide_begin(a);
	int64_t id = number_of(what, "alert");
	const struct alert *alert = id ? look_alert(a->look, id) : NULL;
	if (alert) {
		if (alert->state != ALERT_HELD)
			escalation_hold_alert(a, &d, alert, why);
		return d;
	}
	stop_outgoing(a, &d, number_of(what, "outgoing"), why);
	stop_deadline(a, &d, number_of(what, "deadline"));
	what = stop_inquiry(a, &d, number_of(what, "inquiry"), what);
	struct held h = { decide_clip(a->arena, what, HELD_WHAT_MAX), why,
			  "Something could not be handled", "securitybot" };
	hold_case(a, &d, &h);
	return d;
}
