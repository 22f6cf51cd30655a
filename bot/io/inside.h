/* inside: what the files of io/ share. Nobody else includes it.
 *   loop.c      context, nested epoll, timers, signals, the run loop
 *   http_out.c  our requests (libcurl)        http_in.c  our door (libwebsockets)
 *   ws_out.c    our WebSockets                resolve.c  names, off the loop
 * Callbacks never decide: they end in io_deliver(). */
#ifndef IO_INSIDE_H
#define IO_INSIDE_H
#include "io/io.h"
#include <libwebsockets.h>

struct http_out;
struct http_in;
struct ws_out;
struct resolver;

enum { WATCHES_MAX = 8, TICK_MS = 200 };
/* Something in the nested epoll: who is told that fd is ready. Several fds may share one. */
struct watch {
	void (*ready)(void *self, int fd, uint32_t events);
	void *self;
};
struct io {
	struct io_options o;
	struct net net;
	struct lws_context *lws;
	struct lws_vhost *client; /* our WebSockets and the nested epoll live here */
	int epoll, wake_fd, tick_fd, signal_fd;
	bool epoll_is_adopted; /* lws closes it */
	struct watch watches[WATCHES_MAX];
	unsigned watches_n;
	int64_t armed_ms; /* wake_fd; NEVER_MS = not */
	bool is_ticking, is_woken, is_waiting, is_closing;
	uint64_t taken; /* arrivals handed over, ever */
	struct kept *first_kept, **last_kept;
	struct http_out *http_out;
	struct http_in *http_in;
	struct ws_out *ws_out;
	struct resolver *resolver;
};

/* --- loop.c */
/* Hands the arrival over, or keeps a copy where the batch is full or a turn is running. ASKED is
 * never kept: false = answer 503. */
bool io_deliver(struct io *io, const struct arrival *a);
bool io_is_full(const struct io *io); /* something is kept: read no more */
unsigned io_watcher(struct io *io, void (*ready)(void *self, int fd, uint32_t events), void *self);
/* Adds fd, changes what it waits for, or (events 0) takes it out; one that is closed is fine. */
void io_watch(struct io *io, unsigned watcher, int fd, uint32_t events);
int64_t io_mono_ms(void);
/* Ticks come every TICK_MS while somebody has a deadline. lws's own timers fire before its poll()
 * and would leave what they cause lying until the next event; the tick bounds that. */
void io_tick_on(struct io *io);
bool text_given(const char *z); /* not NULL, not "" */

/* --- http_out.c */
struct http_out *http_out_new(struct io *io);
void http_out_free(struct http_out *h);
void http_out_start(void *self, uint64_t ticket, const struct request *rq); /* net.http */
void http_out_run(struct http_out *h); /* what is due now, without a round through the poll */

/* --- http_in.c */
MUST_CHECK enum rc http_in_new(struct io *io, struct http_in **out, struct fail *fail);
void http_in_free(struct http_in *h); /* after the context */
int http_in_port(const struct http_in *h);
void http_in_answer(void *self, uint64_t ticket, int status, struct str body, int retry_after_s);
bool http_in_tick(struct http_in *h, int64_t now_ms); /* true: deadlines remain */
bool http_in_is_answering(const struct http_in *h);

/* --- ws_out.c */
int ws_out_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t n);
struct ws_out *ws_out_new(struct io *io);
void ws_out_resolved(void *self, int fd, uint32_t events); /* a watcher: the resolver has answers */
void ws_out_free(struct ws_out *w);
void ws_out_dial(void *self, uint64_t socket, const char *url);
void ws_out_frame(void *self, uint64_t socket, struct str text);
void ws_out_ping(void *self, uint64_t socket);
void ws_out_hang_up(void *self, uint64_t socket, int code);
void ws_out_pause(struct ws_out *w, bool is_paused);
bool ws_out_tick(struct ws_out *w, int64_t now_ms);
bool ws_out_hang_up_all(struct ws_out *w); /* false: there is none left */

/* --- url.c */
enum { HOST_BYTES_MAX = 120, PATH_BYTES_MAX = 2048, PROXY_BYTES_MAX = 256 };
struct ws_url {
	bool is_tls;
	int port;
	char host[HOST_BYTES_MAX + 1];          /* without brackets */
	char authority[HOST_BYTES_MAX + 1 + 8]; /* for the Host header: port if not the scheme's */
	char path[PATH_BYTES_MAX + 1];          /* with the query; at least "/" */
};
/* ws[s]://HOST[:PORT][/PATH][?QUERY]; no user, no fragment. */
bool ws_url_read(struct str url, struct ws_url *out);
/* [http://][user:password@]HOST:PORT; before: borrowed, up to and with the '@'. */
struct proxy {
	struct str before;
	char host[HOST_BYTES_MAX + 1];
	int port;
};
bool proxy_read(const char *text, struct proxy *out);

/* --- resolve.c */
struct resolved {
	uint64_t id;
	bool is_found;
	char numeric[IO_ADDRESS_MAX];
};
/* One helper thread; *event_fd becomes readable when answers wait. */
struct resolver *resolver_new(io_lookup *lookup, int *event_fd);
/* Ends the thread; one that is stuck in a look-up for over a second is left to die with the
 * process. */
void resolver_free(struct resolver *r);
void resolver_ask(struct resolver *r, uint64_t id, const char *host, unsigned nth);
bool resolver_next(struct resolver *r, struct resolved *out); /* false: no more answers */

/* --- http_head.c --- */
struct head_names { /* of the headers an arrival brings */
	const char *const *at;
	int tokens[IO_HEADERS_MAX]; /* libwebsockets' number of it, or -1 */
	size_t n;
};
void head_names(struct head_names *out, const char *const *names); /* NULL ends them, or = none */
/* Those that came; their values, and *out, are the caller's: head_free() each, free() the list. */
size_t head_copy(struct lws *wsi, const struct head_names *names, struct header **out);
char *head_query(struct lws *wsi); /* head_free() it */
void head_free(char *text);        /* wiped: it may hold a secret */
#endif
