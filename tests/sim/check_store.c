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
		sim_break(s, "I-48 the database can't be read: %s", fail.why);
		return;
	}
	store_audit_key(store, &lab_policy()->audit_key);
	if (store_audit_verify(store, NULL, &report, &fail) != RC_OK)
		sim_break(s, "I-48 %s", fail.why);
	store_close(store);
}

static void check_bytes(struct sim *s, struct str bytes)
{
	/* Tokens, keys, response URLs ("/response/…") and trigger ids (three numbers and dots;
	 * their tail is hex). */
	static const char *const secrets[] = { "xapp-1-A0SANDBOX",
					       "xoxb-T0SANDBOX",
					       "R0SANDBOXR0SANDBOX",
					       "lab-source-token",
					       "0123456789abcdef0123456789abcdef",
					       "/response/actions/",
					       "trigger_id" };
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (memmem(bytes.at, bytes.n, secrets[i], strlen(secrets[i])))
			sim_break(s, "I-49 the database holds \"%.12s…\"", secrets[i]);
}

void check_store(struct sim *s)
{
	lab_kill(s->lab, DAY_MS);
	check_bytes(s, ramdisk_file(lab_ramdisk(s->lab), ""));
	check_bytes(s, ramdisk_file(lab_ramdisk(s->lab), "-wal"));
	check_chain(s);
}
