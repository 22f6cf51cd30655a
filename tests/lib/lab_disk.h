/* lab_disk: the disk of a lab: files in memory behind an SQLite VFS of their own, so that a run
 * costs no system call, and so that a test can be the disk: full, failing, losing what was never
 * synced. For tests only. */
#ifndef TESTS_LAB_DISK_H
#define TESTS_LAB_DISK_H
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct disk;
struct disk *disk_new(void);
void disk_free(struct disk *d);
/* What store_open() takes: "file:/lab.db?vfs=…". */
const char *disk_url(const struct disk *d);
/* Everything that lies on it, in place of what lay here. */
void disk_copy(struct disk *to, const struct disk *from);
/* The bytes of the database ("") or of its log ("-wal"); valid until the next write. */
struct str disk_file(const struct disk *d, const char *tail);
/* Grows with every write: if it stands still, nothing was committed. */
uint64_t disk_writes(const struct disk *d);

/* What the disk does to the program. Each is armed and bites when its moment comes. */
enum disk_fault {
	DISK_FULL,        /* no file can grow, until disk_heal() */
	DISK_COMMIT_KEPT, /* the next sync says EIO, but all is on the disk */
	DISK_COMMIT_LOST, /* the next sync says EIO, and what was not synced is gone */
	DISK_WRITE_EIO,   /* the next write says EIO */
	DISK_BUSY,        /* the next lock is somebody else's */
	DISK_SLOW,        /* the next sync takes long: disk_slept() */
	DISK_FAULTS
};
void disk_arm(struct disk *d, enum disk_fault f);
void disk_heal(struct disk *d); /* disarms all */
/* How often each bit, ever; asked by whoever counts. */
uint64_t disk_bitten(const struct disk *d, enum disk_fault f);
/* Syncs that took long since it was asked last. */
unsigned disk_slept(struct disk *d);
/* The power fails: what was not synced is gone. */
void disk_lose_unsynced(struct disk *d);
#endif
