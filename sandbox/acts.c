/* acts: what people do: press, submit, close, type a command, write, open the home tab; each
 * becomes the payload Slack would send. Called by world_control only. Shapes: docs.slack.dev. */
#include "sandbox/inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cJSON *team_json(void)
{
	struct cJSON *j = json_object();
	json_put_text(j, "id", TEAM_ID);
	json_put_text(j, "domain", "duff");
	return j;
}

struct cJSON *user_brief(const struct person *p)
{
	struct cJSON *j = json_object();
	json_put_text(j, "id", p->id);
	json_put_text(j, "username", p->name);
	json_put_text(j, "name", p->name);
	json_put_text(j, "team_id", TEAM_ID);
	return j;
}

static const char *channel_name(const struct channel *ch)
{
	return ch->is_im ? "directmessage" : ch->is_private ? "privategroup" : ch->name;
}

/* What all interactive payloads begin with; view_id: the modal the trigger may push onto. */
static struct cJSON *payload_new(struct world *w, const char *type, const struct person *p,
				 const char *view_id)
{
	struct cJSON *j = json_object();
	json_put_text(j, "type", type);
	json_put(j, "user", user_brief(p));
	json_put_text(j, "api_app_id", APP_ID);
	json_put_text(j, "token", "sandbox-verification-token");
	json_put_text(j, "trigger_id", trigger_new(w, p->id, view_id));
	json_put(j, "team", team_json());
	json_put(j, "enterprise", json_null());
	json_put_bool(j, "is_enterprise_install", false);
	return j;
}

static struct cJSON *sent(struct world *w, struct delivery *d)
{
	char id[40];
	struct cJSON *out = said_yes();
	json_put_bool(out, "delivered", deliver(w, d, id));
	json_put_text(out, "envelope_id", id);
	return out;
}

static const struct person *actor(const struct world *w, const struct cJSON *args)
{
	const struct person *p = person_by_id(w, json_text_at(args, "user"));
	return p && !p->deleted && !p->is_bot ? p : NULL;
}

/* --- buttons --- */

static struct cJSON *option_with(const struct cJSON *options, const char *value)
{
	for (const struct cJSON *o = json_first(options); o; o = json_next(o))
		if (strcmp(json_text_at(o, "value"), value) == 0)
			return json_copy(o);
	return NULL;
}

/* What was chosen, in the member that its kind of element uses. False if there is no such option.
 */
static bool choice_put(struct cJSON *to, const struct cJSON *element, const char *type,
		       const char *value)
{
	static const struct {
		const char *type, *member;
	} plain[] = { { "users_select", "selected_user" },
		      { "channels_select", "selected_channel" },
		      { "conversations_select", "selected_conversation" },
		      { "datepicker", "selected_date" },
		      { "timepicker", "selected_time" } };
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (strcmp(plain[i].type, type) == 0) {
			json_put_text(to, plain[i].member, value);
			return true;
		}
	bool is_many = strcmp(type, "checkboxes") == 0 || strcmp(type, "multi_static_select") == 0;
	bool is_one = strcmp(type, "static_select") == 0 || strcmp(type, "radio_buttons") == 0 ||
		      strcmp(type, "overflow") == 0;
	if (!is_many && !is_one) {
		if (*value)
			json_put_text(to, "value", value);
		else if (strcmp(type, "button") != 0)
			json_put(to, "value", json_null()); /* an empty input */
		return true;
	}
	struct cJSON *chosen = *value ? option_with(json_key(element, "options"), value) : NULL;
	if (is_many) {
		struct cJSON *all = json_array();
		bool is_known = chosen || !*value;
		if (chosen)
			json_push(all, chosen);
		json_put(to, "selected_options", all);
		return is_known;
	}
	if (!chosen && *value)
		return false;
	json_put(to, "selected_option", chosen ? chosen : json_null());
	return true;
}

static struct cJSON *action_json(struct world *w, const struct cJSON *element, const char *block_id,
				 const struct cJSON *args)
{
	const char *type = element ? json_text_at(element, "type") : "button";
	const struct cJSON *forged = json_key(args, "value");
	struct cJSON *a = json_object();
	stamp at;
	int64_t us;
	world_stamp(w, at, &us);
	json_put_text(a, "type", type);
	json_put_text(a, "action_id", json_text_at(args, "action_id"));
	json_put_text(a, "block_id", block_id);
	json_put_text(a, "action_ts", at);
	static const char *const copied[] = { "text", "style", "confirm", "placeholder" };
	for (size_t i = 0; element && i < sizeof copied / sizeof *copied; i++)
		if (json_key(element, copied[i]))
			json_put(a, copied[i], json_copy(json_key(element, copied[i])));
	if (choice_put(a, element, type,
		       forged ? json_text(forged) : json_text_at(element, "value")))
		return a;
	json_free(a);
	return NULL;
}

struct place { /* where the pressed button stands */
	struct channel *channel;
	const struct message *message;
	const struct ephemeral *ephemeral;
	const struct view *view;
	const struct cJSON *blocks;
};

static const char *place_find(const struct world *w, const struct cJSON *args, const char *user,
			      struct place *out)
{
	const char *ts = json_text_at(args, "ts"), *view_id = json_text_at(args, "view_id");
	*out = (struct place){ .view = view_by_id(w, view_id) };
	if (*view_id) {
		out->blocks = out->view ? json_key(out->view->body, "blocks") : NULL;
		return !out->view                           ? "no such view"
		       : strcmp(out->view->user, user) != 0 ? "not that person's view"
							    : NULL;
	}
	out->channel = channel_by_id(w, json_text_at(args, "channel"));
	bool is_forged = json_true(json_key(args, "force"));
	if (!out->channel || (!is_forged && !channel_has(out->channel, user)))
		return "that person is not in that channel";
	out->message = message_find(out->channel, ts);
	out->ephemeral = ephemeral_find(w, out->channel->id, ts);
	if (out->ephemeral && strcmp(out->ephemeral->user, user) != 0)
		return "only its reader sees that message";
	out->blocks = out->message     ? out->message->blocks
		      : out->ephemeral ? out->ephemeral->blocks
				       : NULL;
	return out->message || out->ephemeral || is_forged ? NULL : "no such message";
}

static void container_put(struct world *w, struct cJSON *p, const struct place *at,
			  const struct cJSON *args)
{
	struct cJSON *container = json_object(), *state = json_object();
	if (at->view) {
		json_put_text(container, "type", "view");
		json_put_text(container, "view_id", at->view->id);
		json_put(p, "view", view_json(at->view));
	} else {
		const char *ts = json_text_at(args, "ts");
		struct cJSON *channel = json_object();
		struct hook *h =
			hook_new(w, "actions", at->channel->id, json_text_at(args, "user"));
		char url[256];
		TEXT_SET(h->ts, ts);
		h->is_ephemeral = at->ephemeral != NULL;
		hook_url(w, h, url, sizeof url);
		json_put_text(container, "type", "message");
		json_put_text(container, "message_ts", ts);
		json_put_text(container, "channel_id", at->channel->id);
		json_put_bool(container, "is_ephemeral", at->ephemeral != NULL);
		if (at->message && *at->message->thread_ts)
			json_put_text(container, "thread_ts", at->message->thread_ts);
		json_put_text(channel, "id", at->channel->id);
		json_put_text(channel, "name", channel_name(at->channel));
		json_put(p, "channel", channel);
		if (at->message)
			json_put(p, "message", message_json(at->message, true));
		json_put_text(p, "response_url", url);
	}
	json_put(p, "container", container);
	json_put(state, "values", json_object());
	json_put(p, "state", state);
}

struct cJSON *act_click(struct world *w, const struct cJSON *args)
{
	const struct person *who = actor(w, args);
	struct place at;
	const char *block_id = "", *action_id = json_text_at(args, "action_id");
	const char *error = who ? place_find(w, args, who->id, &at) : "no such person";
	if (error)
		return said_no(error);
	const struct cJSON *element = element_find(at.blocks, action_id, &block_id);
	if (!element && !json_true(json_key(args, "force")))
		return said_no("no such button there now");
	struct cJSON *action =
		action_json(w, element, element ? block_id : json_text_at(args, "block_id"), args);
	if (!action)
		return said_no("no such option");
	struct cJSON *p = payload_new(w, "block_actions", who, at.view ? at.view->id : ""),
		     *actions = json_array();
	struct delivery d = { .kind = DELIVERY_INTERACTIVE };
	(void)snprintf(d.key, sizeof d.key, "block_actions:%s:%.40s:%s", who->id, action_id,
		       json_text_at(action, "action_ts"));
	TEXT_SET(d.user, who->id);
	container_put(w, p, &at, args);
	json_push(actions, action);
	json_put(p, "actions", actions);
	d.payload = p;
	return sent(w, &d);
}

/* --- modals --- */

/* One input block's value; an error when Slack's client would not let it through. */
static const char *input_put(struct cJSON *values, const struct cJSON *block,
			     const struct cJSON *typed)
{
	const struct cJSON *element = json_key(block, "element");
	const char *block_id = json_text_at(block, "block_id"),
		   *action_id = json_text_at(element, "action_id");
	const char *text = json_text(json_key(json_key(typed, block_id), action_id)),
		   *type = json_text_at(element, "type");
	int64_t max = 3000, min = 0;
	(void)json_int(json_key(element, "max_length"), &max);
	(void)json_int(json_key(element, "min_length"), &min);
	size_t n = utf8_points(str_z(text));
	if (!n && !json_true(json_key(block, "optional")))
		return "a required input is empty";
	if (n && ((int64_t)n < min || (int64_t)n > max))
		return "an input is too short or too long";
	struct cJSON *value = json_object(), *of_block = json_object();
	bool is_known = choice_put(value, element, type, text);
	json_put_text(value, "type", type);
	json_put(of_block, action_id, value);
	json_put(values, block_id, of_block);
	return is_known ? NULL : "no such option";
}

static const char *values_fill(struct cJSON *values, const struct view *v,
			       const struct cJSON *typed)
{
	const char *error = NULL;
	for (const struct cJSON *b = json_first(json_key(v->body, "blocks")); b && !error;
	     b = json_next(b))
		if (strcmp(json_text_at(b, "type"), "input") == 0)
			error = input_put(values, b, typed);
	for (const struct cJSON *t = json_first(typed); t && !error; t = json_next(t))
		if (!json_key(values, json_name(t)))
			error = "no such input block";
	return error;
}

static const char *own_view(const struct world *w, const struct cJSON *args,
			    const struct person **who, struct view **v)
{
	*who = actor(w, args);
	*v = view_by_id(w, json_text_at(args, "view_id"));
	if (!*who)
		return "no such person";
	if (!*v || (*v)->is_home || strcmp((*v)->user, (*who)->id) != 0)
		return "that person has no such modal open";
	return NULL;
}

struct cJSON *act_submit(struct world *w, const struct cJSON *args)
{
	const struct person *who;
	struct view *v;
	const char *error = own_view(w, args, &who, &v);
	struct cJSON *values = json_object();
	if (!error)
		error = values_fill(values, v, json_key(args, "values"));
	if (error) {
		json_free(values);
		return said_no(error);
	}
	json_free(v->errors);
	v->errors = NULL;
	struct cJSON *p = payload_new(w, "view_submission", who, v->id), *view = view_json(v),
		     *state = json_object();
	json_put(state, "values", values);
	json_put(view, "state", state);
	json_put(p, "view", view);
	json_put(p, "response_urls", json_array());
	struct delivery d = { .kind = DELIVERY_INTERACTIVE, .accepts_payload = true, .payload = p };
	(void)snprintf(d.key, sizeof d.key, "view_submission:%s:%s", v->id, v->hash);
	TEXT_SET(d.user, who->id);
	TEXT_SET(d.view_id, v->id);
	return sent(w, &d);
}

struct cJSON *act_close_view(struct world *w, const struct cJSON *args)
{
	const struct person *who;
	struct view *v;
	const char *error = own_view(w, args, &who, &v);
	if (error)
		return said_no(error);
	struct cJSON *out = NULL;
	if (json_true(json_key(v->body, "notify_on_close"))) {
		struct cJSON *p = payload_new(w, "view_closed", who, "");
		json_drop(p, "trigger_id");
		json_put(p, "view", view_json(v));
		json_put_bool(p, "is_cleared", false);
		struct delivery d = { .kind = DELIVERY_INTERACTIVE, .payload = p };
		(void)snprintf(d.key, sizeof d.key, "view_closed:%s", v->id);
		TEXT_SET(d.user, who->id);
		out = sent(w, &d);
	}
	view_drop(w, json_text_at(args, "view_id"));
	if (out)
		return out;
	out = said_yes();
	json_put_bool(out, "delivered", false);
	json_put_text(out, "envelope_id", "");
	return out;
}
