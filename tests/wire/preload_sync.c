/* preload_sync: an object for LD_PRELOAD that makes the disk's syncs misbehave while the file named
 * by SYNC_FAULT is there: "slow": each takes 1.2 s; "eio": the next one does its work, then says
 * EIO, and the file is gone. For test_live_disk only. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int sync_function(int fd);

static int misbehave(int fd, const char *name)
{
	const char *path = getenv("SYNC_FAULT");
	char word[8] = "";
	sync_function *real;
	struct timespec left = { .tv_sec = 1, .tv_nsec = 200 * 1000 * 1000 };
	const int fault = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fault >= 0) {
		if (read(fault, word, sizeof(word) - 1) < 0)
			word[0] = '\0';
		(void)close(fault);
	}
	*(void **)&real = dlsym(RTLD_NEXT, name);
	const int rc = real(fd);
	if (strcmp(word, "slow") == 0)
		while (nanosleep(&left, &left) != 0)
			continue;
	if (strcmp(word, "eio") != 0)
		return rc;
	(void)unlink(path);
	errno = EIO;
	return -1;
}

int fsync(int fd) { return misbehave(fd, "fsync"); }
int fdatasync(int fd) { return misbehave(fd, "fdatasync"); }
