/* turn: the one law. take what came -> decide -> claim what is due -> commit once -> only now
 * speak. Called by main's loop and by the simulator; it is handed time and chance, and never waits.
 */
#ifndef BOT_TURN_H
#define BOT_TURN_H
#include "base/fail.h"
#include "base/mac.h"
#include "model/net.h"
struct policy;
struct store;
struct turn;

enum { TURN_BATCH_MAX = 256, TURN_CLAIMS_MAX = 64, TURN_DUE_MAX = 64, CRUMB_BYTES = 64 };

struct turn_options {
	const struct policy *policy;
	struct store *store;
	const struct net *net;
	char *crumb; /* CRUMB_BYTES that survive the process (an mmapped file); main maps it */
};
struct clocks {
	int64_t wall_ms;      /* CLOCK_REALTIME */
	int64_t boot_ms;      /* CLOCK_BOOTTIME */
	bool is_wall_unsure;  /* the kernel says that nothing keeps CLOCK_REALTIME right */
	struct chance chance; /* fresh 32 bytes for this turn */
};
/* Reads the crumb, counts a death, marks requests of an earlier life as unknown; one transaction.
 * NULL and *fail if the store refuses. */
struct turn *turn_new(const struct turn_options *o, const struct clocks *c, struct fail *fail);
void turn_free(struct turn *t);

/* Something is wrong with the record that only a person can judge: held as a case with a page in
 * the next turn. */
void turn_doubt(struct turn *t, const char *why);
/* The database is older than it was: a trouble until an admin accepts it at the local socket. True
 * until then: the anchor must stay as it is. */
void turn_restored(struct turn *t, const char *why);
bool turn_is_restored(const struct turn *t);

/* Copies the arrival into the batch; callbacks call nothing else. False: the batch is full
 * (TURN_BATCH_MAX); io stops reading until the next turn, and a door request is answered 503 by io.
 */
bool turn_take(struct turn *t, const struct arrival *a);
size_t turn_waiting(const struct turn *t); /* arrivals in the batch */

/* One turn. Returns the wall time of the next one if nothing arrives (ms; NEVER_MS = none), or
 * TURN_STOPPED after ARRIVAL_STOP when all is said, or TURN_BROKEN when the process must end and
 * restart. */
#define TURN_STOPPED INT64_C(-1)
#define TURN_BROKEN  INT64_C(-2)
int64_t turn_run(struct turn *t, const struct clocks *c);
#endif
