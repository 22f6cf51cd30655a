/* slack/write: requests to Slack's Web API (slack.md 2.1, 2.5). Called by the turn only; it never
 * sends anything. A template gives text and blocks and nothing else: whatever decides how Slack
 * treats a message is set here. */
#include "slack/write.h"
#include "base/json.h"
#include "base/mac.h"
#include "base/when.h"

#include <inttypes.h>

#define SLACK_TIMEOUT_MS (10 * SECOND_MS)
enum {
	SLACK_REPLY_BYTES_MAX = 256 * 1024,
	SLACK_HISTORY_BYTES_MAX = 1024 * 1024,
	SLACK_HISTORY_LIMIT = 100,
	SLACK_URL_MAX = 4096,
};

static void prepare(const struct secret *token, const char *method, size_t reply_bytes_max,
		    struct arena *a, struct request *out)
{
	*out = (struct request){ .method = method,
				 .timeout_ms = SLACK_TIMEOUT_MS,
				 .reply_bytes_max = reply_bytes_max };
	if (token != NULL)
		out->headers[0] =
			arena_f(a, "Authorization: Bearer %.*s", STR_ARG(secret_str(token)));
}

/* Puts the header behind those there are. */
static void header(struct request *rq, const char *line)
{
	size_t i = 0;

	while (rq->headers[i] != NULL)
		i++;
	rq->headers[i] = line;
}

/* A POST with a JSON body, which is freed here. The charset is wanted by Slack (slack.md 2.1). */
static void post_json(const struct secret *token, const char *url, struct cJSON *body,
		      struct arena *a, struct request *out)
{
	prepare(token, "POST", SLACK_REPLY_BYTES_MAX, a, out);
	header(out, "Content-Type: application/json; charset=utf-8");
	out->url = url;
	out->body = str_z(json_print_arena(body, a));
	json_free(body);
}

static const char *const method_names[SLACK_METHODS_N] = {
	[SLACK_POST] = "chat.postMessage",         [SLACK_UPDATE] = "chat.update",
	[SLACK_HISTORY] = "conversations.history", [SLACK_LOOKUP_EMAIL] = "users.lookupByEmail",
	[SLACK_LOOKUP_USER] = "users.info",        [SLACK_OPEN_DM] = "conversations.open",
	[SLACK_REPLIES] = "conversations.replies",
};

enum slack_method slack_method(const struct slack_asked *asked)
{
	if (asked->phase == PHASE_FIND)
		return asked->kind == OUT_THREAD ? SLACK_REPLIES : SLACK_HISTORY;
	switch (asked->kind) {
	case OUT_QUESTION:
	case OUT_CARD:
	case OUT_ALARM:
	case OUT_THREAD:
	case OUT_NOTICE: return asked->is_update ? SLACK_UPDATE : SLACK_POST;
	case OUT_LOOKUP_EMAIL: return SLACK_LOOKUP_EMAIL;
	case OUT_LOOKUP_USER: return SLACK_LOOKUP_USER;
	case OUT_OPEN_DM: return SLACK_OPEN_DM;
	case OUT_CONFIRM:
	case OUT_PAGE: break; /* not ours */
	}
	return SLACK_METHODS_N;
}

const char *slack_method_name(enum slack_method m)
{
	return m < SLACK_METHODS_N ? method_names[m] : "";
}

static const char *method_url(const struct slack_api *api, const char *method, struct arena *a)
{
	return arena_f(a, "%s%s", api->url, method);
}

static void post(const struct slack_api *api, const char *method, struct cJSON *body,
		 struct arena *a, struct request *out)
{
	post_json(api->bot_token, method_url(api, method, a), body, a, out);
}

/* A call without arguments: nothing in the body, and the one content type Slack takes for that. */
static void post_bare(const struct slack_api *api, const struct secret *token, const char *method,
		      struct arena *a, struct request *out)
{
	prepare(token, "POST", SLACK_REPLY_BYTES_MAX, a, out);
	header(out, "Content-Type: application/x-www-form-urlencoded");
	out->url = method_url(api, method, a);
	out->body = STR("");
}

static void get(const struct slack_api *api, const char *method_and_name, const char *value,
		struct arena *a, struct request *out)
{
	struct buf CLEANUP(buf_free) url = BUF(SLACK_URL_MAX);

	prepare(api->bot_token, "GET", SLACK_REPLY_BYTES_MAX, a, out);
	buf_addz(&url, api->url);
	buf_addz(&url, method_and_name);
	/* A value that does not fit is not asked for in part: Slack finds nobody by "". */
	if (str_z(value).n <= (SLACK_URL_MAX - url.n) / 3)
		buf_add_url(&url, str_z(value));
	out->url = arena_str(a, buf_str(&url));
}

static struct cJSON *said(const struct cJSON *content)
{
	struct cJSON *body = json_object();

	json_put_text(body, "text", json_text_at(content, "text"));
	if (json_is_array(json_key(content, "blocks")))
		json_put(body, "blocks", json_copy(json_key(content, "blocks")));
	return body;
}

/* The same message has the same id, so that a Slack that remembers it posts it once (slack.md 2.6):
 * an RFC 9562 version 8 UUID out of the marker's SHA-256. */
static const char *message_uuid(const struct slack_message *m, struct arena *a)
{
	uint8_t digest[MAC_BYTES];
	char hex[2 * 16 + 1];

	sha256(str_z(arena_f(a, "%s:%" PRId64, m->marker, m->first_ms)), digest);
	digest[6] = (uint8_t)(0x80 | (digest[6] & 0x0f));
	digest[8] = (uint8_t)(0x80 | (digest[8] & 0x3f));
	hex_encode(digest, 16, hex);
	return arena_f(a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

void slack_send(const struct slack_api *api, const struct slack_message *m, struct arena *a,
		struct request *out)
{
	const bool is_update = m->ts[0] != '\0';
	struct cJSON *body = said(m->content), *metadata = json_object(), *payload = json_object();

	json_put_text(body, "channel", m->channel);
	json_put_text(body, "parse", "none"); /* chat.update would take "client" by itself */
	json_put_bool(body, "link_names", false);
	json_put_text(payload, "marker", m->marker);
	json_put_num(payload, "rev", (double)m->rev);
	json_put_text(metadata, "event_type", "securitybot");
	json_put(metadata, "event_payload", payload);
	json_put(body, "metadata", metadata);
	if (is_update) {
		json_put_text(body, "ts", m->ts);
	} else {
		if (m->thread_ts && m->thread_ts[0])
			json_put_text(body, "thread_ts", m->thread_ts);
		/* An unfurl makes Slack fetch the URL (slack.md 6); an update can't ask for one. */
		json_put_bool(body, "unfurl_links", false);
		json_put_bool(body, "unfurl_media", false);
		json_put_text(body, "client_msg_id", message_uuid(m, a));
	}
	post(api, is_update ? "chat.update" : "chat.postMessage", body, a, out);
}

void slack_find(const struct slack_api *api, const struct slack_find *f, struct arena *a,
		struct request *out)
{
	const bool is_thread = f->thread_ts[0] != '\0';
	struct buf CLEANUP(buf_free) cursor = BUF(3 * SLACK_CURSOR_BYTES_MAX);

	get(api, is_thread ? "conversations.replies?channel=" : "conversations.history?channel=",
	    f->channel, a, out);
	if (is_thread) /* digits and a point: Slack's own */
		out->url = arena_f(a, "%s&ts=%s", out->url, f->thread_ts);
	if (f->oldest_ms > 0)
		out->url = arena_f(a, "%s&oldest=%" PRId64 ".%03d000&inclusive=true", out->url,
				   f->oldest_ms / SECOND_MS, (int)(f->oldest_ms % SECOND_MS));
	out->url =
		arena_f(a, "%s&include_all_metadata=true&limit=%d", out->url, SLACK_HISTORY_LIMIT);
	buf_add_url(&cursor, str_z(f->cursor));
	if (cursor.n > 0)
		out->url = arena_f(a, "%s&cursor=%s", out->url, buf_z(&cursor));
	out->reply_bytes_max = SLACK_HISTORY_BYTES_MAX;
}

void slack_lookup_email(const struct slack_api *api, const char *email, struct arena *a,
			struct request *out)
{
	get(api, "users.lookupByEmail?email=", email, a, out);
}

void slack_lookup_user(const struct slack_api *api, const char *user, struct arena *a,
		       struct request *out)
{
	get(api, "users.info?user=", user, a, out);
}

void slack_open_dm(const struct slack_api *api, const char *user, struct arena *a,
		   struct request *out)
{
	struct cJSON *body = json_object();

	json_put_text(body, "users", user);
	post(api, "conversations.open", body, a, out);
}

void slack_ephemeral(const struct slack_api *api, const char *channel, const char *user,
		     const struct cJSON *content, struct arena *a, struct request *out)
{
	struct cJSON *body = said(content);

	json_put_text(body, "channel", channel);
	json_put_text(body, "user", user);
	json_put_text(body, "parse", "none");
	json_put_bool(body, "link_names", false);
	post(api, "chat.postEphemeral", body, a, out);
}

/* No token: the URL itself is the secret, and its host was not chosen by us. */
void slack_respond(const char *response_url, const struct cJSON *content, struct arena *a,
		   struct request *out)
{
	struct cJSON *body = said(content);

	json_put_text(body, "response_type", "ephemeral");
	json_put_bool(body, "replace_original", false);
	json_put_bool(body, "unfurl_links", false);
	json_put_bool(body, "unfurl_media", false);
	post_json(NULL, arena_z(a, response_url), body, a, out);
}

void slack_open_view(const struct slack_api *api, const char *trigger_id, const struct cJSON *view,
		     struct arena *a, struct request *out)
{
	struct cJSON *body = json_object();

	json_put_text(body, "trigger_id", trigger_id);
	json_put(body, "view", json_copy(view));
	post(api, "views.open", body, a, out);
}

void slack_auth_test(const struct slack_api *api, struct arena *a, struct request *out)
{
	post_bare(api, api->bot_token, "auth.test", a, out);
}

void slack_connections_open(const struct slack_api *api, struct arena *a, struct request *out)
{
	post_bare(api, api->app_token, "apps.connections.open", a, out);
}
