/* playbook: which playbook takes an alert, and what it makes of it. The only place in handlers/
 * that evaluates expressions; called by intake only. It decides nothing and changes nothing. */
#ifndef HANDLERS_PLAYBOOK_H
#define HANDLERS_PLAYBOOK_H
#include "base/fail.h"
#include "handlers/handlers.h"

enum { ALERT_KEY_MAX = 300 }; /* code points */

struct mapping {
	const struct playbook *playbook; /* NULL: none takes it; all else is empty then */
	const char *benign; /* the reason of a known-benign rule that takes it, "" = none */
	const char *key;    /* "" = the alert has none of its own */
	const char *subject;
	int priority;
	const char *plan; /* JSON text, see plan.h */
};
/* The first playbook with this source whose match is true, evaluated. RC_MALFORMED names playbook
 * and expression: such an alert is held, for a later playbook might take it too lightly. */
MUST_CHECK enum rc playbook_map(const struct act *a, const struct alert *alert, struct mapping *out,
				struct fail *fail);
#endif
