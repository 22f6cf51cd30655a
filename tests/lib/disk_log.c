/* disk_log: what was done to the files of one database, and what a power cut would have left of
 * it. A file is an inode under a name: both become durable, each in its own time, the bytes by a
 * sync of the file, the names by a sync of the folder (which SQLite does with the first sync of a
 * new log or journal, and with some deletions). */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "disk_inside.h"

enum { SECTOR = 512, INODES_MAX = 512, PENDING_MAX = 1 << 16 };

const char *const disk_tails[DISK_ROLES] = { "", "-wal", "-journal" };

enum step_kind { STEP_MADE, STEP_WRITE, STEP_TRUNCATE, STEP_SYNC, STEP_DELETE };
struct step {
	enum step_kind kind;
	enum disk_role role; /* MADE, DELETE */
	int inode;
	bool is_durable; /* DELETE, SYNC: the names, too */
	int64_t offset;  /* WRITE; TRUNCATE: the size */
	size_t n;
	unsigned char *at; /* WRITE: its own copy */
};

/* The bytes of one file. */
struct bytes {
	unsigned char *at;
	size_t n, room;
};

static struct {
	char path[160]; /* "" = nothing is recorded */
	bool is_over;
	struct step *steps;
	size_t n, room;
	int inodes;              /* made so far */
	int names[DISK_ROLES];   /* now; 0 = no such file */
	bool is_new[INODES_MAX]; /* the next sync makes the names durable */
	/* Where the reader of the log stands. */
	size_t at;
	int then[DISK_ROLES], durable[DISK_ROLES];
	struct bytes files[INODES_MAX]; /* their durable bytes */
	size_t pending[PENDING_MAX];    /* steps that are not durable */
	size_t pending_n;
} tape;

/* --- writing --- */

void disk_record(const char *path)
{
	for (size_t i = 0; i < tape.n; i++)
		free(tape.steps[i].at);
	for (size_t i = 0; i < INODES_MAX; i++)
		free(tape.files[i].at);
	free(tape.steps);
	memset(&tape, 0, sizeof tape);
	if (path)
		(void)snprintf(tape.path, sizeof tape.path, "%s", path);
	disk_same_dice();
}

void disk_record_no_more(void) { tape.is_over = true; }

size_t disk_steps(void) { return tape.n; }

enum disk_role disk_role_of(const char *name)
{
	const size_t n = strlen(tape.path);
	enum disk_role role = DISK_DB;

	if (!name || n == 0 || tape.is_over || strncmp(name, tape.path, n) != 0)
		return DISK_ROLES;
	while (role < DISK_ROLES && strcmp(name + n, disk_tails[role]) != 0)
		role++;
	return role;
}

static struct step *new_step(enum step_kind kind, int inode)
{
	if (tape.n == tape.room) {
		tape.room = tape.room ? 2 * tape.room : 1024;
		tape.steps = mem_grow(tape.steps, tape.room * sizeof *tape.steps);
	}
	struct step *s = &tape.steps[tape.n++];
	*s = (struct step){ .kind = kind, .inode = inode };
	return s;
}

int disk_log_made(enum disk_role role)
{
	const int inode = ++tape.inodes;

	assert(inode < INODES_MAX);
	new_step(STEP_MADE, inode)->role = role;
	tape.names[role] = inode;
	tape.is_new[inode] = role != DISK_DB;
	return inode;
}

int disk_log_found(enum disk_role role) { return tape.names[role]; }

void disk_log_write(int inode, const void *at, size_t n, int64_t offset)
{
	if (inode == 0 || n == 0 || tape.is_over)
		return;
	struct step *s = new_step(STEP_WRITE, inode);
	s->offset = offset;
	s->n = n;
	s->at = mem_new(n);
	memcpy(s->at, at, n);
}

void disk_log_truncate(int inode, int64_t size)
{
	if (inode != 0 && !tape.is_over)
		new_step(STEP_TRUNCATE, inode)->offset = size;
}

void disk_log_sync(int inode)
{
	if (inode == 0 || tape.is_over)
		return;
	new_step(STEP_SYNC, inode)->is_durable = tape.is_new[inode];
	tape.is_new[inode] = false;
}

void disk_log_delete(enum disk_role role, bool is_durable)
{
	struct step *s = new_step(STEP_DELETE, tape.names[role]);

	s->role = role;
	s->is_durable = is_durable;
	tape.names[role] = 0;
}

/* --- bytes --- */

static void reach(struct bytes *b, size_t n)
{
	if (n > b->room) {
		b->room = 2 * n;
		b->at = mem_grow(b->at, b->room);
	}
	if (n > b->n) {
		memset(b->at + b->n, 0, n - b->n);
		b->n = n;
	}
}

static void put_bytes(struct bytes *b, const struct step *s, size_t from, size_t n)
{
	if (n == 0)
		return;
	reach(b, (size_t)s->offset + from + n);
	assert(b->at && s->at);
	memcpy(b->at + s->offset + from, s->at + from, n);
}

static void cut_bytes(struct bytes *b, const struct step *s)
{
	reach(b, (size_t)s->offset);
	b->n = (size_t)s->offset;
}

static void do_step(struct bytes *b, const struct step *s)
{
	if (s->kind == STEP_WRITE)
		put_bytes(b, s, 0, s->n);
	else
		cut_bytes(b, s);
}

/* --- reading --- */

static void make_durable(int inode)
{
	size_t kept = 0;

	for (size_t i = 0; i < tape.pending_n; i++) {
		const struct step *s = &tape.steps[tape.pending[i]];
		if (s->inode == inode)
			do_step(&tape.files[inode], s);
		else
			tape.pending[kept++] = tape.pending[i];
	}
	tape.pending_n = kept;
}

/* What has no name is gone, whatever was written into it. */
static void forget_nameless(void)
{
	size_t kept = 0;

	for (size_t i = 0; i < tape.pending_n; i++) {
		bool is_named = false;
		for (int role = 0; role < DISK_ROLES; role++)
			is_named = is_named ||
				   tape.steps[tape.pending[i]].inode == tape.then[role] ||
				   tape.steps[tape.pending[i]].inode == tape.durable[role];
		if (is_named)
			tape.pending[kept++] = tape.pending[i];
	}
	tape.pending_n = kept;
}

static void read_to(size_t step)
{
	assert(step >= tape.at && step <= tape.n);
	for (; tape.at < step; tape.at++) {
		const struct step *s = &tape.steps[tape.at];
		switch (s->kind) {
		case STEP_MADE: tape.then[s->role] = s->inode; break;
		case STEP_DELETE: tape.then[s->role] = 0; break;
		case STEP_WRITE:
		case STEP_TRUNCATE:
			assert(tape.pending_n < PENDING_MAX);
			tape.pending[tape.pending_n++] = tape.at;
			break;
		case STEP_SYNC: make_durable(s->inode); break;
		}
		if (s->is_durable)
			memcpy(tape.durable, tape.then, sizeof tape.durable);
		if (s->kind == STEP_DELETE || s->is_durable)
			forget_nameless();
	}
}

bool disk_is_sync(size_t step)
{
	return step > 0 && step <= tape.n &&
	       (tape.steps[step - 1].kind == STEP_SYNC || tape.steps[step - 1].is_durable);
}

bool disk_is_at_risk(size_t step)
{
	read_to(step);
	return tape.pending_n > 0 || memcmp(tape.durable, tape.then, sizeof tape.durable) != 0;
}

/* --- a power cut --- */

struct cut {
	enum disk_loss loss;
	uint64_t random;
};

static uint64_t draw(struct cut *c)
{
	uint64_t z = (c->random += UINT64_C(0x9E3779B97F4A7C15)); /* splitmix64, public domain */

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static bool keeps(struct cut *c)
{
	return c->loss == DISK_TEARS_LAST || (c->loss == DISK_LOSES_HALF && draw(c) % 2 == 0);
}

/* Each sector of the file that the write touches gets there or does not. */
static void some_sectors(struct bytes *b, const struct step *s, struct cut *c)
{
	for (size_t from = 0; from < s->n;) {
		const size_t in = ((size_t)s->offset + from) % SECTOR;
		const size_t left = s->n - from, n = left < SECTOR - in ? left : SECTOR - in;
		if (keeps(c))
			put_bytes(b, s, from, n);
		from += n;
	}
}

static struct bytes what_is_left(int inode, struct cut *c)
{
	struct bytes b = { NULL, 0, 0 };
	size_t last = SIZE_MAX;

	reach(&b, tape.files[inode].n);
	if (b.n)
		memcpy(b.at, tape.files[inode].at, b.n);
	for (size_t i = 0; i < tape.pending_n; i++)
		if (tape.steps[tape.pending[i]].inode == inode)
			last = i;
	for (size_t i = 0; i < tape.pending_n; i++) {
		const struct step *s = &tape.steps[tape.pending[i]];
		if (s->inode != inode)
			continue;
		if (s->kind == STEP_WRITE && i == last && c->loss == DISK_TEARS_LAST)
			put_bytes(&b, s, 0, (size_t)(draw(c) % s->n));
		else if (s->kind == STEP_WRITE)
			some_sectors(&b, s, c);
		else if (keeps(c))
			cut_bytes(&b, s);
	}
	return b;
}

static void write_file(const char *path, const struct bytes *b)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert(fd >= 0);
	for (size_t done = 0; done < b->n;) {
		const ssize_t n = write(fd, b->at + done, b->n - done);
		assert(n > 0);
		done += (size_t)n;
	}
	(void)close(fd);
}

/* Eight bytes at a time; what differs in one of them has another number. */
static uint64_t mixed(uint64_t h, const void *at, size_t n)
{
	const unsigned char *p = at;
	uint64_t word;

	for (; n >= sizeof word; p += sizeof word, n -= sizeof word) {
		memcpy(&word, p, sizeof word);
		h = (h ^ word) * UINT64_C(0x9FB21C651E98DF25);
		h ^= h >> 29;
	}
	for (; n; n--)
		h = (h ^ *p++) * UINT64_C(1099511628211);
	return h;
}

static struct {
	struct bytes files[DISK_ROLES];
	bool is_there[DISK_ROLES];
} found;

uint64_t disk_cut(size_t step, enum disk_loss loss, uint64_t seed)
{
	struct cut c = { loss, seed };
	uint64_t h = UINT64_C(14695981039346656037);

	read_to(step);
	for (int role = 0; role < DISK_ROLES; role++) {
		const int inode = keeps(&c) ? tape.then[role] : tape.durable[role];
		struct bytes *b = &found.files[role];
		free(b->at);
		*b = inode ? what_is_left(inode, &c) : (struct bytes){ NULL, 0, 0 };
		found.is_there[role] = inode != 0;
		const uint64_t size = inode ? b->n : UINT64_MAX;
		h = mixed(h, &size, sizeof size);
		h = b->n ? mixed(h, b->at, b->n) : h;
	}
	return h;
}

void disk_write_cut(const char *path)
{
	for (int role = 0; role < DISK_ROLES; role++) {
		char name[192];
		(void)snprintf(name, sizeof name, "%s%s", path, disk_tails[role]);
		(void)unlink(name);
		if (found.is_there[role])
			write_file(name, &found.files[role]);
	}
}
