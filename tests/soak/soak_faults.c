/* soak_faults: what goes wrong, all the time: single calls that fail in every way the sandbox
 * knows, sockets that die or go deaf, and outages of minutes. See soak.h. */
#include "soak/soak.h"

enum {
	FULL_MS = 2 * HOUR_MS, /* the soak whose times stand below */
	EVERY_MS = 2000,
	DEAF_MS = 50 * 1000,
};

static const char *const calls[] = {
	"chat.postMessage",   "chat.update",           "users.lookupByEmail", "conversations.open",
	"pagerduty",          "conversations.history", "views.open",          "chat.postMessage",
	"chat.postEphemeral", "chat.update",           "pagerduty",
};
static const struct {
	const char *kind;
	int64_t ms;
} kinds[] = {
	{ "429", 1000 },
	{ "429", 4000 },
	{ "429_bare", 0 },
	{ "500", 0 },
	{ "html", 0 },
	{ "refuse", 0 },
	{ "timeout", 800 },
	{ "timeout", 12000 },
	{ "slow", 400 },
	{ "slow", 6000 },
	{ "truncated", 0 },
	{ "internal_error_done", 0 },
	{ "error:fatal_error", 0 },
};
static const struct outage outages[] = {
	{ .where = { "pagerduty" },
	  .kind = "500",
	  .ms = 4 * 60000,
	  .every_ms = 24 * 60000,
	  .first_ms = 3 * 60000 },
	{ .where = { "chat.postMessage", "chat.update", "conversations.open", "views.open" },
	  .kind = "html",
	  .ms = 90000,
	  .every_ms = 24 * 60000,
	  .first_ms = 9 * 60000 },
	{ .where = { "pagerduty" },
	  .kind = "refuse",
	  .ms = 7 * 60000,
	  .every_ms = 48 * 60000,
	  .first_ms = 12 * 60000 },
	{ .where = { "apps.connections.open" },
	  .kind = "refuse",
	  .ms = 60000,
	  .every_ms = 24 * 60000,
	  .first_ms = 21 * 60000 },
};
enum {
	CALLS = sizeof(calls) / sizeof(calls[0]),
	KINDS = sizeof(kinds) / sizeof(kinds[0]),
	OUTAGES = sizeof(outages) / sizeof(outages[0]),
};

static void arm(struct soak *s, const char *where, const char *kind, int64_t count, int64_t ms)
{
	struct cJSON *args = json_object();
	json_put_text(args, "where", where);
	json_put_text(args, "kind", kind);
	json_put_num(args, "count", (double)count);
	json_put_num(args, "ms", (double)ms);
	json_free(live_ask(s->live, "fault", args)); /* 64 may be armed; one more is refused */
	s->armed++;
}

/* What stays wrong for as long as the outage lasts. */
static void outage_arm(struct soak *s)
{
	for (size_t i = 0; s->outage && i < 4 && s->outage->where[i]; i++)
		arm(s, s->outage->where[i], s->outage->kind, 1000000, 0);
}

/* The sandbox heals everything at once, so what is to last is armed again. */
static void heal(struct soak *s)
{
	struct cJSON *said = NULL;
	for (int i = 0; i < 3 && !said; i++)
		said = live_ask(s->live, "heal", NULL);
	json_free(said);
	outage_arm(s);
}

static void verb(struct soak *s, const char *name, const char *key, const char *value)
{
	struct cJSON *args = json_object();
	if (key)
		json_put_text(args, key, value);
	json_free(live_ask(s->live, name, args));
}

static void socket_fails(struct soak *s)
{
	s->socket_faults++;
	switch (soak_chance(s, 12)) {
	case 0: verb(s, "disconnect", "reason", "warning"); break;
	case 1: verb(s, "disconnect", "reason", "refresh_requested"); break;
	case 2: verb(s, "drop", NULL, NULL); break;
	case 3:
		arm(s, "socket", "half_open", 1, 0);
		s->deaf_until_ms = live_now_ms() + DEAF_MS;
		break;
	case 4:
		arm(s, "socket", "no_hello", 1, 0);
		verb(s, "disconnect", "reason", "warning");
		break;
	case 5: arm(s, "socket", "silent", 3, 0); break;
	case 6:
	case 7: arm(s, "socket", "garbage", 1, 0); break;
	case 8: arm(s, "socket", "ghosts", 1, 0); break;
	default: arm(s, "socket", "duplicate", 2, 0);
	}
}

static int64_t scaled(const struct soak *s, int64_t ms)
{
	return s->total_ms >= FULL_MS ? ms : ms * s->total_ms / FULL_MS;
}

/* How many of these have begun by then. */
static int64_t begun_by(const struct soak *s, const struct outage *o, int64_t age_ms)
{
	const int64_t first_ms = scaled(s, o->first_ms);
	return age_ms < first_ms ? 0 : 1 + (age_ms - first_ms) / scaled(s, o->every_ms);
}

static void outages_go_on(struct soak *s, int64_t before_ms)
{
	const int64_t age_ms = soak_age_ms(s);
	if (s->outage && age_ms >= s->outage_until_ms) {
		s->outage = NULL;
		heal(s);
	}
	for (size_t i = 0; !s->outage && i < OUTAGES; i++) {
		const struct outage *o = &outages[i];
		if (begun_by(s, o, age_ms) == begun_by(s, o, before_ms))
			continue;
		s->outage = o;
		s->outages++;
		s->outage_until_ms = age_ms + scaled(s, o->ms);
		outage_arm(s);
		if (strcmp(o->where[0], "apps.connections.open") == 0)
			verb(s, "disconnect", "reason", "warning");
	}
}

void faults_go_on(struct soak *s)
{
	const int64_t now_ms = live_now_ms(), before_ms = s->fault_ms;
	if (now_ms - before_ms < EVERY_MS)
		return;
	s->fault_ms = now_ms;
	if (before_ms)
		outages_go_on(s, before_ms - s->begun_ms);
	if (s->deaf_until_ms && now_ms >= s->deaf_until_ms) {
		s->deaf_until_ms = 0;
		heal(s);
	}
	if (soak_chance(s, 8) == 0) {
		socket_fails(s);
		return;
	}
	const size_t k = soak_chance(s, KINDS);
	arm(s, calls[soak_chance(s, CALLS)], kinds[k].kind, 1 + (int64_t)soak_chance(s, 3),
	    kinds[k].ms);
}

void faults_end(struct soak *s)
{
	s->outage = NULL;
	heal(s);
}
