/* slack/write: Web API requests out and their answers (slack.md 2). Pure. */
#ifndef SLACK_WRITE_H
#define SLACK_WRITE_H
#include "base/arena.h"
#include "base/fail.h"
#include "base/secret.h"
#include "model/event.h"
#include "model/net.h"
struct cJSON;

struct slack_api {
	const char *url; /* ends in '/' */
	const struct secret *bot_token, *app_token;
};
/* Each fills *out from the arena. content is {"text":…,"blocks":[…]}; unfurling is always off,
 * parse none. marker is the token "out:<outgoing id>:<mac>" and goes with the revision into the
 * message's metadata {event_type:"securitybot", event_payload:{marker, rev}}; client_msg_id is
 * derived from the marker and first_ms (UUID form): one id for all tries of a post, and a new one
 * for a message that somebody deleted, which Slack would call a duplicate of nothing. */
struct slack_message {
	const char *channel, *ts; /* ts "" = chat.postMessage, else chat.update */
	const struct cJSON *content;
	const char *marker;
	int64_t rev;
	int64_t first_ms;      /* the first try of this post */
	const char *thread_ts; /* a new post stands under this message, NULL or "" = by itself */
};
void slack_send(const struct slack_api *api, const struct slack_message *m, struct arena *a,
		struct request *out);
/* One page of conversations.history with all metadata, to find our marker again; or of the replies
 * under a message (conversations.replies): the history has none of them. */
struct slack_find {
	const char *channel, *thread_ts; /* thread_ts: "" = the history */
	int64_t oldest_ms;               /* 0 = from the newest on */
	const char *cursor;              /* result.cursor of the page before, "" = the first */
};
void slack_find(const struct slack_api *api, const struct slack_find *f, struct arena *a,
		struct request *out);
void slack_lookup_email(const struct slack_api *api, const char *email, struct arena *a,
			struct request *out);
void slack_lookup_user(const struct slack_api *api, const char *user, struct arena *a,
		       struct request *out);
void slack_open_dm(const struct slack_api *api, const char *user, struct arena *a,
		   struct request *out);
void slack_ephemeral(const struct slack_api *api, const char *channel, const char *user,
		     const struct cJSON *content, struct arena *a, struct request *out);
void slack_respond(const char *response_url, const struct cJSON *content, struct arena *a,
		   struct request *out); /* ephemeral, replace_original false */
void slack_open_view(const struct slack_api *api, const char *trigger_id, const struct cJSON *view,
		     struct arena *a, struct request *out);
void slack_auth_test(const struct slack_api *api, struct arena *a, struct request *out);
void slack_connections_open(const struct slack_api *api, struct arena *a, struct request *out);

/* The answer to one of these, as RESULT fields (slack.md 2.4): outcome, error, retry_after_ms, and
 * what the kind gives: channel/ref of a message, person, dm. phase FIND: DONE with ref and shown if
 * the marker was found, NOT_FOUND if the page was read and it is not there. Error classes: fatal
 * for the app, transient, per user, per message, per channel are PERMANENT or TRANSIENT; a write
 * with internal_error, fatal_error, 5xx, non-JSON, timeout is UNKNOWN; a look-up with these is
 * TRANSIENT. status 0 and not may_have_happened: TRANSIENT. 429: TRANSIENT with retry_after_ms (30
 * s if absent, cap 1 h). message_not_found of an update: NOT_FOUND (post anew);
 * cant_update_message, too, but of a question, which stays as it stands: PERMANENT. A dead token:
 * REAUTH, nothing was done. A refusal of the words as they stand: PERMANENT and wants_plain. HTTP
 * 429 names the method's gate. */
struct slack_asked {
	enum out_kind kind;
	enum out_phase phase;
	bool is_update;
	const char *marker;
};
/* The method that such a row calls: pages call none. */
enum slack_method {
	SLACK_POST,
	SLACK_UPDATE,
	SLACK_HISTORY,
	SLACK_LOOKUP_EMAIL,
	SLACK_LOOKUP_USER,
	SLACK_OPEN_DM,
	SLACK_REPLIES,
	SLACK_METHODS_N
};
enum slack_method slack_method(const struct slack_asked *asked);
const char *slack_method_name(enum slack_method m);
#define SLACK_GATE "slack:" /* what the gates of all that goes to Slack begin with */
enum { SLACK_CURSOR_BYTES_MAX = 200 };
struct wire_reply { /* an ARRIVAL_REPLY's fields */
	int status;
	bool may_have_happened;
	int64_t retry_after_s; /* -1 = none */
	struct str body;
	const char *error;
};
void slack_answer(const struct slack_asked *asked, const struct wire_reply *reply, struct arena *a,
		  struct result *out);
/* Where the error of such an answer is for whoever set the app up (a scope, a channel, a rule of
 * the workspace): what is refused, why, and what to do, in the arena; else NULL. */
const char *slack_setup(const struct slack_asked *asked, const char *error, struct arena *a);
/* What to do about a token that is refused with this error. */
const char *slack_token_fix(const char *error);
/* ok:true answers of auth.test and apps.connections.open. RC_REFUSED: ok:false with a code that
 * trying again cannot cure (invalid_auth, …); RC_AGAIN: anything else; *retry_ms is Slack's wish or
 * 0. */
MUST_CHECK enum rc slack_read_auth(const struct wire_reply *reply, struct arena *a,
				   const char **team_id, const char **user_id, int64_t *retry_ms,
				   struct fail *fail);
MUST_CHECK enum rc slack_read_url(const struct wire_reply *reply, struct arena *a,
				  const char **ws_url, int64_t *retry_ms, struct fail *fail);
#endif
