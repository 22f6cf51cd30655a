/* loop: one poll for everything. libwebsockets owns it; timers, signals, curl's sockets and the
 * resolver hang off one nested epoll that it watches as a raw file. Called by main (io.h); decides
 * nothing, and never calls the turn but through options.take. */
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/when.h"
#include "io/inside.h"

enum { EVENTS_MAX = 32, SERVE_BYTES = 64 * 1024, SPARE_FDS = 64 };

/* An arrival that found the batch full, or was caused during a turn. */
struct kept {
	struct kept *next;
	struct arrival arrival;
	char *text;
};

bool text_given(const char *z) { return z != NULL && z[0] != '\0'; }

static int64_t clock_ms(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * SECOND_MS + t.tv_nsec / 1000000;
}

int64_t io_wall_ms(void) { return clock_ms(CLOCK_REALTIME); }
int64_t io_mono_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

void io_clocks(struct io_clocks *out)
{
	out->wall_ms = clock_ms(CLOCK_REALTIME);
	out->boot_ms = clock_ms(CLOCK_BOOTTIME);
	struct timex state = { .modes = 0 };
	out->is_wall_unsure = adjtimex(&state) == TIME_ERROR;
	const ssize_t n = getrandom(out->chance, sizeof(out->chance), 0);
	assert(n == (ssize_t)sizeof(out->chance)); /* whole up to 256 bytes, says getrandom(2) */
}

/* --- arrivals --- */

static void keep(struct io *io, const struct arrival *a)
{
	struct kept *k = mem_new(sizeof(*k));

	k->arrival = *a;
	if (a->kind == ARRIVAL_REPLY) {
		k->text = mem_str(a->reply.body);
		k->arrival.reply.body.at = k->text;
		/* curl's sentence lives in the transfer: keep it too, behind the body */
		if (a->reply.error != NULL) {
			const size_t n = strlen(a->reply.error) + 1;
			k->text = mem_grow(k->text, a->reply.body.n + 1 + n);
			memcpy(k->text + a->reply.body.n + 1, a->reply.error, n);
			k->arrival.reply.body.at = k->text;
			k->arrival.reply.error = k->text + a->reply.body.n + 1;
		}
	} else {
		k->text = mem_str(a->frame);
		k->arrival.frame.at = k->text;
	}
	*io->last_kept = k;
	io->last_kept = &k->next;
	ws_out_pause(io->ws_out, true);
}

bool io_is_full(const struct io *io) { return io->first_kept != NULL; }

bool io_deliver(struct io *io, const struct arrival *a)
{
	if (io->is_closing)
		return true;
	if (io->is_waiting && !io_is_full(io) && io->o.take(io->o.self, a)) {
		io->taken++;
		return true;
	}
	if (a->kind != ARRIVAL_ASKED)
		keep(io, a);
	return false;
}

static void kept_drop(struct io *io)
{
	struct kept *k = io->first_kept;

	io->first_kept = k->next;
	if (io->first_kept == NULL)
		io->last_kept = &io->first_kept;
	free(k->text);
	free(k);
}

static void kept_flush(struct io *io)
{
	if (!io_is_full(io))
		return;
	while (io_is_full(io) && io->o.take(io->o.self, &io->first_kept->arrival)) {
		io->taken++;
		kept_drop(io);
	}
	if (!io_is_full(io))
		ws_out_pause(io->ws_out, false);
}

/* --- the nested epoll --- */

unsigned io_watcher(struct io *io, void (*ready)(void *self, int fd, uint32_t events), void *self)
{
	assert(io->watches_n < WATCHES_MAX);
	io->watches[io->watches_n] = (struct watch){ ready, self };
	return io->watches_n++;
}

void io_watch(struct io *io, unsigned watcher, int fd, uint32_t events)
{
	/* The number, not a pointer: an event of an fd that went away in this very round is then
	 * harmless. */
	struct epoll_event ev = { .events = events,
				  .data.u64 = (uint64_t)watcher << 32 | (uint32_t)fd };

	if (events == 0)
		(void)epoll_ctl(io->epoll, EPOLL_CTL_DEL, fd, NULL); /* may be closed already */
	else if (epoll_ctl(io->epoll, EPOLL_CTL_MOD, fd, &ev) != 0 && errno == ENOENT)
		(void)epoll_ctl(io->epoll, EPOLL_CTL_ADD, fd, &ev);
}

static void epoll_drain(struct io *io)
{
	struct epoll_event ev[EVENTS_MAX];
	const int n = epoll_wait(io->epoll, ev, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		const struct watch *w = &io->watches[ev[i].data.u64 >> 32];
		w->ready(w->self, (int)(uint32_t)ev[i].data.u64, ev[i].events);
	}
}

static int on_epoll(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t n)
{
	if (reason == LWS_CALLBACK_RAW_RX_FILE)
		epoll_drain(lws_context_user(lws_get_context(wsi)));
	(void)user;
	(void)in;
	(void)n;
	return 0;
}

/* --- timers and signals --- */

static void on_wake(void *self, int fd, uint32_t events)
{
	struct io *io = self;
	uint64_t n;

	/* ECANCELED says that the wall clock was stepped: a reason to look as well. */
	(void)!read(fd, &n, sizeof(n));
	(void)events;
	io->armed_ms = NEVER_MS;
	io->is_woken = true;
}

/* False: due_ms is not in the future. */
static bool wake_arm(struct io *io, int64_t due_ms)
{
	struct itimerspec at = { 0 };

	if (due_ms <= io_wall_ms())
		return false;
	if (due_ms == io->armed_ms)
		return true;
	if (due_ms != NEVER_MS) {
		at.it_value.tv_sec = due_ms / SECOND_MS;
		at.it_value.tv_nsec = due_ms % SECOND_MS * 1000000;
	}
	(void)timerfd_settime(io->wake_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
	io->armed_ms = due_ms;
	return true;
}

static void tick_set(struct io *io, bool is_on)
{
	const struct timespec step = { .tv_nsec = is_on ? TICK_MS * 1000000L : 0 };
	const struct itimerspec every = { step, step };

	(void)timerfd_settime(io->tick_fd, 0, &every, NULL);
	io->is_ticking = is_on;
}

void io_tick_on(struct io *io)
{
	if (!io->is_ticking)
		tick_set(io, true);
}

static void on_tick(void *self, int fd, uint32_t events)
{
	struct io *io = self;
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
	(void)events;
	const int64_t now_ms = io_mono_ms();
	const bool a = http_in_tick(io->http_in, now_ms);
	const bool b = ws_out_tick(io->ws_out, now_ms);
	if (!a && !b)
		tick_set(io, false);
}

static void on_signal(void *self, int fd, uint32_t events)
{
	struct signalfd_siginfo got;

	(void)events;
	while (read(fd, &got, sizeof(got)) == (ssize_t)sizeof(got)) {
		log_line(LOG_LEVEL_NOTICE, "io.signal", "number=%u", got.ssi_signo);
		(void)io_deliver(self, &(struct arrival){ .kind = ARRIVAL_STOP });
	}
}

/* --- life --- */

static void on_lws_log(int level, const char *text)
{
	const size_t n = strlen(text);

	log_line((level & LLL_ERR) ? LOG_LEVEL_WARN : LOG_LEVEL_NOTICE, "io.lws", "text=\"%.*s\"",
		 (int)(n > 0 && text[n - 1] == '\n' ? n - 1 : n), text);
}

static void forget_environment(void)
{
	/* libwebsockets, libcurl and OpenSSL would follow them, not all of them the same ones; our
	 * proxy and authorities come from the configuration. */
	static const char *const names[] = { "http_proxy",  "HTTP_PROXY",    "https_proxy",
					     "HTTPS_PROXY", "all_proxy",     "ALL_PROXY",
					     "socks_proxy", "SOCKS_PROXY",   "no_proxy",
					     "NO_PROXY",    "SSL_CERT_FILE", "SSL_CERT_DIR" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unsetenv(names[i]);
}

static int signals_open(void)
{
	sigset_t ours;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &ours, NULL);
	return signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void fds_open(struct io *io)
{
	io->signal_fd = signals_open();
	io->epoll = epoll_create1(EPOLL_CLOEXEC);
	io->wake_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	io->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	assert(io->signal_fd >= 0 && io->epoll >= 0 && io->wake_fd >= 0 && io->tick_fd >= 0);
	io_watch(io, io_watcher(io, on_signal, io), io->signal_fd, EPOLLIN);
	io_watch(io, io_watcher(io, on_wake, io), io->wake_fd, EPOLLIN);
	io_watch(io, io_watcher(io, on_tick, io), io->tick_fd, EPOLLIN);
}

/* libwebsockets would start without, and then refuse every server. */
static bool holds_authorities(const char *file)
{
	X509_STORE *store = X509_STORE_new();
	const bool is_good = store != NULL && X509_STORE_load_file(store, file) == 1;

	X509_STORE_free(store);
	ERR_clear_error();
	return is_good;
}

static enum rc context_open(struct io *io, struct fail *fail)
{
	static const struct lws_protocols protocols[] = {
		{ .name = "ws", .callback = ws_out_callback, .rx_buffer_size = 16 * 1024 },
		{ .name = "epoll", .callback = on_epoll },
		{ .name = NULL },
	};
	const bool has_ca = text_given(io->o.ca_file);
	const struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			   (has_ca ? LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS : 0),
		.user = io,
		/* Otherwise its tables have the size of `ulimit -n`. */
		.fd_limit_per_thread = IO_CONNECTIONS_MAX + SPARE_FDS,
		.max_http_header_data = IO_HEADER_BYTES_MAX,
		.pt_serv_buf_size = SERVE_BYTES, /* one read takes all that waits, up to this */
		/* Longer than our own deadlines, which answer before they hang up. */
		.timeout_secs = IO_DIAL_MS / 1000 + 1,
		.protocols = protocols,
		.vhost_name = "client",
		.client_ssl_ca_filepath = has_ca ? io->o.ca_file : NULL,
		/* As for requests: TLS 1.2 or newer, whatever the system's own policy is. */
		.ssl_client_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1,
	};
	lws_sock_file_fd_type u = { .filefd = io->epoll };

	if (has_ca && !holds_authorities(io->o.ca_file))
		return FAIL(fail, RC_REFUSED, "%s: no certificates can be read from it",
			    io->o.ca_file);
	lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
	io->lws = lws_create_context(&info);
	if (io->lws == NULL)
		return FAIL(fail, RC_REFUSED, "libwebsockets does not start");
	io->client = lws_create_vhost(io->lws, &info);
	if (io->client == NULL)
		return FAIL(fail, RC_REFUSED, "TLS does not start");
	if (lws_adopt_descriptor_vhost(io->client, LWS_ADOPT_RAW_FILE_DESC, u, "epoll", NULL) ==
	    NULL)
		return FAIL(fail, RC_REFUSED, "the loop does not start");
	io->epoll_is_adopted = true;
	return RC_OK;
}

enum rc io_open(const struct io_options *o, struct io **out, struct fail *fail)
{
	struct io *io = mem_new(sizeof(*io));
	int resolver_fd;

	io->o = *o;
	io->armed_ms = NEVER_MS;
	io->last_kept = &io->first_kept;
	io->net = (struct net){ .self = io,
				.http = http_out_start,
				.answer = http_in_answer,
				.dial = ws_out_dial,
				.frame = ws_out_frame,
				.ping = ws_out_ping,
				.hang_up = ws_out_hang_up };
	if (io->o.patience_ms == 0)
		io->o.patience_ms = IO_REQUEST_MS;
	forget_environment();
	fds_open(io); /* first of all the signals: threads inherit what is blocked */
	io->resolver = resolver_new(o->lookup, &resolver_fd);
	io->ws_out = ws_out_new(io);
	io->http_out = http_out_new(io);
	io_watch(io, io_watcher(io, ws_out_resolved, io->ws_out), resolver_fd, EPOLLIN);
	struct proxy proxy;
	enum rc rc = RC_OK;
	if (text_given(o->proxy) && !proxy_read(o->proxy, &proxy))
		rc = FAIL(fail, RC_REFUSED, "the proxy is not http://[user:password@]host:port");
	if (rc == RC_OK)
		rc = context_open(io, fail);
	if (rc == RC_OK)
		rc = http_in_new(io, &io->http_in, fail);
	if (rc != RC_OK) {
		io_close(io);
		return rc;
	}
	*out = io;
	return RC_OK;
}

const struct net *io_net(const struct io *io) { return &io->net; }
int io_port(const struct io *io) { return http_in_port(io->http_in); }

bool io_wait(struct io *io, int64_t due_ms)
{
	const uint64_t before = io->taken;
	bool is_alive = true;

	io->is_waiting = true;
	io->is_woken = !wake_arm(io, due_ms);
	kept_flush(io);
	http_out_run(io->http_out);
	while (is_alive && !io->is_woken && io->taken == before)
		is_alive = lws_service(io->lws, 0) >= 0; /* the number is ignored: it sleeps */
	/* One call hands over one buffer of one socket: read on, or there is no group commit. */
	for (int round = 0; is_alive && round < IO_ROUNDS_MAX; round++) {
		const uint64_t last = io->taken;
		is_alive = lws_service(io->lws, -1) >= 0; /* returns at once */
		if (io->taken == last)
			break;
	}
	io->is_waiting = false;
	return is_alive;
}

/* Nobody may die without a Close frame, and who was promised an answer gets it. */
static void say_goodbye(struct io *io)
{
	const int64_t end_ms = io_mono_ms() + IO_HANG_UP_MS + 2 * TICK_MS;

	io->is_waiting = true;
	tick_set(io, true); /* wakes the loop even if nobody answers */
	while ((ws_out_hang_up_all(io->ws_out) || http_in_is_answering(io->http_in)) &&
	       io_mono_ms() < end_ms && lws_service(io->lws, 0) >= 0) {
		if (!io->is_ticking)
			tick_set(io, true);
	}
	io->is_waiting = false;
}

void io_close(struct io *io)
{
	if (io == NULL)
		return;
	io->is_closing = true;
	if (io->http_in != NULL)
		say_goodbye(io);
	http_out_free(io->http_out); /* calls back for its sockets: needs the epoll */
	if (io->lws != NULL)
		lws_context_destroy(io->lws); /* calls back, and closes the adopted epoll */
	http_in_free(io->http_in);
	ws_out_free(io->ws_out);
	resolver_free(io->resolver);
	while (io_is_full(io))
		kept_drop(io);
	if (!io->epoll_is_adopted)
		(void)close(io->epoll);
	(void)close(io->wake_fd);
	(void)close(io->tick_fd);
	(void)close(io->signal_fd);
	free(io);
}
