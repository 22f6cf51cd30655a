/* soak: the real bot under load and faults for hours. What its files share: soak.c (the run),
 * soak_people.c (senders and people), soak_faults.c (what goes wrong), soak_watch.c (figures),
 * soak_check.c (what must be true). Nobody else includes it. */
#ifndef SOAK_H
#define SOAK_H
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/when.h"
#include "lib/live.h"

enum {
	TASKS_MAX = 40000,
	SENT_MAX = 120000,
	PAGES_MAX = 40000,
	POSTS_MAX = 1 << 19, /* places for markers; a power of two */
	SAMPLES_MAX = 8640,  /* 24 h */
	PERSONS = 120,
	ERRORS_MAX = 32,
	SAMPLE_MS = 10 * 1000,
	LOOK_MS = 1000, /* people look at their screens so often */
	CLICK_MS = 3500 /* after that Slack tells the person that nobody answered */
};

/* --- alerts and what the people they name do --- */

struct script {
	const char *type;      /* of the alert: a playbook's name, or none's */
	const char *clicks[3]; /* NULL at the end */
	int percent, end;      /* end: the inquiry's state, -1 = there is none */
	int alert_state;
	bool waits_for_silence, is_nobody, is_asked, is_told, has_card;
	const char *reasons[3]; /* to page, beside "opened" */
};
extern const struct script soak_scripts[];
extern const size_t soak_scripts_n;

enum again { AGAIN_NOT, AGAIN_SAME, AGAIN_OTHER }; /* the same body, another with the same key */
struct task {
	const struct script *script;
	int whom, priority;
	enum again again;
	int64_t alert_id; /* 0 = not accepted yet */
	char ts[24], token[80];
	size_t step;   /* clicks that were acknowledged */
	size_t flying; /* 1 + its click or note in sent[], 0 = none */
	int64_t act_ms;
	bool wants_note, is_noted, is_silent;
	int shown; /* messages in the direct message */
};

enum what { SENT_CLICK, SENT_NOTE, SENT_STRANGER, SENT_COMMAND, SENT_KINDS };
struct sent {
	char envelope[40];
	uint32_t task; /* of a command: no meaning */
	enum what what;
	bool is_acked;
	int ack_ms;
	int64_t at_ms;
};

struct page {
	int64_t number, case_id;
	char reason[20];
};

struct tally {
	char name[40];
	int64_t n;
};

struct sample {
	int64_t at_ms, life_ms; /* since the soak, the life began */
	int life;
	int64_t rss_kb, pss_kb, private_kb, fds, threads, cpu_ms, db_bytes, wal_bytes;
	int64_t cases, sandbox_kb, sandbox_cpu_ms, own_cpu_ms;
};

struct outage {
	const char *where[4]; /* NULL at the end */
	const char *kind;
	int64_t ms, every_ms, first_ms; /* in a soak of two hours; shorter ones are scaled */
};

struct soak {
	struct live *live;
	uint64_t random;
	int64_t begun_ms, total_ms, per_minute;
	bool is_load_over;
	/* senders and people */
	struct task *tasks;
	size_t made, posted, repeated;
	int64_t owed_milli, made_at_ms, post_after_ms, looked_ms, command_ms, state_ms;
	int64_t seq; /* of the ledger */
	int64_t unanswered;
	struct sent *sent;
	size_t sent_n;
	struct page *pages;
	size_t pages_n;
	uint64_t *posts; /* a hash table of markers */
	int64_t posts_n, doubled, misdirected, calls;
	struct tally errors[ERRORS_MAX];
	/* faults */
	int64_t fault_ms, deaf_until_ms, outage_until_ms, armed;
	const struct outage *outage;
	int64_t outages, socket_faults;
	/* lives */
	int life, kills, stops, surprises;
	int64_t life_ms, death_ms;
	bool is_started;
	/* figures */
	FILE *csv;
	struct sample *samples;
	size_t samples_n;
	int64_t sampled_ms, said_ms;
	int failed;
};

/* 0 … n-1, by the seed. */
uint64_t soak_chance(struct soak *s, uint64_t n);
int64_t soak_age_ms(const struct soak *s); /* of the run */
/* One thing that must be true, with what was seen; counted, printed. */
void soak_judge(struct soak *s, bool holds, const char *what, const char *seen);

/* soak_people.c */
void people_open(struct soak *s);
void alerts_make(struct soak *s);
void alerts_post(struct soak *s);
void people_act(struct soak *s);
void task_name(size_t i, char out[32]);
void task_note(size_t i, char out[48]);
void people_say_who_waits(const struct soak *s);
bool people_are_done(const struct soak *s); /* everybody has said all and all was accepted */

/* soak_faults.c */
void faults_go_on(struct soak *s);
void faults_end(struct soak *s);

/* soak_watch.c */
void watch_open(struct soak *s, const char *csv);
void watch(struct soak *s);
void watch_judge(struct soak *s);
int64_t file_bytes(const char *path); /* 0 = not there */

/* soak_check.c: of a copy of the database */
void check_all(struct soak *s, const char *copy);
#endif
