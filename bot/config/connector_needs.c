/* connector_needs: what a pager's connector needs beside its file: secrets, values of the section
 * pager:, a URL that will do. All of it is asked for at start, for at night it would be too late.
 */
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

/* One pager that is being looked at. */
struct needs {
	struct config *c;
	const struct pager_settings *own;
	struct pager *pager;
};

/* The connector's name for a secret is the operator's too, unless secrets: says another one. */
static void note_secret(struct needs *n, const struct yaml *at, struct str reference)
{
	struct config *c = n->c;
	const char *name = secret_name(&c->arena, reference), *theirs = name;
	struct fail fail;
	if (!name) {
		report_at(c, at, "%.*s: wanted ${secret:NAME}", STR_ARG(reference));
		return;
	}
	for (size_t i = 0; i < n->pager->secrets_n; i++)
		if (strcmp(n->own->list[i].name, name) == 0)
			return;
	if (n->pager->secrets_n == SECRETS_MAX) {
		report_at(c, at, "more than %d secrets", SECRETS_MAX);
		return;
	}
	struct named_secret *s = &n->own->list[n->pager->secrets_n++];
	s->name = name;
	const struct yaml *other = may(c, n->own->secrets, name, YAML_SCALAR);
	if (other) {
		at = other;
		theirs = secret_name(&c->arena, other->text);
	}
	if (!theirs)
		report_at(c, at,
			  "%s: wanted ${secret:NAME}: a secret itself never stands in this file",
			  name);
	else if (secret_read(&c->arena, theirs, &s->value, &fail) != RC_OK && c->needs_secrets)
		report_at(c, at, "%s", fail.why);
}

/* secrets: renames what the connector asks for; another word there would rename nothing. */
static void check_renamed(const struct needs *n)
{
	const char *names[SECRETS_MAX + 1] = { NULL };
	for (size_t i = 0; i < n->pager->secrets_n; i++)
		names[i] = n->own->list[i].name;
	if (n->own->secrets)
		(void)check_keys(n->c, n->own->secrets, names);
}

static const char *config_value(const struct needs *n, const struct yaml *at, struct str name)
{
	const char *z = arena_str(&n->c->arena, name);
	const struct cJSON *v = json_key(n->own->config, z);
	if (!json_is_string(v) || !json_text(v)[0])
		report_at(n->c, n->own->at,
			  "%s is missing: wanted a text, for %s:%d says ${config.%s}", z, at->file,
			  at->line, z);
	return json_text(v);
}

/* The text with its ${config.NAME} filled in; its ${secret:NAME} are noted and left as they are. */
static const char *fill(struct needs *n, const struct yaml *at)
{
	struct config *c = n->c;
	CLEANUP(buf_free) struct buf out = BUF(4096);
	struct str before, inside, rest = at->text;
	while (str_cut(rest, '$', &before, &rest)) {
		buf_add(&out, before);
		struct str from = { rest.at - 1, 0 };
		if (!str_starts(rest, STR("{")) || !str_cut(rest, '}', &inside, &rest)) {
			report_at(c, at, "%.80s: wanted ${config.NAME} or ${secret:NAME}",
				  at->text.at);
			return "";
		}
		from.n = inside.n + 2;
		inside = (struct str){ inside.at + 1, inside.n - 1 };
		if (str_starts(inside, STR("config."))) {
			struct str name = { inside.at + 7, inside.n - 7 };
			buf_addz(&out, config_value(n, at, name));
		} else {
			note_secret(n, at, from);
			buf_add(&out, from);
		}
	}
	buf_add(&out, before);
	return arena_str(&c->arena, buf_str(&out));
}

static void fill_all(struct needs *n, const struct yaml *map)
{
	for (const struct yaml *y = map ? map->first : NULL; y; y = y->next)
		(void)fill(n, y);
}

static void need_url(struct needs *n, const struct yaml *base)
{
	bool is_loopback;
	size_t before = n->c->report->errors;
	const char *url = fill(n, base);
	const char *complaint = url_complaint(str_z(url), &is_loopback);
	struct str start, name = { "base_url", 8 }, rest;
	if (!complaint || n->c->report->errors != before)
		return;
	/* The value it is made of is the operator's, and so is the place to be told. */
	if (str_starts(base->text, STR("${config.")) && str_cut(base->text, '.', &start, &rest))
		str_cut(rest, '}', &name, &rest);
	const char *key = arena_str(&n->c->arena, name);
	report_at(n->c, spot(n->own->at, key), "%s: %s", key, complaint);
}

/* An operation with a base_url of its own is optional: it is there for who gives the value that the
 * URL names, in the section pager:, and then all it needs must be there. */
static bool is_wanted(const struct needs *n, const struct yaml *op)
{
	const struct yaml *base = yaml_key(op, "base_url");
	struct str start, name, rest = base ? base->text : (struct str){ 0 };
	while (str_cut(rest, '{', &start, &rest) && str_cut(rest, '}', &name, &rest))
		if (str_starts(name, STR("config.")) &&
		    !json_key(n->own->config,
			      arena_str(&n->c->arena, (struct str){ name.at + 7, name.n - 7 })))
			return false;
	return true;
}

static void need_operation(struct needs *n, const struct yaml *op)
{
	const struct yaml *base = yaml_key(op, "base_url"), *kind = yaml_key(op, "kind");
	const struct yaml *key = yaml_key(yaml_key(op, "input"), "key");
	if (strcmp(op->name, "confirm") == 0 &&
	    (!key || !kind || !str_is(kind->text, "lookup") || yaml_key(op, "like")))
		report_at(n->c, op,
			  "confirm: wanted kind: lookup and an input: key: it looks for the "
			  "incident of a page that was accepted");
	if (!is_wanted(n, op))
		return;
	n->pager->confirms = n->pager->confirms || strcmp(op->name, "confirm") == 0;
	if (base)
		need_url(n, base);
	fill_all(n, yaml_key(op, "auth"));
	fill_all(n, yaml_key(op, "body_secrets"));
}

void connector_needs(struct config *c, size_t pager, const struct yaml *root)
{
	struct needs n = { c, &c->pagers[pager], &c->policy.pagers[pager] };
	const struct yaml *ops = yaml_key(root, "operations"), *trigger = yaml_key(ops, "trigger");
	const struct yaml *base = yaml_key(root, "base_url");
	need_url(&n, base);
	fill_all(&n, yaml_key(root, "auth"));
	for (const struct yaml *op = ops->first; op; op = op->next)
		need_operation(&n, op);
	const struct yaml *kind = yaml_key(trigger, "kind"),
			  *repeat = yaml_key(yaml_key(trigger, "idempotency"), "kind");
	if (!kind || !str_is(kind->text, "page"))
		report_at(c, trigger ? trigger : ops,
			  "trigger is missing: wanted an operation of that name with kind: page");
	else if (!repeat || !str_is(repeat->text, "server_key"))
		report_at(c, trigger,
			  "trigger: wanted idempotency: {kind: server_key}: a page is "
			  "repeated until it is confirmed");
	check_renamed(&n);
}
