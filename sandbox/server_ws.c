/* server_ws: WebSockets over libwebsockets: Socket Mode's and the page's. One frame a writeable
 * callback; messages put together; who said goodbye and who did not. Called by server.c's callback
 * only. */
#include "base/arena.h"
#include "sandbox/server.h"
#include "sandbox/world.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct peer_frame {
	struct peer_frame *next;
	bool is_ping;
	size_t n;
	unsigned char at[]; /* LWS_PRE bytes, then n */
};

static void frame_queue(struct peer *p, struct str text, bool is_ping)
{
	struct peer_frame *f = mem_new(sizeof *f + LWS_PRE + text.n);
	f->is_ping = is_ping;
	f->n = text.n;
	if (text.n)
		memcpy(f->at + LWS_PRE, text.at, text.n);
	*p->last = f;
	p->last = &f->next;
	lws_callback_on_writable(p->wsi);
}

/* Only Slack's own clients and the page come here; anything else is refused before the upgrade. */
int server_ws_admit(struct server *s, struct lws *wsi)
{
	char path[64] = "", origin[128] = "", query[1024] = "";
	size_t n = 0;
	(void)lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI);
	(void)lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN);
	for (int i = 0, got; n + 2 < sizeof query; i++, n += (size_t)got) {
		if (i)
			query[n++] = '&';
		got = lws_hdr_copy_fragment(wsi, query + n, (int)(sizeof query - n),
					    WSI_TOKEN_HTTP_URI_ARGS, i);
		if (got < 0)
			break;
	}
	s->admitted = 0;
	if (strcmp(path, "/_page") == 0 && is_loopback_origin(origin))
		return 0;
	if (strcmp(path, "/link/") == 0)
		s->admitted = world_socket_open(s->world, str_z(path), (struct str){ query, n },
						server_now_ms(s));
	if (s->admitted)
		return 0;
	(void)lws_return_http_status(wsi, 404, NULL);
	return 1;
}

static void established(struct server *s, struct lws *wsi, struct peer **at)
{
	struct peer *p = *at = mem_new(sizeof *p);
	p->server = s;
	p->wsi = wsi;
	p->socket = s->admitted;
	p->last = &p->first;
	p->heard = BUF(SERVER_FRAME_MAX);
	p->next = s->peers;
	s->peers = p;
	s->admitted = 0;
	server_pump(s);
	if (!p->socket)
		lws_callback_on_writable(wsi);
}

static void closed(struct server *s, struct peer **at)
{
	struct peer *p = *at;
	if (!p)
		return;
	*at = NULL;
	for (struct peer **link = &s->peers; *link; link = &(*link)->next)
		if (*link == p) {
			*link = p->next;
			break;
		}
	if (p->socket)
		world_socket_closed(s->world, p->socket, p->said_goodbye, server_now_ms(s));
	for (struct peer_frame *f = p->first, *next; f; f = next) {
		next = f->next;
		free(f);
	}
	buf_free(&p->heard);
	free(p);
}

static int heard(struct server *s, struct peer *p, struct str piece)
{
	if (!p->socket)
		return 0; /* the page only listens */
	bool ends_frame = lws_remaining_packet_payload(p->wsi) == 0,
	     ends = ends_frame && lws_is_final_fragment(p->wsi);
	buf_add(&p->heard, piece);
	if (p->heard.broken) {
		lws_close_reason(p->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
		return -1;
	}
	if (ends_frame && !ends)
		p->is_fragmented = true;
	if (!ends)
		return 0;
	if (p->is_fragmented) /* Slack does not put acks together again */
		world_socket_refuse(s->world, "ack_fragmented", server_now_ms(s));
	else if (lws_frame_is_binary(p->wsi))
		world_socket_refuse(s->world, "ack_binary", server_now_ms(s));
	else
		world_socket_text(s->world, p->socket, buf_str(&p->heard), server_now_ms(s));
	p->is_fragmented = false;
	buf_clear(&p->heard);
	server_pump(s);
	return 0;
}

static int page_tell(struct peer *p)
{
	unsigned char z[LWS_PRE + 64];
	uint64_t now = world_changed(p->server->world);
	if (p->told == now + 1)
		return 0;
	p->told = now + 1;
	char *text = (char *)z + LWS_PRE;
	int n = lws_snprintf(text, 64, "{\"changed\":%" PRIu64 "}", now);
	return lws_write(p->wsi, z + LWS_PRE, (size_t)n, LWS_WRITE_TEXT) < 0 ? -1 : 0;
}

static bool frame_out(struct peer *p)
{
	struct peer_frame *f = p->first;
	p->first = f->next;
	if (!p->first)
		p->last = &p->first;
	int n = lws_write(p->wsi, f->at + LWS_PRE, f->n,
			  f->is_ping ? LWS_WRITE_PING : LWS_WRITE_TEXT);
	free(f);
	return n >= 0;
}

/* The client says goodbye: what was sent before it did goes out, and nothing more is sent to it. */
static void left(struct server *s, struct peer *p)
{
	while (p->first && frame_out(p))
		continue;
	p->said_goodbye = true;
	if (p->socket)
		world_socket_closed(s->world, p->socket, true, server_now_ms(s));
}

static int writeable(struct peer *p)
{
	if (p->drop)
		return -1;
	if (p->first) {
		if (!frame_out(p))
			return -1;
		lws_callback_on_writable(p->wsi);
		return 0;
	}
	if (p->close_code) {
		p->said_goodbye = true; /* we did; it is no ghost */
		lws_close_reason(p->wsi, (enum lws_close_status)p->close_code, NULL, 0);
		return -1;
	}
	return p->socket ? 0 : page_tell(p);
}

static struct peer *peer_of(const struct server *s, int socket)
{
	struct peer *p = s->peers;
	while (p && p->socket != socket)
		p = p->next;
	return p;
}

static void events_out(struct server *s)
{
	struct world_event ev;
	while (world_event_next(s->world, &ev)) {
		struct peer *p = peer_of(s, ev.socket);
		if (!p)
			continue;
		switch (ev.kind) {
		case WORLD_FRAME: frame_queue(p, ev.text, false); break;
		case WORLD_PING: frame_queue(p, ev.text, true); break;
		case WORLD_CLOSE:
			p->close_code = ev.code;
			lws_callback_on_writable(p->wsi);
			break;
		case WORLD_DROP:
			p->drop = true;
			lws_set_timeout(p->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
			break;
		}
	}
}

static void tick(lws_sorted_usec_list_t *sul)
{
	struct server *s = lws_container_of(sul, struct server, due);
	s->armed_ms = 0;
	world_tick(s->world, server_now_ms(s));
	server_pump(s);
}

static void page_tick(lws_sorted_usec_list_t *sul)
{
	struct server *s = lws_container_of(sul, struct server, page_due);
	s->page_is_due = false;
	for (struct peer *p = s->peers; p; p = p->next)
		if (!p->socket)
			lws_callback_on_writable(p->wsi);
}

void server_pump(struct server *s)
{
	if (s->admitted)
		return; /* its hello must find its peer: established() pumps again */
	events_out(s);
	for (struct peer *p = s->peers; p; p = p->next)
		if (p->socket && p->is_deaf != world_socket_is_deaf(s->world, p->socket)) {
			p->is_deaf = !p->is_deaf;
			lws_rx_flow_control(p->wsi, !p->is_deaf);
		}
	int64_t due = world_due_ms(s->world), now = server_now_ms(s);
	if (due != INT64_MAX && due != s->armed_ms) {
		lws_sul_schedule(s->lws, 0, &s->due, tick, due > now ? (due - now) * 1000 : 1);
		s->armed_ms = due;
	}
	bool is_page = false;
	for (const struct peer *p = s->peers; p && !is_page; p = p->next)
		is_page = !p->socket && p->told != world_changed(s->world) + 1;
	if (is_page && !s->page_is_due) { /* at most 20 a second */
		s->page_is_due = true;
		lws_sul_schedule(s->lws, 0, &s->page_due, page_tick, 50 * 1000);
	}
}

void server_hang_up(struct server *s)
{
	for (struct peer *p = s->peers; p; p = p->next) {
		p->close_code = LWS_CLOSE_STATUS_GOINGAWAY;
		lws_callback_on_writable(p->wsi);
	}
}

int server_ws(struct server *s, struct lws *wsi, struct peer **peer, enum lws_callback_reasons why,
	      struct str in)
{
	switch (why) {
	case LWS_CALLBACK_ESTABLISHED: established(s, wsi, peer); return 0;
	case LWS_CALLBACK_RECEIVE: return *peer ? heard(s, *peer, in) : -1;
	case LWS_CALLBACK_SERVER_WRITEABLE: return *peer ? writeable(*peer) : -1;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		if (*peer)
			left(s, *peer);
		return 0;
	case LWS_CALLBACK_CLOSED: closed(s, peer); return 0;
	default: return 0;
	}
}
