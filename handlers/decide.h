/* decide: builders that append changes to a decision, in the order in which the store applies them.
 * Called by handlers only; they decide nothing and read nothing. Values are copied; the texts in
 * them are borrowed and must live as long as the act's arena. */
#ifndef HANDLERS_DECIDE_H
#define HANDLERS_DECIDE_H
#include "handlers/handlers.h"

/* An empty decision in the act's arena, without a reply. */
struct decision decide_begin(const struct act *a);

void decide_alert_new(struct decision *d, const struct alert *alert);
void decide_alert(struct decision *d, const struct alert *alert); /* body "": keep the stored one */
void decide_case_new(struct decision *d, const struct casefile *k);
void decide_case(struct decision *d, const struct casefile *k);
void decide_inquiry_new(struct decision *d, const struct inquiry *q);
/* Compare-and-set: applied only while the stored state is `was`. */
void decide_inquiry(struct decision *d, const struct inquiry *now, enum inquiry_state was);
void decide_person(struct decision *d, const struct person *p);
/* A message. Raising one key twice in a decision is raising it once. */
void decide_raise(struct decision *d, const struct outgoing *row, int64_t gap_ms);
void decide_effect(struct decision *d, const struct outgoing *row);
/* The row after a result: applied only while its flight is still was_flight. */
void decide_outgoing(struct decision *d, const struct outgoing *row, int64_t was_flight);
void decide_gate(struct decision *d, const char *gate, int64_t open_ms);
void decide_trouble(struct decision *d, const struct trouble *trouble);
/* So many requests in a row have failed at the gate; closed until open_ms (0 = it is not). */
void decide_breaker(struct decision *d, const char *gate, int64_t failures, int64_t open_ms);
/* A delivery id that the sender signed: refused from now on with another body. */
void decide_delivery(struct decision *d, const char *source, const char *id, const char *digest);
/* detail is a sentence for people who read the audit trail. */
void decide_audit(struct decision *d, const char *actor, const char *action, const char *object,
		  const char *detail);

/* Names of things, as keys, audit objects and held items spell them: "case 42". */
const char *decide_name(struct arena *arena, const char *noun, int64_t id);
/* Words from outside as they may be stored and shown (base/words.h): one clean line of at most that
 * many code points; what was cut off shows as an ellipsis (counted). NULL is "". */
const char *decide_clip(struct arena *arena, const char *z, size_t points);
#endif
