/* resolve: names become addresses in one helper thread, for libwebsockets would stop the loop for
 * it. Called by ws_out.c; the thread touches nothing but its own queue. */
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "io/inside.h"

enum { STUCK_S = 1 };

struct job {
	struct job *next;
	struct resolved answer;
	unsigned nth;
	char host[HOST_BYTES_MAX + 1];
};
struct resolver {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	io_lookup *lookup;
	struct job *asked, *answered;
	int event_fd;
	bool is_over;
};

static int lookup_by_system(const char *host, unsigned nth, char numeric[IO_ADDRESS_MAX])
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_ADDRCONFIG };
	struct addrinfo *all = NULL;
	unsigned n = 0;
	int rc = getaddrinfo(host, NULL, &hints, &all);

	if (rc != 0 || all == NULL)
		return EAI_NONAME;
	for (const struct addrinfo *a = all; a != NULL; a = a->ai_next)
		n++;
	const struct addrinfo *a = all;
	for (unsigned i = n > 0 ? nth % n : 0; i > 0; i--)
		a = a->ai_next;
	rc = getnameinfo(a->ai_addr, a->ai_addrlen, numeric, IO_ADDRESS_MAX, NULL, 0,
			 NI_NUMERICHOST);
	freeaddrinfo(all);
	return rc;
}

static void append(struct job **list, struct job *job)
{
	job->next = NULL;
	while (*list != NULL)
		list = &(*list)->next;
	*list = job;
}

static struct job *pop(struct job **list)
{
	struct job *job = *list;

	if (job != NULL)
		*list = job->next;
	return job;
}

static void *work(void *self)
{
	struct resolver *r = self;

	(void)pthread_mutex_lock(&r->lock);
	while (!r->is_over) {
		struct job *job = pop(&r->asked);
		if (job == NULL) {
			(void)pthread_cond_wait(&r->wanted, &r->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&r->lock);
		job->answer.is_found = r->lookup(job->host, job->nth, job->answer.numeric) == 0;
		(void)pthread_mutex_lock(&r->lock);
		append(&r->answered, job);
		(void)eventfd_write(r->event_fd, 1);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct resolver *resolver_new(io_lookup *lookup, int *event_fd)
{
	struct resolver *r = mem_new(sizeof(*r));

	r->lookup = lookup != NULL ? lookup : lookup_by_system;
	r->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->wanted, NULL);
	const int rc = pthread_create(&r->thread, NULL, work, r);
	assert(rc == 0 && r->event_fd >= 0); /* at start; a host without threads is sick */
	*event_fd = r->event_fd;
	return r;
}

void resolver_free(struct resolver *r)
{
	struct timespec until;

	if (r == NULL)
		return;
	(void)pthread_mutex_lock(&r->lock);
	r->is_over = true;
	(void)pthread_cond_signal(&r->wanted);
	(void)pthread_mutex_unlock(&r->lock);
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STUCK_S;
	if (pthread_timedjoin_np(r->thread, NULL, &until) != 0) {
		(void)pthread_detach(r->thread); /* it still uses r */
		return;
	}
	for (struct job *job; (job = pop(&r->asked)) != NULL || (job = pop(&r->answered)) != NULL;)
		free(job);
	(void)close(r->event_fd);
	(void)pthread_cond_destroy(&r->wanted);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

void resolver_ask(struct resolver *r, uint64_t id, const char *host, unsigned nth)
{
	struct job *job = mem_new(sizeof(*job));

	job->answer.id = id;
	job->nth = nth;
	memcpy(job->host, host, strnlen(host, sizeof(job->host) - 1));
	(void)pthread_mutex_lock(&r->lock);
	append(&r->asked, job);
	(void)pthread_cond_signal(&r->wanted);
	(void)pthread_mutex_unlock(&r->lock);
}

bool resolver_next(struct resolver *r, struct resolved *out)
{
	eventfd_t n;

	(void)eventfd_read(r->event_fd, &n);
	(void)pthread_mutex_lock(&r->lock);
	struct job *job = pop(&r->answered);
	(void)pthread_mutex_unlock(&r->lock);
	if (job == NULL)
		return false;
	*out = job->answer;
	free(job);
	return true;
}
