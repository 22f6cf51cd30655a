/* view: the case document, cut to its reader, and the rendering of templates. Pure: asks look,
 * returns JSON. The one place where privacy is decided: templates read nothing else. */
#ifndef VIEW_VIEW_H
#define VIEW_VIEW_H
#include "base/arena.h"
#include "base/fail.h"
#include "model/decision.h"
#include "model/look.h"
#include "model/policy.h"
struct cJSON;

enum reader { READER_EMPLOYEE, READER_ANALYST }; /* the addressee; the channel and the on-call */
struct view_of {
	enum reader reader;
	int64_t case_id;
	int64_t now_ms;
};
/* The case document; json_free() it. NULL if there is no such case. */
struct cJSON *view_document(struct look *l, const struct policy *p, const struct view_of *of);
/* The content of a message row: {"text","blocks"} by the template of its kind (question, card,
 * alarm, notice, thread). json_free() it. Falls back to a plain layout of ours if the template
 * fails or makes what Slack would refuse (*fail says why, RC_OK is still returned: a message must
 * go). */
MUST_CHECK enum rc view_message(struct look *l, const struct policy *p, const struct outgoing *row,
				int64_t now_ms, struct cJSON **out, struct fail *fail);
/* Private words: texts[key] with the case document's values; {"text","blocks"}. */
struct cJSON *view_text(struct look *l, const struct policy *p, const char *key, int64_t inquiry_id,
			int64_t at_ms, int64_t now_ms);
#define TEXT_SHEET_FAILED "sheet_failed" /* in templates/texts: what stands in for a failed one */
#define TEXT_MODAL_LOST   "modal_lost"   /* in place of a window that Slack did not open */
/* What a command shows (REPLY_SHEET): {"text","blocks"}, for its reader only. */
struct cJSON *view_sheet(struct look *l, const struct policy *p, const struct reply *r,
			 int64_t now_ms);
/* The comment modal of an inquiry (a view for views.open). */
struct cJSON *view_modal(struct look *l, const struct policy *p, int64_t inquiry_id,
			 int64_t now_ms);
/* The input of the pager's trigger operation for a PAGE row: {key, summary, severity, source,
 * details, links}; in PHASE_PLAIN key, summary and source, which can't fail. The key is one for
 * all rows of a reason: two pagers that are one account's make one incident. */
struct cJSON *view_page(struct look *l, const struct policy *p, const struct outgoing *row,
			int64_t now_ms);
/* The same for the one page of a bot whose database can't be used; why in a sentence. */
struct cJSON *view_page_unusable(const struct policy *p, const char *why);
/* The input of the pager's confirm operation for that page: {key}, the key it was sent under. */
struct cJSON *view_confirm(const struct policy *p, const struct outgoing *page);
#endif
