/* document: the one JSON shape of a case, cut to its reader here and nowhere else. An employee's
 * document has the question to him, his own answer and what was done about it: no look-ups, no
 * sources, nobody else's data. */
#include "view/document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/json.h"
#include "base/mac.h"

/* How times are written for a reader. */
struct zone {
	int offset_s;
	bool is_utc; /* analysts: the day, the clock and the word UTC */
	bool is_employees;
	int64_t now_ms;
};

static struct when_text say_time(const struct zone *z, int64_t ms)
{
	struct when_text w = { "" };
	if (!ms || ms == NEVER_MS)
		return w;
	if (z->is_utc) {
		struct when_text d = when_day_clock(ms, 0);
		snprintf(w.text, sizeof(w.text), "%.30s UTC", d.text);
		return w;
	}
	int64_t shift = (int64_t)z->offset_s * SECOND_MS;
	bool today = (ms + shift) / DAY_MS == (z->now_ms + shift) / DAY_MS;
	return today ? when_clock(ms, z->offset_s) : when_day_clock(ms, z->offset_s);
}

static struct zone zone_of(const struct view_of *of, const struct person *person)
{
	bool employee = of->reader == READER_EMPLOYEE;
	return (struct zone){ .offset_s = employee && person ? person->tz_offset_s : 0,
			      .is_utc = !employee || !person,
			      .is_employees = employee,
			      .now_ms = of->now_ms };
}

struct when_text document_time(const struct view_of *of, const struct person *person, int64_t ms)
{
	struct zone z = zone_of(of, person);
	return say_time(&z, ms);
}

struct when_text document_clock(struct look *l, const struct inquiry *q, int64_t ms, int64_t now_ms)
{
	const struct person *person = q && q->person[0] ? look_person(l, q->person) : NULL;
	struct view_of of = { .reader = READER_EMPLOYEE, .now_ms = now_ms };
	struct zone z = zone_of(&of, person);
	return say_time(&z, ms);
}

static const char *inquiry_state_word(enum inquiry_state s)
{
	switch (s) {
	case INQUIRY_OPEN: return "open";
	case INQUIRY_UNPROVEN: return "unproven";
	case INQUIRY_NO: return "no";
	case INQUIRY_SILENT: return "silent";
	case INQUIRY_UNREACHABLE: return "unreachable";
	}
	return "?";
}

static const char *answer_word(enum inquiry_state s)
{
	return s == INQUIRY_UNPROVEN ? "yes" : s == INQUIRY_NO ? "no" : "";
}

static struct cJSON *case_part(const struct casefile *c, const struct cJSON *plan,
			       const struct view_of *of, const struct zone *z)
{
	struct cJSON *j = json_object();
	char text[40];
	snprintf(text, sizeof(text), "SB-%" PRId64, c->id);
	json_put_text(j, "id", text);
	snprintf(text, sizeof(text), "P%d", c->priority);
	json_put_text(j, "priority", text);
	json_put_bool(j, "high", c->priority <= 2);
	json_put_text(j, "state", c->state == CASE_CLOSED ? "closed" : "open");
	json_put_text(j, "summary", json_text_at(plan, "summary"));
	json_put_text(j, "when", say_time(z, (int64_t)json_number(json_get(plan, "at_ms"))).text);
	json_put_bool(j, "drill", c->is_drill);
	if (of->reader == READER_EMPLOYEE)
		return j;
	json_put_text(j, "title", json_text_at(plan, "title"));
	json_put_text(j, "response", json_text_at(plan, "response"));
	json_put_text(j, "source", c->source);
	json_put_text(j, "playbook", c->playbook);
	json_put_text(j, "held", c->held);
	json_put_text(j, "subject", c->subject);
	json_put_text(j, "opened", say_time(z, c->opened_ms).text);
	json_put_text(j, "closed", say_time(z, c->closed_ms).text);
	json_put_num(j, "alerts", (double)c->alerts);
	json_put_bool(j, "over", c->resolution == RESOLUTION_OVER);
	json_put_bool(j, "cut", json_true(json_key(plan, "cut")));
	return j;
}

static void inquiry_answers(struct cJSON *j, const struct inquiry *q, const struct zone *z)
{
	json_put_text(j, "state", inquiry_state_word(q->state));
	json_put_text(j, "answer", answer_word(q->state));
	json_put_text(j, "answered", say_time(z, q->answered_ms).text);
	json_put_text(j, "asked", say_time(z, q->delivered_ms).text);
	/* Before the delivery is confirmed the deadline is told as if it were now: the real one is
	 * never earlier. */
	bool sending = z->is_employees && q->state == INQUIRY_OPEN && !q->answer_ms;
	json_put_text(j, "deadline",
		      say_time(z, sending ? z->now_ms + q->wait_ms : q->answer_ms).text);
	json_put_text(j, "late", q->late);
	json_put_text(j, "late_at", say_time(z, q->late_ms).text);
	json_put_text(j, "comment", q->comment);
}

enum { NOT_ME_DAYS = 7 };

/* What the employee is told of his silence must be what the plan sets off: without a list, a page.
 */
static bool silence_pages(const struct cJSON *plan)
{
	const struct cJSON *list = json_get(plan, "on.silence");
	bool pages = json_count(list) == 0;
	for (const struct cJSON *word = json_first(list); word; word = json_next(word))
		pages = pages || strcmp(json_text(word), "page") == 0;
	return pages;
}

static struct cJSON *inquiry_part(const struct policy *p, const struct inquiry *q,
				  const struct cJSON *plan, const struct view_of *of,
				  const struct zone *z)
{
	struct cJSON *j = json_object();
	inquiry_answers(j, q, z);
	json_put_text(j, "question", json_text_at(plan, "question"));
	if (of->reader != READER_EMPLOYEE) {
		json_put_text(j, "user", q->person);
		json_put_text(j, "tried", q->tried);
		return j;
	}
	bool late_yes = q->late[0] != '\0';
	bool waits = q->state == INQUIRY_OPEN ||
		     ((q->state == INQUIRY_SILENT || q->state == INQUIRY_UNREACHABLE) && !late_yes);
	bool said_yes = q->state == INQUIRY_UNPROVEN || (q->state != INQUIRY_NO && late_yes);
	int64_t yes_ms = late_yes ? q->late_ms : q->answered_ms;
	json_put_bool(j, "silence_pages", silence_pages(plan));
	json_put_bool(j, "can_answer", waits);
	json_put_bool(j, "can_not_me", said_yes && of->now_ms < yes_ms + NOT_ME_DAYS * DAY_MS);
	json_put_text(j, "token", token_make(secret_str(&p->mac_key), "inquiry", q->id).text);
	return j;
}

/* --- pages: one a reason, however many pagers were called for it --- */

struct reason {
	const struct outgoing *first;     /* its row by the first pager */
	const struct outgoing *confirmed; /* by whichever accepted it, NULL = none yet */
	const struct outgoing *newest;
	size_t n, refused;
	bool took; /* one accepted it and opened no incident */
};

static bool is_first(const struct outgoing *page) { return !strstr(page->key, ", by "); }

static struct reason reason_of(struct look *l, const struct outgoing *first)
{
	struct look_list rows = look_case_outgoing(l, first->case_id, OUT_PAGE);
	struct reason r = { .first = first, .newest = first };
	for (size_t i = 0; i < rows.n; i++) {
		const struct outgoing *page = rows.at[i];
		if (strcmp(page->target, first->target) != 0)
			continue;
		r.n++;
		r.newest = page;
		if (page->shown >= 1 && !r.confirmed)
			r.confirmed = page;
		else if (page->state == OUT_DEAD) {
			r.refused++;
			r.took = r.took || page->phase == PHASE_FIND;
		}
	}
	return r;
}

static const char *page_state(struct look *l, const struct reason *r)
{
	char key[64];
	snprintf(key, sizeof(key), "outgoing %" PRId64 ", alarm", r->first->id);
	const struct outgoing *alarm = look_outgoing_key(l, key);
	if (r->confirmed)
		return "confirmed";
	if (r->n && r->refused == r->n)
		return alarm && alarm->shown >= 1 ? "failed" : "failing";
	return r->first->first_ms && (alarm || r->n > 1) ? "late" : "pending";
}

/* What each of them said: for analysts. */
static void put_calls(struct look *l, struct cJSON *j, const struct reason *r)
{
	struct look_list rows = look_case_outgoing(l, r->first->case_id, OUT_PAGE);
	struct cJSON *calls = json_array();
	for (size_t i = 0; i < rows.n; i++) {
		if (strcmp(rows.at[i]->target, r->first->target) != 0)
			continue;
		struct cJSON *call = json_object();
		json_put_text(call, "pager", rows.at[i]->gate);
		json_put_text(call, "error", rows.at[i]->error);
		json_push(calls, call);
	}
	json_put(j, "calls", calls);
	json_put_text(j, "error", r->newest->error);
	json_put_text(j, "by", r->n > 1 ? (r->confirmed ? r->confirmed : r->newest)->gate : "");
}

static struct cJSON *page_part(struct look *l, const struct outgoing *first, const struct zone *z)
{
	struct cJSON *j = json_object();
	struct reason r = reason_of(l, first);
	json_put_text(j, "reason", first->target);
	json_put_text(j, "state", page_state(l, &r));
	json_put_bool(j, "took", r.took);
	json_put_text(j, "at",
		      say_time(z, r.confirmed ? r.confirmed->done_ms : first->first_ms).text);
	if (!z->is_employees) /* the pager's own words are for analysts */
		put_calls(l, j, &r);
	return j;
}

static struct cJSON *pages_part(struct look *l, int64_t case_id, const struct zone *z)
{
	struct cJSON *pages = json_array();
	struct look_list rows = look_case_outgoing(l, case_id, OUT_PAGE);
	for (size_t i = 0; i < rows.n; i++)
		if (is_first(rows.at[i]))
			json_push(pages, page_part(l, rows.at[i], z));
	return pages;
}

/* The page that a row is about: its own, or that of an alarm, "outgoing 99, alarm". */
static const struct outgoing *page_of(struct look *l, const struct outgoing *row)
{
	int64_t id = 0;
	struct str n, rest, key = str_z(row->key);
	if (row->kind != OUT_ALARM)
		return row;
	if (!str_starts(key, STR("outgoing ")))
		return NULL;
	str_cut((struct str){ key.at + 9, key.n - 9 }, ',', &n, &rest);
	return str_int(n, &id) ? look_outgoing(l, id) : NULL;
}

void document_page(struct look *l, struct cJSON *doc, const struct outgoing *row, int64_t now_ms)
{
	const struct outgoing *page = page_of(l, row);
	struct zone z = { .is_utc = true, .now_ms = now_ms };
	if (!page || page->kind != OUT_PAGE)
		return;
	struct look_list rows = look_case_outgoing(l, page->case_id, OUT_PAGE);
	for (size_t i = 0; i < rows.n; i++)
		if (is_first(rows.at[i]) && strcmp(rows.at[i]->target, page->target) == 0)
			page = rows.at[i];
	json_put(doc, "page", page_part(l, page, &z));
}

/* Is what it tells still the newest answer? Her note belongs to that one. */
static bool is_newest(const struct inquiry *q, const char *what)
{
	if (strcmp(what, "yes") == 0)
		return q->state == INQUIRY_UNPROVEN;
	if (strcmp(what, "late_yes") == 0)
		return q->state != INQUIRY_NO;
	return q->state == INQUIRY_NO;
}

void document_thread(struct look *l, struct cJSON *doc, const struct outgoing *row, int64_t now_ms)
{
	static const struct str page = STR_INIT("page ");
	struct zone z = { .is_utc = true, .now_ms = now_ms };
	const struct inquiry *q = look_case_inquiry(l, row->case_id);
	struct cJSON *j = json_object();
	char key[96];
	bool is_page = str_starts(str_z(row->target), page);
	/* An answer is raised again for a note, and for nothing else. */
	bool has_note = !is_page && q && row->wanted > 1 && is_newest(q, row->target);
	json_put_text(j, "what", is_page ? "page" : row->target);
	json_put_text(j, "at", say_time(&z, row->created_ms).text);
	json_put_text(j, "note", has_note ? q->comment : "");
	json_put(doc, "thread", j);
	if (!is_page)
		return;
	snprintf(key, sizeof(key), "case %" PRId64 ", page, %.60s", row->case_id,
		 row->target + page.n);
	const struct outgoing *about = look_outgoing_key(l, key);
	if (about)
		json_put(doc, "page", page_part(l, about, &z));
}

/* What became of the notice: its own row says, or the look-ups on the way to it. */
static void notice_state(struct look *l, const struct casefile *c, const struct zone *z,
			 struct cJSON *j)
{
	static const enum out_kind ways[] = { OUT_NOTICE, OUT_OPEN_DM, OUT_LOOKUP_USER,
					      OUT_LOOKUP_EMAIL };
	const struct outgoing *row = NULL;
	for (size_t i = 0; !row && i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct look_list rows = look_case_outgoing(l, c->id, ways[i]);
		row = rows.n ? rows.at[rows.n - 1] : NULL;
	}
	bool is_shown = row && row->kind == OUT_NOTICE && row->shown;
	bool waits = row && row->state == OUT_LIVE && !row->shown;
	json_put_text(j, "state", is_shown ? "delivered" : waits ? "sending" : "undelivered");
	json_put_text(j, "at", is_shown ? say_time(z, row->done_ms).text : "");
	json_put_text(j, "error", row ? row->error : "");
}

static struct cJSON *notice_part(struct look *l, const struct casefile *c, const struct cJSON *plan,
				 const struct view_of *of, const struct zone *z)
{
	const char *text = json_text_at(plan, "notify");
	if (!text[0])
		return json_null();
	struct cJSON *j = json_object();
	json_put_text(j, "text", text);
	if (of->reader == READER_ANALYST)
		notice_state(l, c, z, j);
	return j;
}

/* Whom the case is about, as far as we have found him: whom it asks, or whom it told. */
static const struct person *person_of(struct look *l, const struct casefile *c,
				      const struct inquiry *q)
{
	if (q && q->person[0])
		return look_person(l, q->person);
	struct look_list notices = look_case_outgoing(l, c->id, OUT_NOTICE);
	return notices.n ? look_person(l, notices.at[0]->target) : NULL;
}

static void put_person(struct cJSON *doc, const struct person *person, const struct view_of *of)
{
	struct cJSON *j = json_object();
	const char *name = person ? person->name : "";
	struct str first, rest;
	if (of->reader == READER_EMPLOYEE) {
		str_cut(str_z(name), ' ', &first, &rest);
		json_put(j, "name", json_string_s(first));
	} else
		json_put_text(j, "name", name);
	json_put(doc, "person", j);
}

struct cJSON *view_document(struct look *l, const struct policy *p, const struct view_of *of)
{
	const struct casefile *c = look_case(l, of->case_id);
	if (!c)
		return NULL;
	const struct inquiry *q = look_case_inquiry(l, c->id);
	const struct person *person = person_of(l, c, q);
	struct zone z = zone_of(of, person);
	struct fail fail;
	CLEANUP(json_done) struct cJSON *plan = json_parse(str_z(c->plan), &fail);
	struct cJSON *doc = json_object();
	json_put(doc, "case", case_part(c, plan, of, &z));
	const struct cJSON *facts = json_get(plan, "facts");
	json_put(doc, "facts", facts ? json_copy(facts) : json_array());
	put_person(doc, person, of);
	json_put(doc, "notice", notice_part(l, c, plan, of, &z));
	json_put(doc, "pages", pages_part(l, c->id, &z));
	struct cJSON *inquiry = q ? inquiry_part(p, q, plan, of, &z) : json_null();
	if (q && of->reader == READER_ANALYST) {
		json_put_text(inquiry, "subject", c->subject);
		json_put_text(inquiry, "who",
			      person && person->name[0] ? person->name : c->subject);
	}
	json_put(doc, "inquiry", inquiry);
	return doc;
}
