/* http_out: our requests, by curl's multi interface inside the one loop. Each gets exactly one
 * ARRIVAL_REPLY and is never sent twice. Pages have connections of their own, so that a stuck
 * vendor can't starve them. Callbacks of curl only take notes. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/when.h"
#include "io/inside.h"

enum {
	POOLS_N = 2, /* everything else, pages */
	SPARES_MAX = 16,
	CONNECTIONS_MAX = 64, /* at a time, a pool */
	HOST_CONNECTIONS_MAX = 16,
	IDLE_CONNECTIONS_MAX = 16,
	CONNECT_MS_MAX = 10 * 1000,
	IDLE_S_MAX = 30, /* older ones may have been forgotten by what lies between */
	RUNS_MAX = 8,
};

struct transfer {
	struct transfer *next, **prev; /* of all, for the end */
	struct http_out *h;
	CURL *easy;
	struct curl_slist *headers;
	uint64_t ticket;
	char *body;
	size_t body_n, sent_n;
	struct buf reply;
	char error[CURL_ERROR_SIZE];
};
struct pool {
	struct http_out *h;
	CURLM *multi;
	int timer_fd;
	unsigned watch_timer, watch_socket;
	int64_t want_ms, armed_ms; /* monotonic; NEVER_MS = none */
};
struct http_out {
	struct io *io;
	struct pool pools[POOLS_N];
	struct transfer *first;
	CURL *spares[SPARES_MAX]; /* an easy handle is cheaper to reset than to make */
	size_t spares_n;
};

/* --- notes taken in curl's callbacks --- */

static int on_timer(CURLM *multi, long wait_ms, void *self)
{
	struct pool *p = self;

	(void)multi;
	p->want_ms = wait_ms < 0 ? NEVER_MS : io_mono_ms() + wait_ms;
	return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *self, void *of_fd)
{
	struct pool *p = self;
	uint32_t events = 0;

	(void)easy;
	(void)of_fd;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	io_watch(p->h->io, p->watch_socket, fd, events);
	return 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): curl's type */
static size_t on_body(char *at, size_t size, size_t n, void *self)
{
	struct transfer *t = self;

	buf_add(&t->reply, (struct str){ at, size * n });
	return t->reply.broken ? 0 : size * n;
}

static size_t on_send(char *at, size_t size, size_t n, void *self)
{
	struct transfer *t = self;
	const size_t left = t->body_n - t->sent_n, room = size * n;
	const size_t take = left < room ? left : room;

	memcpy(at, t->body + t->sent_n, take);
	t->sent_n += take;
	return take;
}

/* --- one transfer --- */

static void transfer_free(struct transfer *t)
{
	struct http_out *h = t->h;

	if (h->spares_n < SPARES_MAX) {
		curl_easy_reset(t->easy);
		h->spares[h->spares_n++] = t->easy;
	} else {
		curl_easy_cleanup(t->easy);
	}
	curl_slist_free_all(t->headers);
	*t->prev = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	free(t->body);
	buf_free(&t->reply);
	free(t);
}

static int64_t retry_after_s(CURL *easy)
{
	struct curl_header *header;
	int64_t s = -1;

	if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
	    str_int(str_trim(str_z(header->value)), &s) && s < 0)
		s = -1;
	return s;
}

/* Before the moment "about to send" (name, connection, TLS are done) nothing can have happened. */
static bool may_have_happened(CURL *easy)
{
	curl_off_t us = 0;
	long sent = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &us);
	(void)curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
	return us > 0 || sent > 0;
}

static void transfer_done(struct transfer *t, CURLcode result)
{
	struct arrival a = { .kind = ARRIVAL_REPLY, .ticket = t->ticket };
	long status = 0;
	char too_big[64];

	a.reply.retry_after_s = -1;
	a.reply.error = "";
	if (result == CURLE_OK) {
		(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		a.reply.status = (int)status;
		a.reply.body = buf_str(&t->reply);
		a.reply.retry_after_s = retry_after_s(t->easy);
	} else {
		a.reply.may_have_happened = may_have_happened(t->easy);
		a.reply.error = t->error[0] != '\0' ? t->error : curl_easy_strerror(result);
		if (t->reply.broken) {
			(void)snprintf(too_big, sizeof(too_big), "the reply is over %zu bytes",
				       t->reply.limit);
			a.reply.error = too_big;
		}
	}
	(void)io_deliver(t->h->io, &a);
	transfer_free(t);
}

/* Drained after each action, never inside a callback. */
static void pool_drain(struct pool *p)
{
	int left;

	for (CURLMsg *m; (m = curl_multi_info_read(p->multi, &left)) != NULL;) {
		struct transfer *t = NULL;
		const CURLcode result = m->data.result; /* m dies with remove_handle */
		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		(void)curl_multi_remove_handle(p->multi, t->easy);
		transfer_done(t, result);
	}
}

/* What is due runs here; the timer is touched only to fire earlier than it would. */
static void pool_run(struct pool *p)
{
	int running;

	for (int i = 0; i < RUNS_MAX && p->want_ms <= io_mono_ms(); i++) {
		p->want_ms = NEVER_MS;
		(void)curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
		pool_drain(p);
	}
	if (p->want_ms >= p->armed_ms)
		return;
	const int64_t wait_ms = p->want_ms - io_mono_ms();
	const int64_t ns = wait_ms > 0 ? wait_ms * 1000000 : 1;
	const struct itimerspec at = { .it_value = { ns / 1000000000, ns % 1000000000 } };
	(void)timerfd_settime(p->timer_fd, 0, &at, NULL);
	p->armed_ms = p->want_ms;
}

static void on_timer_fd(void *self, int fd, uint32_t events)
{
	struct pool *p = self;
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
	(void)events;
	p->armed_ms = NEVER_MS;
	pool_run(p);
}

static void on_socket_fd(void *self, int fd, uint32_t events)
{
	struct pool *p = self;
	int what = 0, running;

	if (events & EPOLLIN)
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		what |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(p->multi, fd, what, &running);
	pool_drain(p);
	pool_run(p);
}

/* --- starting one --- */

static void set_method(struct transfer *t, const char *method)
{
	CURL *e = t->easy;
	const bool is_get = strcmp(method, "GET") == 0;

	if (t->body_n > 0) {
		/* Read by callback and with no way to rewind: when a kept connection dies under a
		 * request, curl would send it again on a new one; so it fails instead, and the
		 * turn knows that it may have happened. */
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body_n);
		curl_easy_setopt(e, CURLOPT_READFUNCTION, on_send);
		curl_easy_setopt(e, CURLOPT_READDATA, t);
	} else if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	} else if (!is_get) {
		/* Nothing to rewind, so a new connection is what keeps curl from repeating it. */
		curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
		if (strcmp(method, "POST") == 0)
			curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, "");
	}
	if (!is_get && strcmp(method, "HEAD") != 0 && strcmp(method, "POST") != 0)
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
	else if (is_get && t->body_n > 0)
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, "GET");
}

static void set_limits(struct transfer *t, const struct request *rq)
{
	CURL *e = t->easy;
	const struct io_options *o = &t->h->io->o;
	const int64_t wait_ms = rq->timeout_ms > 0 ? rq->timeout_ms : IO_REQUEST_MS;

	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* never waits for a look-up's thread */
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)IDLE_S_MAX);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)wait_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(wait_ms < CONNECT_MS_MAX ? wait_ms : CONNECT_MS_MAX));
	curl_easy_setopt(e, CURLOPT_PROXY,
			 o->proxy != NULL ? o->proxy : ""); /* "": not even the environment's */
	if (text_given(o->ca_file)) {
		curl_easy_setopt(e, CURLOPT_CAINFO, o->ca_file);
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	}
}

static struct transfer *transfer_new(struct http_out *h, uint64_t ticket, const struct request *rq)
{
	struct transfer *t = mem_new(sizeof(*t));

	t->h = h;
	t->ticket = ticket;
	t->reply = BUF(rq->reply_bytes_max);
	t->body = mem_str(rq->body);
	t->body_n = rq->body.n;
	t->easy = h->spares_n > 0 ? h->spares[--h->spares_n] : curl_easy_init();
	t->headers = curl_slist_append(NULL, "Expect:"); /* no waiting for "100 Continue" */
	for (size_t i = 0; i < sizeof(rq->headers) / sizeof(rq->headers[0]) && rq->headers[i]; i++)
		t->headers = curl_slist_append(t->headers, rq->headers[i]);
	t->next = h->first;
	t->prev = &h->first;
	if (t->next != NULL)
		t->next->prev = &t->next;
	h->first = t;
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_URL, rq->url);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "securitybot");
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	set_limits(t, rq);
	set_method(t, rq->method);
	return t;
}

void http_out_start(void *self, uint64_t ticket, const struct request *rq)
{
	struct io *io = self;
	struct pool *p = &io->http_out->pools[rq->is_page ? 1 : 0];
	struct transfer *t = transfer_new(io->http_out, ticket, rq);

	/* Runs at the next io_wait: nothing comes back during a turn. */
	if (curl_multi_add_handle(p->multi, t->easy) != CURLM_OK)
		transfer_done(t, CURLE_FAILED_INIT);
}

void http_out_run(struct http_out *h)
{
	for (int i = 0; i < POOLS_N; i++)
		pool_run(&h->pools[i]);
}

/* --- life --- */

static void pool_open(struct pool *p, struct http_out *h)
{
	p->h = h;
	p->want_ms = p->armed_ms = NEVER_MS;
	p->multi = curl_multi_init();
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	p->watch_timer = io_watcher(h->io, on_timer_fd, p);
	p->watch_socket = io_watcher(h->io, on_socket_fd, p);
	io_watch(h->io, p->watch_timer, p->timer_fd, EPOLLIN);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS_MAX);
	curl_multi_setopt(p->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS_MAX);
	curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX);
}

struct http_out *http_out_new(struct io *io)
{
	struct http_out *h = mem_new(sizeof(*h));

	h->io = io;
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	for (int i = 0; i < POOLS_N; i++)
		pool_open(&h->pools[i], h);
	return h;
}

void http_out_free(struct http_out *h)
{
	if (h == NULL)
		return;
	for (struct transfer *t = h->first, *next; t != NULL; t = next) {
		next = t->next;
		for (int i = 0; i < POOLS_N; i++) /* the one that has it takes it out */
			(void)curl_multi_remove_handle(h->pools[i].multi, t->easy);
		transfer_free(t);
	}
	while (h->spares_n > 0)
		curl_easy_cleanup(h->spares[--h->spares_n]);
	for (int i = 0; i < POOLS_N; i++) {
		(void)curl_multi_cleanup(h->pools[i].multi);
		(void)close(h->pools[i].timer_fd);
	}
	curl_global_cleanup();
	free(h);
}
