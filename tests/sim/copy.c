/* copy: a seed asks for a backup now and then, and looks into the copy (I-46). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "model/policy.h"
#include "sim/sim.h"

static int64_t newest_record(struct store *s)
{
	struct audit_mark mark;
	struct fail fail;
	return store_audit_mark(s, &mark, &fail) == RC_OK ? mark.seq : -1;
}

void copy_ask(struct sim *s)
{
	if (s->copy.is_asked || !lab_look(s->lab))
		return;
	s->copy.is_asked = true;
	s->copy.is_hopeless = sim_random(s, 4) == 0; /* the target is full, or not there */
	s->copy.seq = newest_record(lab_store(s->lab));
	snprintf(s->copy.path, sizeof(s->copy.path), "%s/securitybot-copy-%ld.db",
		 s->copy.is_hopeless             ? "/dev/null"
		 : access("/dev/shm", W_OK) == 0 ? "/dev/shm"
						 : "/tmp",
		 (long)getpid());
	lab_backup(s->lab, s->copy.path, &s->copy.answer);
}

static void finding(void *self, const char *line) { sim_break(self, "I-46 the copy: %s", line); }

static void look_into(struct sim *s)
{
	struct store *copy = NULL;
	struct fail fail;
	struct audit_report report = { .say = finding, .self = s };
	if (store_open_resting(s->copy.path, &copy, &fail) != RC_OK) {
		sim_break(s, "I-46 the copy can't be read: %s", fail.why);
		return;
	}
	store_audit_key(copy, &lab_policy()->audit_key);
	if (store_is_whole(copy, &fail) != RC_OK ||
	    store_audit_verify(copy, NULL, &report, &fail) != RC_OK)
		sim_break(s, "I-46 the copy: %s", fail.why);
	else if (newest_record(copy) < s->copy.seq)
		sim_break(s, "I-46 the copy lacks what was committed before it was asked for");
	store_close(copy);
}

void copy_forget(struct sim *s)
{
	char tmp[128];
	if (!s->copy.path[0] || s->copy.is_hopeless)
		return;
	snprintf(tmp, sizeof(tmp), "%s.tmp", s->copy.path);
	(void)unlink(s->copy.path);
	(void)unlink(tmp);
}

void copy_check(struct sim *s)
{
	if (!s->copy.is_asked || !s->copy.answer.status)
		return;
	s->fired[SIM_BACKUP_REFUSED] += s->copy.is_hopeless && s->copy.answer.status == 400;
	if (s->copy.is_hopeless && s->copy.answer.status == 200)
		sim_break(s, "I-46 there is no such place, but a copy is said to be there");
	if (s->copy.answer.status == 200)
		look_into(s);
	copy_forget(s);
	memset(&s->copy, 0, sizeof(s->copy));
}
