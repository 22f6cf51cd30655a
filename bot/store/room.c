/* room: how much is left on the disk of the database, and the ballast: a file beside the database
 * that holds some of it. On a full disk nothing can be deleted either, for SQLite writes that down
 * first; so the ballast is given back, and what it held is enough to get answers and pages out.
 * Called by turn between transactions. Never touches a row. */
#include "store/inside.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_BYTES_MAX = 4096 };

void store_measure(struct store *s, const struct store_meter *m)
{
	s->is_measured = true;
	s->meter = m ? *m : (struct store_meter){ .read = NULL };
}

static bool ballast_path(const struct store *s, char out[PATH_BYTES_MAX])
{
	const char *own = sqlite3_db_filename(s->db, "main");
	const int n = snprintf(out, PATH_BYTES_MAX, "%s.ballast", own ? own : "");

	return own && own[0] && n > 0 && n < PATH_BYTES_MAX;
}

static void read_disk(const struct store *s, int64_t *left, int64_t *all)
{
	const char *own = sqlite3_db_filename(s->db, "main");
	struct statvfs at;

	if (s->meter.read) {
		s->meter.read(s->meter.self, left, all);
	} else if (own && statvfs(own, &at) == 0) {
		*left = (int64_t)at.f_bavail * (int64_t)at.f_frsize;
		*all = (int64_t)at.f_blocks * (int64_t)at.f_frsize;
	}
}

static bool has_ballast(const char *path)
{
	struct stat at;

	return lstat(path, &at) == 0 && S_ISREG(at.st_mode) && at.st_size >= STORE_BALLAST_BYTES;
}

/* Blocks, not a hole: a hole holds no room. */
static bool make_ballast(const char *path)
{
	(void)unlink(path); /* half of one */
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	const bool is_made = posix_fallocate(fd, 0, STORE_BALLAST_BYTES) == 0;
	(void)close(fd);
	if (!is_made)
		(void)unlink(path);
	return is_made;
}

void store_room(struct store *s, struct store_room *out)
{
	char path[PATH_BYTES_MAX];
	int64_t left = 0, all = 0;

	*out = (struct store_room){ .all = 0 };
	if (!s->is_measured || !ballast_path(s, path))
		return;
	read_disk(s, &left, &all);
	if (all <= 0)
		return;
	out->has_ballast = has_ballast(path);
	/* Twice: what was just given back must not be taken again. */
	if (!out->has_ballast && left >= 2 * (int64_t)STORE_BALLAST_BYTES && make_ballast(path)) {
		out->has_ballast = true;
		left -= STORE_BALLAST_BYTES;
	}
	out->left = left;
	out->all = all;
	out->low = all / 100 * STORE_LOW_PERCENT;
	if (out->low > STORE_LOW_BYTES)
		out->low = STORE_LOW_BYTES;
}

bool store_give_ballast(struct store *s)
{
	char path[PATH_BYTES_MAX];

	if (!s->is_measured || !ballast_path(s, path) || !has_ballast(path) || unlink(path) != 0)
		return false;
	/* What the log holds goes to its place: from then on the log is written over, not longer.
	 */
	if (sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
	    SQLITE_OK)
		s->wal_pages = 0;
	return true;
}
