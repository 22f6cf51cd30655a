/* server: the sandbox on loopback: libwebsockets round the model of world.h. Included by main.c and
 * the server's own files. It decides nothing about Slack: bytes in, bytes out, and the timers that
 * a held answer needs. */
#ifndef SANDBOX_SERVER_H
#define SANDBOX_SERVER_H
#include "base/text.h"
#include <libwebsockets.h>

enum {
	SERVER_BODY_MAX = 2 << 20,  /* a request's body; 413 above */
	SERVER_FRAME_MAX = 1 << 20, /* a client's message; closed with 1009 above */
	SERVER_FDS_MAX = 512,
	SERVER_PIECE = 16 << 10, /* one write of an answer */
	CLOSING_MS = 2000,       /* how long the end waits for Close frames to leave */
};

struct server_options {
	const char *address; /* a loopback address */
	int port;            /* 0 = any */
	bool slack_limits;
	uint64_t seed;
	const char *bot_url, *bot_token_file, *shelf; /* NULL = none */
	int64_t (*clock_ms)(void);
	void (*chance)(uint8_t out[16]); /* for alert ids; the model has its seed */
};
struct server;
struct cJSON;
/* Runs until SIGTERM or SIGINT, which it blocks and reads from a signalfd. An exit code of
 * sysexits.h. Prints "sandbox http://…/" on standard output once it listens. */
int server_run(const struct server_options *o);

/* --- between server.c, server_http.c, server_ws.c and server_shelf.c --- */

struct request { /* one HTTP request, until it is answered */
	struct server *server;
	struct lws *wsi;
	struct request *next; /* of those that wait for the bot */
	char method[8], path[512], content_type[128], authorization[300], origin[128];
	struct buf query, body, answer;
	size_t sent;
	int status;
	const char *answer_type;
	int64_t retry_after_s;
	bool is_asked, is_ready, is_head_sent, hang_up;
	lws_sorted_usec_list_t hold;
};
struct peer { /* one WebSocket */
	struct server *server;
	struct lws *wsi;
	struct peer *next;
	int socket; /* the model's number; 0 = the page */
	struct peer_frame *first, **last;
	struct buf heard;
	bool said_goodbye, is_fragmented, drop, is_deaf;
	int close_code; /* 0 = open */
	uint64_t told;  /* the page: the last change it was told of */
};
struct server {
	struct server_options o;
	struct lws_context *lws;
	struct world *world;
	struct peer *peers;
	struct shelf *shelf;
	lws_sorted_usec_list_t due, page_due, end;
	int64_t armed_ms;
	bool page_is_due, is_stopping;
	int admitted; /* the number world_socket_open gave to the upgrade under way */
};
int64_t server_now_ms(const struct server *s);
bool is_loopback_origin(const char *origin); /* "" is fine too: no browser */

int server_http(struct server *s, struct lws *wsi, struct request **rq,
		enum lws_callback_reasons why, struct str in);
void request_answer(struct request *rq, int status, const char *type,
		    struct str body); /* copies the body */
void request_json(struct request *rq, int status, struct cJSON *taken);

int server_ws_admit(struct server *s, struct lws *wsi); /* 1: refuse the upgrade */
int server_ws(struct server *s, struct lws *wsi, struct peer **peer, enum lws_callback_reasons why,
	      struct str in);
void server_pump(struct server *s);    /* hands the model's events to their sockets, sets the timer,
					  tells the page */
void server_hang_up(struct server *s); /* a Close frame to all */

/* server_shelf.c: the alerts on the shelf, and sending them to the bot */
struct shelf *shelf_new(struct server *s);
void shelf_free(struct shelf *sh);
void shelf_list(struct shelf *sh, struct request *rq);
void shelf_send(struct shelf *sh, struct request *rq, const struct cJSON *args);
void shelf_forget(struct shelf *sh,
		  const struct request *rq); /* the request is gone: its answer is not wanted */
#endif
