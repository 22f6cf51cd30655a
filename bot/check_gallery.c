/* check_gallery: a case for each state of an inquiry, each priority and each state of a page, in a
 * temporary database that is never committed. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/when.h"
#include "check.h"
#include "handlers/escalation.h"
#include "store/store.h"

#define NOW GALLERY_NOW_MS

struct gallery {
	struct arena arena;
	struct store *store;
	const char *word;
	char folder[40], path[64];
	struct exhibit at[EXHIBITS_MAX];
	size_t n;
	int64_t pages;
};

/* --- what hangs in it --- */

struct scene {
	const char *name;
	bool asks, has_person, is_delivered;
	enum inquiry_state state;
	int64_t answered_ago_ms; /* 0 = not answered */
	const char *late;
};
/* clang-format off */
static const struct scene scenes[] = {
	{ .name = "nobody asked", .late = "" },
	{ .name = "looking", .asks = true, .state = INQUIRY_OPEN, .late = "" },
	{ .name = "sending", .asks = true, .has_person = true, .state = INQUIRY_OPEN, .late = "" },
	{ .name = "asking", .asks = true, .has_person = true, .is_delivered = true, .state = INQUIRY_OPEN, .late = "" },
	{ .name = "yes", .asks = true, .has_person = true, .is_delivered = true, .state = INQUIRY_UNPROVEN,
	  .answered_ago_ms = MINUTE_MS, .late = "" },
	{ .name = "yes, long ago", .asks = true, .has_person = true, .is_delivered = true, .state = INQUIRY_UNPROVEN,
	  .answered_ago_ms = 8 * DAY_MS, .late = "" },
	{ .name = "no", .asks = true, .has_person = true, .is_delivered = true, .state = INQUIRY_NO,
	  .answered_ago_ms = MINUTE_MS, .late = "" },
	{ .name = "silent", .asks = true, .has_person = true, .is_delivered = true, .state = INQUIRY_SILENT, .late = "" },
	{ .name = "silent, late yes", .asks = true, .has_person = true, .is_delivered = true, .state = INQUIRY_SILENT,
	  .late = "yes" },
	{ .name = "no owner", .asks = true, .state = INQUIRY_UNREACHABLE, .late = "" },
	{ .name = "unreachable", .asks = true, .has_person = true, .state = INQUIRY_UNREACHABLE, .late = "" },
	{ .name = "unreachable, late yes", .asks = true, .has_person = true, .is_delivered = true,
	  .state = INQUIRY_UNREACHABLE, .late = "yes" },
};
/* Losing, lost: accepted without an incident, before and after the alarm. */
enum page_is { PAGE_NONE, PAGE_WAITS, PAGE_LATE, PAGE_CONFIRMED, PAGE_FAILING, PAGE_FAILED, PAGE_LOSING, PAGE_LOST, PAGE_STATES };
static const char *const page_names[PAGE_STATES] = { "no page", "page waits", "page late", "page confirmed",
						     "page failing", "page failed", "page losing", "page lost" };
static const char *const reasons[] = { PAGE_OPENED, PAGE_NO, PAGE_YES, PAGE_SILENCE, PAGE_UNDELIVERABLE,
				       PAGE_OWNER_UNKNOWN, PAGE_HELD, PAGE_TROUBLE };
/* clang-format on */
enum {
	SCENES_N = sizeof(scenes) / sizeof(scenes[0]),
	REASONS_N = sizeof(reasons) / sizeof(*reasons)
};
static_assert((int)SCENES_N * 5 * PAGE_STATES <= (int)EXHIBITS_MAX, "all of them fit");

static const char *outside(const struct gallery *g, const char *otherwise)
{
	return g->word ? g->word : otherwise;
}

static enum rc put(struct gallery *g, struct change c, struct fail *fail)
{
	struct decision d = { .arena = &g->arena, .first = &c };
	return store_apply(g->store, &d, NOW, fail);
}

static const char *plan_of(struct gallery *g, int priority)
{
	static const char *const keys[] = { "Device", "Browser", "Place", "Address", "Time" };
	static const char *const values[] = { "unnamed", "FIREFOX on Linux", "Lagos, Nigeria",
					      "203.0.113.9", "2027-01-15 07:58 UTC" };
	CLEANUP(json_done) struct cJSON *plan = json_object();
	struct cJSON *facts = json_array();
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct cJSON *fact = json_object();
		json_put_text(fact, "k", outside(g, keys[i]));
		json_put_text(fact, "v", outside(g, values[i]));
		json_push(facts, fact);
	}
	json_put_text(plan, "title", outside(g, "Okta admin console opened from a new device"));
	json_put_text(plan, "summary",
		      outside(g, "Somebody opened the Okta admin console with your account, from "
				 "a device we have not seen before."));
	json_put_text(plan, "question",
		      outside(g, "Did you open the Okta admin console just now?"));
	json_put_text(plan, "response",
		      outside(g, "Revoke the account's Okta sessions and reset its factors."));
	json_put_text(plan, "notify", outside(g, "Please restart your browser today."));
	json_put(plan, "facts", facts);
	if (priority == 5) { /* a playbook that leaves silence to the analysts */
		struct cJSON *on = json_object(), *list = json_array();
		json_push(list, json_string("review"));
		json_put(on, "silence", list);
		json_put(plan, "on", on);
	}
	return json_print_arena(plan, &g->arena);
}

static enum rc put_case(struct gallery *g, const struct scene *s, int priority, enum page_is page,
			struct fail *fail)
{
	int64_t id = (int64_t)g->n + 1;
	bool is_held = !s->asks && priority == 2;
	bool is_drill = s->asks && priority == 5 && page == PAGE_NONE;
	bool is_closed = s->state == INQUIRY_UNPROVEN && priority >= 4 && page == PAGE_NONE;
	struct change k = { .kind = CHANGE_CASE_NEW,
			    .as.kase = { .id = id,
					 .state = is_closed ? CASE_CLOSED : CASE_OPEN,
					 .resolution = is_closed ? RESOLUTION_BENIGN_UNVERIFIED
								 : RESOLUTION_NONE,
					 .priority = priority,
					 .held = is_held ? outside(g, "match: ouch") : "",
					 .playbook = outside(g, "okta"),
					 .source = outside(g, "okta"),
					 .subject = outside(g, "homer.simpson@duff.example"),
					 .plan = plan_of(g, priority),
					 .alerts = priority,
					 .opened_ms = NOW - HOUR_MS,
					 .is_drill = is_drill,
					 .closed_ms = is_closed ? NOW : 0 } };
	enum rc rc = put(g, k, fail);
	if (rc != RC_OK || !s->asks)
		return rc;
	bool is_over = s->state == INQUIRY_SILENT || s->state == INQUIRY_UNREACHABLE;
	int64_t delivered = s->is_delivered ? NOW - 40 * MINUTE_MS : 0;
	int64_t answer = delivered ? delivered + (is_over ? 30 : 60) * MINUTE_MS : 0;
	bool has_tried = s->state == INQUIRY_UNREACHABLE, noted = priority % 2 == 0;
	struct change
		q = { .kind = CHANGE_INQUIRY_NEW,
		      .as.inquiry.now = {
			      .id = id,
			      .case_id = id,
			      .state = s->state,
			      .person = s->has_person ? "U0HOMER01" : "",
			      .created_ms = NOW - HOUR_MS,
			      .wait_ms = HOUR_MS,
			      .undelivered_ms = NOW - 45 * MINUTE_MS,
			      .delivered_ms = delivered,
			      .answer_ms = answer,
			      .due_ms = NEVER_MS,
			      .answered_ms = s->answered_ago_ms ? NOW - s->answered_ago_ms : 0,
			      .late = s->late,
			      .late_ms = s->late[0] ? NOW - MINUTE_MS : 0,
			      .comment = (s->answered_ago_ms || s->late[0]) && noted
						 ? outside(g, "That was my new laptop.")
						 : "",
			      .tried = has_tried
					       ? outside(g, "users.lookupByEmail: users_not_found")
					       : "",
		      } };
	return put(g, q, fail);
}

/* The row as Slack's or the pager's answer leaves it. */
static enum rc settle(struct gallery *g, const char *key, bool is_done, bool is_dead,
		      struct fail *fail)
{
	const struct outgoing *row = look_outgoing_key(store_look(g->store), key);
	if (!row)
		return FAIL(fail, RC_BROKEN, "%s: not there", key);
	struct change c = { .kind = CHANGE_OUTGOING };
	c.as.out.row = *row;
	c.as.out.row.first_ms = c.as.out.row.last_ms = NOW - 6 * MINUTE_MS;
	c.as.out.row.attempts = 1;
	c.as.out.row.shown = is_done ? 1 : 0;
	c.as.out.row.done_ms = is_done ? NOW - 5 * MINUTE_MS : 0;
	c.as.out.row.state = is_dead ? OUT_DEAD : OUT_LIVE;
	c.as.out.row.error = is_dead ? outside(g, "HTTP 400 invalid event") : "";
	return put(g, c, fail);
}

/* The page was accepted, and its incident was looked for in vain. */
static enum rc lose(struct gallery *g, const char *key, struct fail *fail)
{
	const struct outgoing *row = look_outgoing_key(store_look(g->store), key);
	struct change c = { .kind = CHANGE_OUTGOING };
	if (!row)
		return FAIL(fail, RC_BROKEN, "%s: not there", key);
	c.as.out.row = *row;
	c.as.out.row.phase = PHASE_FIND;
	return put(g, c, fail);
}

static enum rc put_page(struct gallery *g, const char *reason, enum page_is page, int64_t *id,
			struct fail *fail)
{
	int64_t case_id = (int64_t)g->n + 1;
	bool alarms = page == PAGE_LATE || page == PAGE_FAILED || page == PAGE_LOST;
	struct change c = { .kind = CHANGE_EFFECT,
			    .as.out.row = { .key = arena_f(&g->arena, "case %lld, page, %s",
							   (long long)case_id, reason),
					    .kind = OUT_PAGE,
					    .gate = "pagerduty",
					    .case_id = case_id,
					    .target = reason,
					    .channel = "",
					    .ref = "",
					    .wanted = 1,
					    .error = "" } };
	enum rc rc = put(g, c, fail);
	if (rc != RC_OK)
		return rc;
	const struct outgoing *row = look_outgoing_key(store_look(g->store), c.as.out.row.key);
	if (!row)
		return FAIL(fail, RC_BROKEN, "%s: not there", c.as.out.row.key);
	*id = row->id;
	if (page != PAGE_WAITS)
		rc = settle(g, c.as.out.row.key, page == PAGE_CONFIRMED, page >= PAGE_FAILING,
			    fail);
	if (rc == RC_OK && page >= PAGE_LOSING)
		rc = lose(g, c.as.out.row.key, fail);
	if (rc != RC_OK || !alarms)
		return rc;
	c.kind = CHANGE_RAISE;
	c.as.out.row.key = arena_f(&g->arena, "outgoing %lld, alarm", (long long)*id);
	c.as.out.row.kind = OUT_ALARM;
	c.as.out.row.gate = "slack:C0";
	c.as.out.row.channel = "C0";
	c.as.out.row.target = "";
	rc = put(g, c, fail);
	return rc == RC_OK ? settle(g, c.as.out.row.key, true, false, fail) : rc;
}

static enum rc hang(struct gallery *g, const struct scene *s, int priority, enum page_is page,
		    struct fail *fail)
{
	const char *reason = reasons[g->pages % REASONS_N];
	if (priority > 2 && strcmp(reason, PAGE_OPENED) == 0)
		reason = PAGE_NO; /* those are not paged at opening */
	struct exhibit *e = &g->at[g->n];
	enum rc rc = put_case(g, s, priority, page, fail);
	if (rc == RC_OK && page != PAGE_NONE) {
		rc = put_page(g, reason, page, &e->page_id, fail);
		g->pages++;
	}
	e->case_id = (int64_t)g->n + 1;
	e->inquiry_id = s->asks ? e->case_id : 0;
	e->has_person = s->has_person;
	e->name = arena_f(&g->arena, "%s, P%d, %s%s%s", s->name, priority, page_names[page],
			  page ? ": " : "", page ? reason : "");
	g->n++;
	return rc;
}

static enum rc hang_all(struct gallery *g, struct fail *fail)
{
	struct change person = { .kind = CHANGE_PERSON,
				 .as.person = { .user = "U0HOMER01",
						.email = outside(g, "homer.simpson@duff.example"),
						.name = outside(g, "Homer Simpson"),
						.tz = "UTC",
						.dm = "D0HOMER01",
						.fetched_ms = NOW } };
	enum rc rc = put(g, person, fail);
	for (size_t s = 0; s < SCENES_N; s++)
		for (int priority = 1; priority <= 5; priority++)
			for (int page = 0; page < PAGE_STATES && rc == RC_OK; page++)
				rc = hang(g, &scenes[s], priority, (enum page_is)page, fail);
	return rc;
}

struct gallery *gallery_open(const char *word, struct fail *fail)
{
	struct gallery *g = mem_new(sizeof(*g));
	g->arena = ARENA((size_t)64 << 20);
	g->word = word;
	(void)snprintf(g->folder, sizeof(g->folder), "/tmp/securitybot-check-XXXXXX");
	if (!mkdtemp(g->folder)) {
		g->folder[0] = '\0';
		fail_set(fail, RC_BROKEN, "no temporary folder can be made in /tmp");
		gallery_close(g);
		return NULL;
	}
	(void)snprintf(g->path, sizeof(g->path), "%s/check.db", g->folder);
	if (store_open(g->path, NULL, &g->store, fail) == RC_OK &&
	    store_begin(g->store, &g->arena, fail) == RC_OK && hang_all(g, fail) == RC_OK)
		return g;
	gallery_close(g);
	return NULL;
}

void gallery_close(struct gallery *g)
{
	static const char *const ends[] = { "", "-wal", "-journal" };
	if (!g)
		return;
	if (g->store)
		store_rollback(g->store);
	store_close(g->store);
	for (size_t i = 0; g->folder[0] && i < sizeof(ends) / sizeof(ends[0]); i++) {
		char name[80];
		(void)snprintf(name, sizeof(name), "%s%s", g->path, ends[i]);
		(void)unlink(name);
	}
	if (g->folder[0])
		(void)rmdir(g->folder);
	arena_clear(&g->arena);
	free(g);
}

struct look *gallery_look(struct gallery *g) { return store_look(g->store); }

size_t gallery_exhibits(const struct gallery *g, const struct exhibit **out)
{
	*out = g->at;
	return g->n;
}
