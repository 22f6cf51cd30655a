/* turn_parts: what the files of the turn share. turn.c is the law; turn_life.c its beginning and
 * end; turn_read.c turns arrivals into items before the transaction; turn_speak.c builds requests
 * inside it and releases everything after the commit. Nobody else includes it. */
#ifndef BOT_TURN_PARTS_H
#define BOT_TURN_PARTS_H
#include "base/arena.h"
#include "door/door.h"
#include "handlers/handlers.h"
#include "model/event.h"
#include "slack/link.h"
#include "slack/read.h"
#include "slack/write.h"
#include "store/store.h"
#include "turn.h"

enum { HEARTBEAT_MS = 60 * 1000, HEARTBEAT_WAIT_MS = 10 * 1000 };
/* Who asked for a backup hears how far it is this often, well within io's patience. */
enum { BACKUP_SAY_MS = 5 * 1000 };
/* Wrong with the bot itself; see handlers/trouble.c for the names. */
enum { TROUBLES_MAX = 12, TROUBLE_WHY_MAX = 320 };
struct turn_trouble {
	char name[24], why[TROUBLE_WHY_MAX];
	bool is_over;
};
enum {
	FLIGHTS_MAX = 256,
	OWN_ROOM = 32,       /* of them for replies and the link's own requests */
	PAGES_ROOM = 16,     /* and for pages, if everything else hangs */
	FIND_PAGES_MAX = 20, /* of a hundred messages… */
	FIND_BLIND_MAX = 3,  /* …and where nothing says how far back to look */
	LINK_ROOM = 8,       /* of OWN_ROOM, for what the connection to Slack itself needs */
	ARRIVALS_MAX = TURN_BATCH_MAX + FLIGHTS_MAX + 1,
	SPOKEN_MAX = 2048,
	ITEMS_MAX = 512 /* with the alerts of several in one body; then the door says 503 */
};

/* One thing to decide about, and how to answer for it. Lives in the batch arena until it has been
 * answered. */
enum item_kind { ITEM_FACT, ITEM_RESULT, ITEM_PERSON };
struct item {
	struct item *next;
	enum item_kind kind;
	struct fact fact;
	struct result result;
	const struct person *person; /* a HINT: nobody waits for an answer */
	/* Who waits for the answer: the door (ticket) or Slack (envelope on socket). */
	bool from_door;  /* several alerts of one body: one ticket, the last has fact.is_last */
	uint64_t ticket; /* door: io's ticket; Slack: the socket */
	const char *envelope_id;
	bool takes_payload;
	const char *trigger_id, *response_url;
	/* Decided. */
	struct reply reply;
	struct cJSON *say; /* REPLY_TEXT, _SHEET, _MODAL: rendered inside the transaction */
	bool is_refused;   /* the database refused it and it is held: the door answers 500 */
};

/* A request of ours that has not been answered. */
enum flight_kind {
	FLIGHT_ROW,
	FLIGHT_AUTH,
	FLIGHT_URL,
	FLIGHT_REPLY,
	FLIGHT_MODAL, /* a reply: its person is told when it does not open */
	FLIGHT_HEARTBEAT
};
struct flight {
	uint64_t ticket;
	enum flight_kind kind;
	int64_t outgoing_id, rev; /* ROW */
	struct slack_asked asked; /* ROW; marker borrowed from `token` */
	struct token token;
	size_t pager;               /* ROW to a pager: which of the policy's */
	char user[65], channel[65]; /* MODAL; channel also of a ROW that is looked for */
	char under[32];             /* ROW that is looked for: the ts of its card, "" = none */
	int64_t oldest_ms;
	int pages; /* that were read */
};

/* An acknowledgement that no socket was there for: Slack waits three seconds. */
enum { LATE_ACKS_MAX = 64 };
struct late_ack {
	char *text;
	int64_t until_ms; /* BOOTTIME */
};

/* The Slack side as a whole; see turn_slack.c. Times are now_ms. A token refused for CUT_OFF: open
 * questions are given up. */
#define TURN_CUT_OFF_MS (15 * MINUTE_MS)
struct turn_pace {
	int64_t closed_ms; /* until then: Slack's Retry-After */
	int64_t spent_ms;  /* when all tokens of the bucket will be back */
};
struct turn_slack {
	bool is_held; /* nothing goes to the Web API but auth.test */
	bool is_bot_refused, is_app_refused;
	int64_t refused_ms, sweep_ms; /* since when one is, 0 = neither; when to give up more */
	uint32_t setup;               /* what the setup forbids, a bit each */
	int64_t setup_calm_ms;
	bool is_disabled, has_ghosts, is_down_told; /* troubles that last */
	int64_t born_ms, mute_ms, count_ms;
	int64_t crowded_ms; /* since when Slack takes no socket of ours; 0 = it does */
	struct turn_pace pace[SLACK_METHODS_N];
	uint64_t odd_frames;                        /* so far in this life */
	int64_t claim_ms, put_off[SLACK_METHODS_N]; /* in the claim of that moment */
};

/* What goes out after the commit, in this order: acknowledgements, then these in order of `at`. */
enum spoken_kind {
	SPOKEN_REQUEST,
	SPOKEN_DIAL,
	SPOKEN_PING,
	SPOKEN_HANG_UP,
	SPOKEN_ACK,
	SPOKEN_ANSWER
};
struct spoken {
	enum spoken_kind kind;
	uint64_t ticket; /* request or door ticket, or socket */
	struct request request;
	const char *text; /* DIAL: the URL; ACK: the frame; ANSWER: the body */
	int code;         /* HANG_UP; ANSWER: status */
	int retry_after_s;
};

struct turn {
	struct turn_options o;
	struct link *link;
	struct arena batch; /* arrivals as copied, items */
	struct arena work;  /* one transaction's reads, decisions, requests */
	struct arrival arrivals[ARRIVALS_MAX];
	size_t arrivals_n;
	struct item *first, *last; /* items waiting for a commit */
	size_t items_n;
	struct flight flights[FLIGHTS_MAX];
	size_t flights_n;
	struct spoken spoken[SPOKEN_MAX];
	size_t spoken_n;
	struct late_ack late[LATE_ACKS_MAX];
	size_t late_n;
	uint64_t next_ticket;
	char team_id[32]; /* from auth.test; "" = not known yet */
	char user_id[32]; /* ours, from auth.test */
	char app_id[32];  /* from the app token */
	struct turn_slack slack;
	int64_t auth_due_ms; /* when to (re)try auth.test; NEVER_MS = done or in flight */
	unsigned auth_tries;
	int64_t now_ms;                          /* never goes back */
	int64_t committed_ms, committed_boot_ms; /* newest committed now_ms and the BOOTTIME then */
	bool forgets_more; /* what is to be deleted did not fit into one turn */
	int64_t forget_ms; /* when to delete old facts next */
	int64_t down_ms;   /* since when Slack has had no live socket of ours; 0 = it has one */
	bool is_full;      /* the newest commit found no room: writing is tried every second */
	struct clocks clocks;
	struct {
		int64_t calm_ms; /* the trouble is over when nothing has jumped by then; 0 = none */
		int64_t spread_until_ms; /* what the jump made due is let through until then */
		int64_t second_ms;       /* of this allowance */
		size_t per_s, left;      /* inquiries; per_s 0 = not counted yet */
	} jump;
	uint64_t items_seen; /* labels the chance of items apart */
	bool any_deaths;
	struct turn_trouble troubles[TROUBLES_MAX]; /* for the next transaction */
	size_t troubles_n;
	char doubt[256];      /* see turn_doubt; "" = none */
	int64_t heartbeat_ms; /* when to say next that turns finish */
	struct {
		enum backup_state { BACKUP_NONE, BACKUP_RUNNING, BACKUP_DONE, BACKUP_FAILED } state;
		char path[BACKUP_PATH_MAX + 1];
		struct backup_progress progress;
		struct fail fail; /* FAILED */
		bool is_asked;    /* ticket waits for an answer */
		uint64_t ticket;
		int64_t answer_ms; /* by then, also if it still runs */
	} backup;
	struct {
		enum room_level { ROOM_FINE, ROOM_LOW, ROOM_NONE } level;
		bool is_told;
		int64_t due_ms; /* when to look again */
	} room;                 /* on the disk */
	struct {
		bool is_on, is_asked; /* asked: ticket waits for the commit that accepts it */
		uint64_t ticket;
	} restored;
	bool stopping;
	int64_t stop_by_ms;
};

/* turn_read.c: arrivals → items, link steps and answers that need no transaction. Uses up
 * t->arrivals. */
void turn_read(struct turn *t);
void turn_link(struct turn *t, const struct link_event *ev);
/* The link's times are BOOTTIME, which no setting of the wall clock moves; these are now_ms. */
int64_t turn_link_due(const struct turn *t);
int64_t turn_link_heard(const struct turn *t);
struct item *turn_item(struct turn *t); /* a new zeroed item at the end of the list */
void turn_add(struct turn *t, struct item *it);

/* turn_life.c: why the bot is not ready, NULL = it is. Reads the store. */
const char *turn_unready(struct turn *t);

/* turn_speak.c. */
struct spoken *turn_say(struct turn *t, enum spoken_kind kind,
			uint64_t ticket); /* NULL never: full aborts */
struct slack_api turn_api(const struct turn *t);
void turn_forget_acks(struct turn *t); /* frees them */
/* The modal of that flight did not open: its person is told, for the answer itself is recorded. */
void turn_say_modal_lost(struct turn *t, const struct flight *f);
/* A request that is no outgoing row: auth.test, apps.connections.open, a reply. */
struct flight *turn_ask(struct turn *t, enum flight_kind kind, const struct request *rq);
/* Builds the requests of claimed rows (inside the transaction). A row that cannot be built becomes
 * a PERMANENT result of the next turn. */
void turn_build(struct turn *t, const struct outgoing *rows, size_t n);
/* turn_page.c: of PAGE and CONFIRM rows. */
size_t turn_pager_of(struct turn *t, const struct outgoing *row);
enum rc turn_build_page(struct turn *t, const struct outgoing *row, struct request *rq,
			struct fail *fail);
void turn_page_answered(struct turn *t, const struct flight *f, const struct wire_reply *reply,
			struct result *out);
void turn_render_reply(struct turn *t, struct item *it); /* inside the transaction */
void turn_answer_items(struct turn *t); /* after a commit: acks, door answers, replies */
void turn_release(struct turn *t);      /* hands everything spoken to net */
/* The next page of a search whose answer said that there is one: the row stays in flight. False:
 * enough pages were read. */
bool turn_find_on(struct turn *t, const struct flight *f, const char *cursor);
struct flight turn_landed(struct turn *t, uint64_t ticket, bool *known); /* takes the flight out */
struct act turn_act(struct turn *t, const char *label);

/* turn_slack.c. */
MUST_CHECK enum rc turn_slack_recall(struct turn *t, struct fail *fail); /* start of a life */
/* How auth.test ended; how long to wait for the next, 0 = as usual. */
int64_t turn_slack_auth(struct turn *t, enum rc rc, const char *why);
void turn_slack_app(struct turn *t, enum rc rc, const char *why); /* apps.connections.open */
void turn_slack_doubt(struct turn *t, const char *why);           /* the bot's token may be dead */
void turn_slack_told(struct turn *t, const struct slack_asked *asked, const struct result *r);
void turn_slack_heard(struct turn *t, int status); /* any answer to what is asked until it works */
int64_t turn_slack_later(void *self, const struct outgoing *row); /* claim_terms.later */
void turn_slack_spend(struct turn *t, enum slack_method m);       /* one call of its pace */
void turn_slack_told_to_go(struct turn *t, const char *reason);   /* a disconnect frame */
void turn_slack_hello(struct turn *t);
void turn_slack_tick(struct turn *t);
int64_t turn_slack_due(const struct turn *t);
bool turn_slack_sweeps(const struct turn *t); /* open questions are to be given up now */
void turn_slack_swept(struct turn *t, bool is_more);

/* turn_backup.c: a backup goes on between the commits, one step a turn. */
void turn_backup_asked(struct turn *t, uint64_t ticket, const struct door *d);
MUST_CHECK enum rc turn_backup(struct turn *t, struct fail *fail); /* after a commit */

/* turn_trouble.c: told in the next transaction, as one task each; the newest word about a name
 * counts. Repeating what is known costs a read. */
void turn_trouble(struct turn *t, const char *name, const char *why);
void turn_trouble_over(struct turn *t, const char *name);
struct decision decide_trouble_task(struct turn *t, const struct act *a, size_t i);

/* turn_clock.c. */
void turn_tell_time(struct turn *t, const struct clocks *c); /* sets clocks and now_ms */
void turn_compare_clocks(struct turn *t);                    /* at the start of a life */
/* How many inquiries may be handled in this turn, and that n of them have been. */
MUST_CHECK enum rc turn_due_allowed(struct turn *t, size_t *allowed, struct fail *fail);
void turn_due_used(struct turn *t, size_t n);

/* turn_room.c: looks at the disk when it is time to. */
void turn_room(struct turn *t);
/* The disk is full. True: the ballast was given back, try again. */
bool turn_room_gained(struct turn *t);
/* True: there is no room for alerts of this source; it has been told. */
bool turn_room_refuses(struct turn *t, uint64_t ticket, bool can_wait);
/* In the transaction: deletes what is older than Slack's memory. */
MUST_CHECK enum rc turn_forget(struct turn *t, struct fail *fail);

/* turn_restore.c: an admin accepts the older database; and what became of that. */
void turn_restore_asked(struct turn *t, uint64_t ticket);
void turn_restore_ends(struct turn *t); /* after a commit */

void crumb_set(struct turn *t, const char *what);
void crumb_clear(struct turn *t);
enum { DEATHS_MAX = 2 }; /* what has killed so often is not tried again */
const char *crumb_name(struct turn *t, const char *what); /* as the crumb can hold it */
#endif
