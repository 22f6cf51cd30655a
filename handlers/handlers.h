/* handlers: what SecurityBot does. Each is pure: (policy, look, event, moment) -> decision. No
 * clock, chance, SQL, network. Called by turn only. A decision is built in the arena given. */
#ifndef HANDLERS_HANDLERS_H
#define HANDLERS_HANDLERS_H
#include "model/decision.h"
#include "model/event.h"
#include "model/look.h"
#include "model/policy.h"

struct act { /* what every handler is given */
	const struct policy *policy;
	struct look *look;
	struct moment at;
	struct arena *arena;
};
/* FACT. is_new false: seen before; same reply, no change (the turn has checked the key). */
struct decision handle_fact(const struct act *a, const struct fact *f, bool is_new);
/* An alert in state RECEIVED: match, map, plan, case, first messages. */
struct decision handle_alert_due(const struct act *a, int64_t alert_id);
/* An inquiry whose due_ms has come. */
struct decision handle_inquiry_due(const struct act *a, int64_t inquiry_id);
/* An open inquiry to which no answer can come, for Slack refuses a token: UNREACHABLE. */
struct decision handle_inquiry_cut_off(const struct act *a, int64_t inquiry_id);
/* A live outgoing row unconfirmed at its deadline_ms (which the decision moves to NEVER_MS). */
struct decision handle_deadline(const struct act *a, int64_t outgoing_id);
/* RESULT: settles the row (retry, find, done, dead) and what follows from it. */
struct decision handle_result(const struct act *a, const struct result *r);
/* Handling `what` ("alert 17", "inquiry 7", a fact's key) has killed the process twice, or failed:
 * hold it, page. */
struct decision handle_held(const struct act *a, const char *what, const char *why);
/* Something is wrong with the bot itself, or no longer (handlers/trouble.c has the names): one case
 * and one page while it lasts. `why` is what happened and what to do, in a sentence or two; a name
 * that is not known, or a trouble that is known already, changes nothing. */
struct decision handle_trouble(const struct act *a, const char *name, const char *why);
struct decision handle_trouble_over(const struct act *a, const char *name);
/* An admin says that the older database is the right one: the trouble "restored" is over. */
struct decision handle_restore_accepted(const struct act *a);
/* HINT: Slack's directory has changed. The copy of a known person becomes p ("" = as it was);
 * strangers are none of our business. Whoever has left answers no more: the open inquiries to that
 * person become undeliverable at once. */
struct decision handle_person(const struct act *a, const struct person *p);
/* Start of a life: a row that was in flight (its outcome is unknown). Same as a result UNKNOWN. */
#endif
