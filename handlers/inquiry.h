/* inquiry: one question to one person: opened, found, delivered, answered, lost. Called by handlers
 * only; inquiry.c has the rule table, and nothing else assigns inquiry.state (a new row excepted).
 */
#ifndef HANDLERS_INQUIRY_H
#define HANDLERS_INQUIRY_H
#include "handlers/handlers.h"
#include "handlers/people.h"

/* An inquiry that nobody could be shown by then is undeliverable (design.md 5). */
#define UNDELIVERED_MS (15 * MINUTE_MS)
enum { COMMENT_MAX = 500, TRIED_MAX = 600 }; /* code points */

/* A new inquiry to the subject of a case that this decision makes. */
void inquiry_open(const struct act *a, struct decision *d, const struct casefile *k,
		  int64_t wait_ms);
/* The directory answered: FOUND or NOBODY. Nothing if it waits for no person any more. */
void inquiry_found(const struct act *a, struct decision *d, const struct inquiry *q,
		   const struct whom *w);
/* Slack refused for good: nobody found, or the person can't be reached. tried is a sentence. */
void inquiry_lost(const struct act *a, struct decision *d, const struct inquiry *q,
		  const char *tried);
/* The addressee's account was deactivated: nobody will answer. */
void inquiry_gone(const struct act *a, struct decision *d, const struct inquiry *q);
/* Slack has confirmed the message: the time to answer begins. Once. */
void inquiry_delivered(const struct act *a, struct decision *d, const struct inquiry *q);

/* The addressee's own answer. False: no rule takes it, nothing was changed. *q becomes the new
 * value. Typed words count exactly like a button; the record tells them apart. */
struct said {
	bool is_no, is_typed;
};
bool inquiry_answered(const struct act *a, struct decision *d, struct inquiry *q,
		      const struct said *said);
#endif
