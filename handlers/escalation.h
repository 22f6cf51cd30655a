/* escalation: waking the on-call, and holding what could not be handled. Called by handlers only.
 * Doubt goes towards a human: nothing here drops. */
#ifndef HANDLERS_ESCALATION_H
#define HANDLERS_ESCALATION_H
#include "handlers/handlers.h"

/* A page that the pager has not accepted by then is told in the channel (design.md 5). */
#define PAGE_CONFIRM_MS (5 * MINUTE_MS)

/* Why somebody is woken: once a case and reason. */
#define PAGE_OPENED        "opened"
#define PAGE_NO            "answered-no"
#define PAGE_YES           "answered-yes"
#define PAGE_SILENCE       "silence"
#define PAGE_UNDELIVERABLE "undeliverable"
#define PAGE_OWNER_UNKNOWN "owner-unknown"
#define PAGE_HELD          "held"
#define PAGE_TROUBLE       "trouble"

/* inquiry_id 0 = none. Raises the card too. Nothing if that reason has paged already. */
void escalation_page(const struct act *a, struct decision *d, int64_t case_id, int64_t inquiry_id,
		     const char *reason);
/* The alert is held: a case, a card and a page say so. */
void escalation_hold_alert(const struct act *a, struct decision *d, const struct alert *alert,
			   const char *why);
#endif
