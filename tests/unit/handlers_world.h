/* handlers_world: what the tests of handlers/ share: a store on a temporary file, a policy with
 * compiled playbooks, a clock that the test moves, and one function for each thing that may happen.
 * Each runs a handler in a transaction of its own and keeps the decision for the test to look at.
 * Included by tests/unit/test_handlers_*.c only. */
#ifndef TESTS_HANDLERS_WORLD_H
#define TESTS_HANDLERS_WORLD_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mac.h"
#include "base/when.h"
#include "handlers/handlers.h"
#include "lang/jq.h"
#include "store/store.h"

#define T0        INT64_C(1764063000000) /* 25 November 2025, 09:30 UTC */
#define ANA       "U0ANA"
#define ANA_DM    "D0ANA"
#define CHANNEL   "C0SEC"
#define WAIT_MS   (30 * MINUTE_MS)
#define ROWS_MAX  64
#define UNUSED_OK __attribute__((unused))

struct world {
	struct store *store;
	struct arena arena; /* everything read or decided in the test */
	struct act act;
	struct decision last;
	char folder[64];
};

/* --- the policy --------------------------------------------------------------------------------
 */

/* What the playbook of most stories says; "strict" differs in what answers set off. */
struct sources_of {
	const char *name, *match;
	unsigned on[ANSWERS_N];
	bool asks;
};
static const struct sources_of playbook_files[] = {
	{ "login",
	  ".type == \"login\"",
	  { SETS_OFF_CLOSE, SETS_OFF_PAGE, SETS_OFF_PAGE, SETS_OFF_PAGE },
	  true },
	{ "note", ".type == \"note\"", { 0 }, false },
	{ "strict",
	  ".type == \"strict\"",
	  { SETS_OFF_CLOSE | SETS_OFF_PAGE, SETS_OFF_REVIEW, SETS_OFF_REVIEW, SETS_OFF_REVIEW },
	  true },
	{ "look", ".type == \"look\"", { SETS_OFF_CLOSE | SETS_OFF_REVIEW }, true },
	{ "bare", ".type == \"bare\"", { 0 }, true },
	{ "touchy", "if .type == \"touchy\" then error(\"ouch\") else false end", { 0 }, false },
};
enum { PLAYBOOKS_N = sizeof(playbook_files) / sizeof(playbook_files[0]), FIELDS = 8 };
static const char *const expressions[FIELDS][2] = {
	{ "alert.key", ".id" },
	{ "alert.at", ".at" },
	{ "alert.subject", ".who" },
	{ "alert.summary", ".summary" },
	{ "alert.facts", ".facts" },
	{ "alert.priority", ".p // \"P3\"" },
	{ "ask.question", "if has(\"question\") then .question else \"Was it you?\" end" },
	{ "known_benign.when", "if has(\"office\") then .office else false end" },
};
/* Compiled once a test program: a program costs 14 ms. */
static struct jq_set *compiled, *compiled_matches;
static struct playbook playbooks[PLAYBOOKS_N];
static struct policy world_policy;

static struct jq_set *compile(const char *const (*from)[2], size_t n)
{
	struct jq_source at[FIELDS];
	struct jq_set *set = NULL;
	struct fail fail = { 0 };
	for (size_t i = 0; i < n; i++)
		at[i] = (struct jq_source){ from[i][0], str_z(from[i][1]), "test.yaml", (int)i + 1,
					    false };
	if (jq_set_new(at, n, NULL, &set, &fail) != RC_OK)
		fail_msg("%s", fail.why);
	return set;
}

static void make_playbooks(void)
{
	static const char *const sources[] = { "okta" };
	static const char *const attack[] = { "T1078.004" };
	const char *matches[PLAYBOOKS_N][2];
	for (size_t i = 0; i < PLAYBOOKS_N; i++) {
		const struct sources_of *from = &playbook_files[i];
		struct playbook *p = &playbooks[i];
		matches[i][0] = "match";
		matches[i][1] = from->match;
		*p = (struct playbook){ .name = from->name,
					.title = "Somebody logged in",
					.goal = "See thieves",
					.response = "Lock the account",
					.sources = sources,
					.sources_n = 1,
					.attack = attack,
					.attack_n = 1,
					.jq = compiled,
					.x_key = 0,
					.x_at = 1,
					.x_subject = 2,
					.x_summary = 3,
					.x_facts = 4,
					.x_priority = 5,
					.x_question = 6,
					.priority = 3,
					.match = (int)i,
					.known_benign_n = 1,
					.asks = from->asks,
					.wait_ms = WAIT_MS };
		p->known_benign[0].when = 7;
		p->known_benign[0].reason = "the office in Springfield";
		p->known_benign[0].expires_ms = T0 + 30 * DAY_MS;
		memcpy(p->on, from->on, sizeof(p->on));
	}
	compiled_matches = compile((const char *const(*)[2])matches, PLAYBOOKS_N);
}

static int UNUSED_OK program_up(void **state)
{
	static const struct known_person people[] = { { "ana", "ana@duff.example", "" },
						      { "bob", "", "U0BOB1" },
						      { "tom", "tom1@duff.example", "" },
						      { "tom", "tom2@duff.example", "" } };
	(void)state;
	compiled = compile(expressions, FIELDS);
	make_playbooks();
	world_policy = (struct policy){ .playbooks = playbooks,
					.playbooks_n = PLAYBOOKS_N,
					.matches = compiled_matches,
					.people = people,
					.people_n = 4,
					.people_domain = "duff.example",
					.channel = CHANNEL,
					.mac_key = secret_from(STR("a key for tests only")),
					.pagers = { { .name = "pagerduty" }, { .name = "other" } },
					.pagers_n = 1,
					.api_url = "https://slack.com/api/" };
	return 0;
}

static int UNUSED_OK program_down(void **state)
{
	(void)state;
	jq_set_free(compiled);
	jq_set_free(compiled_matches);
	return 0;
}

static int UNUSED_OK world_up(void **state)
{
	static struct world w;
	struct fail fail = { 0 };
	char path[96];
	w = (struct world){ .arena = ARENA(64 << 20) };
	snprintf(w.folder, sizeof(w.folder), "/tmp/handlers-XXXXXX");
	if (!mkdtemp(w.folder))
		return -1;
	snprintf(path, sizeof(path), "%s/db", w.folder);
	if (store_open(path, NULL, &w.store, &fail) != RC_OK)
		fail_msg("%s", fail.why);
	w.act = (struct act){ .policy = &world_policy,
			      .look = store_look(w.store),
			      .at = { .now_ms = T0 },
			      .arena = &w.arena };
	*state = &w;
	return 0;
}

static int UNUSED_OK world_down(void **state)
{
	struct world *w = *state;
	char path[96];
	store_close(w->store);
	arena_clear(&w->arena);
	snprintf(path, sizeof(path), "%s/db", w->folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/db-wal", w->folder);
	unlink(path);
	rmdir(w->folder);
	return 0;
}

/* --- one transaction ---------------------------------------------------------------------------
 */

#define MUST(call)                                                                                 \
	do {                                                                                       \
		struct fail fail_ = { 0 };                                                         \
		struct fail *fail = &fail_;                                                        \
		if ((call) != RC_OK)                                                               \
			fail_msg("%s: %s", #call, fail->why);                                      \
	} while (0)

static void begin(struct world *w) { MUST(store_begin(w->store, &w->arena, fail)); }
static void commit(struct world *w) { MUST(store_commit(w->store, fail)); }

static struct decision keep(struct world *w, struct decision d)
{
	MUST(store_apply(w->store, &d, w->act.at.now_ms, fail));
	commit(w);
	w->last = d;
	return d;
}

static void UNUSED_OK pass(struct world *w, int64_t ms) { w->act.at.now_ms += ms; }

/* --- what happens ------------------------------------------------------------------------------
 */

static struct reply UNUSED_OK fact(struct world *w, struct fact f, bool is_new)
{
	begin(w);
	return keep(w, handle_fact(&w->act, &f, is_new)).reply;
}

static struct reply UNUSED_OK alert_in(struct world *w, const char *source, const char *body)
{
	uint8_t digest[MAC_BYTES];
	char hex[2 * MAC_BYTES + 1];
	struct fact f = { .kind = FACT_ALERT };
	sha256(str_z(body), digest);
	hex_encode(digest, MAC_BYTES, hex);
	f.key = arena_f(&w->arena, "alert:%s:%s", source, hex);
	f.as.alert.source = source;
	f.as.alert.digest = arena_z(&w->arena, hex);
	f.as.alert.body = body;
	return fact(w, f, true);
}

/* Everything whose time has come, as the turn would do it; leaves nothing due. */
static void UNUSED_OK due(struct world *w)
{
	int64_t ids[ROWS_MAX];
	size_t n = 0;
	begin(w);
	MUST(store_due_alerts(w->store, ids, ROWS_MAX, &n, fail));
	commit(w);
	for (size_t i = 0; i < n; i++) {
		begin(w);
		keep(w, handle_alert_due(&w->act, ids[i]));
	}
	begin(w);
	MUST(store_due_inquiries(w->store, w->act.at.now_ms, ids, ROWS_MAX, &n, fail));
	commit(w);
	for (size_t i = 0; i < n; i++) {
		begin(w);
		keep(w, handle_inquiry_due(&w->act, ids[i]));
	}
	begin(w);
	MUST(store_due_deadlines(w->store, w->act.at.now_ms, ids, ROWS_MAX, &n, fail));
	commit(w);
	for (size_t i = 0; i < n; i++) {
		begin(w);
		keep(w, handle_deadline(&w->act, ids[i]));
	}
}

static void UNUSED_OK alert_due(struct world *w, const char *body)
{
	alert_in(w, "okta", body);
	due(w);
}

/* --- what is known -----------------------------------------------------------------------------
 */

#define LOOK(type, name, ask)                                                                      \
	static const struct type UNUSED_OK *name                                                   \
	{                                                                                          \
		begin(w);                                                                          \
		const struct type *found = ask;                                                    \
		store_rollback(w->store);                                                          \
		return found;                                                                      \
	}
LOOK(alert, the_alert(struct world *w, int64_t id), look_alert(w->act.look, id))
LOOK(casefile, the_case(struct world *w, int64_t id), look_case(w->act.look, id))
LOOK(inquiry, the_inquiry(struct world *w, int64_t id), look_inquiry(w->act.look, id))
LOOK(inquiry, inquiry_of(struct world *w, int64_t case_id), look_case_inquiry(w->act.look, case_id))
LOOK(person, the_person(struct world *w, const char *user), look_person(w->act.look, user))
LOOK(outgoing, out(struct world *w, const char *key), look_outgoing_key(w->act.look, key))

static bool UNUSED_OK paged(struct world *w, int64_t case_id, const char *reason)
{
	return out(w, arena_f(&w->arena, "case %lld, page, %s", (long long)case_id, reason));
}

/* How many audit rows of the newest decision have this action. */
static size_t UNUSED_OK audited(const struct world *w, const char *action)
{
	size_t n = 0;
	for (const struct change *c = w->last.first; c; c = c->next)
		n += c->kind == CHANGE_AUDIT && strcmp(c->as.audit.action, action) == 0;
	return n;
}

static size_t UNUSED_OK changes(const struct world *w)
{
	size_t n = 0;
	for (const struct change *c = w->last.first; c; c = c->next)
		n++;
	return n;
}

/* --- Slack and the pager answer ----------------------------------------------------------------
 */

/* Claims until that row is in flight. */
static const struct outgoing UNUSED_OK *claim(struct world *w, const char *key)
{
	const struct outgoing *rows, *row;
	size_t n = 0;
	struct claim_terms terms = { .now_ms = w->act.at.now_ms, .limit = ROWS_MAX };
	begin(w);
	MUST(store_claim(w->store, &terms, &rows, &n, fail));
	commit(w);
	row = out(w, key);
	if (!row || !row->flight)
		fail_msg("%s: not in flight", key);
	return row;
}

static struct decision UNUSED_OK result(struct world *w, struct result r)
{
	begin(w);
	return keep(w, handle_result(&w->act, &r));
}

/* The newest request of that row ends like this. */
static struct decision UNUSED_OK ends(struct world *w, const char *key, enum outcome outcome,
				      const char *error)
{
	const struct outgoing *row = claim(w, key);
	return result(w, (struct result){ .outgoing_id = row->id,
					  .flight = row->flight,
					  .phase = row->phase,
					  .outcome = outcome,
					  .error = error });
}

/* A message is posted or updated, a page accepted. */
static void UNUSED_OK done(struct world *w, const char *key)
{
	const struct outgoing *row = claim(w, key);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .phase = row->phase,
				   .outcome = OUTCOME_DONE,
				   .channel = row->channel,
				   .ref = row->ref[0] ? row->ref : "1764063001.000100" });
}

static struct person UNUSED_OK ana(void)
{
	return (struct person){ .user = ANA,
				.email = "ana@duff.example",
				.name = "Ana Novak",
				.tz = "Europe/Prague",
				.tz_offset_s = 3600 };
}

static void UNUSED_OK found(struct world *w, const char *key, struct person p)
{
	const struct outgoing *row = claim(w, key);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .phase = row->phase,
				   .outcome = OUTCOME_DONE,
				   .person = &p });
}

static void UNUSED_OK dm_opened(struct world *w, const char *key, const char *dm)
{
	const struct outgoing *row = claim(w, key);
	result(w, (struct result){ .outgoing_id = row->id,
				   .flight = row->flight,
				   .phase = row->phase,
				   .outcome = OUTCOME_DONE,
				   .dm = dm });
}

/* An alert about Ana, her directory entry found, the question posted: inquiry 1 of case 1 waits. */
static void UNUSED_OK asked(struct world *w, const char *type, const char *priority)
{
	alert_due(w, arena_f(&w->arena,
			     "{\"type\":\"%s\",\"p\":\"%s\",\"id\":\"a1\",\"who\":"
			     "\"ana@duff.example\",\"summary\":\"A login\"}",
			     type, priority));
	found(w, "case 1, lookup, ana@duff.example", ana());
	dm_opened(w, "case 1, open dm, " ANA, ANA_DM);
	done(w, "inquiry 1, question");
}

static struct reply UNUSED_OK click_as(struct world *w, const char *user, enum click what)
{
	struct fact f = { .kind = FACT_CLICK, .key = "envelope:1" };
	f.as.click.user = user;
	f.as.click.channel = ANA_DM;
	f.as.click.ts = "1764063001.000100";
	f.as.click.what = what;
	f.as.click.inquiry_id = 1;
	return fact(w, f, true);
}

static struct reply UNUSED_OK click(struct world *w, enum click what)
{
	return click_as(w, ANA, what);
}
#endif
