/* check: what must be true. The ledger of the world is held against the rows of the database, and
 * both against what senders and people of this seed saw. Numbers are those of the list of
 * invariants that docs/ARCHITECTURE.md gives. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/look.h"
#include "sim/sim.h"

const char *const check_names[] = {
	"I-1 every alert answered 2xx has one row, a repeat keeps it at one",
	"I-2 no alert row without the source's secret",
	"I-3 (there is no poller whose cursor could move)",
	"I-4 every stored alert gets a disposition",
	"I-5 a known-benign alert names the rule",
	"I-6 at most one question per alert key",
	"I-7 a deadline never moves",
	"I-8 at most one visible question per inquiry",
	"I-9 a question goes only to the person it is about",
	"I-12 nobody to ask is escalated at once",
	"I-13 only the addressee's answer counts",
	"I-15 an answer belongs to the question it names",
	"I-16 an acknowledged answer is stored",
	"I-17 the first yes stays, a no always counts",
	"I-18 a yes without proof closes nothing above P4",
	"I-28 every no has an incident",
	"I-29 every silence has an incident in time",
	"I-30 P1 and P2 page at once",
	"I-31 one incident per reason",
	"I-36 no effect without its row",
	"I-37 every row going out comes to rest",
	"I-42 the message shows the state",
	"I-44 what is said twice is done once",
	"I-48 every change of state has one record, and the chain holds",
	"I-49 no secret in the database",
	"I-57 the same seed is the same run",
	"T11 outside words are never markup",
	NULL,
};

/* --- while time passes --- */

void check_always(struct sim *s)
{
	struct look *l = lab_look(s->lab);
	if (!l)
		return;
	for (int64_t id = 1; id < SIM_SEEN_MAX; id++) {
		struct sim_inquiry *seen = &s->inquiries[id];
		const struct inquiry *q = seen->plan ? look_inquiry(l, id) : NULL;
		if (!q || !q->answer_ms)
			continue;
		if (!seen->answer_ms)
			seen->answer_ms = q->answer_ms;
		if (seen->answer_ms != q->answer_ms)
			sim_break(s,
				  "I-7 inquiry %" PRId64 ": its deadline moved by %" PRId64 " ms",
				  id, q->answer_ms - seen->answer_ms);
		if (q->answer_ms != q->delivered_ms + q->wait_ms)
			sim_break(s, "I-7 inquiry %" PRId64 ": its deadline is not delivery + wait",
				  id);
	}
}

/* --- at the end --- */

static const struct cJSON *incident_for(const struct cJSON *state, int64_t case_id,
					const char *reason)
{
	char name[32], least[96]; /* what is sent when the pager refuses the whole */
	snprintf(name, sizeof(name), "SB-%" PRId64, case_id);
	snprintf(least, sizeof(least), "SB-%" PRId64 " needs you (%s).", case_id, reason);
	for (const struct cJSON *i = json_first(json_key(state, "incidents")); i; i = json_next(i))
		if ((strcmp(json_text_at(i, "details.case"), name) == 0 &&
		     strcmp(json_text_at(i, "details.reason"), reason) == 0) ||
		    str_starts(str_z(json_text_at(i, "summary")), str_z(least)))
			return i;
	return NULL;
}

/* Somebody was woken for it: an incident, or, where the pager refused the call for good, the alarm
 * in the channel. */
static bool is_told(const struct cJSON *state, struct look *l, int64_t case_id, const char *reason)
{
	struct look_list pages = look_case_outgoing(l, case_id, OUT_PAGE);
	char key[48];
	if (incident_for(state, case_id, reason))
		return true;
	for (size_t i = 0; i < pages.n; i++) {
		snprintf(key, sizeof(key), "outgoing %" PRId64 ", alarm", pages.at[i]->id);
		const struct outgoing *alarm = look_outgoing_key(l, key);
		if (strcmp(pages.at[i]->target, reason) == 0 && pages.at[i]->state == OUT_DEAD &&
		    alarm && alarm->shown)
			return true;
	}
	return false;
}

static void check_incidents(struct sim *s, const struct cJSON *state, struct look *l)
{
	for (const struct cJSON *i = json_first(json_key(state, "incidents")); i;
	     i = json_next(i)) {
		const char *name = json_text_at(i, "details.case"),
			   *reason = json_text_at(i, "details.reason");
		char key[96];
		for (const struct cJSON *j = json_next(i); j; j = json_next(j))
			if (strcmp(json_text_at(j, "pager"), json_text_at(i, "pager")) != 0)
				continue; /* the second was called, and the first had it after all
					   */
			else if (strcmp(json_text_at(j, "key"), json_text_at(i, "key")) == 0 ||
				 (name[0] && strcmp(json_text_at(j, "details.case"), name) == 0 &&
				  strcmp(json_text_at(j, "details.reason"), reason) == 0))
				sim_break(s, "I-31 %s: two incidents for %s", name, reason);
		snprintf(key, sizeof(key), "case %s, page, %s", name[0] ? name + 3 : "?", reason);
		if (name[0] && !look_outgoing_key(l, key)) /* the least of a page has no details */
			sim_break(s, "I-36 %s: an incident for %s without a row", name, reason);
	}
}

/* How many records there are of an action on an object. */
static size_t recorded(struct look *l, const char *kind, int64_t id, const char *action)
{
	char object[40];
	size_t n = 0;
	snprintf(object, sizeof(object), "%s %" PRId64, kind, id);
	struct look_audit a = look_object_audit(l, object, 60);
	for (size_t i = 0; i < a.n; i++)
		n += strcmp(a.at[i].action, action) == 0;
	return n;
}

static void check_posts(struct sim *s, struct look *l)
{
	for (size_t i = 0; i < s->posts_n; i++) {
		const struct sim_post *p = &s->posts[i];
		const struct alert *a = look_alert(l, p->answer.alert_id);
		if (p->forged && p->answer.status > 0 && p->answer.status != 401 &&
		    p->answer.status != 503)
			sim_break(s, "I-2 alert %s: forged, but answered %d", p->id,
				  p->answer.status);
		if (p->answer.status != 200 && p->answer.status != 202)
			continue;
		if (!a)
			sim_break(s, "I-1 alert %s: answered %d, but there is no row", p->id,
				  p->answer.status);
		else if (a->key[0] && a->state == ALERT_MAPPED &&
			 look_alert_key(l, a->source, a->key)->id != a->id)
			sim_break(s, "I-6 alert %s: two of its key are mapped", p->id);
		else if (a->state == ALERT_BENIGN && !recorded(l, "alert", a->id, "alert.benign"))
			sim_break(s, "I-5 alert %s: let go, and nothing says by which rule", p->id);
		else if (a->state == ALERT_RECEIVED)
			sim_break(s, "I-4 alert %s: still only received", p->id);
		else if (a->state == ALERT_HELD)
			sim_break(s, "I-4 alert %s: held, though nothing was wrong with it", p->id);
	}
}

/* What the people of this seed did to an inquiry. */
struct pressed {
	bool no, yes, acked_no, acked_yes;
};

static bool is_acked(const struct cJSON *ledger, const char *envelope_id)
{
	bool acked = false;
	for (const struct cJSON *e = json_first(json_key(ledger, "envelopes")); e; e = json_next(e))
		if (strcmp(json_text_at(e, "envelope_id"), envelope_id) == 0)
			acked = acked || json_true(json_key(e, "acked"));
	return acked;
}

static struct pressed typed_by(const struct sim *s, const char *user)
{
	struct pressed r = { 0 };
	for (size_t i = 0; i < SIM_PEOPLE_MAX; i++)
		if (user[0] && strcmp(s->typed[i].user, user) == 0) {
			r.yes = r.yes || s->typed[i].yes;
			r.no = r.no || s->typed[i].no;
		}
	return r;
}

static struct pressed pressed_on(const struct sim *s, const struct cJSON *ledger, int64_t id,
				 const char *user)
{
	struct pressed r = typed_by(s, user);
	for (size_t i = 0; i < s->clicks_n; i++) {
		const struct sim_click *c = &s->clicks[i];
		if (c->inquiry_id != id || !c->is_addressee)
			continue;
		bool acked = is_acked(ledger, c->envelope_id);
		r.no = r.no || c->is_no;
		r.yes = r.yes || !c->is_no;
		r.acked_no = r.acked_no || (acked && c->is_no);
		r.acked_yes = r.acked_yes || (acked && !c->is_no);
	}
	return r;
}

static void check_answer(struct sim *s, struct look *l, const struct inquiry *q, struct pressed p)
{
	bool said_yes = q->state == INQUIRY_UNPROVEN || q->late[0];
	if (p.acked_no && q->state != INQUIRY_NO)
		sim_break(s, "I-16 inquiry %" PRId64 ": a no was acknowledged, but its state is %d",
			  q->id, (int)q->state);
	if (p.acked_yes && !p.no && !said_yes)
		sim_break(s,
			  "I-16 inquiry %" PRId64 ": a yes was acknowledged, but its state is %d",
			  q->id, (int)q->state);
	if (q->state == INQUIRY_NO && !p.no)
		sim_break(s, "I-13 inquiry %" PRId64 ": no, but its addressee never said so",
			  q->id);
	if (said_yes && !p.yes)
		sim_break(s, "I-13 inquiry %" PRId64 ": yes, but its addressee never said so",
			  q->id);
	size_t answered = recorded(l, "inquiry", q->id, "inquiry.answered");
	if (answered > 2 || (q->state == INQUIRY_UNPROVEN && answered != 1) ||
	    (q->state == INQUIRY_NO && !answered))
		sim_break(s, "I-44 inquiry %" PRId64 ": state %d after %zu answers", q->id,
			  (int)q->state, answered);
	if ((q->state == INQUIRY_SILENT && recorded(l, "inquiry", q->id, "inquiry.silent") != 1) ||
	    (q->state == INQUIRY_UNREACHABLE &&
	     recorded(l, "inquiry", q->id, "inquiry.unreachable") != 1))
		sim_break(s, "I-48 inquiry %" PRId64 ": state %d without its one record", q->id,
			  (int)q->state);
	if (q->state == INQUIRY_OPEN)
		sim_break(s, "I-29 inquiry %" PRId64 ": still open", q->id);
}

static void check_pages(struct sim *s, const struct cJSON *state, struct look *l,
			const struct inquiry *q)
{
	const struct cJSON *silence = incident_for(state, q->case_id, "silence");
	if (q->state == INQUIRY_NO && !is_told(state, l, q->case_id, "answered-no"))
		sim_break(s, "I-28 case %" PRId64 ": a no without an incident", q->case_id);
	if (q->state == INQUIRY_SILENT && !is_told(state, l, q->case_id, "silence"))
		sim_break(s, "I-29 case %" PRId64 ": silence without an incident", q->case_id);
	if (q->state == INQUIRY_UNREACHABLE && !is_told(state, l, q->case_id, "owner-unknown") &&
	    !is_told(state, l, q->case_id, "undeliverable"))
		sim_break(s, "I-29 case %" PRId64 ": nobody to ask, and nobody paged", q->case_id);
	const struct cJSON *unknown = incident_for(state, q->case_id, "owner-unknown");
	if (unknown && !s->faults && !s->deaths &&
	    json_number(json_key(unknown, "first_ms")) > (double)(q->created_ms + MINUTE_MS))
		sim_break(s, "I-12 case %" PRId64 ": nobody to ask, but paged late", q->case_id);
	if (silence) { /* in time: five minutes after the deadline or the last fault, whichever is
			  later */
		double from = (double)(q->answer_ms > s->healed_ms ? q->answer_ms : s->healed_ms);
		if (json_number(json_key(silence, "first_ms")) > from + 5.0 * (double)MINUTE_MS)
			sim_break(s, "I-29 case %" PRId64 ": paged late", q->case_id);
	}
}

static void check_cases(struct sim *s, const struct cJSON *state, const struct cJSON *ledger,
			struct look *l)
{
	const struct casefile *k;
	for (int64_t id = 1; (k = look_case(l, id)) != NULL; id++) {
		const struct inquiry *q = look_case_inquiry(l, id);
		if (k->priority <= 2 && k->playbook[0] && !is_told(state, l, id, "opened"))
			sim_break(s, "I-30 case %" PRId64 ": P%d, but not paged when it opened", id,
				  k->priority);
		if (q) {
			check_answer(s, l, q, pressed_on(s, ledger, q->id, q->person));
			if (!k->is_drill)
				check_pages(s, state, l, q);
			else if (incident_for(state, id, "answered-no") ||
				 incident_for(state, id, "silence"))
				sim_break(s, "E67 case %" PRId64 ": a drill woke somebody", id);
		}
		if (k->state == CASE_CLOSED && k->priority <= 3 && k->resolution != RESOLUTION_OVER)
			sim_break(s, "I-18 case %" PRId64 ": P%d closed without proof", id,
				  k->priority);
	}
}

static bool has_button(const struct cJSON *message, const char *action)
{
	for (const struct cJSON *b = json_first(json_key(message, "blocks")); b; b = json_next(b))
		for (const struct cJSON *e = json_first(json_key(b, "elements")); e;
		     e = json_next(e))
			if (strcmp(json_text_at(e, "action_id"), action) == 0)
				return true;
	return false;
}

/* Slack parses mrkdwn objects and the top-level text: what attackers write must be in neither. */
static bool is_markup(const struct cJSON *j)
{
	static const char *const marks[] = { "<!channel>", "evil", "<@U0EVE", "xoxb-1111" };
	bool parsed = strcmp(json_text(json_key(j, "type")), "mrkdwn") == 0;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (parsed && strstr(json_text(json_key(j, "text")), marks[i]))
			return true;
	for (const struct cJSON *m = json_is_object(j) || json_is_array(j) ? json_first(j) : NULL;
	     m; m = json_next(m))
		if (is_markup(m))
			return true;
	return false;
}

static void check_message(struct sim *s, const struct cJSON *channel, const struct cJSON *m,
			  struct look *l)
{
	struct str marker = str_z(json_text_at(m, "metadata.event_payload.marker")), kind, rest, n;
	int64_t id = 0;
	str_cut(marker, ':', &kind, &rest);
	str_cut(rest, ':', &n, &rest);
	const struct outgoing *row = str_int(n, &id) ? look_outgoing(l, id) : NULL;
	if (!row) {
		sim_break(s, "I-36 a message in %s without a row", json_text_at(channel, "id"));
		return;
	}
	const char *text = json_text_at(m, "text");
	if (is_markup(json_key(m, "blocks")) || strstr(text, "<!channel>") || strstr(text, "evil"))
		sim_break(s, "T11 \"%s\": words from outside as markup", row->key);
	bool is_reply = json_text_at(m, "thread_ts")[0] != '\0';
	if (is_reply != (row->kind == OUT_THREAD))
		sim_break(s, "I-42 \"%s\" stands %s", row->key,
			  is_reply ? "in a thread" : "in no thread");
	if (row->kind != OUT_QUESTION)
		return;
	const struct inquiry *q = look_inquiry(l, row->inquiry_id);
	if (strcmp(json_text_at(channel, "user"), q->person) != 0)
		sim_break(s, "I-9 inquiry %" PRId64 ": asked of %s", q->id,
			  json_text_at(channel, "user"));
	bool may_answer =
		(q->state == INQUIRY_SILENT || q->state == INQUIRY_UNREACHABLE) && !q->late[0];
	if (has_button(m, "yes") != may_answer)
		sim_break(s, "I-42 inquiry %" PRId64 ": state %d, and buttons %s", q->id,
			  (int)q->state, may_answer ? "are missing" : "are left");
}

static void check_channels(struct sim *s, const struct cJSON *state, struct look *l)
{
	for (const struct cJSON *c = json_first(json_key(state, "channels")); c; c = json_next(c))
		for (const struct cJSON *m = json_first(json_key(c, "messages")); m;
		     m = json_next(m)) {
			const char *marker = json_text_at(m, "metadata.event_payload.marker");
			if (!json_text_at(m, "bot_id")[0])
				continue;
			for (const struct cJSON *n = json_next(m); n; n = json_next(n))
				if (strcmp(json_text_at(n, "metadata.event_payload.marker"),
					   marker) == 0)
					sim_break(s, "I-8 %s stands twice in %s", marker,
						  json_text_at(c, "id"));
			check_message(s, c, m, l);
		}
}

static void check_rest(struct sim *s, struct look *l)
{
	const struct outgoing *row;
	for (int64_t id = 1; (row = look_outgoing(l, id)) != NULL; id++)
		if (row->state == OUT_LIVE && (row->shown != row->wanted || row->flight))
			sim_break(s,
				  "I-37 \"%s\": wanted %" PRId64 ", shown %" PRId64
				  ", flight %" PRId64 ", %s",
				  row->key, row->wanted, row->shown, row->flight, row->error);
}

static void check_refusals(struct sim *s, const struct cJSON *ledger)
{
	for (const struct cJSON *r = json_first(json_key(ledger, "refusals")); r;
	     r = json_next(r)) {
		const char *rule = json_name(r);
		/* Facts of the world, not faults of ours: pacing, unknown and departed people,
		 * triggers that a fault delayed. */
		static const char *const fine[] = { "ratelimited",
						    "users_not_found",
						    "user_disabled",
						    "expired_trigger_id",
						    "exchanged_trigger_id",
						    "expired_url",
						    "used_url",
						    "ack_missing",
						    "too_many_websockets",
						    NULL };
		bool is_fine = false;
		for (size_t i = 0; fine[i]; i++)
			is_fine = is_fine || strcmp(rule, fine[i]) == 0;
		if (!is_fine)
			sim_break(s, "refused by Slack's rules: %s", rule);
	}
}

void check_end(struct sim *s)
{
	struct look *l = lab_look(s->lab);
	if (!l) {
		sim_break(s, "the process did not come back");
		return;
	}
	CLEANUP(json_done) struct cJSON *state = lab_do(s->lab, "state", "%s", "{}");
	CLEANUP(json_done) struct cJSON *ledger = lab_do(s->lab, "ledger", "%s", "{}");
	check_posts(s, l);
	check_cases(s, state, ledger, l);
	check_incidents(s, state, l);
	check_channels(s, state, l);
	check_rest(s, l);
	check_refusals(s, ledger);
}
