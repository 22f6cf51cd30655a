/* api_people: the Web API methods about the app itself and about people. Called by api.c through
 * its table. */
#include "sandbox/inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void run_api_test(struct call *c)
{
	json_put(c->out, "args", json_copy(c->args));
	if (*arg_text(c, "error"))
		call_refuse_as(c, arg_text(c, "error"), NULL);
}

void run_auth_test(struct call *c)
{
	char url[128];
	(void)snprintf(url, sizeof url, "%.100s/", c->w->http_base);
	json_put_text(c->out, "url", url);
	json_put_text(c->out, "team", "Duff Brewing");
	json_put_text(c->out, "user", "securitybot");
	json_put_text(c->out, "team_id", TEAM_ID);
	json_put_text(c->out, "user_id", BOT_USER);
	json_put_text(c->out, "bot_id", BOT_ID);
	json_put_text(c->out, "app_id", APP_ID);
	json_put_text(c->out, "app_name", "SecurityBot");
	json_put_bool(c->out, "is_enterprise_install", false);
}

void run_connections_open(struct call *c)
{
	if (!c->is_post) {
		call_refuse(c, "insecure_request");
		return;
	}
	char url[256];
	ticket_new(c->w, url, sizeof url);
	json_put_text(c->out, "url", url);
}

static bool sees_email(const struct call *c) { return scope_granted(c->w, "users:read.email"); }

void run_users_info(struct call *c)
{
	const struct person *p = person_by_id(c->w, arg_text(c, "user"));
	TEXT_SET(c->channel, arg_text(c, "user"));
	if (!p)
		call_refuse_as(c, "user_not_found", NULL);
	else
		json_put(c->out, "user", person_json(c->w, p, sees_email(c)));
}

void run_users_lookup(struct call *c)
{
	if (!*arg_text(c, "email")) {
		call_refuse(c, "invalid_arguments");
		return;
	}
	const struct person *p = person_by_email(c->w, arg_text(c, "email"));
	if (!p) {
		call_refuse_as(c, "users_not_found", NULL);
		return;
	}
	TEXT_SET(c->channel, p->id);
	json_put(c->out, "user", person_json(c->w, p, true));
}

/* Cursors are opaque to the client; ours is "u" and the index to go on from. */
void run_users_list(struct call *c)
{
	const char *cursor = arg_text(c, "cursor");
	int64_t from = 0, limit = arg_int(c, "limit", 0);
	if (*cursor && (cursor[0] != 'u' || !str_int(str_z(cursor + 1), &from) || from < 0)) {
		call_refuse(c, "invalid_cursor");
		return;
	}
	if (limit < 0 || limit > 1000) {
		call_refuse(c, "invalid_limit");
		return;
	}
	size_t at = (size_t)from, end = c->w->people.n;
	if (limit && at + (size_t)limit < end)
		end = at + (size_t)limit;
	struct cJSON *members = json_array();
	const struct person *p = c->w->people.at;
	for (; at < end; at++)
		json_push(members, person_json(c->w, &p[at], sees_email(c)));
	json_put(c->out, "members", members);
	json_put_num(c->out, "cache_ts", (double)(c->now_ms / 1000));
	struct cJSON *meta = json_object();
	char next[32] = "";
	if (end < c->w->people.n)
		(void)snprintf(next, sizeof next, "u%zu", end);
	json_put_text(meta, "next_cursor", next);
	json_put(c->out, "response_metadata", meta);
}
