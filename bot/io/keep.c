/* keep: a small file that is either the old one or the new one, whatever happens. Called by main
 * only; it blocks for as long as the disk takes. */
#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_MAX_ = 4096 };

static bool write_and_sync(int fd, struct str text)
{
	return write(fd, text.at, text.n) == (ssize_t)text.n && fsync(fd) == 0;
}

enum rc file_keep(const char *path, struct str text, struct fail *fail)
{
	char tmp[PATH_MAX_ + 8];

	if (strlen(path) > PATH_MAX_)
		return FAIL(fail, RC_REFUSED, "a path is over %d bytes", PATH_MAX_);
	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	(void)unlink(tmp); /* what a death left, or somebody's link */
	const int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool is_done = fd >= 0 && write_and_sync(fd, text);
	if (fd >= 0)
		is_done = close(fd) == 0 && is_done;
	if (!is_done || rename(tmp, path) != 0)
		return FAIL(fail, RC_REFUSED, "%s: %s", path, strerror(errno));
	return RC_OK;
}

enum rc file_kept(const char *path, struct buf *out, struct fail *fail)
{
	char piece[512];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd < 0)
		return FAIL(fail, errno == ENOENT ? RC_ABSENT : RC_REFUSED, "%s: %s", path,
			    strerror(errno));
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		buf_add(out, (struct str){ piece, (size_t)n });
	(void)close(fd);
	if (n < 0 || out->broken)
		return FAIL(fail, RC_REFUSED, "%s: can't be read", path);
	return RC_OK;
}
