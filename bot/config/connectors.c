/* connectors: vendor APIs, described. Each file becomes one JSON document in which every jq
 * expression is the number of its compiled form, and `like:` is filled in; vendor/engine runs it.
 */
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

enum { CONNECTOR_EXPRESSIONS_MAX = 256 };

struct gather {
	struct jq_source at[CONNECTOR_EXPRESSIONS_MAX];
	size_t n;
	struct config *c;
	struct config_report *r;
};

/* Replaces the text at object.key by the number of its expression. */
static void take(struct gather *g, const struct yaml *map, const char *key, const char *path,
		 struct cJSON *object)
{
	const struct yaml *y = yaml_key(map, key);
	if (!y || y->kind != YAML_SCALAR || !json_is_string(json_key(object, key)))
		return;
	if (g->n == CONNECTOR_EXPRESSIONS_MAX) {
		report_at(g->r, y, "more than %d expressions in one connector",
			  CONNECTOR_EXPRESSIONS_MAX);
		return;
	}
	g->at[g->n] = jq_source_of(arena_f(&g->c->arena, "%s.%s", path, key), y);
	json_put_num(object, key, (double)g->n++);
}

static struct cJSON *member(const struct cJSON *object, const char *key)
{
	return (struct cJSON *)(uintptr_t)json_key(object, key);
}

static void take_rules(struct gather *g, const struct yaml *list, const char *path,
		       const struct cJSON *rules)
{
	const struct cJSON *rule = json_first(rules);
	for (const struct yaml *y = list ? list->first : NULL; y && rule;
	     y = y->next, rule = json_next(rule))
		take(g, y, "when", path, (struct cJSON *)(uintptr_t)rule);
}

static void take_operation(struct gather *g, const struct yaml *op, struct cJSON *j)
{
	static const char *const parts[] = { "params", "query", "body", "form", NULL };
	const char *path = arena_f(&g->c->arena, "operations.%s", op->name);
	const struct yaml *request = yaml_key(op, "request");
	for (size_t i = 0; request && parts[i]; i++)
		take(g, request, parts[i], path, member(j, "request"));
	take_rules(g, yaml_key(op, "outcome"), path, json_key(j, "outcome"));
	take(g, op, "output", path, j);
	if (yaml_key(op, "revert"))
		take(g, yaml_key(op, "revert"), "input", path, member(j, "revert"));
}

/* like: the other operation's members below this one's own, member by member; but not its input. */
static void merge(struct cJSON *into, const struct cJSON *from, bool is_top)
{
	for (const struct cJSON *m = json_first(from); m; m = json_next(m)) {
		const char *name = json_name(m);
		struct cJSON *own = member(into, name);
		if (is_top && (strcmp(name, "input") == 0 || strcmp(name, "like") == 0))
			continue;
		if (!own)
			json_put(into, name, json_copy(m));
		else if (json_is_object(own) && json_is_object(m))
			merge(own, m, false);
	}
}

static void take_all(struct gather *g, const struct yaml *root, struct cJSON *doc)
{
	const struct yaml *operations = yaml_key(root, "operations"),
			  *defaults = yaml_key(root, "defaults");
	struct cJSON *ops = member(doc, "operations");
	if (defaults)
		take_rules(g, yaml_key(defaults, "errors"), "defaults.errors",
			   json_get(doc, "defaults.errors"));
	for (const struct yaml *op = operations->first; op; op = op->next)
		take_operation(g, op, member(ops, op->name));
	for (const struct yaml *op = operations->first; op; op = op->next) {
		const struct yaml *like = yaml_key(op, "like");
		const struct cJSON *other = like ? json_key(ops, like->text.at) : NULL;
		if (like && (!other || json_key(other, "like")))
			report_at(g->r, like, "like: %s is no operation of its own in this file",
				  like->text.at);
		else if (other)
			merge(member(ops, op->name), other, true);
	}
}

/* ${secret:NAME} under body_secrets and auth: found anywhere in the document, resolved once, never
 * part of it. */
static void find_secrets(struct config *c, const struct yaml *y, struct config_report *r)
{
	for (const struct yaml *m = y->first; m; m = m->next)
		find_secrets(c, m, r);
	const char *name = y->kind == YAML_SCALAR ? secret_name(&c->arena, y->text) : NULL;
	if (!name)
		return;
	for (size_t i = 0; i < c->policy.secrets_n; i++)
		if (strcmp(c->secrets[i].name, name) == 0)
			return;
	if (c->policy.secrets_n == SECRETS_MAX) {
		report_at(r, y, "more than %d secrets", SECRETS_MAX);
		return;
	}
	struct named_secret *s = &c->secrets[c->policy.secrets_n++];
	struct fail fail;
	s->name = name;
	if (secret_resolve(&c->arena, y->text, &s->value, &fail) != RC_OK && c->needs_secrets)
		report_at(r, y, "%s", fail.why);
}

static bool is_shaped(const struct yaml *root, const char *name, struct config_report *r)
{
	static const char *const keys[] = { "connector", "version",    "base_url", "auth",
					    "defaults",  "operations", "tests",    NULL };
	static const char *const ops[] = { "kind",         "like",     "danger",  "guard",
					   "cache",        "optional", "input",   "request",
					   "body_secrets", "pages",    "outcome", "output",
					   "idempotency",  "poll",     "verify",  "revert",
					   "steps",        NULL };
	struct fail fail;
	const struct yaml *y = NULL, *operations = NULL;
	enum rc rc = yaml_check_keys(root, keys, &fail);
	if (rc == RC_OK)
		rc = yaml_want(root, "connector", YAML_SCALAR, &y, &fail);
	if (rc == RC_OK && !str_is(y->text, name))
		rc = YAML_FAIL(y, &fail, "connector: wanted %s, as the file is called", name);
	if (rc == RC_OK)
		rc = yaml_want(root, "base_url", YAML_SCALAR, &y, &fail);
	if (rc == RC_OK)
		rc = yaml_want(root, "operations", YAML_MAP, &operations, &fail);
	for (const struct yaml *op = rc == RC_OK ? operations->first : NULL; op && rc == RC_OK;
	     op = op->next) {
		rc = yaml_check_keys(op, ops, &fail);
		if (rc == RC_OK && op->kind != YAML_MAP)
			rc = YAML_FAIL(op, &fail, "operations.%s: wanted a map", op->name);
	}
	if (rc != RC_OK)
		report_fail(r, &fail);
	return rc == RC_OK;
}

static void read_one(struct config *c, const char *name, struct config_report *r)
{
	struct connector_file *f = &c->connectors[c->connectors_n];
	struct fail fail;
	struct str body;
	f->file = arena_f(&c->arena, "%s/%s", c->connectors_folder, name);
	f->name = arena_str(&c->arena, (struct str){ name, strlen(name) - strlen(".yaml") });
	const struct yaml *root = NULL;
	if (file_read(&c->arena, f->file, &body, &fail) != RC_OK ||
	    !(root = yaml_parse(body, f->file, &c->arena, &fail))) {
		report_fail(r, &fail);
		return;
	}
	if (!is_shaped(root, f->name, r))
		return;
	struct gather *g = arena_new(&c->arena, struct gather);
	g->c = c;
	g->r = r;
	struct cJSON *doc = yaml_to_json(root);
	take_all(g, root, doc);
	if (c->pager && strcmp(f->name, c->pager) == 0)
		find_secrets(c, root, r);
	struct jq_set *set = NULL;
	if (jq_set_new(g->at, g->n, NULL, &set, &fail) != RC_OK)
		report_fail(r, &fail);
	f->doc = doc;
	f->jq = set;
	c->connectors_n++;
}

void connectors_read(struct config *c, struct config_report *r)
{
	const char *names[CONNECTORS_MAX];
	size_t n = 0;
	struct fail fail;
	if (folder_list(&c->arena, c->connectors_folder, ".yaml", names, CONNECTORS_MAX, &n,
			&fail) != RC_OK) {
		report_fail(r, &fail);
		return;
	}
	c->connectors = arena_many(&c->arena, struct connector_file, n + 1);
	for (size_t i = 0; i < n; i++)
		read_one(c, names[i], r);
}
