/* io: the world. The only sockets, clocks, signals and chance of the program; one thread, one loop.
 * Called by main only. It knows no route, header name or token, and it never decides: what comes
 * becomes an arrival, what the turn releases is carried out. */
#ifndef IO_IO_H
#define IO_IO_H
#include "base/fail.h"
#include "base/text.h"
#include "model/net.h"

struct io;

enum {
	IO_HEADERS_MAX = 256,           /* names of headers that are copied */
	IO_CONNECTIONS_MAX = 512,       /* at our door, both listeners together; fewer if the
					   process may have few files open */
	IO_HEADER_BYTES_MAX = 4096,     /* of one request, in sum; more drops the connection */
	IO_BODY_BYTES_MAX = 256 * 1024, /* of one request */
	IO_BODIES_BYTES_MAX = 32 << 20, /* of all requests that are being received */
	IO_REQUEST_MS = 10 * 1000,      /* for receiving, for deciding, for taking the answer */
	IO_FRAME_BYTES_MAX = 1 << 20,   /* one WebSocket message, either way */
	IO_SOCKETS_MAX = 8,             /* WebSockets at a time */
	IO_DIAL_MS = 15 * 1000,         /* look-up, connect, TLS and upgrade together */
	IO_HANG_UP_MS = 2 * 1000,       /* from our Close frame to the end */
	IO_ROUNDS_MAX = 64,             /* reads before one turn, while something comes */
	IO_ADDRESS_MAX = 46,            /* INET6_ADDRSTRLEN */
	IO_CHANCE_BYTES = 32,
};

/* Looks host up in a helper thread and writes one numeric address; `nth` counts failed dials, so
 * that another address of the same name gets its chance. 0 = found. */
typedef int io_lookup(const char *host, unsigned nth, char numeric[IO_ADDRESS_MAX]);

/* Texts are borrowed until io_close. */
struct io_options {
	const char *listen_host; /* numeric or an interface; NULL or "" = no TCP listener */
	int listen_port;         /* 0 = any free one, see io_port() */
	const char *socket_path; /* the local socket, mode 0600; NULL or "" = none. A file that is
				    there is unlinked: take the database's lock first */
	const char *const *headers; /* names of the headers that an arrival brings, in lower case,
				       NULL ends them; NULL = none */
	const char *ca_file; /* trusted instead of the system's authorities; NULL or "" = none */
	const char *proxy;   /* "http://[user:password@]host:port" for all that goes out; NULL or
				"" = none. The environment's proxies are ignored */
	/* An arrival, borrowed; false = no room until the next turn: io keeps it, stops reading its
	 * WebSockets and answers its door 503. Called inside io_wait only. */
	bool (*take)(void *self, const struct arrival *a);
	void *self;
	io_lookup *lookup;   /* NULL = getaddrinfo */
	int64_t patience_ms; /* in place of IO_REQUEST_MS; 0 = that (tests) */
};

/* Blocks SIGTERM, SIGINT and SIGHUP (they become ARRIVAL_STOP), so call it before any thread
 * exists. RC_REFUSED: an address or path can't be listened on. *out is io_close()d by the caller.
 */
MUST_CHECK enum rc io_open(const struct io_options *o, struct io **out, struct fail *fail);
const struct net *io_net(const struct io *io); /* for the turn; lives as long as io */
int io_port(const struct io *io);              /* where the TCP listener is, 0 = none */

/* Waits until something arrives or the wall clock says due_ms (or is stepped), reads on while more
 * comes, and returns. False: the loop is broken, the process must end. */
MUST_CHECK bool io_wait(struct io *io, int64_t due_ms);
/* Hangs up what is open (Close frame, up to IO_HANG_UP_MS), hands out answers that are under way,
 * takes everything down. Arrivals of these moments are dropped. NULL is fine. */
void io_close(struct io *io);

struct io_clocks {
	int64_t wall_ms, boot_ms; /* CLOCK_REALTIME, CLOCK_BOOTTIME */
	bool is_wall_unsure;      /* nothing keeps CLOCK_REALTIME right (adjtimex(2)) */
	uint8_t chance[IO_CHANCE_BYTES];
};
void io_clocks(struct io_clocks *out); /* aborts if the kernel has no chance to give */
int64_t io_wall_ms(void);              /* for log_clock */

/* crumb.c: n bytes that survive the process: the file at path (made with mode 0600), mapped.
 * NULL and *fail otherwise; crumb_unmap() it. */
char *crumb_map(const char *path, size_t n, struct fail *fail);
void crumb_unmap(char *crumb, size_t n);

/* keep.c: a small file that is the old one or the new one (mode 0600), never half. RC_ABSENT: there
 * is none; RC_REFUSED: the disk says no. */
MUST_CHECK enum rc file_keep(const char *path, struct str text, struct fail *fail);
MUST_CHECK enum rc file_kept(const char *path, struct buf *out, struct fail *fail);

/* supervisor.c: a line of sd_notify(3) ("READY=1", "WATCHDOG=1") to that socket (a path, or an
 * abstract name after '@'; "" = nobody listens). Never waits. */
void supervisor_tell(const char *socket_path, const char *state);

/* local.c: one POST to the running bot over its local socket, blocking, at most 10 s a step. For
 * subcommands only. RC_ABSENT: nobody listens there; RC_AGAIN: no answer; RC_TOO_BIG: the answer
 * breaks reply's limit. */
struct local_call {
	const char *socket_path, *path, *content_type;
	struct str body;
};
MUST_CHECK enum rc local_post(const struct local_call *call, int *status, struct buf *reply,
			      struct fail *fail);
#endif
