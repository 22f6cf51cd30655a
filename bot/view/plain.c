/* plain: see plain.h. Used inside view/ only. All limits are kept by the lengths the document's
 * texts have (handlers/plan.h); no jq, no template. */
#include "view/plain.h"

#include <stdio.h>

#include "base/json.h"

static struct cJSON *words(const char *z)
{
	struct cJSON *j = json_object();
	json_put_text(j, "type", "plain_text");
	json_put_text(j, "text", z[0] ? z : " ");
	json_put_bool(j, "emoji", false);
	return j;
}

static void say(struct cJSON *blocks, const char *z)
{
	if (!z[0])
		return;
	struct cJSON *section = json_object();
	json_put_text(section, "type", "section");
	json_put(section, "text", words(z));
	json_push(blocks, section);
}

static void button(struct cJSON *elements, const struct policy *p, const char *id,
		   const char *token)
{
	char key[32];
	struct cJSON *b = json_object();
	(void)snprintf(key, sizeof(key), "button_%s", id);
	const char *label = json_text(json_key(p->texts, key));
	json_put_text(b, "type", "button");
	json_put_text(b, "action_id", id);
	json_put(b, "text", words(label[0] ? label : id));
	json_put_text(b, "value", token);
	json_push(elements, b);
}

/* The buttons that the question has now. */
static void put_buttons(struct cJSON *blocks, const struct policy *p, const struct cJSON *inquiry)
{
	const char *token = json_text_at(inquiry, "token");
	struct cJSON *elements = json_array(), *actions = json_object();
	if (json_true(json_key(inquiry, "can_answer"))) {
		button(elements, p, "yes", token);
		button(elements, p, "no", token);
	}
	if (json_true(json_key(inquiry, "can_not_me")))
		button(elements, p, "not_me", token);
	json_put_text(actions, "type", "actions");
	json_put_text(actions, "block_id", "answer");
	bool is_empty = json_count(elements) == 0;
	json_put(actions, "elements", elements);
	if (is_empty)
		json_free(actions);
	else
		json_push(blocks, actions);
}

struct cJSON *plain_message(const struct policy *p, const struct outgoing *row,
			    const struct cJSON *doc)
{
	struct cJSON *content = json_object(), *blocks = json_array();
	const struct cJSON *inquiry = json_key(doc, "inquiry");
	char text[160] = "";
	switch (row->kind) {
	case OUT_QUESTION:
		(void)snprintf(text, sizeof(text), "SB-%lld: a question from security.",
			       (long long)row->case_id);
		if (json_true(json_get(doc, "case.drill")))
			say(blocks, json_text(json_key(p->texts, "drill_label")));
		say(blocks, json_text_at(doc, "case.summary"));
		say(blocks, json_text_at(inquiry, "question"));
		put_buttons(blocks, p, inquiry);
		break;
	case OUT_NOTICE:
		(void)snprintf(text, sizeof(text), "SB-%lld: a note from security.",
			       (long long)row->case_id);
		say(blocks, json_text_at(doc, "notice.text"));
		break;
	case OUT_ALARM:
		(void)snprintf(text, sizeof(text), "<!here> SB-%lld: page NOT confirmed.",
			       (long long)row->case_id);
		break;
	case OUT_THREAD:
		(void)snprintf(text, sizeof(text),
			       "SB-%lld: there is news; its layout failed, see the log.",
			       (long long)row->case_id);
		break;
	case OUT_CARD:
		(void)snprintf(text, sizeof(text), "SB-%lld: its layout failed; see the log.",
			       (long long)row->case_id);
		say(blocks, json_text_at(doc, "case.title"));
		say(blocks, json_text_at(doc, "case.summary"));
		break;
	case OUT_PAGE:
	case OUT_CONFIRM:
	case OUT_LOOKUP_EMAIL:
	case OUT_LOOKUP_USER:
	case OUT_OPEN_DM: break; /* no message */
	}
	json_put_text(content, "text", text);
	if (json_count(blocks) == 0)
		json_free(blocks);
	else
		json_put(content, "blocks", blocks);
	return content;
}

struct cJSON *plain_text(const struct policy *p, const char *key)
{
	struct cJSON *content = json_object();
	json_put_text(content, "text", json_text(json_key(p->texts, key)));
	return content;
}

struct cJSON *plain_page(const struct outgoing *row)
{
	struct cJSON *input = json_object();
	char text[100];
	(void)snprintf(text, sizeof(text),
		       "SB-%lld needs you (%.40s). What it is about stands in Slack.",
		       (long long)row->case_id, row->target);
	json_put_text(input, "summary", text);
	json_put_text(input, "source", "SecurityBot");
	return input;
}
