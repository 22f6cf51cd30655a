/* api_chat: the Web API's chat.* methods, and what makes the content of a message (shared with
 * hooks.c and acks.c). Called by api.c through its table. Rules: docs.slack.dev,
 * docs.slack.dev/reference/methods/chat.*. */
#include "sandbox/inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_KEPT = 40000, TEXT_SHORT = 4000, MARKDOWN_MAX = 12000, METADATA_MAX = 4096 };

static bool is_scalar(const struct cJSON *v)
{
	return json_is_string(v) || json_is_number(v) || json_is_bool(v);
}

/* One of event_payload's values: a scalar, or one level of scalars. */
static bool payload_value_is_fine(const struct cJSON *v)
{
	if (is_scalar(v))
		return true;
	if (!json_is_object(v) && !json_is_array(v))
		return false;
	for (const struct cJSON *x = json_first(v); x; x = json_next(x))
		if (!is_scalar(x))
			return false;
	return true;
}

static const char *metadata_check(const struct cJSON *m)
{
	const struct cJSON *type = json_key(m, "event_type"),
			   *payload = json_key(m, "event_payload");
	if (!json_is_object(m) || !json_is_string(type) || !json_is_object(payload) ||
	    json_count(m) != 2)
		return "invalid_metadata_format";
	const char *z = json_text(type);
	size_t n = strlen(z);
	if (!n || n > 255 ||
	    strspn(z, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != n)
		return "invalid_metadata_schema";
	for (const struct cJSON *v = json_first(payload); v; v = json_next(v))
		if (!payload_value_is_fine(v))
			return "invalid_metadata_schema";
	struct buf b = BUF(METADATA_MAX);
	json_print(m, &b);
	bool is_big = b.broken;
	buf_free(&b);
	return is_big ? "metadata_too_large" : NULL;
}

void marker_of(const struct cJSON *metadata, char out[96])
{
	const struct cJSON *payload = json_key(metadata, "event_payload"),
			   *v = json_key(payload, "dedup_id");
	for (const struct cJSON *x = json_first(payload); !is_scalar(v) && x; x = json_next(x))
		v = x;
	if (json_is_number(v))
		(void)snprintf(out, 96, "%.17g", json_number(v));
	else
		text_set(out, 96, json_text(v));
}

void content_free(struct content *k)
{
	json_free(k->blocks);
	json_free(k->metadata);
	k->blocks = k->metadata = NULL;
}

const char *content_check(const struct content *k, struct cJSON *problems)
{
	if (k->blocks && !blocks_valid(k->blocks, SURFACE_MESSAGE, problems))
		return "invalid_blocks";
	if (!*k->text && !json_count(k->blocks))
		return "no_text";
	if (k->metadata && json_count(k->metadata))
		return metadata_check(k->metadata);
	return NULL;
}

static void content_read(struct call *c, struct content *k)
{
	bool is_bad;
	*k = (struct content){ .text = arg_text(c, "text") };
	k->has_text = json_is_string(json_key(c->args, "text"));
	k->blocks = arg_json(c, "blocks", &is_bad);
	k->has_blocks = k->blocks != NULL;
	if (is_bad || (k->blocks && !json_is_array(k->blocks)))
		call_refuse(c, "invalid_blocks_format");
	k->metadata = arg_json(c, "metadata", &is_bad);
	k->has_metadata = k->metadata != NULL;
	if (is_bad)
		call_refuse(c, "invalid_metadata_format");
	if (arg_given(c, "attachments") && strcmp(arg_text(c, "attachments"), "[]") != 0 &&
	    !(json_is_array(json_key(c->args, "attachments")) &&
	      !json_count(json_key(c->args, "attachments"))))
		call_refuse_as(c, "invalid_attachments", "attachments_not_emulated");
	if (*arg_text(c, "markdown_text")) {
		if (k->has_text || k->has_blocks)
			call_refuse(c, "markdown_text_conflict");
		k->text = arg_text(c, "markdown_text");
		k->has_text = true;
		if (utf8_points(str_z(k->text)) > MARKDOWN_MAX)
			call_refuse(c, "msg_too_long");
	}
}

static void content_judge(struct call *c, struct content *k)
{
	if (c->error)
		return;
	struct cJSON *problems = json_array();
	const char *error = content_check(k, problems);
	if (error)
		call_refuse(c, error);
	if (error && json_count(problems)) {
		c->messages = problems;
		c->errors = json_array();
		for (const struct cJSON *p = json_first(problems); p;
		     p = json_next(p)) /* without "[ERROR] " */
			json_push(c->errors, json_string(json_text(p) + 8));
		return;
	}
	json_free(problems);
	if (!error && utf8_points(str_z(k->text)) > TEXT_KEPT) {
		k->is_cut = true;
		call_warn(c, "message_truncated");
	}
}

void content_put(struct world *w, struct message *m, struct content *k)
{
	free(m->text);
	m->text = mem_str(utf8_clip(str_z(k->text), TEXT_KEPT));
	json_free(m->blocks);
	m->blocks = json_count(k->blocks) ? k->blocks : NULL;
	if (!m->blocks)
		json_free(k->blocks);
	k->blocks = NULL;
	if (m->blocks)
		m->blocks = blocks_finish(w, m->blocks);
	if (k->has_metadata) {
		json_free(m->metadata);
		m->metadata = json_count(k->metadata) ? k->metadata : NULL;
		if (!m->metadata)
			json_free(k->metadata);
		k->metadata = NULL;
	}
}

void echo_message(struct world *w, const struct channel *c, const struct message *m)
{
	if (!w->is_echoing || !c->is_im)
		return;
	struct cJSON *event = message_json(m, true);
	char id[40], key[96];
	json_put_text(event, "channel", c->id);
	json_put_text(event, "channel_type", "im");
	json_put_text(event, "event_ts", m->ts);
	(void)snprintf(key, sizeof key, "message:%s:%s", c->id, m->ts);
	deliver_event(w, event, key, id);
}

/* Where a message may go: an id, "#name", or a person (whose direct message is then opened). */
static struct channel *target(struct call *c)
{
	const char *id = arg_text(c, "channel");
	if (id[0] == 'U' || id[0] == 'W') {
		const struct person *p = person_by_id(c->w, id);
		TEXT_SET(c->channel, id);
		if (!p || p->deleted)
			call_refuse_as(c, "channel_not_found", NULL);
		else if (p->is_bot)
			call_refuse(c, "cannot_dm_bot");
		else if (call_needs(c, "im:write") && im_open(c->w, id))
			json_put_text(c->args, "channel", im_of(c->w, id)->id);
	}
	struct channel *ch = c->error ? NULL : call_channel(c, "channel");
	if (!ch)
		return NULL;
	const struct person *p = ch->is_im ? person_by_id(c->w, ch->im_user) : NULL;
	if (p && p->deleted)
		call_refuse_as(c, "channel_not_found", NULL);
	else if (ch->is_archived)
		call_refuse_as(c, "is_archived", NULL);
	else if (!channel_has(ch, BOT_USER))
		call_refuse(c, "not_in_channel");
	else if (ch->is_read_only)
		call_refuse_as(c, "restricted_action_read_only_channel", NULL);
	return c->error ? NULL : ch;
}

static const struct message *thread_check(struct call *c, const struct channel *ch)
{
	const char *ts = arg_text(c, "thread_ts");
	if (!*ts)
		return NULL;
	const struct message *parent = stamp_us(ts) < 0 ? NULL : message_find(ch, ts);
	if (!parent && stamp_us(ts) < 0)
		call_refuse(c, "invalid_thread_ts");
	else if (!parent) /* somebody deleted it: no fault of the client */
		call_refuse_as(c, "thread_not_found", NULL);
	return parent;
}

/* The message that already carries this client_msg_id, deleted or not. */
static const struct message *twin(const struct call *c, const struct channel *ch)
{
	const char *id = arg_text(c, "client_msg_id");
	const struct message *m = ch->messages.at;
	for (size_t i = ch->messages.n; *id && c->w->is_deduping && i-- > 0;)
		if (m[i].client_msg_id && strcmp(m[i].client_msg_id, id) == 0)
			return &m[i];
	return NULL;
}

static void told(struct call *c, const struct channel *ch, const struct message *m)
{
	TEXT_SET(c->ts, m->ts);
	json_put_text(c->out, "channel", ch->id);
	json_put_text(c->out, "ts", m->ts);
	json_put(c->out, "message", message_json(m, true));
}

void run_post(struct call *c)
{
	struct channel *ch = target(c);
	struct content k = { .text = "" };
	const struct message *parent = ch ? thread_check(c, ch) : NULL, *had = NULL;
	content_read(c, &k);
	content_judge(c, &k);
	marker_of(k.metadata, c->marker);
	if (!c->error && k.metadata && !json_count(k.metadata))
		call_refuse(c, "invalid_metadata_format");
	if (!c->error && rate_post_spent(c, ch))
		call_refuse_as(c, "ratelimited", "ratelimited_channel");
	if (!c->error)
		had = twin(c, ch);
	if (had && had->deleted) {
		call_refuse_as(c, "duplicate_message_not_found", NULL);
	} else if (had) {
		c->dup = true;
		told(c, ch, had);
		json_put_bool(c->out, "is_duplicate", true);
	}
	if (!c->error && !had) {
		stamp thread = "";
		if (parent)
			TEXT_SET(thread, *parent->thread_ts ? parent->thread_ts : parent->ts);
		struct message *m = message_new(
			c->w, ch, BOT_USER); /* parent is gone now: the list may have moved */
		TEXT_SET(m->thread_ts, thread);
		m->broadcast = arg_true(c, "reply_broadcast");
		if (*arg_text(c, "client_msg_id"))
			m->client_msg_id = mem_str(str_z(arg_text(c, "client_msg_id")));
		content_put(c->w, m, &k);
		told(c, ch, m);
		echo_message(c->w, ch, m);
	}
	content_free(&k);
}

static struct message *own_message(struct call *c, struct channel *ch, const char *name,
				   const char *not_mine)
{
	const char *ts = arg_text(c, name);
	struct message *m = ch ? message_find(ch, ts) : NULL;
	TEXT_SET(c->ts, ts);
	if (ch && !m)
		call_refuse_as(c, "message_not_found", NULL);
	else if (m && !m->by_bot)
		call_refuse(c, not_mine);
	return c->error ? NULL : m;
}

void run_update(struct call *c)
{
	struct channel *ch = call_channel(c, "channel");
	struct message *m = own_message(c, ch, "ts", "cant_update_message");
	struct content k = { .text = "" };
	content_read(c, &k);
	marker_of(k.metadata, c->marker);
	if (utf8_points(str_z(k.text)) > TEXT_SHORT)
		call_refuse(c, "msg_too_long");
	if (m && !k.has_text && k.has_blocks)
		k.text = m->text; /* blocks alone keep the text */
	content_judge(c, &k);
	if (m && !c->error) {
		char *kept = mem_str(str_z(k.text)); /* k.text may be m->text itself */
		bool has_blocks = json_count(k.blocks) > 0;
		k.text = kept;
		content_put(c->w, m, &k);
		free(kept);
		int64_t us;
		if (!has_blocks)
			world_stamp(c->w, m->edited_ts, &us);
		told(c, ch, m);
		json_put_text(c->out, "text", m->text);
	}
	content_free(&k);
}

void run_delete(struct call *c)
{
	struct channel *ch = call_channel(c, "channel");
	struct message *m = own_message(c, ch, "ts", "cant_delete_message");
	if (!m)
		return;
	m->deleted = true;
	json_put_text(c->out, "channel", ch->id);
	json_put_text(c->out, "ts", m->ts);
}

struct ephemeral *ephemeral_find(const struct world *w, const char *channel, const char *ts)
{
	struct ephemeral *e = w->ephemerals.at;
	for (size_t i = w->ephemerals.n; i-- > 0;)
		if (strcmp(e[i].channel, channel) == 0 && strcmp(e[i].ts, ts) == 0)
			return &e[i];
	return NULL;
}

void ephemeral_add(struct world *w, struct channel *c, const char *user, struct content *k,
		   stamp ts_out)
{
	if (w->ephemerals.n >= EPHEMERALS_MAX) {
		struct ephemeral *old = w->ephemerals.at;
		for (size_t i = 0; i < EPHEMERALS_MAX / 4; i++) {
			free(old[i].text);
			json_free(old[i].blocks);
		}
		list_cut(&w->ephemerals, sizeof *old, EPHEMERALS_MAX / 4);
	}
	struct ephemeral *e = list_add(&w->ephemerals, sizeof *e);
	int64_t us;
	world_stamp(w, e->ts, &us);
	TEXT_SET(e->channel, c->id);
	TEXT_SET(e->user, user);
	e->at_ms = w->now_ms;
	e->text = mem_str(str_z(k->text));
	e->blocks = k->blocks;
	k->blocks = NULL;
	if (e->blocks)
		e->blocks = blocks_finish(w, e->blocks);
	text_set(ts_out, sizeof(stamp), e->ts);
}

void run_ephemeral(struct call *c)
{
	struct channel *ch = target(c);
	const char *user = arg_text(c, "user");
	struct content k = { .text = "" };
	content_read(c, &k);
	if (ch && !channel_has(ch, user))
		call_refuse(c, "user_not_in_channel");
	if (utf8_points(str_z(k.text)) > TEXT_SHORT)
		call_refuse(c, "msg_too_long");
	content_judge(c, &k);
	if (!c->error) {
		stamp ts;
		ephemeral_add(c->w, ch, user, &k, ts);
		TEXT_SET(c->ts, ts);
		json_put_text(c->out, "message_ts", ts);
	}
	content_free(&k);
}

void run_permalink(struct call *c)
{
	const struct channel *ch = call_channel(c, "channel");
	const struct message *m = ch ? message_find(ch, arg_text(c, "message_ts")) : NULL;
	if (ch && !m)
		call_refuse_as(c, "message_not_found", NULL);
	if (!m)
		return;
	struct str seconds, micros;
	str_cut(str_z(m->ts), '.', &seconds, &micros);
	char *link = text_f("%s/archives/%s/p%.*s%.*s", c->w->http_base, ch->id, STR_ARG(seconds),
			    STR_ARG(micros));
	json_put_text(c->out, "channel", ch->id);
	json_put_text(c->out, "permalink", link);
	free(link);
}

void run_reaction(struct call *c)
{
	const struct channel *ch = call_channel(c, "channel");
	struct message *m = ch ? message_find(ch, arg_text(c, "timestamp")) : NULL;
	const char *name = arg_text(c, "name");
	if (!*name || strchr(name, ':'))
		call_refuse(c, "invalid_name");
	else if (ch && !m)
		call_refuse_as(c, "message_not_found", NULL);
	if (!m || c->error)
		return;
	for (const struct cJSON *r = json_first(m->reactions); r; r = json_next(r))
		if (strcmp(json_text_at(r, "name"), name) == 0) {
			call_refuse_as(c, "already_reacted", NULL);
			return;
		}
	if (!m->reactions)
		m->reactions = json_array();
	struct cJSON *r = json_object(), *users = json_array();
	json_push(users, json_string(BOT_USER));
	json_put_text(r, "name", name);
	json_put(r, "users", users);
	json_put_num(r, "count", 1);
	json_push(m->reactions, r);
}
