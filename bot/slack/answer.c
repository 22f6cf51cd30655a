/* slack/answer: what Slack's Web API answered, as outcomes (slack.md 2.2, 2.4, 2.6). Called by the
 * turn only (declared in slack/write.h); it never trusts a status without ok:true, and never takes
 * silence for a refusal. */
#include "base/json.h"
#include "base/when.h"
#include "slack/codes.h"
#include "slack/read.h"

#include <string.h>

#define LIMITED_WAIT_MS (30 * SECOND_MS) /* 429 without a Retry-After */
#define CHANNEL_WAIT_MS (60 * SECOND_MS) /* rate_limited: too many messages in one channel */
#define SETUP_WAIT_MS   (5 * MINUTE_MS)  /* until somebody mends the setup */
#define WAIT_MAX_MS     HOUR_MS
enum {
	ANSWER_ID_BYTES_MAX = 64, /* what the columns for ids take; Slack's have 9 to 17 */
	ANSWER_WORDS_MAX = 255,   /* code points of a name, an address, an error */
	ANSWER_URL_BYTES_MAX = 1023,
};

static const char *words(struct arena *a, const char *z)
{
	return arena_str(a, utf8_clip(str_z(z), ANSWER_WORDS_MAX));
}

/* An id or ts to store and send again; "" if what stands there can't be one. */
static const char *id_at(struct arena *a, const struct cJSON *j, const char *path)
{
	const char *z = json_text_at(j, path);

	return strlen(z) <= ANSWER_ID_BYTES_MAX ? arena_z(a, z) : "";
}

static int64_t wait_ms(const struct wire_reply *reply, int64_t otherwise_ms)
{
	if (reply->retry_after_s < 0)
		return otherwise_ms;
	return reply->retry_after_s < WAIT_MAX_MS / SECOND_MS ? reply->retry_after_s * SECOND_MS
							      : WAIT_MAX_MS;
}

/* The code, and beside it what Slack says is missing or wrong with the blocks. */
static const char *refusal(struct arena *a, const struct cJSON *j)
{
	const char *code = json_text_at(j, "error"), *needed = json_text_at(j, "needed");
	const char *message = json_text(json_at(json_get(j, "response_metadata.messages"), 0));

	if (code[0] == '\0')
		return "not ok, and no error told";
	if (needed[0] != '\0')
		return words(a, arena_f(a, "%s (needed: %s)", code, needed));
	if (message[0] != '\0')
		return words(a, arena_f(a, "%s (%s)", code, message));
	return words(a, code);
}

static bool is_write(const struct slack_asked *asked)
{
	return asked->phase != PHASE_FIND &&
	       (asked->kind == OUT_QUESTION || asked->kind == OUT_CARD ||
		asked->kind == OUT_ALARM || asked->kind == OUT_NOTICE || asked->kind == OUT_THREAD);
}

/* Rows have a marker; a reply to an event has none. */
static bool is_row(const struct slack_asked *asked) { return str_z(asked->marker).n > 0; }

static void doubt(const struct slack_asked *asked, const char *error, struct result *out)
{
	out->outcome = is_write(asked) ? OUTCOME_UNKNOWN : OUTCOME_TRANSIENT;
	out->error = error;
}

/* HTTP 429 is about the method, for the whole workspace; but of posts, and with "rate_limited", it
 * is one channel that had too many, and that is the row's own gate (slack.md 2.2). */
static void limited(const struct slack_asked *asked, int64_t wait_ms, struct arena *a,
		    struct result *out)
{
	out->outcome = OUTCOME_TRANSIENT;
	out->retry_after_ms = wait_ms;
	if (is_row(asked) && wait_ms > 0 && slack_method(asked) != SLACK_POST)
		out->gate = arena_f(a, SLACK_GATE "%s", slack_method_name(slack_method(asked)));
}

const char *slack_setup(const struct slack_asked *asked, const char *error, struct arena *a)
{
	const enum code_class is = code_class(error);
	const bool is_persons = asked->kind == OUT_QUESTION || asked->kind == OUT_NOTICE ||
				asked->kind == OUT_OPEN_DM;
	struct str code, rest;

	(void)str_cut(str_z(error), ' ', &code, &rest);
	if (is != CODE_SETUP && is != CODE_PLACE)
		return NULL;
	if (is_persons && str_is(code, "channel_not_found"))
		return NULL;
	if (asked->kind == OUT_THREAD) /* a channel may allow none; its card tells the same */
		return NULL;
	return arena_f(a, "Slack refuses %s: %s. %s.", slack_method_name(slack_method(asked)),
		       error, code_fix(error));
}

/* Whoever waits for a first word is passed on at once; what is only to be shown is shown when
 * somebody has mended it, and asked for once in a while till then. */
static void forbidden(const struct slack_asked *asked, struct arena *a, struct result *out)
{
	const bool can_wait =
		asked->is_update || asked->kind == OUT_CARD || asked->kind == OUT_ALARM;

	out->outcome = OUTCOME_PERMANENT;
	if (!can_wait || asked->phase == PHASE_FIND || !slack_setup(asked, out->error, a))
		return;
	out->outcome = OUTCOME_TRANSIENT;
	out->retry_after_ms = SETUP_WAIT_MS;
	if (asked->is_update && code_class(out->error) == CODE_SETUP)
		out->gate = arena_f(a, SLACK_GATE "%s", slack_method_name(slack_method(asked)));
}

static void refused(const struct slack_asked *asked, const struct wire_reply *reply,
		    const struct cJSON *j, struct arena *a, struct result *out)
{
	const char *code = json_text_at(j, "error"), *error = refusal(a, j);

	out->outcome = OUTCOME_TRANSIENT;
	out->error = error;
	switch (code_class(code)) {
	case CODE_TOKEN: out->outcome = OUTCOME_REAUTH; break;
	case CODE_LIMITED:
		if (strcmp(code, "rate_limited") == 0)
			out->retry_after_ms = wait_ms(reply, CHANNEL_WAIT_MS);
		else
			limited(asked, wait_ms(reply, LIMITED_WAIT_MS), a, out);
		break;
	case CODE_AMBIGUOUS: doubt(asked, error, out); break;
	case CODE_GONE:
		/* A post that is repeated under its old id after it was deleted is another one; a
		 * reply finds out that the card it should stand under is gone. */
		out->outcome = asked->is_update || asked->kind == OUT_THREAD ||
					       (is_write(asked) &&
						str_starts(str_z(code), STR("duplicate_")))
				       ? OUTCOME_NOT_FOUND
				       : OUTCOME_PERMANENT;
		break;
	case CODE_FIXED: /* a question stays the only one, and its buttons still work */
		out->outcome =
			asked->is_update && asked->kind != OUT_QUESTION && asked->kind != OUT_NOTICE
				? OUTCOME_NOT_FOUND
				: OUTCOME_PERMANENT;
		break;
	case CODE_WORDS:
		out->wants_plain = is_write(asked);
		out->outcome = OUTCOME_PERMANENT;
		break;
	case CODE_SETUP:
	case CODE_PLACE: forbidden(asked, a, out); break;
	case CODE_PERSON:
	case CODE_NEVER: out->outcome = OUTCOME_PERMANENT; break;
	case CODE_OTHER: break; /* nothing was done; the row's deadline ends the tries */
	}
}

const char *slack_token_fix(const char *error) { return code_fix(error); }

/* Success is the vendor's id in our hands, nothing less. A reply to an event (no marker) is no row:
 * there ok is enough. */
static void read_sent(const struct slack_asked *asked, const struct cJSON *j, struct arena *a,
		      struct result *out)
{
	out->channel = id_at(a, j, "channel");
	out->ref = id_at(a, j, "ts");
	if (is_row(asked) && (out->channel[0] == '\0' || out->ref[0] == '\0'))
		doubt(asked, "ok without channel and ts", out);
}

/* Not on this page: is there another? What says so without telling where is no proof of absence. */
static void read_more(const struct slack_asked *asked, const struct cJSON *j, struct arena *a,
		      struct result *out)
{
	const char *next = json_text_at(j, "response_metadata.next_cursor");

	if (next[0] == '\0' && !json_true(json_get(j, "has_more")))
		return;
	if (next[0] == '\0' || strlen(next) > SLACK_CURSOR_BYTES_MAX)
		doubt(asked, "more messages without a cursor", out);
	else
		out->cursor = arena_z(a, next);
}

static void read_found(const struct slack_asked *asked, const struct cJSON *j, struct arena *a,
		       struct result *out)
{
	if (!json_is_array(json_get(j, "messages"))) {
		doubt(asked, "ok without messages", out);
		return;
	}
	out->outcome = OUTCOME_NOT_FOUND;
	for (const struct cJSON *m = json_first(json_get(j, "messages")); m != NULL;
	     m = json_next(m)) {
		const struct cJSON *payload = json_get(m, "metadata.event_payload");
		int64_t rev = 0;
		if (strcmp(json_text_at(m, "metadata.event_type"), "securitybot") != 0 ||
		    !is_row(asked) || strcmp(json_text_at(payload, "marker"), asked->marker) != 0 ||
		    id_at(a, m, "ts")[0] == '\0')
			continue;
		out->outcome = OUTCOME_DONE;
		out->ref = id_at(a, m, "ts");
		out->shown = json_int(json_get(payload, "rev"), &rev) ? rev : 0;
		return;
	}
	read_more(asked, j, a, out);
}

static void read_person(const struct slack_asked *asked, const struct cJSON *j, struct arena *a,
			struct result *out)
{
	out->person = slack_person(json_get(j, "user"), a);
	if (out->person == NULL)
		doubt(asked, "ok without a user", out);
}

static void read_dm(const struct slack_asked *asked, const struct cJSON *j, struct arena *a,
		    struct result *out)
{
	out->dm = id_at(a, j, "channel.id");
	if (out->dm[0] == '\0')
		doubt(asked, "ok without a channel", out);
}

static void read_ok(const struct slack_asked *asked, const struct cJSON *j, struct arena *a,
		    struct result *out)
{
	out->outcome = OUTCOME_DONE;
	if (asked->phase == PHASE_FIND) {
		read_found(asked, j, a, out);
		return;
	}
	switch (asked->kind) {
	case OUT_QUESTION:
	case OUT_CARD:
	case OUT_ALARM:
	case OUT_NOTICE:
	case OUT_THREAD: read_sent(asked, j, a, out); break;
	case OUT_LOOKUP_EMAIL:
	case OUT_LOOKUP_USER: read_person(asked, j, a, out); break;
	case OUT_OPEN_DM: read_dm(asked, j, a, out); break;
	case OUT_CONFIRM:
	case OUT_PAGE:
		out->outcome = OUTCOME_PERMANENT;
		out->error = "a page is not sent by Slack";
		break;
	}
}

/* No answer, or one that says nothing about what happened: true, and out has the outcome. */
static bool no_answer(const struct slack_asked *asked, const struct wire_reply *reply,
		      struct arena *a, struct result *out)
{
	if (reply->status == 0) {
		doubt(asked, words(a, reply->error != NULL ? reply->error : "no answer"), out);
		if (!reply->may_have_happened)
			out->outcome = OUTCOME_TRANSIENT;
		return true;
	}
	if (reply->status == 429) {
		out->error = "ratelimited";
		limited(asked, wait_ms(reply, LIMITED_WAIT_MS), a, out);
		return true;
	}
	if (reply->status >= 500) {
		doubt(asked, arena_f(a, "HTTP %d", reply->status), out);
		out->retry_after_ms = wait_ms(reply, 0);
		return true;
	}
	return false;
}

void slack_answer(const struct slack_asked *asked, const struct wire_reply *reply, struct arena *a,
		  struct result *out)
{
	const bool is_reply = !is_row(asked) && is_write(asked);

	*out = (struct result){
		.phase = asked->phase, .error = "", .channel = "", .ref = "", .dm = ""
	};
	if (no_answer(asked, reply, a, out))
		return;
	/* A response_url says "ok" and no JSON (slack.md 2.7). */
	if (is_reply && reply->status == 200 && str_is(str_trim(reply->body), "ok")) {
		out->outcome = OUTCOME_DONE;
		return;
	}
	struct cJSON CLEANUP(json_done) *j = json_parse(reply->body, NULL);
	if (!json_is_bool(json_get(j, "ok")))
		doubt(asked, arena_f(a, "HTTP %d without Slack's JSON", reply->status), out);
	else if (json_true(json_get(j, "ok")) && reply->status < 300)
		read_ok(asked, j, a, out);
	else if (json_true(json_get(j, "ok")))
		doubt(asked, arena_f(a, "HTTP %d and ok", reply->status), out);
	else
		refused(asked, reply, j, a, out);
}

/* The JSON of an ok answer, to be freed; else NULL and *rc, *retry_ms, *fail say what to do. */
static struct cJSON *want_ok(const struct wire_reply *reply, struct arena *a, int64_t *retry_ms,
			     enum rc *rc, struct fail *fail)
{
	/* An open-ended look-up: every doubt means asking again. */
	static const struct slack_asked asked = { .kind = OUT_LOOKUP_USER, .marker = "" };
	struct result said = { .error = "" };

	*rc = RC_AGAIN;
	*retry_ms = 0;
	if (no_answer(&asked, reply, a, &said)) {
		*retry_ms = said.retry_after_ms;
		fail_set(fail, RC_AGAIN, "%s", said.error);
		return NULL;
	}
	struct cJSON *j = json_parse(reply->body, NULL);
	if (json_true(json_get(j, "ok")) && reply->status < 300)
		return j;
	if (!json_is_bool(json_get(j, "ok")) || json_true(json_get(j, "ok"))) {
		fail_set(fail, RC_AGAIN, "HTTP %d without Slack's JSON", reply->status);
	} else {
		refused(&asked, reply, j, a, &said);
		const enum code_class is = code_class(json_text_at(j, "error"));
		*rc = is == CODE_TOKEN || is == CODE_SETUP ? RC_REFUSED : RC_AGAIN;
		*retry_ms = said.retry_after_ms;
		fail_set(fail, *rc, "%s", said.error);
	}
	json_free(j);
	return NULL;
}

enum rc slack_read_auth(const struct wire_reply *reply, struct arena *a, const char **team_id,
			const char **user_id, int64_t *retry_ms, struct fail *fail)
{
	enum rc rc = RC_AGAIN;
	struct cJSON CLEANUP(json_done) *j = want_ok(reply, a, retry_ms, &rc, fail);

	if (j == NULL)
		return rc;
	const char *team = id_at(a, j, "team_id"), *user = id_at(a, j, "user_id");
	if (team[0] == '\0' || user[0] == '\0')
		return FAIL(fail, RC_AGAIN, "auth.test: ok without team_id and user_id");
	*team_id = team;
	*user_id = user;
	return RC_OK;
}

static bool is_loopback_ws(struct str url)
{
	static const struct str starts[] = {
		STR_INIT("ws://127.0.0.1:"), STR_INIT("ws://127.0.0.1/"),
		STR_INIT("ws://localhost:"), STR_INIT("ws://localhost/"),
		STR_INIT("ws://[::1]:"),     STR_INIT("ws://[::1]/"),
	};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (str_starts(url, starts[i]))
			return true;
	}
	return false;
}

/* The URL carries its ticket and is used once, so it goes into no sentence. */
enum rc slack_read_url(const struct wire_reply *reply, struct arena *a, const char **ws_url,
		       int64_t *retry_ms, struct fail *fail)
{
	enum rc rc = RC_AGAIN;
	struct cJSON CLEANUP(json_done) *j = want_ok(reply, a, retry_ms, &rc, fail);

	if (j == NULL)
		return rc;
	const struct str url = str_z(json_text_at(j, "url"));
	if (str_has(url, '@') || (!str_starts(url, STR("wss://")) && !is_loopback_ws(url)))
		return FAIL(fail, RC_AGAIN, "apps.connections.open: ok without a wss URL");
	if (url.n > ANSWER_URL_BYTES_MAX)
		return FAIL(fail, RC_AGAIN, "apps.connections.open: a URL over %d bytes",
			    ANSWER_URL_BYTES_MAX);
	*ws_url = arena_str(a, url);
	return RC_OK;
}
