/* ws_out: the WebSockets we dial. Called by the turn through struct net, and by libwebsockets. A
 * socket that was dialled ends in exactly one ARRIVAL_CLOSED, whichever of the ways to fail it
 * takes; it is closed with a Close frame unless the peer is dead. Whether a peer lives is for the
 * turn to say: pongs are reported, nothing is hung up for silence. */
#include <assert.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/when.h"
#include "io/inside.h"

enum { QUEUE_BYTES_MAX = 4 << 20 };

/* FREE -> RESOLVING -> DIALING -> UP -> CLOSING -> FREE. A socket that fails in RESOLVING goes
 * straight to FREE; libwebsockets' last callback ends the others. */
enum line_state { LINE_FREE, LINE_RESOLVING, LINE_DIALING, LINE_UP, LINE_CLOSING };

struct frame {
	struct frame *next;
	size_t n;
	unsigned char at[]; /* LWS_PRE bytes of room, then the text */
};
struct line {
	enum line_state state;
	uint64_t socket;
	struct lws *wsi;
	int64_t deadline_ms; /* NEVER_MS = none */
	struct ws_url url;
	struct buf message; /* the one being received */
	struct frame *first, **last;
	size_t queued_n;
	unsigned pings;
	bool wants_close, has_closed; /* our Close frame: is due, is out */
	int code;                     /* ours, or the peer's */
	char reason[128];
};
struct ws_out {
	struct io *io;
	unsigned failed; /* dials */
	bool is_paused;
	struct line lines[IO_SOCKETS_MAX];
};

/* --- a line --- */

static struct line *line_of(struct ws_out *w, uint64_t socket)
{
	for (size_t i = 0; i < IO_SOCKETS_MAX; i++) {
		if (w->lines[i].state != LINE_FREE && w->lines[i].socket == socket)
			return &w->lines[i];
	}
	return NULL;
}

static void frames_free(struct line *l)
{
	for (struct frame *f; (f = l->first) != NULL; free(f))
		l->first = f->next;
	l->last = &l->first;
	l->queued_n = 0;
}

static void say_closed(struct ws_out *w, uint64_t socket, int code, const char *reason)
{
	const struct arrival a = {
		.kind = ARRIVAL_CLOSED, .ticket = socket, .code = code, .frame = str_z(reason)
	};

	(void)io_deliver(w->io, &a);
}

static void reason_set(struct line *l, const char *reason)
{
	if (l->reason[0] == '\0')
		(void)snprintf(l->reason, sizeof(l->reason), "%s", reason);
}

/* The one end of every line. */
static void line_gone(struct ws_out *w, struct line *l)
{
	say_closed(w, l->socket, l->code, l->reason);
	frames_free(l);
	buf_free(&l->message);
	*l = (struct line){ .state = LINE_FREE };
}

static void deadline_in(struct ws_out *w, struct line *l, int64_t wait_ms)
{
	l->deadline_ms = io_mono_ms() + wait_ms;
	io_tick_on(w->io);
}

static void line_kill(struct line *l)
{
	l->deadline_ms = NEVER_MS;
	lws_set_timeout(l->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* Close frame from the next writeable callback; until the peer's own, or for IO_HANG_UP_MS, what it
 * sent before it read ours is taken; then the axe. */
static void line_close(struct ws_out *w, struct line *l, int code, const char *reason)
{
	if (l->state == LINE_CLOSING)
		return;
	reason_set(l, reason);
	l->code = code;
	switch (l->state) {
	case LINE_RESOLVING: line_gone(w, l); return; /* its answer will find nobody */
	case LINE_DIALING: deadline_in(w, l, 0); return;
	case LINE_UP:
		l->state = LINE_CLOSING;
		l->wants_close = true;
		deadline_in(w, l, IO_HANG_UP_MS);
		lws_callback_on_writable(l->wsi);
		return;
	case LINE_CLOSING:
	case LINE_FREE: return;
	}
}

/* --- dialling --- */

/* Through a proxy it is the proxy's name that must be looked up; the target's goes to the proxy. */
static void look_up(struct ws_out *w, const struct line *l)
{
	struct proxy proxy;
	const bool by_proxy = text_given(w->io->o.proxy);

	if (by_proxy)
		proxy_read(w->io->o.proxy, &proxy);
	resolver_ask(w->io->resolver, l->socket, by_proxy ? proxy.host : l->url.host, w->failed);
}

static void set_proxy(struct ws_out *w, const char *numeric)
{
	struct proxy proxy;
	char text[PROXY_BYTES_MAX + IO_ADDRESS_MAX];
	const bool is_v6 = strchr(numeric, ':') != NULL;

	proxy_read(w->io->o.proxy, &proxy);
	(void)snprintf(text, sizeof(text), "%.*s%s%s%s:%d", STR_ARG(proxy.before), is_v6 ? "[" : "",
		       numeric, is_v6 ? "]" : "", proxy.port);
	(void)lws_set_proxy(w->io->client, text);
	explicit_bzero(text, sizeof(text)); /* a password may be in it */
}

static void dial(struct ws_out *w, struct line *l, const char *numeric)
{
	static const lws_retry_bo_t no_hang_up = { .secs_since_valid_ping = 0 };
	const struct ws_url *url = &l->url;
	const bool by_proxy = text_given(w->io->o.proxy);
	const uint64_t socket = l->socket;

	if (by_proxy)
		set_proxy(w, numeric);
	const struct lws_client_connect_info info = {
		.context = w->io->lws,
		.vhost = w->io->client,
		.address = by_proxy ? url->host : numeric, /* a name here would stop the loop */
		.port = url->port,
		.path = url->path,
		.host = url->authority, /* TLS checks what is before its colon */
		.ssl_connection =
			(url->is_tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
		.local_protocol_name = "ws",
		.alpn = "http/1.1",
		.pwsi = &l->wsi,
		.opaque_user_data = l,
		.retry_and_idle_policy = &no_hang_up,
	};

	l->state = LINE_DIALING;
	if (lws_client_connect_via_info(&info) == NULL && line_of(w, socket) == l) {
		reason_set(l, "can't connect");
		w->failed++;
		line_gone(w, l); /* no callback comes for this one */
	}
}

void ws_out_resolved(void *self, int fd, uint32_t events)
{
	struct ws_out *w = self;
	struct resolved r;

	(void)fd;
	(void)events;
	while (resolver_next(w->io->resolver, &r)) {
		struct line *l = line_of(w, r.id);
		if (l == NULL || l->state != LINE_RESOLVING)
			continue; /* given up meanwhile */
		if (r.is_found) {
			dial(w, l, r.numeric);
			continue;
		}
		reason_set(l, "host not found");
		w->failed++;
		line_gone(w, l);
	}
}

void ws_out_dial(void *self, uint64_t socket, const char *url)
{
	struct ws_out *w = ((struct io *)self)->ws_out;
	struct line *l = NULL;

	assert(line_of(w, socket) == NULL); /* sockets are numbered, ever rising */
	for (size_t i = 0; i < IO_SOCKETS_MAX && l == NULL; i++) {
		if (w->lines[i].state == LINE_FREE)
			l = &w->lines[i];
	}
	if (l == NULL) {
		say_closed(w, socket, 0, "too many sockets");
		return;
	}
	*l = (struct line){ .state = LINE_RESOLVING,
			    .socket = socket,
			    .deadline_ms = NEVER_MS,
			    .message = BUF(IO_FRAME_BYTES_MAX) };
	l->last = &l->first;
	if (!ws_url_read(str_z(url), &l->url)) {
		reason_set(l, "not a WebSocket's URL");
		line_gone(w, l);
		return;
	}
	deadline_in(w, l, IO_DIAL_MS);
	look_up(w, l);
}

/* --- sending --- */

void ws_out_frame(void *self, uint64_t socket, struct str text)
{
	struct ws_out *w = ((struct io *)self)->ws_out;
	struct line *l = line_of(w, socket);

	if (l == NULL || l->state != LINE_UP)
		return; /* gone: its ARRIVAL_CLOSED says so */
	if (text.n > IO_FRAME_BYTES_MAX || l->queued_n + text.n > QUEUE_BYTES_MAX) {
		line_close(w, l, LWS_CLOSE_STATUS_GOINGAWAY, "the peer does not read");
		return;
	}
	struct frame *f = mem_new(sizeof(*f) + LWS_PRE + text.n);
	f->n = text.n;
	if (text.n > 0)
		memcpy(f->at + LWS_PRE, text.at, text.n);
	*l->last = f;
	l->last = &f->next;
	l->queued_n += text.n;
	lws_callback_on_writable(l->wsi);
}

void ws_out_ping(void *self, uint64_t socket)
{
	struct line *l = line_of(((struct io *)self)->ws_out, socket);

	if (l == NULL || l->state != LINE_UP)
		return;
	l->pings = 1; /* more than one waiting says nothing more */
	lws_callback_on_writable(l->wsi);
}

void ws_out_hang_up(void *self, uint64_t socket, int code)
{
	struct ws_out *w = ((struct io *)self)->ws_out;
	struct line *l = line_of(w, socket);

	if (l != NULL)
		line_close(w, l, code, "hung up");
}

/* By hand (RFC 6455, 5.5.1): after lws_close_reason() libwebsockets would throw away what the peer
 * said before it read our Close, and a click in it is delivered only once. */
static bool write_close(struct lws *wsi, int code)
{
	unsigned char frame[LWS_PRE + 8] = { 0 }, *at = frame + LWS_PRE, *mask = at + 2;

	at[0] = 0x88; /* final, Close */
	at[1] = 0x82; /* masked, two bytes */
	(void)!getrandom(mask, 4, 0);
	at[6] = (unsigned char)(code >> 8) ^ mask[0];
	at[7] = (unsigned char)code ^ mask[1];
	return lws_write(wsi, at, 8, LWS_WRITE_RAW) == 8;
}

/* One lws_write a callback; it comes unasked, too. Frames that wait go before our Close. */
static int on_writeable(struct lws *wsi, struct line *l)
{
	unsigned char nothing[LWS_PRE + 1] = { 0 };
	struct frame *f = l->first;

	if (f != NULL) {
		const int n = lws_write(wsi, f->at + LWS_PRE, f->n, LWS_WRITE_TEXT);
		l->first = f->next;
		if (l->first == NULL)
			l->last = &l->first;
		l->queued_n -= f->n;
		free(f);
		if (n < 0)
			return -1;
	} else if (l->wants_close) {
		l->wants_close = false;
		l->has_closed = true;
		if (!write_close(wsi, l->code))
			return -1;
	} else if (l->pings > 0) {
		l->pings = 0;
		if (lws_write(wsi, nothing + LWS_PRE, 0, LWS_WRITE_PING) < 0)
			return -1;
	}
	if (l->first != NULL || l->wants_close || l->pings > 0)
		lws_callback_on_writable(wsi);
	return 0;
}

/* --- receiving --- */

static void heard(struct ws_out *w, const struct line *l)
{
	(void)io_deliver(w->io, &(struct arrival){ .kind = ARRIVAL_HEARD, .ticket = l->socket });
}

/* A piece of a message, not a message. */
static void on_piece(struct ws_out *w, struct line *l, struct str piece)
{
	if (piece.n > 0)
		buf_add(&l->message, piece);
	if (l->message.broken) {
		line_close(w, l, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "a message over 1 MiB");
		return;
	}
	if (!lws_is_final_fragment(l->wsi) || lws_remaining_packet_payload(l->wsi) > 0)
		return;
	if (lws_frame_is_binary(l->wsi)) {
		heard(w, l); /* nobody speaks binary to us */
	} else {
		const struct arrival a = { .kind = ARRIVAL_FRAME,
					   .ticket = l->socket,
					   .frame = buf_str(&l->message) };
		(void)io_deliver(w->io, &a);
	}
	buf_free(&l->message);
	l->message = BUF(IO_FRAME_BYTES_MAX);
}

static void on_up(struct ws_out *w, struct line *l)
{
	l->state = LINE_UP;
	l->deadline_ms = NEVER_MS;
	if (w->is_paused)
		(void)lws_rx_flow_control(l->wsi, 0);
	(void)io_deliver(w->io, &(struct arrival){ .kind = ARRIVAL_OPENED, .ticket = l->socket });
}

static int on_peer_close(struct ws_out *w, struct line *l, const unsigned char *at, size_t n)
{
	char why[sizeof(l->reason)];

	if (l->has_closed)
		return -1;                /* the echo of ours: that is the end */
	deadline_in(w, l, IO_HANG_UP_MS); /* libwebsockets answers with a Close of its own */
	if (l->wants_close || n < 2)
		return 0;
	l->code = at[0] << 8 | at[1];
	(void)snprintf(why, sizeof(why), "closed by the peer: %.*s", (int)(n - 2),
		       (const char *)at + 2);
	reason_set(l, why);
	return 0;
}

/* Asked of each certificate of a chain; only here is it said what is wrong with one. libwebsockets
 * goes by OpenSSL's judgement, whatever is returned. */
static void on_certificate(struct line *l, X509_STORE_CTX *chain, bool is_good)
{
	char text[sizeof(l->reason)];

	if (l == NULL || is_good)
		return;
	const int error = X509_STORE_CTX_get_error(chain);
	(void)snprintf(text, sizeof(text), "can't connect: TLS: %s",
		       X509_verify_cert_error_string(error));
	reason_set(l, text);
}

static void on_failed(struct ws_out *w, struct line *l, const char *why, size_t n)
{
	static const char handshake[] = "connect SSL err";
	const struct str said = { why, why != NULL ? n : 0 };
	char text[sizeof(l->reason)];

	if (str_starts(said, STR(handshake))) /* the rest of it is a number without meaning */
		(void)snprintf(text, sizeof(text), "can't connect: TLS 1.2 or newer is wanted");
	else
		(void)snprintf(text, sizeof(text), "can't connect: %.*s", STR_ARG(said));
	reason_set(l, text);
	w->failed++;
	line_gone(w, l);
}

int ws_out_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t n)
{
	const struct io *io = lws_context_user(lws_get_context(wsi));
	struct line *l = lws_get_opaque_user_data(wsi);

	switch (reason) {
	case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
		on_certificate(l, user, n != 0);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED: on_up(io->ws_out, l); return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE: on_piece(io->ws_out, l, (struct str){ in, n }); return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG: heard(io->ws_out, l); return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE: return on_writeable(wsi, l);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return on_peer_close(io->ws_out, l, in, n);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		on_failed(io->ws_out, l, in, n);
		lws_set_opaque_user_data(wsi, NULL);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP: /* instead of it, while the upgrade is not answered */
	case LWS_CALLBACK_WSI_DESTROY:        /* the last of all, whatever was left out */
		if (l != NULL) {
			reason_set(l, "the connection was lost");
			line_gone(io->ws_out, l);
			lws_set_opaque_user_data(wsi, NULL);
		}
		return 0;
	default: return lws_callback_http_dummy(wsi, reason, user, in, n);
	}
}

/* --- the loop's hand on all of them --- */

void ws_out_pause(struct ws_out *w, bool is_paused)
{
	w->is_paused = is_paused;
	for (size_t i = 0; i < IO_SOCKETS_MAX; i++) {
		struct line *l = &w->lines[i];
		if (l->state == LINE_UP || l->state == LINE_CLOSING)
			(void)lws_rx_flow_control(l->wsi, !is_paused);
	}
}

bool ws_out_tick(struct ws_out *w, int64_t now_ms)
{
	bool is_any = false;

	for (size_t i = 0; i < IO_SOCKETS_MAX; i++) {
		struct line *l = &w->lines[i];
		if (l->state == LINE_FREE || l->deadline_ms == NEVER_MS)
			continue;
		is_any = true;
		if (l->deadline_ms > now_ms)
			continue;
		reason_set(l, l->state == LINE_RESOLVING ? "the look-up takes too long"
							 : "connecting takes too long");
		if (l->state == LINE_RESOLVING)
			line_gone(w, l);
		else /* its callback ends the line */
			line_kill(l);
	}
	return is_any;
}

bool ws_out_hang_up_all(struct ws_out *w)
{
	bool is_any = false;

	for (size_t i = 0; i < IO_SOCKETS_MAX; i++) {
		if (w->lines[i].state != LINE_FREE)
			line_close(w, &w->lines[i], LWS_CLOSE_STATUS_GOINGAWAY, "the end");
		is_any = is_any || w->lines[i].state != LINE_FREE;
	}
	return is_any;
}

struct ws_out *ws_out_new(struct io *io)
{
	struct ws_out *w = mem_new(sizeof(*w));

	w->io = io;
	return w;
}

void ws_out_free(struct ws_out *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < IO_SOCKETS_MAX; i++) {
		frames_free(&w->lines[i]);
		buf_free(&w->lines[i].message);
	}
	free(w);
}
