/* acts_text: what people write: direct messages, channel messages, slash commands, and opening the
 * home tab. Called by world_control only. Shapes: docs.slack.dev. */
#include "sandbox/inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAID_MAX = 12000 };

static const struct person *named_at(const struct world *w, const char *at, size_t *n)
{
	const struct person *p = w->people.at, *best = NULL;
	*n = 0;
	for (size_t i = 0; i < w->people.n; i++) {
		size_t m = strlen(p[i].name);
		if (m > *n && strncmp(p[i].name, at, m) == 0) {
			best = &p[i];
			*n = m;
		}
	}
	return best;
}

/* As Slack hands it on: & < > escaped, "@name" as a mention (with the name in it for commands). */
static char *escaped(const struct world *w, const char *text, bool with_names)
{
	struct buf b = BUF(SAID_MAX * 8);
	for (const char *at = text; *at; at++) {
		size_t n;
		const struct person *p = *at == '@' ? named_at(w, at + 1, &n) : NULL;
		if (p) {
			buf_addf(&b, "<@%s%s%s>", p->id, with_names ? "|" : "",
				 with_names ? p->name : "");
			at += n;
		} else if (*at == '&') {
			buf_addz(&b, "&amp;");
		} else if (*at == '<') {
			buf_addz(&b, "&lt;");
		} else if (*at == '>') {
			buf_addz(&b, "&gt;");
		} else {
			buf_add(&b, (struct str){ at, 1 });
		}
	}
	char *z = mem_str(buf_str(&b));
	buf_free(&b);
	return z;
}

static struct cJSON *typed_blocks(struct world *w, const char *text)
{
	struct cJSON *leaf = json_object(), *leaves = json_array(), *section = json_object(),
		     *sections = json_array();
	struct cJSON *block = json_object(), *blocks = json_array();
	json_put_text(leaf, "type", "text");
	json_put_text(leaf, "text", text);
	json_push(leaves, leaf);
	json_put_text(section, "type", "rich_text_section");
	json_put(section, "elements", leaves);
	json_push(sections, section);
	json_put_text(block, "type", "rich_text");
	json_put(block, "elements", sections);
	json_push(blocks, block);
	return blocks_finish(w, blocks);
}

static const char *said_by(struct world *w, const struct cJSON *args, struct person *who,
			   struct channel **ch)
{
	const struct person *p = person_by_id(w, json_text_at(args, "user"));
	const char *channel = json_text_at(args, "channel"), *text = json_text_at(args, "text");
	if (!p || p->deleted || p->is_bot)
		return "no such person";
	*who = *p;
	if (utf8_points(str_z(text)) > SAID_MAX)
		return "the text is too long";
	*ch = *channel ? channel_by_id(w, channel) : im_open(w, p->id);
	return *ch && channel_has(*ch, p->id) ? NULL : "that person is not in that channel";
}

static void message_event(struct world *w, const struct channel *ch, const struct message *m,
			  const char *type, char id[40])
{
	struct cJSON *event = message_json(m, true);
	char key[96];
	json_put_text(event, "type", type);
	json_put_text(event, "channel", ch->id);
	json_put_text(event, "event_ts", m->ts);
	if (ch->is_im)
		json_put_text(event, "channel_type", "im");
	(void)snprintf(key, sizeof key, "%s:%s:%s", type, ch->id, m->ts);
	deliver_event(w, event, key, id);
}

/* In a direct message the bot hears all; in a channel it hears its name only (the manifest asks for
 * no more). */
struct cJSON *act_say(struct world *w, const struct cJSON *args)
{
	struct person who;
	struct channel *ch;
	const char *text = json_text_at(args, "text"), *thread = json_text_at(args, "thread_ts");
	const char *error = said_by(w, args, &who, &ch);
	if (error || !*text)
		return said_no(error ? error : "text is empty");
	if (*thread && !message_find(ch, thread))
		return said_no("no such thread");
	struct message *m = message_new(w, ch, who.id);
	char id[40] = "", uuid[40];
	world_uuid(w, uuid);
	m->client_msg_id = mem_str(str_z(uuid));
	m->text = escaped(w, text, false);
	m->blocks = typed_blocks(w, text);
	TEXT_SET(m->thread_ts, thread);
	if (ch->is_im)
		message_event(w, ch, m, "message", id);
	else if (strstr(m->text, "<@" BOT_USER ">") && channel_has(ch, BOT_USER))
		message_event(w, ch, m, "app_mention", id);
	struct cJSON *out = said_yes();
	json_put_bool(out, "delivered", *id != 0);
	json_put_text(out, "envelope_id", id);
	json_put_text(out, "channel", ch->id);
	json_put_text(out, "ts", m->ts);
	return out;
}

/* Somebody who may (its author, or whoever runs the workspace) deletes a message. */
struct cJSON *act_delete(struct world *w, const struct cJSON *args)
{
	struct channel *ch = channel_by_id(w, json_text_at(args, "channel"));
	struct message *m = ch ? message_find(ch, json_text_at(args, "ts")) : NULL;
	if (!m)
		return said_no("no such message");
	m->deleted = true;
	return said_yes();
}

struct cJSON *act_slash(struct world *w, const struct cJSON *args)
{
	struct person who;
	struct channel *ch;
	const char *error = said_by(w, args, &who, &ch);
	if (error)
		return said_no(error);
	struct hook *h = hook_new(w, "commands", ch->id, who.id);
	char url[256], id[40], *text = escaped(w, json_text_at(args, "text"), true);
	hook_url(w, h, url, sizeof url);
	struct cJSON *p = json_object();
	json_put_text(p, "token", "sandbox-verification-token");
	json_put_text(p, "team_id", TEAM_ID);
	json_put_text(p, "team_domain", "duff");
	json_put_text(p, "channel_id", ch->id);
	json_put_text(p, "channel_name",
		      ch->is_im        ? "directmessage"
		      : ch->is_private ? "privategroup"
				       : ch->name);
	json_put_text(p, "user_id", who.id);
	json_put_text(p, "user_name", who.name);
	json_put_text(p, "command", COMMAND);
	json_put_text(p, "text", text);
	json_put_text(p, "api_app_id", APP_ID);
	json_put_text(p, "is_enterprise_install", "false");
	json_put_text(p, "response_url", url);
	json_put_text(p, "trigger_id", trigger_new(w, who.id, ""));
	struct delivery d = { .kind = DELIVERY_SLASH, .accepts_payload = true, .payload = p };
	(void)snprintf(d.key, sizeof d.key, "slash:%s:%.60s", who.id, text);
	TEXT_SET(d.user, who.id);
	TEXT_SET(d.channel, ch->id);
	free(text);
	struct cJSON *out = said_yes();
	json_put_bool(out, "delivered", deliver(w, &d, id));
	json_put_text(out, "envelope_id", id);
	return out;
}

struct cJSON *act_home(struct world *w, const struct cJSON *args)
{
	struct person who;
	struct channel *ch;
	const char *tab = json_text_at(args, "tab"), *error = said_by(w, args, &who, &ch);
	if (!error && strcmp(tab, "home") != 0 && strcmp(tab, "messages") != 0)
		error = "tab must be home or messages";
	if (error)
		return said_no(error);
	struct cJSON *event = json_object();
	stamp at;
	int64_t us;
	char id[40], key[96];
	world_stamp(w, at, &us);
	json_put_text(event, "type", "app_home_opened");
	json_put_text(event, "user", who.id);
	json_put_text(event, "channel", im_of(w, who.id)->id);
	json_put_text(event, "tab", tab);
	json_put_text(event, "event_ts", at);
	const struct view *v = view_home(w, who.id);
	if (v && strcmp(tab, "home") == 0)
		json_put(event, "view", view_json(v));
	(void)snprintf(key, sizeof key, "app_home_opened:%s:%s", who.id, tab);
	deliver_event(w, event, key, id);
	struct cJSON *out = said_yes();
	json_put_bool(out, "delivered", *id != 0);
	json_put_text(out, "envelope_id", id);
	return out;
}
