/* escalation: waking the on-call, and holding what could not be handled. Called by handlers only.
 * Doubt goes towards a human: nothing here drops. */
#ifndef HANDLERS_ESCALATION_H
#define HANDLERS_ESCALATION_H
#include "handlers/handlers.h"

/* A page that the pager has not accepted by then is told in the channel (design.md 5), and sent
 * through the next pager, too; quietly after so many failures already. */
#define PAGE_CONFIRM_MS (5 * MINUTE_MS)
enum { PAGE_FAILURES_MAX = 5 };
/* After so many failures in a row, of whatever rows, a gate has a breaker: closed for a while, then
 * one row tries. A page that is decided while it is closed, or fails as others have before it,
 * goes to the next pager at once, too. */
enum { GATE_FAILURES_MAX = 5 };
/* So long after the first attempt the page may have been accepted, seen and resolved: for a case
 * that is closed by then it is not sent again, for that would open a new incident. */
#define PAGE_RECONCILE_MS (10 * MINUTE_MS)

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
/* The pager refuses the row, has failed it too often, or is silent: the same reason by the next
 * one, if there is one. */
void escalation_hand_on(const struct act *a, struct decision *d, const struct outgoing *row);
/* A pager has accepted the row, and no more is to be asked of it: nobody else needs to be called
 * for that reason. how: "has accepted", for the record. */
void escalation_confirmed(const struct act *a, struct decision *d, const struct outgoing *row,
			  const char *how);
/* Refused for good, the least of it, too, or accepted without an incident: alarm, next pager. */
void escalation_refused(const struct act *a, struct decision *d, const struct outgoing *row);
/* Why a page that would be sent again at due_ms is not, in words; NULL = it is. */
const char *escalation_needless(const struct act *a, const struct outgoing *row, int64_t due_ms);
/* The case is being closed: what would be repeated too late is given up. */
void escalation_case_closed(const struct act *a, struct decision *d, int64_t case_id);
/* The row as it is when it is given up. */
struct outgoing escalation_stood_down(const struct outgoing *row, const char *why);
/* A case without a playbook, P2: for what could not be handled, or is wrong with the bot itself.
 * The caller records it and pages. Returns its id. */
struct own_case {
	const char *title, *summary, *source;
	const char *held; /* why a person has to look at it, "" = it is not held */
};
int64_t escalation_own_case(const struct act *a, struct decision *d, const struct own_case *own);
/* The alert is held: a case, a card and a page say so. */
void escalation_hold_alert(const struct act *a, struct decision *d, const struct alert *alert,
			   const char *why);
#endif
