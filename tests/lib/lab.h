/* lab: one SecurityBot (the real turn, handlers, codecs and SQL) and its world (the sandbox's
 * model) under one virtual clock. For scenarios and the simulator: whoever holds a lab says what
 * people do, lets time pass, and kills the process when he likes. A death drops every struct of the
 * process and keeps the disk, the crumb, and what had left for the world. */
#ifndef TESTS_LAB_H
#define TESTS_LAB_H
#include "base/json.h"
#include "base/mac.h"
#include "base/when.h"
#include "config/config.h"
#include "ramdisk.h"
#include "sandbox/world.h"
#include "store/store.h"
#include "turn.h"

#define LAB_START_MS INT64_C(1800000000000) /* 15 January 2027, 08:00 UTC */
enum { LAB_POINTS_MAX = 512, LAB_SLOTS = 2048 };

/* A named moment at which the process can die, and how often it came and was used. */
struct lab_point {
	char name[48]; /* "commit before", "send after", "INQUIRY_SET before", … */
	uint64_t passed, died;
};
struct lab_points {
	struct lab_point at[LAB_POINTS_MAX];
	size_t n;
	uint16_t slots[LAB_SLOTS]; /* by the hash of the name: index + 1 */
};
void lab_points_add(struct lab_points *to, const struct lab_points *from);

struct lab_options {
	uint64_t seed;
	bool slack_limits;
	int64_t latency_ms; /* each way; jitter of up to as much again from the seed; default 20 */
	struct lab_points *points; /* shared by many labs; may be NULL */
	bool in_memory;            /* its disk is a struct ramdisk; else files in /dev/shm */
	size_t pagers;             /* only the first so many of the configuration; 0 = all */
	bool asks_no_pager;        /* what became of a page, whatever the configuration says */
	bool is_fresh;             /* in memory: the first life migrates; else it finds that done */
	int64_t disk_bytes; /* in files, disk.h plugged in: a disk so small, and the bot measures it
			     */
};
struct lab;
struct lab *lab_new(const struct lab_options *o);
void lab_free(struct lab *l);

/* The one configuration of all labs (tests/lib/lab.yaml), loaded once in the test's life. */
const struct policy *lab_policy(void);
void lab_configure(const char *file); /* another one in its place; before the first lab, or after
					  lab_done */
void lab_done(void);                  /* frees it, at the end of main */

int64_t lab_now(const struct lab *l);
struct world *lab_world(struct lab *l);
/* Lets virtual time pass: everything that is due happens, in order. */
void lab_pass(struct lab *l, int64_t ms);
/* Until nothing but far timers is left (nothing due within quiet_ms), at most max_ms. */
void lab_settle(struct lab *l, int64_t quiet_ms, int64_t max_ms);

/* A sender posts this body. *status 0 until answered (lab_pass), -1 if the process died before it
 * answered. */
struct lab_post {
	int status;
	int64_t alert_id;
};
void lab_post(struct lab *l, const char *source, const char *body, struct lab_post *out);
/* The same by somebody who does not know the source's secret. */
void lab_forge(struct lab *l, const char *source, const char *body, struct lab_post *out);
/* Asks at the local socket for a copy of the database into path (absolute): 200 when it is there.
 */
void lab_backup(struct lab *l, const char *path, struct lab_post *out);
/* world_control with arguments by printf; json_free() the result. */
struct cJSON *lab_do(struct lab *l, const char *verb, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Same, and the test ends here if it is not ok. */
void lab_must(struct lab *l, const char *verb, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Death. lab_kill: now. lab_doom: at the n-th point from now (0 = the next); named: only points of
 * that name count ("" = all). The next life begins after rest_ms. While dead, what the world sends
 * is lost. */
void lab_kill(struct lab *l, int64_t rest_ms);
void lab_doom(struct lab *l, const char *named, uint64_t n, int64_t rest_ms);
bool lab_is_dead(const struct lab *l);
unsigned lab_deaths(const struct lab *l);
/* What the machine and the network do. Those that last do so for ms; LAB_STOP and LAB_POWER strike
 * at once; those of the disk (in memory only) bite when their moment comes. */
enum lab_fault {
	LAB_PAUSE,    /* SIGSTOP, a suspended machine: BOOTTIME goes on, nothing runs */
	LAB_STOP,     /* SIGTERM */
	LAB_POWER,    /* what was not synced is gone; it starts again after ms */
	LAB_NO_SLACK, /* no name, no TLS: nothing reaches Slack */
	LAB_NO_PAGER,
	LAB_NO_ACK, /* what it says on a socket is lost, and the socket with it */
	LAB_UNSURE, /* nothing keeps the wall clock right */
	LAB_DISK_FULL,
	LAB_COMMIT_KEPT,
	LAB_COMMIT_LOST,
	LAB_WRITE_EIO,
	LAB_DISK_BUSY,
	LAB_READ_EIO,
	LAB_READ_ONLY,
	LAB_DAMAGED,
	LAB_DISK_SLOW, /* the next sync takes ms */
	LAB_FAULTS
};
void lab_fault(struct lab *l, enum lab_fault f, int64_t ms);
uint64_t lab_fired(const struct lab *l, enum lab_fault f);
void lab_heal(struct lab *l); /* all of the above, and a doom */
/* What must stay 0 at any moment. */
struct lab_wrongs {
	unsigned spoke_after_failure; /* something left in a turn whose COMMIT failed */
	unsigned rude_goodbyes;       /* sockets without a Close frame after SIGTERM */
};
const struct lab_wrongs *lab_wrongs(const struct lab *l);
uint64_t lab_lives(const struct lab *l); /* that ended, however */
size_t lab_sockets(const struct lab *l); /* that the process holds open */
/* The process is busy so long: what arrives meanwhile is taken in one batch. */
void lab_busy(struct lab *l, int64_t ms);
int64_t lab_wakes(const struct lab *l); /* the end of that; now if it is not */
/* Somebody else takes room on its disk, or gives it back: so many bytes are for the bot. */
void lab_resize_disk(struct lab *l, int64_t bytes);
/* What a wall clock set wrong does: shifts the clock the process sees. */
void lab_shift_wall(struct lab *l, int64_t ms);

/* The database as it is committed, for assertions; valid while the process lives and until time
 * passes again. NULL when dead. */
struct look *lab_look(struct lab *l);
/* The path of the database, to be read when the process is dead. A disk in memory is written out.
 */
const char *lab_database(struct lab *l);
struct ramdisk *lab_ramdisk(struct lab *l); /* NULL if it isn't in memory */
/* SHA-256 over all that crossed the border between process and world, so far. */
void lab_trace(const struct lab *l, char hex[65]);

/* Somebody who looks over the shoulder of every lab made from now on; the members may be NULL.
 * begun: before the first life, the file is not there yet. born: a life has opened its database.
 * died: it has closed it, or left it as it lay.
 * committed: behind each COMMIT. released: before a word of the process leaves it (a request, an
 * acknowledgement, an answer). ended: the last life is over and the file still there. */
struct lab_watcher {
	void (*begun)(struct lab *l);
	void (*born)(struct lab *l);
	void (*committed)(struct lab *l);
	void (*released)(struct lab *l, const char *what);
	void (*died)(struct lab *l);
	void (*ended)(struct lab *l);
};
void lab_watch(const struct lab_watcher *w); /* NULL: nobody */
/* Its store, for a watcher; NULL when dead. */
struct store *lab_store(const struct lab *l);
#endif
