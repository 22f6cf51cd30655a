/* people: the cast, the channels they sit in, and the messages that stand there. Used by the
 * model's files; knows no rule of the Web API. The cast is listed in docs/SANDBOX.md. */
#include "sandbox/inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct person cast[] = {
	{ .id = "U0ALICE01", .name = "alice", .real_name = "Alice Archer", .email = "alice@duff.example", .tz = "Europe/Berlin", .tz_offset = 3600, .title = "Engineer" },
	{ .id = "U0BOB0001", .name = "bob", .real_name = "Bob Barker", .email = "bob@duff.example", .tz = "Europe/London", .tz_offset = 0, .title = "Sales" },
	{ .id = "U0CAROL01", .name = "carol", .real_name = "Carol Cole", .email = "carol@duff.example", .tz = "Europe/London", .tz_offset = 0, .title = "Finance", .deleted = true },
	{ .id = "U0DANA001", .name = "dana", .real_name = "Dana Dial", .email = "dana@duff.example", .tz = "Europe/London", .tz_offset = 0, .title = "Security on-call" },
	{ .id = "U0HOMER01", .name = "homer.simpson", .real_name = "Homer Simpson", .email = "homer.simpson@duff.example", .tz = "America/Chicago", .tz_offset = -21600, .title = "Safety inspector" },
	{ .id = "U0MONA001", .name = "mona", .real_name = "Mona Marsh", .email = "mona@duff.example", .tz = "Europe/Berlin", .tz_offset = 3600, .title = "Engineering manager" },
	{ .id = "U0EVE0001", .name = "eve", .real_name = "Eve Stranger", .email = "eve@duff.example", .tz = "Europe/London", .tz_offset = 0, .title = "Contractor" },
	{ .id = "U0GUS0001", .name = "gus", .real_name = "Gus Guest", .email = "gus@partner.example", .tz = "Europe/London", .tz_offset = 0, .title = "Guest", .is_restricted = true },
	{ .id = BOT_USER, .name = "securitybot", .real_name = "SecurityBot", .email = "", .tz = "Europe/London", .tz_offset = 0, .title = "", .is_bot = true },
};
/* clang-format on */

void channel_join(struct channel *c, const char *user)
{
	if (!channel_has(c, user))
		TEXT_SET(*(word *)list_add(&c->members, sizeof(word)), user);
}

static struct channel *channel_new(struct world *w, const char *id, const char *name)
{
	struct channel *c = list_add(&w->channels, sizeof *c);
	TEXT_SET(c->id, id);
	TEXT_SET(c->name, name);
	return c;
}

void people_new(struct world *w)
{
	for (size_t i = 0; i < sizeof cast / sizeof *cast; i++)
		*(struct person *)list_add(&w->people, sizeof(struct person)) = cast[i];
	struct channel *c = channel_new(w, "C0SECALRT", "security-alerts");
	TEXT_SET(c->topic, "What SecurityBot asks and hears");
	static const char *const insiders[] = { BOT_USER, "U0DANA001", "U0MONA001", "U0ALICE01" };
	for (size_t i = 0; i < sizeof insiders / sizeof *insiders; i++)
		channel_join(c, insiders[i]);
	c = channel_new(w, "C0GENERAL", "general");
	for (size_t i = 0; i < sizeof cast / sizeof *cast; i++)
		if (!cast[i].is_bot && !cast[i].deleted)
			channel_join(c, cast[i].id);
}

void message_wipe(struct message *m)
{
	free(m->text);
	free(m->client_msg_id);
	json_free(m->blocks);
	json_free(m->metadata);
	json_free(m->reactions);
}

void people_free(struct world *w)
{
	struct channel *c = w->channels.at;
	for (size_t i = 0; i < w->channels.n; i++) {
		struct message *m = c[i].messages.at;
		for (size_t k = 0; k < c[i].messages.n; k++)
			message_wipe(&m[k]);
		free(c[i].messages.at);
		free(c[i].members.at);
	}
	struct ephemeral *e = w->ephemerals.at;
	for (size_t i = 0; i < w->ephemerals.n; i++) {
		free(e[i].text);
		json_free(e[i].blocks);
	}
	free(w->ephemerals.at);
	free(w->channels.at);
	free(w->people.at);
}

struct person *person_by_id(const struct world *w, const char *id)
{
	struct person *p = w->people.at;
	for (size_t i = 0; i < w->people.n; i++)
		if (strcmp(p[i].id, id) == 0)
			return &p[i];
	return NULL;
}

/* Deactivated people and bots are not found by their address. */
struct person *person_by_email(const struct world *w, const char *email)
{
	struct person *p = w->people.at;
	for (size_t i = 0; i < w->people.n; i++)
		if (*email && !p[i].deleted && !p[i].is_bot && strcasecmp(p[i].email, email) == 0)
			return &p[i];
	return NULL;
}

struct cJSON *person_json(const struct world *w, const struct person *p, bool with_email)
{
	(void)w;
	struct cJSON *u = json_object(), *profile = json_object();
	json_put_text(u, "id", p->id);
	json_put_text(u, "team_id", TEAM_ID);
	json_put_text(u, "name", p->name);
	json_put_bool(u, "deleted", p->deleted);
	json_put_text(u, "real_name", p->real_name);
	if (!p->deleted) {
		json_put_text(u, "tz", p->tz);
		json_put_num(u, "tz_offset", p->tz_offset);
		json_put_bool(u, "is_admin", false);
		json_put_bool(u, "is_owner", false);
		json_put_bool(u, "is_restricted", p->is_restricted);
		json_put_bool(u, "is_ultra_restricted", p->is_ultra_restricted);
	}
	if (p->is_stranger)
		json_put_bool(u, "is_stranger", true);
	json_put_bool(u, "is_bot", p->is_bot);
	json_put_bool(u, "is_app_user", false);
	json_put_num(u, "updated", (double)(p->updated_ms / 1000));
	json_put_text(profile, "title", p->title);
	json_put_text(profile, "real_name", p->real_name);
	json_put_text(profile, "display_name", p->name);
	if (with_email && *p->email)
		json_put_text(profile, "email", p->email);
	if (p->is_bot) {
		json_put_text(profile, "api_app_id", APP_ID);
		json_put_text(profile, "bot_id", BOT_ID);
	}
	json_put_text(profile, "team", TEAM_ID);
	json_put(u, "profile", profile);
	return u;
}

struct channel *channel_by_id(const struct world *w, const char *id)
{
	struct channel *c = w->channels.at;
	for (size_t i = 0; i < w->channels.n; i++)
		if (id[0] == '#' ? !c[i].is_im && strcmp(c[i].name, id + 1) == 0
				 : strcmp(c[i].id, id) == 0)
			return &c[i];
	return NULL;
}

bool channel_has(const struct channel *c, const char *user)
{
	const word *m = c->members.at;
	for (size_t i = 0; i < c->members.n; i++)
		if (strcmp(m[i], user) == 0)
			return true;
	return false;
}

static void im_id(const char *user, word out)
{
	(void)snprintf(out, sizeof(word), "D%s", user + (*user != 0));
}

struct channel *im_of(const struct world *w, const char *user)
{
	word id;
	im_id(user, id);
	return channel_by_id(w, id);
}

struct channel *im_open(struct world *w, const char *user)
{
	struct channel *c = im_of(w, user);
	if (c || w->channels.n >= CHANNELS_MAX)
		return c;
	word id;
	im_id(user, id);
	c = channel_new(w, id, "");
	c->is_im = true;
	TEXT_SET(c->im_user, user);
	channel_join(c, user);
	channel_join(c, BOT_USER);
	return c;
}

struct message *message_find(const struct channel *c, const char *ts)
{
	int64_t us = stamp_us(ts);
	struct message *m = c->messages.at;
	size_t low = 0, high = c->messages.n; /* they stand in the order of us */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (m[mid].us < us)
			low = mid + 1;
		else
			high = mid;
	}
	return low < c->messages.n && m[low].us == us && !m[low].deleted ? &m[low] : NULL;
}

struct message *message_new(struct world *w, struct channel *c, const char *user)
{
	if (c->messages.n >= MESSAGES_MAX) {
		struct message *m = c->messages.at;
		for (size_t i = 0; i < MESSAGES_MAX / 4; i++)
			message_wipe(&m[i]);
		list_cut(&c->messages, sizeof *m, MESSAGES_MAX / 4);
	}
	struct message *m = list_add(&c->messages, sizeof *m);
	world_stamp(w, m->ts, &m->us);
	TEXT_SET(m->user, user);
	m->by_bot = strcmp(user, BOT_USER) == 0;
	return m;
}

/* metadata as one reads it back: without include_all_metadata only its type (docs.slack.dev). */
static void metadata_put(struct cJSON *j, const struct cJSON *metadata, bool all)
{
	if (!metadata)
		return;
	if (all) {
		json_put(j, "metadata", json_copy(metadata));
		return;
	}
	struct cJSON *only = json_object();
	json_put_text(only, "event_type", json_text_at(metadata, "event_type"));
	json_put(j, "metadata", only);
}

struct cJSON *message_json(const struct message *m, bool all_metadata)
{
	struct cJSON *j = json_object();
	json_put_text(j, "type", "message");
	json_put_text(j, "user", m->user);
	json_put_text(j, "ts", m->ts);
	if (m->by_bot) {
		json_put_text(j, "bot_id", BOT_ID);
		json_put_text(j, "app_id", APP_ID);
	} else if (m->client_msg_id) {
		json_put_text(j, "client_msg_id", m->client_msg_id);
	}
	json_put_text(j, "text", m->text ? m->text : "");
	json_put_text(j, "team", TEAM_ID);
	if (*m->thread_ts)
		json_put_text(j, "thread_ts", m->thread_ts);
	if (m->blocks)
		json_put(j, "blocks", json_copy(m->blocks));
	if (m->reactions)
		json_put(j, "reactions", json_copy(m->reactions));
	if (*m->edited_ts) {
		struct cJSON *edited = json_object();
		json_put_text(edited, "user", m->user);
		json_put_text(edited, "ts", m->edited_ts);
		json_put(j, "edited", edited);
	}
	metadata_put(j, m->metadata, all_metadata);
	return j;
}
