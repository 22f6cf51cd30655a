/* sim: one seed = one company for two virtual hours: alerts, people who answer, dawdle, quarrel
 * with themselves or meddle, a Slack and a pager that fail, and a process that dies at any step.
 * Faults stop in the middle; by the end everything must have come to rest. drive.c makes it happen,
 * check.c holds it against what must always be true. */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H
#include "lib/lab.h"

enum { SIM_POSTS_MAX = 160, SIM_CLICKS_MAX = 256, SIM_SEEN_MAX = 256, SIM_PEOPLE_MAX = 16 };

struct sim_post { /* what a sender sent and was told */
	struct lab_post answer;
	char id[16], user[40];
	int priority;
	bool repeated; /* the same id as an earlier one */
	bool forged;   /* without the source's secret */
};
struct sim_click { /* what a person pressed */
	char envelope_id[40], user[16];
	int64_t inquiry_id;
	bool is_no;        /* "No" or "That wasn't me" */
	bool is_addressee; /* as the world's list of direct messages says */
};
struct sim_inquiry { /* what has been seen of an inquiry while time passed */
	int64_t answer_ms;
	char channel[16], user[16], ts[24];
	int64_t act_ms; /* when its person does something next; NEVER_MS = never again */
	int acts;
	char plan; /* y n s(ilent) b(oth) d(ouble) m(yes, then not me) */
};
struct sim {
	struct lab *lab;
	uint64_t random;
	struct sim_post posts[SIM_POSTS_MAX];
	size_t posts_n;
	struct sim_click clicks[SIM_CLICKS_MAX];
	size_t clicks_n;
	struct sim_inquiry inquiries[SIM_SEEN_MAX]; /* by id */
	struct { /* what people typed to the bot: it may count as an answer */
		char user[16];
		bool yes, no;
	} typed[SIM_PEOPLE_MAX];
	char read_ts[24]; /* the newest message that people have seen */
	uint64_t written; /* the writes to the disk when safety was checked last */
	int64_t healed_ms;
	bool faults, deaths, floods;
	char broken[400]; /* "" or "I-28 …": the invariant that did not hold */
};

/* Runs a seed; trace gets the hash of all that crossed the border. False: s->broken says why. */
bool sim_run(uint64_t seed, struct lab_points *points, struct sim *s, char trace[65]);
uint64_t sim_random(struct sim *s, uint64_t below);
void sim_break(struct sim *s, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* the first one stays */

void check_always(struct sim *s); /* safety, while time passes */
void check_end(struct sim *s);    /* safety and liveness, when it has come to rest */
void check_store(struct sim *s);  /* the file, after the last death */
/* Names of the invariants that are checked, for the report. */
extern const char *const check_names[];
#endif
