/* world: the fake workspace and the fake vendors as a pure model: (request, time) -> (reply,
 * events). It opens no socket, reads no clock, draws no chance but from its seed. Three users: the
 * sandbox server (server.c), the wire tests (through that server) and the simulator (directly). It
 * judges the bot by Slack's rules written anew here, so it includes nothing of bot/ but bot/base.
 * Sources of rules: docs.slack.dev, developer.pagerduty.com. */
#ifndef SANDBOX_WORLD_H
#define SANDBOX_WORLD_H
#include "base/text.h"
struct cJSON;
struct world;

struct world_options {
	bool slack_limits;   /* pace like Slack (429 + Retry-After, 1 message a second a channel);
				false = never 429 by pace */
	uint64_t seed;       /* ids, tickets, choice of the socket */
	const char *ws_base; /* what apps.connections.open hands out: "ws://127.0.0.1:PORT" (no
				trailing slash) */
};
struct world *world_new(const struct world_options *o);
void world_free(struct world *w);

/* One HTTP call by the bot (or by Slack's own clients): Web API under /api/, response URLs under
 * /response/, PagerDuty Events v2 under /pagerduty/v2/. */
struct world_request {
	struct str method, path, query; /* path without, query after the '?' (undecoded) */
	struct str authorization, content_type;
	struct str body;
};
struct world_reply {
	int status; /* 0: hang up unanswered once delay_ms is over */
	const char *content_type;
	int64_t retry_after_s; /* 0 = no such header */
	struct buf body;       /* buf_free() it */
	int64_t delay_ms; /* the server should hold the answer back so long (a fault), or -1: hang
			     up unanswered */
};
void world_http(struct world *w, const struct world_request *rq, int64_t now_ms,
		struct world_reply *out);

/* Socket Mode. open: the socket's number (1…) or 0 where the ticket is unknown, used or expired
 * (refuse the upgrade with 4xx). The hello frame comes as an event. */
int world_socket_open(struct world *w, struct str path, struct str query, int64_t now_ms);
void world_socket_text(struct world *w, int socket, struct str text, int64_t now_ms);
/* A message that Slack drops unread: "ack_fragmented", "ack_binary". Counted, nothing else happens.
 */
void world_socket_refuse(struct world *w, const char *rule, int64_t now_ms);
/* A half-open socket: the transport should stop reading it, so that not even pings are answered. */
bool world_socket_is_deaf(const struct world *w, int socket);
/* The socket is gone. with_close_frame: the client said goodbye; otherwise it stays registered as a
 * ghost. */
void world_socket_closed(struct world *w, int socket, bool with_close_frame, int64_t now_ms);

enum world_event_kind {
	WORLD_FRAME,
	WORLD_PING,
	WORLD_CLOSE,
	WORLD_DROP /* TCP gone, no Close frame */
};
struct world_event {
	enum world_event_kind kind;
	int socket;
	struct str text; /* the frame; valid until the next world_ call */
	int code;        /* WORLD_CLOSE: the close code */
};
bool world_event_next(struct world *w, struct world_event *out); /* false: none waiting */

/* Timers (3 s ack clocks, event retries, pings, refresh, trigger expiry): call world_tick at
 * world_due_ms. */
int64_t world_due_ms(const struct world *w); /* NEVER_MS if nothing waits */
void world_tick(struct world *w, int64_t now_ms);

/* Grows whenever what `state` shows may have changed. */
uint64_t world_changed(const struct world *w);

/* What people do and what tests ask: docs/SANDBOX.md lists verbs and fields. Returns a new object:
 * {"ok":true,…} or {"ok":false,"error":"…"}; json_free() it. */
struct cJSON *world_control(struct world *w, const char *verb, const struct cJSON *args,
			    int64_t now_ms);
#endif
