/* connector_shape: what a connector file may say, and that it says it in the right words. What this
 * program can't do (poll, pages, OAuth, …) is no key here: it is refused, never passed over. */
#include <string.h>

#include "base/when.h"
#include "config/parts.h"
#include "model/nouns.h"

enum { TIMEOUT_MS_MAX = 60000 };

static void check_rules(struct config *c, const struct yaml *list)
{
	static const char *const keys[] = { "when", "is", NULL };
	static const char *const outcomes[] = { "done",      "already",  "not_found", "ambiguous",
						"pending",   "conflict", "reauth",    "transient",
						"permanent", "unknown",  NULL };
	for (const struct yaml *y = list ? list->first : NULL; y; y = y->next) {
		if (!check_keys(c, y, keys))
			continue;
		(void)want(c, y, "when", YAML_SCALAR);
		(void)choice(c, want(c, y, "is", YAML_SCALAR), outcomes);
	}
}

static void check_auth(struct config *c, const struct yaml *auth)
{
	static const char *const keys[] = { "kind", "name", "value", NULL };
	static const char *const kinds[] = { "none", "header", "bearer", NULL };
	if (!auth || !check_keys(c, auth, keys))
		return;
	int kind = choice(c, want(c, auth, "kind", YAML_SCALAR), kinds);
	if (kind > 0)
		(void)want(c, auth, "value", YAML_SCALAR);
	const struct yaml *name = kind == 1 ? want(c, auth, "name", YAML_SCALAR) : NULL;
	for (size_t i = 0; name && i < name->text.n; i++)
		if (!strchr("-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
			    name->text.at[i])) {
			report_at(c, name, "name: wanted the name of a header");
			return;
		}
}

static void check_defaults(struct config *c, const struct yaml *defaults)
{
	static const char *const keys[] = { "timeout", "errors", NULL };
	const struct yaml *timeout = may(c, defaults, "timeout", YAML_SCALAR);
	int64_t ms = 0;
	if (!defaults || !check_keys(c, defaults, keys))
		return;
	if (timeout && (!when_parse_span(timeout->text, &ms) || ms <= 0 || ms > TIMEOUT_MS_MAX))
		report_at(c, timeout, "timeout: wanted a span such as 10s, at most a minute");
	check_rules(c, may(c, defaults, "errors", YAML_LIST));
}

static void check_input(struct config *c, const struct yaml *input)
{
	static const char *const keys[] = { "type", "required", NULL };
	static const char *const types[] = {
		"string", "number", "boolean", "array", "object", NULL
	};
	for (const struct yaml *f = input ? input->first : NULL; f; f = f->next) {
		struct fail fail;
		bool is_required;
		if (!check_keys(c, f, keys))
			continue;
		(void)choice(c, want(c, f, "type", YAML_SCALAR), types);
		const struct yaml *required = may(c, f, "required", YAML_SCALAR);
		if (required && yaml_bool(required, &is_required, &fail) != RC_OK)
			report_fail(c, &fail);
	}
}

static void check_request(struct config *c, const struct yaml *rq, bool is_whole)
{
	static const char *const keys[] = { "method", "path", "params", "query",
					    "accept", "body", NULL };
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", NULL };
	if (!rq || !check_keys(c, rq, keys))
		return;
	const struct yaml *method =
		is_whole ? want(c, rq, "method", YAML_SCALAR) : may(c, rq, "method", YAML_SCALAR);
	const struct yaml *path =
		is_whole ? want(c, rq, "path", YAML_SCALAR) : may(c, rq, "path", YAML_SCALAR);
	(void)choice(c, method, methods);
	if (path && path->text.at[0] != '/')
		report_at(c, path, "path: wanted a path that begins with /");
	(void)may(c, rq, "accept", YAML_SCALAR);
}

static void check_idempotency(struct config *c, const struct yaml *y)
{
	static const char *const keys[] = { "kind", NULL };
	static const char *const kinds[] = { "server_key", "natural", "none", NULL };
	if (y && check_keys(c, y, keys))
		(void)choice(c, want(c, y, "kind", YAML_SCALAR), kinds);
}

/* revert: null takes away what like: would bring. */
static void check_revert(struct config *c, const struct yaml *revert, const struct yaml *ops)
{
	static const char *const keys[] = { "op", "input", NULL };
	if (!revert || (revert->kind == YAML_SCALAR && str_is(revert->text, "null")) ||
	    !check_keys(c, revert, keys))
		return;
	const struct yaml *op = want(c, revert, "op", YAML_SCALAR);
	(void)want(c, revert, "input", YAML_SCALAR);
	if (op && !yaml_key(ops, op->text.at))
		report_at(c, op, "op: this file has no operation %s", op->text.at);
}

static void check_operation(struct config *c, const struct yaml *op, const struct yaml *ops)
{
	static const char *const keys[] = { "kind",         "like",    "input",  "request",
					    "body_secrets", "outcome", "output", "idempotency",
					    "base_url",     "auth",    "revert", NULL };
	static const char *const kinds[] = { "lookup", "action", "page", "ticket", "notify", NULL };
	if (!check_keys(c, op, keys))
		return;
	const struct yaml *like = may(c, op, "like", YAML_SCALAR);
	const struct yaml *other = like ? yaml_key(ops, like->text.at) : NULL;
	if (like && (!other || yaml_key(other, "like")))
		report_at(c, like, "like: %s is no operation of its own in this file",
			  like->text.at);
	(void)choice(c, like ? may(c, op, "kind", YAML_SCALAR) : want(c, op, "kind", YAML_SCALAR),
		     kinds);
	(void)may(c, op, "base_url", YAML_SCALAR);
	check_auth(c, may(c, op, "auth", YAML_MAP));
	check_input(c, may(c, op, "input", YAML_MAP));
	check_request(c, like ? may(c, op, "request", YAML_MAP) : want(c, op, "request", YAML_MAP),
		      !like);
	check_rules(c, like ? may(c, op, "outcome", YAML_LIST) : want(c, op, "outcome", YAML_LIST));
	check_idempotency(c, may(c, op, "idempotency", YAML_MAP));
	check_revert(c, yaml_key(op, "revert"), ops);
	const struct yaml *secrets = may(c, op, "body_secrets", YAML_MAP);
	for (const struct yaml *s = secrets ? secrets->first : NULL; s; s = s->next)
		if (s->kind != YAML_SCALAR)
			report_at(c, s, "%s: wanted ${secret:NAME}", s->name);
}

static void check_tests(struct config *c, const struct yaml *tests, const struct yaml *ops)
{
	static const char *const keys[] = {
		"op",       "config", "input", "expect_request", "expect_refused",
		"response", "expect", NULL
	};
	static const char *const request[] = { "method", "path", "body", NULL };
	static const char *const response[] = { "status", "body", NULL };
	static const char *const expect[] = { "outcome", "output", "revert", NULL };
	for (const struct yaml *t = tests ? tests->first : NULL; t; t = t->next) {
		if (!check_keys(c, t, keys))
			continue;
		const struct yaml *op = want(c, t, "op", YAML_SCALAR);
		if (op && !yaml_key(ops, op->text.at))
			report_at(c, op, "op: this file has no operation %s", op->text.at);
		(void)want(c, t, "input", YAML_MAP);
		if (yaml_key(t, "expect_request"))
			check_keys(c, yaml_key(t, "expect_request"), request);
		if (yaml_key(t, "response"))
			check_keys(c, yaml_key(t, "response"), response);
		if (yaml_key(t, "expect"))
			check_keys(c, yaml_key(t, "expect"), expect);
		if (!yaml_key(t, "response") != !yaml_key(t, "expect"))
			report_at(c, t, "wanted response: and expect: together");
	}
}

bool connector_is_shaped(struct config *c, const struct yaml *root, const char *name)
{
	static const char *const keys[] = { "connector", "version",    "base_url", "auth",
					    "defaults",  "operations", "tests",    NULL };
	size_t before = c->report->errors;
	int64_t v;
	struct fail fail;
	if (!check_keys(c, root, keys))
		return false;
	const struct yaml *called = want(c, root, "connector", YAML_SCALAR),
			  *version = want(c, root, "version", YAML_SCALAR),
			  *ops = want(c, root, "operations", YAML_MAP);
	if (called && !str_is(called->text, name))
		report_at(c, called, "connector: wanted %s, as the file is called", name);
	if (version && yaml_int(version, (struct yaml_range){ 1, 1 }, &v, &fail) != RC_OK)
		report_fail(c, &fail);
	(void)want(c, root, "base_url", YAML_SCALAR);
	check_auth(c, may(c, root, "auth", YAML_MAP));
	check_defaults(c, may(c, root, "defaults", YAML_MAP));
	for (const struct yaml *op = ops ? ops->first : NULL; op; op = op->next)
		check_operation(c, op, ops);
	const struct yaml *tests = want(c, root, "tests", YAML_LIST);
	if (ops)
		check_tests(c, tests, ops);
	return c->report->errors == before;
}
