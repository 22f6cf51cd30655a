/* preload_lookup: an object for LD_PRELOAD that makes every look-up take 800 ms, and says so on
 * standard error. Names under .slow.test are not found. For test_live_loop only. A numeric address
 * asks no resolver: libwebsockets converts one that way in the loop, and that stays quick; in a
 * helper thread it stands for the name that it would be at Slack. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef int lookup_function(const char *name, const char *service, const struct addrinfo *req,
			    struct addrinfo **out);

static bool is_numeric(const char *name)
{
	unsigned char to[16];
	return inet_pton(AF_INET, name, to) == 1 || inet_pton(AF_INET6, name, to) == 1;
}

static const char none_there[] = ".slow.test";

int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
		struct addrinfo **pai)
{
	struct timespec left = { .tv_nsec = 800 * 1000 * 1000 };
	const size_t n = name ? strlen(name) : 0, tail = sizeof(none_there) - 1;
	lookup_function *real;

	if (name && !(gettid() == getpid() && is_numeric(name))) {
		(void)fprintf(stderr, "event=preload.lookup name=%s\n", name);
		while (nanosleep(&left, &left) != 0)
			continue;
	}
	if (n > tail && strcmp(name + n - tail, none_there) == 0)
		return EAI_NONAME;
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(name, service, req, pai);
}
