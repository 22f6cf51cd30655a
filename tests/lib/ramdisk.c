/* ramdisk: see ramdisk.h. Three files at most: the database, its log, and the journal of the
 * moment in which it becomes WAL. Every write since the last sync can be undone. */
#include "ramdisk.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { FILES_MAX = 4, NAME_MAX_ = 64, PAGE = 4096 };

struct undo { /* how it was before a write or a cut that was not synced */
	struct undo *next;
	size_t offset, n, size; /* n bytes at offset; the file's size then */
	unsigned char bytes[];
};
struct file {
	char name[NAME_MAX_]; /* "" = a free place */
	unsigned char *at;
	size_t n, cap;
	struct undo *undo; /* newest first */
};
struct ramdisk {
	sqlite3_vfs vfs;
	char name[24], url[64];
	struct file files[FILES_MAX];
	uint64_t writes, bitten[RAMDISK_FAULTS];
	bool armed[RAMDISK_FAULTS];
	unsigned slept;
};
struct handle {
	sqlite3_file base;
	struct ramdisk *disk;
	struct file *file;
};

/* --- files --- */

static void forget_undo(struct file *f)
{
	for (struct undo *u; (u = f->undo);) {
		f->undo = u->next;
		free(u);
	}
}

static void remember(struct file *f, size_t offset, size_t n)
{
	size_t old = offset >= f->n ? 0 : f->n - offset < n ? f->n - offset : n;
	struct undo *u = mem_new(sizeof(*u) + old);
	*u = (struct undo){ .next = f->undo, .offset = offset, .n = old, .size = f->n };
	if (old)
		memcpy(u->bytes, f->at + offset, old);
	f->undo = u;
}

static void undo_all(struct file *f)
{
	for (struct undo *u; (u = f->undo);) {
		f->undo = u->next;
		if (u->n)
			memcpy(f->at + u->offset, u->bytes, u->n);
		f->n = u->size;
		free(u);
	}
}

static void reserve(struct file *f, size_t n)
{
	if (n <= f->cap)
		return;
	f->cap = 2 * f->cap > n ? 2 * f->cap : n + 65536;
	f->at = mem_grow(f->at, f->cap);
}

static void file_wipe(struct file *f)
{
	forget_undo(f);
	free(f->at);
	*f = (struct file){ .n = 0 };
}

static struct file *file_named(struct ramdisk *d, const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (d->files[i].name[0] && strcmp(d->files[i].name, name) == 0)
			return &d->files[i];
	return NULL;
}

static struct file *file_new(struct ramdisk *d, const char *name)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (!d->files[i].name[0]) {
			snprintf(d->files[i].name, NAME_MAX_, "%s", name);
			return &d->files[i];
		}
	assert(!"more files than a database has");
	return NULL;
}

static bool bites(struct ramdisk *d, enum ramdisk_fault f)
{
	if (!d->armed[f])
		return false;
	d->armed[f] = f == RAMDISK_FULL || f == RAMDISK_READ_ONLY || f == RAMDISK_DAMAGED;
	d->bitten[f]++;
	return true;
}

/* --- what SQLite asks of a file --- */

static struct handle *handle_of(sqlite3_file *f) { return (struct handle *)(void *)f; }

static int do_close(sqlite3_file *f)
{
	(void)f;
	return SQLITE_OK;
}

static int do_read(sqlite3_file *f, void *to, int n, sqlite3_int64 offset)
{
	struct ramdisk *d = handle_of(f)->disk;
	const struct file *at = handle_of(f)->file;
	size_t from = (size_t)offset, want = (size_t)n;
	size_t have = from >= at->n ? 0 : at->n - from < want ? at->n - from : want;
	if (bites(d, RAMDISK_READ_EIO))
		return SQLITE_IOERR_READ;
	if (have)
		memcpy(to, at->at + from, have);
	memset((char *)to + have, 0, want - have);
	/* Of whole pages only, and not the first: what tells SQLite that this is a database. */
	if (at == file_named(d, "/lab.db") && from && have == PAGE && bites(d, RAMDISK_DAMAGED))
		memcpy(to, "torn", 4);
	return have == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int do_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 offset)
{
	struct ramdisk *d = handle_of(f)->disk;
	struct file *to = handle_of(f)->file;
	size_t end = (size_t)offset + (size_t)n;
	if (bites(d, RAMDISK_WRITE_EIO) || bites(d, RAMDISK_READ_ONLY))
		return SQLITE_IOERR_WRITE;
	if (end > to->n && bites(d, RAMDISK_FULL))
		return SQLITE_FULL;
	remember(to, (size_t)offset, (size_t)n);
	reserve(to, end);
	if ((size_t)offset > to->n)
		memset(to->at + to->n, 0, (size_t)offset - to->n);
	memcpy(to->at + offset, from, (size_t)n);
	to->n = end > to->n ? end : to->n;
	d->writes++;
	return SQLITE_OK;
}

static int do_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct file *at = handle_of(f)->file;
	if ((size_t)size >= at->n)
		return SQLITE_OK;
	if (bites(handle_of(f)->disk, RAMDISK_READ_ONLY))
		return SQLITE_IOERR_TRUNCATE;
	remember(at, (size_t)size, at->n - (size_t)size);
	at->n = (size_t)size;
	handle_of(f)->disk->writes++;
	return SQLITE_OK;
}

static int do_sync(sqlite3_file *f, int flags)
{
	struct ramdisk *d = handle_of(f)->disk;
	(void)flags;
	if (bites(d, RAMDISK_COMMIT_LOST)) {
		ramdisk_lose_unsynced(d);
		return SQLITE_IOERR_FSYNC;
	}
	forget_undo(handle_of(f)->file);
	if (bites(d, RAMDISK_COMMIT_KEPT))
		return SQLITE_IOERR_FSYNC;
	d->slept += bites(d, RAMDISK_SLOW);
	return SQLITE_OK;
}

static int do_size(sqlite3_file *f, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)handle_of(f)->file->n;
	return SQLITE_OK;
}

static int do_lock(sqlite3_file *f, int level)
{
	(void)level;
	return bites(handle_of(f)->disk, RAMDISK_BUSY) ? SQLITE_BUSY : SQLITE_OK;
}

static int do_unlock(sqlite3_file *f, int level)
{
	(void)f;
	(void)level;
	return SQLITE_OK;
}

static int do_is_reserved(sqlite3_file *f, int *out)
{
	(void)f;
	*out = 0;
	return SQLITE_OK;
}

static int do_control(sqlite3_file *f, int what, void *more)
{
	(void)f;
	(void)what;
	(void)more;
	return SQLITE_NOTFOUND;
}

static int do_sector(sqlite3_file *f)
{
	(void)f;
	return 4096;
}

static int do_traits(sqlite3_file *f)
{
	(void)f;
	return 0;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = do_close,
	.xRead = do_read,
	.xWrite = do_write,
	.xTruncate = do_truncate,
	.xSync = do_sync,
	.xFileSize = do_size,
	.xLock = do_lock,
	.xUnlock = do_unlock,
	.xCheckReservedLock = do_is_reserved,
	.xFileControl = do_control,
	.xSectorSize = do_sector,
	.xDeviceCharacteristics = do_traits,
};

/* --- what it asks of the disk --- */

static int do_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct ramdisk *d = v->pAppData;
	struct handle *h = handle_of(f);
	assert(name); /* temporary things stay in memory */
	*h = (struct handle){ { &methods }, d, file_named(d, name) };
	bool is_read_only = flags & SQLITE_OPEN_READWRITE && bites(d, RAMDISK_READ_ONLY);
	if (!h->file && (is_read_only || !(flags & SQLITE_OPEN_CREATE))) {
		h->base.pMethods = NULL;
		return SQLITE_CANTOPEN;
	}
	if (!h->file)
		h->file = file_new(d, name);
	if (is_read_only)
		flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
			SQLITE_OPEN_READONLY;
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int do_delete(sqlite3_vfs *v, const char *name, int sync)
{
	struct file *f = file_named(v->pAppData, name);
	(void)sync;
	if (!f)
		return SQLITE_IOERR_DELETE_NOENT;
	if (bites(v->pAppData, RAMDISK_READ_ONLY))
		return SQLITE_IOERR_DELETE;
	file_wipe(f);
	return SQLITE_OK;
}

static int do_access(sqlite3_vfs *v, const char *name, int flags, int *out)
{
	const struct file *f = file_named(v->pAppData, name);
	(void)flags;
	*out = f && f->n;
	return SQLITE_OK;
}

static int do_full_name(sqlite3_vfs *v, const char *name, int n, char *out)
{
	(void)v;
	snprintf(out, (size_t)n, "%s", name);
	return SQLITE_OK;
}

struct ramdisk *ramdisk_new(void)
{
	static unsigned count;
	struct ramdisk *d = mem_new(sizeof(*d));
	const sqlite3_vfs *real = sqlite3_vfs_find(NULL);
	snprintf(d->name, sizeof(d->name), "lab-disk-%u", ++count);
	snprintf(d->url, sizeof(d->url), "file:/lab.db?vfs=%s", d->name);
	d->vfs = *real;
	d->vfs.iVersion = 2;
	d->vfs.pNext = NULL;
	d->vfs.szOsFile = (int)sizeof(struct handle);
	d->vfs.mxPathname = NAME_MAX_;
	d->vfs.zName = d->name;
	d->vfs.pAppData = d;
	d->vfs.xOpen = do_open;
	d->vfs.xDelete = do_delete;
	d->vfs.xAccess = do_access;
	d->vfs.xFullPathname = do_full_name;
	sqlite3_vfs_register(&d->vfs, 0);
	return d;
}

void ramdisk_free(struct ramdisk *d)
{
	if (!d)
		return;
	sqlite3_vfs_unregister(&d->vfs);
	for (size_t i = 0; i < FILES_MAX; i++)
		file_wipe(&d->files[i]);
	free(d);
}

const char *ramdisk_url(const struct ramdisk *d) { return d->url; }

void ramdisk_copy(struct ramdisk *to, const struct ramdisk *from)
{
	for (size_t i = 0; i < FILES_MAX; i++) {
		struct file *f = &to->files[i];
		const struct file *old = &from->files[i];
		file_wipe(f);
		memcpy(f->name, old->name, sizeof(f->name));
		reserve(f, old->n);
		if (old->n)
			memcpy(f->at, old->at, old->n);
		f->n = old->n;
	}
	to->writes++;
}

struct str ramdisk_file(const struct ramdisk *d, const char *tail)
{
	char name[NAME_MAX_];
	snprintf(name, sizeof(name), "/lab.db%s", tail);
	for (size_t i = 0; i < FILES_MAX; i++)
		if (d->files[i].n && strcmp(d->files[i].name, name) == 0)
			return (struct str){ (const char *)d->files[i].at, d->files[i].n };
	return STR("");
}

uint64_t ramdisk_writes(const struct ramdisk *d) { return d->writes; }

/* --- faults --- */

void ramdisk_arm(struct ramdisk *d, enum ramdisk_fault f) { d->armed[f] = true; }

void ramdisk_heal(struct ramdisk *d) { memset(d->armed, 0, sizeof(d->armed)); }

uint64_t ramdisk_bitten(const struct ramdisk *d, enum ramdisk_fault f) { return d->bitten[f]; }

unsigned ramdisk_slept(struct ramdisk *d)
{
	unsigned n = d->slept;
	d->slept = 0;
	return n;
}

void ramdisk_lose_unsynced(struct ramdisk *d)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		undo_all(&d->files[i]);
	d->writes++;
}
