/* escalation: pages, pages nobody confirmed, and held things. Called by handlers and, through
 * handlers.h, by turn; it never asks a person anything. */
#include "handlers/escalation.h"

#include <string.h>

#include "base/when.h"
#include "handlers/confirm.h"
#include "handlers/decide.h"
#include "handlers/notification.h"
#include "handlers/plan.h"
#include "handlers/trouble.h"

enum { OWN_PRIORITY = 2, HELD_WHY_MAX = 300, HELD_WHAT_MAX = 120 };

/* --- one reason, several pagers --- */

static const char *page_key(const struct act *a, int64_t case_id, const char *reason)
{
	return arena_f(a->arena, "case %lld, page, %s", (long long)case_id, reason);
}

/* The row of that reason by the first pager: what the alarm is about. */
static const struct outgoing *first_of(const struct act *a, const struct outgoing *row)
{
	const struct outgoing *first =
		look_outgoing_key(a->look, page_key(a, row->case_id, row->target));
	return first ? first : row;
}

static void put_page(const struct act *a, struct decision *d, const struct outgoing *page)
{
	struct outgoing row = *page;
	row.kind = OUT_PAGE;
	row.state = OUT_LIVE;
	row.phase = PHASE_SEND;
	row.rank = RANK_PAGE;
	row.channel = row.ref = row.error = "";
	row.wanted = 1;
	row.due_ms = row.created_ms = a->at.now_ms;
	row.deadline_ms = a->at.now_ms + PAGE_CONFIRM_MS;
	decide_effect(d, &row);
}

void escalation_page(const struct act *a, struct decision *d, int64_t case_id, int64_t inquiry_id,
		     const char *reason)
{
	struct outgoing row = { .key = page_key(a, case_id, reason),
				.gate = a->policy->pagers[0].name,
				.case_id = case_id,
				.inquiry_id = inquiry_id,
				.target = reason };
	if (look_outgoing_key(a->look, row.key))
		return;
	put_page(a, d, &row);
	decide_audit(d, "bot", "page.decided", decide_name(a->arena, "case", case_id),
		     arena_f(a->arena, "The on-call is to be woken: %s.", reason));
	notification_card(a, d, case_id);
	struct look_gate gate = look_gate(a->look, row.gate);
	if (gate.failures >= GATE_FAILURES_MAX && gate.open_ms > a->at.now_ms)
		escalation_hand_on(a, d, &row);
}

/* NULL = it is the last. One that left the configuration was the first. */
static const char *next_pager(const struct act *a, const char *gate)
{
	const struct policy *p = a->policy;
	size_t next = 1;
	for (size_t i = 0; i < p->pagers_n; i++)
		if (strcmp(p->pagers[i].name, gate) == 0)
			next = i + 1;
	return next < p->pagers_n ? p->pagers[next].name : NULL;
}

void escalation_hand_on(const struct act *a, struct decision *d, const struct outgoing *row)
{
	const char *next = next_pager(a, row->gate);
	if (!next)
		return;
	struct outgoing page = { .key = arena_f(a->arena, "%s, by %s",
						page_key(a, row->case_id, row->target), next),
				 .gate = next,
				 .case_id = row->case_id,
				 .inquiry_id = row->inquiry_id,
				 .target = row->target };
	if (look_outgoing_key(a->look, page.key))
		return;
	put_page(a, d, &page);
	decide_audit(d, "bot", "page.handed_on", decide_name(a->arena, "case", row->case_id),
		     arena_f(a->arena, "%s has not confirmed the page \"%s\": %s is called, too.",
			     row->gate, row->target, next));
	notification_card(a, d, row->case_id);
	notification_case_question(a, d, row->case_id);
}

struct outgoing escalation_stood_down(const struct outgoing *row, const char *why)
{
	struct outgoing now = *row;
	now.state = OUT_DEAD;
	now.due_ms = now.deadline_ms = NEVER_MS;
	now.error = why;
	return now;
}

void escalation_confirmed(const struct act *a, struct decision *d, const struct outgoing *row,
			  const char *how)
{
	struct look_list pages = look_case_outgoing(a->look, row->case_id, OUT_PAGE);
	decide_audit(d, "bot", "page.confirmed", decide_name(a->arena, "case", row->case_id),
		     arena_f(a->arena, "%s %s the page \"%s\".", row->gate, how, row->target));
	notification_card(a, d, row->case_id);
	notification_told_page(a, d, first_of(a, row));
	notification_alarm_over(a, d, first_of(a, row));
	notification_case_question(a, d, row->case_id); /* "paged": only now */
	trouble_end(a, d, TROUBLE_PAGER);
	for (size_t i = 0; i < pages.n; i++) {
		const struct outgoing *other = pages.at[i];
		if (other->id == row->id || strcmp(other->target, row->target) != 0 ||
		    other->state != OUT_LIVE || other->shown || other->flight)
			continue; /* in flight: its result finds the same */
		struct outgoing rests = escalation_stood_down(
			other,
			arena_f(a->arena, "not needed: %s has accepted the page", row->gate));
		decide_outgoing(d, &rests, 0);
	}
}

static const char closed_since[] =
	"not repeated: an earlier attempt may have gone through, and the case is closed";

static bool is_late(const struct outgoing *row, int64_t due_ms)
{
	return row->first_ms && due_ms >= row->first_ms + PAGE_RECONCILE_MS;
}

void escalation_case_closed(const struct act *a, struct decision *d, int64_t case_id)
{
	struct look_list pages = look_case_outgoing(a->look, case_id, OUT_PAGE);
	for (size_t i = 0; i < pages.n; i++) {
		const struct outgoing *row = pages.at[i];
		bool is_taken = row->phase == PHASE_FIND; /* what came of it is still to be told */
		if (row->state != OUT_LIVE || row->shown || row->flight || is_taken ||
		    !is_late(row, row->due_ms))
			continue;
		struct outgoing rests = escalation_stood_down(row, closed_since);
		decide_outgoing(d, &rests, 0);
		decide_audit(d, "bot", "page.stood_down",
			     decide_name(a->arena, "outgoing", row->id), closed_since);
	}
}

const char *escalation_needless(const struct act *a, const struct outgoing *row, int64_t due_ms)
{
	struct look_list pages = look_case_outgoing(a->look, row->case_id, OUT_PAGE);
	const struct casefile *k = look_case(a->look, row->case_id);
	for (size_t i = 0; i < pages.n; i++)
		if (pages.at[i]->id != row->id && pages.at[i]->shown &&
		    strcmp(pages.at[i]->target, row->target) == 0)
			return arena_f(a->arena, "not needed: %s has accepted the page",
				       pages.at[i]->gate);
	bool is_closed = k && k->state == CASE_CLOSED && k->closed_ms > row->created_ms;
	return is_closed && is_late(row, due_ms) ? closed_since : NULL;
}

/* Refused by this one and by all before it, and it is the last. */
static bool is_dead_letter(const struct act *a, const struct outgoing *row)
{
	struct look_list pages = look_case_outgoing(a->look, row->case_id, OUT_PAGE);
	for (size_t i = 0; i < pages.n; i++)
		if (pages.at[i]->id != row->id && pages.at[i]->state == OUT_LIVE &&
		    strcmp(pages.at[i]->target, row->target) == 0)
			return false;
	return !next_pager(a, row->gate);
}

void escalation_refused(const struct act *a, struct decision *d, const struct outgoing *row)
{
	notification_alarm(a, d, first_of(a, row));
	notification_told_page(a, d, row);
	notification_card(a, d, row->case_id);
	notification_case_question(a, d, row->case_id); /* "we are paging" may be true no longer */
	escalation_hand_on(a, d, row);
	bool is_taken = row->phase == PHASE_FIND;
	if (is_dead_letter(a, row))
		trouble_raise(
			a, d, TROUBLE_PAGER,
			arena_f(a->arena,
				"Nobody can be woken: %s %s the page \"%s\" of SB-%lld, and no "
				"pager is left to be tried. Check its %s: until then call the "
				"person on call yourselves.",
				row->gate, is_taken ? "accepted, without an incident," : "refused",
				row->target, (long long)row->case_id,
				is_taken ? "service and its rules" : "key"));
}

struct decision handle_deadline(const struct act *a, int64_t outgoing_id)
{
	struct decision d = decide_begin(a);
	const struct outgoing *row = look_outgoing(a->look, outgoing_id);
	if (!row)
		return d;
	bool is_taken = confirm_waits(row);
	if (is_taken && a->at.now_ms >= confirm_ends_ms(row)) {
		confirm_given_up(a, &d, row, "there was no answer in time");
		return d;
	}
	struct outgoing now = *row;
	now.deadline_ms = is_taken ? confirm_ends_ms(row) : NEVER_MS;
	decide_outgoing(&d, &now, row->flight); /* it may be in flight: that goes on */
	if (row->kind != OUT_PAGE || row->state != OUT_LIVE || row->shown == row->wanted)
		return d;
	notification_alarm(a, &d, first_of(a, row));
	notification_told_page(a, &d, row);
	notification_card(a, &d, row->case_id);
	notification_case_question(a, &d, row->case_id);
	decide_audit(&d, "bot", "page.unconfirmed", decide_name(a->arena, "case", row->case_id),
		     arena_f(a->arena,
			     "%s has not confirmed the page \"%s\" in %s; newest failure: %s.",
			     row->gate, row->target, when_span(PAGE_CONFIRM_MS).text,
			     row->error[0] ? row->error
			     : is_taken    ? "none, its incident is looked for"
					   : "no answer"));
	escalation_hand_on(a, &d, row);
	return d;
}

/* --- a case that no playbook has opened --- */

int64_t escalation_own_case(const struct act *a, struct decision *d, const struct own_case *own)
{
	struct plan plan = { .title = own->title, .summary = own->summary, .question = "" };
	struct casefile k = {
		.id = look_take_id(a->look, COUNTER_CASE),
		.state = CASE_OPEN,
		.resolution = RESOLUTION_NONE,
		.priority = OWN_PRIORITY,
		.held = own->held,
		.playbook = "",
		.source = own->source,
		.subject = "",
		.plan = plan_text(a->arena, &plan),
		.alerts = 1,
		.opened_ms = a->at.now_ms,
	};
	decide_case_new(d, &k);
	return k.id;
}

/* --- held --- */

struct held {
	const char *what, *why, *title, *source;
};

/* A case of its own, with a page: whatever broke, a person looks at it. */
static int64_t hold_case(const struct act *a, struct decision *d, const struct held *h)
{
	const char *why = decide_clip(a->arena, h->why, HELD_WHY_MAX);
	struct own_case own = { .title = h->title,
				.summary = arena_f(a->arena, "%s: %s", h->what, why),
				.held = why[0] ? why : "no reason was given",
				.source = h->source };
	int64_t id = escalation_own_case(a, d, &own);
	decide_audit(d, "bot", "case.held", decide_name(a->arena, "case", id), own.summary);
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
	now.state = row->kind == OUT_PAGE ? OUT_DEAD : OUT_HELD;
	now.flight = 0;
	now.due_ms = now.deadline_ms = NEVER_MS;
	now.error = decide_clip(a->arena, why, HELD_WHY_MAX);
	decide_outgoing(d, &now, row->flight);
	if (row->kind == OUT_PAGE)
		escalation_refused(a, d, row);
}

static void stop_deadline(const struct act *a, struct decision *d, int64_t id)
{
	const struct outgoing *row = id ? look_outgoing(a->look, id) : NULL;
	if (!row)
		return;
	struct outgoing now = *row;
	now.deadline_ms = NEVER_MS; /* the page itself goes on */
	decide_outgoing(d, &now, row->flight);
	if (row->kind == OUT_PAGE && row->state == OUT_LIVE && !row->shown)
		escalation_hand_on(a, d, row);
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
