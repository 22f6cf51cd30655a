/* view: renders what goes out from the case document. Pure; a template that fails is replaced by
 * plain words of ours, for a question or a page that is not sent is worse than one that is not
 * pretty. */
#include "view/view.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mac.h"
#include "lang/jq.h"
#include "view/document.h"
#include "view/limits.h"
#include "view/plain.h"

enum rc view_render(const struct policy *p, const char *name, const struct cJSON *doc,
		    struct cJSON **out, struct fail *fail)
{
	for (size_t i = 0; i < p->template_names_n; i++) {
		if (strcmp(p->template_names[i], name) != 0)
			continue;
		return jq_run(p->templates, (int)i, doc, NULL, out, fail);
	}
	return FAIL(fail, RC_ABSENT, "no template %s", name);
}

static const char *template_of(enum out_kind kind)
{
	switch (kind) {
	case OUT_QUESTION: return "question";
	case OUT_CARD: return "card";
	case OUT_ALARM: return "alarm";
	case OUT_NOTICE: return "notice";
	case OUT_THREAD: return "thread";
	case OUT_PAGE: return "page";
	case OUT_CONFIRM:
	case OUT_LOOKUP_EMAIL:
	case OUT_LOOKUP_USER:
	case OUT_OPEN_DM: break;
	}
	return "";
}

enum rc view_message(struct look *l, const struct policy *p, const struct outgoing *row,
		     int64_t now_ms, struct cJSON **out, struct fail *fail)
{
	bool is_private = row->kind == OUT_QUESTION || row->kind == OUT_NOTICE;
	struct view_of of = { .reader = is_private ? READER_EMPLOYEE : READER_ANALYST,
			      .case_id = row->case_id,
			      .now_ms = now_ms };
	CLEANUP(json_done) struct cJSON *doc = view_document(l, p, &of);
	*out = NULL;
	if (!doc)
		return FAIL(fail, RC_ABSENT, "case %lld: not there", (long long)row->case_id);
	document_page(l, doc, row, now_ms);
	if (row->kind == OUT_THREAD)
		document_thread(l, doc, row, now_ms);
	enum rc rc = RC_REFUSED;
	if (row->phase == PHASE_PLAIN)
		fail_set(fail, rc, "in its least words: %s", row->error);
	else
		rc = view_render(p, template_of(row->kind), doc, out, fail);
	if (rc == RC_OK)
		rc = limits_message(*out, fail);
	if (rc != RC_OK) {
		json_free(*out);
		*out = plain_message(p, row, doc);
	}
	return RC_OK;
}

struct cJSON *view_text(struct look *l, const struct policy *p, const char *key, int64_t inquiry_id,
			int64_t at_ms, int64_t now_ms)
{
	CLEANUP(json_done) struct cJSON *doc = json_object();
	struct cJSON *values = json_object(), *out = NULL;
	struct fail fail;
	const struct inquiry *q = inquiry_id ? look_inquiry(l, inquiry_id) : NULL;
	json_put_text(values, "time", document_clock(l, q, at_ms, now_ms).text);
	json_put_text(doc, "key", key);
	json_put(doc, "values", values);
	if (view_render(p, "text", doc, &out, &fail) == RC_OK &&
	    limits_message(out, &fail) == RC_OK)
		return out;
	json_free(out);
	return plain_text(p, key);
}

struct cJSON *view_modal(struct look *l, const struct policy *p, int64_t inquiry_id, int64_t now_ms)
{
	const struct inquiry *q = look_inquiry(l, inquiry_id);
	struct cJSON *out = NULL;
	struct fail fail;
	if (!q)
		return NULL;
	struct view_of of = { .reader = READER_EMPLOYEE, .case_id = q->case_id, .now_ms = now_ms };
	CLEANUP(json_done) struct cJSON *doc = view_document(l, p, &of);
	if (doc && view_render(p, "modal", doc, &out, &fail) == RC_OK &&
	    limits_view(out, &fail) == RC_OK)
		return out;
	json_free(out);
	return NULL; /* a comment is a wish, not a promise */
}

/* One reason to wake somebody has one key, for ever and over restarts; another installation's
 * differs. */
static void put_dedup_key(struct cJSON *input, const struct policy *p, const struct outgoing *row)
{
	uint8_t mac[MAC_BYTES];
	char text[60] = "securitybot-";
	CLEANUP(buf_free) struct buf b = BUF(512);
	const char *by = strstr(row->key, ", by "); /* another pager for the same reason */
	buf_addz(&b, "page:");
	buf_add(&b, (struct str){ row->key, by ? (size_t)(by - row->key) : strlen(row->key) });
	hmac_sha256(secret_str(&p->mac_key), buf_str(&b), mac);
	base32_encode(mac, 20, text + strlen(text));
	json_put_text(input, "key", text);
}

struct cJSON *view_page(struct look *l, const struct policy *p, const struct outgoing *row,
			int64_t now_ms)
{
	struct view_of of = { .reader = READER_ANALYST, .case_id = row->case_id, .now_ms = now_ms };
	bool is_least = row->phase == PHASE_PLAIN;
	CLEANUP(json_done) struct cJSON *doc = is_least ? NULL : view_document(l, p, &of);
	struct cJSON *input = NULL;
	struct fail fail;
	if (!doc && !is_least)
		return NULL;
	if (doc)
		document_page(l, doc, row, now_ms);
	if (!doc || view_render(p, "page", doc, &input, &fail) != RC_OK)
		input = plain_page(row);
	put_dedup_key(input, p, row);
	return input;
}

struct cJSON *view_page_unusable(const struct policy *p, const char *why)
{
	const struct outgoing row = { .key = "database" };
	struct cJSON *input = json_object(), *details = json_object();
	json_put_text(input, "summary",
		      "SecurityBot can't use its database and does not run: no alert comes in and "
		      "nobody is asked until it is mended");
	json_put_text(input, "source", "SecurityBot");
	json_put_text(input, "severity", "critical");
	json_put_text(details, "why", why);
	json_put_text(
		details, "and now",
		"It ends in a minute; its supervisor starts it again. It can't know later that "
		"it called you: this incident is yours to resolve.");
	json_put(input, "details", details);
	put_dedup_key(input, p, &row);
	return input;
}

struct cJSON *view_confirm(const struct policy *p, const struct outgoing *page)
{
	struct cJSON *input = json_object();
	put_dedup_key(input, p, page);
	return input;
}
