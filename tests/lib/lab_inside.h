/* lab_inside: what the two files of the lab share. */
#ifndef TESTS_LAB_INSIDE_H
#define TESTS_LAB_INSIDE_H
#include "base/arena.h"
#include "lab.h"

#define LAB_TOKEN "lab-source-token"
enum { LAB_SOCKETS_MAX = 16 };

enum happening_kind {
	HAPPENS_REQUEST, /* a request of ours reaches the vendor */
	HAPPENS_REPLY,   /* its answer reaches us */
	HAPPENS_DIAL,    /* the upgrade reaches Slack */
	HAPPENS_OPENED,
	HAPPENS_TO_SLACK, /* a frame of ours */
	HAPPENS_FROM_SLACK,
	HAPPENS_HEARD,
	HAPPENS_HANG_UP, /* our Close frame reaches Slack */
	HAPPENS_CLOSED,  /* the socket is gone for us */
	HAPPENS_POST,    /* a sender's alert reaches our door */
};
struct happening {
	int64_t at_ms;
	uint64_t order;
	enum happening_kind kind;
	uint64_t life; /* of the process that scheduled it: what comes back to a dead one is lost */
	uint64_t ticket; /* request or our socket */
	int world_socket;
	char *text, *url, *authorization, *content_type;
	const char *method;
	size_t n;
	int status, code;
	bool may_have_happened;
	int64_t retry_after_s;
	struct lab_post *post;
};

struct lab_socket {
	uint64_t ours; /* 0 = free */
	int theirs;
	int64_t last_ms; /* TCP keeps the order: nothing arrives before what was sent before it */
};
struct lab {
	struct lab_options o;
	uint64_t random;
	int64_t now_ms, wall_shift_ms;
	struct world *world;
	struct happening **heap;
	size_t heap_n, heap_cap;
	uint64_t order;
	/* the process */
	struct policy policy; /* the lab's, as the options have it */
	struct turn *turn;    /* NULL = dead */
	struct store *store;
	struct net net;
	int64_t turn_ms, reborn_ms, rest_ms;
	int64_t busy_ms; /* no turn before then: what comes meanwhile is one batch */
	uint64_t life;
	unsigned deaths, spins;
	char crumb[CRUMB_BYTES];
	char died_with[CRUMB_BYTES]; /* the crumb at the moment of death: the dead clear nothing */
	char path[96];
	struct ramdisk *disk; /* NULL: files */
	struct lab_socket sockets[LAB_SOCKETS_MAX];
	struct {
		uint64_t ticket;
		struct lab_post *post;
	} asked[TURN_BATCH_MAX];
	uint64_t next_asked;
	/* what the machine does */
	int64_t fault_until_ms[LAB_FAULTS], slow_ms, stall_ms;
	uint64_t fired[LAB_FAULTS], hurts, commits_failed;
	struct lab_wrongs wrongs;
	/* death */
	bool dead, doomed;
	char doom_name[48];
	uint64_t doom_n;
	struct arena looks;
	bool looking;                /* lab_look has a transaction open */
	struct evp_md_ctx_st *trace; /* SHA-256 so far */
	bool tell;                   /* LAB_TELL=1: print what happens */
};

extern struct lab_watcher lab_watcher;
void lab_measure(struct lab *l); /* the store's meter is the lab's small disk */

uint64_t lab_random(struct lab *l);
int64_t lab_latency(struct lab *l);
/* Ends what lab_look opened. */
void lab_look_away(struct lab *l);
struct happening *lab_schedule(struct lab *l, enum happening_kind kind, int64_t after_ms);
void lab_note(struct lab *l, const char *what, uint64_t n, struct str text);
bool lab_alive(void *self, const char *point);

/* lab_faults.c */
uint64_t lab_hurts(const struct lab *l);
bool lab_suffers(struct lab *l, enum lab_fault f);
void lab_speaks(struct lab *l);
void lab_begins_turn(struct lab *l);
void lab_stopped(struct lab *l);
const struct ramdisk *lab_blank(void);
void lab_blank_done(void);

/* lab_net.c: the border. */
void lab_net(struct lab *l);
void lab_happen(struct lab *l, struct happening *h);
void lab_drain_world(struct lab *l);
void lab_close_sockets(struct lab *l); /* the process died: TCP resets, no Close frame */
#endif
