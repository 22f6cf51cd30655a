/* door: our HTTP interface and the local socket: routes, source authentication, ceilings,
 * problem+json (RFC 9457). Pure. */
#ifndef DOOR_DOOR_H
#define DOOR_DOOR_H
#include "base/arena.h"
#include "model/event.h"
#include "model/net.h"
struct policy;

enum { DOOR_BODY_MAX = 256 * 1024 };
enum door_kind { DOOR_FACT, DOOR_HEALTH, DOOR_READY, DOOR_PROBLEM };
struct door {
	enum door_kind kind;
	struct fact fact; /* FACT: FACT_ALERT, body checked to be strict JSON (an object) */
	int status;       /* PROBLEM */
	const char *body; /* PROBLEM: {"type","title","status","detail"} */
	int retry_after_s;
};
/* POST /v1/alerts/{source} with `Authorization: Bearer …` (compared in constant time; not asked for
 * by the local socket), GET /healthz, GET /readyz. Unknown source and wrong bearer look the same
 * from outside (401, constant body). */
void door_read(const struct arrival *a, const struct policy *policy, struct arena *arena,
	       struct door *out);
/* The answer's body for a stored alert: {"id":"alert-17","status":"accepted"|"duplicate"}. */
const char *door_accepted(struct arena *arena, int64_t alert_id, bool is_new);
/* A problem document: title by status, detail our sentence. */
const char *door_problem(struct arena *arena, int status, const char *detail);
#endif
