/* trouble: what is wrong with the bot itself. Called by handlers and, through handlers.h, by turn.
 * While a trouble lasts it has one case, one card and one page, whatever happens meanwhile; the
 * page goes through the pager, for Slack may be what is in trouble. One that returns within the
 * hour is the same one, and wakes nobody again. */
#ifndef HANDLERS_TROUBLE_H
#define HANDLERS_TROUBLE_H
#include "handlers/handlers.h"

#define TROUBLE_SAME_MS HOUR_MS
#define TROUBLE_PAGER   "pager"         /* no pager is left that takes a page and acts on it */
#define TROUBLE_CONFIRM "pager-confirm" /* a pager refuses to say what became of a page */

/* As handle_trouble, from within a decision. Nothing if it lasts already. */
void trouble_raise(const struct act *a, struct decision *d, const char *name, const char *why);
/* As handle_trouble_over. Nothing if it does not last. */
void trouble_end(const struct act *a, struct decision *d, const char *name);
#endif
