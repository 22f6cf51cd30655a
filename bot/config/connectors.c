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
};

static struct cJSON *member(const struct cJSON *object, const char *key)
{
	return (struct cJSON *)(uintptr_t)json_key(object, key);
}

/* Replaces what stands at object.key by the number of its expression, whatever it looks like in
 * YAML: `when: true` is jq, too. */
static void take(struct gather *g, const struct yaml *map, const char *key, const char *path,
		 struct cJSON *object)
{
	const struct yaml *y = may(g->c, map, key, YAML_SCALAR);
	if (!y)
		return;
	if (g->n == CONNECTOR_EXPRESSIONS_MAX) {
		report_at(g->c, y, "%s: more than %d expressions in one connector", key,
			  CONNECTOR_EXPRESSIONS_MAX);
		return;
	}
	g->at[g->n] = jq_source_of(arena_f(&g->c->arena, "%s.%s", path, key), y);
	json_put_num(object, key, (double)g->n++);
}

static void take_rules(struct gather *g, const struct yaml *list, const char *path,
		       const struct cJSON *rules)
{
	const struct cJSON *rule = json_first(rules);
	for (const struct yaml *y = list ? list->first : NULL; y; y = y->next) {
		take(g, y, "when", path, (struct cJSON *)(uintptr_t)rule);
		rule = json_next(rule);
	}
}

static void take_operation(struct gather *g, const struct yaml *op, struct cJSON *j)
{
	static const char *const parts[] = { "params", "query", "body", NULL };
	const char *path = arena_f(&g->c->arena, "operations.%s", op->name);
	const char *outcome = arena_f(&g->c->arena, "%s.outcome", path);
	for (size_t i = 0; parts[i]; i++)
		take(g, yaml_key(op, "request"), parts[i], path, member(j, "request"));
	take_rules(g, yaml_key(op, "outcome"), outcome, json_key(j, "outcome"));
	take(g, op, "output", path, j);
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
	const struct yaml *operations = yaml_key(root, "operations");
	struct cJSON *ops = member(doc, "operations");
	take_rules(g, yaml_key(yaml_key(root, "defaults"), "errors"), "defaults.errors",
		   json_get(doc, "defaults.errors"));
	for (const struct yaml *op = operations->first; op; op = op->next)
		take_operation(g, op, member(ops, op->name));
	for (const struct yaml *op = operations->first; op; op = op->next) {
		const struct yaml *like = yaml_key(op, "like");
		if (like)
			merge(member(ops, op->name), json_key(ops, like->text.at), true);
	}
}

static void read_one(struct config *c, const char *name)
{
	struct connector_file *f = &c->connectors[c->connectors_n];
	struct fail fail;
	struct str body, stem = str_z(name);
	struct jq_set *set = NULL;
	const struct yaml *root = NULL;
	stem.n -= strlen(".yaml");
	f->file = arena_f(&c->arena, "%s/%s", c->connectors_folder, name);
	f->name = arena_str(&c->arena, stem);
	if (file_read(&c->arena, f->file, &body, &fail) != RC_OK ||
	    !(root = yaml_parse(body, f->file, &c->arena, &fail))) {
		report_fail(c, &fail);
		return;
	}
	if (!connector_is_shaped(c, root, f->name))
		return;
	for (size_t i = 0; i < c->policy.pagers_n; i++)
		if (strcmp(f->name, c->pagers[i].connector) == 0)
			connector_needs(c, i, root);
	struct gather *g = arena_new(&c->arena, struct gather);
	struct cJSON *doc = yaml_to_json(root);
	g->c = c;
	take_all(g, root, doc);
	if (jq_set_new(g->at, g->n, NULL, &set, &fail) != RC_OK)
		report_fail(c, &fail);
	f->doc = doc;
	f->jq = set;
	c->connectors_n++;
}

void connectors_read(struct config *c)
{
	const char *files[CONNECTORS_MAX];
	struct names names = { files, CONNECTORS_MAX, 0 };
	struct fail fail;
	if (folder_list(&c->arena, c->connectors_folder, ".yaml", &names, &fail) != RC_OK) {
		report_fail(c, &fail);
		return;
	}
	c->connectors = arena_many(&c->arena, struct connector_file, names.n + 1);
	for (size_t i = 0; i < names.n; i++)
		read_one(c, files[i]);
}
