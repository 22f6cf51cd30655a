/* state: the whole workspace as one JSON object for the page and the tests (docs/SANDBOX.md, verb
 * `state`), or what changed since a moment: a long run can't afford the whole. Reads only. */
#include "sandbox/inside.h"
#include <string.h>

static struct cJSON *people_json(const struct world *w, int64_t since_ms)
{
	(void)since_ms;
	struct cJSON *all = json_array();
	const struct person *p = w->people.at;
	for (size_t i = 0; i < w->people.n; i++) {
		struct cJSON *j = json_object();
		json_put_text(j, "id", p[i].id);
		json_put_text(j, "name", p[i].name);
		json_put_text(j, "real_name", p[i].real_name);
		json_put_text(j, "email", p[i].email);
		json_put_text(j, "tz", p[i].tz);
		json_put_num(j, "tz_offset", p[i].tz_offset);
		json_put_text(j, "title", p[i].title);
		json_put_bool(j, "is_bot", p[i].is_bot);
		json_put_bool(j, "deleted", p[i].deleted);
		json_put_bool(j, "is_guest", p[i].is_restricted || p[i].is_ultra_restricted);
		json_push(all, j);
	}
	return all;
}

/* Posted or edited since then? A stamp may run ahead of the clock, never behind it. */
static bool is_newer(const struct message *m, int64_t since_ms)
{
	const int64_t edited_us = *m->edited_ts ? stamp_us(m->edited_ts) : 0;
	return (edited_us > m->us ? edited_us : m->us) / 1000 >= since_ms;
}

static struct cJSON *messages_json(const struct channel *c, int64_t since_ms)
{
	struct cJSON *all = json_array();
	const struct message *m = c->messages.at;
	for (size_t i = 0; i < c->messages.n; i++) {
		if (m[i].deleted || !is_newer(&m[i], since_ms))
			continue;
		struct cJSON *j = message_json(&m[i], true);
		if (*m[i].edited_ts)
			json_put_text(j, "edited_ts", m[i].edited_ts);
		json_push(all, j);
	}
	return all;
}

/* What stands in direct messages and came after that moment, with where and to whom. */
struct cJSON *control_messages(struct world *w, const struct cJSON *args)
{
	struct cJSON *out = said_yes(), *all = json_array();
	int64_t after_us = stamp_us(json_text_at(args, "after"));
	const struct channel *c = w->channels.at;
	for (size_t i = 0; i < w->channels.n; i++) {
		const struct message *m = c[i].messages.at;
		for (size_t k = c[i].is_im ? c[i].messages.n : 0; k-- && m[k].us > after_us;) {
			if (m[k].deleted)
				continue;
			struct cJSON *j = message_json(&m[k], false);
			json_put_text(j, "channel", c[i].id);
			json_put_text(j, "to", c[i].im_user);
			json_push(all, j);
		}
	}
	json_put(out, "messages", all);
	return out;
}

static struct cJSON *channels_json(const struct world *w, int64_t since_ms)
{
	struct cJSON *all = json_array();
	const struct channel *c = w->channels.at;
	for (size_t i = 0; i < w->channels.n; i++) {
		struct cJSON *messages = messages_json(&c[i], since_ms);
		if (since_ms && json_count(messages) == 0) {
			json_free(messages);
			continue;
		}
		struct cJSON *j = json_object(), *members = json_array();
		const word *m = c[i].members.at;
		for (size_t k = 0; k < c[i].members.n; k++)
			json_push(members, json_string(m[k]));
		json_put_text(j, "id", c[i].id);
		json_put_text(j, "name", c[i].name);
		json_put_bool(j, "is_im", c[i].is_im);
		if (c[i].is_im)
			json_put_text(j, "user", c[i].im_user);
		json_put(j, "members", members);
		json_put(j, "messages", messages);
		json_push(all, j);
	}
	return all;
}

static struct cJSON *ephemerals_json(const struct world *w, int64_t since_ms)
{
	struct cJSON *all = json_array();
	const struct ephemeral *e = w->ephemerals.at;
	for (size_t i = 0; i < w->ephemerals.n; i++) {
		if (e[i].at_ms < since_ms)
			continue;
		struct cJSON *j = json_object();
		json_put_text(j, "channel", e[i].channel);
		json_put_text(j, "user", e[i].user);
		json_put_text(j, "ts", e[i].ts);
		json_put_text(j, "text", e[i].text);
		json_put(j, "blocks", e[i].blocks ? json_copy(e[i].blocks) : json_array());
		json_put_num(j, "at_ms", (double)e[i].at_ms);
		json_push(all, j);
	}
	return all;
}

static struct cJSON *views_json(const struct world *w, int64_t since_ms)
{
	(void)since_ms;
	struct cJSON *all = json_array();
	const struct view *v = w->views.at;
	for (size_t i = 0; i < w->views.n; i++) {
		struct cJSON *j = json_object();
		json_put_text(j, "id", v[i].id);
		json_put_text(j, "user", v[i].user);
		json_put(j, "view", view_json(&v[i]));
		json_put(j, "errors", v[i].errors ? json_copy(v[i].errors) : json_object());
		json_push(all, j);
	}
	return all;
}

static struct cJSON *sockets_json(const struct world *w, int64_t since_ms)
{
	(void)since_ms;
	struct cJSON *all = json_array();
	const struct socket *s = w->sockets.at;
	for (size_t i = 0; i < w->sockets.n; i++) {
		struct cJSON *j = json_object();
		json_put_num(j, "id", s[i].number);
		json_put_bool(j, "up", s[i].said_hello && !s[i].is_ghost);
		json_put_bool(j, "ghost", s[i].is_ghost);
		json_push(all, j);
	}
	return all;
}

static struct cJSON *wire_json(const struct world *w, int64_t since_ms)
{
	(void)since_ms;
	struct cJSON *all = json_array();
	for (uint64_t n = w->wire_n > WIRE_MAX ? w->wire_n - WIRE_MAX : 0; n < w->wire_n; n++) {
		const struct wire_line *l = &w->wire[n % WIRE_MAX];
		struct cJSON *j = json_object();
		json_put_num(j, "seq", (double)l->seq);
		json_put_num(j, "at_ms", (double)l->at_ms);
		json_put_text(j, "what", l->what);
		json_put_text(j, "detail", l->detail);
		json_push(all, j);
	}
	return all;
}

static struct cJSON *troubles_json(const struct world *w, int64_t since_ms)
{
	(void)since_ms;
	struct cJSON *all = json_array();
	const struct trouble *t = w->troubles.at;
	for (size_t i = 0; i < w->troubles.n; i++) {
		struct cJSON *j = json_object();
		json_put_num(j, "at_ms", (double)t[i].at_ms);
		json_put_text(j, "user", t[i].user);
		json_put_text(j, "what", t[i].what);
		json_push(all, j);
	}
	return all;
}

static struct cJSON *faults_json(const struct world *w, int64_t since_ms)
{
	(void)since_ms;
	struct cJSON *all = json_array();
	const struct fault *f = w->faults.at;
	for (size_t i = 0; i < w->faults.n; i++) {
		if (f[i].count <= 0)
			continue;
		struct cJSON *j = json_object();
		json_put_text(j, "where", f[i].where);
		json_put_text(j, "kind", f[i].kind);
		json_put_num(j, "count", (double)f[i].count);
		json_put_num(j, "after", (double)f[i].after);
		json_put_num(j, "ms", (double)f[i].ms);
		json_push(all, j);
	}
	return all;
}

static struct cJSON *limits_json(const struct world *w, int64_t since_ms)
{
	(void)since_ms;
	return json_string(w->options.slack_limits ? "slack" : "fast");
}

static struct cJSON *the_team(const struct world *w, int64_t since_ms)
{
	(void)w;
	(void)since_ms;
	return team_json();
}

static const struct part {
	const char *name;
	struct cJSON *(*json)(const struct world *w, int64_t since_ms);
	bool is_large_and_lasting; /* left out where only news is asked for */
} parts[] = {
	{ "limits", limits_json, false },
	{ "team", the_team, true },
	{ "people", people_json, true },
	{ "channels", channels_json, false },
	{ "ephemerals", ephemerals_json, false },
	{ "views", views_json, false },
	{ "incidents", incidents_json, false },
	{ "sockets", sockets_json, false },
	{ "troubles", troubles_json, false },
	{ "faults", faults_json, false },
	{ "wire", wire_json, true },
};

struct cJSON *state_json(const struct world *w, const struct cJSON *args)
{
	const char *only = json_text_at(args, "only");
	int64_t since_ms = 0;
	(void)json_int(json_get(args, "since_ms"), &since_ms);
	struct cJSON *j = said_yes();
	json_put_num(j, "seq", (double)w->changed);
	json_put_num(j, "now_ms", (double)w->now_ms);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!*only ? !since_ms || !parts[i].is_large_and_lasting
			   : strcmp(only, parts[i].name) == 0)
			json_put(j, parts[i].name, parts[i].json(w, since_ms));
	return j;
}
