/* ramdisk: the disk of a lab: files in memory behind an SQLite VFS of their own, so that a run
 * costs no system call, and so that a test can be the disk: full, failing, losing what was never
 * synced. For tests only. */
#ifndef TESTS_RAMDISK_H
#define TESTS_RAMDISK_H
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct ramdisk;
struct ramdisk *ramdisk_new(void);
void ramdisk_free(struct ramdisk *d);
/* What store_open() takes: "file:/lab.db?vfs=…". */
const char *ramdisk_url(const struct ramdisk *d);
/* Everything that lies on it, in place of what lay here. */
void ramdisk_copy(struct ramdisk *to, const struct ramdisk *from);
/* The bytes of the database ("") or of its log ("-wal"); valid until the next write. */
struct str ramdisk_file(const struct ramdisk *d, const char *tail);
/* Grows with every write: if it stands still, nothing was committed. */
uint64_t ramdisk_writes(const struct ramdisk *d);

/* What the disk does to the program. Each is armed and bites when its moment comes. */
enum ramdisk_fault {
	RAMDISK_FULL,        /* no file can grow, until ramdisk_heal() */
	RAMDISK_COMMIT_KEPT, /* the next sync says EIO, but all is on the disk */
	RAMDISK_COMMIT_LOST, /* the next sync says EIO, and what was not synced is gone */
	RAMDISK_WRITE_EIO,   /* the next write says EIO */
	RAMDISK_BUSY,        /* the next lock is somebody else's */
	RAMDISK_READ_EIO,    /* the next read says EIO */
	RAMDISK_READ_ONLY,   /* it takes nothing, until ramdisk_heal() */
	RAMDISK_DAMAGED,     /* heads of the database's pages are not what they were, until then */
	RAMDISK_SLOW,        /* the next sync takes long: ramdisk_slept() */
	RAMDISK_FAULTS
};
void ramdisk_arm(struct ramdisk *d, enum ramdisk_fault f);
void ramdisk_heal(struct ramdisk *d); /* disarms all */
/* How often each bit, ever; asked by whoever counts. */
uint64_t ramdisk_bitten(const struct ramdisk *d, enum ramdisk_fault f);
/* Syncs that took long since it was asked last. */
unsigned ramdisk_slept(struct ramdisk *d);
/* The power fails: what was not synced is gone. */
void ramdisk_lose_unsynced(struct ramdisk *d);
#endif
