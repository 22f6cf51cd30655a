/* disk_inside: what the files of the disk share. */
#ifndef TESTS_DISK_INSIDE_H
#define TESTS_DISK_INSIDE_H
#include "lib/disk.h"

/* The files of one database, by the end of their names. */
enum disk_role { DISK_DB, DISK_WAL, DISK_JOURNAL, DISK_ROLES };
extern const char *const disk_tails[DISK_ROLES];
/* Which of the recorded files that is; DISK_ROLES = none. */
enum disk_role disk_role_of(const char *name);

/* SQLite's chance, from its beginning: the same calls write the same bytes. */
void disk_same_dice(void);

/* disk_log.c: what happened; inode 0 = none. */
int disk_log_made(enum disk_role role);  /* a new file under that name */
int disk_log_found(enum disk_role role); /* the file that is under that name */
void disk_log_write(int inode, const void *at, size_t n, int64_t offset);
void disk_log_truncate(int inode, int64_t size);
void disk_log_sync(int inode);
void disk_log_delete(enum disk_role role, bool is_durable);
#endif
