/* slack/read: Socket Mode frames become values; acknowledgements become frames. Called by the turn
 * (and the fuzzer) only; it never reads a clock, never logs, and never lets a payload's words into
 * `odd`. */
#include "slack/read.h"
#include "base/json.h"
#include "base/mac.h"
#include "base/when.h"

#include <string.h>

enum {
	SLACK_FRAME_BYTES_MAX = 1024 * 1024, /* io hangs up above it; here for other callers */
	SLACK_ID_BYTES_MAX = 255,            /* envelope, user, channel, team and action ids */
	SLACK_URL_BYTES_MAX = 2048,          /* response_url */
	SLACK_WORDS_MAX = 3000,              /* code points of a comment or a command's text */
	SLACK_PERSON_ID_MAX = 64,            /* what the columns for ids take */
	SLACK_PERSON_WORDS_MAX = 255,        /* code points of a name or an address */
	SLACK_ACK_BYTES_MAX = 20479,         /* slack.md 1.6: larger ones are dropped in silence */
};

struct reading {
	const struct slack_self *self;
	struct arena *arena;
	struct frame *out;
};

/* The ids Slack gives out; whatever else stands in an id's place is not copied anywhere. */
static bool is_id(const char *z)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	const size_t n = strlen(z);

	return n >= 1 && n <= SLACK_ID_BYTES_MAX && strspn(z, letters) == n;
}

/* The id at path, copied; "" if there is none. */
static const char *id_at(const struct reading *r, const struct cJSON *j, const char *path)
{
	const char *z = json_text_at(j, path);

	return is_id(z) ? arena_z(r->arena, z) : "";
}

static const char *words(const struct reading *r, const char *z)
{
	return arena_str(r->arena, utf8_clip(str_z(z), SLACK_WORDS_MAX));
}

/* The inquiry a token of ours names; 0 if it is not one, or its mac is wrong. */
static int64_t inquiry_of(const struct reading *r, const char *token)
{
	struct str kind;
	int64_t id = 0;

	if (!token_read(r->self->mac_key, str_z(token), &kind, &id) || !str_is(kind, "inquiry"))
		return 0;
	return id > 0 ? id : 0;
}

static void take(const struct reading *r, enum fact_kind kind)
{
	r->out->has_fact = true;
	r->out->fact.kind = kind;
	r->out->fact.key = arena_f(r->arena, "envelope:%s", r->out->envelope_id);
}

static enum click click_of(const char *action_id)
{
	static const struct {
		const char *action_id;
		enum click click;
	} buttons[] = {
		{ "yes", CLICK_YES },
		{ "no", CLICK_NO },
		{ "not_me", CLICK_NOT_ME },
	};

	for (size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
		if (strcmp(buttons[i].action_id, action_id) == 0)
			return buttons[i].click;
	}
	return CLICK_UNKNOWN;
}

/* slack.md 3.1. Slack sends one action; of several the first counts. A button we no longer know is
 * a fact too: the person who pressed it is told. */
static void read_click(const struct reading *r, const struct cJSON *payload)
{
	const struct cJSON *action = json_at(json_get(payload, "actions"), 0);
	const char *user = id_at(r, payload, "user.id");
	const char *channel = id_at(r, payload, "channel.id");
	const char *ts = id_at(r, payload, "container.message_ts");

	if (channel[0] == '\0')
		channel = id_at(r, payload, "container.channel_id");
	if (ts[0] == '\0')
		ts = id_at(r, payload, "message.ts");
	if (!json_is_object(action))
		r->out->odd = "a click without an action";
	else if (user[0] == '\0')
		r->out->odd = "a click without a user";
	else if (channel[0] == '\0' || ts[0] == '\0')
		r->out->odd = "a click outside a message";
	if (r->out->odd[0] != '\0')
		return;
	const enum click what = click_of(json_text_at(action, "action_id"));
	take(r, FACT_CLICK);
	r->out->fact.as.click.user = user;
	r->out->fact.as.click.channel = channel;
	r->out->fact.as.click.ts = ts;
	r->out->fact.as.click.what = what;
	r->out->fact.as.click.inquiry_id =
		what == CLICK_UNKNOWN ? 0 : inquiry_of(r, json_text_at(action, "value"));
}

/* The first text input under state.values; NULL if the view has none. Its value is null when left
 * empty (slack.md 3.2). */
static const struct cJSON *text_input(const struct cJSON *values)
{
	for (const struct cJSON *b = json_first(values); b != NULL; b = json_next(b)) {
		for (const struct cJSON *e = json_first(b); e != NULL; e = json_next(e)) {
			if (strcmp(json_text_at(e, "type"), "plain_text_input") == 0)
				return e;
		}
	}
	return NULL;
}

static void read_submission(const struct reading *r, const struct cJSON *payload)
{
	const struct cJSON *view = json_get(payload, "view");
	const struct cJSON *input = text_input(json_get(view, "state.values"));
	const char *user = id_at(r, payload, "user.id");

	if (strcmp(json_text_at(view, "callback_id"), "comment") != 0)
		r->out->odd = "a submission of an unknown view";
	else if (user[0] == '\0')
		r->out->odd = "a submission without a user";
	else if (input == NULL)
		r->out->odd = "a comment without its text input";
	if (r->out->odd[0] != '\0')
		return;
	take(r, FACT_COMMENT);
	r->out->fact.as.comment.user = user;
	r->out->fact.as.comment.text = words(r, json_text_at(input, "value"));
	r->out->fact.as.comment.inquiry_id = inquiry_of(r, json_text_at(view, "private_metadata"));
}

static void read_command(const struct reading *r, const struct cJSON *payload)
{
	const char *user = id_at(r, payload, "user_id");
	const char *channel = id_at(r, payload, "channel_id");

	if (user[0] == '\0' || channel[0] == '\0') {
		r->out->odd = "a command without a user or a channel";
		return;
	}
	take(r, FACT_COMMAND);
	r->out->fact.as.command.user = user;
	r->out->fact.as.command.channel = channel;
	r->out->fact.as.command.text = words(r, json_text_at(payload, "text"));
}

/* Anybody's app could be wired to our socket by mistake, and a shared channel brings people of
 * other teams: only what names our team and our app is ours (reliability.md T8). */
static bool is_ours(const struct reading *r, const struct cJSON *payload, const char *team_path)
{
	const char *team = json_text_at(payload, team_path);
	const char *app = json_text_at(payload, "api_app_id");

	if (r->self->team_id[0] != '\0' && strcmp(team, r->self->team_id) != 0)
		r->out->odd = "of another team";
	else if (r->self->app_id[0] != '\0' && strcmp(app, r->self->app_id) != 0)
		r->out->odd = "of another app";
	return r->out->odd[0] == '\0';
}

static void read_interactive(const struct reading *r, const struct cJSON *payload)
{
	const char *type = json_text_at(payload, "type");

	if (strcmp(type, "view_closed") == 0 || !is_ours(r, payload, "team.id"))
		return;
	if (strcmp(type, "block_actions") == 0)
		read_click(r, payload);
	else if (strcmp(type, "view_submission") == 0)
		read_submission(r, payload);
	else
		r->out->odd = "an interaction of an unknown type";
}

/* Kept beside the fact, in memory; the turn judges the URL's host before it posts there. */
static void read_handles(const struct reading *r, const struct cJSON *payload)
{
	const struct str url = str_z(json_text_at(payload, "response_url"));

	r->out->trigger_id = id_at(r, payload, "trigger_id");
	if (url.n <= SLACK_URL_BYTES_MAX &&
	    (str_starts(url, STR("https://")) || str_starts(url, STR("http://"))))
		r->out->response_url = arena_str(r->arena, url);
}

/* --- events (slack.md 4): Slack repeats them until they are acknowledged --- */

static const char *person_words(struct arena *arena, const char *z)
{
	return arena_str(arena, utf8_clip(str_z(z), SLACK_PERSON_WORDS_MAX));
}

const struct person *slack_person(const struct cJSON *user, struct arena *arena)
{
	const char *id = json_text_at(user, "id");
	const char *name = json_text_at(user, "profile.real_name");
	int64_t offset = 0;

	if (!is_id(id) || strlen(id) > SLACK_PERSON_ID_MAX)
		return NULL;
	struct person *p = arena_new(arena, struct person);
	p->user = arena_z(arena, id);
	if (name[0] == '\0')
		name = json_text_at(user, "real_name");
	p->name = person_words(arena, name[0] != '\0' ? name : json_text_at(user, "name"));
	p->email = person_words(arena, json_text_at(user, "profile.email"));
	p->tz = person_words(arena, json_text_at(user, "tz"));
	if (json_int(json_get(user, "tz_offset"), &offset) && offset >= -DAY_MS / SECOND_MS &&
	    offset <= DAY_MS / SECOND_MS)
		p->tz_offset_s = (int32_t)offset;
	p->is_bot = json_true(json_get(user, "is_bot")) || strcmp(p->user, "USLACKBOT") == 0;
	p->is_deleted = json_true(json_get(user, "deleted"));
	p->is_guest = json_true(json_get(user, "is_restricted")) ||
		      json_true(json_get(user, "is_ultra_restricted")) ||
		      json_true(json_get(user, "is_stranger")); /* of another team */
	p->dm = "";
	return p;
}

/* What a person typed to us in a direct message. Our own words come back too; an edited or a
 * deleted message (both have a subtype) answers nothing, for what was said first was heard. */
static void read_message(const struct reading *r, const struct cJSON *payload)
{
	const struct cJSON *event = json_get(payload, "event");
	const char *id = id_at(r, payload, "event_id"), *user = id_at(r, event, "user");
	const char *channel = id_at(r, event, "channel"), *ts = id_at(r, event, "ts");

	if (strcmp(json_text_at(event, "channel_type"), "im") != 0 ||
	    json_get(event, "subtype") != NULL || json_get(event, "bot_id") != NULL ||
	    (user[0] != '\0' && strcmp(user, r->self->user_id) == 0))
		return;
	if (id[0] == '\0' || user[0] == '\0' || channel[0] == '\0' || ts[0] == '\0') {
		r->out->odd = "a message without its ids";
		return;
	}
	take(r, FACT_MESSAGE);
	r->out->fact.key = arena_f(r->arena, "event:%s", id);
	r->out->fact.as.message.user = user;
	r->out->fact.as.message.channel = channel;
	r->out->fact.as.message.ts = ts;
	r->out->fact.as.message.thread_ts = id_at(r, event, "thread_ts");
	r->out->fact.as.message.text = words(r, json_text_at(event, "text"));
}

static void read_event(const struct reading *r, const struct cJSON *payload)
{
	const char *type = json_text_at(payload, "event.type");

	if (strcmp(json_text_at(payload, "type"), "event_callback") != 0 ||
	    !is_ours(r, payload, "team_id"))
		return;
	if (strcmp(type, "message") == 0)
		read_message(r, payload);
	else if (strcmp(type, "app_uninstalled") == 0)
		r->out->doubts_token = true;
	else if (strcmp(type, "tokens_revoked") == 0)
		r->out->doubts_token = json_count(json_get(payload, "event.tokens.bot")) > 0;
	else if (strcmp(type, "user_change") == 0 || strcmp(type, "team_join") == 0)
		r->out->person = slack_person(json_get(payload, "event.user"), r->arena);
}

static void read_envelope(const struct reading *r, const struct cJSON *j, const char *type)
{
	const struct cJSON *payload = json_get(j, "payload");

	r->out->kind = FRAME_ENVELOPE;
	r->out->takes_payload = json_true(json_get(j, "accepts_response_payload"));
	if (r->out->envelope_id[0] == '\0') {
		r->out->odd = "an envelope without an id";
		return;
	}
	if (!json_is_object(payload)) {
		r->out->odd = "an envelope without a payload";
		return;
	}
	if (strcmp(type, "events_api") == 0) {
		read_event(r, payload);
		return;
	}
	read_handles(r, payload);
	if (strcmp(type, "interactive") == 0)
		read_interactive(r, payload);
	else if (strcmp(type, "slash_commands") != 0)
		r->out->odd = "an envelope of an unknown type";
	else if (is_ours(r, payload, "team_id"))
		read_command(r, payload);
}

/* Absent, negative or not a whole number: 0, "not told". */
static int64_t count_at(const struct cJSON *j, const char *path)
{
	int64_t v = 0;

	return json_int(json_get(j, path), &v) && v > 0 ? v : 0;
}

static bool is_envelope(const char *type)
{
	return strcmp(type, "interactive") == 0 || strcmp(type, "slash_commands") == 0 ||
	       strcmp(type, "events_api") == 0;
}

static void read_object(const struct reading *r, const struct cJSON *j)
{
	const char *type = json_text_at(j, "type");
	const struct str id = str_z(json_text_at(j, "envelope_id"));

	/* Not judged by its letters: whatever Slack sent has to be sent back. */
	if (id.n <= SLACK_ID_BYTES_MAX)
		r->out->envelope_id = arena_str(r->arena, id);
	if (strcmp(type, "hello") == 0) {
		r->out->kind = FRAME_HELLO;
		r->out->lives_s = count_at(j, "debug_info.approximate_connection_time");
		r->out->connections = count_at(j, "num_connections");
	} else if (strcmp(type, "disconnect") == 0) {
		r->out->kind = FRAME_DISCONNECT;
		r->out->reason = id_at(r, j, "reason");
	} else if (r->out->envelope_id[0] != '\0' || is_envelope(type)) {
		read_envelope(r, j, type);
	} else {
		r->out->odd = "a frame of an unknown type";
	}
}

void slack_read(struct str text, const struct slack_self *self, struct arena *arena,
		struct frame *out)
{
	const struct reading r = { self, arena, out };
	struct fail fail = { .rc = RC_OK };
	struct str where, why;

	*out = (struct frame){ .kind = FRAME_OTHER,
			       .reason = "",
			       .envelope_id = "",
			       .trigger_id = "",
			       .response_url = "",
			       .odd = "" };
	if (text.n > SLACK_FRAME_BYTES_MAX) {
		out->odd = "a frame over 1 MiB";
		return;
	}
	struct cJSON CLEANUP(json_done) *j = json_parse(text, &fail);
	if (j == NULL) {
		/* The place only: the sentence may quote a key. */
		(void)str_cut(str_z(fail.why), ':', &where, &why);
		out->odd = arena_f(arena, "not JSON at %.*s", STR_ARG(where));
	} else if (!json_is_object(j)) {
		out->odd = "a frame that is no object";
	} else {
		read_object(&r, j);
	}
}

enum rc slack_ack(const char *envelope_id, const char *payload, struct buf *out, struct fail *fail)
{
	struct buf CLEANUP(buf_free) b = BUF(SLACK_ACK_BYTES_MAX);
	struct cJSON CLEANUP(json_done) *id = json_string(envelope_id);

	buf_addz(&b, "{\"envelope_id\":");
	json_print(id, &b);
	if (payload[0] != '\0') {
		buf_addz(&b, ",\"payload\":");
		buf_addz(&b, payload);
	}
	buf_addz(&b, "}");
	if (b.broken)
		return FAIL(fail, RC_TOO_BIG, "an acknowledgement over %d bytes",
			    SLACK_ACK_BYTES_MAX);
	buf_add(out, buf_str(&b));
	return RC_OK;
}
