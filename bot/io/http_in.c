/* http_in: our door: a TCP listener and the local Unix socket. Every request becomes one
 * ARRIVAL_ASKED, whole or refused by a ceiling, and is answered from the writeable callback only.
 * Called by loop.c and libwebsockets; it knows no route. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/status.h"
#include "base/when.h"
#include "io/inside.h"

enum { ANSWER_BYTES_MAX = 4 << 20, KEEP_ALIVE_S = 10, SLOT_BITS = 10 };

/* RECEIVING -> ASKED (the turn has it) -> ANSWERING -> gone, or LINGERING: answered, but the peer
 * may still be sending what we refused; a close now would reset the connection and lose the
 * answer. */
enum visit_state { VISIT_FREE, VISIT_RECEIVING, VISIT_ASKED, VISIT_ANSWERING, VISIT_LINGERING };

struct visit {
	enum visit_state state;
	struct lws *wsi;
	uint64_t serial; /* with the slot: the ticket */
	int64_t deadline_ms;
	const char *method;
	char *path, *query;
	struct header *headers; /* their values are ours */
	size_t headers_n;
	struct buf body, answer;
	size_t declared_n;
	int refused;
	bool ends; /* close after the answer */
};
struct http_in {
	struct io *io;
	struct lws_vhost *tcp, *local;
	unsigned connections, connections_max;
	size_t bodies_n; /* declared, of all that are being received */
	uint64_t serials;
	struct head_names names;
	struct visit visits[IO_CONNECTIONS_MAX];
};
/* What libwebsockets keeps for a connection: zeroed for each request of a kept one. */
struct session {
	struct visit *visit;
};
static_assert(IO_CONNECTIONS_MAX <= 1 << SLOT_BITS, "a ticket is serial and slot");

static const char full_body[] =
	"{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
	"\"detail\":\"too much at once; try again\"}";

/* --- a visit --- */

static struct visit *visit_new(struct http_in *h, struct lws *wsi)
{
	for (size_t i = 0; i < IO_CONNECTIONS_MAX; i++) {
		struct visit *v = &h->visits[i];
		if (v->state != VISIT_FREE)
			continue;
		*v = (struct visit){ .state = VISIT_RECEIVING,
				     .wsi = wsi,
				     .serial = ++h->serials,
				     .deadline_ms = io_mono_ms() + h->io->o.patience_ms,
				     .body = BUF(IO_BODY_BYTES_MAX),
				     .answer = BUF(ANSWER_BYTES_MAX) };
		io_tick_on(h->io);
		return v;
	}
	return NULL; /* as many as connections: can't be */
}

static void body_free(struct http_in *h, struct visit *v)
{
	buf_free(&v->body);
	h->bodies_n -= v->declared_n;
	v->declared_n = 0;
}

static void visit_free(struct http_in *h, struct visit *v)
{
	body_free(h, v);
	head_free(v->path);
	head_free(v->query);
	for (size_t i = 0; i < v->headers_n; i++)
		head_free((char *)(uintptr_t)v->headers[i].value);
	free(v->headers);
	buf_free(&v->answer);
	*v = (struct visit){ .state = VISIT_FREE };
}

static uint64_t ticket_of(const struct http_in *h, const struct visit *v)
{
	return v->serial << SLOT_BITS | (uint64_t)(v - h->visits);
}

/* NULL: answered or gone in the meantime. */
static struct visit *visit_asked(struct http_in *h, uint64_t ticket)
{
	const uint64_t slot = ticket & ((1U << SLOT_BITS) - 1);
	struct visit *v = slot < IO_CONNECTIONS_MAX ? &h->visits[slot] : NULL;

	return v != NULL && v->state == VISIT_ASKED && v->serial == ticket >> SLOT_BITS ? v : NULL;
}

/* --- the answer --- */

static void answer(struct http_in *h, struct visit *v, int status, struct str body, int retry_s)
{
	static const char room[LWS_PRE];
	struct buf *b = &v->answer;

	body_free(h, v);
	v->state = VISIT_ANSWERING;
	v->deadline_ms = io_mono_ms() + h->io->o.patience_ms;
	buf_add(b, (struct str){ room, LWS_PRE });
	buf_addf(b, "HTTP/1.1 %d %s\r\ncontent-length: %zu\r\ncache-control: no-store\r\n", status,
		 status_words(status), body.n);
	if (body.n > 0)
		buf_addf(b, "content-type: application/%sjson\r\n",
			 status >= 400 ? "problem+" : "");
	if (retry_s > 0)
		buf_addf(b, "retry-after: %d\r\n", retry_s);
	if (v->ends)
		buf_addz(b, "connection: close\r\n");
	buf_addz(b, "\r\n");
	if (strcmp(v->method, "HEAD") != 0)
		buf_add(b, body);
	if (b->broken) {
		log_line(LOG_LEVEL_ERROR, "door.answer_too_big", "bytes=%zu", body.n);
		lws_set_timeout(v->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
		return;
	}
	lws_callback_on_writable(v->wsi);
}

void http_in_answer(void *self, uint64_t ticket, int status, struct str body, int retry_after_s)
{
	struct http_in *h = ((struct io *)self)->http_in;
	struct visit *v = visit_asked(h, ticket);

	if (v != NULL)
		answer(h, v, status, body, retry_after_s);
}

/* Whose body libwebsockets reads. */
static bool takes_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "PATCH") == 0;
}

static int on_writeable(struct lws *wsi, struct visit *v)
{
	/* Comes unasked, too. */
	if (v == NULL || v->state != VISIT_ANSWERING || v->answer.broken)
		return 0;
	const size_t n = v->answer.n - LWS_PRE;
	if (lws_write(wsi, (unsigned char *)v->answer.at + LWS_PRE, n, LWS_WRITE_HTTP) < (int)n)
		return -1;
	v->state = VISIT_LINGERING;
	if (!v->ends)
		return lws_http_transaction_completed(wsi) ? -1 : 0; /* frees the visit */
	if (lws_partial_buffered(wsi))
		return 0;
	(void)shutdown(lws_get_socket_fd(wsi), SHUT_WR);
	/* What came behind a head without a body is read by nobody: libwebsockets would run round
	 * it until the deadline. */
	return takes_body(v->method) ? 0 : -1;
}

/* --- the question --- */

static void ask(struct http_in *h, struct visit *v)
{
	const struct arrival a = {
		.kind = ARRIVAL_ASKED,
		.ticket = ticket_of(h, v),
		.asked = { .method = v->method,
			   .path = v->path,
			   .query = v->query,
			   .headers = v->headers,
			   .headers_n = v->headers_n,
			   .body = v->refused == 0 ? buf_str(&v->body) : STR(""),
			   .is_local = lws_get_vhost(v->wsi) == h->local,
			   .refused = v->refused },
	};

	v->state = VISIT_ASKED;
	v->deadline_ms = io_mono_ms() + h->io->o.patience_ms;
	lws_set_timeout(v->wsi, NO_PENDING_TIMEOUT, 0); /* the tick has its deadline */
	if (!io_deliver(h->io, &a))
		answer(h, v, 503, (struct str){ full_body, sizeof(full_body) - 1 }, 1);
	else
		body_free(h, v); /* the batch has its copy */
}

static void refuse(struct http_in *h, struct visit *v, int status)
{
	v->refused = status;
	v->ends = true; /* what is left of the request can't be told from the next one */
	ask(h, v);
}

static const char *method_of(struct lws *wsi)
{
	/* In the order of lws_http_get_uri_and_method(). */
	static const char *const names[] = { "GET",   "POST",   "OPTIONS", "PUT",
					     "PATCH", "DELETE", "CONNECT", "HEAD" };
	char *at;
	int n;
	const int i = lws_http_get_uri_and_method(wsi, &at, &n);

	return i >= 0 && (size_t)i < sizeof(names) / sizeof(names[0]) ? names[i] : "?";
}

/* What refuses a request before its body is read: a status, or 0 and *n. Chunks are not decoded by
 * libwebsockets, a repeated length would be read as the first, a negative one as no limit. */
static int check_length(struct lws *wsi, const char *method, int64_t *n)
{
	const bool has_length = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
	char text[24] = "";

	*n = 0;
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
	    (takes_body(method) && !has_length))
		return 411;
	if (!has_length)
		return 0;
	if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
	    text[0] == '-' || !str_int(str_z(text), n))
		return 400;
	return *n > IO_BODY_BYTES_MAX ? 413 : 0;
}

static int on_request(struct http_in *h, struct lws *wsi, struct session *s, struct str path)
{
	struct visit *v = visit_new(h, wsi);
	int64_t n;

	if (v == NULL)
		return -1;
	s->visit = v;
	v->method = method_of(wsi);
	v->path = mem_str(path);
	v->query = head_query(wsi);
	v->headers_n = head_copy(wsi, &h->names, &v->headers);
	int status = check_length(wsi, v->method, &n);
	if (status == 0 && memchr(path.at, '\0', path.n) != NULL)
		status = 400;
	if (status == 0 && h->bodies_n + (size_t)n > IO_BODIES_BYTES_MAX)
		status = 503;
	if (status != 0) {
		refuse(h, v, status);
		return 0;
	}
	v->declared_n = (size_t)n;
	h->bodies_n += v->declared_n;
	/* A POST of no bytes gets its completion as well; other methods don't. */
	if (n == 0 && !(strcmp(v->method, "POST") == 0))
		ask(h, v);
	return 0;
}

static int on_body_end(struct http_in *h, struct visit *v)
{
	if (v == NULL || v->state == VISIT_LINGERING)
		return -1; /* all of a refused body has come: nothing is lost by closing */
	if (v->state == VISIT_RECEIVING)
		ask(h, v);
	else if (v->refused == 0)
		return -1; /* bytes behind the body: libwebsockets would say this for ever */
	return 0;
}

static void on_gone(struct http_in *h, struct session *s)
{
	if (s != NULL && s->visit != NULL)
		visit_free(h, s->visit);
	if (s != NULL)
		s->visit = NULL;
}

static int door_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
			 size_t n)
{
	struct io *io = lws_context_user(lws_get_context(wsi));
	struct http_in *h = io != NULL ? io->http_in : NULL;
	struct session *s = user;

	if (h == NULL)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
		return h->connections >= h->connections_max || io->is_closing ? -1 : 0;
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		lws_set_opaque_user_data(wsi, h); /* counted */
		h->connections++;
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		if (lws_get_opaque_user_data(wsi) == h)
			h->connections--;
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: /* neither WebSocket nor HTTP/2 is spoken here */
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return -1;
	case LWS_CALLBACK_HTTP: return on_request(h, wsi, s, (struct str){ in, n });
	case LWS_CALLBACK_HTTP_BODY:
		if (s->visit != NULL && s->visit->state == VISIT_RECEIVING && n > 0)
			buf_add(&s->visit->body, (struct str){ in, n });
		return 0;
	case LWS_CALLBACK_HTTP_BODY_COMPLETION: return on_body_end(h, s->visit);
	case LWS_CALLBACK_HTTP_WRITEABLE: return on_writeable(wsi, s->visit);
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
	case LWS_CALLBACK_CLOSED_HTTP: on_gone(h, s); return 0;
	default: return 0;
	}
}

/* --- deadlines --- */

static void visit_expire(struct http_in *h, struct visit *v)
{
	switch (v->state) {
	case VISIT_RECEIVING: refuse(h, v, 408); return;
	case VISIT_ASKED: /* the turn can't commit, or forgot: the sender must try again */
		v->ends = true;
		answer(h, v, 503, (struct str){ full_body, sizeof(full_body) - 1 }, 1);
		return;
	case VISIT_ANSWERING:
	case VISIT_LINGERING:
		v->deadline_ms = NEVER_MS;
		lws_set_timeout(v->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
		return;
	case VISIT_FREE: return;
	}
}

bool http_in_tick(struct http_in *h, int64_t now_ms)
{
	bool is_any = false;

	for (size_t i = 0; i < IO_CONNECTIONS_MAX; i++) {
		struct visit *v = &h->visits[i];
		if (v->state != VISIT_FREE && v->deadline_ms <= now_ms)
			visit_expire(h, v);
		is_any = is_any || v->state != VISIT_FREE;
	}
	return is_any;
}

bool http_in_is_answering(const struct http_in *h)
{
	for (size_t i = 0; i < IO_CONNECTIONS_MAX; i++) {
		if (h->visits[i].state == VISIT_ANSWERING)
			return true;
	}
	return false;
}

/* --- life --- */

static struct lws_vhost *listen_at(struct io *io, const char *name, const char *where, int port,
				   unsigned long long options)
{
	static const struct lws_protocols protocols[] = {
		{ .name = "door",
		  .callback = door_callback,
		  .per_session_data_size = sizeof(struct session) },
		{ .name = NULL },
	};
	const struct lws_context_creation_info info = {
		.port = port,
		.iface = where,
		.vhost_name = name,
		.protocols = protocols,
		.keepalive_timeout = KEEP_ALIVE_S,
		.options = options | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
	};

	return lws_create_vhost(io->lws, &info);
}

static enum rc listen_tcp(struct io *io, struct http_in *h, struct fail *fail)
{
	const char *host = io->o.listen_host;

	if (!text_given(host))
		return RC_OK;
	h->tcp = listen_at(io, "tcp", host, io->o.listen_port,
			   strchr(host, ':') != NULL ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6);
	if (h->tcp == NULL)
		return FAIL(fail, RC_REFUSED, "can't listen on %s port %d", host,
			    io->o.listen_port);
	return RC_OK;
}

static enum rc listen_local(struct io *io, struct http_in *h, struct fail *fail)
{
	const char *path = io->o.socket_path;

	if (!text_given(path))
		return RC_OK;
	const mode_t mask = umask(077); /* libwebsockets binds it with what the mask leaves */
	h->local = listen_at(io, "local", path, 0, LWS_SERVER_OPTION_UNIX_SOCK);
	(void)umask(mask);
	if (h->local == NULL || path[0] == '@' || chmod(path, 0600) != 0)
		return FAIL(fail, RC_REFUSED, "can't listen on %s", path);
	return RC_OK;
}

/* Out of files nothing goes out any more, and libwebsockets tries to accept without end. So the
 * door gets what is left when two pools of requests, the WebSockets and the database have theirs.
 */
static unsigned connections_max(void)
{
	const rlim_t ours = 192, least = 16;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= IO_CONNECTIONS_MAX + ours)
		return IO_CONNECTIONS_MAX;
	return files.rlim_cur > ours + least ? (unsigned)(files.rlim_cur - ours) : (unsigned)least;
}

enum rc http_in_new(struct io *io, struct http_in **out, struct fail *fail)
{
	struct http_in *h = mem_new(sizeof(*h));

	*out = h; /* also when it fails: what is open belongs to io_close */
	h->io = io;
	h->connections_max = connections_max();
	head_names(&h->names, io->o.headers);
	const enum rc rc = listen_tcp(io, h, fail);
	return rc == RC_OK ? listen_local(io, h, fail) : rc;
}

int http_in_port(const struct http_in *h)
{
	return h->tcp != NULL ? lws_get_vhost_listen_port(h->tcp) : 0;
}

void http_in_free(struct http_in *h) { free(h); }
