/* net: bytes between the turn and the world. io/ makes arrivals and carries out what the turn
 * releases; the simulator does the same with a fake world. No route, header name or token is known
 * on io's side of this line. */
#ifndef MODEL_NET_H
#define MODEL_NET_H
#include "base/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An HTTP request of ours. Texts live in the turn's arena until net.http() returns. */
struct request {
	const char *method; /* GET, POST, … */
	const char *url;    /* https://…; http:// for loopback only (config refuses others) */
	const char
		*headers[6]; /* "Name: value", NULL ends the list; may hold secrets: never logged */
	struct str body;
	int64_t timeout_ms; /* for all of it */
	size_t reply_bytes_max;
	bool is_page; /* goes over the connection kept for pages */
};
enum { REPLY_HEADERS_MAX = 2 };

/* A header that came to our door. */
struct header {
	const char *name; /* in lower case */
	const char *value;
};

enum arrival_kind {
	ARRIVAL_ASKED,  /* an HTTP request at our door, complete or refused by a ceiling */
	ARRIVAL_REPLY,  /* the answer to a request of ours */
	ARRIVAL_OPENED, /* WebSocket: the upgrade went well */
	ARRIVAL_FRAME,  /* WebSocket: one whole text message */
	ARRIVAL_HEARD,  /* WebSocket: a ping or pong: the peer lives */
	ARRIVAL_CLOSED, /* WebSocket: gone, or never came up */
	ARRIVAL_STOP,   /* SIGTERM: say goodbye and end */
};
struct arrival {
	enum arrival_kind kind;
	uint64_t ticket; /* ASKED: answer it under this; REPLY: the one given to net.http;
			    OPENED…CLOSED: the socket */
	struct {
		const char *method, *path, *query;
		const struct header *headers; /* those that io was asked for and that came */
		size_t headers_n;
		struct str body;
		bool is_local; /* came by the Unix socket: the file system has authenticated it */
		int refused;   /* io hit a ceiling: 411, 413, 408, 431 …; 0 = complete */
	} asked;
	struct {
		int status;             /* 0: no answer; error says why */
		bool may_have_happened; /* status 0 after the request left us */
		int64_t retry_after_s;  /* header Retry-After in seconds, -1 = none or not a number
					 */
		struct str body;
		const char *error;
	} reply;
	struct str frame; /* FRAME; CLOSED: the reason */
	int code;         /* CLOSED: the close code, 0 = none */
};

/* What the turn may do to the world; called after the commit only. None of them blocks or fails
 * here: failures come back as arrivals. Every request gets exactly one ARRIVAL_REPLY, every dial
 * exactly one ARRIVAL_CLOSED in the end. */
struct net {
	void *self;
	void (*http)(void *self, uint64_t ticket, const struct request *rq);
	/* JSON answer (or none if body is empty) to ARRIVAL_ASKED; content type problem+json from
	 * status 400 up. retry_after_s 0 = no such header. A ticket whose peer has gone is ignored.
	 */
	void (*answer)(void *self, uint64_t ticket, int status, struct str body, int retry_after_s);
	void (*dial)(void *self, uint64_t socket, const char *url);
	void (*frame)(void *self, uint64_t socket,
		      struct str text); /* one unfragmented text frame */
	void (*ping)(void *self, uint64_t socket);
	void (*hang_up)(void *self, uint64_t socket,
			int code); /* Close frame, then at most 2 s, then gone */
};
#endif
