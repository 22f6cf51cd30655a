/* disk: SQLite's own disk with a memory and a temper. It writes down every write, truncation, sync
 * and deletion of one database, its log and its journal, and builds from that what a power cut at
 * any moment could have left; it can refuse calls, and it can be small. For tests only; plugged in
 * as SQLite's default VFS, so that what is tested opens its database by a plain path. */
#ifndef TESTS_DISK_H
#define TESTS_DISK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void disk_plug(void); /* a healthy disk, nothing recorded; once more is fine */
void disk_unplug(void);

/* --- faults --- */

enum disk_call {
	DISK_OPEN = 1,
	DISK_READ = 2,
	DISK_WRITE = 4,
	DISK_TRUNCATE = 8,
	DISK_SYNC = 16,
	DISK_DELETE = 32
};
/* SQLITE_READONLY at DISK_OPEN: the file is opened, for reading only. */
struct disk_fault {
	unsigned calls;   /* of these kinds */
	const char *tail; /* of files whose name ends so; NULL = any */
	int after;        /* calls that go well before */
	int count;        /* then so many fail; 0 = all from then on */
	int code;         /* SQLITE_FULL, SQLITE_IOERR_FSYNC, … */
	bool is_short;    /* a write gets half of its bytes down before it fails */
	bool is_secret;   /* a sync does its work and then says that it failed */
};
void disk_fail(const struct disk_fault *f); /* instead of the fault before */
void disk_heal(void);                       /* no fault, no ceiling */
unsigned disk_refused(void);                /* calls failed since the last disk_fail */

/* A disk of so many bytes for the database at path with all that lies beside it (PATH-wal,
 * PATH-journal, PATH.ballast). */
void disk_shrink(const char *path, int64_t bytes);
int64_t disk_room(void); /* what is left of it */

/* --- the log --- */

/* Forgets what was recorded; path NULL: records no more. The file must not be there yet. */
void disk_record(const char *path);
void disk_record_no_more(void);    /* and keep what there is */
size_t disk_steps(void);           /* crash points: 0 = before the first call … disk_steps() */
bool disk_is_sync(size_t step);    /* the call before this crash point made something durable */
bool disk_is_at_risk(size_t step); /* something is not durable there; steps in rising order */

/* What becomes of that which was written and not synced, for each sector of 512 bytes. */
enum disk_loss { DISK_LOSES_ALL, DISK_LOSES_HALF, DISK_TEARS_LAST, DISK_LOSSES };
/* The database, its log and its journal as they could be found after a power cut at that crash
 * point; equal numbers are equal files. Steps in rising order since disk_record. */
uint64_t disk_cut(size_t step, enum disk_loss loss, uint64_t seed);
void disk_write_cut(const char *path); /* the newest, as files */
#endif
