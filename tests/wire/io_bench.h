/* io_bench: the real io against peers made of plain sockets, in one process, over loopback. The
 * bench plays the turn: it copies what arrives. Included by tests/wire/test_io_*.c only. */
#ifndef TESTS_WIRE_IO_BENCH_H
#define TESTS_WIRE_IO_BENCH_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/arena.h"
#include "io/io.h"

enum { ARRIVALS_MAX = 64, PATIENCE_MS = 8000 };

struct bench {
	struct io *io;
	const struct net *net;
	struct arena arena;
	struct arrival at[ARRIVALS_MAX];
	size_t n, room; /* room: how many take() accepts in all */
};

static bool bench_take(void *self, const struct arrival *a)
{
	struct bench *b = self;

	if (b->n >= b->room)
		return false;
	struct arrival *to = &b->at[b->n++];
	*to = *a;
	to->frame = (struct str){ arena_str(&b->arena, a->frame), a->frame.n };
	to->reply.body = (struct str){ arena_str(&b->arena, a->reply.body), a->reply.body.n };
	to->reply.error = arena_z(&b->arena, a->reply.error);
	to->asked.body = (struct str){ arena_str(&b->arena, a->asked.body), a->asked.body.n };
	to->asked.method = arena_z(&b->arena, a->asked.method);
	to->asked.path = arena_z(&b->arena, a->asked.path);
	to->asked.query = arena_z(&b->arena, a->asked.query);
	struct header *headers = arena_many(&b->arena, struct header, a->asked.headers_n);
	for (size_t i = 0; i < a->asked.headers_n; i++)
		headers[i] = (struct header){ arena_z(&b->arena, a->asked.headers[i].name),
					      arena_z(&b->arena, a->asked.headers[i].value) };
	to->asked.headers = headers;
	return true;
}

static inline void bench_open(struct bench *b, struct io_options o)
{
	struct fail fail = { 0 };

	*b = (struct bench){ .arena = ARENA(64 << 20), .room = ARRIVALS_MAX };
	o.take = bench_take;
	o.self = b;
	if (io_open(&o, &b->io, &fail) != RC_OK)
		fail_msg("io_open: %s", fail.why);
	b->net = io_net(b->io);
}

static inline void bench_close(struct bench *b)
{
	io_close(b->io);
	arena_clear(&b->arena);
}

static inline size_t bench_count(const struct bench *b, enum arrival_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->at[i].kind == kind;
	return n;
}

/* The nth (from 0) arrival of that kind; waits for it. */
static inline const struct arrival *bench_want(struct bench *b, enum arrival_kind kind, size_t nth)
{
	const int64_t end_ms = io_wall_ms() + PATIENCE_MS;

	while (bench_count(b, kind) <= nth) {
		if (io_wall_ms() > end_ms)
			fail_msg("arrival %d number %zu never came", (int)kind, nth);
		assert_true(io_wait(b->io, io_wall_ms() + 20));
	}
	for (size_t i = 0;; i++) {
		if (b->at[i].kind == kind && nth-- == 0)
			return &b->at[i];
	}
}

/* Lets the loop run for a while: what would be wrong to come has had its chance. */
static inline void bench_idle(struct bench *b, int64_t ms)
{
	const int64_t end_ms = io_wall_ms() + ms;

	while (io_wall_ms() < end_ms)
		assert_true(io_wait(b->io, end_ms));
}

/* --- peers: blocking sockets, in a thread where they answer */

static inline int loopback_listen(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(at);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, n) == 0 && listen(fd, 16) == 0 &&
		    getsockname(fd, (struct sockaddr *)&at, &n) == 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static inline void be_patient(int fd)
{
	const struct timeval wait = { .tv_sec = PATIENCE_MS / 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
}

/* -1: nobody came. */
static inline int peer_accept(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	const int fd = poll(&p, 1, PATIENCE_MS) == 1 ? accept(listener, NULL, NULL) : -1;

	if (fd >= 0)
		be_patient(fd);
	return fd;
}

static inline void peer_send(int fd, const void *at, size_t n)
{
	for (size_t i = 0; i < n;) {
		const ssize_t k = send(fd, (const char *)at + i, n - i, MSG_NOSIGNAL);
		if (k <= 0)
			return;
		i += (size_t)k;
	}
}
static inline void peer_say(int fd, const char *z) { peer_send(fd, z, strlen(z)); }

static inline bool peer_read(int fd, void *at, size_t n)
{
	for (size_t i = 0; i < n;) {
		const ssize_t k = recv(fd, (char *)at + i, n - i, 0);
		if (k <= 0)
			return false;
		i += (size_t)k;
	}
	return true;
}

/* Reads up to the empty line, a byte at a time; false at the end of the connection. */
static inline bool peer_read_head(int fd, char *at, size_t size)
{
	size_t n = 0;

	for (at[0] = '\0'; n + 1 < size;) {
		if (!peer_read(fd, at + n, 1))
			return false;
		at[++n] = '\0';
		if (n >= 4 && strcmp(at + n - 4, "\r\n\r\n") == 0)
			return true;
	}
	return false;
}

/* A whole HTTP/1.1 request with its body; false at the end of the connection. */
static inline bool peer_read_request(int fd, char *at, size_t size)
{
	if (!peer_read_head(fd, at, size))
		return false;
	const char *length = strcasestr(at, "content-length:");
	const size_t n = strlen(at), m = length ? strtoul(length + 15, NULL, 10) : 0;
	if (m >= size - n || !peer_read(fd, at + n, m))
		return false;
	at[n + m] = '\0';
	return true;
}

static inline int loopback_connect(int port)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons((uint16_t)port),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0);
	be_patient(fd);
	return fd;
}

/* A peer in a thread: what it saw is read after peer_join. */
struct peer {
	pthread_t thread;
	int listener, port;
	void (*play)(struct peer *p);
	char seen[64 * 1024]; /* text that the story looks into */
	int count, code;
	void *more;
};
static void *peer_main(void *self)
{
	struct peer *p = self;

	p->play(p);
	return NULL;
}
static inline void peer_start_with(struct peer *p, void (*play)(struct peer *), void *more)
{
	*p = (struct peer){ .play = play, .more = more };
	p->listener = loopback_listen(&p->port);
	assert_int_equal(pthread_create(&p->thread, NULL, peer_main, p), 0);
}
static inline void peer_start(struct peer *p, void (*play)(struct peer *))
{
	peer_start_with(p, play, NULL);
}
static inline void peer_join(struct peer *p)
{
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	(void)close(p->listener);
}
/* A port where nobody listens. */
static inline int dead_port(void)
{
	int port;

	(void)close(loopback_listen(&port));
	return port;
}
#endif
