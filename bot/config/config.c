/* config: brings the parts together and owns them. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

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
	c->policy.sources = c->sources = arena_many(&c->arena, struct source, SOURCES_MAX);
	settings_read(c, file);
	if (c->playbooks_folder)
		playbooks_read(c);
	if (c->connectors_folder)
		connectors_read(c);
	pagers_choose(c);
	if (report->errors == before) /* ours, not the operator's, and the slowest to compile */
		templates_read(c);
	if (report->errors == before)
		return c;
	config_free(c);
	return NULL;
}

static void wipe_secrets(struct config *c)
{
	for (size_t i = 0; i < c->policy.pagers_n; i++)
		for (size_t k = 0; k < SECRETS_MAX; k++)
			secret_wipe(&c->pagers[i].list[k].value);
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
	for (size_t i = 0; i < c->policy.pagers_n; i++)
		json_free(c->pagers[i].config);
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
