/* slack/link: Socket Mode's state machine as values: (link, event, time, chance) -> what to do. Two
 * slots, so that a socket is replaced before it goes; one reconnect owner; every timer carries the
 * generation of its connection (slack.md 1.8-1.10). Timers here are memory: they die with the
 * process and nothing is lost by it. */
#ifndef SLACK_LINK_H
#define SLACK_LINK_H
#include "base/mac.h"
#include "model/net.h"

struct link; /* opaque; link_new/_free */
struct link *link_new(void);
void link_free(struct link *l);

enum link_event_kind {
	LINK_START,
	LINK_URL /* apps.connections.open answered: url */,
	LINK_NO_URL /* …failed: retry_ms, is_fatal */,
	LINK_UP /* upgraded */,
	LINK_HELLO,
	LINK_HEARD,
	LINK_DISCONNECT /* reason */,
	LINK_CLOSED,
	LINK_TIMER,
	LINK_STOP,
};
struct link_event {
	enum link_event_kind kind;
	uint64_t socket; /* UP, HELLO, HEARD, DISCONNECT, CLOSED */
	const char *url, *reason;
	int64_t retry_ms; /* NO_URL: at least so long */
	bool is_fatal;    /* NO_URL: trying again soon cannot help (revoked token): slow probes */
	int64_t lives_s, connections; /* HELLO */
};
enum link_act_kind { LINK_ASK_URL, LINK_DIAL, LINK_PING, LINK_HANG_UP, LINK_SAY /* a log line */ };
struct link_act {
	enum link_act_kind kind;
	uint64_t socket;
	char url[1024]; /* DIAL */
	int code;       /* HANG_UP */
	char say[160];  /* SAY */
};
enum { LINK_ACTS_MAX = 8 };
struct link_acts {
	struct link_act at[LINK_ACTS_MAX];
	size_t n;
};
/* now_ms: any clock that does not go back. Sockets are numbered by the link, ever rising. */
void link_step(struct link *l, const struct link_event *ev, int64_t now_ms,
	       const struct chance *chance, struct link_acts *out);
int64_t link_due_ms(const struct link *l); /* when LINK_TIMER is wanted; NEVER_MS = no timer */
/* The socket to acknowledge on: asked for if it is still up, else any that is up, else 0. */
uint64_t link_ack_socket(const struct link *l, uint64_t asked);
bool link_is_up(const struct link *l);       /* hello seen on a live socket */
int64_t link_heard_ms(const struct link *l); /* newest sign of life of a live socket, 0 = none */
/* Whether Slack counts sockets that are not ours, by the newest hello. Before the first: none. */
enum link_ghosts { GHOSTS_NONE, GHOSTS_SUSPECTED, GHOSTS_SURE };
enum link_ghosts link_ghosts(const struct link *l);
bool link_is_over(const struct link *l); /* after LINK_STOP: no socket is left */
#endif
