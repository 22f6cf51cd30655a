/* fuzz_answer: any bytes as what Slack's Web API answered: a line of seven numbers (kind, phase,
 * update?, row?, status, may have happened?, Retry-After), then the body. Called by libFuzzer and
 * tools/replay.c only; it never believes an outcome that the body does not carry. */
/* Covers: bot/slack/answer.c bot/base/json_scan.c */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/when.h"
#include "slack/write.h"

#define MARKER "out:7:0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next word as a number, 0 if it is none. */
static int64_t number(struct str *head)
{
	struct str word;
	int64_t n = 0;
	(void)str_cut(*head, ' ', &word, head);
	(void)str_int(word, &n);
	return n;
}

/* None, or what HTTP can end with: io takes 1xx for no answer yet. */
static int status_of(int64_t n) { return n == 0 ? 0 : 200 + (int)((uint64_t)(n - 200) % 400); }

static void read_input(struct str text, struct slack_asked *asked, struct wire_reply *reply)
{
	static const enum out_kind kinds[] = { OUT_QUESTION, OUT_CARD,         OUT_ALARM,
					       OUT_PAGE,     OUT_LOOKUP_EMAIL, OUT_LOOKUP_USER,
					       OUT_OPEN_DM,  OUT_THREAD,       OUT_CONFIRM };
	struct str head, body;

	(void)str_cut(text, '\n', &head, &body);
	asked->kind = kinds[(uint64_t)number(&head) % (sizeof(kinds) / sizeof(kinds[0]))];
	asked->phase = number(&head) % 2 ? PHASE_FIND : PHASE_SEND;
	asked->is_update = number(&head) % 2;
	asked->marker = number(&head) % 2 ? MARKER : "";
	reply->status = status_of(number(&head));
	reply->may_have_happened = number(&head) % 2;
	reply->retry_after_s = number(&head);
	if (reply->retry_after_s < -1)
		reply->retry_after_s = -1;
	reply->error = reply->status ? "" : "the connection was lost";
	reply->body = reply->status ? body : STR("");
}

static void fits(const char *z, size_t points)
{
	assert(z && utf8_valid(str_z(z)) && utf8_points(str_z(z)) <= points);
}

static bool is_write(const struct slack_asked *q)
{
	return q->phase == PHASE_SEND && (q->kind == OUT_QUESTION || q->kind == OUT_CARD ||
					  q->kind == OUT_ALARM || q->kind == OUT_THREAD);
}

/* Done is what the vendor's own words prove: the id in our hands, nothing less. */
static void check_done(const struct slack_asked *q, const struct result *r)
{
	if (q->phase == PHASE_FIND) {
		assert(*r->ref && *q->marker);
		return;
	}
	switch (q->kind) {
	case OUT_QUESTION:
	case OUT_CARD:
	case OUT_NOTICE:
	case OUT_THREAD:
	case OUT_ALARM: assert(!*q->marker || (*r->ref && *r->channel)); break;
	case OUT_LOOKUP_EMAIL:
	case OUT_LOOKUP_USER: assert(r->person && *r->person->user); break;
	case OUT_OPEN_DM: assert(*r->dm); break;
	case OUT_CONFIRM:
	case OUT_PAGE: assert(!"Slack sends no page"); break;
	}
}

/* Ids fit the columns they go to (migrations/), because nobody can cut an id: a result the database
 * refuses would leave its row in flight and its gate shut. Words are cut by whoever stores them. */
static void check_sizes(const struct result *r)
{
	fits(r->error, 320);
	fits(r->channel, 64);
	fits(r->ref, 64);
	fits(r->dm, 64);
	if (!r->person)
		return;
	fits(r->person->user, 64);
	fits(r->person->email, 255);
	fits(r->person->name, 255);
	fits(r->person->tz, 255);
	assert(r->person->tz_offset_s >= -86400 && r->person->tz_offset_s <= 86400);
}

static void check_result(const struct slack_asked *q, const struct wire_reply *w,
			 const struct result *r)
{
	struct cJSON CLEANUP(json_done) *j = json_parse(w->body, NULL);
	const struct cJSON *ok = json_get(j, "ok");
	const bool says_ok = json_true(ok) || str_is(str_trim(w->body), "ok");

	check_sizes(r);
	assert(r->outcome <= OUTCOME_UNKNOWN && r->phase == q->phase);
	assert(r->retry_after_ms >= 0 && r->retry_after_ms <= HOUR_MS);
	assert(r->outcome == OUTCOME_DONE || r->outcome == OUTCOME_NOT_FOUND || *r->error);
	if (r->outcome == OUTCOME_DONE) {
		assert(w->status >= 200 && w->status < 300 && says_ok);
		check_done(q, r);
	}
	/* A search that read no page has not found that nothing is there: that would post twice. */
	if (r->outcome == OUTCOME_NOT_FOUND)
		assert(q->phase == PHASE_FIND || (q->is_update && json_is_bool(ok)));
	if (r->outcome == OUTCOME_PERMANENT)
		assert(json_is_bool(ok) && (!json_true(ok) || q->kind == OUT_PAGE));
	if (is_write(q) && ((w->status == 0 && w->may_have_happened) || w->status >= 500))
		assert(r->outcome == OUTCOME_UNKNOWN);
	if (!is_write(q))
		assert(r->outcome != OUTCOME_UNKNOWN);
}

static void check_connection(const struct wire_reply *w, struct arena *a)
{
	const char *team = "", *user = "", *url = "";
	int64_t retry_ms = -1;
	struct fail fail = { .rc = RC_OK };

	enum rc rc = slack_read_auth(w, a, &team, &user, &retry_ms, &fail);
	assert(rc == RC_OK ? *team && *user : fail.rc == rc && *fail.why);
	assert(rc == RC_OK || rc == RC_AGAIN || rc == RC_REFUSED);
	assert(retry_ms >= 0 && retry_ms <= HOUR_MS);
	fail = (struct fail){ .rc = RC_OK };
	rc = slack_read_url(w, a, &url, &retry_ms, &fail);
	assert(rc == RC_OK ? strncmp(url, "ws", 2) == 0 : fail.rc == rc && *fail.why);
	assert(rc != RC_OK || (!strchr(url, '@') && strlen(url) < 1024));
	/* Whoever has the URL is let in, so no sentence holds it. */
	struct cJSON CLEANUP(json_done) *j = json_parse(w->body, NULL);
	const char *given = json_text_at(j, "url");
	assert(!json_true(json_get(j, "ok")) || strncmp(given, "ws", 2) != 0 ||
	       strlen(given) < 16 || !strstr(fail.why, given));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena CLEANUP(arena_clear) arena = ARENA(8u << 20);
	struct slack_asked asked = { 0 };
	struct wire_reply reply = { 0 };
	struct result result;

	read_input((struct str){ (const char *)data, size }, &asked, &reply);
	slack_answer(&asked, &reply, &arena, &result);
	check_result(&asked, &reply, &result);
	check_connection(&reply, &arena);
	return 0;
}
