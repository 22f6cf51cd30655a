/* decision: what a handler returns, the only way to change anything. Values in the decision's
 * arena; the store applies the changes in order, in the item's savepoint; the turn renders and
 * releases the reply after the commit. */
#ifndef MODEL_DECISION_H
#define MODEL_DECISION_H
#include "base/arena.h"
#include "model/nouns.h"

enum change_kind {
	CHANGE_ALERT_NEW,
	CHANGE_ALERT, /* update: state, key, seen, last_ms, case_id, body (if not "") */
	CHANGE_CASE_NEW,
	CHANGE_CASE, /* update of state, resolution, held, alerts, closed_ms */
	CHANGE_INQUIRY_NEW,
	CHANGE_INQUIRY, /* compare-and-set: only if its state is still `was` */
	CHANGE_PERSON,  /* insert or replace; dm "" keeps a known one */
	CHANGE_RAISE,  /* message: new with wanted 1, or wanted + 1; due not before last_ms + gap_ms
			*/
	CHANGE_EFFECT, /* new, or nothing if the key exists */
	CHANGE_OUTGOING, /* the row after a result: only if its flight is still `was_flight` */
	CHANGE_GATE, /* closed until open_ms (a vendor's Retry-After, pacing); never moves earlier
		      */
	CHANGE_BREAKER, /* the same, and how many failures in a row stand against it */
	CHANGE_AUDIT,
	CHANGE_TROUBLE,  /* insert or replace */
	CHANGE_DELIVERY, /* a signed delivery id and the digest of its body; new */
};
struct change {
	struct change *next;
	enum change_kind kind;
	union {
		struct alert alert;
		struct casefile kase;
		struct {
			struct inquiry now;
			enum inquiry_state was;
		} inquiry;
		struct person person;
		struct trouble trouble;
		struct {
			struct outgoing row; /* RAISE, EFFECT: id 0 = the store takes one; key,
						kind, rank, gate, … */
			int64_t gap_ms;
			int64_t was_flight;
		} out;
		struct {
			const char *gate;
			int64_t open_ms;
			int64_t failures; /* BREAKER */
		} gate;
		struct {
			const char *actor;  /* "slack:U…", "source:okta", "bot" */
			const char *action; /* stable dotted name: "inquiry.answered" */
			const char *object; /* "inquiry 7", "case 42" */
			const char *detail; /* a sentence; may hold personal data, kept apart */
		} audit;
		struct {
			const char *source, *id, *digest;
		} delivery;
	} as;
};

enum reply_kind {
	REPLY_NONE,
	REPLY_TEXT,  /* private words to the actor: ephemeral, or the ack's payload for a command */
	REPLY_SHEET, /* the same, with a layout of its own: what a command shows */
	REPLY_MODAL, /* the comment modal of an inquiry */
	REPLY_HTTP,  /* status and ids for a sender */
};
struct reply {
	enum reply_kind kind;
	const char *text_key; /* REPLY_TEXT: a key of templates/texts */
	int64_t inquiry_id;   /* whose words the text may use; REPLY_MODAL: whose modal */
	int status;           /* REPLY_HTTP */
	int64_t alert_id;     /* REPLY_HTTP */
	int64_t at_ms;        /* REPLY_TEXT: a time the text mentions, 0 = none */
	struct {
		const char *template;     /* templates/NAME.jq: help, status, mine, show */
		const char *user;         /* who reads it */
		bool is_analyst;          /* and as what */
		int64_t case_id;          /* show */
		const char *words;        /* help: what was not understood, "" = nothing */
		const char *const *verbs; /* help: all commands, NULL at the end */
	} sheet;                          /* REPLY_SHEET */
};
struct decision {
	struct arena *arena;
	struct change *first, **end; /* end NULL = empty */
	struct reply reply;
};
#endif
