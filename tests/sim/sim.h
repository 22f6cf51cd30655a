/* sim: one seed = one company for two virtual hours: alerts, people who answer, dawdle, quarrel
 * with themselves or meddle, a Slack and a pager that fail, and a process that dies at any step.
 * Faults stop in the middle; by the end everything must have come to rest. drive.c makes it happen,
 * check.c holds it against what must always be true. */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H
#include "lib/lab.h"

enum {
	SIM_POSTS_MAX = 160,
	SIM_CLICKS_MAX = 256,
	SIM_SEEN_MAX = 256,
	SIM_PEOPLE_MAX = 16,
	SIM_FAULTS_MAX = 96
};
/* Faults that others than faults.c see happen: the first of its table. */
enum sim_named { SIM_KILLED, SIM_EARLY_ANSWER, SIM_MIGRATION, SIM_LAG, SIM_BACKUP_REFUSED };

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
	bool is_deleted; /* its message was taken away once */
	/* As the database had it when it was checked last; case_id 0 = never. */
	int state;
	int64_t case_id, answered_ms;
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
	bool faults, deaths, floods, is_fresh, confirms;
	const char *favourite; /* the point of death it comes back to */
	/* faults.c */
	unsigned rates[SIM_FAULTS_MAX];
	uint64_t fired[SIM_FAULTS_MAX], fault_in;
	bool is_long;              /* one of them lasts for hours */
	bool is_wall_wrong;        /* by an hour or more: the bot's times are not ours */
	int64_t wall_ms;           /* the wall clock is ahead by so much */
	int64_t drifted_ms;        /* there and back */
	int64_t pager_wait_ms;     /* the longest Retry-After that the pager may have asked for */
	bool closed[SIM_SEEN_MAX]; /* cases that were seen closed */
	uint64_t checks;
	struct { /* a copy of the database */
		char path[96];
		struct lab_post answer;
		int64_t seq; /* the newest record when it was asked for */
		bool is_asked, is_hopeless;
	} copy;
	char broken[400]; /* "" or "I-28 …": the invariant that did not hold */
};

/* Runs a seed; trace gets the hash of all that crossed the border. False: s->broken says why. */
bool sim_run(uint64_t seed, struct lab_points *points, struct sim *s, char trace[65]);
uint64_t sim_random(struct sim *s, uint64_t below);
bool sim_tells(void); /* a developer reads along: nothing is caught */
void sim_break(struct sim *s, const char *format, ...)
	__attribute__((format(printf, 2, 3))); /* the first one stays */

/* faults.c */
size_t faults_n(void);
const char *fault_name(size_t i);
const char *fault_number(size_t i);
void faults_draw(struct sim *s); /* which there will be, and how often */
void faults_favour(struct sim *s, uint64_t seed);
void faults_doom_first(struct sim *s); /* at birth */
void faults_strike(struct sim *s);     /* perhaps one */
void faults_doom(struct sim *s);       /* perhaps a death */
void faults_collect(struct sim *s);    /* at the end: s->fired is whole */
bool faults_may_double(const struct sim *s);

/* copy.c: a backup now and then. */
void copy_ask(struct sim *s);
void copy_check(struct sim *s); /* once it was answered */
void copy_forget(struct sim *s);

bool sim_at_rest(struct sim *s);  /* nothing waits to go out, and nobody for an answer */
void check_always(struct sim *s); /* safety, while time passes */
void check_end(struct sim *s);    /* safety and liveness, when it has come to rest */
void check_times(struct sim *s, const struct cJSON *state, struct look *l); /* how late it was */
void check_ledger(struct sim *s, const struct cJSON *ledger); /* what the world saw of us */
void check_secrets(struct sim *s, const char *where, struct str bytes);
void check_store(struct sim *s); /* the file, after the last death */
/* How many records there are of an action on an object, and when the newest was written (0 = none).
 */
size_t sim_recorded(struct look *l, const char *kind, int64_t id, const char *action,
		    int64_t *newest_ms);
/* What an incident is about, also where only its summary says so. */
struct sim_about {
	int64_t case_id;
	char reason[48];
};
void sim_about(const struct cJSON *incident, struct sim_about *out);
const struct cJSON *sim_incident(const struct cJSON *state, int64_t case_id, const char *reason);
/* Names of the invariants that are checked, for the report. */
extern const char *const check_names[];
#endif
