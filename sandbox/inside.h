/* inside: what the files of the model share. Included by sandbox/ only (never by server.c or
 * main.c, which see world.h alone). Pure: no socket, no clock, no chance but world.dice. Every list
 * here has a named ceiling. */
#ifndef SANDBOX_INSIDE_H
#define SANDBOX_INSIDE_H
#include "base/arena.h"
#include "base/json.h"
#include "base/when.h"
#include "sandbox/world.h"

#define TEAM_ID        "T0SANDBOX"
#define APP_ID         "A0SANDBOX"
#define BOT_USER       "U0SECBOT1"
#define BOT_ID         "B0SECBOT1"
#define BOT_TOKEN      "xoxb-T0SANDBOX-secret"
#define APP_TOKEN      "xapp-1-A0SANDBOX-1-secret"
#define ROUTING_KEY    "R0SANDBOXR0SANDBOXR0SANDBOX00000"
#define ROUTING_KEY_EU "R0SANDBOXEUR0SANDBOXEUR0SANDBOX0"
#define REST_TOKEN     "u+SANDBOX-rest-key"
#define REST_TOKEN_EU  "u+SANDBOX-EU-rest-key"
#define COMMAND        "/securitybot"

enum {
	MESSAGES_MAX = 20000, /* a channel; the oldest quarter goes first */
	LEDGER_MAX = 65536,   /* rows of each ledger list; the oldest quarter goes first */
	FRAMES_KEPT = 2048,   /* newest envelopes whose frame is kept for `resend` */
	EPHEMERALS_MAX = 1024,
	TROUBLES_MAX = 64, /* what people saw fail */
	WIRE_MAX = 200,
	WIRE_DETAIL_MAX = 600, /* bytes of one wire line */
	PEOPLE_MAX = 20000,
	CHANNELS_MAX = 20016,
	VIEWS_MAX = 4096,
	TRIGGERS_MAX = 1024,
	HOOKS_MAX = 4096,
	INCIDENTS_MAX = 4096,
	FAULTS_MAX = 64,
	BITES_MAX = 128, /* names of faults that bit */
	TICKETS_MAX = 64,
	SOCKETS_MAX = 16,       /* Slack allows 10; the rest is room to refuse */
	REGISTRATIONS_MAX = 10, /* docs.slack.dev */
	EVENTS_MAX = 65536,     /* undelivered world_events */
	DELIVERIES_MAX = 65536, /* envelopes waiting for an ack or a retry */
	METHODS_MAX = 40,
	RULES_MAX = 128,
	BODY_MAX = 4 << 20,
};

typedef char word[16];  /* a Slack id */
typedef char stamp[24]; /* a Slack ts */

struct list { /* n things of one size in a growing array */
	void *at;
	size_t n, cap;
};
void *list_add(struct list *l,
	       size_t each); /* a zeroed new last one; pointers into the list may move */
void list_cut(struct list *l, size_t each,
	      size_t first_n); /* forgets the first ones (does not free what they own) */
void text_set(char *out, size_t size, const char *z); /* cut at the size */
#define TEXT_SET(array, z) text_set((array), sizeof(array), (z))
char *text_f(const char *format, ...) __attribute__((format(printf, 1, 2))); /* free() it */

struct person {
	word id;
	char name[40], real_name[80], email[96], tz[40], title[64];
	int tz_offset; /* seconds */
	bool deleted, is_bot, is_restricted, is_ultra_restricted, is_stranger;
	int64_t updated_ms;
};
struct message {
	stamp ts, thread_ts, edited_ts;
	int64_t us; /* ts as microseconds: the order */
	word user;
	bool by_bot, deleted, broadcast;
	char *text, *client_msg_id;
	struct cJSON *blocks, *metadata, *reactions;
};
struct channel {
	word id, im_user;
	char name[84], topic[64];
	bool is_im, is_private, is_archived, is_read_only;
	int64_t free_ms;      /* pacing: when the next post is due in theory */
	struct list members;  /* word */
	struct list messages; /* struct message */
};
struct ephemeral {
	word channel, user;
	stamp ts, thread_ts;
	int64_t at_ms;
	char *text;
	struct cJSON *blocks;
};
struct view {
	word id, user, root, previous;
	char hash[40], external_id[256];
	bool is_home;
	struct cJSON *body,
		*errors; /* as the app sent it; errors: the last response_action errors */
};
struct trigger {
	char id[48];
	word user, view_id;
	int64_t until_ms;
	bool used;
};
struct hook { /* a response_url */
	char path[80];
	word channel, user;
	stamp ts;
	bool is_command, is_ephemeral;
	int uses;
	int64_t until_ms;
};
struct socket {
	int number;
	bool is_ghost, is_half_open, said_hello;
	int64_t ping_ms, refresh_ms, drop_ms, ghost_until_ms; /* NEVER_MS = not at all */
	bool drop_with_close;
};
struct ticket {
	char id[40];
	int64_t until_ms;
	bool used, debug;
};
enum delivery_kind { DELIVERY_EVENT, DELIVERY_INTERACTIVE, DELIVERY_SLASH };
struct delivery { /* an envelope on its way: waiting for its ack (is_sent) or for its next attempt
		   */
	enum delivery_kind kind;
	bool is_sent, accepts_payload;
	int attempt;
	int64_t due_ms, sent_ms;
	uint64_t row; /* of the envelope in the ledger */
	char envelope_id[40], key[96];
	word user, channel, view_id;
	struct cJSON *payload;
};
struct fault {
	char where[40], kind[48], name[32]; /* name: under which its bites are counted */
	int64_t count, after, ms, until_ms; /* until_ms 0 = as long as count lasts */
};
struct incident {
	uint64_t number;
	const char *pager; /* whose: "pagerduty", "pagerduty-eu" */
	char key[256], status[16], severity[12], source[128];
	char *summary;
	struct cJSON *details, *links;
	int triggers, notified;
	int64_t first_ms, last_ms;
};
struct call_row {
	uint64_t seq;
	int64_t at_ms;
	char method[40], error[48], channel[24], marker[96];
	stamp ts;
	int status;
	int64_t wait_s; /* the Retry-After it was given, 0 = none */
	bool dup;
};
struct ack_row {
	char envelope_id[40];
	int64_t at_ms, ms;
	char *payload; /* NULL = none */
	bool is_late, is_dup;
};
struct envelope_row {
	char envelope_id[40], key[96];
	int64_t sent_ms;
	int attempt, socket;
	enum delivery_kind kind;
	bool acked, accepts_payload;
	word user, channel, view_id;
	char *frame; /* NULL once forgotten */
};
struct trouble {
	word user;
	int64_t at_ms;
	char what[96];
};
struct wire_line {
	uint64_t seq;
	int64_t at_ms;
	char what[64];
	char *detail;
};
struct bucket {
	double tokens;
	int64_t at_ms;
	bool is_used;
};
struct queued {
	enum world_event_kind kind;
	int socket, code;
	char *text;
};
struct socket_count { /* of a whole run */
	int64_t greeted;
	int64_t closed, lost;   /* by the client, with and without a Close frame */
	int64_t ended, dropped; /* the same by Slack */
	int64_t deaf, deaf_ms;  /* since the first hello: how often, how long none could hear */
	bool is_deaf;
};
struct rule_count {
	char rule[64];
	int64_t count;
};

struct world {
	struct world_options options;
	char *ws_base, *http_base;
	uint64_t dice, seq, changed; /* seq numbers ledger and wire; changed: the page's counter */
	uint64_t ids;
	int64_t now_ms, ahead_ms, last_us;
	bool is_deduping, is_echoing;
	uint64_t scopes;                       /* bit i = scope i of api.c is granted */
	char bot_refusal[64], app_refusal[64]; /* why that token is refused; "" = it is good */
	bool is_socket_mode_off;
	struct list people, channels, ephemerals, views, triggers, hooks, sockets, tickets,
		deliveries, faults;
	struct list incidents, calls, acks, envelopes, troubles;
	uint64_t envelopes_cut, rows_cut; /* how many rows were forgotten */
	struct bucket buckets[METHODS_MAX], posts;
	struct rule_count refusals[RULES_MAX], warnings[16], bites[BITES_MAX];
	struct wire_line wire[WIRE_MAX];
	uint64_t wire_n;
	struct list queue; /* struct queued: events not yet taken, from queue_head on */
	size_t queue_head;
	char *taken;
	int last_socket;
	struct socket_count sockets_count;
};

/* world.c: time, chance, ids, events */
int64_t world_begin(struct world *w,
		    int64_t now_ms); /* the model's now: now_ms plus what `advance` added */
uint64_t world_dice(struct world *w);
void world_id(struct world *w, char prefix, word out);
void world_uuid(struct world *w, char out[40]);
void world_stamp(struct world *w, stamp out, int64_t *us); /* a new ts, later than all before */
int64_t stamp_us(const char *ts);                          /* -1 = not a ts */
void world_emit(struct world *w, enum world_event_kind kind, int socket, char *owned_text,
		int code);

/* people.c */
void people_new(struct world *w);
void people_free(struct world *w);
struct person *person_by_id(const struct world *w, const char *id);
struct person *person_by_email(const struct world *w, const char *email);
struct cJSON *person_json(const struct world *w, const struct person *p, bool with_email);
struct channel *channel_by_id(const struct world *w, const char *id_or_hash_name);
bool channel_has(const struct channel *c, const char *user);
void channel_join(struct channel *c, const char *user);
struct channel *im_of(const struct world *w, const char *user); /* NULL if nobody opened it */
struct channel *im_open(struct world *w, const char *user);
struct message *message_find(const struct channel *c, const char *ts);
struct message *message_new(struct world *w, struct channel *c, const char *user);
void message_wipe(struct message *m); /* frees what it owns */
struct cJSON *message_json(const struct message *m, bool all_metadata);
struct cJSON *control_person(struct world *w, const struct cJSON *args);
struct cJSON *control_channel(struct world *w, const struct cJSON *args);

/* ledger.c */
void refused(struct world *w, const char *rule);
void warned(struct world *w, const char *what);
void bitten(struct world *w, const char *name);
struct call_row *ledger_call(struct world *w, const char *method, int status, const char *error);
void ledger_ack(struct world *w, const struct ack_row *row);
struct envelope_row *ledger_envelope(struct world *w); /* a new last row */
struct envelope_row *ledger_row(const struct world *w, uint64_t number);
struct envelope_row *ledger_envelope_by_id(const struct world *w, const char *envelope_id);
void wire_note(struct world *w, const char *what, const char *detail); /* masks tokens, cuts */
void trouble_note(struct world *w, const char *user, const char *what);
void ledger_free(struct world *w);
struct cJSON *ledger_json(const struct world *w, const struct cJSON *args);
struct cJSON *control_sockets(struct world *w, const struct cJSON *args);
struct cJSON *counts_json(const struct rule_count *at, size_t n);

/* faults.c: NULL if none bites; else a copy of the fault, one bite used up (*out is then valid). */
const struct fault *fault_take(struct world *w, const char *where, struct fault *out);
const struct fault *fault_take_kind(struct world *w, const char *where, const char *kind,
				    struct fault *out);
struct cJSON *control_fault(struct world *w, const struct cJSON *args);
struct cJSON *control_bites(struct world *w, const struct cJSON *args);
bool fault_is_before(const struct fault *f); /* the call isn't done at all */
/* Turns *out into what the fault makes of it; `done` calls keep their effect. Returns what the
 * ledger says. */
const char *fault_spoil(const struct fault *f, struct world_reply *out);

/* blocks.c, blocks_fields.c: Block Kit's rules. Each problem is pushed as "[ERROR] …
 * [json-pointer:/…]". */
enum surface { SURFACE_MESSAGE, SURFACE_MODAL, SURFACE_HOME };
bool blocks_valid(const struct cJSON *blocks, enum surface s, struct cJSON *problems);
bool view_valid(const struct cJSON *view, struct cJSON *problems);
struct cJSON *
blocks_finish(struct world *w,
	      struct cJSON *blocks_taken); /* with the ids that were missing, as Slack does */
const struct cJSON *block_by_id(const struct cJSON *blocks, const char *block_id);
/* The element with that action_id and its block; NULL if it doesn't stand there. */
const struct cJSON *element_find(const struct cJSON *blocks, const char *action_id,
				 const char **block_id);

/* api.c: one Web API call */
struct call;
typedef void method_fn(struct call *c);
struct method {
	const char *name;
	method_fn *run;
	const char *scope; /* NULL = none */
	char token;        /* b bot, a app-level, x either, 0 none */
	char tier;         /* '1'…'4'; 's' special: hundreds a minute */
	bool takes_json;
};
struct call {
	struct world *w;
	const struct method *m;
	int64_t now_ms;
	struct cJSON *args, *out, *messages, *errors, *warnings;
	bool is_json, is_post;
	const char *error, *needed;
	/* for the ledger */
	char channel[24], marker[96];
	stamp ts;
	bool dup;
};
void api_http(struct world *w, const struct world_request *rq, struct world_reply *out);
void call_refuse(struct call *c, const char *error); /* counted under the same name… */
void call_refuse_as(struct call *c, const char *error,
		    const char *rule); /* …or under another; NULL: an outcome, not counted */
void call_warn(struct call *c, const char *warning);
const char *arg_text(const struct call *c, const char *name); /* "" if absent */
bool arg_true(const struct call *c, const char *name);
bool arg_given(const struct call *c, const char *name);
int64_t arg_int(const struct call *c, const char *name, int64_t otherwise);
/* A query or form into an object; of one name the last counts. False: broken escapes. */
bool form_read(struct str form, struct cJSON *args);
/* A structured argument: a JSON string in a form, the thing itself in JSON. A new object, or NULL:
 * absent, or
 * (*is_bad) not readable. */
struct cJSON *arg_json(const struct call *c, const char *name, bool *is_bad);
struct channel *call_channel(struct call *c, const char *name); /* refuses channel_not_found */
bool call_needs(struct call *c,
		const char *scope); /* refuses missing_scope, with needed and provided */
uint64_t scopes_at_first(void);
bool scope_granted(const struct world *w, const char *scope);
void scopes_text(const struct world *w, struct buf *out); /* "a,b,c" */
struct cJSON *control_scopes(struct world *w, const struct cJSON *args);
struct cJSON *control_tokens(struct world *w, const struct cJSON *args);
void args_read(struct call *c, const struct world_request *rq, struct str *token); /* args.c */
bool rate_spent(struct call *c, int64_t *retry_after_s);                           /* args.c */
bool rate_post_spent(struct call *c, struct channel *ch);
extern const struct method methods[];
extern const size_t methods_n;
method_fn run_auth_test, run_api_test, run_connections_open, run_users_info, run_users_lookup,
	run_users_list;
method_fn run_open, run_info, run_list, run_members, run_history, run_replies;
method_fn run_post, run_update, run_delete, run_ephemeral, run_permalink, run_reaction;
method_fn run_view_open, run_view_update, run_view_push, run_view_publish;

/* api_chat.c: the content of a message, shared with response URLs and acks */
struct content {
	const char *text;                /* borrowed */
	struct cJSON *blocks, *metadata; /* owned until taken */
	bool has_text, has_blocks, has_metadata, is_cut;
};
/* Checks blocks and text by the rules of a message; NULL or Slack's error code, problems filled. */
const char *content_check(const struct content *k, struct cJSON *problems);
void content_put(struct world *w, struct message *m,
		 struct content *k); /* takes blocks and metadata */
void content_free(struct content *k);
void marker_of(const struct cJSON *metadata, char out[96]);
void ephemeral_add(struct world *w, struct channel *c, const char *user, struct content *k,
		   stamp ts_out);
struct ephemeral *ephemeral_find(const struct world *w, const char *channel, const char *ts);
void echo_message(struct world *w, const struct channel *c, const struct message *m);

/* views.c */
struct view *view_by_id(const struct world *w, const char *id);
struct view *view_home(const struct world *w, const char *user);
struct cJSON *view_json(const struct view *v);
void view_drop(struct world *w, const char *id);
struct view *view_new(struct world *w, const char *user, struct cJSON *body_taken,
		      const char *parent_id);
void view_change(struct world *w, struct view *v, struct cJSON *body_taken);
void views_free(struct world *w);

/* hooks.c: response URLs and trigger ids */
const char *trigger_new(struct world *w, const char *user, const char *view_id);
/* The live trigger, now used; NULL and *error otherwise. */
const struct trigger *trigger_use(struct world *w, const char *id, const char **error);
struct hook *hook_new(struct world *w, const char *kind, const char *channel, const char *user);
void hook_url(const struct world *w, const struct hook *h, char *out, size_t size);
void hook_http(struct world *w, const struct world_request *rq, struct world_reply *out);

/* socket.c */
void ticket_new(struct world *w, char *url, size_t size);
void socket_send(struct world *w, struct socket *s, char *owned_frame);
struct socket *
socket_pick(struct world *w); /* one of those that are open, at random; NULL if none */
bool socket_is_live(const struct world *w, int number); /* what was sent on it can have been read */
void sockets_pass(struct world *w, int64_t ms);         /* as they are, so long */
int64_t sockets_due_ms(const struct world *w);
void sockets_tick(struct world *w);
struct cJSON *control_disconnect(struct world *w, const struct cJSON *args);
struct cJSON *control_drop(struct world *w, const struct cJSON *args);
struct cJSON *control_socket_mode(struct world *w, const struct cJSON *args);

/* envelopes.c: deliveries, acks, retries */
/* Takes payload. delivered: handed to a socket; the envelope's id is in id ("" otherwise). */
bool deliver(struct world *w, struct delivery *d, char id[40]);
void deliver_event(struct world *w, struct cJSON *event_taken, const char *key, char id[40]);
void ack_take(struct world *w, struct str text);
int64_t deliveries_due_ms(const struct world *w);
void deliveries_tick(struct world *w);
struct cJSON *control_resend(struct world *w, const struct cJSON *args);
const char *delivery_kind_name(enum delivery_kind k);
void ack_effect(struct world *w, const struct delivery *d,
		const struct cJSON *payload); /* acks.c */

/* acts.c, acts_text.c: what people do; verbs */
struct cJSON *act_click(struct world *w, const struct cJSON *args);
struct cJSON *act_submit(struct world *w, const struct cJSON *args);
struct cJSON *act_close_view(struct world *w, const struct cJSON *args);
struct cJSON *act_say(struct world *w, const struct cJSON *args);
struct cJSON *act_delete(struct world *w, const struct cJSON *args);
struct cJSON *act_slash(struct world *w, const struct cJSON *args);
struct cJSON *act_home(struct world *w, const struct cJSON *args);
struct cJSON *said_no(const char *error); /* {"ok":false,"error":…} */
struct cJSON *said_yes(void);             /* {"ok":true} */
struct cJSON *team_json(void);
struct cJSON *user_brief(const struct person *p);

/* pagerduty.c */
void pager_http(struct world *w, const struct world_request *rq, struct world_reply *out);
struct cJSON *control_pager(struct world *w, const struct cJSON *args);
struct cJSON *incidents_json(const struct world *w, int64_t since_ms);
void pager_free(struct world *w);

/* state.c */
struct cJSON *control_messages(struct world *w, const struct cJSON *args);
struct cJSON *state_json(const struct world *w, const struct cJSON *args);
#endif
