/* blocks: judges blocks and views by the tables of blocks_tables.c, with messages that point at the
 * spot as Slack's do. Called by api_*.c, hooks.c and acks.c. Pure. Lengths are counted in code
 * points. */
#include "sandbox/blocks.h"
#include "sandbox/inside.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
	struct cJSON *problems;
	char at[512]; /* the JSON pointer of what is looked at */
	enum surface surface;
	int focus, inputs, problems_n;
};
enum { PROBLEMS_MAX = 20 };

static void bad(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void bad(struct check *c, const char *format, ...)
{
	char text[256], line[800];
	va_list ap;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (c->problems_n++ >= PROBLEMS_MAX)
		return;
	(void)snprintf(line, sizeof line, "[ERROR] %s [json-pointer:%s]", text,
		       *c->at ? c->at : "/");
	json_push(c->problems, json_string(line));
}

/* Steps into a member or an item; the result is the length to step back to. */
static size_t into(struct check *c, const char *name)
{
	size_t n = strlen(c->at);
	(void)snprintf(c->at + n, sizeof c->at - n, "/%.60s", name);
	return n;
}

static size_t into_item(struct check *c, size_t i)
{
	char z[24];
	(void)snprintf(z, sizeof z, "%zu", i);
	return into(c, z);
}

static void back(struct check *c, size_t n) { c->at[n] = 0; }

static void check_thing(struct check *c, const struct cJSON *j, unsigned roles);

static void check_length(struct check *c, const char *z, size_t min, size_t max)
{
	size_t n = utf8_points(str_z(z));
	if (n < min)
		bad(c, "must be more than %zu characters", min - 1);
	if (n > max)
		bad(c, "must be less than %zu characters", max + 1);
}

static void check_count(struct check *c, const struct cJSON *j, size_t min, size_t max)
{
	if (!json_is_array(j))
		bad(c, "must be an array");
	else if (json_count(j) < min)
		bad(c, "must have at least %zu items", min);
	else if (json_count(j) > max)
		bad(c, "no more than %zu items allowed", max);
}

static void check_string(struct check *c, const struct cJSON *j, size_t min, size_t max)
{
	if (!json_is_string(j))
		bad(c, "must be a string");
	else
		check_length(c, json_text(j), min, max);
}

static void check_text(struct check *c, const struct cJSON *j, bool is_plain, size_t min,
		       size_t max)
{
	const char *type = json_text_at(j, "type");
	bool is_mrkdwn = strcmp(type, "mrkdwn") == 0;
	if (!json_is_object(j)) {
		bad(c, "must be an object");
		return;
	}
	if (strcmp(type, "plain_text") != 0 && (is_plain || !is_mrkdwn)) {
		size_t n = into(c, "type");
		bad(c, is_plain ? "must be plain_text" : "must be plain_text or mrkdwn");
		back(c, n);
		return;
	}
	for (const struct cJSON *m = json_first(j); m; m = json_next(m)) {
		const char *name = json_name(m);
		size_t n = into(c, name);
		if (strcmp(name, "text") == 0)
			check_string(c, m, min, max);
		else if (strcmp(name, is_mrkdwn ? "verbatim" : "emoji") == 0 && !json_is_bool(m))
			bad(c, "must be a boolean");
		else if (strcmp(name, "type") != 0 &&
			 strcmp(name, is_mrkdwn ? "verbatim" : "emoji") != 0)
			bad(c, "invalid additional property: %.60s", name);
		back(c, n);
	}
	if (!json_key(j, "text"))
		bad(c, "missing required field: text");
}

static void check_part(struct check *c, const struct cJSON *j, const char *name, bool is_plain,
		       size_t max)
{
	const struct cJSON *part = json_key(j, name);
	size_t n = into(c, name);
	if (part)
		check_text(c, part, is_plain, 1, max);
	back(c, n);
	if (!part)
		bad(c, "missing required field: %s", name);
}

static void only_members(struct check *c, const struct cJSON *j, const char *names)
{
	for (const struct cJSON *m = json_first(j); m; m = json_next(m)) {
		const char *name = json_name(m), *found = strstr(names, name);
		size_t n = strlen(name);
		if (!found || (found != names && found[-1] != ' ') || (found[n] && found[n] != ' '))
			bad(c, "invalid additional property: %.60s", name);
	}
}

static void check_confirm(struct check *c, const struct cJSON *j)
{
	check_part(c, j, "title", true, 100);
	check_part(c, j, "text", false, 300);
	check_part(c, j, "confirm", true, 30);
	check_part(c, j, "deny", true, 30);
	const char *style = json_text_at(j, "style");
	if (json_key(j, "style") && strcmp(style, "primary") != 0 && strcmp(style, "danger") != 0)
		bad(c, "style must be primary or danger");
	only_members(c, j, "title text confirm deny style");
}

static void check_option(struct check *c, const struct cJSON *j)
{
	check_part(c, j, "text", false, 75);
	size_t n = into(c, "value");
	check_string(c, json_key(j, "value"), 1, 150);
	back(c, n);
	if (json_key(j, "description"))
		check_part(c, j, "description", false, 75);
	only_members(c, j, "text value description url");
}

static void check_options(struct check *c, const struct cJSON *j, size_t min, size_t max)
{
	check_count(c, j, min, max);
	size_t i = 0;
	for (const struct cJSON *o = json_first(j); o; o = json_next(o)) {
		size_t n = into_item(c, i++);
		check_option(c, o);
		back(c, n);
	}
}

static void check_groups(struct check *c, const struct cJSON *j, size_t max)
{
	check_count(c, j, 1, max);
	size_t i = 0;
	for (const struct cJSON *g = json_first(j); g; g = json_next(g)) {
		size_t n = into_item(c, i++);
		check_part(c, g, "label", true, 75);
		size_t m = into(c, "options");
		check_options(c, json_key(g, "options"), 1, 100);
		back(c, m);
		back(c, n);
	}
}

static void check_elements(struct check *c, const struct cJSON *j, const struct field *f)
{
	check_count(c, j, f->min, f->max);
	size_t i = 0;
	for (const struct cJSON *e = json_first(j); e; e = json_next(e)) {
		size_t n = into_item(c, i++);
		check_thing(c, e, f->roles);
		const char *id = json_text_at(e, "action_id");
		for (const struct cJSON *o = json_first(j); *id && o != e; o = json_next(o))
			if (strcmp(json_text_at(o, "action_id"), id) == 0)
				bad(c, "`action_id` \"%.60s\" already exists", id);
		back(c, n);
	}
}

static void check_texts(struct check *c, const struct cJSON *j, const struct field *f)
{
	check_count(c, j, f->min, f->max);
	size_t i = 0;
	for (const struct cJSON *e = json_first(j); e; e = json_next(e)) {
		size_t n = into_item(c, i++);
		check_text(c, e, false, 1, 2000);
		back(c, n);
	}
}

static bool digits_like(const char *z, const char *pattern) /* 0 = a digit, the rest itself */
{
	size_t i = 0;
	for (; pattern[i]; i++)
		if (pattern[i] == '0' ? z[i] < '0' || z[i] > '9' : z[i] != pattern[i])
			return false;
	return !z[i];
}

static bool is_one_of(const char *words, const char *z)
{
	size_t n = strlen(z);
	for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ')
		if (n == strcspn(at, " ") && memcmp(at, z, n) == 0)
			return true;
	return false;
}

static void check_styles(struct check *c, const struct cJSON *j)
{
	for (const struct cJSON *m = json_first(j); m; m = json_next(m))
		if (!is_one_of(
			    "bold italic strike code underline highlight client_highlight unlink",
			    json_name(m)) ||
		    !json_is_bool(m))
			bad(c, "invalid additional property: %.60s", json_name(m));
	if (!json_is_object(j))
		bad(c, "must be an object");
}

static void check_int(struct check *c, const struct cJSON *j, const struct field *f)
{
	int64_t n;
	if (!json_int(j, &n))
		bad(c, "must be an integer");
	else if (n < (int64_t)f->min || n > (int64_t)f->max)
		bad(c, "must be between %zu and %zu", f->min, f->max);
}

static void check_field(struct check *c, const struct cJSON *j, const struct field *f)
{
	switch (f->kind) {
	case FIELD_STRING: check_string(c, j, f->min, f->max); break;
	case FIELD_BOOL:
		if (!json_is_bool(j))
			bad(c, "must be a boolean");
		break;
	case FIELD_INT: check_int(c, j, f); break;
	case FIELD_WORD:
		if (!is_one_of(f->of, json_text(j)))
			bad(c, "must be one of: %s", f->of);
		break;
	case FIELD_DATE:
		if (!digits_like(json_text(j), "0000-00-00"))
			bad(c, "must be a date like YYYY-MM-DD");
		break;
	case FIELD_CLOCK:
		if (!digits_like(json_text(j), "00:00"))
			bad(c, "must be a time like HH:mm");
		break;
	case FIELD_PLAIN: check_text(c, j, true, f->min, f->max); break;
	case FIELD_TEXT: check_text(c, j, false, f->min, f->max); break;
	case FIELD_TEXTS: check_texts(c, j, f); break;
	case FIELD_CONFIRM: check_confirm(c, j); break;
	case FIELD_OPTION: check_option(c, j); break;
	case FIELD_OPTIONS: check_options(c, j, f->min, f->max); break;
	case FIELD_GROUPS: check_groups(c, j, f->max); break;
	case FIELD_ELEMENT: check_thing(c, j, f->roles); break;
	case FIELD_ELEMENTS: check_elements(c, j, f); break;
	case FIELD_STYLES: check_styles(c, j); break;
	case FIELD_ANY: break;
	}
}

/* What the tables can't say: one of two fields, and what belongs to a view only. */
static void check_special(struct check *c, const struct cJSON *j, const char *type)
{
	if (strcmp(type, "section") == 0 && !json_key(j, "text") && !json_key(j, "fields"))
		bad(c, "missing required field: text or fields");
	bool is_select =
		strcmp(type, "static_select") == 0 || strcmp(type, "multi_static_select") == 0;
	if (is_select && !json_key(j, "options") == !json_key(j, "option_groups"))
		bad(c, "exactly one of options, option_groups is required");
	if (json_true(json_key(j, "focus_on_load")) && c->focus++)
		bad(c, "only one element may have focus_on_load");
	c->inputs += strcmp(type, "input") == 0;
}

static const struct shape *shape_of(const char *type, unsigned roles)
{
	for (size_t i = 0; i < shapes_n; i++)
		if ((shapes[i].roles & roles) && strcmp(shapes[i].type, type) == 0)
			return &shapes[i];
	return NULL;
}

static void check_member(struct check *c, const struct cJSON *m, const struct shape *s)
{
	const struct field *f = s->fields;
	while (f < s->fields + 16 && f->name && strcmp(f->name, json_name(m)) != 0)
		f++;
	size_t n = into(c, json_name(m));
	if (f < s->fields + 16 && f->name)
		check_field(c, m, f);
	else
		bad(c, "invalid additional property: %.60s", json_name(m));
	back(c, n);
}

static void check_thing(struct check *c, const struct cJSON *j, unsigned roles)
{
	const char *type = json_text_at(j, "type");
	const struct shape *s = shape_of(type, roles);
	if (!json_is_object(j)) {
		bad(c, "must be an object");
		return;
	}
	if (!s || ((s->roles & ROLE_MESSAGE_ONLY) && c->surface != SURFACE_MESSAGE)) {
		size_t n = into(c, "type");
		bad(c, *type ? "unsupported type: %.60s" : "missing required field: type%.0s",
		    type);
		back(c, n);
		return;
	}
	for (const struct cJSON *m = json_first(j); m; m = json_next(m))
		if (strcmp(json_name(m), "type") != 0)
			check_member(c, m, s);
	for (const struct field *f = s->fields; f < s->fields + 16 && f->name; f++)
		if (f->is_needed && !json_key(j, f->name))
			bad(c, "missing required field: %s", f->name);
	check_special(c, j, type);
}

static void check_blocks(struct check *c, const struct cJSON *blocks)
{
	check_count(c, blocks, 0, c->surface == SURFACE_MESSAGE ? 50 : 100);
	size_t i = 0;
	for (const struct cJSON *b = json_first(blocks); b; b = json_next(b)) {
		size_t n = into_item(c, i++);
		check_thing(c, b, ROLE_BLOCK);
		const char *id = json_text_at(b, "block_id");
		for (const struct cJSON *o = json_first(blocks); *id && o != b; o = json_next(o))
			if (strcmp(json_text_at(o, "block_id"), id) == 0)
				bad(c, "`block_id` \"%.60s\" already exists", id);
		back(c, n);
	}
}

bool blocks_valid(const struct cJSON *blocks, enum surface s, struct cJSON *problems)
{
	struct check c = { .problems = problems, .at = "/blocks", .surface = s };
	check_blocks(&c, blocks);
	return !c.problems_n;
}

static void check_view_members(struct check *c, const struct cJSON *view)
{
	static const struct field members[] = {
		{ .name = "title", .kind = FIELD_PLAIN, .min = 1, .max = 24 },
		{ .name = "submit", .kind = FIELD_PLAIN, .min = 1, .max = 24 },
		{ .name = "close", .kind = FIELD_PLAIN, .min = 1, .max = 24 },
		{ .name = "private_metadata", .kind = FIELD_STRING, .max = 3000 },
		{ .name = "callback_id", .kind = FIELD_STRING, .max = 255 },
		{ .name = "external_id", .kind = FIELD_STRING, .max = 255 },
		{ .name = "clear_on_close", .kind = FIELD_BOOL },
		{ .name = "notify_on_close", .kind = FIELD_BOOL },
		{ .name = "submit_disabled", .kind = FIELD_BOOL },
		{ .name = "type", .kind = FIELD_WORD, .of = "modal home" },
		{ .name = "blocks", .kind = FIELD_ANY },
	};
	enum { N = sizeof members / sizeof *members };
	for (const struct cJSON *m = json_first(view); m; m = json_next(m)) {
		size_t i = 0, n = into(c, json_name(m));
		while (i < N && strcmp(members[i].name, json_name(m)) != 0)
			i++;
		bool is_modal_only = i < 3 || i == 8;
		if (i == N || (is_modal_only && c->surface == SURFACE_HOME))
			bad(c, "invalid additional property: %.60s", json_name(m));
		else
			check_field(c, m, &members[i]);
		back(c, n);
	}
}

bool view_valid(const struct cJSON *view, struct cJSON *problems)
{
	bool is_home = strcmp(json_text_at(view, "type"), "home") == 0;
	struct check c = { .problems = problems,
			   .at = "/view",
			   .surface = is_home ? SURFACE_HOME : SURFACE_MODAL };
	check_view_members(&c, view);
	if (!json_key(view, "type"))
		bad(&c, "missing required field: type");
	if (!is_home && !json_key(view, "title"))
		bad(&c, "missing required field: title");
	if (!json_key(view, "blocks"))
		bad(&c, "missing required field: blocks");
	size_t n = into(&c, "blocks");
	if (json_key(view, "blocks"))
		check_blocks(&c, json_key(view, "blocks"));
	back(&c, n);
	if (!is_home && c.inputs && !json_key(view, "submit"))
		bad(&c, "missing required field: submit");
	return !c.problems_n;
}
