/* plan: what a case was opened with, as JSON (case.plan), and what an answer sets off by it. Made
 * once, when the case opens; never evaluated again, so that a changed playbook cannot change a
 * running case. Called by handlers only. */
#ifndef HANDLERS_PLAN_H
#define HANDLERS_PLAN_H
#include "handlers/handlers.h"
struct cJSON;

enum { /* in code points; "facts" in number */
       PLAN_TEXT_MAX = 300,
       PLAN_FACT_KEY_MAX = 60,
       PLAN_FACT_MAX = 500,
       PLAN_FACTS_MAX = 5,
       PLAN_SUBJECT_MAX = 320,
};

struct plan {
	const struct playbook *playbook; /* NULL = none */
	const char *title, *summary, *question;
	const char *notify;        /* what a notice to the subject says, NULL or "" = none */
	const struct cJSON *facts; /* an array of {k, v}, or NULL; copied */
	bool has_at;
	int64_t at_ms;
	bool is_cut; /* the alert says more than stands here */
};
/* The JSON text, in the arena: {"title","summary","facts","question","wait_ms","at_ms","response",
 * "playbook","goal","attack","notify","on":{"yes",…}}, and "cut":true where it is so. */
const char *plan_text(struct arena *arena, const struct plan *p);

/* The words of the case's notice, in the arena; "" = it has none. */
const char *plan_notify(struct arena *arena, const struct casefile *k);

/* What a "yes", silence or an undeliverable question sets off: SETS_OFF_ bits of the plan,
 * corrected by the table of priorities. Not for a "no": that pages whatever a plan says. */
unsigned plan_sets_off(const struct casefile *k, enum answer answer);
/* True where the on-call is woken when the case opens, before anybody is asked. */
bool plan_pages_at_opening(int priority);
#endif
