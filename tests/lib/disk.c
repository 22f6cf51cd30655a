/* disk: see disk.h. The VFS: every call goes to SQLite's own after it was looked at. */
#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_inside.h"

static struct {
	sqlite3_vfs vfs, *real;
	struct disk_fault fault;
	bool is_ill;
	int calls; /* that the fault has seen */
	unsigned refused;
	char path[160]; /* of the small disk */
	int64_t bytes;  /* 0 = no ceiling */
} disk;

struct file {
	sqlite3_file base;
	const char *name; /* SQLite keeps it until the file is closed; NULL = a temporary file */
	int inode;        /* in the log */
	sqlite3_file *real;
};

static struct file *file_of(sqlite3_file *f) { return (void *)f; }

/* --- faults --- */

void disk_fail(const struct disk_fault *f)
{
	disk.fault = *f;
	disk.is_ill = true;
	disk.calls = 0;
	disk.refused = 0;
}

void disk_heal(void)
{
	disk.is_ill = false;
	disk.bytes = 0;
}

unsigned disk_refused(void) { return disk.refused; }

static bool ends(const char *name, const char *tail)
{
	if (!name)
		return false;
	const size_t n = strlen(name), m = strlen(tail);
	return n >= m && strcmp(name + n - m, tail) == 0;
}

/* SQLITE_OK, or what that call is to say. */
static int refusal(enum disk_call call, const char *name)
{
	const struct disk_fault *f = &disk.fault;

	if (!disk.is_ill || !(f->calls & call) || (f->tail && !ends(name, f->tail)))
		return SQLITE_OK;
	const int seen = disk.calls++;
	if (seen < f->after || (f->count && seen >= f->after + f->count))
		return SQLITE_OK;
	disk.refused++;
	return f->code;
}

/* --- a small disk --- */

void disk_shrink(const char *path, int64_t bytes)
{
	(void)snprintf(disk.path, sizeof disk.path, "%s", path);
	disk.bytes = bytes;
}

static int64_t used(void)
{
	static const char *const tails[] = { "", "-wal", "-journal", ".ballast" };
	int64_t sum = 0;

	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		char name[192];
		struct stat at;
		(void)snprintf(name, sizeof name, "%s%s", disk.path, tails[i]);
		if (stat(name, &at) == 0)
			sum += at.st_size;
	}
	return sum;
}

int64_t disk_room(void)
{
	const int64_t room = disk.bytes - used();

	return room > 0 ? room : 0;
}

/* How many of n bytes fit. */
static int fitting(const struct file *f, int n, int64_t offset)
{
	sqlite3_int64 size = 0;

	if (!disk.bytes || !f->name || strncmp(f->name, disk.path, strlen(disk.path)) != 0 ||
	    f->real->pMethods->xFileSize(f->real, &size) != SQLITE_OK || offset + n <= size)
		return n;
	const int64_t room = disk_room(), grows = offset + n - size;
	return grows <= room ? n : grows - room >= n ? 0 : n - (int)(grows - room);
}

/* --- one file --- */

static int disk_close(sqlite3_file *f)
{
	return file_of(f)->real->pMethods->xClose(file_of(f)->real);
}

static int disk_read(sqlite3_file *f, void *to, int n, sqlite3_int64 offset)
{
	struct file *d = file_of(f);
	const int code = refusal(DISK_READ, d->name);

	return code == SQLITE_OK ? d->real->pMethods->xRead(d->real, to, n, offset) : code;
}

static int write_some(struct file *d, const void *at, int n, sqlite3_int64 offset)
{
	if (n == 0)
		return SQLITE_OK;
	const int code = d->real->pMethods->xWrite(d->real, at, n, offset);
	if (code == SQLITE_OK)
		disk_log_write(d->inode, at, (size_t)n, offset);
	return code;
}

static int disk_write(sqlite3_file *f, const void *at, int n, sqlite3_int64 offset)
{
	struct file *d = file_of(f);
	const int code = refusal(DISK_WRITE, d->name), fits = fitting(d, n, offset);

	if (code != SQLITE_OK) {
		if (disk.fault.is_short)
			(void)write_some(d, at, n / 2, offset);
		return code;
	}
	const int written = write_some(d, at, fits, offset);
	return written == SQLITE_OK && fits < n ? SQLITE_FULL : written;
}

static int disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct file *d = file_of(f);
	int code = refusal(DISK_TRUNCATE, d->name);

	if (code == SQLITE_OK)
		code = d->real->pMethods->xTruncate(d->real, size);
	if (code == SQLITE_OK)
		disk_log_truncate(d->inode, size);
	return code;
}

static int disk_sync(sqlite3_file *f, int flags)
{
	struct file *d = file_of(f);
	const int refused = refusal(DISK_SYNC, d->name);

	if (refused != SQLITE_OK && !disk.fault.is_secret)
		return refused;
	const int code = d->real->pMethods->xSync(d->real, flags);
	if (code == SQLITE_OK)
		disk_log_sync(d->inode);
	return refused == SQLITE_OK ? code : refused;
}

static int disk_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return file_of(f)->real->pMethods->xFileSize(file_of(f)->real, size);
}

static int disk_lock(sqlite3_file *f, int lock)
{
	return file_of(f)->real->pMethods->xLock(file_of(f)->real, lock);
}

static int disk_unlock(sqlite3_file *f, int lock)
{
	return file_of(f)->real->pMethods->xUnlock(file_of(f)->real, lock);
}

static int disk_is_reserved(sqlite3_file *f, int *out)
{
	return file_of(f)->real->pMethods->xCheckReservedLock(file_of(f)->real, out);
}

static int disk_control(sqlite3_file *f, int what, void *arg)
{
	return file_of(f)->real->pMethods->xFileControl(file_of(f)->real, what, arg);
}

static int disk_sector(sqlite3_file *f)
{
	return file_of(f)->real->pMethods->xSectorSize(file_of(f)->real);
}

static int disk_traits(sqlite3_file *f)
{
	return file_of(f)->real->pMethods->xDeviceCharacteristics(file_of(f)->real);
}

/* For stories that look into the file with a second, ordinary connection. */
static int disk_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
	return file_of(f)->real->pMethods->xShmMap(file_of(f)->real, region, size, extend, out);
}

static int disk_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return file_of(f)->real->pMethods->xShmLock(file_of(f)->real, offset, n, flags);
}

static void disk_shm_barrier(sqlite3_file *f)
{
	file_of(f)->real->pMethods->xShmBarrier(file_of(f)->real);
}

static int disk_shm_unmap(sqlite3_file *f, int delete)
{
	return file_of(f)->real->pMethods->xShmUnmap(file_of(f)->real, delete);
}

/* Version 2: no mapping. */
static const sqlite3_io_methods methods = { .iVersion = 2,
					    .xClose = disk_close,
					    .xRead = disk_read,
					    .xWrite = disk_write,
					    .xTruncate = disk_truncate,
					    .xSync = disk_sync,
					    .xFileSize = disk_size,
					    .xLock = disk_lock,
					    .xUnlock = disk_unlock,
					    .xCheckReservedLock = disk_is_reserved,
					    .xFileControl = disk_control,
					    .xSectorSize = disk_sector,
					    .xDeviceCharacteristics = disk_traits,
					    .xShmMap = disk_shm_map,
					    .xShmLock = disk_shm_lock,
					    .xShmBarrier = disk_shm_barrier,
					    .xShmUnmap = disk_shm_unmap };

/* --- names --- */

static int disk_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct file *d = file_of(f);
	const enum disk_role role = disk_role_of(name);
	const bool is_there = role != DISK_ROLES && access(name, F_OK) == 0;
	int code = refusal(DISK_OPEN, name);

	(void)v;
	if (code == SQLITE_READONLY) {
		flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
			SQLITE_OPEN_READONLY;
		code = SQLITE_OK;
	}
	*d = (struct file){ .name = name, .real = (void *)(d + 1) };
	if (code == SQLITE_OK)
		code = disk.real->xOpen(disk.real, name, d->real, flags, out);
	if (code != SQLITE_OK)
		return code;
	d->base.pMethods = &methods;
	if (role != DISK_ROLES)
		d->inode = is_there ? disk_log_found(role) : disk_log_made(role);
	return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *v, const char *name, int is_durable)
{
	const enum disk_role role = disk_role_of(name);
	int code = refusal(DISK_DELETE, name);

	(void)v;
	if (code == SQLITE_OK)
		code = disk.real->xDelete(disk.real, name, is_durable);
	if (code == SQLITE_OK && role != DISK_ROLES)
		disk_log_delete(role, is_durable != 0);
	return code;
}

static uint64_t dice;

static int disk_chance(sqlite3_vfs *v, int n, char *out)
{
	(void)v;
	for (int i = 0; i < n; i++) {
		dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		out[i] = (char)(dice >> 56);
	}
	return n;
}

void disk_same_dice(void)
{
	dice = 1;
	sqlite3_randomness(0, NULL);
}

void disk_plug(void)
{
	disk_heal();
	disk_record(NULL);
	if (disk.real)
		return;
	disk.real = sqlite3_vfs_find(NULL);
	assert(disk.real);
	disk.vfs = *disk.real;
	disk.vfs.pNext = NULL;
	disk.vfs.zName = "disk";
	disk.vfs.szOsFile += (int)sizeof(struct file);
	disk.vfs.xOpen = disk_open;
	disk.vfs.xDelete = disk_delete;
	disk.vfs.xRandomness = disk_chance;
	if (sqlite3_vfs_register(&disk.vfs, 1) != SQLITE_OK)
		assert(!"SQLite takes no disk");
}

void disk_unplug(void)
{
	disk_record(NULL);
	if (!disk.real)
		return;
	(void)sqlite3_vfs_unregister(&disk.vfs);
	(void)sqlite3_vfs_register(disk.real, 1);
	disk.real = NULL;
}
