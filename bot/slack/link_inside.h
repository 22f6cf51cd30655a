/* link_inside: what the two files of slack/link share: link.c changes it, link_ask.c answers for
 * it. Nobody else includes it. */
#ifndef SLACK_LINK_INSIDE_H
#define SLACK_LINK_INSIDE_H
#include "base/when.h"
#include "slack/link.h"

#define DEAF_MS   (30 * SECOND_MS) /* 5 s is too tight (slack.md 1.4) */
#define GHOSTS_MS (10 * MINUTE_MS)
enum { REGISTRATIONS_MAX = 10 }; /* sockets of one app that Slack takes */

enum slot_state { SLOT_FREE, SLOT_DIALLED, SLOT_GREETING, SLOT_UP, SLOT_CLOSING };
struct slot {
	enum slot_state state;
	uint64_t socket;
	bool is_leaving;   /* UP: wants its replacement */
	bool has_survived; /* UP: has reset the back-off, once */
	int64_t by_ms;     /* not longer than this; UP: NEVER_MS until it is replaced */
	int64_t up_ms;     /* UP: its hello */
	int64_t heard_ms;  /* GREETING, UP: newest sign of life */
	int64_t ping_ms;   /* UP: the next ping of ours */
	int64_t leave_ms;  /* UP: the replacement is wanted by ourselves then */
};
enum { SLOTS = 2 };
struct link {
	struct slot slots[SLOTS];
	uint64_t last_socket;
	bool is_started, is_stopping;
	bool is_asking;
	int64_t asked_by_ms; /* is_asking: the answer is taken for lost then */
	int64_t ask_ms;      /* no URL is asked for before */
	int failures;        /* in a row */
	int64_t ghosts;      /* connections Slack counts beyond ours, by the newest hello */
	int64_t ghosts_ms;   /* since when, or since they were counted again */
	bool is_recounted;   /* a fresh hello has been asked for */
	bool has_said_ghosts;
};
bool link_is_open(const struct slot *t);
/* How many slots are in that state; *first (may be NULL) is the index of the first of them. */
size_t link_count(const struct link *l, enum slot_state state, size_t *first);
bool link_wants_url(const struct link *l);
#endif
