/* views: modals and home tabs: the Web API's views.* methods and the stack of open modals. Called
 * by api.c through its table, by acts.c and acks.c. Rules: docs.slack.dev;
 * docs.slack.dev/reference/methods/views.*. */
#include "sandbox/inside.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VIEW_BYTES_MAX = 250000, STACK_MAX = 3 };

struct view *view_by_id(const struct world *w, const char *id)
{
	struct view *v = w->views.at;
	for (size_t i = 0; i < w->views.n; i++)
		if (*id && strcmp(v[i].id, id) == 0)
			return &v[i];
	return NULL;
}

static struct view *view_by_external(const struct world *w, const char *external_id)
{
	struct view *v = w->views.at;
	for (size_t i = 0; *external_id && i < w->views.n; i++)
		if (strcmp(v[i].external_id, external_id) == 0)
			return &v[i];
	return NULL;
}

struct view *view_home(const struct world *w, const char *user)
{
	struct view *v = w->views.at;
	for (size_t i = 0; i < w->views.n; i++)
		if (v[i].is_home && strcmp(v[i].user, user) == 0)
			return &v[i];
	return NULL;
}

static void view_wipe(struct view *v)
{
	json_free(v->body);
	json_free(v->errors);
}

void views_free(struct world *w)
{
	struct view *v = w->views.at;
	for (size_t i = 0; i < w->views.n; i++)
		view_wipe(&v[i]);
	free(w->views.at);
}

void view_drop(struct world *w, const char *id)
{
	struct view *v = view_by_id(w, id);
	if (!v)
		return;
	view_wipe(v);
	size_t i = (size_t)(v - (struct view *)w->views.at);
	memmove(v, v + 1, (w->views.n - i - 1) * sizeof *v);
	w->views.n--;
}

static void hash_new(struct world *w, struct view *v)
{
	(void)snprintf(v->hash, sizeof v->hash, "%" PRId64 ".%08x", w->now_ms / 1000,
		       (unsigned)world_dice(w));
}

void view_change(struct world *w, struct view *v, struct cJSON *body)
{
	struct cJSON *blocks = json_copy(json_key(body, "blocks"));
	json_put(body, "blocks", blocks_finish(w, blocks));
	view_wipe(v);
	v->body = body;
	v->errors = NULL;
	TEXT_SET(v->external_id, json_text_at(body, "external_id"));
	hash_new(w, v);
}

struct view *view_new(struct world *w, const char *user, struct cJSON *body, const char *parent_id)
{
	if (w->views.n >= VIEWS_MAX) {
		const struct view *oldest = w->views.at;
		word gone;
		TEXT_SET(gone, oldest->id);
		view_drop(w, gone);
	}
	const struct view *parent = view_by_id(w, parent_id);
	word root = "", previous = "";
	if (parent) {
		TEXT_SET(root, parent->root);
		TEXT_SET(previous, parent->id);
	}
	struct view *v = list_add(&w->views, sizeof *v);
	world_id(w, 'V', v->id);
	TEXT_SET(v->user, user);
	TEXT_SET(v->root, *root ? root : v->id);
	TEXT_SET(v->previous, previous);
	v->is_home = strcmp(json_text_at(body, "type"), "home") == 0;
	view_change(w, v, body);
	return v;
}

struct cJSON *view_json(const struct view *v)
{
	struct cJSON *j = json_copy(v->body), *state = json_object();
	static const char *const texts[] = { "private_metadata", "callback_id", "external_id" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!json_key(j, texts[i]))
			json_put_text(j, texts[i], "");
	static const char *const nulls[] = { "title", "submit", "close" };
	for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
		if (!json_key(j, nulls[i]))
			json_put(j, nulls[i], json_null());
	static const char *const flags[] = { "clear_on_close", "notify_on_close" };
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		json_put_bool(j, flags[i], json_true(json_key(j, flags[i])));
	json_put_text(j, "id", v->id);
	json_put_text(j, "team_id", TEAM_ID);
	json_put_text(j, "app_id", APP_ID);
	json_put_text(j, "bot_id", BOT_ID);
	json_put_text(j, "app_installed_team_id", TEAM_ID);
	json_put_text(j, "hash", v->hash);
	json_put_text(j, "root_view_id", v->root);
	json_put(j, "previous_view_id", *v->previous ? json_string(v->previous) : json_null());
	json_put(state, "values", json_object());
	json_put(j, "state", state);
	return j;
}

/* The view argument, judged; NULL with the call refused. json_free() it unless it is given away. */
static struct cJSON *view_arg(struct call *c, const char *type)
{
	bool is_bad;
	struct cJSON *view = arg_json(c, "view", &is_bad), *problems = json_array();
	struct buf size = BUF(VIEW_BYTES_MAX);
	if (view)
		json_print(view, &size);
	if (is_bad || !view)
		call_refuse(c, "invalid_arguments");
	else if (size.broken)
		call_refuse(c, "view_too_large");
	else if (!view_valid(view, problems))
		call_refuse_as(c, "invalid_arguments", "invalid_view");
	else if (strcmp(json_text_at(view, "type"), type) != 0)
		call_refuse_as(c, "invalid_arguments", "wrong_view_type");
	buf_free(&size);
	if (json_count(problems) && !c->messages)
		c->messages = problems;
	else
		json_free(problems);
	if (!c->error)
		return view;
	json_free(view);
	return NULL;
}

static bool external_is_taken(struct call *c, const struct cJSON *view, const struct view *own)
{
	const struct view *other = view_by_external(c->w, json_text_at(view, "external_id"));
	if (!other || other == own)
		return false;
	call_refuse(c, "duplicate_external_id");
	return true;
}

static size_t depth(const struct world *w, const struct view *v)
{
	size_t n = 0;
	for (; v && n <= STACK_MAX; v = view_by_id(w, v->previous))
		n++;
	return n;
}

static void open_or_push(struct call *c, bool is_push)
{
	struct cJSON *view = view_arg(c, "modal");
	if (!view)
		return;
	const char *error = NULL;
	const struct trigger *t = NULL;
	if (!external_is_taken(c, view, NULL)) {
		t = trigger_use(c->w, arg_text(c, "trigger_id"), &error);
		if (!t)
			call_refuse(c, error);
	}
	const struct view *parent = t && is_push ? view_by_id(c->w, t->view_id) : NULL;
	if (t && is_push && !parent)
		call_refuse_as(c, "not_found", NULL);
	else if (parent && depth(c->w, parent) >= STACK_MAX)
		call_refuse(c, "push_limit_reached");
	if (c->error) {
		json_free(view);
		return;
	}
	word parent_id; /* a copy: the list may move */
	TEXT_SET(parent_id, parent ? parent->id : "");
	struct view *v = view_new(c->w, t->user, view, parent_id);
	TEXT_SET(c->channel, v->id);
	json_put(c->out, "view", view_json(v));
}

void run_view_open(struct call *c) { open_or_push(c, false); }
void run_view_push(struct call *c) { open_or_push(c, true); }

static void change(struct call *c, struct view *v, struct cJSON *view)
{
	const char *hash = arg_text(c, "hash");
	if (*hash && strcmp(hash, v->hash) != 0)
		call_refuse(c, "hash_conflict");
	if (c->error || external_is_taken(c, view, v)) {
		json_free(view);
		return;
	}
	view_change(c->w, v, view);
	json_put(c->out, "view", view_json(v));
}

void run_view_update(struct call *c)
{
	const char *id = arg_text(c, "view_id");
	struct view *v =
		*id ? view_by_id(c->w, id) : view_by_external(c->w, arg_text(c, "external_id"));
	struct cJSON *view = view_arg(c, v && v->is_home ? "home" : "modal");
	TEXT_SET(c->channel, id);
	if (!*id && !*arg_text(c, "external_id"))
		call_refuse(c, "invalid_arguments");
	else if (!v)
		call_refuse_as(c, "not_found", NULL);
	if (view && v && !c->error)
		change(c, v, view);
	else
		json_free(view);
}

void run_view_publish(struct call *c)
{
	const struct person *p = person_by_id(c->w, arg_text(c, "user_id"));
	struct cJSON *view = view_arg(c, "home");
	TEXT_SET(c->channel, arg_text(c, "user_id"));
	if (!p || p->deleted || p->is_bot)
		call_refuse_as(c, p ? "not_enabled" : "user_not_found", NULL);
	if (!p || !view || c->error) {
		json_free(view);
		return;
	}
	struct view *v = view_home(c->w, p->id);
	if (v) {
		change(c, v, view);
		return;
	}
	if (*arg_text(c, "hash"))
		call_refuse(c, "hash_conflict"); /* there is no view it could be the hash of */
	if (c->error || external_is_taken(c, view, NULL))
		json_free(view);
	else
		json_put(c->out, "view", view_json(view_new(c->w, p->id, view, "")));
}
