/* crumb: a few bytes in a file, mapped, so that they survive the death of the process (not of the
 * machine: the crumb is about items that kill us). Called by main only. */
#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

char *crumb_map(const char *path, size_t n, struct fail *fail)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	void *at = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)n) == 0)
		at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		fail_set(fail, RC_REFUSED, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return at == MAP_FAILED ? NULL : at;
}

void crumb_unmap(char *crumb, size_t n)
{
	if (crumb != NULL)
		(void)munmap(crumb, n);
}
