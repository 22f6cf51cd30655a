/* limits: see limits.h. Used inside view/. One table says it all; a block or element that is not in
 * it is refused: its limits are not known here. */
#include "view/limits.h"

#include <string.h>

#include "base/json.h"
#include "base/mac.h"

enum {
	MESSAGE_BLOCKS_MAX = 50,
	VIEW_BLOCKS_MAX = 100,
	MESSAGE_TEXT_MAX = 4000, /* chat.update refuses more (msg_too_long) */
};

enum want {
	WANT_WORDS,  /* a string */
	WANT_TEXT,   /* a text object */
	WANT_PLAIN,  /* one that is plain_text */
	WANT_LIST,   /* so many of whatever the table has */
	WANT_ONE,    /* one of them */
	WANT_NUMBER, /* up to that */
	WANT_FLAG,   /* true or false */
	WANT_TOKEN,  /* kind:id:mac */
	WANT_STYLES, /* of a rich text element */
};
struct limit {
	const char *type, *name;
	enum want want;
	size_t least, most;
	bool is_needed;
};
/* clang-format off */
static const struct limit limits[] = {
	{ "section", "text", WANT_TEXT, 1, 3000, true },
	{ "header", "text", WANT_PLAIN, 1, 150, true },
	{ "divider", "block_id", WANT_WORDS, 1, 255, false },
	{ "context", "elements", WANT_LIST, 1, 10, true },
	{ "actions", "elements", WANT_LIST, 1, 25, true },
	{ "rich_text", "elements", WANT_LIST, 1, 100, true },
	{ "rich_text_section", "elements", WANT_LIST, 0, 100, true },
	{ "rich_text_list", "elements", WANT_LIST, 1, 100, true },
	{ "rich_text_list", "style", WANT_WORDS, 1, 10, true },
	{ "rich_text_quote", "elements", WANT_LIST, 1, 100, true },
	{ "rich_text_preformatted", "elements", WANT_LIST, 1, 100, true },
	{ "text", "text", WANT_WORDS, 1, 3000, true },
	{ "text", "style", WANT_STYLES, 0, 0, false },
	{ "plain_text", "text", WANT_WORDS, 1, 3000, true },
	{ "plain_text", "emoji", WANT_FLAG, 0, 0, false },
	{ "mrkdwn", "text", WANT_WORDS, 1, 3000, true },
	{ "mrkdwn", "verbatim", WANT_FLAG, 0, 0, true },
	{ "button", "text", WANT_PLAIN, 1, 75, true },
	{ "button", "action_id", WANT_WORDS, 1, 255, true },
	{ "button", "value", WANT_TOKEN, 0, 0, true },
	{ "button", "style", WANT_WORDS, 1, 10, false },
	{ "input", "label", WANT_PLAIN, 1, 2000, true },
	{ "input", "hint", WANT_PLAIN, 1, 2000, false },
	{ "input", "optional", WANT_FLAG, 0, 0, false },
	{ "input", "element", WANT_ONE, 0, 0, true },
	{ "plain_text_input", "action_id", WANT_WORDS, 1, 255, true },
	{ "plain_text_input", "placeholder", WANT_PLAIN, 1, 150, false },
	{ "plain_text_input", "initial_value", WANT_WORDS, 0, 3000, false },
	{ "plain_text_input", "max_length", WANT_NUMBER, 1, 3000, false },
	{ "plain_text_input", "min_length", WANT_NUMBER, 0, 3000, false },
	{ "plain_text_input", "multiline", WANT_FLAG, 0, 0, false },
	{ "plain_text_input", "focus_on_load", WANT_FLAG, 0, 0, false },
	{ "modal", "title", WANT_PLAIN, 1, 24, true },
	{ "modal", "submit", WANT_PLAIN, 1, 24, false },
	{ "modal", "close", WANT_PLAIN, 1, 24, false },
	{ "modal", "callback_id", WANT_WORDS, 1, 255, false },
	{ "modal", "private_metadata", WANT_TOKEN, 0, 0, false },
	{ "modal", "blocks", WANT_LIST, 1, VIEW_BLOCKS_MAX, true },
	{ "home", "callback_id", WANT_WORDS, 1, 255, false },
	{ "home", "private_metadata", WANT_TOKEN, 0, 0, false },
	{ "home", "blocks", WANT_LIST, 1, VIEW_BLOCKS_MAX, true },
};
/* clang-format on */
enum { LIMITS_N = sizeof(limits) / sizeof(limits[0]) };

static enum rc judge_thing(const struct cJSON *thing, struct fail *fail);

static enum rc judge_words(const struct cJSON *v, const struct limit *l, struct fail *fail)
{
	size_t n = utf8_points(str_z(json_text(v)));
	if (!json_is_string(v))
		return FAIL(fail, RC_MALFORMED, "wanted a string");
	if (n < l->least || n > l->most)
		return FAIL(fail, RC_TOO_BIG, "%zu characters, not %zu to %zu", n, l->least,
			    l->most);
	return RC_OK;
}

static enum rc judge_text(const struct cJSON *v, const struct limit *l, struct fail *fail)
{
	const char *type = json_text_at(v, "type");
	if (strcmp(type, "plain_text") != 0 &&
	    (l->want == WANT_PLAIN || strcmp(type, "mrkdwn") != 0))
		return FAIL(fail, RC_MALFORMED, "wanted a text object");
	enum rc rc = judge_thing(v, fail);
	return rc == RC_OK ? judge_words(json_key(v, "text"), l, fail) : rc;
}

static enum rc judge_list(const struct cJSON *v, const struct limit *l, struct fail *fail)
{
	size_t n = json_count(v), i = 0;
	if (!json_is_array(v))
		return FAIL(fail, RC_MALFORMED, "wanted an array");
	if (n < l->least || n > l->most)
		return FAIL(fail, RC_TOO_BIG, "%zu of them, not %zu to %zu", n, l->least, l->most);
	for (const struct cJSON *e = json_first(v); e; e = json_next(e), i++) {
		enum rc rc = judge_thing(e, fail);
		if (rc == RC_OK)
			continue;
		fail_wrap(fail, "%zu", i);
		return rc;
	}
	return RC_OK;
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.at[i] < 'a' || s.at[i] > 'z') && s.at[i] != '_')
			return false;
	return s.n > 0;
}

/* kind:id:mac, as token_make() writes it. */
static enum rc judge_token(const struct cJSON *v, struct fail *fail)
{
	enum { MAC_HEX = 32 };
	struct str kind, rest, id, mac;
	int64_t number;
	uint8_t bytes[MAC_HEX / 2];
	if (!str_cut(str_z(json_text(v)), ':', &kind, &rest) || !is_word(kind) ||
	    !str_cut(rest, ':', &id, &mac) || !str_int(id, &number) ||
	    !hex_decode(mac, bytes, sizeof(bytes)))
		return FAIL(fail, RC_MALFORMED, "wanted kind:id:mac and nothing else");
	return RC_OK;
}

static enum rc judge_number(const struct cJSON *v, const struct limit *l, struct fail *fail)
{
	int64_t n;
	if (!json_int(v, &n) || n < (int64_t)l->least || n > (int64_t)l->most)
		return FAIL(fail, RC_TOO_BIG, "wanted a number from %zu to %zu", l->least, l->most);
	return RC_OK;
}

static enum rc judge(const struct cJSON *v, const struct limit *l, struct fail *fail)
{
	switch (l->want) {
	case WANT_WORDS: return judge_words(v, l, fail);
	case WANT_TEXT:
	case WANT_PLAIN: return judge_text(v, l, fail);
	case WANT_LIST: return judge_list(v, l, fail);
	case WANT_ONE: return judge_thing(v, fail);
	case WANT_NUMBER: return judge_number(v, l, fail);
	case WANT_TOKEN: return judge_token(v, fail);
	case WANT_FLAG:
		return json_is_bool(v) ? RC_OK : FAIL(fail, RC_MALFORMED, "wanted true or false");
	case WANT_STYLES:
		return json_is_object(v) ? RC_OK : FAIL(fail, RC_MALFORMED, "wanted an object");
	}
	return RC_OK;
}

static const struct limit *limit_of(const char *type, const char *name)
{
	for (size_t i = 0; i < LIMITS_N; i++)
		if (strcmp(limits[i].type, type) == 0 && strcmp(limits[i].name, name) == 0)
			return &limits[i];
	return NULL;
}

static enum rc judge_member(const struct cJSON *v, const char *type, struct fail *fail)
{
	static const struct limit block_id = { "", "", WANT_WORDS, 1, 255, false };
	const char *name = json_name(v);
	const struct limit *l = limit_of(type, name);
	enum rc rc = RC_OK;
	if (strcmp(name, "type") == 0)
		return RC_OK;
	if (!l && strcmp(name, "block_id") == 0)
		l = &block_id;
	if (l)
		rc = judge(v, l, fail);
	else
		rc = FAIL(fail, RC_MALFORMED, "not known in a \"%.40s\"", type);
	if (rc != RC_OK)
		fail_wrap(fail, "%.40s", name);
	return rc;
}

/* A block, an element, a text object or a view, with all that is in it. */
static enum rc judge_thing(const struct cJSON *thing, struct fail *fail)
{
	const char *type = json_text_at(thing, "type");
	bool is_known = false;
	for (size_t i = 0; i < LIMITS_N; i++) {
		if (strcmp(limits[i].type, type) != 0)
			continue;
		is_known = true;
		if (limits[i].is_needed && !json_key(thing, limits[i].name))
			return FAIL(fail, RC_MALFORMED, "%s: missing", limits[i].name);
	}
	if (!is_known)
		return FAIL(fail, RC_MALFORMED, "\"%.40s\" is nothing we send", type);
	for (const struct cJSON *v = json_first(thing); v; v = json_next(v)) {
		enum rc rc = judge_member(v, type, fail);
		if (rc != RC_OK)
			return rc;
	}
	/* Without it Slack makes links and mentions of what looks like them. */
	if (strcmp(type, "mrkdwn") == 0 && !json_true(json_key(thing, "verbatim")))
		return FAIL(fail, RC_MALFORMED, "mrkdwn that is not verbatim");
	return RC_OK;
}

/* Each block_id once. */
static enum rc judge_ids(const struct cJSON *blocks, struct fail *fail)
{
	for (const struct cJSON *a = json_first(blocks); a; a = json_next(a)) {
		const char *id = json_text_at(a, "block_id");
		for (const struct cJSON *b = json_next(a); id[0] && b; b = json_next(b))
			if (strcmp(id, json_text_at(b, "block_id")) == 0)
				return FAIL(fail, RC_MALFORMED, "block_id \"%.40s\" twice", id);
	}
	return RC_OK;
}

enum rc limits_message(const struct cJSON *content, struct fail *fail)
{
	static const struct limit text = { "", "", WANT_WORDS, 1, MESSAGE_TEXT_MAX, true };
	static const struct limit list = { "", "", WANT_LIST, 1, MESSAGE_BLOCKS_MAX, false };
	const struct cJSON *blocks = json_key(content, "blocks");
	enum rc rc = judge_words(json_key(content, "text"), &text, fail);
	if (rc != RC_OK) {
		fail_wrap(fail, "text");
		return rc;
	}
	if (!blocks)
		return RC_OK;
	rc = judge_list(blocks, &list, fail);
	if (rc == RC_OK)
		rc = judge_ids(blocks, fail);
	if (rc != RC_OK)
		fail_wrap(fail, "blocks");
	return rc;
}

enum rc limits_view(const struct cJSON *view, struct fail *fail)
{
	enum rc rc = judge_thing(view, fail);
	return rc == RC_OK ? judge_ids(json_key(view, "blocks"), fail) : rc;
}
