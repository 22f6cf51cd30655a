/* inquiry: the state machine of one question. Called by handlers and, through handlers.h, by turn;
 * it sends nothing and finds nobody. */
#include "handlers/inquiry.h"

#include <assert.h>
#include <string.h>

#include "base/when.h"
#include "handlers/decide.h"
#include "handlers/escalation.h"
#include "handlers/notification.h"
#include "handlers/plan.h"

enum happening { ON_YES, ON_NO, ON_DUE, ON_LOST, ON_GONE, ON_CUT_OFF };

struct step {
	const struct act *a;
	struct decision *d;
	enum happening on;
	const struct casefile *k;
	struct inquiry q; /* as it will be; its state is the table's business */
	enum inquiry_state was;
	const char *actor; /* "slack:U…" or "bot" */
	const char *tried; /* ON_LOST, ON_GONE, ON_DUE: how it ended, for the analysts */
	const char *how;   /* ON_YES, ON_NO: ", typed", or "" for a button */
};

static int64_t now_of(const struct step *s) { return s->a->at.now_ms; }

/* --- when: reads only --- */

static bool is_undelivered(const struct step *s) { return s->q.delivered_ms == 0; }

static bool is_undeliverable(const struct step *s)
{
	return s->q.delivered_ms == 0 && now_of(s) >= s->q.undelivered_ms;
}

static bool is_silent(const struct step *s)
{
	return s->q.delivered_ms != 0 && now_of(s) >= s->q.answer_ms;
}

static bool is_first_late(const struct step *s) { return !s->q.late[0]; }

/* --- act: sets columns and notes what follows --- */

/* A drill wakes nobody: its message says who would have been. */
static void page(struct step *s, const char *reason)
{
	if (s->k->is_drill)
		return;
	escalation_page(s->a, s->d, s->k->id, s->q.id, reason);
}

/* Both messages tell the new state; the thread tells that it is new. */
static void tell(struct step *s, enum told what)
{
	notification_card(s->a, s->d, s->k->id);
	notification_told(s->a, s->d, s->k, what);
	notification_question(s->a, s->d, s->q.id);
}

static void close_case(struct step *s, enum resolution resolution, const char *why)
{
	struct casefile k = *s->k;
	if (k.state != CASE_OPEN)
		return;
	k.state = CASE_CLOSED;
	k.resolution = resolution;
	k.closed_ms = now_of(s);
	decide_case(s->d, &k);
	decide_audit(s->d, "bot", "case.closed", decide_name(s->a->arena, "case", k.id), why);
	escalation_case_closed(s->a, s->d, k.id);
}

/* However it ends, a drill is over then. */
static void close_drill(struct step *s)
{
	if (s->k->is_drill)
		close_case(s, RESOLUTION_DRILL, "the drill is over");
}

static void do_no(struct step *s)
{
	s->q.answered_ms = now_of(s);
	close_drill(s);
	if (s->k->state == CASE_CLOSED && !s->k->is_drill) { /* a quick "yes" had closed it */
		struct casefile k = *s->k;
		k.state = CASE_OPEN;
		k.resolution = RESOLUTION_NONE;
		k.closed_ms = 0;
		decide_case(s->d, &k);
		decide_audit(s->d, s->actor, "case.reopened",
			     decide_name(s->a->arena, "case", k.id),
			     "The owner says it was not them.");
	}
	page(s, PAGE_NO);
	tell(s, s->was == INQUIRY_OPEN                       ? TOLD_NO
		: s->was == INQUIRY_UNPROVEN || s->q.late[0] ? TOLD_TOOK_BACK
							     : TOLD_LATE_NO);
}

/* "Yes", without a proof: worth what the plan and the table of priorities say. */
static void do_claim(struct step *s)
{
	unsigned bits = plan_sets_off(s->k, ANSWER_YES);
	s->q.answered_ms = now_of(s);
	close_drill(s);
	if ((bits & SETS_OFF_CLOSE) && !s->k->is_drill)
		close_case(s, RESOLUTION_BENIGN_UNVERIFIED,
			   "benign, unverified: the owner says it was them");
	if (bits & SETS_OFF_PAGE)
		page(s, PAGE_YES);
	tell(s, TOLD_YES);
}

static void do_late(struct step *s)
{
	s->q.late = "yes";
	s->q.late_ms = now_of(s);
	tell(s, TOLD_LATE_YES);
}

static void do_silent(struct step *s)
{
	close_drill(s);
	if (plan_sets_off(s->k, ANSWER_SILENCE) & SETS_OFF_PAGE)
		page(s, PAGE_SILENCE);
	tell(s, TOLD_SILENT);
}

/* Nobody to ask, or no way to: whether somebody was found decides what the on-call reads. A look-up
 * that never came back found nobody, but says nothing about the owner: that is undeliverable. */
static void do_unreachable(struct step *s)
{
	bool is_unknown = s->on == ON_LOST && !s->q.person[0];
	s->q.tried = decide_clip(s->a->arena, people_tried(s->a, &s->q, s->k->subject, s->tried),
				 TRIED_MAX);
	close_drill(s);
	if (plan_sets_off(s->k, ANSWER_UNDELIVERABLE) & SETS_OFF_PAGE)
		page(s, is_unknown ? PAGE_OWNER_UNKNOWN : PAGE_UNDELIVERABLE);
	tell(s, TOLD_UNREACHABLE);
}

static void do_wait(struct step *s)
{
	s->q.due_ms = s->q.delivered_ms ? s->q.answer_ms : s->q.undelivered_ms;
}

/* --- the rules ---------------------------------------------------------------------------------
 *
 *              nobody to ask (a new row) ------------------+
 *                                                          v
 *   (new) --> OPEN -- lost, gone, cut off, 15 min -----> UNREACHABLE --+
 *              | |                                         (+ late yes)|
 *              | +--- no answer at answer_ms ----------> SILENT -------+
 *              |                                           (+ late yes)| no
 *              +-- yes --> UNPROVEN ---------------------------- no ---+
 *              |                                                       v
 *              +-- no ----------------------------------------------> NO   (final; pages)
 *
 * First match wins; an event that no rule takes changes nothing. "No" counts in every state, for a
 * thief's quick "yes", or his patience, must not silence the owner. A "yes" after the end is kept
 * beside the state: the on-call has the case then, and decides. A rule's act may set due_ms;
 * without that it is NEVER_MS, so that a settled inquiry has no timer. */
struct rule {
	enum inquiry_state from;
	enum happening on;
	bool (*when)(const struct step *s);
	enum inquiry_state to;
	void (*act)(struct step *s);
	const char *audit;
};
/* clang-format off */
static const struct rule rules[] = {
	{ INQUIRY_OPEN,        ON_NO,   NULL,             INQUIRY_NO,          do_no,          "inquiry.answered" },
	{ INQUIRY_OPEN,        ON_YES,  NULL,             INQUIRY_UNPROVEN,    do_claim,       "inquiry.answered" },
	{ INQUIRY_OPEN,        ON_DUE,  is_undeliverable, INQUIRY_UNREACHABLE, do_unreachable, "inquiry.unreachable" },
	{ INQUIRY_OPEN,        ON_DUE,  is_silent,        INQUIRY_SILENT,      do_silent,      "inquiry.silent" },
	{ INQUIRY_OPEN,        ON_DUE,  NULL,             INQUIRY_OPEN,        do_wait,        NULL },
	{ INQUIRY_OPEN,        ON_LOST, is_undelivered,   INQUIRY_UNREACHABLE, do_unreachable, "inquiry.unreachable" },
	{ INQUIRY_OPEN,        ON_GONE, NULL,             INQUIRY_UNREACHABLE, do_unreachable, "inquiry.unreachable" },
	{ INQUIRY_OPEN,        ON_CUT_OFF, NULL,          INQUIRY_UNREACHABLE, do_unreachable, "inquiry.unreachable" },
	{ INQUIRY_UNPROVEN,    ON_NO,   NULL,             INQUIRY_NO,          do_no,          "inquiry.answered" },
	{ INQUIRY_SILENT,      ON_NO,   NULL,             INQUIRY_NO,          do_no,          "inquiry.answered" },
	{ INQUIRY_UNREACHABLE, ON_NO,   NULL,             INQUIRY_NO,          do_no,          "inquiry.answered" },
	{ INQUIRY_SILENT,      ON_YES,  is_first_late,    INQUIRY_SILENT,      do_late,        "inquiry.late" },
	{ INQUIRY_UNREACHABLE, ON_YES,  is_first_late,    INQUIRY_UNREACHABLE, do_late,        "inquiry.late" },
};
static const char *const state_names[] = {
#define X(name, number) [number] = #name,
	INQUIRY_STATES(X)
#undef X
};
static const char *const happening_names[] = { [ON_YES] = "yes", [ON_NO] = "no",
					       [ON_DUE] = "time", [ON_LOST] = "refused for good",
					       [ON_GONE] = "account deactivated",
					       [ON_CUT_OFF] = "no answer can come" };
/* clang-format on */

/* True if a rule took it. */
static bool run(struct step *s)
{
	const enum inquiry_state was = s->q.state;
	if (!s->k)
		return false; /* the store is failing: nothing of this will be committed */
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];
		if (r->from != was || r->on != s->on || (r->when && !r->when(s)))
			continue;
		s->was = was;
		s->q.state = r->to;
		s->q.due_ms = NEVER_MS;
		r->act(s);
		decide_inquiry(s->d, &s->q, was);
		if (r->audit)
			decide_audit(s->d, s->actor, r->audit,
				     decide_name(s->a->arena, "inquiry", s->q.id),
				     arena_f(s->a->arena, "%s%s: %s to %s", happening_names[s->on],
					     s->how, state_names[was], state_names[r->to]));
		return true;
	}
	return false;
}

static struct step step_of(const struct act *a, struct decision *d, const struct inquiry *q,
			   enum happening on)
{
	struct step s = {
		.a = a, .d = d, .on = on, .q = *q, .actor = "bot", .tried = "", .how = ""
	};
	s.k = look_case(a->look, q->case_id);
	return s;
}

/* --- asking --- */

/* "owner unknown" from the start: the row is new, so it is no rule that sets its state. */
static void open_unreachable(const struct act *a, struct decision *d, const struct casefile *k,
			     struct inquiry *q)
{
	q->state = INQUIRY_UNREACHABLE;
	q->due_ms = NEVER_MS;
	decide_inquiry_new(d, q);
	decide_audit(d, "bot", "inquiry.unreachable", decide_name(a->arena, "inquiry", q->id),
		     q->tried);
	if (!k->is_drill && (plan_sets_off(k, ANSWER_UNDELIVERABLE) & SETS_OFF_PAGE))
		escalation_page(a, d, k->id, q->id, PAGE_OWNER_UNKNOWN);
}

void inquiry_open(const struct act *a, struct decision *d, const struct casefile *k,
		  int64_t wait_ms)
{
	struct whom w = people_whom(a, k->subject);
	struct inquiry q = {
		.id = look_take_id(a->look, COUNTER_INQUIRY),
		.case_id = k->id,
		.state = INQUIRY_OPEN,
		.person = w.kind == WHOM_FOUND ? w.person->user : "",
		.created_ms = a->at.now_ms,
		.wait_ms = wait_ms,
		.undelivered_ms = a->at.now_ms + UNDELIVERED_MS,
		.due_ms = a->at.now_ms + UNDELIVERED_MS,
		.late = "",
		.comment = "",
		.tried = "",
	};
	if (w.kind == WHOM_NOBODY) {
		q.tried = decide_clip(a->arena, w.tried, TRIED_MAX);
		open_unreachable(a, d, k, &q);
		return;
	}
	decide_inquiry_new(d, &q);
	decide_audit(d, "bot", "inquiry.opened", decide_name(a->arena, "inquiry", q.id),
		     arena_f(a->arena, "SB-%lld asks \"%s\".", (long long)k->id, k->subject));
	if (w.kind == WHOM_FOUND)
		people_ask(a, d, &q, w.person);
	else
		people_look_up(a, d, &q, &w);
}

void inquiry_lost(const struct act *a, struct decision *d, const struct inquiry *q,
		  const char *tried)
{
	struct step s = step_of(a, d, q, ON_LOST);
	s.tried = tried;
	(void)run(&s); /* settled, or delivered before: nothing is lost */
}

void inquiry_gone(const struct act *a, struct decision *d, const struct inquiry *q)
{
	struct step s = step_of(a, d, q, ON_GONE);
	s.tried = arena_f(a->arena, "Slack's %s was deactivated before an answer came.", q->person);
	(void)run(&s);
}

void inquiry_found(const struct act *a, struct decision *d, const struct inquiry *q,
		   const struct whom *w)
{
	if (q->state != INQUIRY_OPEN || q->person[0])
		return;
	if (w->kind != WHOM_FOUND) {
		inquiry_lost(a, d, q, w->tried);
		return;
	}
	struct inquiry now = *q;
	now.person = w->person->user;
	decide_inquiry(d, &now, q->state);
	decide_audit(d, "bot", "inquiry.found", decide_name(a->arena, "inquiry", q->id),
		     arena_f(a->arena, "The question goes to %s.", now.person));
	people_ask(a, d, &now, w->person);
	notification_card(a, d, q->case_id);
}

void inquiry_delivered(const struct act *a, struct decision *d, const struct inquiry *q)
{
	struct inquiry now = *q;
	if (q->delivered_ms)
		return;
	now.delivered_ms = a->at.now_ms;
	if (q->state == INQUIRY_OPEN) /* a click may have come before Slack's answer */
		now.due_ms = now.answer_ms = a->at.now_ms + q->wait_ms;
	decide_inquiry(d, &now, q->state);
	decide_audit(d, "bot", "inquiry.delivered", decide_name(a->arena, "inquiry", q->id),
		     "Slack has confirmed the message.");
	notification_card(a, d, q->case_id);
}

bool inquiry_answered(const struct act *a, struct decision *d, struct inquiry *q,
		      const struct said *said)
{
	struct step s = step_of(a, d, q, said->is_no ? ON_NO : ON_YES);
	s.how = said->is_typed ? ", typed" : "";
	s.actor = arena_f(a->arena, "slack:%s", q->person);
	if (!run(&s))
		return false;
	*q = s.q;
	return true;
}

/* --- time --- */

/* What is known about an inquiry that nobody was shown in time. */
static const char *what_was_tried(const struct act *a, const struct inquiry *q)
{
	static const enum out_kind ways[] = { OUT_QUESTION, OUT_OPEN_DM, OUT_LOOKUP_EMAIL,
					      OUT_LOOKUP_USER };
	struct when_text span = when_span(UNDELIVERED_MS);
	const char *late = arena_f(a->arena, "Slack confirmed no message within %s", span.text);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct look_list rows = look_case_outgoing(a->look, q->case_id, ways[i]);
		for (size_t n = rows.n; n > 0; n--)
			if (rows.at[n - 1]->inquiry_id == q->id && rows.at[n - 1]->error[0])
				return arena_f(a->arena, "%s (%s).", late, rows.at[n - 1]->error);
	}
	return arena_f(a->arena, "%s.", late);
}

struct decision handle_inquiry_due(const struct act *a, int64_t inquiry_id)
{
	struct decision d = decide_begin(a);
	const struct inquiry *q = look_inquiry(a->look, inquiry_id);
	if (!q)
		return d;
	struct step s = step_of(a, &d, q, ON_DUE);
	if (!q->delivered_ms)
		s.tried = what_was_tried(a, q);
	if (!run(&s)) { /* settled: it has no timer */
		s.q.due_ms = NEVER_MS;
		decide_inquiry(&d, &s.q, q->state);
	}
	assert(s.q.due_ms > a->at.now_ms); /* or the turn would spin */
	return d;
}

struct decision handle_inquiry_cut_off(const struct act *a, int64_t inquiry_id)
{
	struct decision d = decide_begin(a);
	const struct inquiry *q = look_inquiry(a->look, inquiry_id);
	if (!q)
		return d;
	struct step s = step_of(a, &d, q, ON_CUT_OFF);
	s.tried = q->delivered_ms
			  ? "Asked in Slack, but Slack refuses a token of the bot: no answer "
			    "can come."
			  : "Slack refuses a token of the bot: nobody can be asked.";
	(void)run(&s); /* settled meanwhile: fine */
	return d;
}
