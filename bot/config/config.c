/* config: brings the parts together and owns them. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

/* The pager is one of the connectors; a bot that can't page must not start. */
static void choose_pager(struct config *c)
{
	for (size_t i = 0; c->pager && i < c->connectors_n; i++)
		if (strcmp(c->connectors[i].name, c->pager) == 0) {
			c->policy.pager = c->connectors[i].doc;
			c->policy.pager_jq = c->connectors[i].jq;
			return;
		}
	const char *names[CONNECTORS_MAX + 1] = { NULL };
	for (size_t i = 0; i < c->connectors_n; i++)
		names[i] = c->connectors[i].name;
	const char *near = c->pager ? yaml_nearest(c->pager, names) : NULL;
	if (c->pager)
		report_at(c, spot(c->pager_at, "connector"),
			  "connector: there is no %s/%.60s.yaml that can be used%s%s",
			  c->connectors_folder, c->pager, near ? ": did you mean " : "",
			  near ? near : "");
}

struct config *config_load(const char *file, bool needs_secrets, struct config_report *report)
{
	struct config *c = mem_new(sizeof(*c));
	const char *slash = strrchr(file, '/');
	size_t before = report->errors;
	c->arena = ARENA((size_t)512 << 20);
	c->report = report;
	c->needs_secrets = needs_secrets;
	c->folder =
		slash ? arena_str(&c->arena, (struct str){ file, (size_t)(slash - file) + 1 }) : "";
	c->policy.secrets = c->secrets = arena_many(&c->arena, struct named_secret, SECRETS_MAX);
	c->policy.sources = c->sources = arena_many(&c->arena, struct source, SOURCES_MAX);
	settings_read(c, file);
	if (c->playbooks_folder)
		playbooks_read(c);
	if (c->connectors_folder)
		connectors_read(c);
	choose_pager(c);
	if (report->errors == before) /* ours, not the operator's, and the slowest to compile */
		templates_read(c);
	if (report->errors == before)
		return c;
	config_free(c);
	return NULL;
}

static void wipe_secrets(struct config *c)
{
	for (size_t i = 0; i < SECRETS_MAX; i++)
		secret_wipe(&c->secrets[i].value);
	explicit_bzero(c->sources, SOURCES_MAX * sizeof(*c->sources));
}

static void drop_set(const struct jq_set *set) { jq_set_free((struct jq_set *)(uintptr_t)set); }

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->policy.playbooks_n; i++)
		drop_set(c->playbooks[i].jq);
	for (size_t i = 0; i < c->connectors_n; i++) {
		drop_set(c->connectors[i].jq);
		json_free((struct cJSON *)(uintptr_t)c->connectors[i].doc);
	}
	drop_set(c->policy.matches);
	drop_set(c->policy.templates);
	json_free(c->texts);
	json_free(c->pager_config);
	wipe_secrets(c);
	arena_clear(&c->arena);
	explicit_bzero(c, sizeof(*c));
	free(c);
}

const struct policy *config_policy(const struct config *c) { return &c->policy; }
struct config_place config_place(const struct config *c) { return c->place; }
size_t config_connectors(const struct config *c, const struct connector_file **out)
{
	*out = c->connectors;
	return c->connectors_n;
}
