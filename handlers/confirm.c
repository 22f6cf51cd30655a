/* confirm: what became of a page that a pager accepted; see confirm.h. A PAGE row in PHASE_FIND
 * rests until its deadline or the end of patience; a CONFIRM row of its own asks. */
#include "handlers/confirm.h"

#include <string.h>

#include "base/when.h"
#include "handlers/decide.h"
#include "handlers/escalation.h"
#include "handlers/trouble.h"

enum { ERROR_MAX = 300 };

static bool can_be_asked(const struct act *a, const char *gate)
{
	for (size_t i = 0; i < a->policy->pagers_n; i++)
		if (strcmp(a->policy->pagers[i].name, gate) == 0)
			return a->policy->pagers[i].confirms;
	return false;
}

bool confirm_waits(const struct outgoing *page)
{
	return page->kind == OUT_PAGE && page->state == OUT_LIVE && page->phase == PHASE_FIND &&
	       !page->shown;
}

int64_t confirm_ends_ms(const struct outgoing *page) { return page->last_ms + CONFIRM_PATIENCE_MS; }

bool confirm_begin(const struct act *a, struct decision *d, const struct outgoing *page,
		   int64_t was_flight)
{
	if (!can_be_asked(a, page->gate)) {
		trouble_end(a, d, TROUBLE_CONFIRM); /* nobody is asked any more */
		return false;
	}
	struct outgoing taken = *page;
	taken.phase = PHASE_FIND;
	taken.shown = 0;
	taken.done_ms = 0;
	taken.due_ms = NEVER_MS;
	if (taken.deadline_ms > confirm_ends_ms(page))
		taken.deadline_ms = confirm_ends_ms(page);
	decide_outgoing(d, &taken, was_flight);
	struct outgoing look = { .key = arena_f(a->arena, "%s, confirm", page->key),
				 .kind = OUT_CONFIRM,
				 .state = OUT_LIVE,
				 .phase = PHASE_SEND,
				 .rank = RANK_PROOF,
				 .gate = arena_f(a->arena, "look-ups at %s", page->gate),
				 .case_id = page->case_id,
				 .inquiry_id = page->inquiry_id,
				 .target = page->key,
				 .channel = "",
				 .ref = "",
				 .error = "",
				 .wanted = 1,
				 .created_ms = a->at.now_ms,
				 .due_ms = a->at.now_ms + CONFIRM_WAIT_MS,
				 .deadline_ms = NEVER_MS };
	decide_effect(d, &look);
	decide_audit(d, "bot", "page.accepted", decide_name(a->arena, "case", page->case_id),
		     arena_f(a->arena,
			     "%s has accepted the page \"%s\"; its incident is looked for.",
			     page->gate, page->target));
	return true;
}

/* --- what is learnt --- */

static void confirmed(const struct act *a, struct decision *d, const struct outgoing *page,
		      int64_t at_ms, const char *how)
{
	struct outgoing now = *page;
	now.phase = PHASE_SEND;
	now.shown = now.wanted;
	now.done_ms = at_ms;
	now.due_ms = now.deadline_ms = NEVER_MS;
	decide_outgoing(d, &now, page->flight);
	escalation_confirmed(a, d, &now, how);
}

void confirm_given_up(const struct act *a, struct decision *d, const struct outgoing *page,
		      const char *why)
{
	decide_audit(d, "bot", "page.not_looked_up", decide_name(a->arena, "case", page->case_id),
		     arena_f(a->arena,
			     "Whether %s has opened an incident for the page \"%s\" is not known: "
			     "%s. That it accepted the page has to do.",
			     page->gate, page->target, why));
	confirmed(a, d, page, page->last_ms, "has accepted"); /* then, and no later */
}

static void no_incident(const struct act *a, struct decision *d, const struct outgoing *page)
{
	struct outgoing now = escalation_stood_down(page, "accepted, but no incident was opened");
	decide_outgoing(d, &now, page->flight);
	decide_audit(d, "bot", "page.no_incident", decide_name(a->arena, "case", page->case_id),
		     arena_f(a->arena,
			     "%s has accepted the page \"%s\", but no incident was opened: looked "
			     "%d times.",
			     page->gate, page->target, CONFIRM_LOOKS_MAX));
	escalation_refused(a, d, &now);
}

static void say_trouble(const struct act *a, struct decision *d, const struct outgoing *page,
			const struct result *r)
{
	trouble_raise(
		a, d, TROUBLE_CONFIRM,
		arena_f(a->arena,
			"%s refuses to be asked whether a page has opened an incident (%s). "
			"Check the token for that: until then what it accepts counts as paged.",
			page->gate, r->error ? r->error : ""));
}

/* --- the row that asks --- */

static void over(const struct act *a, struct decision *d, struct outgoing *row, int64_t was_flight)
{
	row->shown = row->wanted;
	row->done_ms = a->at.now_ms;
	row->due_ms = NEVER_MS;
	decide_outgoing(d, row, was_flight);
}

static void again(const struct act *a, struct decision *d, struct outgoing *row,
		  const struct outgoing *was, const struct result *r)
{
	int64_t wait_ms = CONFIRM_WAIT_MS;
	for (int64_t i = 0; i < was->attempts && i < CONFIRM_LOOKS_MAX - 1; i++)
		wait_ms *= 2;
	if (r->retry_after_ms > 0)
		decide_gate(d, row->gate, a->at.now_ms + r->retry_after_ms);
	row->due_ms = a->at.now_ms + (r->retry_after_ms > wait_ms ? r->retry_after_ms : wait_ms);
	decide_outgoing(d, row, was->flight);
}

void confirm_result(const struct act *a, struct decision *d, const struct outgoing *was,
		    const struct result *r)
{
	const struct outgoing *page = look_outgoing_key(a->look, was->target);
	struct outgoing row = *was;
	row.flight = 0;
	row.error = decide_clip(a->arena, r->error ? r->error : "", ERROR_MAX);
	if (!page || !confirm_waits(page)) { /* somebody else took the page, or time is up */
		over(a, d, &row, was->flight);
		return;
	}
	switch (r->outcome) {
	case OUTCOME_DONE:
	case OUTCOME_ALREADY:
		over(a, d, &row, was->flight);
		trouble_end(a, d, TROUBLE_CONFIRM);
		confirmed(a, d, page, a->at.now_ms, "has opened an incident for");
		return;
	case OUTCOME_NOT_FOUND:
		trouble_end(a, d, TROUBLE_CONFIRM);
		if (++row.misses < CONFIRM_LOOKS_MAX) {
			again(a, d, &row, was, r);
			return;
		}
		over(a, d, &row, was->flight);
		no_incident(a, d, page);
		return;
	case OUTCOME_PENDING:
	case OUTCOME_CONFLICT:
	case OUTCOME_TRANSIENT:
	case OUTCOME_UNKNOWN: again(a, d, &row, was, r); return;
	case OUTCOME_REAUTH: say_trouble(a, d, page, r); break;
	case OUTCOME_AMBIGUOUS:
	case OUTCOME_PERMANENT: break;
	}
	over(a, d, &row, was->flight);
	confirm_given_up(a, d, page, row.error);
}
