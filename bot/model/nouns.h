/* nouns: what the database remembers, as values. Texts are terminated, never NULL ("" = absent),
 * and live in the arena of whoever read them. Enum values that reach the disk carry their number
 * here: never renumber. */
#ifndef MODEL_NOUNS_H
#define MODEL_NOUNS_H
#include <stdbool.h>
#include <stdint.h>

#define ENUM_MEMBER(prefix, name, number) prefix##_##name = number,

/* --- alert: what a source said. Stored as RECEIVED before any jq sees it; one body, one row. ---
 */
#define ALERT_STATES(X)                                                                            \
	X(RECEIVED, 0)  /* durable, not looked at yet: due at once */                              \
	X(MAPPED, 1)    /* a playbook took it: case_id is set */                                   \
	X(UNMAPPED, 2)  /* no playbook matches: shown in the channel as a case of its own */       \
	X(DUPLICATE, 3) /* same (source, key) as an older alert: folded into its case */           \
	X(HELD, 4)      /* handling it failed or killed us: a case with a page says so */          \
	X(BENIGN, 5)    /* a known-benign rule of the playbook took it */
enum alert_state {
#define X(n, v) ALERT_##n = v,
	ALERT_STATES(X)
#undef X
};
struct alert {
	int64_t id;
	const char *source; /* name under sources: */
	const char *digest; /* sha256 of the body, hex: stands in for a missing key */
	const char *key;    /* the source's own id, "" until mapped or when it has none */
	enum alert_state state;
	int64_t seen; /* how often it came */
	int64_t first_ms, last_ms;
	int64_t case_id;  /* 0 = none yet */
	const char *body; /* the raw JSON; "" unless asked for (look_alert reads it) */
};

/* --- case: what one card, one thread and one set of pages are about --- */
#define CASE_STATES(X) X(OPEN, 0) X(CLOSED, 1)
enum case_state {
#define X(n, v) CASE_##n = v,
	CASE_STATES(X)
#undef X
};
#define RESOLUTIONS(X)                                                                             \
	X(NONE, 0)                                                                                 \
	X(BENIGN_UNVERIFIED, 1)                                                                    \
	X(DRILL, 2)                                                                                \
	X(OVER, 3) /* a trouble of the bot itself, and it is over */
enum resolution {
#define X(n, v) RESOLUTION_##n = v,
	RESOLUTIONS(X)
#undef X
};
struct casefile {
	int64_t id; /* shown as SB-<id> */
	enum case_state state;
	enum resolution resolution;
	int priority;         /* 1 (critical) … 5 (information) */
	const char *held;     /* why a person has to look at it, "" = not held */
	const char *playbook; /* "" = none */
	const char *source;
	const char *subject; /* whom the alert names, as it names them; "" = nobody */
	const char *plan;    /* JSON, see plan.h; evaluated once, never again */
	int64_t alerts;      /* how many alerts it stands for */
	int64_t opened_ms, closed_ms;
	bool is_drill; /* asked for by the subject to try it out: pages nobody, counts nowhere */
};

/* --- inquiry: one question to one person --- */
/* 1 and 2 are kept for proving and verified, 4 for denied, 6 for unsure, 9 for cancelled. */
#define INQUIRY_STATES(X)                                                                          \
	X(OPEN, 0)                                                                                 \
	X(UNPROVEN, 3)    /* "yes", without proof */                                               \
	X(NO, 5)          /* "no", at any time: final */                                           \
	X(SILENT, 7)      /* the answer deadline passed */                                         \
	X(UNREACHABLE, 8) /* could not be delivered, or nobody to deliver it to */
enum inquiry_state {
#define X(n, v) INQUIRY_##n = v,
	INQUIRY_STATES(X)
#undef X
};
struct inquiry {
	int64_t id, case_id;
	enum inquiry_state state;
	const char *person; /* Slack user id of the addressee; "" until looked up */
	int64_t created_ms;
	int64_t wait_ms;        /* how long an answer may take, from confirmed delivery */
	int64_t undelivered_ms; /* created + 15 min: undeliverable then. Never moves later. */
	int64_t delivered_ms;   /* Slack confirmed the message; 0 = not yet */
	int64_t answer_ms;   /* delivered + wait: silent then; 0 = not delivered. Never moves later.
			      */
	int64_t due_ms;      /* next moment the inquiry handler must look; NEVER_MS = none */
	int64_t answered_ms; /* when the answer that counts came; 0 = none */
	const char *late;    /* what was answered after the end ("yes"), "" = nothing */
	int64_t late_ms;
	const char *comment; /* the addressee's own words */
	const char *tried;   /* where it was UNREACHABLE: what was tried, for the analysts */
};

/* --- trouble: what is wrong with the bot itself, and the case that says so --- */
struct trouble {
	const char *name; /* of the table in handlers/trouble.c */
	int64_t case_id;
	int64_t since_ms;
	int64_t over_ms; /* NEVER_MS = it lasts */
};

/* --- person: the cache of Slack's directory --- */
struct person {
	const char *user; /* Slack id, the key; names are changeable */
	const char *email, *name, *tz;
	int32_t tz_offset_s;
	bool is_bot, is_deleted, is_guest;
	const char *dm; /* channel of our direct messages, "" = not opened yet */
	int64_t fetched_ms;
};

/* --- outgoing: a MESSAGE or an EFFECT on its way. One table, one claim, one way to settle. --- */
/* A MESSAGE has a revision it should show (wanted) and one it shows; deciding raises the first. An
 * EFFECT is one whose wanted is 1 for ever. It is due while they differ; one request at a time;
 * flight = the revision being sent. */
#define OUT_KINDS(X)                                                                               \
	X(QUESTION, 1)     /* message: the direct message of an inquiry */                         \
	X(CARD, 2)         /* message: the case in the analysts' channel */                        \
	X(ALARM, 3)        /* message: "page NOT confirmed", with <!here> */                       \
	X(PAGE, 4)         /* effect: wake the on-call */                                          \
	X(LOOKUP_EMAIL, 5) /* effect: users.lookupByEmail */                                       \
	X(LOOKUP_USER, 6)  /* effect: users.info */                                                \
	X(OPEN_DM, 7)      /* effect: conversations.open */                                        \
	X(NOTICE, 8)       /* message: a direct message that asks nothing */                       \
	X(THREAD, 9)       /* message: a reply under the card: what became of the case */          \
	X(CONFIRM, 10)     /* effect: ask the pager whether a page it took became an incident */
enum out_kind {
#define X(n, v) OUT_##n = v,
	OUT_KINDS(X)
#undef X
};
static inline bool out_is_message(enum out_kind kind)
{
	return kind == OUT_QUESTION || kind == OUT_CARD || kind == OUT_ALARM ||
	       kind == OUT_NOTICE || kind == OUT_THREAD;
}
/* Lower goes first. */
#define RANKS(X) X(PAGE, 0) X(PROOF, 1) X(PERSON, 2) X(ANSWERED, 3) X(CARD, 4)
enum rank {
#define X(n, v) RANK_##n = v,
	RANKS(X)
#undef X
};
/* DEAD: refused for good; error says why. HELD: settling it has killed the process twice; nobody
 * touches it any more, a person was paged. */
#define OUT_STATES(X) X(LIVE, 0) X(DEAD, 1) X(HELD, 2)
enum out_state {
#define X(n, v) OUT_##n = v,
	OUT_STATES(X)
#undef X
};
#define OUT_PHASES(X)                                                                              \
	X(SEND, 0)                                                                                 \
	X(FIND, 1)  /* an earlier attempt may have happened: look before repeating. PAGE: the      \
		       pager took it, and its CONFIRM row asks what came of it */                  \
	X(PLAIN, 2) /* refused as it was: once more, the least that says or wakes */
enum out_phase {
#define X(n, v) PHASE_##n = v,
	OUT_PHASES(X)
#undef X
};
struct outgoing {
	int64_t id;
	const char *key; /* unique; made from what it is for: "case 42, page, answered-no" */
	enum out_kind kind;
	enum out_state state;
	enum out_phase phase;
	enum rank rank;
	const char *gate; /* "slack:D024", "pagerduty" (the pager's name): one at a time, own
		     pacing */
	int64_t case_id, inquiry_id; /* 0 = none */
	/* PAGE: the reason; LOOKUP_*: the e-mail or user id; OPEN_DM, NOTICE: the user id; THREAD:
	 * what it tells; CONFIRM: the page's key; else "" */
	const char *target;
	const char *channel; /* messages: where; "" = not known yet (then not due) */
	const char *ref; /* messages: Slack's ts; PAGE: the dedup key the pager returned; "" until
			    done once */
	int64_t wanted, shown, flight;
	int64_t attempts;    /* requests made for the present revision */
	int64_t misses;      /* FIND came back empty so often */
	int64_t due_ms;      /* not before; NEVER_MS when shown = wanted or DEAD */
	int64_t deadline_ms; /* a human must know if it is not done by then; NEVER_MS = none */
	int64_t created_ms;
	int64_t first_ms;  /* first request of the first revision; 0 = none */
	int64_t last_ms;   /* newest request */
	int64_t done_ms;   /* newest confirmation by the vendor; 0 = none */
	const char *error; /* newest failure in the vendor's words, "" = none */
};

/* How an attempt ended. One list for all vendors. */
#define OUTCOMES(X)                                                                                \
	X(DONE)                                                                                    \
	X(ALREADY)                                                                                 \
	X(NOT_FOUND)                                                                               \
	X(AMBIGUOUS) X(PENDING) X(CONFLICT) X(REAUTH) X(TRANSIENT) X(PERMANENT) X(UNKNOWN)
enum outcome {
#define X(n) OUTCOME_##n,
	OUTCOMES(X)
#undef X
};
#endif
