/* event: what a handler is asked to decide about, decoded: no bytes of any wire in here. Texts are
 * borrowed for the turn. Trigger ids and response URLs never get this far: the turn keeps them
 * beside the reply. */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H
#include "base/mac.h"
#include "model/nouns.h"
struct cJSON;

enum fact_kind {
	FACT_ALERT = 1,
	FACT_CLICK = 2,
	FACT_COMMENT = 3,
	FACT_COMMAND = 4,
	FACT_MESSAGE = 5
}; /* stored: never renumber */
enum click { CLICK_YES, CLICK_NO, CLICK_NOT_ME, CLICK_UNKNOWN };

/* FACT: happened once, is stored once (by key), and the same fact again gets the same reply. */
struct fact {
	enum fact_kind kind;
	const char *key; /* unique: "alert:okta:<digest>", "envelope:<id>", "event:<id>" */
	union {
		struct {
			const char *source, *digest, *body;
			const char *delivery;        /* the sender's signed id, NULL = none */
			const char *delivery_digest; /* of the whole body it came in */
			bool is_last;      /* of the alerts in that body: it has the say for all */
			const char *doubt; /* why it was let in although, NULL = no doubt */
		} alert;
		struct {
			const char *user, *channel, *ts;
			enum click what;
			int64_t inquiry_id; /* from a token whose mac is right; 0 = forged or not
					       ours */
		} click;
		struct {
			const char *user, *text;
			int64_t inquiry_id; /* as above, from private_metadata */
		} comment;
		struct {
			const char *user, *channel, *text;
		} command;
		struct { /* typed to us in a direct message */
			const char *user, *channel, *text;
			const char *ts;
			const char *thread_ts; /* of the message it stands under, "" = none */
		} message;
	} as;
};

/* RESULT: how the request of a claimed outgoing row ended. */
struct result {
	int64_t outgoing_id;
	int64_t flight;       /* the revision that was sent; another one in the row: stale, changes
				 nothing */
	enum out_phase phase; /* what was asked */
	enum outcome outcome;
	int64_t retry_after_ms;    /* the vendor's wish, 0 = none */
	const char *gate;          /* what is closed until then; NULL = the row's own gate */
	bool wants_plain;          /* PERMANENT, but the same in bare words may pass */
	const char *error;         /* the vendor's code or our sentence */
	const char *channel, *ref; /* DONE: channel and ts, or the pager's key */
	int64_t shown; /* FIND that found: the revision the found message shows (from its metadata)
			*/
	const char *cursor; /* FIND that did not find: there is another page, NULL = that was all */
	const struct person *person; /* DONE look-ups */
	const char *dm;              /* DONE OPEN_DM: the channel */
};

/* The time and chance of one item. */
struct moment {
	int64_t now_ms; /* never goes back */
	struct chance chance;
};
#endif
