/* config: brings the parts together and owns them. */
#include "config/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "config/parts.h"

void report_fail(struct config_report *r, const struct fail *fail)
{
	r->errors++;
	r->say(r->self, fail->why);
}

void report_at(struct config_report *r, const struct yaml *at, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct fail fail;
	yaml_complain(at, &fail, "%s", text);
	report_fail(r, &fail);
}

/* The pager is one of the connectors; a bot that can't page must not start. */
static void choose_pager(struct config *c, struct config_report *r)
{
	if (!c->pager || !c->pager[0])
		return;
	for (size_t i = 0; i < c->connectors_n; i++)
		if (strcmp(c->connectors[i].name, c->pager) == 0) {
			c->policy.pager = c->connectors[i].doc;
			c->policy.pager_jq = c->connectors[i].jq;
			return;
		}
	struct fail fail;
	fail_set(&fail, RC_ABSENT, "pager.connector: there is no %s/%s.yaml that can be used",
		 c->connectors_folder, c->pager);
	report_fail(r, &fail);
}

struct config *config_load(const char *file, bool needs_secrets, struct config_report *report)
{
	struct config *c = mem_new(sizeof(*c));
	c->arena = ARENA((size_t)512 << 20);
	c->needs_secrets = needs_secrets;
	const char *slash = strrchr(file, '/');
	c->folder =
		slash ? arena_str(&c->arena, (struct str){ file, (size_t)(slash - file) + 1 }) : "";
	c->secrets = arena_many(&c->arena, struct named_secret, SECRETS_MAX);
	c->policy.secrets = c->secrets;
	size_t before = report->errors;
	settings_read(c, file, report);
	templates_read(c, report);
	if (c->playbooks_folder)
		playbooks_read(c, report);
	if (c->connectors_folder)
		connectors_read(c, report);
	choose_pager(c, report);
	if (report->errors == before)
		return c;
	config_free(c);
	return NULL;
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
