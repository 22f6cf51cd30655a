/* look: the questions a decision may ask of the open transaction. store/ answers them; handlers and
 * view/ ask. Results live in the turn's arena; NULL = no such row. A look sees what earlier items
 * of the turn applied, never what the decision being made has noted so far. */
#ifndef MODEL_LOOK_H
#define MODEL_LOOK_H
#include "model/nouns.h"
#include <stddef.h>
struct look;

enum { LOOK_STATES_MAX = 10 }; /* values of enum inquiry_state stay below */

struct look_list { /* of outgoing rows, by id */
	const struct outgoing *const *at;
	size_t n;
};

struct person_list {
	const struct person *const *at;
	size_t n;
};
struct inquiry_list {
	const struct inquiry *const *at;
	size_t n;
};

const struct alert *look_alert(struct look *l, int64_t id); /* with its body */
const struct alert *look_alert_digest(struct look *l, const char *source, const char *digest);
const struct alert *look_alert_key(struct look *l, const char *source,
				   const char *key); /* the first (not DUPLICATE) with it */
/* The digest of the body that came under this delivery id, NULL = it never came (lately). */
const char *look_delivery(struct look *l, const char *source, const char *id);
const struct casefile *look_case(struct look *l, int64_t id);
const struct inquiry *look_inquiry(struct look *l, int64_t id);
const struct inquiry *look_case_inquiry(struct look *l, int64_t case_id);
const struct person *look_person(struct look *l, const char *user);
/* All with that address, compared in lower case; "" has nobody. By user id, at most eight. */
struct person_list look_people_email(struct look *l, const char *email);
/* The OPEN ones to that person, the oldest first, at most 64. */
struct inquiry_list look_person_inquiries(struct look *l, const char *user);
const struct outgoing *look_outgoing(struct look *l, int64_t id);
const struct outgoing *look_outgoing_key(struct look *l, const char *key);
struct look_list look_case_outgoing(struct look *l, int64_t case_id, enum out_kind kind);
/* The newest questions to a person, newest first, at most limit. */
struct inquiry_list look_newest_inquiries(struct look *l, const char *user, size_t limit);
/* The newest drills that person asked for, newest first, at most limit. */
struct look_cases {
	const struct casefile *const *at;
	size_t n;
};
struct look_cases look_drills(struct look *l, const char *user, size_t limit);
/* How many cases are open, by what is going on in them; drills do not count. Of the first limit. */
struct look_open {
	int64_t held, unasked,
		by_state[LOOK_STATES_MAX]; /* enum inquiry_state; a held case is held */
	int64_t cases;
	int64_t oldest_id, oldest_ms; /* 0 = none is open */
};
struct look_open look_open_cases(struct look *l, size_t limit);
/* The newest records about an object ("case 42"), newest first, at most limit. */
struct audit_line {
	int64_t seq, at_ms;
	const char *actor, *action, *detail;
};
struct look_audit {
	const struct audit_line *at;
	size_t n;
};
struct look_audit look_object_audit(struct look *l, const char *object, size_t limit);
/* The newest trouble of that name, lasting or over; NULL = there never was one. */
const struct trouble *look_trouble(struct look *l, const char *name);
/* When that gate may be used again (0 = it never was closed), and how many requests in a row have
 * failed there (CHANGE_BREAKER). */
struct look_gate {
	int64_t open_ms, failures;
};
struct look_gate look_gate(struct look *l, const char *gate);
/* Ids for new rows, from a counter row: each call takes one (and writes it, inside the item's
 * savepoint). */
enum counter { COUNTER_ALERT, COUNTER_CASE, COUNTER_INQUIRY, COUNTER_OUTGOING, COUNTER_AUDIT };
int64_t look_take_id(struct look *l, enum counter c);
#endif
