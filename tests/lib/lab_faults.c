/* lab_faults: how a lab's process can die, and what its machine does to it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lab_inside.h"

/* --- the points at which it can die --- */

static struct lab_point *point_named(struct lab_points *points, const char *name)
{
	uint32_t hash = 2166136261; /* FNV-1a */
	for (const char *z = name; *z; z++)
		hash = (hash ^ (unsigned char)*z) * 16777619;
	uint16_t *slot = &points->slots[hash % LAB_SLOTS];
	while (*slot && strcmp(points->at[*slot - 1].name, name) != 0)
		slot = slot + 1 == points->slots + LAB_SLOTS ? points->slots : slot + 1;
	if (*slot)
		return &points->at[*slot - 1];
	assert(points->n < LAB_POINTS_MAX);
	struct lab_point *p = &points->at[points->n++];
	*slot = (uint16_t)points->n;
	snprintf(p->name, sizeof(p->name), "%s", name);
	return p;
}

void lab_points_add(struct lab_points *to, const struct lab_points *from)
{
	for (size_t i = 0; i < from->n; i++) {
		struct lab_point *p = point_named(to, from->at[i].name);
		p->passed += from->at[i].passed;
		p->died += from->at[i].died;
	}
}

bool lab_alive(void *self, const char *point)
{
	struct lab *l = self;
	struct lab_point *p;
	if (l->looking) /* an observer, not the process */
		return true;
	if (l->dead)
		return false;
	if (lab_watcher.committed && l->store && strcmp(point, "commit after") == 0)
		lab_watcher.committed(l);
	p = l->o.points ? point_named(l->o.points, point) : NULL;
	if (p)
		p->passed++;
	if (l->doomed && (!l->doom_name[0] || strcmp(l->doom_name, point) == 0) &&
	    l->doom_n-- == 0) {
		l->doomed = false;
		l->dead = true;
		l->deaths++;
		memcpy(l->died_with, l->crumb, CRUMB_BYTES);
		if (p)
			p->died++;
		lab_note(l, "death", 0, str_z(point));
	}
	return !l->dead;
}

/* --- the machine --- */

/* How often the disk failed the process in a way that may end it. */
uint64_t lab_hurts(const struct lab *l)
{
	uint64_t n = 0;
	for (int f = RAMDISK_COMMIT_KEPT; l->disk && f <= RAMDISK_DAMAGED; f++)
		n += ramdisk_bitten(l->disk, (enum ramdisk_fault)f);
	return n;
}

static uint64_t failed_commits(const struct lab *l)
{
	return l->disk ? ramdisk_bitten(l->disk, RAMDISK_COMMIT_KEPT) +
				 ramdisk_bitten(l->disk, RAMDISK_COMMIT_LOST) +
				 ramdisk_bitten(l->disk, RAMDISK_WRITE_EIO) +
				 ramdisk_bitten(l->disk, RAMDISK_READ_ONLY)
		       : 0;
}

static enum ramdisk_fault disk_fault(enum lab_fault f)
{
	return (enum ramdisk_fault)(f - LAB_DISK_FULL);
}

static bool is_of_disk(enum lab_fault f)
{
	return f >= LAB_DISK_FULL && f < LAB_DISK_FULL + RAMDISK_FAULTS;
}

static void strike_now(struct lab *l, enum lab_fault f, int64_t ms)
{
	struct arrival stop = { .kind = ARRIVAL_STOP };
	if (!l->turn)
		return;
	l->fired[f]++;
	if (f == LAB_PAUSE) {
		lab_busy(l, ms);
	} else if (f == LAB_STOP) {
		(void)turn_take(l->turn, &stop);
	} else { /* LAB_POWER: what was never synced is gone, and all that the process held */
		assert(l->disk);
		lab_kill(l, ms);
		ramdisk_lose_unsynced(l->disk);
	}
}

void lab_fault(struct lab *l, enum lab_fault f, int64_t ms)
{
	if (is_of_disk(f)) {
		if (f == LAB_DISK_SLOW)
			l->slow_ms = ms;
		else
			l->fault_until_ms[f] = l->now_ms + ms;
		ramdisk_arm(l->disk, disk_fault(f));
	} else if (f == LAB_NO_SLACK || f == LAB_NO_PAGER || f == LAB_UNSURE || f == LAB_NO_ACK) {
		l->fault_until_ms[f] = l->now_ms + ms;
	} else {
		strike_now(l, f, ms);
	}
}

void lab_heal(struct lab *l)
{
	memset(l->fault_until_ms, 0, sizeof(l->fault_until_ms));
	if (l->disk)
		ramdisk_heal(l->disk);
	l->doomed = false;
}

uint64_t lab_fired(const struct lab *l, enum lab_fault f)
{
	return is_of_disk(f) ? ramdisk_bitten(l->disk, disk_fault(f)) : l->fired[f];
}

bool lab_suffers(struct lab *l, enum lab_fault f)
{
	bool bites = l->now_ms < l->fault_until_ms[f];
	if (bites && f != LAB_UNSURE)
		l->fired[f]++;
	return bites;
}

/* Asked before anything leaves the process. */
void lab_speaks(struct lab *l)
{
	if (!l->disk)
		return;
	l->stall_ms += (int64_t)ramdisk_slept(l->disk) * l->slow_ms;
	/* A commit failed in this turn: nobody may hear of it. */
	if (failed_commits(l) != l->commits_failed) {
		l->wrongs.spoke_after_failure++;
		l->commits_failed = failed_commits(l);
	}
}

void lab_begins_turn(struct lab *l)
{
	static const enum lab_fault lasting[] = { LAB_DISK_FULL, LAB_READ_ONLY, LAB_DAMAGED };
	l->commits_failed = failed_commits(l);
	for (size_t i = 0; l->disk && i < sizeof(lasting) / sizeof(lasting[0]); i++)
		if (l->fault_until_ms[lasting[i]] && l->now_ms >= l->fault_until_ms[lasting[i]]) {
			l->fault_until_ms[lasting[i]] = 0;
			ramdisk_heal(l->disk); /* somebody made room, or mended it */
		}
	if (l->now_ms < l->fault_until_ms[LAB_UNSURE])
		l->fired[LAB_UNSURE]++;
}

/* It was asked to end, and did: every socket has had its Close frame. */
void lab_stopped(struct lab *l)
{
	for (size_t i = 0; i < LAB_SOCKETS_MAX; i++)
		l->wrongs.rude_goodbyes += l->sockets[i].ours != 0;
	lab_note(l, "stopped", l->life, STR(""));
}

const struct lab_wrongs *lab_wrongs(const struct lab *l) { return &l->wrongs; }

uint64_t lab_lives(const struct lab *l) { return l->life; }

size_t lab_sockets(const struct lab *l)
{
	size_t n = 0;
	for (size_t i = 0; i < LAB_SOCKETS_MAX; i++)
		n += l->sockets[i].ours != 0;
	return n;
}

void lab_busy(struct lab *l, int64_t ms)
{
	l->busy_ms = l->now_ms + ms;
	l->turn_ms = l->busy_ms;
}

int64_t lab_wakes(const struct lab *l) { return l->busy_ms > l->now_ms ? l->busy_ms : l->now_ms; }

void lab_shift_wall(struct lab *l, int64_t ms)
{
	l->wall_shift_ms += ms;
	if (l->turn)
		l->turn_ms = l->now_ms;
}

/* --- a disk in memory --- */

static void write_out(const char *path, const char *tail, struct str bytes)
{
	char name[160];
	snprintf(name, sizeof(name), "%s%s", path, tail);
	FILE *f = fopen(name, "we");
	assert(f);
	size_t n = fwrite(bytes.at, 1, bytes.n, f);
	int rc = fclose(f);
	assert(n == bytes.n && rc == 0);
}

const char *lab_database(struct lab *l)
{
	if (l->disk) {
		write_out(l->path, "", ramdisk_file(l->disk, ""));
		write_out(l->path, "-wal", ramdisk_file(l->disk, "-wal"));
	}
	return l->path;
}

struct ramdisk *lab_ramdisk(struct lab *l) { return l->disk; }

/* A database as the first start leaves it, made once. */
static struct ramdisk *blank;

const struct ramdisk *lab_blank(void)
{
	struct store *s;
	struct fail fail;
	if (blank)
		return blank;
	blank = ramdisk_new();
	enum rc rc = store_open(ramdisk_url(blank), NULL, &s, &fail);
	assert(rc == RC_OK);
	store_close(s);
	return blank;
}

void lab_blank_done(void)
{
	ramdisk_free(blank);
	blank = NULL;
}
