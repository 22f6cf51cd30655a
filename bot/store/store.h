/* store: what survives. The only SQL, the only writer; answers model/look.h. One connection
 * (EXCLUSIVE, WAL, synchronous=FULL), one transaction a turn. Statements are named in
 * store/statements.h, prepared at open, in the subset that PostgreSQL runs too. Called by turn and
 * main (open, close) only. */
#ifndef STORE_STORE_H
#define STORE_STORE_H
#include "base/arena.h"
#include "base/fail.h"
#include "base/mac.h"
#include "base/secret.h"
#include "model/decision.h"
#include "model/event.h"
#include "model/look.h"
struct store;

/* The simulator's hand on the store: called before and after every statement and commit; false =
 * the process is dead: the call and all that follow fail with RC_BROKEN and change nothing. NULL in
 * production. */
struct store_hook {
	bool (*alive)(void *self, const char *point); /* "INQUIRY_SET before", "commit after", … */
	void *self;
};
/* Opens or creates, takes the lock (RC_REFUSED if another process has it), migrates forward
 * (RC_REFUSED if the file is newer than this program), prepares. RC_MALFORMED: it is damaged, and
 * nothing was changed. *out owns everything;
 * store_close() it. */
MUST_CHECK enum rc store_open(const char *path, const struct store_hook *hook, struct store **out,
			      struct fail *fail);
void store_close(struct store *s); /* rolls back what is open */

/* Transaction. Reads made by look live in `arena` until the next store_begin. */
MUST_CHECK enum rc store_begin(struct store *s, struct arena *arena, struct fail *fail);
struct look *store_look(struct store *s);
/* RC_OK; RC_FULL: disk full, rolled back, try the batch again later; RC_BROKEN: outcome unknown,
 * the process must end. A transaction that wrote nothing is ended without a commit. */
MUST_CHECK enum rc store_commit(struct store *s, struct fail *fail);
void store_rollback(struct store *s);
bool store_wrote(const struct store *s); /* anything since begin */

/* Each item has a savepoint: what the database refuses loses its item, not the batch. */
MUST_CHECK enum rc store_mark(struct store *s, struct fail *fail);
MUST_CHECK enum rc store_keep(struct store *s, struct fail *fail);
MUST_CHECK enum rc store_undo(struct store *s, struct fail *fail);

/* *is_new false: this fact was stored before. */
MUST_CHECK enum rc store_fact(struct store *s, const struct fact *f, int64_t now_ms, bool *is_new,
			      struct fail *fail);
/* Applies the changes in order. RC_REFUSED: a compare-and-set lost or a constraint said no: undo
 * the savepoint. */
MUST_CHECK enum rc store_apply(struct store *s, const struct decision *d, int64_t now_ms,
			       struct fail *fail);

/* Due rows, oldest first, ids into out[0..limit). */
MUST_CHECK enum rc store_due_alerts(struct store *s, int64_t *out, size_t limit, size_t *n,
				    struct fail *fail);
MUST_CHECK enum rc store_due_inquiries(struct store *s, int64_t now_ms, int64_t *out, size_t limit,
				       size_t *n, struct fail *fail);
/* Live outgoing rows whose deadline_ms has passed unconfirmed. */
MUST_CHECK enum rc store_due_deadlines(struct store *s, int64_t now_ms, int64_t *out, size_t limit,
				       size_t *n, struct fail *fail);

/* Claims up to limit requests that may go out now, by rank, then due time, then id; one a gate,
 * none whose gate is closed or has one in flight; writes the attempt (flight = wanted, attempts +
 * 1, first/last_ms) in this transaction. Rows as claimed, in the arena. */
struct claim_terms {
	int64_t now_ms;
	int64_t pace_ms; /* a gate "slack:…" stays closed that long after a claim; 0 = no pacing */
	size_t limit;    /* room in out, for all ranks */
	size_t more;     /* and for pages only: whatever else waits or hangs, they find room */
	/* A second gate that several lines share: 0 = the row may go, else when it is to be looked
	 * at again (later than now_ms); then the next of its line has its chance. NULL = none. */
	int64_t (*later)(void *self, const struct outgoing *row);
	void *self;
};
MUST_CHECK enum rc store_claim(struct store *s, const struct claim_terms *terms,
			       const struct outgoing **out, size_t *n, struct fail *fail);
/* While it holds, nothing of the gates "slack:…" is claimed, nor wakes anybody. Not stored. */
void store_hold_slack(struct store *s, bool holds);
/* When a gate that was closed is open again; 0 = it never was closed. */
MUST_CHECK enum rc store_gate(struct store *s, const char *gate, int64_t *open_ms,
			      struct fail *fail);
/* How many inquiries are open. Outside a transaction, too. */
MUST_CHECK enum rc store_count_open(struct store *s, int64_t *n, struct fail *fail);
/* Open inquiries, with a timer, that are from before_ms or earlier. */
MUST_CHECK enum rc store_old_inquiries(struct store *s, int64_t before_ms, int64_t *out,
				       size_t limit, size_t *n, struct fail *fail);
/* Start of a life: ids of all rows in flight. */
MUST_CHECK enum rc store_in_flight(struct store *s, int64_t *out, size_t limit, size_t *n,
				   struct fail *fail);

/* The earliest moment at which a due_*, a claim or a gate has work after now_ms; NEVER_MS = none;
 * now_ms if there is work left over. */
MUST_CHECK enum rc store_next_due(struct store *s, int64_t now_ms, int64_t *due_ms,
				  struct fail *fail);

/* Since when the oldest of them has been waiting: an alert that was received and not looked at, a
 * page that no vendor has confirmed; NEVER_MS = there is none. Outside a transaction, too. */
struct store_oldest {
	int64_t alert_ms, page_ms;
};
MUST_CHECK enum rc store_oldest(struct store *s, struct store_oldest *out, struct fail *fail);

/* now_ms of the last committed turn (0 = none), and writing it (once a turn, before commit, only if
 * the turn wrote). */
MUST_CHECK enum rc store_now(struct store *s, int64_t *now_ms, struct fail *fail);
MUST_CHECK enum rc store_set_now(struct store *s, int64_t now_ms, struct fail *fail);

/* The crumb's book: how often handling this key has killed us. count adds one. */
MUST_CHECK enum rc store_death_count(struct store *s, const char *key, int64_t now_ms,
				     struct fail *fail);
MUST_CHECK enum rc store_deaths(struct store *s, const char *key, int64_t *n, struct fail *fail);
MUST_CHECK enum rc store_any_deaths(struct store *s, bool *any, struct fail *fail);
/* Deletes facts, crumbs and deliveries older than before_ms, at most limit rows (Slack repeats for
 * hours, never for days). *n: how many went; limit: there may be more. */
MUST_CHECK enum rc store_forget(struct store *s, int64_t before_ms, size_t limit, size_t *n,
				struct fail *fail);
/* An idle moment: checkpoint the WAL (outside a transaction). */
void store_idle(struct store *s);

/* --- room on the disk -----------------------------------------------------------------------
 * A ballast of STORE_BALLAST_BYTES lies beside the database (PATH.ballast). It is given back when
 * a transaction finds the disk full, and made again when twice as much is free. Outside a
 * transaction, all of it. Until store_measure nothing is known, and there is no ballast. */
enum {
	STORE_BALLAST_BYTES = 4 * 1024 * 1024,
	STORE_LOW_PERCENT = 10, /* nearly full: less is free than this much of the disk, */
	STORE_LOW_BYTES = 256 * 1024 * 1024 /* and than this */
};
struct store_meter { /* a disk for tests */
	void (*read)(void *self, int64_t *left, int64_t *all);
	void *self;
};
void store_measure(struct store *s, const struct store_meter *m); /* NULL: the real disk */
struct store_room {
	int64_t left, all; /* bytes; all 0: nobody knows */
	int64_t low;       /* nearly full below */
	bool has_ballast;
};
void store_room(struct store *s, struct store_room *out); /* makes the ballast if it can */
/* False: there is none to give. */
bool store_give_ballast(struct store *s);

/* --- the record as a chain (migrations/0002) ------------------------------------------------
 * The key is the operator's and never stored; without one (tests) it is empty. The chance of the
 * turn makes the salts of details; given anew before each store_begin. */
void store_audit_key(struct store *s, const struct secret *key);
void store_chance(struct store *s, const struct chance *chance);

enum { AUDIT_HEX = 2 * MAC_BYTES + 1, ANCHOR_MAX = 256 };
/* Where the chain was at some moment: kept outside the database, it tells when the end was cut. */
struct audit_mark {
	int64_t seq; /* 0 = no record */
	char digest[AUDIT_HEX];
};
MUST_CHECK enum rc store_audit_mark(struct store *s, struct audit_mark *out, struct fail *fail);
/* One line under a MAC of the key; RC_MALFORMED: not such a line, or not made with this key. */
void anchor_make(const struct secret *key, const struct audit_mark *mark, char out[ANCHOR_MAX]);
MUST_CHECK enum rc anchor_read(const struct secret *key, struct str text, struct audit_mark *out,
			       struct fail *fail);

/* Told of each finding, at most AUDIT_FINDINGS_MAX times; findings counts all. */
enum { AUDIT_FINDINGS_MAX = 100 };
struct audit_report {
	void (*say)(void *self, const char *line);
	void *self;
	int64_t records, unchained, findings; /* unchained: written before there was a chain */
};
/* The end of the chain only (head, last record, anchor; NULL = none): bounded, for a start. */
MUST_CHECK enum rc store_audit_ends(struct store *s, const struct audit_mark *anchor,
				    struct audit_report *r, struct fail *fail);
/* Every record and detail, in a stream, then the ends: for a resting database or a copy. */
MUST_CHECK enum rc store_audit_verify(struct store *s, const struct audit_mark *anchor,
				      struct audit_report *r, struct fail *fail);

/* The record of one case: of the case itself, its alerts, questions and messages, oldest first;
 * words that retention deleted are
 * "". For a resting database or a copy. RC_ABSENT: no record of such a case. */
struct audit_record {
	int64_t seq, at_ms;
	const char *actor, *action, *object, *detail; /* valid during the call */
};
struct audit_teller {
	void (*tell)(void *self, const struct audit_record *r);
	void *self;
};
MUST_CHECK enum rc store_audit_case(struct store *s, int64_t case_id, const struct audit_teller *t,
				    struct fail *fail);

/* --- copies ---------------------------------------------------------------------------------
 * A database that no bot is working on: takes the lock (RC_REFUSED: another process has it),
 * migrates nothing, writes nothing; for store_audit_*, store_backup_* and store_is_whole only.
 * RC_ABSENT: no such file; RC_REFUSED: not ours, or of another schema. */
MUST_CHECK enum rc store_open_resting(const char *path, struct store **out, struct fail *fail);
/* PRAGMA integrity_check: reads everything. RC_MALFORMED: it is damaged, and how. */
MUST_CHECK enum rc store_is_whole(struct store *s, struct fail *fail);

/* A copy of the whole database into path (absolute), BACKUP_PAGES a step, on our own connection:
 * what is committed meanwhile is in it. Nothing is at path before it is whole and on the disk; what
 * is under way lies at path.tmp. One at a time; outside a transaction. */
enum { BACKUP_PAGES = 64, BACKUP_PATH_MAX = 1024 };
struct backup_terms {
	const char *path;
	bool may_replace; /* false: RC_REFUSED if there is a file already */
};
/* RC_REFUSED: there is such a file, or it is the database itself; RC_ABSENT: no file can be made
 * there. */
MUST_CHECK enum rc store_backup_start(struct store *s, const struct backup_terms *terms,
				      struct fail *fail);
/* RC_OK: done; RC_AGAIN: there is more; RC_REFUSED: it failed and is cleared away; RC_BROKEN as
 * everywhere. */
struct backup_progress {
	int64_t done, pages;
};
MUST_CHECK enum rc store_backup_step(struct store *s, struct backup_progress *out,
				     struct fail *fail);
void store_backup_drop(struct store *s); /* ends it and clears it away; none is fine */
#endif
