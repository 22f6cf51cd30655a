/* cast: the verbs that change who is there: `person` and `channel`. The bot hears of it as Slack
 * would tell it (user_change, team_join). Called by world_control only. */
#include "sandbox/inside.h"
#include <stdio.h>
#include <string.h>

static void take_text(const struct cJSON *args, const char *key, char *out, size_t size)
{
	const struct cJSON *v = json_key(args, key);
	if (json_is_string(v))
		text_set(out, size, json_text(v));
}

static void take_bool(const struct cJSON *args, const char *key, bool *out)
{
	const struct cJSON *v = json_key(args, key);
	if (json_is_bool(v))
		*out = json_true(v);
}

static bool id_is_fine(const char *id, const char *first)
{
	size_t n = strlen(id);
	return n >= 2 && n < sizeof(word) && strchr(first, id[0]) &&
	       strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == n;
}

static struct person *person_named(struct world *w, const char *id, bool *is_new)
{
	struct person *p = *id ? person_by_id(w, id) : NULL;
	*is_new = !p;
	if (p || w->people.n >= PEOPLE_MAX || (*id && !id_is_fine(id, "UW")))
		return p;
	p = list_add(&w->people, sizeof *p);
	if (*id)
		TEXT_SET(p->id, id);
	else
		world_id(w, 'U', p->id);
	TEXT_SET(p->tz, "Europe/London");
	return p;
}

struct cJSON *control_person(struct world *w, const struct cJSON *args)
{
	bool is_new;
	struct person *p = person_named(w, json_text_at(args, "id"), &is_new);
	if (!p)
		return said_no("no room, or not an id like U0NAME001");
	take_text(args, "name", p->name, sizeof p->name);
	take_text(args, "real_name", p->real_name, sizeof p->real_name);
	take_text(args, "email", p->email, sizeof p->email);
	take_text(args, "tz", p->tz, sizeof p->tz);
	take_text(args, "title", p->title, sizeof p->title);
	take_bool(args, "deleted", &p->deleted);
	take_bool(args, "is_bot", &p->is_bot);
	take_bool(args, "is_restricted", &p->is_restricted);
	take_bool(args, "is_ultra_restricted", &p->is_ultra_restricted);
	take_bool(args, "is_stranger", &p->is_stranger);
	int64_t offset;
	if (json_int(json_key(args, "tz_offset"), &offset) && offset >= -43200 && offset <= 50400)
		p->tz_offset = (int)offset;
	if (!*p->name)
		TEXT_SET(p->name, p->id);
	if (!*p->real_name)
		TEXT_SET(p->real_name, p->name);
	p->updated_ms = w->now_ms;
	struct cJSON *event = json_object();
	json_put_text(event, "type", is_new ? "team_join" : "user_change");
	json_put(event, "user", person_json(w, p, true));
	if (!is_new)
		json_put_num(event, "cache_ts", (double)(w->now_ms / 1000));
	char envelope_id[40], key[96];
	(void)snprintf(key, sizeof key, "%s:%s", is_new ? "team_join" : "user_change", p->id);
	struct cJSON *out = said_yes();
	json_put_text(out, "id", p->id);
	if (!json_true(json_key(args, "quiet")))
		deliver_event(w, event, key, envelope_id);
	else
		json_free(event);
	return out;
}

static void members_set(struct world *w, struct channel *c, const struct cJSON *ids)
{
	c->members.n = 0;
	for (const struct cJSON *id = json_first(ids); id; id = json_next(id))
		if (person_by_id(w, json_text(id)))
			channel_join(c, json_text(id));
}

struct cJSON *control_channel(struct world *w, const struct cJSON *args)
{
	const char *id = json_text_at(args, "id");
	struct channel *c = *id ? channel_by_id(w, id) : NULL;
	if (!c) {
		if (w->channels.n >= CHANNELS_MAX || (*id && !id_is_fine(id, "CG")))
			return said_no("no room, or not an id like C0NAME001");
		c = list_add(&w->channels, sizeof *c);
		if (*id)
			TEXT_SET(c->id, id);
		else
			world_id(w, 'C', c->id);
		TEXT_SET(c->name, c->id);
	}
	take_text(args, "name", c->name, sizeof c->name);
	take_bool(args, "is_private", &c->is_private);
	take_bool(args, "is_archived", &c->is_archived);
	take_bool(args, "is_read_only", &c->is_read_only);
	if (json_is_array(json_key(args, "members")))
		members_set(w, c, json_key(args, "members"));
	struct cJSON *out = said_yes();
	json_put_text(out, "id", c->id);
	return out;
}
