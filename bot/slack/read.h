/* slack/read: Socket Mode frames in (slack.md 1.3-1.8;
 * docs.slack.dev/apis/events-api/using-socket-mode). Pure: bytes to values. Anything odd is a value
 * too: a frame we cannot use is acknowledged if it has an envelope_id, and named. */
#ifndef SLACK_READ_H
#define SLACK_READ_H
#include "base/arena.h"
#include "base/fail.h"
#include "model/event.h"
struct cJSON;

enum frame_kind { FRAME_HELLO, FRAME_DISCONNECT, FRAME_ENVELOPE, FRAME_OTHER };
struct frame {
	enum frame_kind kind;
	const char *reason;      /* DISCONNECT: "warning", "refresh_requested", … */
	int64_t lives_s;         /* HELLO: approximate_connection_time, 0 = not told */
	int64_t connections;     /* HELLO: num_connections, 0 = not told */
	const char *envelope_id; /* ENVELOPE; "" = none: nothing to acknowledge */
	bool takes_payload;      /* accepts_response_payload */
	bool has_fact;           /* fact below; false: nothing to store (a HINT) */
	struct fact fact;
	bool doubts_token;           /* HINT: Slack says that our token, or the app, was removed */
	const struct person *person; /* HINT: somebody's directory entry as it is now, or NULL */
	const char *trigger_id, *response_url; /* memory only, never stored or logged; "" = none */
	const char *odd; /* why there is no fact, for the log; "" = nothing odd. No payload text in
			    it. */
};
struct slack_self {                   /* what is ours: events of another team or app are odd */
	const char *team_id, *app_id; /* "" = not known yet: not compared */
	struct str mac_key;
	const char *user_id; /* the bot's own; "" = not known yet */
};
/* Never fails: malformed input gives FRAME_OTHER with odd. */
void slack_read(struct str text, const struct slack_self *self, struct arena *arena,
		struct frame *out);

/* A user object of Slack's directory (users.info, user_change); NULL if it has no id. */
const struct person *slack_person(const struct cJSON *user, struct arena *arena);

/* The acknowledgement frame of an envelope: {"envelope_id":…} with payload (JSON text) if it is not
 * "". Under 20,480 bytes or RC_TOO_BIG (slack.md 1.6). */
MUST_CHECK enum rc slack_ack(const char *envelope_id, const char *payload, struct buf *out,
			     struct fail *fail);
#endif
