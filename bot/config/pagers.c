/* pagers: the section pager: of securitybot.yaml, one way to wake the on-call or a list of them in
 * the order in which they are called. A bot that can't page must not start. */
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

/* A name is the gate of that pager's requests, and analysts read it. */
static bool is_pager_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.at[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", s.at[i]))
			return false;
	return s.n > 0 && s.n <= PAGER_NAME_MAX;
}

static const char *read_name(struct config *c, const struct yaml *at, const char *connector)
{
	const struct yaml *name = may(c, at, "name", YAML_SCALAR);
	const char *called = name ? arena_str(&c->arena, name->text) : connector;
	if (name && !is_pager_name(name->text))
		report_at(c, name, "name: wanted at most %d of a-z, 0-9, - and _", PAGER_NAME_MAX);
	for (size_t i = 0; i < c->policy.pagers_n; i++)
		if (called[0] && strcmp(c->policy.pagers[i].name, called) == 0)
			report_at(c, spot(at, "name"),
				  "there is a pager %.60s already: wanted a name: of its own",
				  called);
	return called;
}

static void read_one(struct config *c, const struct yaml *at)
{
	static const char *const ours[] = { "connector", "name", "secrets" };
	if (c->policy.pagers_n == PAGERS_MAX) {
		report_at(c, at, "pager: more than %d", PAGERS_MAX);
		return;
	}
	const size_t n = c->policy.pagers_n;
	struct pager_settings *s = &c->pagers[n];
	const struct yaml *connector = want(c, at, "connector", YAML_SCALAR);
	s->at = at;
	s->connector = connector ? arena_str(&c->arena, connector->text) : "";
	s->secrets = may(c, at, "secrets", YAML_MAP);
	s->list = arena_many(&c->arena, struct named_secret, SECRETS_MAX);
	s->config = yaml_to_json(at);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		json_drop(s->config, ours[i]);
	c->policy.pagers[n] = (struct pager){ .name = read_name(c, at, s->connector),
					      .config = s->config,
					      .secrets = s->list };
	c->policy.pagers_n++;
}

void pagers_read(struct config *c, const struct yaml *root)
{
	const struct yaml *pager = yaml_key(root, "pager");
	bool is_list = pager && pager->kind == YAML_LIST;
	if (!is_list) {
		pager = want(c, root, "pager", YAML_MAP);
		if (pager)
			read_one(c, pager);
		return;
	}
	if (!pager->first)
		report_at(c, pager, "pager: the list is empty: nobody could be woken");
	for (const struct yaml *y = pager->first; y; y = y->next) {
		if (y->kind == YAML_MAP)
			read_one(c, y);
		else
			report_at(c, y, "pager: wanted keys and values: connector: NAME, …");
	}
}

static void choose(struct config *c, size_t n)
{
	const char *wanted = c->pagers[n].connector, *names[CONNECTORS_MAX + 1] = { NULL };
	for (size_t i = 0; i < c->connectors_n; i++) {
		names[i] = c->connectors[i].name;
		if (strcmp(names[i], wanted) != 0)
			continue;
		c->policy.pagers[n].doc = c->connectors[i].doc;
		c->policy.pagers[n].jq = c->connectors[i].jq;
		return;
	}
	const char *near = yaml_nearest(wanted, names);
	report_at(c, spot(c->pagers[n].at, "connector"),
		  "connector: there is no %s/%.60s.yaml that can be used%s%s", c->connectors_folder,
		  wanted, near ? ": did you mean " : "", near ? near : "");
}

void pagers_choose(struct config *c)
{
	for (size_t i = 0; i < c->policy.pagers_n; i++)
		if (c->pagers[i].connector[0])
			choose(c, i);
}
