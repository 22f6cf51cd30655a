/* api: one Web API call from request to reply: faults, arguments, token, scope, pace, the method,
 * the ledger. The methods themselves stand in api_*.c; the table here is the only list of them.
 * Rules: docs.slack.dev/apis/web-api. */
#include "sandbox/inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the app was granted when it was installed; the last ones it was not. `scopes` changes that.
 */
static const char *const scope_names[] = {
	"chat:write",     "im:write",          "im:history",      "im:read",          "commands",
	"users:read",     "users:read.email",  "channels:read",   "channels:history", "groups:read",
	"groups:history", "app_mentions:read", "reactions:write", "mpim:write",
};
enum { SCOPES_N = sizeof scope_names / sizeof *scope_names, SCOPES_GRANTED = 12 };

/* clang-format off */
const struct method methods[] = {
	{ "api.test",              run_api_test,         NULL,               '0', '4', true },
	{ "auth.test",             run_auth_test,        NULL,               'x', 's', true },
	{ "apps.connections.open", run_connections_open, NULL,               'a', '3', true },
	{ "chat.postMessage",      run_post,             "chat:write",       'b', 's', true },
	{ "chat.update",           run_update,           "chat:write",       'b', '3', true },
	{ "chat.delete",           run_delete,           "chat:write",       'b', '3', true },
	{ "chat.postEphemeral",    run_ephemeral,        "chat:write",       'b', '4', true },
	{ "chat.getPermalink",     run_permalink,        NULL,               'b', 's', false },
	{ "conversations.open",    run_open,             "im:write",         'b', '3', true },
	{ "conversations.info",    run_info,             NULL,               'b', '3', false },
	{ "conversations.list",    run_list,             NULL,               'b', '2', false },
	{ "conversations.members", run_members,          NULL,               'b', '4', false },
	{ "conversations.history", run_history,          NULL,               'b', '3', false },
	{ "conversations.replies", run_replies,          NULL,               'b', '3', false },
	{ "reactions.add",         run_reaction,         "reactions:write",  'b', '3', true },
	{ "users.info",            run_users_info,       "users:read",       'b', '4', false },
	{ "users.list",            run_users_list,       "users:read",       'b', '2', false },
	{ "users.lookupByEmail",   run_users_lookup,     "users:read.email", 'b', '3', false },
	{ "views.open",            run_view_open,        NULL,               'b', '4', true },
	{ "views.push",            run_view_push,        NULL,               'b', '4', true },
	{ "views.update",          run_view_update,      NULL,               'b', '4', true },
	{ "views.publish",         run_view_publish,     NULL,               'b', '4', true },
};
/* clang-format on */
const size_t methods_n = sizeof methods / sizeof *methods;
_Static_assert(sizeof methods / sizeof *methods <= METHODS_MAX, "one bucket a method");

bool scope_granted(const struct world *w, const char *scope)
{
	for (size_t i = 0; i < SCOPES_N; i++)
		if (strcmp(scope_names[i], scope) == 0)
			return w->scopes >> i & 1;
	return false;
}

void scopes_text(const struct world *w, struct buf *out)
{
	for (size_t i = 0; i < SCOPES_N; i++)
		if (w->scopes >> i & 1)
			buf_addf(out, "%s%s", out->n ? "," : "", scope_names[i]);
}

uint64_t scopes_at_first(void) { return (UINT64_C(1) << SCOPES_GRANTED) - 1; }

struct cJSON *control_scopes(struct world *w, const struct cJSON *args)
{
	uint64_t granted = 0;
	for (const struct cJSON *s = json_first(json_key(args, "set")); s; s = json_next(s)) {
		size_t i = 0;
		while (i < SCOPES_N && strcmp(scope_names[i], json_text(s)) != 0)
			i++;
		if (i == SCOPES_N)
			return said_no("the app has no such scope");
		granted |= UINT64_C(1) << i;
	}
	w->scopes = json_is_array(json_key(args, "set")) ? granted : scopes_at_first();
	return said_yes();
}

struct cJSON *control_tokens(struct world *w, const struct cJSON *args)
{
	TEXT_SET(w->bot_refusal, json_text_at(args, "bot"));
	TEXT_SET(w->app_refusal, json_text_at(args, "app"));
	return said_yes();
}

void call_refuse_as(struct call *c, const char *error, const char *rule)
{
	if (c->error)
		return; /* the first one is the answer */
	c->error = error;
	if (rule)
		refused(c->w, rule);
}

void call_refuse(struct call *c, const char *error) { call_refuse_as(c, error, error); }

void call_warn(struct call *c, const char *warning)
{
	if (!c->warnings)
		c->warnings = json_array();
	json_push(c->warnings, json_string(warning));
	warned(c->w, warning);
}

struct channel *call_channel(struct call *c, const char *name)
{
	struct channel *ch = channel_by_id(c->w, arg_text(c, name));
	if (!ch || (ch->is_private && !channel_has(ch, BOT_USER)) ||
	    (ch->is_im && !channel_has(ch, BOT_USER))) {
		call_refuse(c, "channel_not_found");
		return NULL;
	}
	TEXT_SET(c->channel, ch->id);
	return ch;
}

bool call_needs(struct call *c, const char *scope)
{
	if (scope_granted(c->w, scope))
		return true;
	c->needed = scope;
	call_refuse(c, "missing_scope");
	return false;
}

static void token_check(struct call *c, struct str token)
{
	if (c->error || c->m->token == '0')
		return;
	char kind = str_is(token, BOT_TOKEN) ? 'b' : str_is(token, APP_TOKEN) ? 'a' : 0;
	const char *dead = kind == 'b' ? c->w->bot_refusal : kind == 'a' ? c->w->app_refusal : "";
	if (*dead) /* no fault of the client's: not counted */
		call_refuse_as(c, dead, NULL);
	if (!token.n)
		call_refuse(c, "not_authed");
	else if (!kind)
		call_refuse(c, "invalid_auth");
	else if (c->m->token != 'x' && c->m->token != kind)
		call_refuse(c, "not_allowed_token_type");
	if (!c->error && c->m->scope)
		(void)call_needs(c, c->m->scope);
}

static void metadata_add(struct call *c)
{
	if (!c->messages && !c->warnings)
		return;
	struct cJSON *meta = json_object();
	const struct cJSON *had =
		json_key(c->out, "response_metadata"); /* a cursor, from the method itself */
	if (had)
		json_put_text(meta, "next_cursor", json_text_at(had, "next_cursor"));
	if (c->messages)
		json_put(meta, "messages", json_copy(c->messages));
	if (c->warnings) {
		struct buf all = BUF(1024);
		for (const struct cJSON *x = json_first(c->warnings); x; x = json_next(x))
			buf_addf(&all, "%s%s", all.n ? "," : "", json_text(x));
		json_put_text(c->out, "warning", buf_z(&all));
		buf_free(&all);
		json_put(meta, "warnings", json_copy(c->warnings));
	}
	json_put(c->out, "response_metadata", meta);
}

static void reply_build(struct call *c, struct world_reply *out)
{
	if (c->error) {
		json_free(c->out);
		c->out = json_object();
	}
	json_put_bool(c->out, "ok", !c->error);
	if (c->error)
		json_put_text(c->out, "error", c->error);
	if (c->error && c->errors)
		json_put(c->out, "errors", json_copy(c->errors));
	if (c->needed) {
		struct buf provided = BUF(1024);
		scopes_text(c->w, &provided);
		json_put_text(c->out, "needed", c->needed);
		json_put_text(c->out, "provided", buf_z(&provided));
		buf_free(&provided);
	}
	metadata_add(c);
	json_print(c->out, &out->body);
}

static void note(const struct call *c, const struct world_reply *out, const char *error)
{
	struct call_row *r = ledger_call(c->w, c->m->name, out->status, error);
	r->wait_s = out->retry_after_s;
	TEXT_SET(r->channel, *c->channel ? c->channel : json_text_at(c->args, "channel"));
	TEXT_SET(r->marker, c->marker);
	TEXT_SET(r->ts, c->error ? "" : c->ts);
	r->dup = c->dup;
	char what[64];
	(void)snprintf(what, sizeof what, "%s %d %s", c->m->name, out->status,
		       error ? error : "ok");
	json_drop(c->args, "token");
	struct buf detail = BUF(BODY_MAX);
	json_print(c->args, &detail);
	wire_note(c->w, what, buf_z(&detail));
	buf_free(&detail);
}

static void run(struct call *c, const struct world_request *rq, struct world_reply *out)
{
	struct str token;
	args_read(c, rq, &token);
	token_check(c, token);
	int64_t wait_s = 0;
	if (!c->error && rate_spent(c, &wait_s))
		call_refuse(c, "ratelimited");
	if (!c->error)
		c->m->run(c);
	reply_build(c, out);
	if (c->error && strcmp(c->error, "ratelimited") == 0) {
		out->status = 429;
		out->retry_after_s = wait_s ? wait_s : 1;
	}
}

static void unknown_method(struct world *w, struct str name, struct world_reply *out)
{
	struct cJSON *j = said_no("unknown_method");
	json_put(j, "req_method", json_string_s(name));
	json_print(j, &out->body);
	refused(w, "unknown_method");
	ledger_call(w, "unknown_method", 200, "unknown_method");
	wire_note(w, "unknown_method", json_text_at(j, "req_method"));
	json_free(j);
}

void api_http(struct world *w, const struct world_request *rq, struct world_reply *out)
{
	struct str name = { rq->path.at + 5, rq->path.n - 5 };
	const struct method *m = methods;
	while (m < methods + methods_n && !str_is(name, m->name))
		m++;
	if (m == methods + methods_n) {
		unknown_method(w, name, out);
		return;
	}
	struct call c = { .w = w, .m = m, .now_ms = w->now_ms, .out = json_object() };
	struct fault kept;
	const struct fault *f = fault_take(w, m->name, &kept);
	const char *told = NULL;
	struct str token;
	if (f && fault_is_before(f)) /* nothing is done, but the ledger says where it was to be */
		args_read(&c, rq, &token);
	else
		run(&c, rq, out);
	if (f)
		told = fault_spoil(f, out);
	note(&c, out, told ? told : c.error);
	struct cJSON *owned[] = { c.args, c.out, c.messages, c.errors, c.warnings };
	for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
		json_free(owned[i]);
}
