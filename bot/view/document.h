/* document: builds the case document. Used inside view/ only. */
#ifndef VIEW_DOCUMENT_H
#define VIEW_DOCUMENT_H
#include "base/when.h"
#include "view/view.h"

/* Puts {reason, state, at, error, by, calls} of the page that a PAGE or ALARM row is about into
 * doc.page; nothing for other rows. by: who confirmed it, or was called last, "" where there is but
 * one pager; calls: what each said. */
void document_page(struct look *l, struct cJSON *doc, const struct outgoing *row, int64_t now_ms);
/* For a THREAD row: {what, at, note} into doc.thread, and doc.page if it tells of a page. */
void document_thread(struct look *l, struct cJSON *doc, const struct outgoing *row, int64_t now_ms);
/* A time as the addressee of q reads it: the clock, with the day where it is not today; "" for 0.
 * q NULL: UTC. */
struct when_text document_clock(struct look *l, const struct inquiry *q, int64_t ms,
				int64_t now_ms);
/* Runs the template of that name, with the words as $ctx.texts. */
MUST_CHECK enum rc view_render(const struct policy *p, const char *name, const struct cJSON *doc,
			       struct cJSON **out, struct fail *fail);
/* A time for a reader: the person's clock, with the day where it is not today; for analysts, and
 * where we do not know the person, day, clock and the word UTC. "" for 0 and NEVER_MS. */
struct when_text document_time(const struct view_of *of, const struct person *person, int64_t ms);
#endif
