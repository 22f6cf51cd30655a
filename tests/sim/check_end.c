/* check_end: what must be true once everything has come to rest: rows against ledger, and both
 * against what people did. How late it was is check_times.c's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/when.h"
#include "model/look.h"
#include "sim/sim.h"

void sim_about(const struct cJSON *incident, struct sim_about *out)
{
	const char *details = json_text_at(incident, "details.case");
	struct str summary = str_z(json_text_at(incident, "summary")), head, tail, reason;
	*out = (struct sim_about){ .case_id = 0 };
	if (details[0]) {
		(void)str_int(str_z(details + 3), &out->case_id);
		snprintf(out->reason, sizeof(out->reason), "%s",
			 json_text_at(incident, "details.reason"));
		return;
	}
	/* What is sent after the pager refused all of it: "SB-7 needs you (silence). …" */
	if (!str_starts(summary, STR("SB-")) || !str_cut(summary, ' ', &head, &tail) ||
	    !str_int((struct str){ head.at + 3, head.n - 3 }, &out->case_id) ||
	    !str_cut(tail, '(', &head, &tail) || !str_cut(tail, ')', &reason, &tail))
		return;
	snprintf(out->reason, sizeof(out->reason), "%.*s", STR_ARG(reason));
}

const struct cJSON *sim_incident(const struct cJSON *state, int64_t case_id, const char *reason)
{
	struct sim_about about;
	for (const struct cJSON *i = json_first(json_key(state, "incidents")); i;
	     i = json_next(i)) {
		sim_about(i, &about);
		if (about.case_id == case_id && strcmp(about.reason, reason) == 0)
			return i;
	}
	return NULL;
}

/* Somebody was woken for it: an incident, or, where the pager refused the call for good, the alarm
 * in the channel. */
static bool is_told(const struct cJSON *state, struct look *l, int64_t case_id, const char *reason)
{
	struct look_list pages = look_case_outgoing(l, case_id, OUT_PAGE);
	char key[48];
	int64_t at_ms;
	if (sim_incident(state, case_id, reason))
		return true;
	/* Dropped by a pager that could not be asked either: its 202 counts, on record. */
	if (sim_recorded(l, "case", case_id, "page.not_looked_up", &at_ms))
		return true;
	for (size_t i = 0; i < pages.n; i++) {
		snprintf(key, sizeof(key), "outgoing %" PRId64 ", alarm", pages.at[i]->id);
		const struct outgoing *alarm = look_outgoing_key(l, key);
		if (strcmp(pages.at[i]->target, reason) == 0 && pages.at[i]->state == OUT_DEAD &&
		    alarm &&
		    (alarm->shown || strstr(alarm->error, "handling it ended the process twice")))
			return true; /* or held, by bad luck, which is a page of its own */
	}
	return false;
}

/* For the sentence: what became of the pages of a case. */
static const char *pages_of(struct look *l, int64_t case_id)
{
	static char text[200];
	struct look_list pages = look_case_outgoing(l, case_id, OUT_PAGE);
	size_t n = 0;
	text[0] = '\0';
	for (size_t i = 0; i < pages.n && n < sizeof(text) - 1; i++) {
		char key[48];
		const struct outgoing *p = pages.at[i];
		snprintf(key, sizeof(key), "outgoing %" PRId64 ", alarm", p->id);
		const struct outgoing *alarm = look_outgoing_key(l, key);
		int more = snprintf(text + n, sizeof(text) - n,
				    " (%s: state %d, shown %" PRId64 ", %.40s; alarm %d %.40s)",
				    p->target, (int)p->state, p->shown, p->error,
				    alarm ? (int)alarm->shown : -1, alarm ? alarm->error : "");
		n += more > 0 ? (size_t)more : 0;
	}
	return text;
}

static void check_incidents(struct sim *s, const struct cJSON *state, struct look *l)
{
	for (const struct cJSON *i = json_first(json_key(state, "incidents")); i;
	     i = json_next(i)) {
		struct sim_about a, b;
		char key[96];
		sim_about(i, &a);
		for (const struct cJSON *j = json_next(i); j; j = json_next(j)) {
			sim_about(j, &b);
			/* The second pager was called, and the first had it after all. */
			if (strcmp(json_text_at(j, "pager"), json_text_at(i, "pager")) == 0 &&
			    a.case_id == b.case_id && strcmp(a.reason, b.reason) == 0)
				sim_break(s, "I-31 case %" PRId64 ": two incidents for %s",
					  a.case_id, a.reason);
		}
		if (json_number(json_key(i, "notified")) > 1)
			sim_break(s, "I-38 case %" PRId64 ": rang twice for %s", a.case_id,
				  a.reason);
		snprintf(key, sizeof(key), "case %" PRId64 ", page, %s", a.case_id, a.reason);
		if (!look_outgoing_key(l, key))
			sim_break(s, "I-36 case %" PRId64 ": an incident for %s without a row",
				  a.case_id, a.reason);
	}
}

size_t sim_recorded(struct look *l, const char *kind, int64_t id, const char *action,
		    int64_t *newest_ms)
{
	char object[40];
	size_t n = 0;
	snprintf(object, sizeof(object), "%s %" PRId64, kind, id);
	struct look_audit a = look_object_audit(l, object, 60);
	*newest_ms = 0;
	for (size_t i = 0; i < a.n; i++)
		if (strcmp(a.at[i].action, action) == 0 && n++ == 0)
			*newest_ms = a.at[i].at_ms;
	return n;
}

static size_t recorded(struct look *l, const char *kind, int64_t id, const char *action)
{
	int64_t newest_ms;
	return sim_recorded(l, kind, id, action, &newest_ms);
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
		else if (a->state == ALERT_HELD && lab_deaths(s->lab) < 2)
			sim_break(s, "I-4 alert %s: held, though nothing was wrong with it", p->id);
	}
	for (size_t i = 0; i < s->posts_n; i++)
		if (!s->posts[i].answer.status)
			sim_break(s, "I-56 alert %s: its sender waits for ever", s->posts[i].id);
}

/* What the people of this seed did to an inquiry. */
struct pressed {
	bool no, yes, acked_no, acked_yes;
};

static bool pressed_any(const struct sim *s, const char *user, bool is_no)
{
	for (size_t i = 0; i < s->clicks_n; i++)
		if (strcmp(s->clicks[i].user, user) == 0 && s->clicks[i].is_no == is_no)
			return true;
	return false;
}

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

/* Two deaths over it, by bad luck: held, which is a case of its own with a page. */
static bool is_held(const struct sim *s, const struct inquiry *q)
{
	return q->state == INQUIRY_OPEN && q->due_ms == NEVER_MS && lab_deaths(s->lab) >= 2;
}

static void check_answer(struct sim *s, const struct inquiry *q, struct pressed p)
{
	bool said_yes = q->state == INQUIRY_UNPROVEN || q->late[0];
	if (p.acked_no && q->state == INQUIRY_UNPROVEN)
		sim_break(s, "I-17 inquiry %" PRId64 ": a no after a yes does not count", q->id);
	if (p.acked_no && q->state != INQUIRY_NO)
		sim_break(s, "I-16 inquiry %" PRId64 ": a no was acknowledged, but its state is %d",
			  q->id, (int)q->state);
	if (p.acked_yes && !p.no && !said_yes)
		sim_break(s,
			  "I-16 inquiry %" PRId64 ": a yes was acknowledged, but its state is %d",
			  q->id, (int)q->state);
	bool is_no = q->state == INQUIRY_NO;
	if ((is_no && !p.no) || (said_yes && !p.yes)) {
		bool elsewhere = pressed_any(s, q->person, is_no);
		sim_break(s, "%s inquiry %" PRId64 ": %s, but its addressee %s",
			  elsewhere ? "I-15" : "I-13", q->id, is_no ? "no" : "yes",
			  elsewhere ? "said so to another one" : "never said so");
	}
}

static void check_record(struct sim *s, struct look *l, const struct inquiry *q)
{
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
	if (q->state == INQUIRY_OPEN && !is_held(s, q))
		sim_break(s, "I-29 inquiry %" PRId64 ": still open", q->id);
}

static void check_pages(struct sim *s, const struct cJSON *state, struct look *l,
			const struct inquiry *q)
{
	if (q->state == INQUIRY_NO && !is_told(state, l, q->case_id, "answered-no"))
		sim_break(s, "I-28 case %" PRId64 ": a no without an incident%s", q->case_id,
			  pages_of(l, q->case_id));
	if (q->state == INQUIRY_SILENT && !is_told(state, l, q->case_id, "silence"))
		sim_break(s, "I-29 case %" PRId64 ": silence without an incident%s", q->case_id,
			  pages_of(l, q->case_id));
	if (q->state == INQUIRY_UNPROVEN && sim_incident(state, q->case_id, "silence"))
		sim_break(s, "I-32 case %" PRId64 ": paged for silence, but answered", q->case_id);
	if (q->state == INQUIRY_UNREACHABLE && !is_told(state, l, q->case_id, "owner-unknown") &&
	    !is_told(state, l, q->case_id, "undeliverable"))
		sim_break(s, "I-12 case %" PRId64 ": nobody to ask, and nobody paged%s", q->case_id,
			  pages_of(l, q->case_id));
}

static void check_cases(struct sim *s, const struct cJSON *state, const struct cJSON *ledger,
			struct look *l)
{
	const struct casefile *k;
	for (int64_t id = 1; (k = look_case(l, id)) != NULL; id++) {
		const struct inquiry *q = look_case_inquiry(l, id);
		if (k->priority <= 2 && k->playbook[0] && !is_told(state, l, id, "opened"))
			sim_break(s, "I-30 case %" PRId64 ": P%d, but not paged when it opened%s",
				  id, k->priority, pages_of(l, id));
		if (q) {
			check_answer(s, q, pressed_on(s, ledger, q->id, q->person));
			check_record(s, l, q);
			if (!k->is_drill)
				check_pages(s, state, l, q);
			else if (sim_incident(state, id, "answered-no") ||
				 sim_incident(state, id, "silence"))
				sim_break(s, "E67 case %" PRId64 ": a drill woke somebody", id);
		}
		if (k->state == CASE_CLOSED && k->priority <= 3 && !k->is_drill &&
		    k->resolution != RESOLUTION_OVER)
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
	/* One that two deaths held, by bad luck, knows nothing of what it has posted. */
	if (row->kind != OUT_QUESTION || strstr(row->error, "ended the process twice"))
		return;
	if (strcmp(json_text_at(m, "ts"), row->ref) != 0) { /* the double that history hid */
		if (!faults_may_double(s))
			sim_break(s, "I-42 \"%s\": the row knows another message", row->key);
		return;
	}
	const struct inquiry *q = look_inquiry(l, row->inquiry_id);
	if (strcmp(json_text_at(channel, "user"), q->person) != 0)
		sim_break(s, "I-9 inquiry %" PRId64 ": asked of %s", q->id,
			  json_text_at(channel, "user"));
	bool may_answer =
		is_held(s, q) ||
		((q->state == INQUIRY_SILENT || q->state == INQUIRY_UNREACHABLE) && !q->late[0]);
	if (row->state == OUT_LIVE && has_button(m, "yes") != may_answer)
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
				if (!faults_may_double(s) &&
				    strcmp(json_text_at(n, "metadata.event_payload.marker"),
					   marker) == 0)
					sim_break(s, "I-8 %s stands twice in %s", marker,
						  json_text_at(c, "id"));
			check_message(s, c, m, l);
		}
}

static const char *card_of(struct look *l, int64_t case_id)
{
	static char text[160];
	char key[48];
	snprintf(key, sizeof(key), "case %" PRId64 ", card", case_id);
	const struct outgoing *card = look_outgoing_key(l, key);
	snprintf(text, sizeof(text), " (card: state %d, ref %s, %s)", card ? (int)card->state : -1,
		 card ? card->ref : "", card ? card->error : "");
	return text;
}

/* What stands under a card that was refused or held for good has no place to go to. */
static bool is_waiting_in_vain(struct look *l, const struct outgoing *row)
{
	char key[48];
	snprintf(key, sizeof(key), "case %" PRId64 ", card", row->case_id);
	const struct outgoing *card = look_outgoing_key(l, key);
	return row->kind == OUT_THREAD && row->due_ms == NEVER_MS && card &&
	       card->state != OUT_LIVE;
}

static void check_rest(struct sim *s, struct look *l)
{
	const struct outgoing *row;
	for (int64_t id = 1; (row = look_outgoing(l, id)) != NULL; id++)
		if (row->state == OUT_LIVE && (row->shown != row->wanted || row->flight) &&
		    !is_waiting_in_vain(l, row))
			sim_break(s,
				  "I-37 \"%s\": wanted %" PRId64 ", shown %" PRId64
				  ", flight %" PRId64 ", due in %" PRId64 " s, %s%s",
				  row->key, row->wanted, row->shown, row->flight,
				  row->due_ms == NEVER_MS ? -1
							  : (row->due_ms - lab_now(s->lab)) / 1000,
				  row->error, card_of(l, row->case_id));
}

bool sim_at_rest(struct sim *s)
{
	const struct outgoing *row;
	const struct inquiry *q;
	struct look *l = lab_look(s->lab);
	for (int64_t id = 1; l && (row = look_outgoing(l, id)) != NULL; id++)
		if (row->state == OUT_LIVE && (row->shown != row->wanted || row->flight) &&
		    !is_waiting_in_vain(l, row))
			return false;
	for (int64_t id = 1; l && (q = look_inquiry(l, id)) != NULL; id++)
		if (q->state == INQUIRY_OPEN)
			return false;
	return l != NULL;
}

/* What people at Slack and the pager read. */
static void check_words(struct sim *s, const struct cJSON *state)
{
	static const char *const parts[] = { "channels", "ephemerals", "views", "incidents" };
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		CLEANUP(buf_free) struct buf b = BUF(16u << 20);
		json_print(json_key(state, parts[i]), &b);
		check_secrets(s, parts[i], buf_str(&b));
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
	check_times(s, state, l);
	check_words(s, state);
	check_ledger(s, ledger);
}
