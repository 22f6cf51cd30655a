/* confirm: what became of a page that a pager accepted. Called by handlers only. A pager may accept
 * a page and wake nobody (its service is off, a rule drops it): where it can be asked, a page
 * counts as confirmed once its incident is seen. Asking goes through a gate of its own, so that no
 * page waits for it. Doubt about the look-up is no doubt about the page: then the acceptance
 * counts. */
#ifndef HANDLERS_CONFIRM_H
#define HANDLERS_CONFIRM_H
#include "handlers/handlers.h"

/* Before the first look, and doubled before each further one: a pager makes incidents in its own
 * time. With four looks: after 5, 15, 35 and 75 seconds. */
#define CONFIRM_WAIT_MS (5 * SECOND_MS)
enum { CONFIRM_LOOKS_MAX = 4 };
/* So long after the request that was accepted the looking ends, whatever keeps it. The deadline of
 * the page (escalation.h) stays: who was called late is called beside the next pager. */
#define CONFIRM_PATIENCE_MS (3 * MINUTE_MS)

/* The pager has accepted the page (as it will be, its flight over). True: it can be asked what came
 * of it, and will be; the row is decided. */
bool confirm_begin(const struct act *a, struct decision *d, const struct outgoing *page,
		   int64_t was_flight);
/* The page is accepted, and its pager is being asked. */
bool confirm_waits(const struct outgoing *page);
/* When the looking ends. */
int64_t confirm_ends_ms(const struct outgoing *page);
/* Nothing can be learnt: the acceptance counts. why is for the record. */
void confirm_given_up(const struct act *a, struct decision *d, const struct outgoing *page,
		      const char *why);
/* How a request of a CONFIRM row ended. */
void confirm_result(const struct act *a, struct decision *d, const struct outgoing *was,
		    const struct result *r);
#endif
