/* look: the questions a decision may ask of the open transaction. store/ answers them; handlers and
 * view/ ask. Results live in the turn's arena; NULL = no such row. A look sees what earlier items
 * of the turn applied, never what the decision being made has noted so far. */
#ifndef MODEL_LOOK_H
#define MODEL_LOOK_H
#include "model/nouns.h"
#include <stddef.h>
struct look;

struct look_list { /* of outgoing rows, by id */
	const struct outgoing *const *at;
	size_t n;
};

const struct alert *look_alert(struct look *l, int64_t id); /* with its body */
const struct alert *look_alert_digest(struct look *l, const char *source, const char *digest);
const struct alert *look_alert_key(struct look *l, const char *source,
				   const char *key); /* the first (not DUPLICATE) with it */
const struct alert *look_case_alert(struct look *l,
				    int64_t case_id); /* the one that opened it, with its body */
const struct casefile *look_case(struct look *l, int64_t id);
const struct inquiry *look_inquiry(struct look *l, int64_t id);
const struct inquiry *look_case_inquiry(struct look *l, int64_t case_id);
const struct person *look_person(struct look *l, const char *user);
const struct person *look_person_email(struct look *l,
				       const char *email); /* compared in lower case; NULL if two */
const struct outgoing *look_outgoing(struct look *l, int64_t id);
const struct outgoing *look_outgoing_key(struct look *l, const char *key);
struct look_list look_case_outgoing(struct look *l, int64_t case_id, enum out_kind kind);
/* Ids for new rows, from a counter row: each call takes one (and writes it, inside the item's
 * savepoint). */
enum counter { COUNTER_ALERT, COUNTER_CASE, COUNTER_INQUIRY, COUNTER_OUTGOING, COUNTER_AUDIT };
int64_t look_take_id(struct look *l, enum counter c);
#endif
