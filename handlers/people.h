/* people: from what an alert calls its subject to one Slack person, or to what was tried. Called by
 * handlers only; a guess is never made: no hit, two hits, a bot, a guest and a deactivated account
 * all mean "owner unknown" (design.md 5). What Slack says of an address other than the person's own
 * is believed and not kept: an alias is looked up each time. */
#ifndef HANDLERS_PEOPLE_H
#define HANDLERS_PEOPLE_H
#include "handlers/handlers.h"

#define PERSON_FRESH_MS DAY_MS /* a cached person older than that is looked up again */

enum whom_kind { WHOM_FOUND, WHOM_LOOK_UP, WHOM_NOBODY };
struct whom {
	enum whom_kind kind;
	const struct person *person; /* FOUND */
	enum out_kind lookup;        /* LOOK_UP: OUT_LOOKUP_EMAIL or OUT_LOOKUP_USER */
	const char *target;          /* LOOK_UP: the e-mail or the user id */
	const char *tried;           /* NOBODY: a sentence for the analysts */
};
/* subject as the alert has it, "" = it names nobody. */
struct whom people_whom(const struct act *a, const char *subject);
/* A person the directory has just shown us: FOUND, or NOBODY if nobody to ask. */
struct whom people_check(const struct act *a, const struct person *p);
/* All that was tried for q's subject, in sentences for the analysts; the last one is given. */
const char *people_tried(const struct act *a, const struct inquiry *q, const char *subject,
			 const char *last);
/* The cache takes what the directory says of p, cleaned; returns the person as kept. */
const struct person *people_keep(const struct act *a, struct decision *d, const struct person *p);

/* Starts the look-up. */
void people_look_up(const struct act *a, struct decision *d, const struct inquiry *q,
		    const struct whom *w);
/* The channel of our direct messages with p, for an inquiry, or for a case (q->id 0). */
void people_open_dm(const struct act *a, struct decision *d, const struct inquiry *q,
		    const struct person *p);
/* Asks q->person: the question itself, or first the channel for it. */
void people_ask(const struct act *a, struct decision *d, const struct inquiry *q,
		const struct person *p);
#endif
