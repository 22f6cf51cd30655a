/* api_talk: the Web API's conversations.* methods: opening direct messages, who and what is in a
 * channel, and reading messages back. Called by api.c through its table. */
#include "sandbox/inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reading needs the scope of the channel's kind: im:read, groups:history, … */
static bool needs(struct call *c, const struct channel *ch, const char *what)
{
	static const struct {
		const char *what, *im, *private_one, *public_one;
	} scopes[] = { { "read", "im:read", "groups:read", "channels:read" },
		       { "history", "im:history", "groups:history", "channels:history" } };
	size_t i = strcmp(what, "read") == 0 ? 0 : 1;
	return call_needs(c, ch->is_im        ? scopes[i].im
			     : ch->is_private ? scopes[i].private_one
					      : scopes[i].public_one);
}

static struct cJSON *channel_json(const struct channel *ch)
{
	struct cJSON *j = json_object();
	json_put_text(j, "id", ch->id);
	json_put_bool(j, "is_im", ch->is_im);
	json_put_bool(j, "is_archived", ch->is_archived);
	if (ch->is_im) {
		json_put_text(j, "user", ch->im_user);
		json_put_bool(j, "is_org_shared", false);
		return j;
	}
	json_put_text(j, "name", ch->name);
	json_put_bool(j, "is_channel", !ch->is_private);
	json_put_bool(j, "is_group", ch->is_private);
	json_put_bool(j, "is_private", ch->is_private);
	json_put_bool(j, "is_member", channel_has(ch, BOT_USER));
	json_put_num(j, "num_members", (double)ch->members.n);
	return j;
}

static void open_one(struct call *c, const char *user)
{
	const struct person *p = person_by_id(c->w, user);
	TEXT_SET(c->channel, user);
	if (!p)
		call_refuse_as(c, "user_not_found", NULL);
	else if (p->deleted)
		call_refuse_as(c, "user_disabled", NULL);
	else if (p->is_bot)
		call_refuse(c, "cannot_dm_bot");
	if (c->error)
		return;
	bool was_open = im_of(c->w, user) != NULL;
	struct channel *ch = im_open(c->w, user);
	if (!ch) {
		call_refuse(c, "sandbox_is_full");
		return;
	}
	TEXT_SET(c->channel, ch->id);
	json_put_bool(c->out, "no_op", was_open);
	json_put_bool(c->out, "already_open", was_open);
	struct cJSON *j = json_object();
	if (arg_true(c, "return_im")) {
		json_free(j);
		j = channel_json(ch);
	} else {
		json_put_text(j, "id", ch->id);
	}
	json_put(c->out, "channel", j);
}

void run_open(struct call *c)
{
	const char *users = arg_text(c, "users");
	if (*arg_text(c, "channel")) {
		const struct channel *ch = call_channel(c, "channel");
		if (ch)
			json_put(c->out, "channel", channel_json(ch));
	} else if (!*users) {
		call_refuse(c, "users_list_not_supplied");
	} else if (strchr(users, ',')) {
		if (call_needs(c, "mpim:write"))
			call_refuse_as(c, "invalid_user_combination",
				       "group_messages_not_emulated");
	} else {
		open_one(c, users);
	}
}

void run_info(struct call *c)
{
	const struct channel *ch = call_channel(c, "channel");
	if (ch && needs(c, ch, "read"))
		json_put(c->out, "channel", channel_json(ch));
}

static bool has_type(const char *types, const char *type)
{
	size_t n = strlen(type);
	for (const char *at = types; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
		at += strspn(at, " ");
		size_t m = strcspn(at, ", ");
		if (m == n && memcmp(at, type, n) == 0)
			return true;
	}
	return false;
}

void run_list(struct call *c)
{
	const char *types = *arg_text(c, "types") ? arg_text(c, "types") : "public_channel";
	bool publics = has_type(types, "public_channel"),
	     privates = has_type(types, "private_channel");
	bool ims = has_type(types, "im");
	if ((publics && !call_needs(c, "channels:read")) ||
	    (privates && !call_needs(c, "groups:read")) || (ims && !call_needs(c, "im:read")))
		return;
	if (!publics && !privates && !ims && !has_type(types, "mpim")) {
		call_refuse(c, "invalid_types");
		return;
	}
	struct cJSON *found = json_array(), *meta = json_object();
	const struct channel *ch = c->w->channels.at;
	for (size_t i = 0; i < c->w->channels.n; i++) {
		bool is_wanted = ch[i].is_im        ? ims
				 : ch[i].is_private ? privates && channel_has(&ch[i], BOT_USER)
						    : publics;
		if (is_wanted && !(ch[i].is_archived && arg_true(c, "exclude_archived")))
			json_push(found, channel_json(&ch[i]));
	}
	json_put(c->out, "channels", found);
	json_put_text(meta, "next_cursor", "");
	json_put(c->out, "response_metadata", meta);
}

void run_members(struct call *c)
{
	const struct channel *ch = call_channel(c, "channel");
	if (!ch || !needs(c, ch, "read"))
		return;
	struct cJSON *members = json_array(), *meta = json_object();
	const word *m = ch->members.at;
	for (size_t i = 0; i < ch->members.n; i++)
		json_push(members, json_string(m[i]));
	json_put(c->out, "members", members);
	json_put_text(meta, "next_cursor", "");
	json_put(c->out, "response_metadata", meta);
}

struct window { /* which messages are asked for */
	int64_t oldest, latest, before, limit;
	bool inclusive;
};

static bool window_read(struct call *c, struct window *v)
{
	const char *oldest = arg_text(c, "oldest"), *latest = arg_text(c, "latest"),
		   *cursor = arg_text(c, "cursor");
	*v = (struct window){ .oldest = *oldest ? stamp_us(oldest) : 0,
			      .latest = *latest ? stamp_us(latest) : INT64_MAX,
			      .before = INT64_MAX,
			      .limit = arg_int(c, "limit", 100),
			      .inclusive = arg_true(c, "inclusive") };
	if (v->oldest < 0)
		call_refuse(c, "invalid_ts_oldest");
	else if (v->latest < 0)
		call_refuse(c, "invalid_ts_latest");
	else if (v->limit < 1 || v->limit > 1000)
		call_refuse(c, "invalid_limit");
	else if (*cursor && (cursor[0] != 'm' || !str_int(str_z(cursor + 1), &v->before)))
		call_refuse(c, "invalid_cursor");
	return !c->error;
}

static bool is_inside(const struct window *v, int64_t us)
{
	bool low = us > v->oldest || (v->inclusive && us == v->oldest);
	bool high = us < v->latest || (v->inclusive && us == v->latest);
	return low && high && us < v->before;
}

static void page_end(struct call *c, struct cJSON *messages, bool has_more, int64_t last_us)
{
	struct cJSON *meta = json_object();
	char next[32] = "";
	if (has_more)
		(void)snprintf(next, sizeof next, "m%" PRId64, last_us);
	json_put(c->out, "messages", messages);
	json_put_bool(c->out, "has_more", has_more);
	json_put_text(meta, "next_cursor", next);
	json_put(c->out, "response_metadata", meta);
}

/* Newest first; replies stand in their thread only, unless they were broadcast. */
void run_history(struct call *c)
{
	const struct channel *ch = call_channel(c, "channel");
	struct window v;
	if (!ch || !needs(c, ch, "history"))
		return;
	if (!channel_has(ch, BOT_USER)) {
		call_refuse(c, "not_in_channel");
		return;
	}
	if (!window_read(c, &v))
		return;
	struct cJSON *found = json_array();
	const struct message *m = ch->messages.at;
	struct fault kept;
	bool has_more = false;
	int64_t last_us = 0, n = 0, lag_us = 0;
	if (fault_take_kind(c->w, "conversations.history", "lag", &kept))
		lag_us = kept.ms * 1000;
	for (size_t i = ch->messages.n; i-- > 0 && !has_more;) {
		bool is_reply = *m[i].thread_ts && strcmp(m[i].thread_ts, m[i].ts) != 0;
		if (m[i].deleted || (is_reply && !m[i].broadcast) || !is_inside(&v, m[i].us) ||
		    (lag_us && m[i].us > c->w->now_ms * 1000 - lag_us))
			continue;
		has_more = n++ == v.limit;
		if (has_more)
			break;
		last_us = m[i].us;
		json_push(found, message_json(&m[i], arg_true(c, "include_all_metadata")));
	}
	page_end(c, found, has_more, last_us);
}

/* Parent first, then the replies, oldest first. A cursor goes on after the last one shown. */
void run_replies(struct call *c)
{
	const struct channel *ch = call_channel(c, "channel");
	struct window v;
	if (!ch || !needs(c, ch, "history") || !window_read(c, &v))
		return;
	const struct message *parent = message_find(ch, arg_text(c, "ts"));
	if (!channel_has(ch, BOT_USER))
		call_refuse(c, "not_in_channel");
	else if (!parent)
		call_refuse_as(c, "thread_not_found", NULL);
	if (!parent || c->error)
		return;
	int64_t after = v.before == INT64_MAX ? -1 : v.before, last_us = 0, n = 0;
	v.before = INT64_MAX;
	struct cJSON *found = json_array();
	const struct message *m = ch->messages.at;
	bool has_more = false;
	for (size_t i = 0; i < ch->messages.n; i++) {
		bool is_parent = m[i].us == parent->us;
		if (m[i].deleted || m[i].us <= after ||
		    (!is_parent && strcmp(m[i].thread_ts, parent->ts) != 0) ||
		    (!is_parent && !is_inside(&v, m[i].us)))
			continue;
		has_more = n++ == v.limit;
		if (has_more)
			break;
		last_us = m[i].us;
		json_push(found, message_json(&m[i], arg_true(c, "include_all_metadata")));
	}
	page_end(c, found, has_more, last_us);
}
