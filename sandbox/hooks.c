/* hooks: what an interaction hands out for later: trigger ids (3 s, once) and response URLs (30
 * min, five posts). Called by acts.c, acks.c, views.c and world_http. Rules: docs.slack.dev. */
#include "sandbox/inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIGGER_MS = 3000, HOOK_MS = 30 * 60 * 1000, HOOK_USES = 5 };

const char *trigger_new(struct world *w, const char *user, const char *view_id)
{
	if (w->triggers.n >= TRIGGERS_MAX)
		list_cut(&w->triggers, sizeof(struct trigger), TRIGGERS_MAX / 4);
	struct trigger *t = list_add(&w->triggers, sizeof *t);
	uint64_t a = world_dice(w), b = world_dice(w);
	(void)snprintf(t->id, sizeof t->id, "%06u.%07u.%016" PRIx64, (unsigned)(a % 1000000),
		       (unsigned)(a >> 40) % 10000000, b);
	TEXT_SET(t->user, user);
	TEXT_SET(t->view_id, view_id);
	t->until_ms = w->now_ms + TRIGGER_MS;
	return t->id;
}

const struct trigger *trigger_use(struct world *w, const char *id, const char **error)
{
	struct trigger *t = w->triggers.at;
	for (size_t i = w->triggers.n; *id && i-- > 0;) {
		if (strcmp(t[i].id, id) != 0)
			continue;
		bool was_used = t[i].used;
		t[i].used = true;
		*error = was_used                    ? "exchanged_trigger_id"
			 : w->now_ms > t[i].until_ms ? "expired_trigger_id"
						     : NULL;
		return *error ? NULL : &t[i];
	}
	*error = *id ? "invalid_trigger_id" : "invalid_arguments";
	return NULL;
}

struct hook *hook_new(struct world *w, const char *kind, const char *channel, const char *user)
{
	if (w->hooks.n >= HOOKS_MAX)
		list_cut(&w->hooks, sizeof(struct hook), HOOKS_MAX / 4);
	struct hook *h = list_add(&w->hooks, sizeof *h);
	(void)snprintf(h->path, sizeof h->path, "/response/%s/" TEAM_ID "/%zu/%016" PRIx64, kind,
		       (size_t)++w->ids, world_dice(w));
	TEXT_SET(h->channel, channel);
	TEXT_SET(h->user, user);
	h->is_command = kind[0] == 'c';
	h->until_ms = w->now_ms + HOOK_MS;
	return h;
}

void hook_url(const struct world *w, const struct hook *h, char *out, size_t size)
{
	(void)snprintf(out, size, "%s%s", w->http_base, h->path);
}

static struct hook *hook_find(const struct world *w, struct str path)
{
	struct hook *h = w->hooks.at;
	for (size_t i = w->hooks.n; i-- > 0;)
		if (str_is(path, h[i].path))
			return &h[i];
	return NULL;
}

static bool says_true(const struct cJSON *j, const char *key)
{
	return json_true(json_key(j, key)) || strcmp(json_text(json_key(j, key)), "true") == 0;
}

static void original_delete(struct world *w, const struct hook *h)
{
	struct channel *ch = channel_by_id(w, h->channel);
	struct message *m = ch ? message_find(ch, h->ts) : NULL;
	struct ephemeral *e = ephemeral_find(w, h->channel, h->ts);
	if (m)
		m->deleted = true;
	if (!e)
		return;
	free(e->text);
	json_free(e->blocks);
	size_t i = (size_t)(e - (struct ephemeral *)w->ephemerals.at);
	memmove(e, e + 1, (w->ephemerals.n - i - 1) * sizeof *e);
	w->ephemerals.n--;
}

static void original_replace(struct world *w, const struct hook *h, struct content *k)
{
	struct channel *ch = channel_by_id(w, h->channel);
	struct message *m = ch ? message_find(ch, h->ts) : NULL;
	struct ephemeral *e = ephemeral_find(w, h->channel, h->ts);
	if (m) {
		content_put(w, m, k);
	} else if (e) {
		free(e->text);
		json_free(e->blocks);
		e->text = mem_str(str_z(k->text));
		e->blocks = k->blocks ? blocks_finish(w, k->blocks) : NULL;
		k->blocks = NULL;
	}
}

static void post_new(struct world *w, const struct hook *h, const struct cJSON *body,
		     struct content *k)
{
	struct channel *ch = channel_by_id(w, h->channel);
	stamp ts;
	if (!ch)
		return;
	if (strcmp(json_text_at(body, "response_type"), "in_channel") != 0) {
		ephemeral_add(w, ch, h->user, k, ts);
		return;
	}
	struct message *m = message_new(w, ch, BOT_USER);
	const char *thread = json_text_at(body, "thread_ts");
	if (*thread && stamp_us(thread) >= 0)
		TEXT_SET(m->thread_ts, thread);
	content_put(w, m, k);
}

/* NULL, or Slack's error; the effect is done when it is NULL. */
static const char *hook_run(struct world *w, const struct hook *h, const struct cJSON *body,
			    struct cJSON *problems)
{
	if (says_true(body, "delete_original")) {
		if (!h->is_command)
			original_delete(w, h);
		return NULL;
	}
	struct content k = { .text = json_text_at(body, "text") };
	k.blocks = json_key(body, "blocks") ? json_copy(json_key(body, "blocks")) : NULL;
	const char *error = content_check(&k, problems);
	if (!error && says_true(body, "replace_original") && !h->is_command)
		original_replace(w, h, &k);
	else if (!error)
		post_new(w, h, body, &k);
	content_free(&k);
	return error;
}

static void hook_answer(struct world *w, struct hook *h, const struct world_request *rq,
			struct world_reply *out)
{
	struct cJSON *body = json_parse(rq->body, NULL), *problems = json_array();
	const char *error = NULL;
	if (!h || w->now_ms > h->until_ms)
		error = "expired_url";
	else if (h->uses >= HOOK_USES)
		error = "used_url";
	else if (!str_is(rq->method, "POST") || !json_is_object(body))
		error = "invalid_payload";
	out->status = error && strcmp(error, "invalid_payload") != 0 ? 404 : 200;
	if (!error) {
		h->uses++;
		error = hook_run(w, h, body, problems);
	}
	if (error) {
		struct cJSON *j = said_no(error);
		out->status = out->status == 200 ? 400 : out->status;
		if (json_count(problems))
			json_put(j, "errors", json_copy(problems));
		json_print(j, &out->body);
		json_free(j);
		refused(w, error);
	} else {
		out->content_type = "text/plain; charset=utf-8";
		buf_addz(&out->body, "ok");
	}
	struct call_row *r = ledger_call(w, "response_url", out->status, error);
	TEXT_SET(r->channel, h ? h->channel : "");
	char *text = text_f("%.*s", STR_ARG(utf8_clip(rq->body, WIRE_DETAIL_MAX)));
	wire_note(w, error ? error : "response_url ok", text);
	free(text);
	json_free(body);
	json_free(problems);
}

void hook_http(struct world *w, const struct world_request *rq, struct world_reply *out)
{
	struct fault kept;
	const struct fault *f = fault_take(w, "response_url", &kept);
	if (f && fault_is_before(f)) {
		const char *told = fault_spoil(f, out);
		ledger_call(w, "response_url", out->status, told ? told : f->kind);
		return;
	}
	hook_answer(w, hook_find(w, rq->path), rq, out);
	if (f)
		(void)fault_spoil(f, out);
}
