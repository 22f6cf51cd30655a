/* delivery: how requests ended, and what follows. Called by turn through handlers.h. One row has at
 * most one request out; its flight says which, so an answer to an older one changes nothing. */
#include <assert.h>

#include "base/when.h"
#include "handlers/confirm.h"
#include "handlers/decide.h"
#include "handlers/escalation.h"
#include "handlers/handlers.h"
#include "handlers/inquiry.h"
#include "handlers/notification.h"
#include "handlers/people.h"

/* Back-off: doubling from first to cap. */
struct backoff {
	int64_t first_ms, cap_ms;
};
static const struct backoff slack_backoff = { SECOND_MS, MINUTE_MS };
static const struct backoff page_backoff = { 5 * SECOND_MS, 5 * MINUTE_MS };
/* A gate whose vendor is silent or broken: closed for a while after each failure beyond so many in
 * a row, then one row tries. The cap is short: the next page must not wait for long, and one
 * request a minute hurts nobody. */
static const struct backoff breaker = { 5 * SECOND_MS, MINUTE_MS };

#define FIND_WAIT_MS (5 * SECOND_MS) /* Slack's history lags behind what it has accepted */
/* PARENT_MAX: posts under a card that Slack says is not there. */
#define ALARM_WAIT_MS (5 * MINUTE_MS)
enum { ALARM_TRIES_MAX = 288 }; /* a day of them */
enum { MISSES_MAX = 2, ERROR_MAX = 300, PARENT_MAX = 5 };

/* Everything a settling needs: the row as it will be. */
struct settling {
	const struct act *a;
	struct decision *d;
	const struct result *r;
	const struct outgoing *was;
	struct outgoing row;
	const struct inquiry *q; /* of the row, NULL = none */
	const struct casefile *k;
};

static const char *z(const char *text) { return text ? text : ""; }

/* --- what it comes to --- */

/* "Done", but without what it was for. */
static bool is_empty_handed(const struct outgoing *row, const struct result *r)
{
	switch (row->kind) {
	case OUT_LOOKUP_EMAIL:
	case OUT_LOOKUP_USER: return !r->person || !z(r->person->user)[0];
	case OUT_OPEN_DM: return !z(r->dm)[0];
	case OUT_QUESTION:
	case OUT_CARD:
	case OUT_ALARM:
	case OUT_NOTICE:
	case OUT_THREAD: return row->ref[0] == '\0' && z(r->ref)[0] == '\0';
	case OUT_CONFIRM:
	case OUT_PAGE: return false;
	}
	return false;
}

/* Outcomes brought down to five: DONE, NOT_FOUND (of messages), TRANSIENT, UNKNOWN (of first posts:
 * look before repeating), PERMANENT. */
static enum outcome outcome_of(const struct outgoing *row, const struct result *r)
{
	bool is_message = notification_is_message(row->kind);
	bool is_find = row->phase == PHASE_FIND;
	enum outcome said = r->outcome;
	if ((said == OUTCOME_DONE || said == OUTCOME_ALREADY) && is_empty_handed(row, r))
		said = is_message ? OUTCOME_UNKNOWN : OUTCOME_PERMANENT;
	switch (said) {
	case OUTCOME_DONE:
	case OUTCOME_ALREADY: return OUTCOME_DONE;
	case OUTCOME_NOT_FOUND: return is_message ? OUTCOME_NOT_FOUND : OUTCOME_PERMANENT;
	case OUTCOME_PENDING:
	case OUTCOME_CONFLICT:
	case OUTCOME_REAUTH:
	case OUTCOME_TRANSIENT: return OUTCOME_TRANSIENT;
	case OUTCOME_UNKNOWN:
		/* Pages carry a dedup key, look-ups and updates may be repeated freely. */
		return is_message && !is_find && !row->ref[0] ? OUTCOME_UNKNOWN : OUTCOME_TRANSIENT;
	case OUTCOME_AMBIGUOUS:
	case OUTCOME_PERMANENT:
		/* Looking is refused: then the post is repeated, under the same client_msg_id. */
		return is_find ? OUTCOME_NOT_FOUND : OUTCOME_PERMANENT;
	}
	return OUTCOME_PERMANENT;
}

/* After the n-th failure. Half of it is chance, so that what failed together does not come again
 * together. */
static int64_t wait_ms(const struct act *a, const struct backoff *b, int64_t n, const char *label)
{
	int64_t wait = b->first_ms;
	for (int64_t i = 1; i < n && wait < b->cap_ms; i++)
		wait *= 2;
	if (wait > b->cap_ms)
		wait = b->cap_ms;
	return wait - (int64_t)(chance_u64(&a->at.chance, label) % (uint64_t)(wait / 2 + 1));
}

static int64_t backoff_ms(const struct act *a, const struct outgoing *row)
{
	const struct backoff *b = row->kind == OUT_PAGE ? &page_backoff : &slack_backoff;
	return wait_ms(a, b, row->attempts, decide_name(a->arena, "back-off of outgoing", row->id));
}

/* The vendor was silent, or said no more than that it is broken: that stands against the gate of
 * all rows behind this one. Whoever names a time (Retry-After) or a reason is alive. */
static void count_failure(const struct act *a, struct decision *d, const struct outgoing *row,
			  const struct result *r)
{
	int64_t failures = look_gate(a->look, row->gate).failures, open_ms = 0;
	bool is_mute = r->outcome == OUTCOME_TRANSIENT || r->outcome == OUTCOME_UNKNOWN;
	if (!is_mute || r->retry_after_ms > 0) {
		if (failures)
			decide_breaker(d, row->gate, 0, 0);
		return;
	}
	failures++;
	if (failures >= GATE_FAILURES_MAX)
		open_ms = a->at.now_ms + wait_ms(a, &breaker, failures - GATE_FAILURES_MAX + 1,
						 arena_f(a->arena, "breaker of %s", row->gate));
	decide_breaker(d, row->gate, failures, open_ms);
}

/* --- done: what follows, by kind --- */

static void lookup_done(const struct settling *s)
{
	const struct person *found = people_keep(s->a, s->d, s->r->person);
	struct whom w = people_check(s->a, found);
	if (w.kind == WHOM_NOBODY)
		w.tried = arena_f(s->a->arena, "Looked up %s in Slack: %s. %s", s->row.target,
				  found->user, w.tried);
	if (s->q)
		inquiry_found(s->a, s->d, s->q, &w);
	if (s->k)
		notification_found(s->a, s->d, s->k, &w);
}

static void dm_done(const struct settling *s)
{
	const struct person *known = look_person(s->a->look, s->row.target);
	struct person p = known ? *known : (struct person){ .user = s->row.target };
	p.dm = s->r->dm;
	if (known)
		decide_person(s->d, &p);
	if (s->k)
		notification_opened(s->a, s->d, s->k, &p);
	if (s->q && s->q->state == INQUIRY_OPEN && !s->q->delivered_ms)
		notification_ask(s->a, s->d, s->q, s->r->dm);
}

static void done(struct settling *s)
{
	struct outgoing *row = &s->row;
	int64_t gap_ms = row->kind == OUT_CARD ? CARD_GAP_MS : 0;
	row->shown = row->phase == PHASE_FIND ? s->r->shown : s->r->flight;
	row->phase = PHASE_SEND;
	row->attempts = row->misses = 0;
	row->error = "";
	row->done_ms = s->a->at.now_ms;
	if (z(s->r->ref)[0])
		row->ref = s->r->ref;
	if (z(s->r->channel)[0])
		row->channel = s->r->channel;
	row->due_ms = row->shown == row->wanted
			      ? NEVER_MS
			      : when_later(s->a->at.now_ms, row->last_ms + gap_ms);
	if (row->kind == OUT_PAGE) {
		if (confirm_begin(s->a, s->d, row, s->was->flight))
			return;
		row->deadline_ms = NEVER_MS;
	}
	decide_outgoing(s->d, row, s->was->flight);
	switch (row->kind) {
	case OUT_QUESTION:
		if (s->q)
			inquiry_delivered(s->a, s->d, s->q);
		return;
	case OUT_CARD: notification_card_stands(s->a, s->d, row); return;
	case OUT_CONFIRM: /* confirm_result */
	case OUT_THREAD: return;
	case OUT_NOTICE: notification_card(s->a, s->d, row->case_id); return;
	case OUT_ALARM:
		if (!s->was->shown) /* "the channel has been alerted": only now */
			notification_case_question(s->a, s->d, row->case_id);
		return;
	case OUT_PAGE: escalation_confirmed(s->a, s->d, row, "has accepted"); return;
	case OUT_LOOKUP_EMAIL:
	case OUT_LOOKUP_USER: lookup_done(s); return;
	case OUT_OPEN_DM: dm_done(s); return;
	}
}

/* --- refused for good --- */

static const char *what_failed(const struct settling *s)
{
	const char *error = s->row.error;
	switch (s->row.kind) {
	case OUT_LOOKUP_EMAIL:
	case OUT_LOOKUP_USER:
		return arena_f(s->a->arena, "Looked up %s in Slack: %s.", s->row.target, error);
	case OUT_OPEN_DM:
		return arena_f(s->a->arena, "Slack opens no direct message with %s: %s.",
			       s->row.target, error);
	case OUT_QUESTION:
	case OUT_NOTICE:
		return arena_f(s->a->arena, "Slack refused the direct message: %s.", error);
	case OUT_CARD:
	case OUT_THREAD:
	case OUT_ALARM: return arena_f(s->a->arena, "Slack refused the message: %s.", error);
	case OUT_CONFIRM: return error;
	case OUT_PAGE: return arena_f(s->a->arena, "%s refused the page: %s.", s->row.gate, error);
	}
	return error;
}

/* Something in it displeases the vendor: once more with the least that still says it, or wakes
 * somebody (design.md 5: "400 twice"). */
static void say_it_plainly(const struct settling *s)
{
	struct outgoing row = s->row;
	row.phase = PHASE_PLAIN;
	row.due_ms = s->a->at.now_ms;
	decide_outgoing(s->d, &row, s->was->flight);
	decide_audit(s->d, "bot", "delivery.plain", decide_name(s->a->arena, "outgoing", row.id),
		     what_failed(s));
}

/* An alarm is the last resort: it is tried for a day, whatever displeases Slack. */
static bool is_worth_waiting(const struct outgoing *row)
{
	return row->kind == OUT_ALARM && row->attempts < ALARM_TRIES_MAX;
}

static void refused(struct settling *s)
{
	struct outgoing *row = &s->row;
	bool wants_plain = s->r->wants_plain || row->kind == OUT_PAGE;
	if (wants_plain && s->was->phase == PHASE_SEND) {
		say_it_plainly(s);
		return;
	}
	if (!row->error[0])
		row->error = "no reason was given";
	if (is_worth_waiting(row)) {
		row->due_ms = s->a->at.now_ms + ALARM_WAIT_MS;
		decide_outgoing(s->d, row, s->was->flight);
		return;
	}
	row->state = OUT_DEAD;
	row->due_ms = row->deadline_ms = NEVER_MS;
	decide_outgoing(s->d, row, s->was->flight);
	decide_audit(s->d, "bot", "delivery.refused", decide_name(s->a->arena, "outgoing", row->id),
		     what_failed(s));
	switch (row->kind) {
	case OUT_QUESTION:
	case OUT_LOOKUP_EMAIL:
	case OUT_LOOKUP_USER:
	case OUT_OPEN_DM:
		if (s->q)
			inquiry_lost(s->a, s->d, s->q, what_failed(s));
		else
			notification_card(s->a, s->d, row->case_id);
		return;
	case OUT_NOTICE: notification_card(s->a, s->d, row->case_id); return;
	case OUT_PAGE: escalation_refused(s->a, s->d, row); return; /* not at the deadline: now */
	case OUT_CONFIRM:
	case OUT_CARD:
	case OUT_THREAD:
	case OUT_ALARM: return;
	}
}

/* --- the others --- */

/* A look-up nobody waits for any more is given up: its inquiry is settled, its notice posted, or
 * so old that it tells nobody anything new. */
static bool is_awaited(const struct settling *s)
{
	const struct outgoing *row = &s->row;
	bool is_fresh = s->a->at.now_ms - row->created_ms < UNDELIVERED_MS;
	if (row->kind != OUT_LOOKUP_EMAIL && row->kind != OUT_LOOKUP_USER &&
	    row->kind != OUT_OPEN_DM)
		return true;
	if (s->q && s->q->state == INQUIRY_OPEN)
		return true;
	return is_fresh && s->k && notification_waits(s->a, s->k);
}

static void page_again(struct settling *s)
{
	struct outgoing *row = &s->row;
	row->due_ms = s->a->at.now_ms + when_later(backoff_ms(s->a, row), s->r->retry_after_ms);
	const char *why = escalation_needless(s->a, row, row->due_ms);
	if (why) {
		*row = escalation_stood_down(row, why);
		decide_audit(s->d, "bot", "page.stood_down",
			     decide_name(s->a->arena, "outgoing", row->id), why);
	}
	decide_outgoing(s->d, row, s->was->flight);
	if (s->r->retry_after_ms > 0)
		decide_gate(s->d, row->gate, s->a->at.now_ms + s->r->retry_after_ms);
	bool is_down = look_gate(s->a->look, row->gate).failures + 1 >= GATE_FAILURES_MAX;
	if (!why && (row->attempts >= PAGE_FAILURES_MAX || is_down))
		escalation_hand_on(s->a, s->d, row);
}

static void transient(struct settling *s)
{
	struct outgoing *row = &s->row;
	int64_t now = s->a->at.now_ms;
	if (row->kind == OUT_PAGE) {
		page_again(s);
		return;
	}
	if (!is_awaited(s)) {
		row->state = OUT_DEAD;
		row->due_ms = NEVER_MS;
		if (!s->q)
			notification_card(s->a, s->d, row->case_id);
	} else
		row->due_ms = now + when_later(backoff_ms(s->a, row), s->r->retry_after_ms);
	decide_outgoing(s->d, row, s->was->flight);
	if (s->r->retry_after_ms > 0)
		decide_gate(s->d, s->r->gate ? s->r->gate : row->gate, now + s->r->retry_after_ms);
}

/* The card that it should stand under is gone: it waits, and the card's next edit finds that out
 * and posts the card anew. */
static void wait_for_card(struct settling *s)
{
	if (s->row.attempts >= PARENT_MAX) {
		refused(s);
		return;
	}
	s->row.channel = "";
	s->row.due_ms = NEVER_MS;
	decide_outgoing(s->d, &s->row, s->was->flight);
	notification_card(s->a, s->d, s->row.case_id);
}

/* A post may have happened: look for it before repeating it. */
static void unknown(struct settling *s)
{
	s->row.phase = PHASE_FIND;
	s->row.misses = 0;
	s->row.due_ms = s->a->at.now_ms + when_later(FIND_WAIT_MS, backoff_ms(s->a, &s->row));
	decide_outgoing(s->d, &s->row, s->was->flight);
}

static void not_there(struct settling *s)
{
	struct outgoing *row = &s->row;
	int64_t now = s->a->at.now_ms;
	if (row->phase == PHASE_FIND) {
		row->misses++;
		row->due_ms = now + FIND_WAIT_MS;
		if (row->misses >= MISSES_MAX) {
			row->phase = PHASE_SEND;
			row->misses = 0;
			row->due_ms = now;
		}
	} else if (row->kind == OUT_THREAD && !row->ref[0]) {
		wait_for_card(s);
		return;
	} else if (row->kind == OUT_THREAD ||
		   (row->kind == OUT_QUESTION && (!s->q || s->q->state != INQUIRY_OPEN))) {
		row->shown = row->wanted; /* deleted, and it has nothing to ask or tell any more */
		row->due_ms = NEVER_MS;
	} else { /* deleted: post it anew */
		row->ref = "";
		row->shown = 0;
		row->first_ms = 0; /* another message */
		row->due_ms = s->was->ref[0] ? now : now + backoff_ms(s->a, row);
	}
	decide_outgoing(s->d, row, s->was->flight);
}

struct decision handle_result(const struct act *a, const struct result *r)
{
	struct decision d = decide_begin(a);
	const struct outgoing *was = look_outgoing(a->look, r->outgoing_id);
	if (!was || was->flight == 0 || was->flight != r->flight || was->phase != r->phase)
		return d; /* stale */
	struct settling s = { .a = a, .d = &d, .r = r, .was = was, .row = *was };
	s.q = was->inquiry_id ? look_inquiry(a->look, was->inquiry_id) : NULL;
	s.k = was->case_id ? look_case(a->look, was->case_id) : NULL;
	s.row.flight = 0;
	s.row.error = decide_clip(a->arena, z(r->error), ERROR_MAX);
	count_failure(a, &d, was, r);
	if (was->kind == OUT_CONFIRM) {
		confirm_result(a, &d, was, r);
		return d;
	}
	switch (outcome_of(was, r)) {
	case OUTCOME_DONE: done(&s); break;
	case OUTCOME_NOT_FOUND: not_there(&s); break;
	case OUTCOME_UNKNOWN: unknown(&s); break;
	case OUTCOME_TRANSIENT: transient(&s); break;
	case OUTCOME_ALREADY:
	case OUTCOME_AMBIGUOUS:
	case OUTCOME_PENDING:
	case OUTCOME_CONFLICT:
	case OUTCOME_REAUTH:
	case OUTCOME_PERMANENT: refused(&s); break;
	}
	return d;
}
