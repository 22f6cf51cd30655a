/* acks: what the payload of an acknowledgement does: the answer to a slash command, the fate of a
 * modal. Called by envelopes.c only. Rules: docs.slack.dev; what Slack would refuse is counted,
 * and the person sees a failure. */
#include "sandbox/inside.h"
#include <stdlib.h>
#include <string.h>

static void refuse(struct world *w, const struct delivery *d, const char *rule)
{
	refused(w, rule);
	trouble_note(w, d->user, "We had some trouble connecting. Try again?");
}

static void slash_answer(struct world *w, const struct delivery *d, const struct cJSON *payload)
{
	struct content k = { .text = json_text_at(payload, "text") };
	struct channel *ch = channel_by_id(w, d->channel);
	struct cJSON *problems = json_array();
	k.blocks = json_key(payload, "blocks") ? json_copy(json_key(payload, "blocks")) : NULL;
	const char *error = content_check(&k, problems);
	if (error)
		refuse(w, d, error);
	if (json_count(problems))
		wire_note(w, "slash ack refused", json_text(json_first(problems)));
	stamp ts;
	if (!error && ch && strcmp(json_text_at(payload, "response_type"), "in_channel") == 0)
		content_put(w, message_new(w, ch, BOT_USER), &k);
	else if (!error && ch)
		ephemeral_add(w, ch, d->user, &k, ts);
	content_free(&k);
	json_free(problems);
}

static void view_errors(struct world *w, const struct delivery *d, struct view *v,
			const struct cJSON *errors)
{
	bool is_fine = json_is_object(errors) && json_count(errors);
	for (const struct cJSON *e = json_first(errors); e && is_fine; e = json_next(e)) {
		const struct cJSON *block = block_by_id(json_key(v->body, "blocks"), json_name(e));
		is_fine = strcmp(json_text_at(block, "type"), "input") == 0 && *json_text(e);
	}
	if (!is_fine) {
		refuse(w, d, "ack_errors_unknown_block");
		return;
	}
	json_free(v->errors);
	v->errors = json_copy(errors);
}

static void view_replace(struct world *w, const struct delivery *d, struct view *v,
			 const struct cJSON *payload)
{
	struct cJSON *problems = json_array();
	const struct cJSON *body = json_key(payload, "view");
	bool is_push = strcmp(json_text_at(payload, "response_action"), "push") == 0;
	if (!json_is_object(body) || !view_valid(body, problems) ||
	    strcmp(json_text_at(body, "type"), "modal") != 0) {
		refuse(w, d, "ack_view_invalid");
		wire_note(w, "ack view refused", json_text(json_first(problems)));
	} else if (is_push) {
		word parent; /* a copy: the list may move */
		TEXT_SET(parent, v->id);
		view_new(w, d->user, json_copy(body), parent);
	} else {
		view_change(w, v, json_copy(body));
	}
	json_free(problems);
}

static void stack_clear(struct world *w, const struct view *v)
{
	word root;
	TEXT_SET(root, v->root);
	for (size_t i = w->views.n; i-- > 0;) {
		const struct view *one = (const struct view *)w->views.at + i;
		word id;
		TEXT_SET(id, one->id);
		if (strcmp(one->root, root) == 0)
			view_drop(w, id);
	}
}

static void view_answer(struct world *w, const struct delivery *d, const struct cJSON *payload)
{
	struct view *v = view_by_id(w, d->view_id);
	const char *action = json_text_at(payload, "response_action");
	if (!v)
		return;
	if (!json_count(payload))
		view_drop(w, d->view_id);
	else if (strcmp(action, "clear") == 0)
		stack_clear(w, v);
	else if (strcmp(action, "errors") == 0)
		view_errors(w, d, v, json_key(payload, "errors"));
	else if (strcmp(action, "update") == 0 || strcmp(action, "push") == 0)
		view_replace(w, d, v, payload);
	else
		refuse(w, d, "ack_response_action_unknown");
}

void ack_effect(struct world *w, const struct delivery *d, const struct cJSON *payload)
{
	if (d->kind == DELIVERY_SLASH && json_count(payload))
		slash_answer(w, d, payload);
	else if (d->kind == DELIVERY_INTERACTIVE && d->accepts_payload)
		view_answer(w, d, payload);
}
