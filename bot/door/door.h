/* door: our HTTP interface and the local socket: routes, source authentication, ceilings,
 * problem+json (RFC 9457). Pure. Called by turn; main asks for the names of headers. */
#ifndef DOOR_DOOR_H
#define DOOR_DOOR_H
#include "base/arena.h"
#include "model/event.h"
#include "model/net.h"
struct policy;

enum {
	DOOR_BODY_MAX = 256 * 1024,
	DOOR_EACH_MAX = 100,    /* alerts in one body */
	DOOR_HEADERS_MAX = 256, /* names that io copies, with the NULL behind them */
	DOOR_PATH_MAX = 1024    /* of a file to back up to */
};
enum door_kind { DOOR_FACT, DOOR_HEALTH, DOOR_READY, DOOR_BACKUP, DOOR_RESTORE, DOOR_PROBLEM };
struct door {
	enum door_kind kind;
	/* FACT: FACT_ALERT each, their bodies checked to be strict JSON (objects); at least one. */
	const struct fact *facts;
	size_t facts_n;
	bool can_wait; /* its source: refused first when the disk gets full */
	struct {
		const char *path; /* absolute */
		bool may_replace;
		bool is_waiting; /* asked for before: wants to hear of its end */
	} backup;
	int status;       /* PROBLEM */
	const char *body; /* PROBLEM: {"type","title","status","detail"} */
	int retry_after_s;
	const char *source, *odd; /* what the operator should read in the log; NULL = nothing */
};
struct door_clock {
	int64_t wall_ms;
	bool is_unsure; /* then a right signature is believed whatever its timestamp, and noted */
};
/* POST /v1/alerts/{source}, proved as the source's configuration says: `Authorization: Bearer …`, a
 * signature over the body, or POST /v1/alerts/{source}/{secret}; the local socket proves nothing.
 * GET /healthz, GET /readyz; by the local socket only, POST /v1/local/backup with {"path","force",
 * "wait"}, and POST /v1/local/accept-restore. Secrets are compared in constant time. Unknown
 * source, wrong way and wrong secret look the same from outside (401, constant body). Texts live in
 * the arena. */
void door_read(const struct arrival *a, const struct policy *policy, const struct door_clock *clock,
	       struct arena *arena, struct door *out);
/* Names of the headers that door_read needs, in lower case, NULL behind them. */
void door_headers(const struct policy *policy, const char *names[DOOR_HEADERS_MAX]);

/* The answer's body for stored alerts, in the order of the body; the first stands alone, too:
 * {"id":"alert-17","ids":["alert-17","alert-18"],"status":"accepted"|"duplicate"}. */
const char *door_accepted(struct arena *arena, const int64_t *ids, size_t n, bool is_new);
const char *door_backup(struct arena *arena, bool is_done, int64_t done, int64_t pages);
/* A problem document: title by status, detail our sentence. */
const char *door_problem(struct arena *arena, int status, const char *detail);

/* What /readyz goes by. Times as now_ms; NEVER_MS = nothing waits. */
struct door_signs {
	int64_t now_ms;
	int64_t down_ms;  /* no live socket to Slack since then; 0 = there is one */
	int64_t heard_ms; /* newest sign of life on it */
	bool is_full;     /* the newest commit failed */
	int64_t alert_ms,
		page_ms; /* since when the oldest unhandled alert, unconfirmed page waits */
};
const char *door_unready(const struct door_signs *s); /* why not; NULL = ready */
#endif
