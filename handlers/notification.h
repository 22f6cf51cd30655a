/* notification: the messages of a case and an inquiry, raised. What they say is rendered when they
 * go out, from the state of that moment. Called by handlers only; it sends nothing. */
#ifndef HANDLERS_NOTIFICATION_H
#define HANDLERS_NOTIFICATION_H
#include "handlers/handlers.h"
struct whom;

/* The card in the analysts' channel: one a case, at most one edit in this time (design.md 5). */
#define CARD_GAP_MS (5 * SECOND_MS)

/* The id of the case is enough: it may be made by this very decision. */
void notification_card(const struct act *a, struct decision *d, int64_t case_id);
/* The first direct message of an inquiry, into that channel. */
void notification_ask(const struct act *a, struct decision *d, const struct inquiry *q,
		      const char *dm);
/* The direct message again, if there is one: its inquiry or its case has changed. */
void notification_question(const struct act *a, struct decision *d, int64_t inquiry_id);
/* The same by its case: a page of the case has changed. */
void notification_case_question(const struct act *a, struct decision *d, int64_t case_id);
/* What the plan's notice has to say, to the subject: looked up, its channel opened, posted. */
void notification_notify(const struct act *a, struct decision *d, const struct casefile *k);
/* The directory answered; nothing if the case has no notice, or has posted it. */
void notification_found(const struct act *a, struct decision *d, const struct casefile *k,
			const struct whom *w);
/* The channel is open: the same. */
void notification_opened(const struct act *a, struct decision *d, const struct casefile *k,
			 const struct person *p);
/* It has a notice that was not posted yet. */
bool notification_waits(const struct act *a, const struct casefile *k);

/* A reply in the thread under the card: what an analyst wants to be notified of, for Slack notifies
 * nobody of an edit. At most one a case and event ("answer", "late", "correction", "page REASON");
 * posted when the card is known to stand. A drill has none. */
enum told {
	TOLD_YES,
	TOLD_NO,
	TOLD_SILENT,
	TOLD_UNREACHABLE,
	TOLD_LATE_YES,
	TOLD_LATE_NO,   /* after silence, or after nobody could be asked */
	TOLD_TOOK_BACK, /* a "no" after a "yes" */
};
void notification_told(const struct act *a, struct decision *d, const struct casefile *k,
		       enum told what);
/* The page was confirmed, refused, or is overdue; the same message tells the next news of it. */
void notification_told_page(const struct act *a, struct decision *d, const struct outgoing *page);
/* The addressee's note came: it is written under the answer, if that was told. */
void notification_told_note(const struct act *a, struct decision *d, const struct inquiry *q);
/* Slack has confirmed the card: what waited for it may be posted under it. */
void notification_card_stands(const struct act *a, struct decision *d, const struct outgoing *card);

/* "Page NOT confirmed" in the channel, for that page's row. */
void notification_alarm(const struct act *a, struct decision *d, const struct outgoing *page);
/* The same again, only if it was said before: the page went through after all. */
void notification_alarm_over(const struct act *a, struct decision *d, const struct outgoing *page);
/* The row of an inquiry's direct message; NULL = none. */
const struct outgoing *notification_of(const struct act *a, int64_t inquiry_id);
/* Is it a message of ours in Slack (and not an effect)? */
bool notification_is_message(enum out_kind kind);
#endif
