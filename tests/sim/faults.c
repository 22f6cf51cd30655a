/* faults: everything that goes wrong, by the numbers of the fault catalogue (F1 … F62). A seed
 * enables some of them and draws how often each strikes; what counts is how often it bit, not how
 * often it was armed. */
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"
#include "store/statements.h"

/* One fault: armed in the world (where, kind), in the lab, or done here (strike). */
struct kind {
	const char *name, *number;
	const char *where, *kind;
	int64_t ms, for_ms; /* at most; drawn from 1 on */
	int count;
	bool is_lab, is_long; /* long: lasts for hours, and strikes once */
	bool is_at_start;     /* the next start meets it */
	bool is_new;          /* see faults_draw */
	enum lab_fault lab;
	void (*strike)(struct sim *s, size_t i);
};

/* --- those done here --- */

static void bit(struct sim *s, size_t i) { s->fired[i]++; }

static void strike_drop(struct sim *s, size_t i)
{
	CLEANUP(json_done) struct cJSON *r = lab_do(s->lab, "drop", "%s", "{}");
	s->fired[i] += json_number(json_key(r, "dropped")) > 0;
}

static void disconnect(struct sim *s, size_t i, const char *reason)
{
	s->fired[i] += lab_sockets(s->lab) > 0;
	lab_must(s->lab, "disconnect", "{\"reason\":\"%s\"}", reason);
}
static void strike_warning(struct sim *s, size_t i) { disconnect(s, i, "warning"); }
static void strike_refresh(struct sim *s, size_t i) { disconnect(s, i, "refresh_requested"); }
static void strike_too_many(struct sim *s, size_t i) { disconnect(s, i, "too_many_websockets"); }
static void strike_disabled(struct sim *s, size_t i) { disconnect(s, i, "link_disabled"); }

static void shift(struct sim *s, size_t i, int64_t ms)
{
	lab_shift_wall(s->lab, ms);
	s->wall_ms += ms;
	bit(s, i);
}
static void strike_hour(struct sim *s, size_t i)
{
	s->is_wall_wrong = true;
	shift(s, i, HOUR_MS);
}
static void strike_year(struct sim *s, size_t i)
{
	s->is_wall_wrong = true;
	shift(s, i, 365 * DAY_MS);
}
static void strike_day_back(struct sim *s, size_t i)
{
	s->is_wall_wrong = true;
	shift(s, i, -DAY_MS);
}
static void strike_drift(struct sim *s, size_t i)
{
	const int64_t ms = (int64_t)sim_random(s, 4000) - 2000;
	s->drifted_ms += ms < 0 ? -ms : ms;
	shift(s, i, ms);
}

/* Slack says again what it said long ago, under the same envelope or a new one. */
static void strike_again(struct sim *s, size_t i)
{
	if (!s->clicks_n)
		return;
	const struct sim_click *c = &s->clicks[sim_random(s, s->clicks_n)];
	CLEANUP(json_done)
	struct cJSON *r = lab_do(s->lab, "resend", "{\"envelope_id\":\"%s\",\"same_id\":%s}",
				 c->envelope_id, sim_random(s, 2) ? "true" : "false");
	s->fired[i] += json_true(json_key(r, "ok"));
}

static void strike_flood(struct sim *s, size_t i)
{
	for (int n = 0; n < 300; n++)
		json_free(lab_do(s->lab, "say", "{\"user\":\"U0EVE0001\",\"text\":\"%d\"}", n));
	s->fired[i] += lab_sockets(s->lab) > 0;
}

/* Retention, or an administrator, takes a message of ours away. */
static void strike_delete(struct sim *s, size_t i)
{
	struct sim_inquiry *q = &s->inquiries[1 + sim_random(s, 40)];
	if (!q->plan || q->is_deleted)
		return;
	q->is_deleted = true;
	CLEANUP(json_done)
	struct cJSON *r =
		lab_do(s->lab, "delete", "{\"channel\":\"%s\",\"ts\":\"%s\"}", q->channel, q->ts);
	s->fired[i] += json_true(json_key(r, "ok"));
}

static void strike_outage(struct sim *s, size_t i)
{
	bit(s, i);
	json_free(lab_do(s->lab, "drop", "%s", "{}"));
	lab_fault(s->lab, LAB_NO_SLACK, HOUR_MS + (int64_t)sim_random(s, 2 * (uint64_t)HOUR_MS));
}

/* Counted by those that see it happen. */
static void strike_nothing(struct sim *s, size_t i)
{
	(void)s;
	(void)i;
}

#define MIN  (60 * INT64_C(1000))
#define HOUR (60 * MIN)
#define WORLD(n, f, w, k, c, m)                                                                    \
	{                                                                                          \
		.name = n, .number = f, .where = w, .kind = k, .count = c, .ms = m                 \
	}
#define LASTING(n, f, w, k, t)                                                                     \
	{                                                                                          \
		.name = n, .number = f, .where = w, .kind = k, .count = 1, .for_ms = t             \
	}
#define LAB(n, f, l, m)                                                                            \
	{                                                                                          \
		.name = n, .number = f, .lab = l, .is_lab = true, .ms = m                          \
	}
#define HERE(n, f, s)                                                                              \
	{                                                                                          \
		.name = n, .number = f, .strike = s                                                \
	}

/* clang-format off */
static const struct kind kinds[] = {
	/* In the order of enum sim_named. */
	HERE("killed", "F1", strike_nothing),
	HERE("answer before the post's reply", "F35", strike_nothing),
	HERE("migration interrupted", "F19", strike_nothing),
	WORLD("history lags", "F48", "conversations.history", "lag", 3, 30000),
	HERE("backup target refuses", "F18", strike_nothing),
	LAB("SIGTERM", "F2", LAB_STOP, 1),
	LAB("suspended for minutes", "F3", LAB_PAUSE, 10 * MIN),
	LAB("power cut", "F9", LAB_POWER, 20000),
	LAB("COMMIT fails, but is done", "F10", LAB_COMMIT_KEPT, 1),
	LAB("COMMIT fails, and is lost", "F10", LAB_COMMIT_LOST, 1),
	LAB("disk full for minutes", "F11", LAB_DISK_FULL, 10 * MIN),
	LAB("write EIO", "F12", LAB_WRITE_EIO, 1),
	{ .name = "database busy at the start", .number = "F14", .lab = LAB_DISK_BUSY, .is_lab = true,
	  .is_at_start = true, .ms = 1 },
	HERE("wall clock +1 hour", "F23", strike_hour),
	HERE("wall clock +1 year", "F23", strike_year),
	HERE("wall clock -1 day", "F24", strike_day_back),
	HERE("wall clock drifts", "F25", strike_drift),
	LAB("wall clock unsynchronised", "F26", LAB_UNSURE, 20 * MIN),
	HERE("TCP reset", "F27", strike_drop),
	WORLD("half-open socket", "F28", "socket", "half_open", 1, 1),
	WORLD("no pings", "F28", "socket", "silent", 6, 1),
	HERE("disconnect: warning", "F29", strike_warning),
	HERE("disconnect: refresh_requested", "F29", strike_refresh),
	HERE("too_many_websockets", "F30", strike_too_many),
	WORLD("ghost takes an envelope", "F30", "socket", "ghosts", 1, 1),
	HERE("link_disabled", "F31", strike_disabled),
	WORLD("no hello", "F32", "socket", "no_hello", 2, 1),
	WORLD("connections.open 429", "F33", "apps.connections.open", "429", 2, 10 * MIN),
	WORLD("connections.open 500", "F33", "apps.connections.open", "500", 4, 1),
	LASTING("connections.open invalid_auth", "F33", "apps.connections.open", "error:invalid_auth", 20 * MIN),
	WORLD("duplicate envelope", "F34", "socket", "duplicate", 2, 1),
	HERE("envelope again, much later", "F34", strike_again),
	WORLD("malformed and unknown frames", "F36", "socket", "garbage", 2, 1),
	LAB("ack lost after the commit", "F37", LAB_NO_ACK, 5 * MIN),
	LAB("commit slower than 3 s", "F38", LAB_DISK_SLOW, 12000),
	HERE("flood of envelopes", "F39", strike_flood),
	WORLD("click lost", "F40", "socket", "lost", 2, 1),
	WORLD("429 with Retry-After", "F41", "api", "429", 2, HOUR),
	WORLD("429 without Retry-After", "F41", "api", "429_bare", 2, 1),
	WORLD("post: time-out, done", "F42", "chat.postMessage", "timeout", 2, 15000),
	WORLD("time-out, done", "F42", "api", "timeout", 3, 15000),
	WORLD("internal_error, done", "F42", "api", "internal_error_done", 3, 1),
	WORLD("fatal_error", "F42", "api", "error:fatal_error", 3, 1),
	WORLD("HTTP 500", "F42", "api", "500", 3, 1),
	WORLD("user_not_found", "F43", "users.info", "error:user_not_found", 1, 1),
	WORLD("user_disabled", "F43", "conversations.open", "error:user_disabled", 1, 1),
	WORLD("cannot_dm_bot", "F43", "conversations.open", "error:cannot_dm_bot", 1, 1),
	WORLD("messages_tab_disabled", "F43", "chat.postMessage", "error:messages_tab_disabled", 1, 1),
	WORLD("channel_not_found", "F43", "chat.postMessage", "error:channel_not_found", 1, 1),
	WORLD("restricted_action", "F44", "chat.postMessage", "error:restricted_action", 1, 1),
	LASTING("missing_scope", "F44", "api", "error:missing_scope", 15 * MIN),
	WORLD("not_in_channel", "F44", "chat.postMessage", "error:not_in_channel", 1, 1),
	LASTING("ekm_access_denied", "F44", "api", "error:ekm_access_denied", 15 * MIN),
	LASTING("team_access_not_granted", "F44", "api", "error:team_access_not_granted", 15 * MIN),
	LASTING("token_revoked", "F45", "api", "error:token_revoked", 90 * MIN),
	LASTING("account_inactive", "F45", "api", "error:account_inactive", 30 * MIN),
	LASTING("token_expired", "F45", "api", "error:token_expired", 30 * MIN),
	WORLD("msg_too_long", "F46", "chat.postMessage", "error:msg_too_long", 1, 1),
	WORLD("invalid_blocks", "F46", "chat.postMessage", "error:invalid_blocks", 1, 1),
	HERE("message deleted", "F47", strike_delete),
	WORLD("200 with HTML", "F49", "api", "html_ok", 2, 1),
	WORLD("503 with HTML", "F49", "api", "html", 2, 1),
	WORLD("truncated body", "F49", "api", "truncated", 2, 1),
	WORLD("body not UTF-8", "F49", "api", "not_utf8", 2, 1),
	WORLD("slow answers", "F49", "api", "slow", 4, 9000),
	WORLD("slow posts", "F35", "chat.postMessage", "slow", 6, 9500),
	LAB("Slack not reached", "F50", LAB_NO_SLACK, 10 * MIN),
	{ .name = "Slack down for hours", .number = "F51", .strike = strike_outage, .is_long = true },
	WORLD("pager 429", "F60", "pagerduty", "429", 3, 20 * MIN),
	{ .name = "pager 500 for an hour", .number = "F60", .where = "pagerduty", .kind = "500", .count = 1,
	  .for_ms = HOUR, .is_long = true },
	{ .name = "pager not reached for an hour", .number = "F60", .lab = LAB_NO_PAGER, .is_lab = true,
	  .ms = HOUR, .is_long = true },
	WORLD("pager time-out, done", "F60", "pagerduty", "timeout", 3, 15000),
	WORLD("pager 400", "F61", "pagerduty", "400", 2, 1),
	WORLD("accepted, no incident", "F62", "pagerduty", "accepted_no_incident", 3, 1),
	WORLD("look-up 500", "F62", "pagerduty-rest", "500", 6, 1),
	WORLD("look-up time-out", "F62", "pagerduty-rest", "timeout", 3, 15000),
	{ .name = "read EIO", .number = "F13", .lab = LAB_READ_EIO, .is_lab = true, .ms = 1, .is_new = true },
	{ .name = "file damaged for minutes", .number = "F13", .lab = LAB_DAMAGED, .is_lab = true,
	  .is_at_start = true, .is_new = true, .ms = 10 * MIN },
	{ .name = "disk read-only for minutes", .number = "F17", .lab = LAB_READ_ONLY, .is_lab = true,
	  .is_new = true, .ms = 10 * MIN },
};
/* clang-format on */
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
_Static_assert(KINDS <= (size_t)SIM_FAULTS_MAX, "more faults than places");

size_t faults_n(void) { return KINDS; }
const char *fault_name(size_t i) { return kinds[i].name; }
const char *fault_number(size_t i) { return kinds[i].number; }

/* --- a seed's share --- */

static void draw_rate(struct sim *s, size_t i, uint64_t one_in)
{
	bool wanted = sim_random(s, one_in) == 0;
	/* Where nobody asks, a page that is dropped is lost: known, and told. */
	wanted = wanted && (s->confirms || strcmp(kinds[i].number, "F62") != 0);
	s->rates[i] = s->faults && wanted ? 1 + (unsigned)sim_random(s, 4) : 0;
	s->is_long = s->is_long || (s->rates[i] && kinds[i].is_long);
}

/* Kinds that came later are drawn apart and seldom: most seeds stay what they were, and so do those
 * that once failed. */
void faults_draw(struct sim *s)
{
	s->faults = sim_random(s, 5) != 0;
	s->deaths = sim_random(s, 2) != 0;
	s->fault_in = 4 + sim_random(s, 24);
	for (size_t i = 0; i < KINDS; i++)
		if (!kinds[i].is_new)
			draw_rate(s, i, kinds[i].is_long ? 12 : 4);
	const uint64_t kept = s->random;
	s->random = ~kept;
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].is_new)
			draw_rate(s, i, 16);
	s->random = kept;
}

static int64_t up_to(struct sim *s, int64_t most)
{
	return most > 1 ? 1 + (int64_t)sim_random(s, (uint64_t)most) : 1;
}

static void strike(struct sim *s, size_t i)
{
	const struct kind *k = &kinds[i];
	if (k->is_long)
		s->rates[i] = 0;
	if (k->strike) {
		k->strike(s, i);
	} else if (k->is_lab) {
		/* Slower than Slack's patience, or not worth the name. */
		int64_t least = k->lab == LAB_DISK_SLOW ? 3100 : k->is_long ? k->ms / 2 : 0;
		if (k->is_at_start)
			lab_kill(s->lab, 2000);
		lab_fault(s->lab, k->lab, least + up_to(s, k->ms - least));
	} else {
		int64_t ms = up_to(s, k->ms), for_ms = k->for_ms ? up_to(s, k->for_ms) : 0;
		if (strcmp(k->where, "pagerduty") == 0 && ms > s->pager_wait_ms)
			s->pager_wait_ms = ms;
		/* Sixty-four at once are enough. */
		json_free(lab_do(s->lab, "fault",
				 "{\"where\":\"%s\",\"kind\":\"%s\",\"name\":\"%s\",\"count\":%d,"
				 "\"ms\":%lld,\"for_ms\":%lld,\"after\":%d}",
				 k->where, k->kind, k->name, (int)up_to(s, k->count), (long long)ms,
				 (long long)for_ms, for_ms ? 0 : (int)sim_random(s, 3)));
	}
}

void faults_strike(struct sim *s)
{
	unsigned all = 0;
	if (!s->faults || sim_random(s, s->fault_in) != 0)
		return;
	for (size_t i = 0; i < KINDS; i++)
		all += s->rates[i];
	uint64_t at = all ? sim_random(s, all) : 0;
	for (size_t i = 0; i < KINDS && all; i++) {
		if (at < s->rates[i]) {
			strike(s, i);
			return;
		}
		at -= s->rates[i];
	}
}

/* Slack showed us less than there was, or refused to show anything: then a post whose answer was
 * lost may stand twice. It is known and accepted: the alternative is a message that never comes. */
bool faults_may_double(const struct sim *s)
{
	static const char *const blinding[] = { "history lags", "missing_scope",
						"ekm_access_denied", "team_access_not_granted" };
	for (size_t i = 0; i < KINDS; i++)
		for (size_t k = 0; k < sizeof(blinding) / sizeof(blinding[0]); k++)
			if (s->fired[i] && strcmp(kinds[i].name, blinding[k]) == 0)
				return true;
	return false;
}

/* What the world and the lab saw bite. */
void faults_collect(struct sim *s)
{
	CLEANUP(json_done) struct cJSON *r = lab_do(s->lab, "bites", "%s", "{}");
	s->fired[SIM_KILLED] += lab_deaths(s->lab);
	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		if (k->kind)
			s->fired[i] +=
				(uint64_t)json_number(json_key(json_key(r, "bites"), k->name));
		if (k->is_lab)
			s->fired[i] += lab_fired(s->lab, k->lab);
	}
}

/* --- death --- */

static const char *const points[] = {
#define X(name, text) #name " before", #name " after",
	CONTROLS(X) STATEMENTS(X)
#undef X
		"migration before",
	"migration after",
	"checkpoint before",
	"checkpoint after",
	"backup start before",
	"backup start after",
	"backup step before",
	"backup step after",
	"send dial before",
#define BOTH(name) "send " name " before", "send " name " after"
	BOTH("pagerduty"),
	BOTH("pagerduty-eu"),
	BOTH("chat.postMessage"),
	BOTH("chat.update"),
	BOTH("chat.postEphemeral"),
	BOTH("conversations"),
	BOTH("users"),
	BOTH("views"),
	BOTH("apps.connections"),
	BOTH("auth"),
	BOTH("response"),
	BOTH("ack"),
	BOTH("202"),
#undef BOTH
};

static const char *any_point(struct sim *s)
{
	return points[sim_random(s, sizeof(points) / sizeof(points[0]))];
}

/* Each seed has a favourite point of death, in turn, so that all have their chance; it kills as
 * soon as it is passed. Then death comes anywhere, and most of all where something has just been
 * promised or said. Some favourites have conditions: tables to make, a crumb to count. */
void faults_favour(struct sim *s, uint64_t seed)
{
	const size_t n = sizeof(points) / sizeof(points[0]);
	s->favourite = points[seed % n];
	s->deaths = s->deaths || (seed / n) % 2 == 0;
	s->is_fresh = s->is_fresh || strncmp(s->favourite, "migration", 9) == 0;
}

void faults_doom_first(struct sim *s)
{
	bool wants_crumb = strncmp(s->favourite, "CRUMB_COUNT", 11) == 0;
	if (s->deaths)
		lab_doom(s->lab, wants_crumb ? "COUNTER_TAKE after" : s->favourite,
			 sim_random(s, 4) == 0, 1000 + (int64_t)sim_random(s, 20000));
}

void faults_doom(struct sim *s)
{
	int64_t rest_ms = 1000 + (int64_t)sim_random(s, 20000);
	if (!s->deaths)
		return;
	if (lab_is_dead(s->lab)) { /* a crumb is counted before anything else */
		if (strncmp(s->favourite, "CRUMB_COUNT", 11) == 0 && sim_random(s, 2))
			lab_doom(s->lab, s->favourite, 0, rest_ms);
		return;
	}
	if ((!lab_deaths(s->lab) && sim_random(s, 200) != 0) || sim_random(s, 8) != 0)
		return;
	bool anywhere = sim_random(s, 3) == 0;
	const char *point = sim_random(s, 2) ? s->favourite : any_point(s);
	lab_doom(s->lab, anywhere ? "" : point, sim_random(s, anywhere ? 300 : 2), rest_ms);
}
