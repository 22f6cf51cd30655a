/* live_world: what senders and people do, and what the sandbox says about it, see live.h. */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "lib/live_inside.h"

enum { REPLY_MAX = 32 << 20, HTTP_MS = 20 * 1000 };

bool live_world_open(struct live *l)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	l->curl = curl_easy_init();
	return l->curl != NULL;
}

void live_world_close(struct live *l)
{
	json_free(l->state);
	json_free(l->ledger);
	if (l->curl)
		curl_easy_cleanup(l->curl);
	curl_global_cleanup();
}

/* NOLINTNEXTLINE(readability-non-const-parameter): curl's type */
static size_t on_body(char *at, size_t size, size_t n, void *to)
{
	buf_add(to, (struct str){ at, size * n });
	return size * n;
}

static int http_post(struct live *l, const char *url, const char *bearer, const char *body,
		     struct buf *reply)
{
	CURL *c = l->curl;
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;
	if (bearer)
		headers = curl_slist_append(
			headers, arena_f(&l->memory, "Authorization: Bearer %s", bearer));
	curl_easy_reset(c); /* keeps its connections */
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)HTTP_MS);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, reply);
	const CURLcode rc = curl_easy_perform(c); /* banned: a test has no loop of its own */
	if (rc == CURLE_OK)
		(void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	return (int)status;
}

int live_post(struct live *l, const char *path, const char *bearer, const char *body,
	      struct buf *reply)
{
	CLEANUP(buf_free) struct buf mine = BUF(REPLY_MAX);
	const char *url = arena_f(&l->memory, "http://127.0.0.1:%d%s", l->bot_port, path);
	if (!l->bot_port)
		return 0;
	return http_post(l, url, bearer, body, reply ? reply : &mine);
}

const char *live_alert(struct live *l, const char *type, const char *id, const char *user,
		       int priority)
{
	CLEANUP(json_done) struct cJSON *j = json_object();
	json_put_text(j, "type", type);
	json_put_text(j, "id", id);
	json_put_text(j, "user", user);
	json_put_text(j, "what", arena_f(&l->memory, "the program %s", id));
	json_put_text(j, "priority", arena_f(&l->memory, "P%d", priority));
	return json_print_arena(j, &l->memory);
}

struct cJSON *live_ask(struct live *l, const char *verb, struct cJSON *args)
{
	CLEANUP(buf_free) struct buf ask = BUF(1 << 20), reply = BUF(REPLY_MAX);
	char url[128];
	if (args)
		json_print(args, &ask);
	json_free(args);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/_control/%s", l->sandbox_port, verb);
	const int status = http_post(l, url, NULL, ask.n ? buf_z(&ask) : "{}", &reply);
	struct fail fail = { 0 };
	struct cJSON *j = status == 200 ? json_parse(buf_str(&reply), &fail) : NULL;
	if (!j)
		print_error("%s: status %d %s\n", verb, status, fail.why);
	return j;
}

struct cJSON *live_try(struct live *l, const char *verb, struct cJSON *args)
{
	struct cJSON *j = live_ask(l, verb, args);
	if (!j)
		fail_msg("%s: no answer", verb);
	return j;
}

struct cJSON *live_control(struct live *l, const char *verb, struct cJSON *args)
{
	struct cJSON *j = live_try(l, verb, args);
	if (!json_true(json_key(j, "ok"))) {
		const char *why = arena_z(&l->memory, json_text_at(j, "error"));
		json_free(j);
		fail_msg("%s: %s", verb, why);
	}
	return j;
}

const struct cJSON *live_state(struct live *l)
{
	json_free(l->state);
	l->state = NULL;
	return l->state = live_control(l, "state", NULL);
}

const struct cJSON *live_ledger(struct live *l)
{
	json_free(l->ledger);
	l->ledger = NULL;
	return l->ledger = live_control(l, "ledger", NULL);
}

/* --- reading --- */

bool live_has(const struct cJSON *j, const char *words)
{
	CLEANUP(buf_free) struct buf b = BUF(REPLY_MAX);
	json_print(j, &b);
	return strstr(buf_z(&b), words) != NULL;
}

static const struct cJSON *messages_of(const struct cJSON *state, const char *channel)
{
	const struct cJSON *channels = json_key(state, "channels");
	for (const struct cJSON *c = json_first(channels); c; c = json_next(c))
		if (strcmp(json_text_at(c, "id"), channel) == 0)
			return json_key(c, "messages");
	return NULL;
}

const struct cJSON *live_message(const struct cJSON *state, const char *channel, const char *words)
{
	const struct cJSON *found = NULL, *all = messages_of(state, channel);
	for (const struct cJSON *m = json_first(all); m; m = json_next(m))
		if (live_has(m, words))
			found = m;
	return found;
}

size_t live_messages(const struct cJSON *state, const char *channel, const char *words)
{
	size_t n = 0;
	const struct cJSON *all = messages_of(state, channel);
	for (const struct cJSON *m = json_first(all); m; m = json_next(m))
		n += !json_text_at(m, "thread_ts")[0] && live_has(m, words);
	return n;
}

size_t live_incidents(const struct cJSON *state, const char *words)
{
	size_t n = 0;
	const struct cJSON *all = json_key(state, "incidents");
	for (const struct cJSON *i = json_first(all); i; i = json_next(i))
		n += live_has(i, words);
	return n;
}

const struct cJSON *live_button(const struct cJSON *message, const char *action_id)
{
	const struct cJSON *blocks = json_key(message, "blocks");
	for (const struct cJSON *b = json_first(blocks); b; b = json_next(b)) {
		const struct cJSON *all = json_key(b, "elements");
		for (const struct cJSON *e = json_first(all); e; e = json_next(e))
			if (strcmp(json_text_at(e, "action_id"), action_id) == 0)
				return e;
	}
	return NULL;
}

const struct cJSON *live_ack(const struct cJSON *ledger, const char *envelope_id)
{
	const struct cJSON *acks = json_key(ledger, "acks");
	for (const struct cJSON *a = json_first(acks); a; a = json_next(a))
		if (strcmp(json_text_at(a, "envelope_id"), envelope_id) == 0)
			return a;
	return NULL;
}

/* --- doing --- */

const char *live_click(struct live *l, const char *user, const char *channel,
		       const struct cJSON *message, const char *action_id)
{
	struct cJSON *args = json_object();
	assert_non_null(message);
	json_put_text(args, "user", user);
	json_put_text(args, "channel", channel);
	json_put_text(args, "ts", json_text_at(message, "ts"));
	json_put_text(args, "action_id", action_id);
	CLEANUP(json_done) struct cJSON *said = live_control(l, "click", args);
	return arena_z(&l->memory, json_text_at(said, "envelope_id"));
}
