/* sheet: what a command shows, made for its reader: the case document where it is about one case, a
 * list where it is about a person. Used by the turn through view.h; it decides nobody's rights. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "view/document.h"
#include "view/limits.h"
#include "view/plain.h"

enum { MINE_MAX = 10, OPEN_MAX = 1000, TIMELINE_MAX = 20 };

struct sheet {
	struct look *l;
	const struct policy *p;
	const struct reply *r;
	int64_t now_ms;
};

static struct view_of of_case(const struct sheet *s, int64_t case_id)
{
	return (struct view_of){ .reader =
					 s->r->sheet.is_analyst ? READER_ANALYST : READER_EMPLOYEE,
				 .case_id = case_id,
				 .now_ms = s->now_ms };
}

/* --- help --- */

static void put_help(const struct sheet *s, struct cJSON *doc)
{
	struct cJSON *verbs = json_array();
	for (size_t i = 0; s->r->sheet.verbs && s->r->sheet.verbs[i]; i++)
		json_push(verbs, json_string(s->r->sheet.verbs[i]));
	json_put(doc, "verbs", verbs);
}

/* --- mine --- */

/* Seven days after the question is over, and anything that can still be answered. */
static bool is_recent(const struct sheet *s, const struct inquiry *q)
{
	return q->state == INQUIRY_OPEN || s->now_ms - q->created_ms < 7 * DAY_MS;
}

/* Each as its addressee reads it, whoever else he is; and how many wait for an answer. */
static void put_mine(const struct sheet *s, struct cJSON *doc)
{
	struct cJSON *list = json_array();
	struct inquiry_list all = look_newest_inquiries(s->l, s->r->sheet.user, MINE_MAX);
	size_t waiting = 0;
	for (size_t i = 0; i < all.n; i++) {
		struct view_of of = { .reader = READER_EMPLOYEE,
				      .case_id = all.at[i]->case_id,
				      .now_ms = s->now_ms };
		if (!is_recent(s, all.at[i]))
			continue;
		struct cJSON *one = view_document(s->l, s->p, &of);
		if (!one)
			continue;
		json_drop(one, "pages");
		waiting += json_true(json_get(one, "inquiry.can_answer"));
		json_push(list, one);
	}
	json_put(doc, "questions", list);
	json_put_num(doc, "waiting", (double)waiting);
}

/* --- status --- */

static void put_status(const struct sheet *s, struct cJSON *doc)
{
	put_mine(s, doc);
	json_drop(doc, "questions");
	if (!s->r->sheet.is_analyst) /* how many cases there are is none of the others' business */
		return;
	struct look_open open = look_open_cases(s->l, OPEN_MAX);
	struct view_of of = of_case(s, 0);
	struct cJSON *j = json_object();
	char id[32] = "";
	if (open.cases)
		snprintf(id, sizeof(id), "SB-%" PRId64, open.oldest_id);
	json_put_num(j, "cases", (double)open.cases);
	json_put_bool(j, "more", open.cases == OPEN_MAX);
	json_put_num(j, "held", (double)open.held);
	json_put_num(j, "unasked", (double)open.unasked);
	json_put_num(j, "asking", (double)open.by_state[INQUIRY_OPEN]);
	json_put_num(j, "claimed", (double)open.by_state[INQUIRY_UNPROVEN]);
	json_put_num(j, "no", (double)open.by_state[INQUIRY_NO]);
	json_put_num(j, "silent", (double)open.by_state[INQUIRY_SILENT]);
	json_put_num(j, "unreachable", (double)open.by_state[INQUIRY_UNREACHABLE]);
	json_put_text(j, "oldest", id);
	json_put_text(j, "since", document_time(&of, NULL, open.oldest_ms).text);
	json_put(doc, "open", j);
}

/* --- show --- */

static void put_line(const struct sheet *s, struct cJSON *list, const struct audit_line *a)
{
	struct view_of of = of_case(s, 0);
	struct cJSON *j = json_object();
	json_put_text(j, "at", document_time(&of, NULL, a->at_ms).text);
	json_put_text(j, "actor", a->actor);
	json_put_text(j, "action", a->action);
	json_put_text(j, "detail", a->detail);
	json_push(list, j);
}

/* The newest records about the case and its question, oldest first. */
static void put_timeline(const struct sheet *s, struct cJSON *doc)
{
	const struct inquiry *q = look_case_inquiry(s->l, s->r->sheet.case_id);
	struct audit_line const *lines[TIMELINE_MAX];
	struct cJSON *list = json_array();
	char object[40];
	size_t n = 0, c = 0, i = 0;
	snprintf(object, sizeof(object), "case %" PRId64, s->r->sheet.case_id);
	struct look_audit of_the_case = look_object_audit(s->l, object, TIMELINE_MAX);
	struct look_audit of_inquiry = { .n = 0 };
	if (q) {
		snprintf(object, sizeof(object), "inquiry %" PRId64, q->id);
		of_inquiry = look_object_audit(s->l, object, TIMELINE_MAX);
	}
	while (n < TIMELINE_MAX && (c < of_the_case.n || i < of_inquiry.n)) {
		bool takes_case =
			i == of_inquiry.n ||
			(c < of_the_case.n && of_the_case.at[c].seq > of_inquiry.at[i].seq);
		lines[n++] = takes_case ? &of_the_case.at[c++] : &of_inquiry.at[i++];
	}
	json_put_bool(doc, "earlier", c < of_the_case.n || i < of_inquiry.n);
	while (n > 0)
		put_line(s, list, lines[--n]);
	json_put(doc, "timeline", list);
}

static struct cJSON *show(const struct sheet *s)
{
	struct view_of of = of_case(s, s->r->sheet.case_id);
	struct cJSON *doc = view_document(s->l, s->p, &of);
	if (doc && s->r->sheet.is_analyst)
		put_timeline(s, doc);
	return doc;
}

struct cJSON *view_sheet(struct look *l, const struct policy *p, const struct reply *r,
			 int64_t now_ms)
{
	const struct sheet s = { l, p, r, now_ms };
	const char *name = r->sheet.template;
	struct cJSON *out = NULL;
	struct fail fail = { 0 };
	CLEANUP(json_done)
	struct cJSON *doc = strcmp(name, "show") == 0 ? show(&s) : json_object();
	if (strcmp(name, "help") == 0)
		put_help(&s, doc);
	else if (strcmp(name, "mine") == 0)
		put_mine(&s, doc);
	else if (strcmp(name, "status") == 0)
		put_status(&s, doc);
	if (doc) {
		json_put_bool(doc, "analyst", r->sheet.is_analyst);
		json_put_text(doc, "words", r->sheet.words);
	}
	if (doc && view_render(p, name, doc, &out, &fail) == RC_OK &&
	    limits_message(out, &fail) == RC_OK)
		return out;
	json_free(out);
	return plain_text(p, TEXT_SHEET_FAILED);
}
