/* check_store: what must be true of the database file itself, once its process is dead: the chain
 * of records, and that no secret that crossed the border is anywhere in its bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "model/policy.h"
#include "sim/sim.h"

static void finding(void *self, const char *line) { sim_break(self, "I-48 %s", line); }

static void check_chain(struct sim *s)
{
	struct store *store = NULL;
	struct fail fail;
	struct audit_report report = { .say = finding, .self = s };
	if (store_open_resting(lab_database(s->lab), &store, &fail) != RC_OK) {
		sim_break(s, "%s the database can't be read: %s",
			  s->fired[SIM_MIGRATION] ? "I-47" : "I-43", fail.why);
		return;
	}
	if (store_is_whole(store, &fail) != RC_OK)
		sim_break(s, "I-43 %s", fail.why);
	store_audit_key(store, &lab_policy()->audit_key);
	if (store_audit_verify(store, NULL, &report, &fail) != RC_OK)
		sim_break(s, "I-48 %s", fail.why);
	store_close(store);
}

void check_store(struct sim *s)
{
	lab_kill(s->lab, DAY_MS);
	check_secrets(s, "the database", ramdisk_file(lab_ramdisk(s->lab), ""));
	check_secrets(s, "its log", ramdisk_file(lab_ramdisk(s->lab), "-wal"));
	check_chain(s);
}
